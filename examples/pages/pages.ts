import { createServer, type Server } from 'node:http';
import type { AsyncIOMotorDatabase } from 'motor-mongo/asyncio';

/** A page: its name is its `_id`. */
export interface Page {
  _id: string;
  body: string;
}

/** Put two pages into the database, in place of whatever pages there are. */
export async function setUp(db: AsyncIOMotorDatabase): Promise<void> {
  const pages = db.get_collection<Page>('pages');
  await pages.drop();
  await pages.insert_many([
    { _id: 'page-one', body: 'Hello!' },
    { _id: 'page-two', body: 'Goodbye.' },
  ]);
}

/** A web server that answers with the pages in the database: `GET /pages/page-one`. */
export function pageServer(db: AsyncIOMotorDatabase): Server {
  const pages = db.get_collection<Page>('pages');

  async function pageOf(url: string | undefined): Promise<Page | null> {
    const name = /^\/pages\/([^/?]+)/.exec(url ?? '')?.[1];
    return name === undefined ? null : pages.find_one(decodeURIComponent(name));
  }

  return createServer(async (request, response) => {
    try {
      const page = await pageOf(request.url);
      response.writeHead(page === null ? 404 : 200, { 'content-type': 'text/plain; charset=utf-8' });
      response.end(page === null ? `No page at ${request.url}\n` : page.body);
    } catch (error) {
      // A name such as %zz is no name; else the database cannot be reached.
      response.writeHead(error instanceof URIError ? 400 : 500).end();
      if (!(error instanceof URIError)) console.error(error);
    }
  });
}

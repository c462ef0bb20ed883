import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { expect } from 'chai';
import { pageServer, setUp } from '../../examples/pages/pages';
import { newAsyncIOClient, uniqueName } from '../support/clients';

describe('the pages of the asyncio tutorial', () => {
  const database = uniqueName();
  let server: Server;

  async function get(path: string): Promise<{ status: number; body: string }> {
    const { port } = server.address() as AddressInfo;
    const response = await fetch(`http://127.0.0.1:${port}${path}`);
    return { status: response.status, body: await response.text() };
  }

  beforeEach(async () => {
    const db = newAsyncIOClient().get_database(database);
    await setUp(db);
    server = pageServer(db);
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  });

  afterEach(async () => {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
    await newAsyncIOClient().drop_database(database);
  });

  it('are served by their names', async () => {
    expect(await get('/pages/page-one')).to.deep.equal({ status: 200, body: 'Hello!' });
    expect(await get('/pages/page%2Dtwo?x=1')).to.deep.equal({ status: 200, body: 'Goodbye.' });
  });

  it('are 404 where there is none, and 400 where the name is none', async () => {
    for (const path of ['/pages/page-three', '/pages/', '/', '/pages/%7B%22%24ne%22:1%7D']) {
      expect(await get(path), path).to.have.property('status', 404);
    }
    expect(await get('/pages/%zz')).to.have.property('status', 400);
  });

  it('are read anew for every request', async () => {
    const pages = newAsyncIOClient().get_database(database).get_collection('pages');
    await pages.update_one({ _id: 'page-one' }, { $set: { body: 'Hello again!' } });
    expect((await get('/pages/page-one')).body).to.equal('Hello again!');
  });
});

import path from 'node:path';
import type { Document } from 'bson';

/** What the benchmark uses of this driver, in its promise form and in its callback form. */
type Callback<R> = (result: R | null, error: Error | null) => void;

interface Method<A extends unknown[], R> {
  (...args: A): Promise<R>;
  (...args: [...A, Callback<R>]): void;
}

interface Bulk {
  insert(document: Document): void;
  find(spec: Document): { update_one(update: Document): void; remove_one(): void };
  execute: Method<[], { nInserted: number; nModified: number; nRemoved: number }>;
}

interface Cursor extends AsyncIterable<Document> {
  batch_size(size: number): Cursor;
  to_list: Method<[length: number | null], Document[]>;
  each(callback: Callback<Document>): void;
}

interface Collection {
  find(spec?: Document): Cursor;
  find_one: Method<[spec: Document], Document | null>;
  insert: Method<[documents: Document | Document[]], unknown>;
  update: Method<[spec: Document, update: Document], { n: number }>;
  save: Method<[document: Document], unknown>;
  find_and_modify: Method<[query: Document, update: Document], Document | null>;
  count: Method<[], number>;
  initialize_ordered_bulk_op(): Bulk;
}

interface Database {
  command: Method<[name: string], { ok: number }>;
  get_collection(name: string): Collection;
}

interface Client {
  get_database(name: string): Database;
  close(): void;
}

/** Loaded late, so that the other contestants run without it. */
export async function motorClient(uri: string): Promise<Client> {
  const { MotorClient } = await import(path.join(__dirname, '../lib/index.js'));
  return new MotorClient(uri);
}

/**
 * The types of the Motor classes as a user meets them. This file only has to compile.
 */

import type { Document } from 'bson';
import { MotorClient, MotorCollection, type MotorCursor, MotorDatabase, type Named } from '../../lib';

export function classes(): void {
  const client: MotorClient = new MotorClient('mongodb://localhost', { max_pool_size: 10 });
  const db: MotorDatabase = new MotorDatabase(client, 'shop');
  const coll: MotorCollection = new MotorCollection(db, 'orders');
  const child: MotorDatabase | undefined = client.shop;
  const grandchild: MotorCollection | undefined = child?.orders?.archive;
  const named = client.get_database('shop') as MotorDatabase & Named<'orders', MotorCollection>;
  const cursor: MotorCursor = coll.find().sort('_id').limit(3);
  void [grandchild, cursor, named.orders];
}

export function command(db: MotorDatabase, text: string, fields: Document): void {
  const print = (reply: Document) => void reply.n;
  db.command('ping', (reply, error) => (error ? undefined : print(reply)));
  db.command({ ping: 1 }, (reply, error) => (error ? undefined : print(reply)));
  db.command('count', text, { query: {} }, (reply, error) => (error ? undefined : print(reply)));
  db.command('createUser', text, fields).then(print);
  db.command('aggregate', 1, { pipeline: [fields], cursor: {} }).then(print);
  db.command('getMore', 5n);
  db.command('x', fields);
  db.command('x', new Date());
  db.command('x', null, { check: false });
}

export async function functionsAreCallbacks(coll: MotorCollection, user: Document, anything: unknown): Promise<void> {
  coll.find_one((found, error) => (error ? undefined : found?.name));
  coll.find_one((found) => found?.name);
  coll.remove((result, error) => (error ? undefined : result?.n));
  coll.find_one(user._id, (found, error) => (error ? undefined : found?.name));
  coll.find_one({ name: 'Ada' }, (found, error) => (error ? undefined : found?.name));
  const found: Document | null = await coll.find_one(user._id);
  const same: Document | null = await coll.find_one(anything);
  const first: Document | null = await coll.find_one();
  const n: number | undefined = (await coll.remove(user._id))?.n;
  void [found, same, first, n];
}

/**
 * The types of the Motor classes as a user meets them. This file only has to compile.
 */

import type { Document } from 'bson';
import { MotorClient, MotorCollection, type MotorCursor, MotorDatabase } from '../../lib';

export function classes(): void {
  const client: MotorClient = new MotorClient('mongodb://localhost', { max_pool_size: 10 });
  const db: MotorDatabase = new MotorDatabase(client, 'shop');
  const coll: MotorCollection = new MotorCollection(db, 'orders');
  const child: MotorDatabase | undefined = client.shop;
  const grandchild: MotorCollection | undefined = child?.orders?.archive;
  const cursor: MotorCursor = coll.find().sort('_id').limit(3);
  void [grandchild, cursor];
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

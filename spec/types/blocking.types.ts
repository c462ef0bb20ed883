/**
 * The types of blocking objects. This file only has to compile.
 */

import type { Document } from 'bson';
import type { blocking, MotorClient } from '../../lib/index';

type Equal<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false;
/** Only compiles when the type is `true`. */
function same<T extends true>(...proof: T[]): void {
  void proof;
}

export function results(asynchronous: MotorClient): void {
  const client = asynchronous.sync_client();
  same<Equal<typeof client, blocking.MongoClient>>();
  const database = client.get_database('shop');
  same<Equal<typeof database, blocking.Database>>();
  const orders = database.get_collection('orders');
  same<Equal<typeof orders, blocking.BlockingCollection>>();
  same<Equal<typeof orders.database, blocking.Database>>();
  same<Equal<typeof database.connection, blocking.MongoClient>>();

  same<Equal<ReturnType<typeof orders.count>, number>>();
  const found: Document | null = orders.find_one({ a: 1 }, { skip: 1 });
  const again: Document | null = orders.findOne(1);
  const made: blocking.BlockingCollection = database.create_collection('x');
  database.drop_collection(made);
  client.drop_database(database);
  void [found, again];

  const cursor = orders.find({}).sort('a').limit(3);
  same<Equal<typeof cursor, blocking.Cursor>>();
  for (const document of cursor) same<Equal<typeof document, Document>>();
  same<Equal<ReturnType<typeof cursor.next>, Document>>();
  same<Equal<ReturnType<typeof cursor.to_list>, Document[]>>();
  same<Equal<ReturnType<typeof cursor.clone>, blocking.Cursor>>();
  const pipeline: Document = orders.aggregate([]);
  const commandCursor: blocking.CommandCursor = orders.aggregate([], { cursor: {} });
  void [pipeline, commandCursor];
  orders.initialize_ordered_bulk_op().find({}).upsert().update_one({});

  // @ts-expect-error a blocking method takes no callback
  orders.count((n: number | null) => n);
  // @ts-expect-error a keyword find_one does not know
  orders.find_one({}, { skipp: 1 });
  // @ts-expect-error there is no event loop that turns
  cursor.fetch_next;
  // @ts-expect-error the same
  cursor.each(() => false);
  // @ts-expect-error it is no asynchronous iterable
  cursor[Symbol.asyncIterator]();
}

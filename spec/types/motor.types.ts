/**
 * The Motor surface as an editor sees it. This file only has to compile.
 */

import {
  type Addr,
  MotorClient as Client,
  type ClientKw,
  DBRef,
  type Doc,
  type MotorClient,
  MotorCollection,
  type MotorCommandCursor,
  type MotorCursor,
  type MotorDatabase,
  type Named,
  ObjectId,
  Op,
  pymongo,
  ReadPreference,
  SON,
} from '../../lib/index';

type Equal<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false;
/** Only compiles when the type is `true`. */
function same<T extends true>(...proof: T[]): void {
  void proof;
}

declare const client: MotorClient;
declare const db: MotorDatabase;
declare const coll: MotorCollection;

/** What each form of a call gives. Never run. */
export async function forms(): Promise<void> {
  // Promises
  const found = await coll.find_one({ a: 1 });
  if (found !== null) void found.name;
  // @ts-expect-error it may be null
  void found.name;
  same<Equal<Awaited<ReturnType<typeof coll.count>>, number>>(true);
  same<Equal<Awaited<ReturnType<typeof client.database_names>>, string[]>>(true);
  const created: MotorCollection = await db.create_collection('c', { capped: true, size: 4096 });
  const opened: MotorClient = await client.open();
  const openedAtOnce: MotorClient = client.open_sync();
  const list = await coll.find().sort('a', -1).limit(5).to_list(10);
  for (const document of list) void document._id;
  const nothing: null = await db.set_profiling_level(pymongo.SLOW_ONLY, 100);
  const level: number = await db.profiling_level();
  const reference = await db.dereference(new DBRef('c', new ObjectId()));
  await client.close_cursor(5n);
  await client.kill_cursors([5n, 7]);
  await client.fsync({ lock: true });
  void [created, opened, openedAtOnce, nothing, level, reference];

  // Callbacks: nothing is returned, and the parameters are inferred
  coll.find_one({ a: 1 }, (document, error) => {
    if (error) void error.message;
    else void document?.name;
  });
  coll.find_one((document) => void document?.name);
  coll.find_one({}, { fields: ['a'] }, (document, error) => void [document, error?.message]);
  coll.find_one({}, { fields: ['a'], callback: (document) => void document?.a });
  coll.count((count, error) => {
    if (error === null) same<Equal<typeof count, number>>(true);
  });
  coll.insert({ a: 1 }, { w: 0 }, (id, error) => void [id, error]);
  coll.update({}, { $set: { a: 1 } }, { multi: true }, (result) => void result?.nModified);
  db.command('ping', (reply) => void reply?.ok);
  db.command('count', 'c', { query: {} }, (reply) => void reply?.n);
  client.open((self, error) => {
    if (error === null) void self.get_database('d');
  });

  // camelCase aliases are the same
  same<Equal<typeof coll.findOne, typeof coll.find_one>>(true);
  same<Equal<typeof coll.fullName, string>>(true);
  await coll.findAndModify({}, { $set: { a: 1 } }, { new: true });
  await client.serverInfo();
}

/** Children, cursors, and what goes with them. Never run. */
export async function members(): Promise<void> {
  const database: MotorDatabase | undefined = client.shop;
  const collection: MotorCollection | undefined = client.shop?.orders;
  const deeper: MotorCollection | undefined = db.orders?.archive;
  const named: MotorDatabase & Named<'orders', MotorCollection> = client.get_database('shop') as MotorDatabase &
    Named<'orders', MotorCollection>;
  await named.orders.find_one();
  const made: MotorClient = new Client('localhost', 27017, { max_pool_size: 5 });
  const alsoMade: MotorClient = new Client({ host: 'localhost' });
  const kw: ClientKw = { w: 'majority', tag_sets: [{ dc: 'ny' }], document_class: SON, MAX_POOL_SIZE: 5 };
  same<Equal<ClientKw['waitQueueTimeoutMS'], number | null | undefined>>(true);
  new Client('localhost', kw);
  void [database, collection, deeper, made, alsoMade];

  const cursor: MotorCursor = coll.find({ a: 1 }, { fields: { a: 1 }, sort: [['a', -1]] });
  const sixth: MotorCursor | undefined = cursor.sort('a')[5];
  const range: MotorCursor = cursor
    .slice(2, 5)
    .batch_size(10)
    .hint([['a', 1]]);
  same<Equal<typeof cursor.fetch_next, Promise<boolean>>>(true);
  same<Equal<typeof cursor.cursor_id, bigint | null>>(true);
  for await (const document of cursor) void document._id;
  cursor.each((document, error) => (error ? undefined : document?.stop !== true));
  void [sixth, range];

  const commandCursor: MotorCommandCursor = await coll.aggregate([{ $match: {} }], { cursor: { batchSize: 5 } });
  const { result } = await coll.aggregate({ $match: {} });
  void [commandCursor.batch_size(5), result];

  client.read_preference = ReadPreference.NEAREST;
  client.read_preference = 'secondary';
  client.write_concern = { w: 'majority', wtimeout: 5 };
  const nodes: Addr[] = client.nodes;
  const son: Doc = new SON([['a', 1]]);
  const id: unknown = await Op(coll.insert, { a: 1 });
  const { find_one, insert } = coll;
  await insert(son);
  await find_one({ a: 1 });
  void [nodes, id];
}

/** Calls that do not compile. Never run. */
export function wrong(): void {
  // @ts-expect-error a keyword that find_one does not know
  void coll.find_one({}, { name: 1 });
  // @ts-expect-error a keyword of a wrong type
  void coll.find_one({}, { skip: '1' });
  // @ts-expect-error no callback
  void coll.count('foo');
  // @ts-expect-error no document
  void coll.save(5);
  // @ts-expect-error the document is missing
  void coll.update({});
  // @ts-expect-error both of a callback and another
  coll.find_one({}, { callback: () => undefined }, () => undefined);
  // @ts-expect-error a key is a string
  void coll.distinct(5);
  // @ts-expect-error keys are a string or pairs
  void coll.create_index({ a: 1 });
  // @ts-expect-error three levels only
  void db.set_profiling_level(3);
  // @ts-expect-error no reference
  void db.dereference({ $ref: 'c', $id: 1 });
  // @ts-expect-error find takes no callback
  coll.find({}, { callback: () => undefined });
  // @ts-expect-error a length is a number
  void coll.find().to_list('5');
  // @ts-expect-error each needs a function
  coll.find().each();
  // @ts-expect-error a limit is a number
  coll.find().limit('5');
  // @ts-expect-error a hint is pairs
  coll.find().hint('a_1');
  // @ts-expect-error no mode
  client.read_preference = 'first';
  // @ts-expect-error read-only
  client.host = 'localhost';
  // @ts-expect-error read-only
  coll.full_name = 'd.c';
  // @ts-expect-error a cursor is no number of one
  void client.close_cursor(coll.find());
  // @ts-expect-error no client
  new MotorCollection(client, 'c');
  // @ts-expect-error no class
  client.document_class = 'SON';
  // @ts-expect-error a size is a number
  new Client({ max_pool_size: 'ten' });
  // @ts-expect-error an option of a wrong type, also behind the host
  new Client('localhost', { ssl: 'yes' });
  // @ts-expect-error no mode
  new Client('localhost', 27017, { read_preference: 'first' });
  // @ts-expect-error a database has no port
  db.get_collection(27017);
}

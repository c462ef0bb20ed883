/**
 * The types of the asyncio surface. This file only has to compile.
 */

import type { ObjectId } from 'bson';
import {
  AsyncIOMotorClient,
  type AsyncIOMotorCollection,
  ClientBulkWriteException,
  type ClientBulkWriteResult,
  type ClientKw,
  DatetimeConversion,
  DriverInfo,
  InsertOne,
  SearchIndexModel,
  type UpdateResult,
} from '../../lib/asyncio/index';
import type { Mode } from '../../typings/documents';

type Equal<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false;
/** Only compiles when the type is `true`. */
function same<T extends true>(...proof: T[]): void {
  void proof;
}
type Flat<T> = { [K in keyof T]: T[K] };

interface User {
  name: string;
  age?: number;
  tags: string[];
  address: { city: string };
}
interface Page {
  _id: string;
  body: string;
}

export async function typed(client: AsyncIOMotorClient): Promise<void> {
  const users: AsyncIOMotorCollection<User> = client.get_database('shop').get_collection<User>('users');
  const pages = client.get_database('shop').get_collection<Page>('pages');

  // What is found has an _id: an ObjectId, unless the type says otherwise.
  const user = await users.find_one({ name: 'Ada' });
  if (user !== null) {
    same<Equal<typeof user._id, ObjectId>>();
    same<Equal<typeof user.name, string>>();
  }
  const page = await pages.find_one('page-one');
  if (page !== null) same<Equal<typeof page._id, string>>();
  for await (const one of users.find()) same<Equal<typeof one.tags, string[]>>();

  // Filters
  users.find({ name: /^A/, age: { $gt: 3 }, tags: 'a', 'address.city': 'Paris', $or: [{ name: 'B' }] });
  users.find({ tags: { $in: ['a'] }, age: { $exists: true } });
  users.find(new Map([['name', 'Ada']]));
  // @ts-expect-error name is a string
  users.find({ name: 5 });
  // @ts-expect-error age is a number
  users.find({ age: { $gt: 'x' } });
  // @ts-expect-error there is no such field
  users.find({ nmae: 'Ada' });
  // @ts-expect-error a page's _id is a string
  pages.delete_one({ _id: 5 });

  // Documents
  const inserted = await pages.insert_one({ _id: 'a', body: '' });
  same<Equal<typeof inserted.inserted_id, string>>();
  await users.insert_many([{ name: 'Ada', tags: [], address: { city: '' } }]);
  // @ts-expect-error tags and address are missing
  await users.insert_one({ name: 'Ada' });

  // Updates
  await users.update_one({}, { $set: { name: 'Bob', 'address.city': 'Rome' }, $inc: { age: 1 }, $push: { tags: 'x' } });
  await users.update_many({}, [{ $set: { age: 3 } }]);
  await users.update_one({}, { $push: { tags: { $each: ['a', 'b'], $slice: 5 } }, $unset: { age: '' } });
  // @ts-expect-error an update has operators
  await users.update_one({}, { name: 'Bob' });
  // @ts-expect-error name is a string
  await users.update_one({}, { $set: { name: 5 } });
  // @ts-expect-error a name cannot be incremented
  await users.update_one({}, { $inc: { name: 1 } });

  // Projections say what is left
  const [named] = await users.find({}, { projection: { name: 1 } }).to_list();
  if (named !== undefined) same<Equal<Flat<Pick<typeof named, '_id' | 'name'>>, { _id: ObjectId; name: string }>>();
  const [bare] = await users.find({}, { projection: { name: true, _id: 0 } }).to_list();
  if (bare !== undefined) same<Equal<typeof bare.name, string>>();
  const without = await users.find_one({}, { projection: { tags: 0 } });
  if (without !== null) {
    same<Equal<typeof without.name, string>>();
    // @ts-expect-error it was left out
    without.tags;
  }
  const listed = await users.find_one(null, { projection: ['age'] });
  if (listed !== null) {
    same<Equal<typeof listed.age, number | undefined>>();
    // @ts-expect-error it was not chosen
    listed.name;
  }

  // Callbacks
  const nothing = users.find_one({ name: 'Ada' }, (found, error) => {
    if (error) same<Equal<typeof found, null>>();
    else if (found !== null) same<Equal<typeof found.name, string>>();
  });
  same<Equal<typeof nothing, void>>();
  users.update_one({}, { $set: { age: 1 } }, (result, error) => {
    if (!error) same<Equal<typeof result, UpdateResult<ObjectId>>>();
  });
  users.updateOne({}, { $set: { age: 1 } }, { upsert: true, callback: () => undefined });
  // @ts-expect-error an unknown keyword
  users.update_one({}, { $set: { age: 1 } }, { upsrt: true });

  const list = users.find().to_list({ length: 5 });
  same<Equal<Awaited<typeof list>[number]['name'], string>>();
  same<Equal<ReturnType<typeof callLater>, void>>();
  function callLater() {
    return users.find().to_list((all) => all?.length);
  }

  // Without a type everything goes
  const things = client.get_database('shop').get_collection('things');
  await things.insert_one({ anything: [1, { b: 2 }] });
  await things.find_one({ a: { b: 1 } }, { projection: { x: { $slice: 1 } } });
  await things.bulk_write([new InsertOne({ a: 1 })]);

  // Search indexes
  const searchable = new SearchIndexModel({ mappings: { dynamic: true } }, { name: 'all', type: 'search' });
  same<Equal<Awaited<ReturnType<typeof createSearchIndex>>, string>>();
  function createSearchIndex() {
    return things.create_search_index({ definition: { mappings: {} }, name: 'all' }, { comment: 'why' });
  }
  const names = await things.create_search_indexes([searchable]);
  same<Equal<typeof names, string[]>>();
  // @ts-expect-error several are models
  await things.create_search_indexes([{ definition: {} }]);
  // @ts-expect-error a definition is needed
  await things.create_search_index({ name: 'all' });
  things.update_search_index('all', { mappings: {} }, (updated, error) => {
    if (!error) same<Equal<typeof updated, null>>();
  });
  // @ts-expect-error there is no such option
  await things.drop_search_index('all', { maxTimeMS: 5 });
  things.list_search_indexes();
  things.list_search_indexes({ comment: 'why' });
  things.listSearchIndexes('all', { comment: 'why' }).batch_size(5);
  // @ts-expect-error a name is a string
  things.list_search_indexes(5);

  // Over many collections
  const result = await client.bulk_write([new InsertOne({ a: 1 }, { namespace: 'shop.things' })], {
    verbose_results: true,
  });
  same<Equal<typeof result, ClientBulkWriteResult>>();
  same<Equal<ReturnType<typeof result.update_results.get>, UpdateResult | undefined>>();
  client.bulkWrite([], (done, error) => {
    if (error instanceof ClientBulkWriteException) error.partial_result?.delete_results.get(0)?.deleted_count;
    else done?.inserted_count;
  });
  // @ts-expect-error an unknown keyword
  client.bulk_write([], { verbose: true });
  // @ts-expect-error what is no operation
  client.bulk_write([{ insertOne: {} }]);
  const thing = await things.find_one();
  thing?.whatever.it.is;
}

export const client = new AsyncIOMotorClient('mongodb://localhost');

/** Options. Never run. */
export function options(): void {
  const kw: ClientKw = { tls: true, compressors: ['zlib'], driver: new DriverInfo('odm', '1'), maxpoolsize: 5 };
  same<Equal<ClientKw['readPreference'], Mode | undefined>>();
  new AsyncIOMotorClient('localhost', kw);
  new AsyncIOMotorClient({ datetime_conversion: DatetimeConversion.DATETIME_AUTO, readPreference: 'nearest' });
  // @ts-expect-error a size is a number
  new AsyncIOMotorClient({ maxPoolSize: 'ten' });
  // @ts-expect-error a flag is a boolean, also behind the host
  new AsyncIOMotorClient('localhost', { retryWrites: 1 });
  // @ts-expect-error there is no such compression
  new AsyncIOMotorClient('localhost', 27017, { compressors: ['lzma'] });
  // @ts-expect-error there is no client-side encryption
  new AsyncIOMotorClient({ auto_encryption_opts: {} });
}

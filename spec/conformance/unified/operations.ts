/** The operations of the unified test format, done by the asyncio surface. */

import type { Document } from 'bson';
import {
  type AsyncIOMotorClient,
  type AsyncIOMotorCollection,
  type AsyncIOMotorDatabase,
  DeleteMany,
  DeleteOne,
  InsertOne,
  ReplaceOne,
  SearchIndexModel,
  StopAsyncIteration,
  UpdateMany,
  UpdateOne,
} from '../../../lib/asyncio';
import { Malformed, OutOfScope } from './format';
import { readPreference } from './readPreference';
import { writeConcern } from './writeConcern';

type Arguments = Document;
type Keywords = Document;
type Operation = (target: never, given: Arguments) => unknown;

/** Options that the surface calls otherwise, or takes in another form. Null: under the same name. */
type OptionTable = Readonly<Record<string, ((value: never) => [name: string, value: unknown]) | string | null>>;

const COMMON: OptionTable = { comment: null, let: null };
const WRITE: OptionTable = { ...COMMON, bypassDocumentValidation: 'bypass_document_validation' };
const MATCHING: OptionTable = { ...COMMON, collation: null, hint: null };
/** Of methods that pass on to the server what they do not know. */
const SERVER: OptionTable = { rawData: null };
const UPDATE: OptionTable = {
  ...WRITE,
  ...MATCHING,
  upsert: null,
  arrayFilters: 'array_filters',
  sort: null,
};
const NAMESPACE: OptionTable = { namespace: null };
const CLIENT_BULK_WRITE: OptionTable = {
  ...WRITE,
  ordered: null,
  verboseResults: 'verbose_results',
  writeConcern: (value: Document) => ['write_concern', writeConcern(value)],
};
const FIND_AND_MODIFY: OptionTable = {
  ...MATCHING,
  ...SERVER,
  bypassDocumentValidation: null, // goes to the server
  projection: null,
  sort: null,
  upsert: null,
  arrayFilters: 'array_filters',
  maxTimeMS: null,
  returnDocument: (value: string) => {
    if (value !== 'Before' && value !== 'After') throw new Malformed(`returnDocument '${value}' is not known`);
    return ['return_document', value === 'After'];
  },
};
const FIND: OptionTable = {
  ...COMMON,
  ...MATCHING,
  projection: null,
  sort: null,
  skip: null,
  limit: null,
  batchSize: 'batch_size',
  allowDiskUse: 'allow_disk_use',
  maxTimeMS: 'max_time_ms',
  min: null,
  max: null,
  returnKey: 'return_key',
  showRecordId: 'show_record_id',
};
const AGGREGATE: OptionTable = {
  ...COMMON,
  ...MATCHING,
  ...SERVER,
  batchSize: null,
  allowDiskUse: null,
  maxTimeMS: null,
  bypassDocumentValidation: null,
};
const COUNT: OptionTable = { ...COMMON, ...MATCHING, ...SERVER, skip: null, limit: null, maxTimeMS: null };

/** Not on this surface: where no table has it, the method has no such keyword. */
const OFF_SURFACE = new Set(['session', 'rawData', 'timeoutMS', 'timeoutMode']);

/** The keywords for what was not taken by position. An argument that no table knows is a fault of the runner. */
function keywords(given: Arguments, table: OptionTable): Keywords {
  const kw: Keywords = {};
  for (const [name, value] of Object.entries(given)) {
    const entry = table[name];
    if (entry === undefined && OFF_SURFACE.has(name)) throw new OutOfScope(`needs the option ${name}`);
    if (entry === undefined) throw new Malformed(`the argument '${name}' is not known`);
    if (entry === null) kw[name] = value;
    else if (typeof entry === 'string') kw[entry] = value;
    else {
      const [keyword, changed] = entry(value as never);
      kw[keyword] = changed;
    }
  }
  return kw;
}

const insertResult = ({ inserted_id, acknowledged }: { inserted_id: unknown; acknowledged: boolean }) =>
  acknowledged ? { insertedId: inserted_id, acknowledged } : { acknowledged };

const updateResult = (result: Document) =>
  result.acknowledged
    ? {
        acknowledged: true,
        matchedCount: result.matched_count,
        modifiedCount: result.modified_count,
        upsertedCount: result.did_upsert ? 1 : 0,
        ...(result.did_upsert ? { upsertedId: result.upserted_id } : {}),
      }
    : { acknowledged: false };

const deleteResult = (result: Document) =>
  result.acknowledged ? { acknowledged: true, deletedCount: result.deleted_count } : { acknowledged: false };

const byIndex = (ids: Iterable<[unknown, unknown]>) => Object.fromEntries([...ids].map(([index, id]) => [index, id]));

const bulkResult = (result: Document, insertedIds: Document) =>
  result.acknowledged
    ? {
        acknowledged: true,
        insertedCount: result.inserted_count,
        insertedIds,
        matchedCount: result.matched_count,
        modifiedCount: result.modified_count,
        deletedCount: result.deleted_count,
        upsertedCount: result.upserted_count,
        upsertedIds: byIndex(result.upserted_ids),
      }
    : { acknowledged: false };

const mapped = (results: Map<number, Document>, picture: (result: Document) => Document) =>
  Object.fromEntries([...results].map(([index, result]) => [index, picture(result)]));

/** The result of a `bulk_write` of a client, whole or partial, in the words of the format. */
export function clientBulkResult(result: Document): Document {
  if (result.acknowledged !== true) return { acknowledged: false };
  const counts = {
    acknowledged: true,
    insertedCount: result.inserted_count,
    upsertedCount: result.upserted_count,
    matchedCount: result.matched_count,
    modifiedCount: result.modified_count,
    deletedCount: result.deleted_count,
  };
  if (result.has_verbose_results !== true) return counts;
  return {
    ...counts,
    insertResults: mapped(result.insert_results, ({ inserted_id }) => ({ insertedId: inserted_id })),
    updateResults: mapped(result.update_results, ({ matched_count, modified_count, upserted_id, did_upsert }) => ({
      matchedCount: matched_count,
      modifiedCount: modified_count,
      ...(did_upsert === true ? { upsertedId: upserted_id } : {}),
    })),
    deleteResults: mapped(result.delete_results, ({ deleted_count }) => ({ deletedCount: deleted_count })),
  };
}

/** A write model: an object of one key. */
function writeModel(model: Document): object {
  const [[kind, given = {}] = ['']] = Object.entries(model) as [string, Document][];
  const { document, filter, replacement, update, ...options } = given;
  switch (kind) {
    case 'insertOne':
      return new InsertOne(document, keywords(options, NAMESPACE));
    case 'replaceOne':
      return new ReplaceOne(filter, replacement, keywords(options, { ...UPDATE, ...NAMESPACE }));
    case 'updateOne':
      return new UpdateOne(filter, update, keywords(options, { ...UPDATE, ...NAMESPACE }));
    case 'updateMany':
      return new UpdateMany(filter, update, keywords(options, { ...UPDATE, ...NAMESPACE }));
    case 'deleteOne':
      return new DeleteOne(filter, keywords(options, { ...MATCHING, ...NAMESPACE }));
    case 'deleteMany':
      return new DeleteMany(filter, keywords(options, { ...MATCHING, ...NAMESPACE }));
    default:
      throw new Malformed(`there is no write model '${kind}'`);
  }
}

const searchIndex = ({ definition, ...o }: Document) =>
  new SearchIndexModel(definition, keywords(o, { name: null, type: null }));

interface SomeCursor {
  readonly alive: boolean;
  readonly fetch_next: Promise<boolean>;
  to_list(length: null): Promise<Document[]>;
  next(): Promise<Document>;
  /** Only of the cursor of a command. */
  try_next?(): Promise<Document | null>;
  next_object(): Document | null;
  close(): Promise<unknown>;
}

/** The next document; an error where there is none, as the format wants it. */
async function iterate(cursor: SomeCursor): Promise<Document | undefined> {
  try {
    return await cursor.next();
  } catch (error) {
    if (error instanceof StopAsyncIteration) return undefined;
    throw error;
  }
}

/** The same cursor, once the server has one for it. */
async function opened(cursor: SomeCursor): Promise<SomeCursor> {
  await cursor.fetch_next;
  return cursor;
}

const PREFERENCE: OptionTable = { readPreference: (value: Document) => ['read_preference', readPreference(value)] };

function commandKeywords({ commandName: _, command: __, ...given }: Arguments): Keywords {
  return keywords(given, PREFERENCE);
}

const collectionOperations = {
  insertOne: async (c: AsyncIOMotorCollection, { document, ...o }: Arguments) =>
    insertResult(await c.insert_one(document, keywords(o, WRITE))),
  insertMany: async (c: AsyncIOMotorCollection, { documents, ...o }: Arguments) => {
    const result = await c.insert_many(documents, keywords(o, { ...WRITE, ordered: null }));
    return { insertedIds: byIndex(result.inserted_ids.entries()), acknowledged: result.acknowledged };
  },
  updateOne: async (c: AsyncIOMotorCollection, { filter, update, ...o }: Arguments) =>
    updateResult(await c.update_one(filter, update, keywords(o, UPDATE))),
  updateMany: async (c: AsyncIOMotorCollection, { filter, update, ...o }: Arguments) =>
    updateResult(await c.update_many(filter, update, keywords(o, UPDATE))),
  replaceOne: async (c: AsyncIOMotorCollection, { filter, replacement, ...o }: Arguments) =>
    updateResult(await c.replace_one(filter, replacement, keywords(o, UPDATE))),
  deleteOne: async (c: AsyncIOMotorCollection, { filter, ...o }: Arguments) =>
    deleteResult(await c.delete_one(filter, keywords(o, MATCHING))),
  deleteMany: async (c: AsyncIOMotorCollection, { filter, ...o }: Arguments) =>
    deleteResult(await c.delete_many(filter, keywords(o, MATCHING))),
  bulkWrite: async (c: AsyncIOMotorCollection, { requests, ...o }: Arguments) => {
    const kw = keywords(o, { ...WRITE, ordered: null });
    const models = (requests as Document[]).map(writeModel);
    const result = await c.bulk_write(models as never, kw);
    const ids = (requests as Document[]).flatMap((request, index) =>
      request.insertOne === undefined ? [] : [[index, request.insertOne.document._id]],
    );
    return bulkResult(result, Object.fromEntries(ids));
  },
  find: (c: AsyncIOMotorCollection, { filter, ...o }: Arguments) => c.find(filter, keywords(o, FIND)).to_list(null),
  findOne: (c: AsyncIOMotorCollection, { filter, ...o }: Arguments) => c.find_one(filter, keywords(o, FIND)),
  createFindCursor: (c: AsyncIOMotorCollection, { filter, ...o }: Arguments) =>
    opened(c.find(filter, keywords(o, FIND)) as unknown as SomeCursor),
  findOneAndUpdate: (c: AsyncIOMotorCollection, { filter, update, ...o }: Arguments) =>
    c.find_one_and_update(filter, update, keywords(o, FIND_AND_MODIFY)),
  findOneAndReplace: (c: AsyncIOMotorCollection, { filter, replacement, ...o }: Arguments) =>
    c.find_one_and_replace(filter, replacement, keywords(o, FIND_AND_MODIFY)),
  findOneAndDelete: (c: AsyncIOMotorCollection, { filter, ...o }: Arguments) =>
    c.find_one_and_delete(filter, keywords(o, FIND_AND_MODIFY)),
  countDocuments: (c: AsyncIOMotorCollection, { filter, ...o }: Arguments) =>
    c.count_documents(filter, keywords(o, COUNT)),
  estimatedDocumentCount: (c: AsyncIOMotorCollection, o: Arguments) =>
    c.estimated_document_count(keywords(o, { ...SERVER, comment: null, maxTimeMS: null })),
  distinct: (c: AsyncIOMotorCollection, { fieldName, ...o }: Arguments) =>
    c.distinct(fieldName, keywords(o, { ...MATCHING, ...SERVER, filter: null, maxTimeMS: null })),
  aggregate: (c: AsyncIOMotorCollection, { pipeline, ...o }: Arguments) =>
    c.aggregate(pipeline, keywords(o, AGGREGATE)).to_list(null),
  createIndex: (c: AsyncIOMotorCollection, { keys, ...o }: Arguments) =>
    c.create_index(keys, keywords(o, { comment: null, name: null, unique: null })),
  dropIndex: async (c: AsyncIOMotorCollection, { name, ...o }: Arguments) => {
    await c.drop_index(name, keywords(o, COMMON));
  },
  dropIndexes: async (c: AsyncIOMotorCollection, o: Arguments) => {
    await c.drop_indexes(keywords(o, COMMON));
  },
  listIndexes: (c: AsyncIOMotorCollection, o: Arguments) => c.list_indexes(keywords(o, COMMON)).to_list(null),
  createSearchIndex: (c: AsyncIOMotorCollection, { model, ...o }: Arguments) =>
    c.create_search_index(searchIndex(model), keywords(o, COMMON)),
  createSearchIndexes: (c: AsyncIOMotorCollection, { models, ...o }: Arguments) =>
    c.create_search_indexes(models.map(searchIndex), keywords(o, COMMON)),
  updateSearchIndex: async (c: AsyncIOMotorCollection, { name, definition, ...o }: Arguments) => {
    await c.update_search_index(name, definition, keywords(o, COMMON));
  },
  dropSearchIndex: async (c: AsyncIOMotorCollection, { name, ...o }: Arguments) => {
    await c.drop_search_index(name, keywords(o, COMMON));
  },
  listSearchIndexes: (c: AsyncIOMotorCollection, { name, aggregationOptions = {}, ...o }: Arguments) => {
    const { batchSize = 0, ...more } = aggregationOptions as Arguments;
    return c
      .list_search_indexes(name, keywords({ ...o, ...more }, COMMON))
      .batch_size(batchSize)
      .to_list(null);
  },
};

const databaseOperations = {
  aggregate: (db: AsyncIOMotorDatabase, { pipeline, ...o }: Arguments) =>
    db.aggregate(pipeline, keywords(o, AGGREGATE)).to_list(null),
  runCommand: (db: AsyncIOMotorDatabase, given: Arguments) => db.command(given.command, commandKeywords(given)),
  runCursorCommand: (db: AsyncIOMotorDatabase, given: Arguments) =>
    cursorOf(db, given).then((cursor) => cursor.to_list(null)),
  createCommandCursor: (db: AsyncIOMotorDatabase, given: Arguments) => cursorOf(db, given),
  createCollection: async (db: AsyncIOMotorDatabase, { collection, session, ...server }: Arguments) => {
    if (session !== undefined) throw new OutOfScope('needs the option session');
    return db.create_collection(collection, { ...server, check_exists: false });
  },
  dropCollection: async (db: AsyncIOMotorDatabase, { collection, ...o }: Arguments) => {
    await db.drop_collection(collection, keywords(o, COMMON));
  },
  modifyCollection: (db: AsyncIOMotorDatabase, { collection, ...server }: Arguments) =>
    db.command({ collMod: collection, ...server }),
  listCollections: (db: AsyncIOMotorDatabase, o: Arguments) =>
    db
      .list_collections(keywords(o, { ...COMMON, filter: null, batchSize: null }))
      .then((cursor) => cursor.to_list(null)),
  listCollectionNames: (db: AsyncIOMotorDatabase, o: Arguments) =>
    db.list_collection_names(keywords(o, { ...COMMON, filter: null })),
};

async function cursorOf(db: AsyncIOMotorDatabase, given: Arguments): Promise<SomeCursor> {
  const { commandName: _, command, batchSize, maxTimeMS, comment, cursorType = 'nonTailable', ...o } = given;
  // Of a tailable one `iterateOnce` asks the server once; nothing else of the format depends on the type.
  if (!['nonTailable', 'tailable', 'tailableAwait'].includes(cursorType)) {
    throw new Malformed(`cursorType '${cursorType}' is not known`);
  }
  if (comment !== undefined) throw new OutOfScope('needs a comment for getMore alone');
  const kw = keywords(o, PREFERENCE);
  if (maxTimeMS !== undefined) kw.max_await_time_ms = maxTimeMS;
  const cursor = await db.cursor_command(command, kw);
  if (batchSize !== undefined) cursor.batch_size(batchSize);
  return cursor as unknown as SomeCursor;
}

const clientOperations = {
  listDatabases: (client: AsyncIOMotorClient, o: Arguments) =>
    client.list_databases(keywords(o, { ...COMMON, filter: null })).then((cursor) => cursor.to_list(null)),
  listDatabaseNames: (client: AsyncIOMotorClient, o: Arguments) => client.list_database_names(keywords(o, COMMON)),
  clientBulkWrite: async (client: AsyncIOMotorClient, { models, ...o }: Arguments) => {
    const kw = keywords(o, CLIENT_BULK_WRITE);
    return clientBulkResult(await client.bulk_write((models as Document[]).map(writeModel) as never, kw));
  },
  close: (client: AsyncIOMotorClient) => client.close(),
};

const cursorOperations = {
  iterateOnce: async (cursor: SomeCursor) =>
    cursor.try_next === undefined ? iterate(cursor) : ((await cursor.try_next()) ?? undefined),
  iterateUntilDocumentOrError: async (cursor: SomeCursor) => {
    const document = await iterate(cursor);
    if (document === undefined) throw new Error('the cursor has no more documents');
    return document;
  },
  close: async (cursor: SomeCursor) => {
    await cursor.close();
  },
};

/** Operations of parts that do not exist yet, or are not on this surface. */
const LATER: Readonly<Record<string, string>> = {
  count: 'the old count is not on this surface',
  mapReduce: 'mapReduce is not on this surface',
  listCollectionObjects: 'is not on this surface',
  listDatabaseObjects: 'is not on this surface',
  listIndexNames: 'is not on this surface',
  createChangeStream: 'needs change streams',
  withTransaction: 'needs transactions',
  startTransaction: 'needs transactions',
  commitTransaction: 'needs transactions',
  abortTransaction: 'needs transactions',
  endSession: 'needs sessions',
  download: 'needs GridFS',
  downloadByName: 'needs GridFS',
  upload: 'needs GridFS',
  delete: 'needs GridFS',
};

/** Arguments without which an operation is malformed. */
const REQUIRED: Readonly<Record<string, readonly string[]>> = {
  insertOne: ['document'],
  insertMany: ['documents'],
  updateOne: ['filter', 'update'],
  updateMany: ['filter', 'update'],
  replaceOne: ['filter', 'replacement'],
  deleteOne: ['filter'],
  deleteMany: ['filter'],
  bulkWrite: ['requests'],
  clientBulkWrite: ['models'],
  find: ['filter'],
  findOne: ['filter'],
  createFindCursor: ['filter'],
  findOneAndUpdate: ['filter', 'update'],
  findOneAndReplace: ['filter', 'replacement'],
  findOneAndDelete: ['filter'],
  countDocuments: ['filter'],
  distinct: ['fieldName', 'filter'],
  aggregate: ['pipeline'],
  runCommand: ['command'],
  runCursorCommand: ['command'],
  createCommandCursor: ['command'],
  createSearchIndex: ['model'],
  createSearchIndexes: ['models'],
  updateSearchIndex: ['name', 'definition'],
  dropSearchIndex: ['name'],
};

const KINDS: readonly (readonly [(target: object) => boolean, Readonly<Record<string, unknown>>])[] = [
  [(target) => 'full_name' in target, collectionOperations],
  [(target) => 'list_collection_names' in target, databaseOperations],
  [(target) => 'list_database_names' in target, clientOperations],
  [(target) => 'fetch_next' in target, cursorOperations],
];

/**
 * @throws OutOfScope: the operation, or one of its options, is not on this surface or comes later
 * @throws Error: the runner does not know it
 */
export async function perform(target: unknown, name: string, given: Arguments): Promise<unknown> {
  const table = KINDS.find(([is]) => is(target as object))?.[1];
  const operation = table === undefined || !Object.hasOwn(table, name) ? undefined : (table[name] as Operation);
  if (operation !== undefined) {
    for (const argument of REQUIRED[name] ?? []) {
      if (!Object.hasOwn(given, argument)) throw new Malformed(`${name} needs the argument '${argument}'`);
    }
    return operation(target as never, given);
  }
  const reason = LATER[name];
  throw reason === undefined ? new Malformed(`the operation '${name}' is not known`) : new OutOfScope(reason);
}

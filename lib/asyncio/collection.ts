import type { Document } from 'bson';
import type {
  Filter,
  IdOf,
  Insertable,
  Projected,
  Projection,
  Replacement,
  Update,
  WithId,
} from '../../typings/asyncio';
import type { Doc, Pairs } from '../../typings/documents';
import type { Children, Dual, DualClass } from '../../typings/dual';
import { bulkWrite, Writes } from '../core/bulkWrite';
import { collectionOptions, dropCollection, renameCollection } from '../core/collections';
import { deleteCommand, findOneCommand, type Namespace, updateCommand } from '../core/commands';
import { addId, checkEncodable, field, isDocument } from '../core/documents';
import type { RunOptions } from '../core/engine';
import { ConfigurationError, InvalidOperation, ValueError } from '../core/errors';
import { createIndexes, dropIndexes, indexInformation, indexName, listIndexes } from '../core/indexes';
import { insertOne } from '../core/insert';
import { type Finish, RETRYABLE_WRITE } from '../core/operation';
import { createSearchIndexes, dropSearchIndex, listSearchIndexes, updateSearchIndex } from '../core/searchIndexes';
import { Statements } from '../core/sequence';
import { insertable } from '../core/uuids';
import { findAndModify, runWrite, updateOutcome } from '../core/write';
import { checkedWrite } from '../core/writeReply';
import { documentAt, documentOf, pairsOf, specOf } from '../motor/arguments';
import { withChildren } from '../motor/children';
import { dual } from '../motor/dual';
import type { Loop } from '../motor/ioLoop';
import {
  anything,
  arrayOf,
  bool,
  document,
  expect,
  type Given,
  isPlainObject,
  keywords,
  type Options,
  orNull,
  picture,
  type ServerKeywords,
  string,
  unchecked,
  whole,
} from '../motor/keywords';
import { checkCollectionName } from '../motor/names';
import { isPseudoCollection, runPseudoQuery } from '../motor/pseudoCollections';
import { foldWhere } from '../motor/scopeFolding';
import { ENGINE, REPR } from '../motor/settings';
import { type AggregateKw, aggregateCursor } from './aggregate';
import { type Hint, hintOf, projection, projectionOf, replacementOf, type Sort, sortOf, updateOf } from './arguments';
import { checkNoEncryption } from './clientEncryption';
import { uuidName } from './codecOptions';
import { type Collation, collationOf } from './collation';
import { AsyncIOMotorLatentCommandCursor } from './commandCursor';
import { AsyncIOMotorCursor } from './cursor';
import { AsyncIOMotorDatabase, DROP_COLLECTION, type DropCollectionKw, keywordsOf, type PlainKw } from './database';
import { commandOf, FIND, type FindKw, findOneQuery, findSettings, isExhaust } from './find';
import {
  type BulkOperation,
  DELETE_KEYWORDS,
  INDEX_KEYWORDS,
  IndexModel,
  REPLACE_KEYWORDS,
  type SearchIndexDocument,
  type SearchIndexModel,
  SORT,
  searchIndexesOf,
  searchIndexOf,
  UPDATE_KEYWORDS,
  wished,
} from './operations';
import { BulkWriteResult, DeleteResult, InsertManyResult, InsertOneResult, UpdateResult } from './results';
import {
  COMMON,
  Configured,
  changed,
  encodedBy,
  more,
  type OptionsKw,
  readingOf,
  readRun,
  SETTINGS,
  type Settings,
  withConcern,
  withReadConcern,
} from './settings';
import { SENT } from './writeConcern';
import { addWrites, BYPASS, checkAcknowledged, LET } from './writes';

const ANY_COLLATION = unchecked<Collation | Document | null>();

const PLAIN = keywords(COMMON);
const INSERT_ONE = keywords({ ...BYPASS, ...COMMON });
export type InsertOneKw = Given<typeof INSERT_ONE>;
const INSERT_MANY = keywords({ ordered: [true, bool], ...BYPASS, ...COMMON });
export type InsertManyKw = Given<typeof INSERT_MANY>;
const REPLACE_ONE = keywords({ ...REPLACE_KEYWORDS, ...SORT, ...BYPASS, ...LET, ...COMMON });
export type ReplaceOneKw = Given<typeof REPLACE_ONE>;
const UPDATE_ONE = keywords({ ...UPDATE_KEYWORDS, ...SORT, ...BYPASS, ...LET, ...COMMON });
export type UpdateOneKw = Given<typeof UPDATE_ONE>;
const UPDATE_MANY = keywords({ ...UPDATE_KEYWORDS, ...BYPASS, ...LET, ...COMMON });
export type UpdateManyKw = Given<typeof UPDATE_MANY>;
const DELETE = keywords({ ...DELETE_KEYWORDS, ...LET, ...COMMON });
export type DeleteKw = Given<typeof DELETE>;
const BULK_WRITE = keywords({ ordered: [true, bool], ...BYPASS, ...LET, ...COMMON });
export type BulkWriteKw = Given<typeof BULK_WRITE>;

const FIND_ONE_AND = {
  projection: [null, orNull(projection)],
  sort: [null, unchecked<Sort | null>()],
  hint: [null, unchecked<Hint | null>()],
  collation: [null, ANY_COLLATION],
  ...LET,
  ...COMMON,
} as const;
const FIND_ONE_AND_DELETE = keywords(FIND_ONE_AND, { rest: true });
export type FindOneAndDeleteKw = Given<typeof FIND_ONE_AND_DELETE>;
const FIND_ONE_AND_CHANGE = {
  upsert: [false, bool],
  return_document: [false, unchecked<boolean>()],
  ...FIND_ONE_AND,
} as const;
const FIND_ONE_AND_REPLACE = keywords(FIND_ONE_AND_CHANGE, { rest: true });
export type FindOneAndReplaceKw = Given<typeof FIND_ONE_AND_REPLACE>;
const FIND_ONE_AND_UPDATE = keywords(
  { ...FIND_ONE_AND_CHANGE, array_filters: [null, orNull(arrayOf(document))] },
  { rest: true },
);
export type FindOneAndUpdateKw = Given<typeof FIND_ONE_AND_UPDATE>;

const COUNT = keywords(
  {
    skip: [undefined, whole],
    limit: [undefined, whole],
    maxTimeMS: [undefined, orNull(whole)],
    hint: [null, unchecked<Hint | null>()],
    collation: [null, ANY_COLLATION],
    ...COMMON,
  },
  { rest: true },
);
export type CountKw = Given<typeof COUNT>;
const ESTIMATE = keywords({ comment: [undefined, anything], maxTimeMS: [undefined, orNull(whole)] }, { rest: true });
export type EstimateKw = Given<typeof ESTIMATE>;
const DISTINCT = keywords(
  {
    filter: [undefined, document],
    maxTimeMS: [undefined, orNull(whole)],
    collation: [null, ANY_COLLATION],
    hint: [null, unchecked<Hint | null>()],
    ...COMMON,
  },
  { rest: true },
);
export type DistinctKw = Given<typeof DISTINCT>;
const RENAME = keywords(COMMON, { rest: true });
export type RenameKw = Given<typeof RENAME>;

const ON_COMMAND = { maxTimeMS: [undefined, orNull(whole)], commitQuorum: [undefined, anything] } as const;
const CREATE_INDEX = keywords({ ...INDEX_KEYWORDS, ...ON_COMMAND, ...COMMON }, { rest: true });
export type CreateIndexKw = Given<typeof CREATE_INDEX>;
const CREATE_INDEXES = keywords({ ...ON_COMMAND, ...COMMON }, { rest: true });
export type CreateIndexesKw = Given<typeof CREATE_INDEXES>;
const DROP_INDEX = keywords(COMMON, { rest: true });
export type DropIndexKw = Given<typeof DROP_INDEX>;

/** What `index_information` tells of one index. */
export interface IndexInformation {
  readonly key: Pairs;
  readonly v: number;
  readonly unique?: boolean;
  readonly [option: string]: unknown;
}

const firstDocument = (reply: Document): unknown => (reply.cursor.firstBatch as unknown[])[0] ?? null;

/**
 * Documents under a name, of the type `T` as far as the compiler knows. Every name it does not have itself is a
 * sub-collection: `db.blog.posts` is the collection `blog.posts`.
 * @see Motor 3.8, AsyncIOMotorCollection
 */
export class Collection<T extends Document = Document> extends Configured {
  readonly #database: AsyncIOMotorDatabase;
  readonly #namespace: Namespace;

  /**
   * A collection of a database, as `database.get_collection(name)` gives it. No I/O.
   * @param kw settings in place of the database's
   * @throws TypeError: `database` is no AsyncIOMotorDatabase; a keyword that would create a collection; InvalidName
   * @see Motor 3.8, AsyncIOMotorCollection
   */
  constructor(database: AsyncIOMotorDatabase, name: string, kw?: OptionsKw) {
    if (!(database instanceof AsyncIOMotorDatabase)) {
      throw new TypeError(`AsyncIOMotorCollection: database must be an AsyncIOMotorDatabase, not ${picture(database)}`);
    }
    const parent = database as AsyncIOMotorDatabase;
    const namespace = { database: parent.name, collection: checkCollectionName(name) };
    super(parent[ENGINE], changed('AsyncIOMotorCollection', parent[SETTINGS], kw));
    this.#database = parent;
    this.#namespace = namespace;
  }

  /** The collection's name within its database. */
  get name(): string {
    return this.#namespace.collection;
  }

  /** `database.collection` */
  get full_name(): string {
    return `${this.#namespace.database}.${this.#namespace.collection}`;
  }

  /** The very object that this collection was made from. */
  get database(): AsyncIOMotorDatabase {
    return this.#database;
  }

  /**
   * The collection `<this>.<name>`, also where `name` is a method's or begins with `_`. No I/O. It inherits the settings
   * of this collection.
   * @throws TypeError: not a string; InvalidName
   * @see Motor 3.8, AsyncIOMotorCollection
   */
  get_collection<U extends Document = Document>(name: string): AsyncIOMotorCollection<U> {
    if (typeof name !== 'string') throw new TypeError(`a collection's name must be a string, not ${picture(name)}`);
    return this.#another(`${this.name}.${name}`, this[SETTINGS]) as unknown as AsyncIOMotorCollection<U>;
  }

  /**
   * This collection with other settings.
   * @throws TypeError: a wrong setting
   * @see Motor 3.8, AsyncIOMotorCollection.with_options
   */
  with_options(kw?: OptionsKw): AsyncIOMotorCollection<T> {
    return this.#another(this.name, changed('with_options', this[SETTINGS], kw));
  }

  #another(name: string, settings: Settings): AsyncIOMotorCollection<T> {
    const Class = this.constructor as new (database: AsyncIOMotorDatabase, name: string, kw: OptionsKw) => unknown;
    return new Class(this.#database, name, keywordsOf(settings)) as AsyncIOMotorCollection<T>;
  }

  /** The `io_loop` given to the client, else the current loop. */
  get_io_loop(): Loop {
    return this.#database.get_io_loop();
  }

  /** Whether this is the same collection of an equal database. */
  equals(other: unknown): boolean {
    return (
      other instanceof AsyncIOMotorCollection &&
      (other as AsyncIOMotorCollection).name === this.name &&
      this.#database.equals((other as AsyncIOMotorCollection).database)
    );
  }

  // Reading

  /**
   * A cursor over the documents that match. No I/O: it asks the server when it is read.
   * @param filter a query document; default: all documents
   * @param kw `projection` (names, or a document; null: all), `skip` 0, `limit` 0 (none), `sort`, `batch_size` 0,
   *   `cursor_type` `CursorType.NON_TAILABLE`, `hint`, `min` and `max` (need `hint`), `collation`, `max_time_ms`,
   *   `comment`, `let`, `allow_disk_use`, `no_cursor_timeout` false, `allow_partial_results` false, `return_key` false,
   *   `show_record_id` false, `oplog_replay`, `snapshot`, `max_scan`
   * @throws TypeError: a filter that is no document; a keyword it does not know, or of a wrong type; ValueError
   * @throws InvalidOperation: a callback, for there is nothing to wait for; `EXHAUST` with `limit`
   * @example for await (const page of db.pages.find({ public: true }).sort('title')) console.log(page.title);
   * @see Motor 3.8, AsyncIOMotorCollection.find
   */
  find<const P extends Projection<T>>(
    filter: Filter<T> | undefined,
    kw: Omit<FindKw, 'projection'> & { readonly projection: P },
  ): AsyncIOMotorCursor<Projected<T, P> & Document>;
  find(filter?: Filter<T>, kw?: FindKw): AsyncIOMotorCursor<WithId<T> & Document>;
  find(filter: unknown = {}, kw: unknown = {}, ...more: unknown[]): AsyncIOMotorCursor {
    if (typeof kw === 'function' || more.length > 0 || (kw as { callback?: unknown } | null)?.callback !== undefined) {
      throw new InvalidOperation('find takes no callback: it does no I/O; pass one to each, to_list or another method');
    }
    const wanted = documentOf('find', 'filter', filter);
    const options = FIND.read('find', kw as FindKw);
    const settings = findSettings('find', wanted, options);
    if (isExhaust(options) && this[ENGINE].server?.description.type === 'Mongos') {
      throw new InvalidOperation('find: a mongos has no exhaust cursors');
    }
    return new AsyncIOMotorCursor(this.#self, settings, isExhaust(options)) as AsyncIOMotorCursor;
  }

  /**
   * The one document that matches first, or null.
   * @param filter_or_id a query document; anything else is the `_id` to look for; null: any document
   * @param kw as for {@link find}; `limit` is ignored
   * @throws TypeError, ValueError: a keyword it does not know, or a wrong value
   * @throws ExecutionTimeout: the server took longer than `max_time_ms`; OperationFailure, AutoReconnect
   * @example const page = await db.pages.find_one('page-one');
   * @see Motor 3.8, AsyncIOMotorCollection.find_one
   */
  find_one(filter_or_id: Filter<T> | IdOf<T> | null = null, kw?: FindKw): Promise<WithId<T> | null> {
    const options = FIND.read('find_one', kw);
    const filter = specOf(filter_or_id);
    if (isPseudoCollection(this.name)) return this.#pseudoQuery(filter);
    const settings = this[SETTINGS];
    const query = findOneQuery(filter, options);
    const find =
      query === null
        ? findOneCommand(this.#namespace, foldWhere(filter))
        : commandOf(this[ENGINE], this.#namespace, query, (command) => command);
    const finish = (query?.explain === true ? (reply) => reply : firstDocument) as Finish<WithId<T> | null>;
    return this[ENGINE].run(encodedBy(settings, withReadConcern(find, settings)), finish, readRun(settings));
  }

  #pseudoQuery(filter: Document): Promise<WithId<T>> {
    const admin = this.#database.client.get_database('admin');
    return runPseudoQuery(this.#database, admin, this.name, filter) as Promise<WithId<T>>;
  }

  /**
   * How many documents match, counted one by one.
   * @param kw `skip`, `limit`, `maxTimeMS`, `hint`, `collation`; others go to the server
   * @throws TypeError: a filter that is no document; OperationFailure: also for `$where`, `$near`, `$nearSphere`
   * @see Motor 3.8, AsyncIOMotorCollection.count_documents
   */
  count_documents(filter: Filter<T>, kw?: CountKw): Promise<number> {
    const { skip, limit, server, ...options } = COUNT.read('count_documents', kw);
    const pipeline: Document[] = [{ $match: documentOf('count_documents', 'filter', filter) }];
    if (skip !== undefined) pipeline.push({ $skip: skip });
    if (limit !== undefined) pipeline.push({ $limit: limit });
    pipeline.push({ $group: { _id: 1, n: { $sum: 1 } } });
    const command: Document = { aggregate: this.name, pipeline, cursor: {}, ...server };
    return this.#read('count_documents', command, options, (reply) => reply.cursor.firstBatch[0]?.n ?? 0);
  }

  /**
   * How many documents the whole collection has, by its metadata; 0 if there is no such collection.
   * @throws ConfigurationError: a session; OperationFailure, AutoReconnect
   * @see Motor 3.8, AsyncIOMotorCollection.estimated_document_count
   */
  estimated_document_count(kw?: EstimateKw): Promise<number> {
    const { server, ...options } = ESTIMATE.read('estimated_document_count', kw);
    if (server.session !== undefined) {
      throw new ConfigurationError('estimated_document_count takes no session: metadata are outside of all sessions');
    }
    const command = { count: this.name, ...server };
    return this.#read('estimated_document_count', command, options, (reply) => reply.n as number);
  }

  /**
   * The different values of a key, in the server's order.
   * @param kw `filter`, `maxTimeMS`, `collation`, `hint`; others go to the server
   * @throws TypeError: `key` is no string; ConfigurationError: both `filter` and `query`; OperationFailure, AutoReconnect
   * @see Motor 3.8, AsyncIOMotorCollection.distinct
   */
  distinct(key: string, kw?: DistinctKw): Promise<unknown[]> {
    const { filter, server, ...options } = DISTINCT.read('distinct', kw);
    const command: Document = { distinct: this.name, key: expect('distinct', 'key', string, key), ...server };
    if (filter !== undefined) {
      if (server.query !== undefined) throw new ConfigurationError('distinct: filter and query are the same');
      command.query = filter;
    }
    return this.#read('distinct', command, options, (reply) => reply.values as unknown[]);
  }

  /** Send a command that reads. */
  #read<R>(
    method: string,
    command: Document,
    options: {
      readonly comment: unknown;
      readonly maxTimeMS?: number | null | undefined;
      readonly hint?: Hint | null;
      readonly collation?: Collation | Document | null;
    },
    finish: (reply: Document) => R,
  ): Promise<R> {
    const hint = hintOf(method, options.hint);
    const collation = collationOf(method, options.collation);
    if (hint !== undefined) command.hint = hint;
    if (collation !== undefined) command.collation = collation;
    if (options.maxTimeMS !== undefined && options.maxTimeMS !== null) command.maxTimeMS = options.maxTimeMS;
    Object.assign(command, more(options));
    withReadConcern(command, this[SETTINGS]).$db = this.#namespace.database;
    return this[ENGINE].run(encodedBy(this[SETTINGS], command), finish, readRun(this[SETTINGS]));
  }

  /**
   * Run an aggregation pipeline. No I/O, also with `$out` and `$merge`: it is sent when the cursor is first read.
   * @param pipeline a list of stages
   * @param kw `let`, `batchSize`, `allowDiskUse`, `maxTimeMS`, `bypassDocumentValidation`, `collation`, `hint`, `cursor`;
   *   others go to the server
   * @throws TypeError: no list of stages; ConfigurationError: `explain`
   * @see Motor 3.8, AsyncIOMotorCollection.aggregate
   */
  aggregate(pipeline: readonly Doc[], kw?: AggregateKw): AsyncIOMotorLatentCommandCursor {
    return aggregateCursor(this[ENGINE], this.#namespace, this.name, this.#self, this[SETTINGS], pipeline, kw);
  }

  // Writing

  /**
   * Store a document. A missing `_id` is put into it.
   * @param kw `bypass_document_validation` false, `comment`
   * @throws TypeError: no document
   * @throws DuplicateKeyError, WriteError, DocumentTooLarge, WriteConcernError, OperationFailure, AutoReconnect
   * @example const { inserted_id } = await db.test_collection.insert_one({ key: 'value' });
   * @see Motor 3.8, AsyncIOMotorCollection.insert_one
   */
  insert_one(document: Insertable<T>, kw?: InsertOneKw): Promise<InsertOneResult<IdOf<T>>> {
    const options = INSERT_ONE.read('insert_one', kw);
    const given = documentOf('insert_one', 'document', document);
    const { [SENT]: writeConcern } = this.write_concern;
    const statements = new Statements(1);
    const idLast = addId(given);
    statements.push(insertable(given, uuidName(this.codec_options)), idLast);
    const result = new InsertOneResult(field(given, '_id') as IdOf<T>, writeConcern.acknowledged);
    const extra = this.#written({}, options);
    return insertOne(this[ENGINE], this.#namespace, statements, result, { writeConcern, extra });
  }

  /**
   * Store several documents, in as few commands as the server's limits allow. Missing `_id`s are put into them.
   * @param documents a list, or any other iterable, also an asynchronous one
   * @param kw `ordered` true: stop at the first failure; `bypass_document_validation` false, `comment`
   * @throws TypeError: no iterable, an empty list, or an element that is no document; nothing is sent then
   * @throws InvalidOperation: an iterable without elements
   * @throws BulkWriteError: with all that is known in `details`; DocumentTooLarge, OperationFailure, AutoReconnect
   * @example await coll.insert_many(Array.from({ length: 2000 }, (_, i) => ({ i })));
   * @see Motor 3.8, AsyncIOMotorCollection.insert_many
   */
  async insert_many(
    documents: Iterable<Insertable<T>> | AsyncIterable<Insertable<T>>,
    kw?: InsertManyKw,
  ): Promise<InsertManyResult<IdOf<T>>> {
    const options = INSERT_MANY.read('insert_many', kw);
    const given = Array.isArray(documents) ? checkedList(documents) : await listOfDocuments(documents);
    const writes = new Writes(options.ordered, given.length);
    const uuids = uuidName(this.codec_options);
    const ids: IdOf<T>[] = new Array(given.length);
    for (const document of given) {
      const idLast = addId(document);
      ids[writes.length] = field(document, '_id') as IdOf<T>;
      writes.add('insert', document, insertable(document, uuids), idLast);
    }
    ids.length = writes.length; // code of the user's may have shortened its list meanwhile
    await this.#bulk(writes, options);
    return new InsertManyResult(ids, this.write_concern.acknowledged);
  }

  /**
   * Put a document in the place of the first that matches. Its `_id` stays.
   * @param kw `upsert` false: insert it if none matches; `collation`, `hint`, `let`, `bypass_document_validation`
   * @throws TypeError: no documents; ValueError: a replacement that begins with an operator
   * @throws DuplicateKeyError, WriteError, WriteConcernError, OperationFailure, AutoReconnect
   * @see Motor 3.8, AsyncIOMotorCollection.replace_one
   */
  replace_one(filter: Filter<T>, replacement: Replacement<T>, kw?: ReplaceOneKw): Promise<UpdateResult<IdOf<T>>> {
    const options = REPLACE_ONE.read('replace_one', kw);
    const q = documentOf('replace_one', 'filter', filter);
    return this.#update('replace_one', q, replacementOf('replace_one', replacement), false, options);
  }

  /**
   * Change the first document that matches.
   * @param update operators such as `{ $set: ... }`, or a pipeline
   * @param kw `upsert` false: insert a document if none matches; `array_filters`, `collation`, `hint`, `let`,
   *   `bypass_document_validation`
   * @throws TypeError: no documents; ValueError: an update that is empty or does not begin with an operator
   * @throws ConfigurationError: `collation` or `array_filters` with `w: 0`
   * @throws DuplicateKeyError, WriteError, WriteConcernError, OperationFailure, AutoReconnect
   * @see Motor 3.8, AsyncIOMotorCollection.update_one
   */
  update_one(filter: Filter<T>, update: Update<T>, kw?: UpdateOneKw): Promise<UpdateResult<IdOf<T>>> {
    const options = UPDATE_ONE.read('update_one', kw);
    const q = documentOf('update_one', 'filter', filter);
    return this.#update('update_one', q, updateOf('update_one', update), false, options);
  }

  /**
   * Change all documents that match. Otherwise as {@link update_one}.
   * @see Motor 3.8, AsyncIOMotorCollection.update_many
   */
  update_many(filter: Filter<T>, update: Update<T>, kw?: UpdateManyKw): Promise<UpdateResult<IdOf<T>>> {
    const options = UPDATE_MANY.read('update_many', kw);
    const q = documentOf('update_many', 'filter', filter);
    return this.#update('update_many', q, updateOf('update_many', update), true, options);
  }

  #update(
    method: string,
    q: Document,
    u: Document | Document[],
    multi: boolean,
    options: Options<typeof UPDATE_ONE> | Options<typeof UPDATE_MANY> | Options<typeof REPLACE_ONE>,
  ): Promise<UpdateResult<IdOf<T>>> {
    const { [SENT]: concern } = this.write_concern;
    checkAcknowledged(method, concern.acknowledged, options);
    const statement = wished(method, { q, u, ...(multi ? { multi } : {}) }, options);
    const command = this.#written(updateCommand(this.#namespace, [encodedBy(this[SETTINGS], statement)]), options);
    const finish: Finish<UpdateResult<IdOf<T>>> = (reply, operation) => {
      if (!concern.acknowledged) return new UpdateResult(null);
      const outcome = updateOutcome(checkedWrite(reply, operation));
      const upserted = (reply.upserted as Document[] | undefined)?.[0];
      return new UpdateResult(upserted === undefined ? outcome : { ...outcome, upserted: upserted._id });
    };
    return runWrite(this[ENGINE], command, concern, finish, multi ? undefined : RETRYABLE_WRITE);
  }

  /**
   * Remove the first document that matches.
   * @param kw `collation`, `hint`, `let`, `comment`
   * @throws TypeError: `filter` is no document, or missing; ConfigurationError: `collation` with `w: 0`
   * @throws WriteError, WriteConcernError, OperationFailure, AutoReconnect
   * @see Motor 3.8, AsyncIOMotorCollection.delete_one
   */
  delete_one(filter: Filter<T>, kw?: DeleteKw): Promise<DeleteResult> {
    return this.#delete('delete_one', filter, 1, kw);
  }

  /**
   * Remove all documents that match. Otherwise as {@link delete_one}.
   * @see Motor 3.8, AsyncIOMotorCollection.delete_many
   */
  delete_many(filter: Filter<T>, kw?: DeleteKw): Promise<DeleteResult> {
    return this.#delete('delete_many', filter, 0, kw);
  }

  #delete(method: string, filter: unknown, limit: 0 | 1, kw: DeleteKw | undefined): Promise<DeleteResult> {
    const options = DELETE.read(method, kw);
    const { [SENT]: concern } = this.write_concern;
    checkAcknowledged(method, concern.acknowledged, options);
    const statement = wished(method, { q: documentOf(method, 'filter', filter), limit }, options);
    const command = this.#written(deleteCommand(this.#namespace, [encodedBy(this[SETTINGS], statement)]), options);
    const finish: Finish<DeleteResult> = (reply, operation) => {
      if (!concern.acknowledged) return new DeleteResult(null);
      const { n, ok } = checkedWrite(reply, operation);
      return new DeleteResult({ n, ok });
    };
    return runWrite(this[ENGINE], command, concern, finish, limit === 1 ? RETRYABLE_WRITE : undefined);
  }

  /**
   * Run several writes of all kinds, in as few commands as the server's limits allow.
   * @param requests a list of `InsertOne`, `ReplaceOne`, `UpdateOne`, `UpdateMany`, `DeleteOne`, `DeleteMany`
   * @param kw `ordered` true: in the order given, up to the first failure; `bypass_document_validation` false, `let`
   * @throws TypeError: no list of these; InvalidOperation: an empty one; ValueError: what the single methods refuse
   * @throws BulkWriteError: with all that is known in `details`; DocumentTooLarge, OperationFailure, AutoReconnect
   * @example await coll.bulk_write([new InsertOne({ y: 1 }), new DeleteMany({ x: 1 })]);
   * @see Motor 3.8, AsyncIOMotorCollection.bulk_write
   */
  async bulk_write(requests: readonly BulkOperation[], kw?: BulkWriteKw): Promise<BulkWriteResult> {
    const options = BULK_WRITE.read('bulk_write', kw);
    const { acknowledged } = this.write_concern;
    const writes = new Writes(options.ordered);
    addWrites('requests', this[SETTINGS], acknowledged, requests, (kind, statement, sent, idLast) => {
      writes.add(kind, statement, sent, idLast);
    });
    const result = await this.#bulk(writes, options);
    return new BulkWriteResult(result ?? {}, result !== null);
  }

  #bulk(
    writes: Writes,
    options: {
      comment: unknown;
      bypass_document_validation?: boolean | undefined;
      let?: Document | undefined;
    },
  ): Promise<Document | null> {
    const variables = options.let === undefined ? {} : { let: encodedBy(this[SETTINGS], options.let) };
    const common = { ...variables, ...more(options) };
    const { bypass_document_validation: given } = options;
    const bypass = given === undefined ? {} : { bypassDocumentValidation: given };
    return bulkWrite(this[ENGINE], this.#namespace, writes, {
      writeConcern: this.write_concern[SENT],
      lastUnanswered: true,
      // Variables are for filters and updates.
      extra: { insert: { ...bypass, ...more(options) }, update: { ...bypass, ...common }, delete: common },
    });
  }

  /** A write command with what all of them may have. */
  #written(
    command: Document,
    options: {
      readonly comment: unknown;
      readonly bypass_document_validation?: boolean | undefined;
      readonly let?: Document | undefined;
    },
  ): Document {
    if (options.bypass_document_validation !== undefined) {
      command.bypassDocumentValidation = options.bypass_document_validation;
    }
    if (options.let !== undefined) command.let = encodedBy(this[SETTINGS], options.let);
    return Object.assign(command, more(options));
  }

  /**
   * Remove the first document that matches and give it back.
   * @param kw `projection`, `sort`: which one if several match, `hint`, `collation`, `let`; others go to the server
   * @returns the document, or null if none matched
   * @throws TypeError: `filter` is no document; OperationFailure, AutoReconnect
   * @see Motor 3.8, AsyncIOMotorCollection.find_one_and_delete
   */
  find_one_and_delete(filter: Filter<T>, kw?: FindOneAndDeleteKw): Promise<WithId<T> | null> {
    const options = FIND_ONE_AND_DELETE.read('find_one_and_delete', kw);
    return this.#findAndModify('find_one_and_delete', filter, { remove: true }, options);
  }

  /**
   * Put a document in the place of the first that matches, and give one of the two.
   * @param kw `return_document` `ReturnDocument.BEFORE`, `upsert` false, and as for {@link find_one_and_delete}
   * @returns the document before or after, or null if none matched
   * @throws TypeError, ValueError: as `replace_one`, and a `return_document` that is no boolean
   * @throws DuplicateKeyError, OperationFailure, AutoReconnect
   * @see Motor 3.8, AsyncIOMotorCollection.find_one_and_replace
   */
  find_one_and_replace(
    filter: Filter<T>,
    replacement: Replacement<T>,
    kw?: FindOneAndReplaceKw,
  ): Promise<WithId<T> | null> {
    const options = FIND_ONE_AND_REPLACE.read('find_one_and_replace', kw);
    const change = { update: replacementOf('find_one_and_replace', replacement) };
    return this.#findAndModify('find_one_and_replace', filter, change, options);
  }

  /**
   * Change the first document that matches, and give it back.
   * @param kw `array_filters`, and as for {@link find_one_and_replace}
   * @returns the document before or after, or null if none matched
   * @throws TypeError, ValueError: as `update_one`, and a `return_document` that is no boolean
   * @throws DuplicateKeyError, OperationFailure, AutoReconnect
   * @see Motor 3.8, AsyncIOMotorCollection.find_one_and_update
   */
  find_one_and_update(filter: Filter<T>, update: Update<T>, kw?: FindOneAndUpdateKw): Promise<WithId<T> | null> {
    const options = FIND_ONE_AND_UPDATE.read('find_one_and_update', kw);
    const change: Document = { update: updateOf('find_one_and_update', update) };
    if (options.array_filters !== null) change.arrayFilters = options.array_filters;
    return this.#findAndModify('find_one_and_update', filter, change, options);
  }

  async #findAndModify(
    method: string,
    filter: unknown,
    change: Document,
    options: Options<typeof FIND_ONE_AND_DELETE> & { readonly upsert?: boolean; readonly return_document?: unknown },
  ): Promise<WithId<T> | null> {
    const { return_document = false, upsert = false, server } = options;
    if (typeof return_document !== 'boolean') {
      throw new ValueError(`${method}: return_document must be ReturnDocument.BEFORE or AFTER`);
    }
    const { [SENT]: concern } = this.write_concern;
    checkAcknowledged(method, concern.acknowledged, options);
    const fields: Document = { query: documentOf(method, 'filter', filter), ...change };
    const collation = collationOf(method, options.collation);
    const hint = hintOf(method, options.hint);
    if (options.sort !== null) fields.sort = sortOf(method, 'sort', options.sort);
    if (return_document) fields.new = true;
    if (upsert) fields.upsert = true;
    if (options.projection !== null) fields.fields = projectionOf(options.projection);
    if (collation !== undefined) fields.collation = collation;
    if (hint !== undefined) fields.hint = hint;
    if (options.let !== undefined) fields.let = options.let;
    Object.assign(fields, server, more(options));
    const sent = encodedBy(this[SETTINGS], fields);
    const run: RunOptions = { ...readingOf(this.codec_options), retryableWrite: true };
    const reply = await findAndModify(this[ENGINE], this.#namespace, sent, concern, run);
    return (reply.value as WithId<T> | null | undefined) ?? null;
  }

  /**
   * Drop the collection with its indexes. A missing one is no error.
   * @throws ConfigurationError: `encrypted_fields`; OperationFailure, AutoReconnect
   * @see Motor 3.8, AsyncIOMotorCollection.drop
   */
  async drop(kw?: DropCollectionKw): Promise<null> {
    const options = DROP_COLLECTION.read('drop', kw);
    checkNoEncryption('drop', options.encrypted_fields ?? options.encryptedFields);
    await dropCollection(this[ENGINE], this.#namespace, withConcern(this[SETTINGS], more(options)));
    return null;
  }

  /**
   * Give the collection another name within its database. This object keeps the old one.
   * @param kw `dropTarget`: true replaces a collection of that name; any other keyword goes to the server
   * @returns the server's reply
   * @throws TypeError, InvalidName: a bad name; OperationFailure: there is such a collection; AutoReconnect
   * @see Motor 3.8, AsyncIOMotorCollection.rename
   */
  rename(new_name: string, kw?: RenameKw): Promise<Document> {
    const { server, ...options } = RENAME.read('rename', kw);
    const fields = withConcern(this[SETTINGS], encodedBy(this[SETTINGS], { ...server, ...more(options) }));
    return renameCollection(this[ENGINE], this.#namespace, checkCollectionName(new_name), fields);
  }

  /**
   * The options that the collection was created with; `{}` if there are none, or no such collection.
   * @throws OperationFailure, AutoReconnect
   * @see Motor 3.8, AsyncIOMotorCollection.options
   */
  options(kw?: PlainKw): Promise<Document> {
    return collectionOptions(this[ENGINE], this.#namespace, more(PLAIN.read('options', kw)));
  }

  // Indexes

  /**
   * Make sure that there is an index.
   * @param keys a name, names and pairs of name and direction, or a document
   * @param kw those of `IndexModel`; `maxTimeMS`, `commitQuorum`; others go to the server
   * @returns the index's name
   * @throws TypeError: no keys; ValueError: empty; DuplicateKeyError, OperationFailure, AutoReconnect
   * @see Motor 3.8, AsyncIOMotorCollection.create_index
   */
  async create_index(keys: Hint, kw?: CreateIndexKw): Promise<string> {
    const { session, comment, maxTimeMS, commitQuorum, server, ...own } = CREATE_INDEX.read('create_index', kw);
    const [name] = await this.#createIndexes([new IndexModel(keys, { ...own, ...server })], {
      maxTimeMS,
      commitQuorum,
      comment,
    });
    return name as string;
  }

  /**
   * Make sure that there are several indexes, by one command.
   * @param kw `maxTimeMS`, `commitQuorum`; others go to the server
   * @returns their names
   * @throws TypeError: no list of `IndexModel`s; DuplicateKeyError, OperationFailure, AutoReconnect
   * @see Motor 3.8, AsyncIOMotorCollection.create_indexes
   */
  create_indexes(indexes: readonly IndexModel[], kw?: CreateIndexesKw): Promise<string[]> {
    const { session, server, ...options } = CREATE_INDEXES.read('create_indexes', kw);
    if (!Array.isArray(indexes)) {
      throw new TypeError(`create_indexes: indexes must be a list of IndexModels, not ${picture(indexes)}`);
    }
    return this.#createIndexes(indexes, { ...options, ...server });
  }

  async #createIndexes(indexes: readonly unknown[], fields: Document): Promise<string[]> {
    const documents = indexes.map((index) => {
      if (index instanceof IndexModel) return encodedBy(this[SETTINGS], index.document);
      throw new TypeError(`create_indexes: an index must be an IndexModel, not ${picture(index)}`);
    });
    const given = Object.fromEntries(Object.entries(fields).filter(([, value]) => (value ?? null) !== null));
    await createIndexes(this[ENGINE], this.#namespace, documents, withConcern(this[SETTINGS], checkEncodable(given)));
    return documents.map(({ name }) => name as string);
  }

  /**
   * Drop an index. A missing collection is no error.
   * @param index_or_name its name, or its keys, which stand for the default name
   * @throws TypeError: of another type; OperationFailure, AutoReconnect
   * @see Motor 3.8, AsyncIOMotorCollection.drop_index
   */
  drop_index(index_or_name: string | Pairs, kw?: DropIndexKw): Promise<null> {
    const { server, ...options } = DROP_INDEX.read('drop_index', kw);
    const name =
      typeof index_or_name === 'string'
        ? index_or_name
        : indexName(pairsOf('drop_index', 'index_or_name', index_or_name));
    return this.#dropIndexes(name, { ...server, ...more(options) });
  }

  /**
   * Drop all indexes but that of `_id`. A missing collection is no error.
   * @throws OperationFailure, AutoReconnect
   * @see Motor 3.8, AsyncIOMotorCollection.drop_indexes
   */
  drop_indexes(kw?: DropIndexKw): Promise<null> {
    const { server, ...options } = DROP_INDEX.read('drop_indexes', kw);
    return this.#dropIndexes('*', { ...server, ...more(options) });
  }

  #dropIndexes(index: string, fields: ServerKeywords): Promise<null> {
    return dropIndexes(this[ENGINE], this.#namespace, index, withConcern(this[SETTINGS], checkEncodable(fields)));
  }

  /**
   * A cursor over the indexes; of a missing collection it is empty. No I/O: it asks the server when it is read.
   * @throws TypeError: an unknown keyword
   * @see Motor 3.8, AsyncIOMotorCollection.list_indexes
   */
  list_indexes(kw?: PlainKw): AsyncIOMotorLatentCommandCursor {
    const options = PLAIN.read('list_indexes', kw);
    const fields = more(options);
    const make = (batchSize: number) =>
      listIndexes(
        this[ENGINE],
        this.#namespace,
        { ...(batchSize === 0 ? {} : { cursor: { batchSize } }), ...fields },
        { run: readingOf(this.codec_options), batchSize, comment: options.comment },
      );
    return new AsyncIOMotorLatentCommandCursor(this.#self, make) as AsyncIOMotorLatentCommandCursor;
  }

  /**
   * What indexes there are: by name, each with `key` (pairs), `v`, and its options; `{}` if there is no such collection.
   * @throws OperationFailure, AutoReconnect
   * @see Motor 3.8, AsyncIOMotorCollection.index_information
   */
  index_information(kw?: PlainKw): Promise<Record<string, IndexInformation>> {
    const options = PLAIN.read('index_information', kw);
    return indexInformation(this[ENGINE], this.#namespace, more(options)) as Promise<Record<string, IndexInformation>>;
  }

  // Search indexes

  /**
   * Make a search index. Only Atlas has them; another server refuses.
   * @param model a `SearchIndexModel`, or a document of its `definition`, `name` and `type`
   * @returns the index's name; the server goes on making it
   * @throws TypeError: another model; OperationFailure: the server has no search indexes, or refuses the definition;
   *   AutoReconnect
   * @example await db.pages.create_search_index({ definition: { mappings: { dynamic: true } }, name: 'everything' });
   * @see Motor 3.8, AsyncIOMotorCollection.create_search_index
   */
  async create_search_index(model: SearchIndexModel | SearchIndexDocument, kw?: PlainKw): Promise<string> {
    const options = PLAIN.read('create_search_index', kw);
    const [name] = await this.#createSearchIndexes([searchIndexOf(model)], options);
    return name as string;
  }

  /**
   * Make several search indexes, by one command. Only Atlas has them; another server refuses.
   * @returns their names; the server goes on making them
   * @throws TypeError: no list of `SearchIndexModel`s; OperationFailure: the server has no search indexes, or refuses a
   *   definition; AutoReconnect
   * @see Motor 3.8, AsyncIOMotorCollection.create_search_indexes
   */
  create_search_indexes(models: readonly SearchIndexModel[], kw?: PlainKw): Promise<string[]> {
    const options = PLAIN.read('create_search_indexes', kw);
    return this.#createSearchIndexes(searchIndexesOf(models), options);
  }

  #createSearchIndexes(models: readonly SearchIndexModel[], options: Options<typeof PLAIN>): Promise<string[]> {
    const documents = models.map((model) => encodedBy(this[SETTINGS], model.document));
    return createSearchIndexes(this[ENGINE], this.#namespace, documents, more(options));
  }

  /**
   * Give a search index another definition. Only Atlas has them; another server refuses.
   * @throws TypeError: `name` is no string, or `definition` no document; OperationFailure: there is no such index, or
   *   the server has no search indexes; AutoReconnect
   * @see Motor 3.8, AsyncIOMotorCollection.update_search_index
   */
  update_search_index(name: string, definition: Doc, kw?: PlainKw): Promise<null> {
    const options = PLAIN.read('update_search_index', kw);
    expect('update_search_index', 'name', string, name);
    const given = encodedBy(this[SETTINGS], documentOf('update_search_index', 'definition', definition));
    return updateSearchIndex(this[ENGINE], this.#namespace, name, given, more(options));
  }

  /**
   * Drop a search index. A missing collection is no error. Only Atlas has them; another server refuses.
   * @throws TypeError: `name` is no string; OperationFailure: there is no such index, or the server has no search
   *   indexes; AutoReconnect
   * @see Motor 3.8, AsyncIOMotorCollection.drop_search_index
   */
  drop_search_index(name: string, kw?: PlainKw): Promise<null> {
    const options = PLAIN.read('drop_search_index', kw);
    expect('drop_search_index', 'name', string, name);
    return dropSearchIndex(this[ENGINE], this.#namespace, name, more(options));
  }

  /**
   * A cursor over the search indexes. No I/O: it asks the server when it is read. Only Atlas has them; another server
   * refuses.
   * @param name of the only one that is wanted; default null: all
   * @throws TypeError: `name` is no string; an unknown keyword
   * @see Motor 3.8, AsyncIOMotorCollection.list_search_indexes
   */
  list_search_indexes(name?: string | null, kw?: PlainKw): AsyncIOMotorLatentCommandCursor;
  list_search_indexes(kw?: PlainKw): AsyncIOMotorLatentCommandCursor;
  list_search_indexes(first: string | PlainKw | null = null, second?: PlainKw): AsyncIOMotorLatentCommandCursor {
    const [name, kw] = isPlainObject(first) && second === undefined ? [null, first] : [first, second];
    const options = PLAIN.read('list_search_indexes', kw);
    const wanted = expect('list_search_indexes', 'name', orNull(string), name as string | null);
    const fields = more(options);
    const make = (batchSize: number) =>
      listSearchIndexes(
        this[ENGINE],
        this.#namespace,
        wanted,
        { ...(batchSize === 0 ? {} : { cursor: { batchSize } }), ...fields },
        { run: readingOf(this.codec_options), batchSize, comment: options.comment },
      );
    return new AsyncIOMotorLatentCommandCursor(this.#self, make) as AsyncIOMotorLatentCommandCursor;
  }

  get #self(): AsyncIOMotorCollection {
    return this as unknown as AsyncIOMotorCollection;
  }

  [REPR](): string {
    return `Collection(${this.#database[REPR]()}, '${this.name}')`;
  }
}

/** What `insert_many` was given, each checked before any of it is sent. */
async function listOfDocuments(given: unknown): Promise<Document[]> {
  const isIterable =
    typeof given === 'object' &&
    given !== null &&
    !isDocument(given) &&
    (Symbol.iterator in given || Symbol.asyncIterator in given);
  if (!isIterable) {
    throw new TypeError(`insert_many: documents must be a list or another iterable, not ${picture(given)}`);
  }
  const documents: Document[] = [];
  for await (const candidate of given as Iterable<unknown> | AsyncIterable<unknown>) {
    documents.push(documentAt('insert_many', documents.length, candidate));
  }
  if (documents.length > 0) return documents;
  throw new InvalidOperation('insert_many: there is no document');
}

/** Of a list nothing need be awaited. */
function checkedList(given: readonly unknown[]): readonly Document[] {
  if (given.length === 0) throw new TypeError('insert_many: documents must not be empty');
  for (let index = 0; index < given.length; index++) documentAt('insert_many', index, given[index]);
  return given as readonly Document[];
}

withChildren(Collection, (collection, name) => collection.get_collection(name), { hideUnderscore: true });

/** A collection of documents. */
export const AsyncIOMotorCollection: DualClass<typeof Collection, AsyncIOMotorCollection> = dual(
  Collection,
  {
    find_one: 1,
    count_documents: 1,
    estimated_document_count: 0,
    distinct: 1,
    insert_one: 1,
    insert_many: 1,
    replace_one: 2,
    update_one: 2,
    update_many: 2,
    delete_one: 1,
    delete_many: 1,
    bulk_write: 1,
    find_one_and_delete: 1,
    find_one_and_replace: 2,
    find_one_and_update: 2,
    drop: 0,
    rename: 1,
    options: 0,
    create_index: 1,
    create_indexes: 1,
    drop_index: 1,
    drop_indexes: 0,
    index_information: 0,
    create_search_index: 1,
    create_search_indexes: 1,
    update_search_index: 2,
    drop_search_index: 1,
  },
  { name: 'AsyncIOMotorCollection', refused: [] },
);

/** `find_one` with a projection gives what the projection leaves; a dual method's type cannot have that parameter. */
interface Projecting<T> {
  readonly find_one: FindOneProjected<T>;
  readonly findOne: FindOneProjected<T>;
}
type FindOneProjected<T> = <const P extends Projection<T>>(
  filter_or_id: Filter<T> | IdOf<T> | null,
  kw: Omit<FindKw, 'projection'> & { readonly projection: P },
) => Promise<Projected<T, P> | null>;

export type AsyncIOMotorCollection<T extends Document = Document> = Projecting<T> &
  Dual<Collection<T>> &
  Children<AsyncIOMotorCollection>;

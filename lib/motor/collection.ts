import type { Document } from 'bson';
import type { Doc, Js, KeyOrList, Pairs } from '../../typings/documents';
import type { Children, Dual, DualClass } from '../../typings/dual';
import { collectionOptions, renameCollection } from '../core/collections';
import { deleteCommand, findOneCommand, type Namespace, type UpdateStatement, updateCommand } from '../core/commands';
import { Cursor } from '../core/cursor';
import { addId, field, firstKey, isDocument } from '../core/documents';
import type { RunOptions } from '../core/engine';
import { InvalidOperation, ValueError } from '../core/errors';
import { createIndexes, dropIndexes, indexInformation, indexName } from '../core/indexes';
import { insertMany, insertOne } from '../core/insert';
import { DEFAULT_READ_PREFERENCE, type ReadPreference } from '../core/readPreference';
import { type ComingStatements, Statements } from '../core/sequence';
import { SON } from '../core/son';
import { insertable, sendable } from '../core/uuids';
import { findAndModify, runWrite, updateOutcome } from '../core/write';
import type { WriteConcern } from '../core/writeConcern';
import { checkedWrite } from '../core/writeReply';
import { codeOf, directionsOf, documentAt, documentOf, isWriting, keysOf, projectionOf, specOf } from './arguments';
import { arrivingAt } from './batchCursor';
import { MotorBulkOperationBuilder } from './bulk';
import { withChildren } from './children';
import { MotorCommandCursor } from './commandCursor';
import { MotorCursor } from './cursor';
import { MotorDatabase } from './database';
import { dual, only } from './dual';
import {
  checkExhaust,
  FIND,
  FIND_ONE,
  type FindKw,
  type FindOneKw,
  findOneQuery,
  findRunOptions,
  type Query,
  queryCommand,
  READ_KEYWORDS,
} from './find';
import { sendOrServe } from './goneCommands';
import type { Loop } from './ioLoop';
import {
  anything,
  bool,
  document,
  expect,
  fieldSpec,
  fn,
  type Given,
  integer,
  isPlainObject,
  keywords,
  number,
  orNull,
  picture,
  type ServerKeywords,
  string,
  unchecked,
} from './keywords';
import { readOutput } from './mapReduce';
import { checkCollectionName } from './names';
import { isPseudoCollection, runPseudoQuery } from './pseudoCollections';
import { foldWhere } from './scopeFolding';
import {
  ENGINE,
  INDEX_CACHE,
  MANIPULATORS,
  REMEMBERED,
  REPR,
  readPreferenceOf,
  Settings,
  UUIDS,
  withPreference,
  writeConcernOf,
} from './settings';
import { type UuidSubtype, type Uuids, uuidsOfRepresentation, uuidsOfSubtype } from './uuids';

/** The write concern of one operation, in place of the inherited one. Checked where it is used. */
const WRITE_KEYWORDS = {
  w: [undefined, unchecked<number | string>()],
  wtimeout: [undefined, unchecked<number>()],
  j: [undefined, unchecked<boolean>()],
  fsync: [undefined, unchecked<boolean>()],
} as const;

const INSERT = keywords({
  manipulate: [true, bool],
  check_keys: [true, bool],
  continue_on_error: [false, bool],
  ...WRITE_KEYWORDS,
});
export type InsertKw = Given<typeof INSERT>;

const SAVE = keywords({ manipulate: [true, bool], check_keys: [true, bool], ...WRITE_KEYWORDS });
export type SaveKw = Given<typeof SAVE>;

const UPDATE = keywords({
  upsert: [false, bool],
  manipulate: [false, bool],
  multi: [false, bool],
  check_keys: [true, bool],
  ...WRITE_KEYWORDS,
});
export type UpdateKw = Given<typeof UPDATE>;

const REMOVE = keywords({ multi: [true, bool], ...WRITE_KEYWORDS });
export type RemoveKw = Given<typeof REMOVE>;

const FIND_AND_MODIFY = keywords(
  {
    upsert: [false, bool],
    sort: [null, anything],
    full_response: [false, bool],
    remove: [false, bool],
    new: [false, bool],
    fields: [null, orNull(fieldSpec)],
    as_class: [null, orNull(fn)],
  },
  { rest: true },
);
export type FindAndModifyKw = Given<typeof FIND_AND_MODIFY>;

const AGGREGATE = keywords(
  { cursor: [null, orNull(document)], compile_re: [true, bool], ...READ_KEYWORDS },
  { rest: true },
);
export type AggregateKw = Given<typeof AGGREGATE>;

const CREATE_INDEX = keywords(
  {
    cache_for: [300, number], // seconds
    ttl: [undefined, number], // its old name
    name: [undefined, string],
    drop_dups: [undefined, bool],
    bucket_size: [undefined, number],
  },
  { rest: true },
);
export type CreateIndexKw = Given<typeof CREATE_INDEX>;

const MAP_REDUCE = keywords({ full_response: [false, bool] }, { rest: true });
export type MapReduceKw = Given<typeof MAP_REDUCE>;

const PARALLEL_SCAN = keywords(READ_KEYWORDS, { rest: true });
export type ParallelScanKw = Given<typeof PARALLEL_SCAN>;

const RENAME = keywords({}, { rest: true });
export type RenameKw = Given<typeof RENAME>;

/** What `update` tells. */
export interface UpdateResult {
  /** Documents that matched, or were upserted. */
  readonly n: number;
  readonly nModified: number;
  readonly updatedExisting: boolean;
  readonly ok: number;
  /** The documents that were inserted because none matched. */
  readonly upserted?: readonly { readonly index: number; readonly _id: unknown }[];
}

/** What `remove` tells: how many documents are gone. */
export interface RemoveResult {
  readonly n: number;
  readonly ok: number;
}

/** What `index_information` tells of one index. */
export interface IndexInformation {
  readonly key: Pairs;
  readonly v: number;
  readonly unique?: boolean;
  readonly [option: string]: unknown;
}

const firstDocument = (reply: Document): Document | null => (reply.cursor.firstBatch as Document[])[0] ?? null;

/**
 * Documents under a name. Every name it does not have itself is a sub-collection: `db.blog.posts` is the collection
 * `blog.posts`. Made by `MotorDatabase.get_collection` and by property access; that asks nothing of the server.
 * @see Motor 0.2, MotorCollection
 */
export class Collection extends Settings {
  readonly #database: MotorDatabase;
  readonly #namespace: Namespace;
  /** Null: as the client has it. */
  #uuids: Uuids | null = null;

  /**
   * A collection of a database, as `database.get_collection(name)` gives it. No I/O.
   * @throws TypeError: `database` is no MotorDatabase; any further argument, for a constructor creates nothing
   * @throws InvalidName
   * @see Motor 0.2, MotorCollection
   */
  constructor(database: MotorDatabase, name: string, ...more: unknown[]) {
    if (!(database instanceof MotorDatabase)) {
      throw new TypeError(`MotorCollection: database must be a MotorDatabase, not ${picture(database)}`);
    }
    if (more.length > 0) {
      throw new TypeError('MotorCollection: options are for MotorDatabase.create_collection, which creates one');
    }
    super(database);
    this.#database = database;
    this.#namespace = { database: database.name, collection: checkCollectionName(name) };
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
  get database(): MotorDatabase {
    return this.#database;
  }

  /**
   * The collection `<this>.<name>`, also where `name` is a method's or begins with `_`. No I/O. It inherits from the
   * database, not from this collection.
   * @throws TypeError: not a string
   * @throws InvalidName
   */
  get_collection(name: string): MotorCollection {
    if (typeof name !== 'string') throw new TypeError(`a collection's name must be a string, not ${picture(name)}`);
    return new MotorCollection(this.#database, `${this.name}.${name}`) as MotorCollection;
  }

  /**
   * How UUIDs in documents and queries are written: 3 (`OLD_UUID_SUBTYPE`, the default), 4 (`UUID_SUBTYPE`, the
   * standard), or as subtype 3 in the byte order of Java's or C#'s old drivers: 5 (`JAVA_LEGACY`), 6
   * (`CSHARP_LEGACY`). Inherited from the client's `uuidRepresentation`. Both subtypes are read as UUIDs.
   * @throws ConfigurationError: any other value
   * @see Motor 0.2, MotorCollection.uuid_subtype
   */
  get uuid_subtype(): UuidSubtype {
    return this[UUIDS].subtype;
  }

  /** Counts for what is written and read from then on. */
  set uuid_subtype(subtype: UuidSubtype) {
    this.#uuids = uuidsOfSubtype('uuid_subtype', subtype);
  }

  get [UUIDS](): Uuids {
    return this.#uuids ?? uuidsOfRepresentation(this[ENGINE].options.uuidRepresentation);
  }

  /** The `io_loop` given to the client, else the current loop. */
  get_io_loop(): Loop {
    return this.#database.get_io_loop();
  }

  /** Whether this is the same collection of an equal database. */
  equals(other: unknown): boolean {
    return (
      other instanceof MotorCollection &&
      (other as MotorCollection).name === this.name &&
      this.#database.equals((other as MotorCollection).database)
    );
  }

  /**
   * The one document that matches first, or null.
   * @param spec_or_id a query document; anything else is the `_id` to look for; null: any document
   * @param kw as for {@link find}, and `max_time_ms`: milliseconds for the server, default none; `limit` is ignored
   * @throws TypeError: a keyword it does not know, or of a wrong type
   * @throws ExecutionTimeout: the server took longer than `max_time_ms`
   * @throws OperationFailure, AutoReconnect
   * @example const user = await db.users.find_one({ name: 'Ada' }, { fields: ['email'] });
   * @see Motor 0.2, MotorCollection.find_one
   */
  find_one(spec_or_id: unknown = null, kw?: FindOneKw): Promise<Document | null> {
    const options = FIND_ONE.read('find_one', kw);
    const engine = this[ENGINE];
    const { representation, reading } = this[UUIDS];
    const filter = sendable(foldWhere(specOf(spec_or_id)), representation, 'find_one');
    if (isPseudoCollection(this.name)) return this.#pseudoQuery(filter);
    const preference = readPreferenceOf(this, options);
    const plain = kw === undefined && this.#uuids === null && this.#documentClass === Object;
    const run = plain ? undefined : findRunOptions(options, this.#documentClass, reading);
    const query = findOneQuery(filter, options);
    const found =
      query === null
        ? engine.run(withPreference(findOneCommand(this.#namespace, filter), preference, engine), firstDocument, run)
        : this.#findOneBy(query, preference, run);
    const manipulators = this.#database[MANIPULATORS];
    if (manipulators === null || !options.manipulate) return found;
    const collection = this as unknown as MotorCollection;
    return found.then((document) => document && manipulators.outgoing(document, collection));
  }

  #pseudoQuery(filter: Document): Promise<Document> {
    return runPseudoQuery(this.#database, this.#database.connection.get_database('admin'), this.name, filter);
  }

  async #findOneBy(query: Query, preference: ReadPreference, run: RunOptions = {}): Promise<Document | null> {
    const command = queryCommand(this[ENGINE], this.#namespace, query, (sent) =>
      withPreference(sent, preference, this[ENGINE]),
    );
    const sent = typeof command === 'function' ? await command() : command;
    return this[ENGINE].run(sent, query.explain === true ? (reply) => reply : firstDocument, run);
  }

  /**
   * A cursor over the documents that match. No I/O: it asks the server when it is read.
   * @param spec a query document, which is never changed; default: all documents
   * @param kw `fields` (names, or a projection document; null: all), `skip` 0, `limit` 0 (none; negative: at most that
   *   many, in one batch), `sort` (list of pairs), `timeout` true, `tailable` false, `await_data` false, `partial`
   *   false, `exhaust` false, `snapshot` false, `max_scan`, `as_class`, `manipulate` true, `compile_re` true,
   *   `network_timeout` (seconds), `read_preference`, `tag_sets`, `secondary_acceptable_latency_ms`
   * @throws TypeError: a spec that is no document; a keyword it does not know, or of a wrong type
   * @throws InvalidOperation: a callback, for there is nothing to wait for; `exhaust` with `limit`
   * @example for await (const user of db.users.find({ active: true }).sort('joined', -1).limit(10)) print(user);
   * @see Motor 0.2, MotorCollection.find
   */
  find(spec: Doc | null = {}, kw: FindKw = {}, ...more: unknown[]): MotorCursor {
    checkNoCallback(spec, kw, more);
    const filter = spec === null ? {} : documentOf('find', 'spec', spec);
    const options = FIND.read('find', kw);
    checkExhaust(options.exhaust, options.limit, this[ENGINE]);
    return new MotorCursor(this as unknown as MotorCollection, filter, options) as MotorCursor;
  }

  /**
   * Store one document, or several. A missing `_id` is put into the document that was given.
   * @param doc_or_docs a document, or an iterable (also an asynchronous one) of documents
   * @param kw `manipulate` true: add `_id`s; `check_keys` true: refuse keys that begin with `$` or contain `.`;
   *   `continue_on_error` false: go on after a failure, and raise the last one in the end; and a write concern
   * @returns the `_id`; of several documents the list of them. Also for `w: 0`, which waits for no reply
   * @throws TypeError: no document; InvalidOperation: an empty list; InvalidDocument: a key or value that is refused
   * @throws DocumentTooLarge, DuplicateKeyError, OperationFailure, WTimeoutError, AutoReconnect
   * @example const id = await db.users.insert({ name: 'Ada' });
   * @see Motor 0.2, MotorCollection.insert
   */
  insert(doc_or_docs: Doc | Iterable<Doc> | AsyncIterable<Doc>, kw?: InsertKw): Promise<unknown> {
    const options = INSERT.read('insert', kw);
    const concern = writeConcernOf(this, options);
    if (isDocument(doc_or_docs) && !isIterable(doc_or_docs)) {
      return this.#insertOne(doc_or_docs, options, concern);
    }
    if (!isIterable(doc_or_docs)) {
      throw new TypeError(`insert: expected a document or an iterable of documents, not ${picture(doc_or_docs)}`);
    }
    return this.#insertMany(doc_or_docs, options, concern);
  }

  #insertOne(
    given: Document,
    { manipulate, check_keys }: { manipulate: boolean; check_keys: boolean },
    concern: WriteConcern,
  ): Promise<unknown> {
    return this.#manipulated(given, manipulate, true, (document) => {
      const statements = new Statements(1);
      this.#addTo(statements, document, manipulate, check_keys);
      const id = field(document, '_id') ?? null;
      return insertOne(this[ENGINE], this.#namespace, statements, id, { writeConcern: concern });
    });
  }

  /** Put a document to insert behind the others; a missing `_id` is put into it if wished. */
  #addTo(statements: Statements, document: Document, injectsId: boolean, checkKeys: boolean): void {
    const idLast = injectsId && addId(document);
    statements.push(insertable(document, this[UUIDS].representation, 'insert', checkKeys), idLast);
  }

  /** Go on with what the manipulators make of a document; at once, if there are none. */
  #manipulated<T>(
    document: Document,
    manipulate: boolean,
    injectsId: boolean,
    goOn: (document: Document) => Promise<T>,
  ): Promise<T> {
    const manipulators = this.#database[MANIPULATORS];
    if (!manipulate || manipulators === null) return goOn(document);
    if (injectsId) addId(document); // before they see it
    return manipulators.incoming(document, this as unknown as MotorCollection).then(goOn);
  }

  async #insertMany(
    given: Iterable<unknown> | AsyncIterable<unknown>,
    options: { manipulate: boolean; check_keys: boolean; continue_on_error: boolean },
    writeConcern: WriteConcern,
  ): Promise<unknown[]> {
    const ids: unknown[] = new Array(Array.isArray(given) ? given.length : 0);
    let count = 0;
    const add = (statements: Statements, candidate: unknown): void => {
      const document = documentAt('insert', count, candidate);
      this.#addTo(statements, document, options.manipulate, options.check_keys);
      ids[count++] = field(document, '_id') ?? null;
    };
    let candidates = given;
    if (options.manipulate && this.#database[MANIPULATORS] !== null) {
      let count = 0;
      const manipulated = mapAsynchronous(given, (candidate) => {
        const document = documentAt('insert', count++, candidate);
        return this.#manipulated(document, true, true, (changed) => Promise.resolve(changed));
      });
      candidates = Array.isArray(given) ? await listOf(manipulated) : manipulated;
    }
    let statements: Statements | ComingStatements = { items: candidates, add };
    // A list is checked as a whole before any of it is sent; what comes bit by bit can only be checked bit by bit.
    if (Array.isArray(candidates)) {
      statements = new Statements(candidates.length);
      for (const candidate of candidates) add(statements, candidate);
      if (count === 0) throw new InvalidOperation('insert: there is no document');
    }
    await insertMany(this[ENGINE], this.#namespace, statements, { ordered: !options.continue_on_error, writeConcern });
    if (count === 0) throw new InvalidOperation('insert: there is no document');
    ids.length = count; // code of the user's may have shortened its list meanwhile
    return ids;
  }

  /**
   * Store a document: without an `_id` as a new one, else in place of the one with this `_id`, or as a new one if there
   * is none.
   * @param kw `manipulate` true, `check_keys` true, and a write concern
   * @returns the `_id`; null if there was none and `manipulate` is false
   * @throws TypeError: no document; what {@link insert} and {@link update} throw
   * @see Motor 0.2, MotorCollection.save
   */
  save(to_save: Doc, kw?: SaveKw): Promise<unknown> {
    const options = SAVE.read('save', kw);
    const concern = writeConcernOf(this, options);
    const given = documentOf('save', 'to_save', to_save);
    const id = field(given, '_id');
    if (id === undefined) return this.#insertOne(given, options, concern);
    return this.#manipulated(given, options.manipulate, false, (document) => {
      const u = sendable(document, this[UUIDS].representation, 'save', options.check_keys);
      const q = sendable({ _id: id }, this[UUIDS].representation);
      const command = updateCommand(this.#namespace, [{ q, u, upsert: true }]);
      return runWrite(this[ENGINE], command, concern, (reply, operation) => {
        checkedWrite(reply, operation);
        return id;
      });
    });
  }

  /**
   * Change documents by operators, or replace one.
   * @param spec what they have to match
   * @param document operators such as `$set`, or, where its first key has no `$`, the document to put in its place
   * @param kw `upsert` false: insert it if nothing matches; `multi` false: change all that match; `manipulate` false,
   *   `check_keys` true; and a write concern
   * @returns `n`, `nModified`, `updatedExisting`, `ok`, and `upserted` after an upsert; null for `w: 0`
   * @throws TypeError: no documents, or an `upsert` that is no boolean; InvalidDocument: a key that is refused
   * @throws DuplicateKeyError, OperationFailure, WTimeoutError, AutoReconnect
   * @example await db.users.update({ name: 'Ada' }, { $set: { admin: true } }, { multi: true });
   * @see Motor 0.2, MotorCollection.update
   */
  update(spec: Doc, document: Doc, kw?: UpdateKw): Promise<UpdateResult | null> {
    const options = UPDATE.read('update', kw);
    const concern = writeConcernOf(this, options);
    const given = documentOf('update', 'document', document);
    const { representation } = this[UUIDS];
    const q = sendable(documentOf('update', 'spec', spec), representation, 'update: spec');
    return this.#manipulated(given, options.manipulate, false, (changed) => {
      const checkKeys = options.check_keys && !isOperators(changed);
      const u = sendable(changed, representation, 'update: document', checkKeys);
      const statement: UpdateStatement = { q, u };
      if (options.upsert) statement.upsert = true;
      if (options.multi) statement.multi = true;
      return runWrite(this[ENGINE], updateCommand(this.#namespace, [statement]), concern, (reply, operation) =>
        concern.acknowledged ? updateResult(checkedWrite(reply, operation)) : null,
      );
    });
  }

  /**
   * Remove the documents that match.
   * @param spec_or_id a query document; anything else is the `_id`; **null or nothing removes all documents**
   * @param kw `multi` true: all that match, not just the first; and a write concern
   * @returns `n` and `ok`; null for `w: 0`
   * @throws OperationFailure, WTimeoutError, AutoReconnect
   * @see Motor 0.2, MotorCollection.remove
   */
  remove(spec_or_id: unknown = null, kw?: RemoveKw): Promise<RemoveResult | null> {
    const options = REMOVE.read('remove', kw);
    const concern = writeConcernOf(this, options);
    const q = sendable(specOf(spec_or_id), this[UUIDS].representation, 'remove');
    const command = deleteCommand(this.#namespace, [{ q, limit: options.multi ? 0 : 1 }]);
    return runWrite(this[ENGINE], command, concern, (reply, operation) => {
      if (!concern.acknowledged) return null;
      const { n, ok } = checkedWrite(reply, operation);
      return { n, ok };
    });
  }

  /**
   * Change or remove one document and give it back.
   * @param query what it has to match
   * @param update operators or a replacement; null with `remove`
   * @param kw `sort` (pairs, a `SON`, or a document of one key): which one if several match; `new` false: give it as it
   *   is afterwards; `upsert` false; `remove` false; `fields`; `full_response` false: give the whole reply; `as_class`;
   *   any other keyword goes to the server, `writeConcern` too: the collection's write concern is not inherited
   * @returns the document, or null if none matched
   * @throws ValueError: neither or both of update and remove; TypeError: a `sort` of another kind
   * @throws DuplicateKeyError, OperationFailure, AutoReconnect
   * @see Motor 0.2, MotorCollection.find_and_modify
   */
  async find_and_modify(
    query: Doc = {},
    update: Doc | unknown[] | null = null,
    kw?: FindAndModifyKw,
  ): Promise<Document | null> {
    const options = FIND_AND_MODIFY.read('find_and_modify', kw);
    if (update !== null && !isDocument(update) && !Array.isArray(update)) {
      throw new TypeError(
        `find_and_modify: update must be a document, a list of stages or null, not ${picture(update)}`,
      );
    }
    for (const name of ['query', 'update']) {
      if (name in options.server)
        throw new TypeError(`find_and_modify: ${name} is given by position, not as a keyword`);
    }
    const hasUpdate = update !== null && (Array.isArray(update) ? update.length > 0 : firstKey(update) !== null);
    if (hasUpdate === options.remove) {
      const why = hasUpdate ? 'both were given' : 'neither was given, or an empty update';
      throw new ValueError(`find_and_modify: give either an update or remove: true; ${why}`);
    }
    const fields: Document = { query: documentOf('find_and_modify', 'query', query) };
    if (hasUpdate) fields.update = update;
    if (options.remove) fields.remove = true;
    if (options.sort !== null) fields.sort = sortOfFindAndModify(options.sort);
    if (options.new) fields.new = true;
    if (options.upsert) fields.upsert = true;
    if (options.fields !== null) fields.fields = projectionOf(options.fields);
    Object.assign(fields, options.server);
    const sent = sendable(fields, this[UUIDS].representation, 'find_and_modify');
    const decoding = this.#decoding(options.as_class);
    // As in the original it inherits no write concern: it is always answered.
    const reply = await findAndModify(this[ENGINE], this.#namespace, sent, null, decoding);
    return options.full_response ? reply : ((reply.value as Document | null | undefined) ?? null);
  }

  /**
   * How many documents the whole collection has; 0 if there is no such collection.
   * @throws OperationFailure, AutoReconnect
   * @see Motor 0.2, MotorCollection.count
   */
  count(): Promise<number> {
    return this.#read({ count: this.name }, (reply) => reply.n as number);
  }

  /**
   * The different values of a key, in the server's order.
   * @throws TypeError: `key` is no string
   * @throws OperationFailure, AutoReconnect
   * @see Motor 0.2, MotorCollection.distinct
   */
  distinct(key: string): Promise<unknown[]> {
    return this.#read({ distinct: this.name, key: expect('distinct', 'key', string, key) }, (reply) => reply.values);
  }

  /**
   * Run an aggregation pipeline. It asks the server at once.
   * @param pipeline stages; a single stage is taken as a list of one
   * @param kw `cursor`: `{}` or `{ batchSize }` for a cursor; `explain`: true for the plan; `read_preference`,
   *   `tag_sets`, `secondary_acceptable_latency_ms`, `compile_re` true; any other keyword goes to the server
   * @returns `{ result, ok: 1 }` with all documents; with `cursor` a {@link MotorCommandCursor}; with `explain` the reply
   * @throws TypeError: neither a document nor a list; OperationFailure, AutoReconnect
   * @see Motor 0.2, MotorCollection.aggregate
   */
  aggregate(pipeline: Doc | readonly Doc[], kw: AggregateKw & { readonly cursor: Doc }): Promise<MotorCommandCursor>;
  aggregate(pipeline: Doc | readonly Doc[], kw?: AggregateKw): Promise<Document>;
  async aggregate(pipeline: Doc | readonly Doc[], kw?: AggregateKw): Promise<Document | MotorCommandCursor> {
    const options = AGGREGATE.read('aggregate', kw);
    const stages = Array.isArray(pipeline) ? pipeline : isDocument(pipeline) ? [pipeline] : null;
    if (stages === null) throw new TypeError(`aggregate: pipeline must be a list of stages, not ${picture(pipeline)}`);
    const { explain, ...server } = options.server;
    const command: Document = { aggregate: this.name, pipeline: stages };
    if (explain === true) command.explain = true;
    else command.cursor = options.cursor ?? {};
    Object.assign(command, server);
    command.$db = this.#namespace.database;
    const engine = this[ENGINE];
    const sent = sendable(command, this[UUIDS].representation, 'aggregate');
    if (!isWriting(stages)) withPreference(sent, readPreferenceOf(this, options), engine);
    const run: RunOptions = {
      ...this.#decoding(null),
      ...(options.compile_re ? {} : { decoding: { bsonRegExp: true } }),
    };
    if (explain === true) return engine.run(sent, (reply) => reply, run);

    const batchSize = field(options.cursor ?? {}, 'batchSize');
    const cursor = new Cursor(engine, sent, this.#namespace, {
      run,
      arriving: options.cursor === null ? null : arrivingAt(this as unknown as MotorCollection),
      batchSize: typeof batchSize === 'number' ? batchSize : 0,
    });
    if (options.cursor === null) return { result: await cursor.toList(null), ok: 1 };
    await cursor.start();
    return new MotorCommandCursor(this as unknown as MotorCollection, cursor) as MotorCommandCursor;
  }

  /**
   * Group documents by a key and reduce each group with JavaScript. Servers since 4.2 leave it to the driver, which runs
   * the code in this process: every document comes here, and code that loops for ever blocks the process. It is no
   * sandbox. `aggregate` does the same on the server.
   * @param key names of fields, a function of the document that returns a document, or null: one single group
   * @param condition a query document: which documents
   * @param initial what each group starts as
   * @param reduce `function(document, group)`, which changes the group; its text is used, not its closure
   * @param finalize `function(group)`: what it returns, if anything, takes the place of the group. A callback stands sixth
   * @returns the groups, in order of first appearance
   * @throws TypeError: arguments of other types
   * @throws OperationFailure: code 139, the code does not compile or throws; AutoReconnect
   * @example await orders.group(['customer'], {}, { total: 0 }, (order, group) => { group.total += order.price; });
   * @see Motor 0.2, MotorCollection.group
   */
  async group(
    key: null | readonly string[] | Js,
    condition: Doc,
    initial: Doc,
    reduce: Js,
    finalize: Js | null = null,
  ): Promise<Document[]> {
    const group: Document = { ns: this.name };
    if (Array.isArray(key)) group.key = new SON(key.map((name) => [expect('group', 'each of key', string, name), 1]));
    else if (key !== null) group.$keyf = codeOf('group', 'key', key);
    group.$reduce = codeOf('group', 'reduce', reduce);
    group.cond = documentOf('group', 'condition', condition);
    group.initial = documentOf('group', 'initial', initial);
    if (finalize !== null) group.finalize = codeOf('group', 'finalize', finalize);
    const reply = await this.#sendOrServe({ group }, readPreferenceOf(this, {}));
    return reply.retval;
  }

  /**
   * Map/reduce with JavaScript, into a collection. A server that was built without JavaScript leaves it to the driver,
   * which runs the code in this process, as {@link group} does. `aggregate` does most of it faster.
   * @param map `function()` with the document as `this`, which calls `emit(key, value)`; its text is used, not its closure
   * @param reduce `function(key, values)`: one value for many
   * @param out a name; or `{ replace: name }`, `{ merge: name }`, `{ reduce: name }`, each perhaps with `db`; or
   *   `{ inline: 1 }`
   * @param kw `query`, `sort`, `limit`: which documents; `finalize`: `function(key, value)`; `scope`: variables of the
   *   code; `full_response` false: give the whole reply; `jsMode`, `verbose`; any other keyword goes to the server
   * @returns the collection of the results; inline or with `full_response` the reply
   * @throws TypeError: `out` is neither a string nor a document, or the code is none
   * @throws OperationFailure: code 139, the code does not compile or throws, and nothing was written; AutoReconnect
   * @see Motor 0.2, MotorCollection.map_reduce
   */
  async map_reduce(map: Js, reduce: Js, out: string | Doc, kw?: MapReduceKw): Promise<MotorCollection | Document> {
    const { full_response, server } = MAP_REDUCE.read('map_reduce', kw);
    if (typeof out !== 'string' && !isDocument(out)) {
      throw new TypeError(`map_reduce: out must be a string or a document, not ${picture(out)}`);
    }
    const inline = isDocument(out) && field(out, 'inline') !== undefined;
    const command = mapReduceCommand('map_reduce', this.name, map, reduce, out, server);
    const preference = inline ? readPreferenceOf(this, {}) : DEFAULT_READ_PREFERENCE;
    const reply = await this.#sendOrServe(command, preference);
    if (full_response || inline) return reply;
    const { database, collection } = readOutput(out, this.#namespace.database).namespace;
    if (database === this.#namespace.database) return this.#database.get_collection(collection);
    return this.#database.connection.get_database(database).get_collection(collection);
  }

  /**
   * As {@link map_reduce}, but the results come at once. They are limited by memory.
   * @returns a list of `{ _id, value }`; with `full_response` the whole reply
   * @throws TypeError, OperationFailure, AutoReconnect: as there
   * @see Motor 0.2, MotorCollection.inline_map_reduce
   */
  async inline_map_reduce(map: Js, reduce: Js, kw?: MapReduceKw): Promise<Document[] | Document> {
    const { full_response, server } = MAP_REDUCE.read('inline_map_reduce', kw);
    const command = mapReduceCommand('inline_map_reduce', this.name, map, reduce, { inline: 1 }, server);
    const reply = await this.#sendOrServe(command, readPreferenceOf(this, {}));
    return full_response ? reply : (reply.results as Document[]);
  }

  /**
   * Several cursors which together give every document once, to read a large collection with several hands. Servers since
   * 4.2 leave it to the driver, which cuts the collection into ranges of `_id`.
   * @param num_cursors 1 to 10000; a small collection gives fewer cursors
   * @param kw `read_preference`, `tag_sets`, `secondary_acceptable_latency_ms`; any other keyword goes to the server
   * @throws TypeError: no integer; OperationFailure: not from 1 to 10000; AutoReconnect
   * @example await Promise.all((await users.parallel_scan(4)).map(async (part) => { for await (const user of part) use(user); }));
   * @see Motor 0.2, MotorCollection.parallel_scan
   */
  async parallel_scan(num_cursors: number, kw?: ParallelScanKw): Promise<MotorCommandCursor[]> {
    const options = PARALLEL_SCAN.read('parallel_scan', kw);
    const numCursors = expect('parallel_scan', 'num_cursors', integer, num_cursors);
    const preference = readPreferenceOf(this, options);
    const engine = this[ENGINE];
    const server = await engine.connect();
    const run: RunOptions = { ...this.#decoding(null), server };
    const command = { parallelCollectionScan: this.name, numCursors, ...options.server };
    const { cursors } = await this.#sendOrServe(command, preference, { server });
    return (cursors as Document[]).map((part) => {
      const cursor = Cursor.opened(engine, part, server, this.#namespace, {
        run,
        arriving: arrivingAt(this as unknown as MotorCollection),
      });
      return new MotorCommandCursor(this as unknown as MotorCollection, cursor) as MotorCommandCursor;
    });
  }

  #sendOrServe(command: Document, preference: ReadPreference, run = this.#decoding(null)): Promise<Document> {
    return sendOrServe({
      engine: this[ENGINE],
      database: this.#namespace.database,
      command: sendable(command, this[UUIDS].representation),
      preference,
      run,
      remembered: this.#database.connection[REMEMBERED],
    });
  }

  /**
   * A list of writes of all kinds, to be run in the order given, up to the first that fails. No I/O.
   * @example
   * const bulk = db.users.initialize_ordered_bulk_op();
   * bulk.insert({ name: 'Ada' });
   * bulk.find({ name: 'Bob' }).upsert().update({ $set: { admin: true } });
   * const { nInserted } = await bulk.execute();
   * @see Motor 0.2, MotorCollection.initialize_ordered_bulk_op
   */
  initialize_ordered_bulk_op(): MotorBulkOperationBuilder {
    const collection = this as unknown as MotorCollection;
    return new MotorBulkOperationBuilder(collection, true) as MotorBulkOperationBuilder;
  }

  /**
   * A list of writes of all kinds that are run in any order, whatever fails. No I/O. Otherwise as
   * {@link initialize_ordered_bulk_op}.
   * @see Motor 0.2, MotorCollection.initialize_unordered_bulk_op
   */
  initialize_unordered_bulk_op(): MotorBulkOperationBuilder {
    const collection = this as unknown as MotorCollection;
    return new MotorBulkOperationBuilder(collection, false) as MotorBulkOperationBuilder;
  }

  /**
   * Make sure that there is an index. It always asks the server; see {@link ensure_index}.
   * @param key_or_list a key, or pairs of key and direction: 1, -1, `'2d'`, `'2dsphere'`, `'text'`, `'hashed'`
   * @param kw `name` (default: keys and directions joined by `_`), `unique`, `sparse`, `background`,
   *   `expireAfterSeconds`, ...; `cache_for`: seconds for which it is remembered, 300; any other goes to the server
   * @returns the index's name
   * @throws TypeError: neither a string nor a list; ValueError: an empty list
   * @throws DuplicateKeyError, OperationFailure, AutoReconnect
   * @see Motor 0.2, MotorCollection.create_index
   */
  async create_index(key_or_list: KeyOrList, kw?: CreateIndexKw): Promise<string> {
    const index = readIndex('create_index', key_or_list, kw);
    await this.#createIndex(index);
    return index.name;
  }

  /**
   * As {@link create_index}, but the server is not asked while the index is remembered.
   * @returns the index's name if the server was asked, null if it is remembered
   * @see Motor 0.2, MotorCollection.ensure_index
   */
  async ensure_index(key_or_list: KeyOrList, kw?: CreateIndexKw): Promise<string | null> {
    const index = readIndex('ensure_index', key_or_list, kw);
    const cache = this.#database.connection[INDEX_CACHE];
    if (cache.knows(this.full_name, index.name)) {
      cache.remember(this.full_name, index.name, index.cacheFor);
      return null;
    }
    await this.#createIndex(index);
    return index.name;
  }

  async #createIndex({ name, cacheFor, specification }: Index): Promise<void> {
    await createIndexes(this[ENGINE], this.#namespace, [specification]);
    this.#database.connection[INDEX_CACHE].remember(this.full_name, name, cacheFor);
  }

  /**
   * Drop an index. A missing collection is no error.
   * @param index_or_name its name, or its keys as pairs, which stand for the default name
   * @throws TypeError: of another type; OperationFailure, AutoReconnect
   * @see Motor 0.2, MotorCollection.drop_index
   */
  async drop_index(index_or_name: string | Pairs): Promise<null> {
    const name =
      typeof index_or_name === 'string'
        ? index_or_name
        : indexName(directionsOf('drop_index', 'index_or_name', index_or_name));
    this.#database.connection[INDEX_CACHE].forget(this.full_name, name);
    return dropIndexes(this[ENGINE], this.#namespace, name);
  }

  /**
   * Drop all indexes but that of `_id`. A missing collection is no error.
   * @throws OperationFailure, AutoReconnect
   * @see Motor 0.2, MotorCollection.drop_indexes
   */
  async drop_indexes(): Promise<null> {
    this.#database.connection[INDEX_CACHE].forget(this.full_name);
    return dropIndexes(this[ENGINE], this.#namespace, '*');
  }

  /**
   * What indexes there are: by name, each with `key` (pairs), `v`, and its options; `{}` if there is no such collection.
   * @throws OperationFailure, AutoReconnect
   * @see Motor 0.2, MotorCollection.index_information
   */
  index_information(): Promise<Record<string, IndexInformation>> {
    return indexInformation(this[ENGINE], this.#namespace) as Promise<Record<string, IndexInformation>>;
  }

  /**
   * Build all indexes anew. Current servers allow it on standalones only.
   * @returns the reply, with `nIndexes` and `indexes`
   * @throws OperationFailure, AutoReconnect
   * @see Motor 0.2, MotorCollection.reindex
   */
  reindex(): Promise<Document> {
    return this[ENGINE].run({ reIndex: this.name, $db: this.#namespace.database }, (reply) => reply);
  }

  /**
   * Give the collection another name within its database. This object keeps the old one.
   * @param kw `dropTarget`: true replaces a collection of that name; any other keyword goes to the server
   * @throws TypeError, InvalidName: a bad name; OperationFailure: there is such a collection; AutoReconnect
   * @see Motor 0.2, MotorCollection.rename
   */
  async rename(new_name: string, kw?: RenameKw): Promise<null> {
    const { server } = RENAME.read('rename', kw);
    await renameCollection(this[ENGINE], this.#namespace, checkCollectionName(new_name), server);
    return null;
  }

  /**
   * Drop the collection with its indexes. A missing one is no error.
   * @throws OperationFailure, AutoReconnect
   * @see Motor 0.2, MotorCollection.drop
   */
  async drop(): Promise<null> {
    await this.#database.drop_collection(this.name);
    return null;
  }

  /**
   * The options that the collection was created with; `{}` if there are none, or no such collection.
   * @throws OperationFailure, AutoReconnect
   * @see Motor 0.2, MotorCollection.options
   */
  options(): Promise<Document> {
    return collectionOptions(this[ENGINE], this.#namespace);
  }

  get #documentClass(): unknown {
    return this.#database.connection.document_class;
  }

  #decoding(asClass: unknown): RunOptions {
    const documentClass = (asClass ?? this.#documentClass) as new () => object;
    const uuids = this[UUIDS].reading;
    return documentClass === Object ? { uuids } : { documentClass, uuids };
  }

  #read<T>(command: Document, finish: (reply: Document) => T): Promise<T> {
    command.$db = this.#namespace.database;
    const engine = this[ENGINE];
    const run = { uuids: this[UUIDS].reading };
    return engine.run(withPreference(command, readPreferenceOf(this, {}), engine), finish, run);
  }

  [REPR](): string {
    return `Collection(${this.#database[REPR]()}, '${this.name}')`;
  }
}

/**
 * @throws InvalidOperation: a callback was given, in whatever place
 * @throws TypeError: too many arguments
 */
function checkNoCallback(spec: unknown, kw: unknown, more: readonly unknown[]): void {
  const callback = (kw as { callback?: unknown } | null)?.callback;
  if ([spec, kw, ...more].some((given) => typeof given === 'function') || (callback ?? null) !== null) {
    throw new InvalidOperation('find takes no callback: it does no I/O; pass one to each, to_list or another method');
  }
  if (more.some((given) => (given ?? null) !== null)) {
    throw new TypeError(`find: too many arguments (${more.length + 2}); it takes at most 1 by position, then keywords`);
  }
}

function mapReduceCommand(
  method: string,
  collection: string,
  map: Js,
  reduce: Js,
  out: string | Doc,
  { finalize, ...server }: ServerKeywords,
): Document {
  const command: Document = {
    mapReduce: collection,
    map: codeOf(method, 'map', map),
    reduce: codeOf(method, 'reduce', reduce),
    out,
    ...server,
  };
  if ((finalize ?? null) !== null) command.finalize = codeOf(method, 'finalize', finalize);
  return command;
}

/** What `create_index` and `ensure_index` are asked for. */
interface Index {
  readonly name: string;
  /** Seconds. */
  readonly cacheFor: number;
  readonly specification: Document;
}

function readIndex(method: string, keyOrList: KeyOrList, kw: CreateIndexKw | undefined): Index {
  const { cache_for, ttl, name, drop_dups, bucket_size, server } = CREATE_INDEX.read(method, kw);
  if (ttl !== undefined) {
    process.emitWarning(
      `${method}: 'ttl' is the old name of 'cache_for'; the keyword will go away`,
      'DeprecationWarning',
    );
  }
  const keys = keysOf(method, 'key_or_list', keyOrList);
  const specification: Document = { key: keys, name: name ?? indexName(keys), ...server };
  if (drop_dups !== undefined) specification.dropDups = drop_dups;
  if (bucket_size !== undefined) specification.bucketSize = bucket_size;
  return { name: specification.name as string, cacheFor: ttl ?? cache_for, specification };
}

function isIterable(value: unknown): value is Iterable<unknown> | AsyncIterable<unknown> {
  if (typeof value !== 'object' || value === null || value instanceof Map) return false;
  return Symbol.iterator in value || Symbol.asyncIterator in value;
}

async function* mapAsynchronous<T>(
  items: Iterable<unknown> | AsyncIterable<unknown>,
  change: (item: unknown) => T | Promise<T>,
): AsyncIterable<T> {
  for await (const item of items) yield await change(item);
}

async function listOf(items: Iterable<unknown> | AsyncIterable<unknown>): Promise<unknown[]> {
  const list: unknown[] = [];
  for await (const item of items) list.push(item);
  return list;
}

/** Whether an update changes by operators; else it replaces. */
function isOperators(update: unknown): boolean {
  return isDocument(update) && (firstKey(update)?.startsWith('$') ?? false);
}

/** An update's reply in the form that `getLastError` gave it. */
function updateResult(reply: Document): UpdateResult {
  const upserted = reply.upserted as UpdateResult['upserted'];
  return { ...updateOutcome(reply), ...(upserted === undefined ? {} : { upserted }) };
}

function sortOfFindAndModify(sort: unknown): Document {
  if (sort instanceof Map) return sort;
  if (Array.isArray(sort)) return sort.length === 0 ? {} : directionsOf('find_and_modify', 'sort', sort);
  if (isPlainObject(sort) && Object.keys(sort).length === 1) {
    process.emitWarning('find_and_modify: write sort as a list of pairs or a SON', 'DeprecationWarning');
    return sort;
  }
  throw new TypeError(
    `find_and_modify: sort must be a list of pairs, a SON, or a document of one key, not ${picture(sort)}`,
  );
}

/** The update of `find_and_modify(query, x)`, or its keywords: an update begins with an operator, or is a list. */
function isFindAndModifyKw(candidate: Record<string, unknown>): boolean {
  return !(firstKey(candidate)?.startsWith('$') ?? false);
}

withChildren(Collection, (collection, name) => collection.get_collection(name));

/** A collection of documents: its sub-collections are its properties. */
export const MotorCollection: DualClass<typeof Collection, MotorCollection> = dual(
  Collection,
  {
    find_one: 1,
    insert: 1,
    save: 1,
    update: 2,
    remove: 1,
    find_and_modify: { positional: 2, keywordsFrom: 1, isKeywords: isFindAndModifyKw },
    count: only(0),
    distinct: only(1),
    aggregate: 1,
    group: only(5, { functions: 5 }),
    map_reduce: { positional: 3, functions: 2 },
    inline_map_reduce: { positional: 2, functions: 2 },
    parallel_scan: 1,
    create_index: 1,
    ensure_index: 1,
    drop_index: only(1),
    drop_indexes: only(0),
    index_information: only(0),
    reindex: only(0),
    rename: 1,
    drop: only(0),
    options: only(0),
  },
  { name: 'MotorCollection' },
);
export type MotorCollection = Dual<Collection> & Children<MotorCollection>;

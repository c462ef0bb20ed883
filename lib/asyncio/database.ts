import type { DBRef, Document } from 'bson';
import type { Doc } from '../../typings/documents';
import type { Children, Dual, DualClass } from '../../typings/dual';
import {
  checkAbsent,
  createCollection,
  dropCollection,
  listCollections,
  validateCollection,
} from '../core/collections';
import { Cursor } from '../core/cursor';
import { dressedReply } from '../core/documentClass';
import { firstKey } from '../core/documents';
import type { RunOptions } from '../core/engine';
import { InvalidOperation } from '../core/errors';
import type { Failed } from '../core/failure';
import { checkReference } from '../motor/arguments';
import { withChildren } from '../motor/children';
import { checkedReply, commandDocument, failedReply } from '../motor/command';
import { dual } from '../motor/dual';
import { isGone, sendOrServe } from '../motor/goneCommands';
import type { Loop } from '../motor/ioLoop';
import {
  anything,
  arrayOf,
  bool,
  document,
  either,
  type Given,
  keywords,
  number,
  orNull,
  picture,
  type ServerKeywords,
  string,
  unchecked,
  whole,
} from '../motor/keywords';
import { checkCollectionName, checkDatabaseName } from '../motor/names';
import { ENGINE, REMEMBERED, REPR } from '../motor/settings';
import { type AggregateKw, aggregateCursor } from './aggregate';
import { AsyncIOMotorClient } from './client';
import { checkNoEncryption } from './clientEncryption';
import { type Collation, collationOf } from './collation';
import { AsyncIOMotorCollection } from './collection';
import { AsyncIOMotorCommandCursor, type AsyncIOMotorLatentCommandCursor } from './commandCursor';
import type { FindKw } from './find';
import { ENGINES, Primary } from './readPreferences';
import {
  COMMON,
  Configured,
  changed,
  codecOptionsOf,
  encodedBy,
  type GivenCodecOptions,
  type GivenReadPreference,
  more,
  OPTIONS_KEYWORDS,
  type OptionsKw,
  preferenceOf,
  readingOf,
  readRun,
  SETTINGS,
  type Settings,
  withConcern,
  withOptions,
} from './settings';

const COMMAND = keywords(
  {
    check: [true, bool],
    allowable_errors: [null, orNull(arrayOf(either(string, number)))],
    read_preference: [null, unchecked<GivenReadPreference | null>()],
    codec_options: [null, unchecked<GivenCodecOptions | null>()],
    ...COMMON,
  },
  { rest: true },
);
export type CommandKw = Given<typeof COMMAND>;

const CURSOR_COMMAND = keywords(
  {
    read_preference: [null, unchecked<GivenReadPreference | null>()],
    codec_options: [null, unchecked<GivenCodecOptions | null>()],
    max_await_time_ms: [null, orNull(whole)],
    ...COMMON,
  },
  { rest: true },
);
export type CursorCommandKw = Given<typeof CURSOR_COMMAND>;

/** Two spellings of what the driver refuses. */
const ENCRYPTED_FIELDS = { encrypted_fields: [null, anything], encryptedFields: [null, anything] } as const;

const CREATE_COLLECTION = keywords(
  {
    ...ENCRYPTED_FIELDS,
    check_exists: [true, bool],
    collation: [null, unchecked<Collation | Document | null>()],
    ...OPTIONS_KEYWORDS,
    ...COMMON,
  },
  { rest: true },
);
export type CreateCollectionKw = Given<typeof CREATE_COLLECTION>;

const LIST = keywords({ filter: [undefined, document], ...COMMON }, { rest: true });
export type ListKw = Given<typeof LIST>;

export const DROP_COLLECTION = keywords({ ...ENCRYPTED_FIELDS, ...COMMON });
export type DropCollectionKw = Given<typeof DROP_COLLECTION>;

const PLAIN = keywords(COMMON);
export type PlainKw = Given<typeof PLAIN>;

const VALIDATE = keywords({
  scandata: [false, bool],
  full: [false, bool],
  background: [undefined, bool],
  ...COMMON,
});
export type ValidateKw = Given<typeof VALIDATE>;

/**
 * A database of a client. Every name it does not have itself is a collection: `db.users`.
 * @see Motor 3.8, AsyncIOMotorDatabase
 */
export class Database extends Configured {
  readonly #client: AsyncIOMotorClient;
  readonly #name: string;

  /**
   * A database of a client, as `client.get_database(name)` gives it. No I/O.
   * @param kw settings in place of the client's
   * @throws TypeError: `client` is no AsyncIOMotorClient; InvalidName
   * @see Motor 3.8, AsyncIOMotorDatabase
   */
  constructor(client: AsyncIOMotorClient, name: string, kw?: OptionsKw) {
    if (!(client instanceof AsyncIOMotorClient)) {
      throw new TypeError(`AsyncIOMotorDatabase: client must be an AsyncIOMotorClient, not ${picture(client)}`);
    }
    const checked = checkDatabaseName(name);
    super(client[ENGINE], changed('AsyncIOMotorDatabase', client[SETTINGS], kw));
    this.#client = client as AsyncIOMotorClient;
    this.#name = checked;
  }

  /** The database's name. */
  get name(): string {
    return this.#name;
  }

  /** The very client that this database was made from. */
  get client(): AsyncIOMotorClient {
    return this.#client;
  }

  /**
   * A collection of this database, also where its name is a method's or begins with `_`. No I/O; each call makes a new
   * object.
   * @param kw settings in place of the database's
   * @throws TypeError: not a string, or a wrong setting; InvalidName
   * @see Motor 3.8, AsyncIOMotorDatabase.get_collection
   */
  get_collection<T extends Document = Document>(name: string, kw?: OptionsKw): AsyncIOMotorCollection<T> {
    return new AsyncIOMotorCollection(this.#self, name, kw) as unknown as AsyncIOMotorCollection<T>;
  }

  /**
   * This database with other settings.
   * @throws TypeError: a wrong setting
   * @see Motor 3.8, AsyncIOMotorDatabase.with_options
   */
  with_options(kw?: OptionsKw): AsyncIOMotorDatabase {
    const settings = changed('with_options', this[SETTINGS], kw);
    const Class = this.constructor as new (client: AsyncIOMotorClient, name: string, kw: OptionsKw) => unknown;
    return new Class(this.#client, this.#name, keywordsOf(settings)) as AsyncIOMotorDatabase;
  }

  /**
   * Send a command.
   * @param command its name, or the whole document, whose first key is the name
   * @param value of the name, if that is given alone; default 1
   * @param kw `check` true: a reply that tells of a failure is an error; `allowable_errors`: messages or codes that are
   *   none; `read_preference`: the primary, whatever the database's; `codec_options`; all others are appended
   * @returns the reply. Commands that current servers no longer have, such as `group`, the driver serves as far as it can
   * @throws TypeError: neither a string nor a document; OperationFailure, unless `check` is false; AutoReconnect
   * @example await db.command(new SON([['distinct', 'test_collection'], ['key', 'i']]));
   * @see Motor 3.8, AsyncIOMotorDatabase.command
   */
  command(command: string | Doc, value: unknown = 1, kw?: CommandKw): Promise<Document> {
    const options = COMMAND.read('command', kw);
    const { settings, sent } = this.#command('command', command, value, options);
    const { check, allowable_errors } = options;
    const run: RunOptions = { ...readRun(settings), retryable: false };
    run.rawReply = !check || (allowable_errors?.length ?? 0) > 0;
    const finish = (reply: Document, operation: Failed) => checkedReply(reply, operation, options);
    const name = (firstKey(sent) ?? '').toLowerCase();
    // Its cursors are read side by side; commands of one server session come one after the other.
    if (name === 'parallelcollectionscan') run.session = null;
    if (isGone(name)) return this.#sendOrServe(settings, sent, run, finish, options);
    return this[ENGINE].run(sent, finish, run);
  }

  /** Commands that current servers no longer have. */
  async #sendOrServe(
    { codecOptions, readPreference }: Settings,
    { $db: database, ...command }: Document,
    run: RunOptions,
    finish: (reply: Document, operation: Failed) => Document,
    checking: { check: boolean; allowable_errors: (string | number)[] | null },
  ): Promise<Document> {
    const call = {
      engine: this[ENGINE],
      database,
      command,
      preference: readPreference[ENGINES],
      run,
      remembered: this.#client[REMEMBERED],
    };
    const reply = await sendOrServe(call, finish).catch((error) => failedReply(error, checking));
    const { document_class } = codecOptions;
    return document_class === Object ? reply : dressedReply(reply, document_class);
  }

  /**
   * Send a command that answers with a cursor, such as `find` or `checkMetadataConsistency`.
   * @param kw as for `command`, and `max_await_time_ms`: milliseconds that the server waits in each `getMore`
   * @throws InvalidOperation: the reply holds no cursor; OperationFailure, AutoReconnect
   * @see Motor 3.8, AsyncIOMotorDatabase.cursor_command
   */
  async cursor_command(
    command: string | Doc,
    value: unknown = 1,
    kw?: CursorCommandKw,
  ): Promise<AsyncIOMotorCommandCursor> {
    const options = CURSOR_COMMAND.read('cursor_command', kw);
    const { settings, sent } = this.#command('cursor_command', command, value, options);
    const run = { ...readRun(settings), retryable: false };
    const namespace = { database: this.#name, collection: '$cmd' };
    const opened = await this[ENGINE].run(
      sent,
      (reply, operation) => {
        const server = this[ENGINE].serverAt(operation.address);
        if (reply.cursor === undefined || server === null) {
          throw new InvalidOperation(`cursor_command: the reply to '${operation.name}' holds no cursor`);
        }
        return Cursor.opened(this[ENGINE], reply, server, namespace, {
          run,
          session: operation.keepSession(),
          comment: options.comment,
          maxAwaitTime: options.max_await_time_ms,
        });
      },
      run,
    );
    return new AsyncIOMotorCommandCursor(this.#commands, opened) as AsyncIOMotorCommandCursor;
  }

  #command(
    method: string,
    command: string | Doc,
    value: unknown,
    options: { read_preference: unknown; codec_options: unknown; comment: unknown; server: ServerKeywords },
  ): { settings: Settings; sent: Document } {
    const settings: Settings = {
      ...this[SETTINGS],
      readPreference: preferenceOf(method, options.read_preference) ?? PRIMARY,
      codecOptions: codecOptionsOf(method, options.codec_options) ?? this[SETTINGS].codecOptions,
    };
    const sent = commandDocument(command, value, { ...options.server, ...more(options) });
    sent.set('$db', this.#name);
    return { settings, sent: Object.fromEntries(encodedBy(settings, sent)) };
  }

  /** What the cursors of commands are over. */
  get #commands(): AsyncIOMotorCollection {
    return this.get_collection('$cmd');
  }

  /**
   * Create a collection. The server is asked for its existence first, since it accepts an identical repetition.
   * @param kw `check_exists` true; settings of the returned collection; `capped`, `size` (bytes), `max` (documents),
   *   `timeseries`, `validator`, `collation` and all others go to the server
   * @throws CollectionInvalid: it exists; TypeError, InvalidName: a bad name; ConfigurationError: `encrypted_fields`
   * @throws OperationFailure, AutoReconnect
   * @see Motor 3.8, AsyncIOMotorDatabase.create_collection
   */
  async create_collection(name: string, kw?: CreateCollectionKw): Promise<AsyncIOMotorCollection> {
    const options = CREATE_COLLECTION.read('create_collection', kw);
    checkNoEncryption('create_collection', options.encrypted_fields ?? options.encryptedFields);
    const namespace = { database: this.#name, collection: checkCollectionName(name) };
    const settings = withOptions('create_collection', this[SETTINGS], options);
    const collation = collationOf('create_collection', options.collation);
    const collection = this.get_collection(name, keywordsOf(settings));
    const fields = { ...(collation === undefined ? {} : { collation }), ...options.server, ...more(options) };
    const sent = withConcern(settings, encodedBy(settings, fields));
    if (options.check_exists) await checkAbsent(this[ENGINE], namespace);
    await createCollection(this[ENGINE], namespace, sent);
    return collection;
  }

  /**
   * Drop a collection with its indexes. A missing one is no error.
   * @returns the server's reply
   * @throws TypeError: neither a name nor a collection; OperationFailure, AutoReconnect
   * @see Motor 3.8, AsyncIOMotorDatabase.drop_collection
   */
  async drop_collection(name_or_collection: string | AsyncIOMotorCollection, kw?: DropCollectionKw): Promise<Document> {
    const options = DROP_COLLECTION.read('drop_collection', kw);
    checkNoEncryption('drop_collection', options.encrypted_fields ?? options.encryptedFields);
    const collection = collectionName('drop_collection', name_or_collection);
    const namespace = { database: this.#name, collection };
    return dropCollection(this[ENGINE], namespace, withConcern(this[SETTINGS], more(options)));
  }

  /**
   * The names of all collections, views and `system.*` included.
   * @param kw `filter`: what the descriptions must match; any other keyword goes to the server
   * @throws OperationFailure, AutoReconnect
   * @see Motor 3.8, AsyncIOMotorDatabase.list_collection_names
   */
  async list_collection_names(kw?: ListKw): Promise<string[]> {
    const { filter, server, ...options } = LIST.read('list_collection_names', kw);
    const keys = filter === undefined ? [] : [...(filter instanceof Map ? filter.keys() : Object.keys(filter))];
    const fields: Document = this.#listing(filter, { ...server, ...more(options) });
    // Names alone need no lock, but a filter may look at what only the full description has.
    if (keys.every((key) => key === 'name')) fields.nameOnly ??= true;
    const found = await listCollections(this[ENGINE], this.#name, fields).toList(null);
    return found.map(({ name }) => name as string);
  }

  /**
   * The descriptions of all collections: `name`, `type`, `options`, `info`, `idIndex`.
   * @param kw as for {@link list_collection_names}
   * @throws OperationFailure, AutoReconnect
   * @see Motor 3.8, AsyncIOMotorDatabase.list_collections
   */
  async list_collections(kw?: ListKw): Promise<AsyncIOMotorCommandCursor> {
    const { filter, server, ...options } = LIST.read('list_collections', kw);
    const fields = this.#listing(filter, { ...server, ...more(options) });
    const cursor = listCollections(this[ENGINE], this.#name, fields, {
      run: readingOf(this[SETTINGS].codecOptions),
      comment: options.comment,
    });
    await cursor.start();
    return new AsyncIOMotorCommandCursor(this.#commands, cursor) as AsyncIOMotorCommandCursor;
  }

  #listing(filter: Document | undefined, fields: Document): Document {
    return encodedBy(this[SETTINGS], filter === undefined ? fields : { filter, ...fields });
  }

  /**
   * Check a collection's data and indexes.
   * @param kw `scandata` false: look at the documents too; `full` false: as thoroughly as possible, which takes long;
   *   `background`: without locking it
   * @returns the reply
   * @throws CollectionInvalid: damage was found; TypeError: neither a name nor a collection
   * @throws OperationFailure: there is no such collection; AutoReconnect
   * @see Motor 3.8, AsyncIOMotorDatabase.validate_collection
   */
  async validate_collection(name_or_collection: string | AsyncIOMotorCollection, kw?: ValidateKw): Promise<Document> {
    const { scandata, full, background, ...options } = VALIDATE.read('validate_collection', kw);
    const collection = collectionName('validate_collection', name_or_collection);
    const fields: Document = { full, ...more(options) };
    if (scandata) fields.scandata = true;
    if (background !== undefined) fields.background = background;
    return validateCollection(this[ENGINE], { database: this.#name, collection }, fields);
  }

  /**
   * Run an aggregation that has no collection, such as `$currentOp`. No I/O: it is sent when the cursor is read.
   * @param kw as for `AsyncIOMotorCollection.aggregate`
   * @throws TypeError: no list of stages; ConfigurationError: `explain`
   * @see Motor 3.8, AsyncIOMotorDatabase.aggregate
   */
  aggregate(pipeline: readonly Doc[], kw?: AggregateKw): AsyncIOMotorLatentCommandCursor {
    const namespace = { database: this.#name, collection: '$cmd.aggregate' };
    const owner: AsyncIOMotorCollection = this.get_collection(namespace.collection);
    return aggregateCursor(this[ENGINE], namespace, 1, owner, this[SETTINGS], pipeline, kw);
  }

  /**
   * The document that a reference names, or null.
   * @param kw as for `AsyncIOMotorCollection.find_one`
   * @throws TypeError: no `DBRef`; ValueError: it names another database; OperationFailure, AutoReconnect
   * @see Motor 3.8, AsyncIOMotorDatabase.dereference
   */
  async dereference(dbref: DBRef, kw?: FindKw): Promise<Document | null> {
    checkReference(dbref, this.#name);
    return this.get_collection(dbref.collection).find_one({ _id: dbref.oid }, kw);
  }

  /** The `io_loop` given to the client, else the current loop. */
  get_io_loop(): Loop {
    return this.#client.get_io_loop();
  }

  /** Whether this is the same database of an equal client. */
  equals(other: unknown): boolean {
    return (
      other instanceof AsyncIOMotorDatabase &&
      (other as AsyncIOMotorDatabase).name === this.#name &&
      this.#client.equals((other as AsyncIOMotorDatabase).client)
    );
  }

  get #self(): AsyncIOMotorDatabase {
    return this as unknown as AsyncIOMotorDatabase;
  }

  [REPR](): string {
    return `Database(${this.#client[REPR]()}, '${this.#name}')`;
  }
}

const PRIMARY = new Primary();

/** The settings as keywords. */
export function keywordsOf(settings: Settings): OptionsKw {
  const { codecOptions, readPreference, writeConcern, readConcern } = settings;
  return {
    codec_options: codecOptions,
    read_preference: readPreference,
    write_concern: writeConcern,
    read_concern: readConcern,
  };
}

function collectionName(method: string, given: unknown): string {
  if (given instanceof AsyncIOMotorCollection) return (given as AsyncIOMotorCollection).name;
  if (typeof given === 'string') return checkCollectionName(given);
  throw new TypeError(`${method}: expected a name or an AsyncIOMotorCollection, not ${picture(given)}`);
}

withChildren(Database, (database, name) => database.get_collection(name), { hideUnderscore: true });

/** A database: its collections are its properties. */
export const AsyncIOMotorDatabase: DualClass<typeof Database, AsyncIOMotorDatabase> = dual(
  Database,
  {
    command: { positional: 2, keywordsFrom: 1 },
    cursor_command: { positional: 2, keywordsFrom: 1 },
    create_collection: 1,
    drop_collection: 1,
    list_collection_names: 0,
    list_collections: 0,
    validate_collection: 1,
    dereference: 1,
  },
  { name: 'AsyncIOMotorDatabase', refused: [] },
);
export type AsyncIOMotorDatabase = Dual<Database> & Children<AsyncIOMotorCollection>;

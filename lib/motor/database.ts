import type { DBRef, Document } from 'bson';
import type { Doc, Js } from '../../typings/documents';
import type { Children, Dual, DualClass } from '../../typings/dual';
import {
  checkAbsent,
  createCollection,
  dropCollection,
  listCollections,
  validateCollection,
} from '../core/collections';
import { dressedReply } from '../core/documentClass';
import { field, firstKey, isDocument } from '../core/documents';
import { ValueError } from '../core/errors';
import type { Failed } from '../core/failure';
import type { OperationOptions } from '../core/operation';
import { DEFAULT_READ_PREFERENCE } from '../core/readPreference';
import { sendable } from '../core/uuids';
import { checkReference, codeOf, isWriting } from './arguments';
import { withChildren } from './children';
import { MotorClient } from './client';
import { MotorCollection } from './collection';
import { checkedReply, commandDocument, failedReply } from './command';
import { ALL, OFF, SLOW_ONLY } from './constants';
import { dual, only } from './dual';
import { READ_KEYWORDS } from './find';
import { isGone, sendOrServe } from './goneCommands';
import type { Loop } from './ioLoop';
import {
  anything,
  arrayOf,
  bool,
  either,
  expect,
  fn,
  type Given,
  integer,
  keywords,
  number,
  orNull,
  picture,
  string,
  unchecked,
} from './keywords';
import { Manipulators, type SONManipulator } from './manipulators';
import { checkCollectionName, checkDatabaseName } from './names';
import type { RememberedErrors } from './rememberedErrors';
import {
  ENGINE,
  INDEX_CACHE,
  MANIPULATORS,
  REMEMBERED,
  REPR,
  readPreferenceOf,
  Settings,
  WRITE_CONCERN,
  withPreference,
} from './settings';
import { type AddUserKw, type AuthenticateKw, credentialToCheck, userToAdd } from './users';
import { type UuidSubtype, uuidsOfSubtype } from './uuids';

const COMMAND = keywords(
  {
    check: [true, bool],
    allowable_errors: [null, orNull(arrayOf(either(string, number)))],
    uuid_subtype: [3, unchecked<UuidSubtype>()],
    compile_re: [true, bool],
    as_class: [null, orNull(fn)],
    network_timeout: [null, anything], // accepted, as in the original, without effect
    ...READ_KEYWORDS,
  },
  { rest: true },
);
export type CommandKw = Given<typeof COMMAND>;

const CREATE_COLLECTION = keywords(
  { size: [undefined, number], capped: [undefined, bool], max: [undefined, number] },
  { rest: true },
);
export type CreateCollectionKw = Given<typeof CREATE_COLLECTION>;

const VALIDATE_COLLECTION = keywords({ scandata: [false, bool], full: [false, bool] });
export type ValidateCollectionKw = Given<typeof VALIDATE_COLLECTION>;

/** The commands that follow the read preference; all others go to the primary. In lower case. */
const READING_COMMANDS = new Set([
  'aggregate',
  'collstats',
  'count',
  'dbstats',
  'distinct',
  'geonear',
  'geosearch',
  'group',
  'mapreduce',
  'parallelcollectionscan',
  'text',
]);

/**
 * A database of a client. Every name it does not have itself is a collection: `db.users`. Made by
 * `MotorClient.get_database` and by property access; that asks nothing of the server.
 * @see Motor 0.2, MotorDatabase
 */
export class Database extends Settings {
  readonly #connection: MotorClient;
  readonly #name: string;
  [MANIPULATORS]: Manipulators | null = null;

  /**
   * A database of a client, as `client.get_database(name)` gives it. No I/O.
   * @throws TypeError: `connection` is no client; InvalidName
   * @see Motor 0.2, MotorDatabase
   */
  constructor(connection: MotorClient, name: string) {
    if (!(connection instanceof MotorClient)) {
      throw new TypeError(`MotorDatabase: connection must be a MotorClient, not ${picture(connection)}`);
    }
    super(connection);
    this.#connection = connection;
    this.#name = checkDatabaseName(name);
  }

  /** The database's name. */
  get name(): string {
    return this.#name;
  }

  /** The very client that this database was made from. */
  get connection(): MotorClient {
    return this.#connection;
  }

  /**
   * A collection of this database, also where its name is a method's or begins with `_`. No I/O; each call makes a new
   * object.
   * @throws TypeError: not a string; InvalidName
   */
  get_collection(name: string): MotorCollection {
    return new MotorCollection(this as unknown as MotorDatabase, name) as MotorCollection;
  }

  /** The `io_loop` given to the client, else the current loop. */
  get_io_loop(): Loop {
    return this.#connection.get_io_loop();
  }

  /** Whether this is the same database of an equal client. */
  equals(other: unknown): boolean {
    return (
      other instanceof MotorDatabase &&
      (other as MotorDatabase).name === this.#name &&
      this.#connection.equals((other as MotorDatabase).connection)
    );
  }

  /**
   * Send a command.
   * @param command its name, or the whole document, whose first key is the name
   * @param value of the name, if that is given alone; default 1
   * @param kw `check` true: a reply that tells of a failure is an error; `allowable_errors`: messages or codes that are
   *   none; `fields`; `as_class`; `compile_re` true; `uuid_subtype` 3: how UUIDs are written, see
   *   `MotorCollection.uuid_subtype`; `read_preference`, `tag_sets`,
   *   `secondary_acceptable_latency_ms` for the commands that follow them; all others are appended to the command
   * @returns the reply
   * @throws TypeError: neither a string nor a document; OperationFailure, unless `check` is false; AutoReconnect
   * @example await db.command('collStats', 'users', { scale: 1024 });
   * @see Motor 0.2, MotorDatabase.command
   */
  command(command: string | Doc, value: unknown = 1, kw?: CommandKw): Promise<Document> {
    const options = COMMAND.read('command', kw);
    const sent = commandDocument(command, value, options.server);
    const name = (firstKey(sent) ?? '').toLowerCase();
    const engine = this[ENGINE];
    const uuids = uuidsOfSubtype('command: uuid_subtype', options.uuid_subtype);
    const document = Object.fromEntries(sendable(sent, uuids.representation, 'command'));
    const preference = readPreferenceOf(this, options);
    const reads = isReading(name, sent);
    if (!reads && options.read_preference !== undefined && preference.document !== null) {
      process.emitWarning(`command: '${name}' always goes to the primary; its read_preference has no effect`);
    }
    const run: OperationOptions = {
      rawReply: !options.check || (options.allowable_errors ?? []).length > 0,
      uuids: uuids.reading,
    };
    if (!options.compile_re) run.decoding = { bsonRegExp: true };
    const asClass = (options.as_class ?? this.#connection.document_class) as new () => object;
    if (asClass !== Object) run.documentClass = asClass;
    const finish = (reply: Document, operation: Failed) => checkedReply(reply, operation, options);
    const dress = (reply: Document) => (asClass === Object ? reply : dressedReply(reply, asClass));
    if (isGone(name)) {
      const call = {
        engine,
        database: this.#name,
        command: document,
        preference: reads ? preference : DEFAULT_READ_PREFERENCE,
        run,
        remembered: this.#remembered,
      };
      return sendOrServe(call, finish)
        .catch((error) => failedReply(error, options))
        .then(dress);
    }
    run.wholeReply = true;
    document.$db = this.#name;
    if (reads) withPreference(document, preference, engine);
    return engine.run(document, (reply, operation) => dress(finish(reply, operation)), run);
  }

  get #remembered(): RememberedErrors {
    return this.#connection[REMEMBERED];
  }

  /**
   * Have the documents of this database object changed on their way to the server and back: by `insert`, `save`,
   * `update` with `manipulate`; `find_one`, `dereference` and cursors. Other objects of the same database know nothing of it.
   * @throws TypeError: no {@link SONManipulator}
   * @see Motor 0.2, MotorDatabase.add_son_manipulator
   */
  add_son_manipulator(manipulator: SONManipulator): void {
    this[MANIPULATORS] ??= new Manipulators();
    this[MANIPULATORS].add(manipulator);
  }

  /** Class names of the manipulators that change documents in place before they are stored, newest first. */
  get incoming_manipulators(): string[] {
    return this[MANIPULATORS]?.names('incoming', false) ?? [];
  }

  /** Class names of the manipulators that change copies of documents before they are stored, newest first. */
  get incoming_copying_manipulators(): string[] {
    return this[MANIPULATORS]?.names('incoming', true) ?? [];
  }

  /** Class names of the manipulators that change read documents in place, newest first. */
  get outgoing_manipulators(): string[] {
    return this[MANIPULATORS]?.names('outgoing', false) ?? [];
  }

  /** Class names of the manipulators that change copies of read documents, newest first. */
  get outgoing_copying_manipulators(): string[] {
    return this[MANIPULATORS]?.names('outgoing', true) ?? [];
  }

  /**
   * Create a collection. The server is asked for its existence first, since it accepts an identical repetition.
   * @param kw `capped`, `size` (bytes), `max` (documents); any other keyword goes to the server
   * @throws CollectionInvalid: it exists; TypeError, InvalidName: a bad name; OperationFailure, AutoReconnect
   * @see Motor 0.2, MotorDatabase.create_collection
   */
  async create_collection(name: string, kw?: CreateCollectionKw): Promise<MotorCollection> {
    const { server, ...own } = CREATE_COLLECTION.read('create_collection', kw);
    const collection = this.get_collection(checkCollectionName(name));
    const namespace = { database: this.#name, collection: name };
    await checkAbsent(this[ENGINE], namespace);
    const fields: Document = Object.fromEntries(Object.entries(own).filter(([, value]) => value !== undefined));
    await createCollection(this[ENGINE], namespace, { ...fields, ...server });
    return collection;
  }

  /**
   * Drop a collection with its indexes. A missing one is no error.
   * @throws TypeError: neither a name nor a collection; OperationFailure, AutoReconnect
   * @see Motor 0.2, MotorDatabase.drop_collection
   */
  async drop_collection(name_or_collection: string | MotorCollection): Promise<null> {
    const name = collectionName('drop_collection', name_or_collection);
    this.#connection[INDEX_CACHE].forget(`${this.#name}.${name}`);
    await dropCollection(this[ENGINE], { database: this.#name, collection: name });
    return null;
  }

  /**
   * The names of the collections, views included.
   * @param include_system_collections default true
   * @throws TypeError: no boolean; OperationFailure, AutoReconnect
   * @see Motor 0.2, MotorDatabase.collection_names
   */
  async collection_names(include_system_collections = true): Promise<string[]> {
    expect('collection_names', 'include_system_collections', bool, include_system_collections);
    const found = await listCollections(this[ENGINE], this.#name, { filter: {}, nameOnly: true }).toList(null);
    const names = found.map(({ name }) => name as string);
    return names.filter((name) => !name.includes('$') && (include_system_collections || !name.startsWith('system.')));
  }

  /**
   * Check a collection's data and indexes.
   * @param kw `scandata` false: look at the documents too; `full` false: as thoroughly as possible, which takes long
   * @returns the reply
   * @throws CollectionInvalid: damage was found; TypeError: neither a name nor a collection
   * @throws OperationFailure: there is no such collection; AutoReconnect
   * @see Motor 0.2, MotorDatabase.validate_collection
   */
  async validate_collection(
    name_or_collection: string | MotorCollection,
    kw?: ValidateCollectionKw,
  ): Promise<Document> {
    const { scandata, full } = VALIDATE_COLLECTION.read('validate_collection', kw);
    const name = collectionName('validate_collection', name_or_collection);
    const fields = scandata ? { full, scandata } : { full };
    return validateCollection(this[ENGINE], { database: this.#name, collection: name }, fields);
  }

  /**
   * What the server is doing.
   * @param include_all also idle connections and the server's own work; default false
   * @returns `inprog`, a list; and `fsyncLock: true` while writes are locked
   * @throws TypeError: no boolean; OperationFailure, AutoReconnect
   * @see Motor 0.2, MotorDatabase.current_op
   */
  async current_op(include_all = false): Promise<Document> {
    const command: Document = { currentOp: 1 };
    if (expect('current_op', 'include_all', bool, include_all)) command.$all = true;
    command.$db = 'admin';
    return this[ENGINE].run(command, (reply) => reply);
  }

  /**
   * Which operations the server profiles: `OFF` 0, `SLOW_ONLY` 1 or `ALL` 2.
   * @throws OperationFailure, AutoReconnect
   * @see Motor 0.2, MotorDatabase.profiling_level
   */
  profiling_level(): Promise<number> {
    return this[ENGINE].run({ profile: -1, $db: this.#name }, (reply) => reply.was as number);
  }

  /**
   * Choose which operations the server profiles.
   * @param level `OFF` 0, `SLOW_ONLY` 1 or `ALL` 2
   * @param slow_ms from how many milliseconds on an operation is slow, for the whole server; null: as it is
   * @throws ValueError: another level; TypeError: a `slow_ms` that is no integer; OperationFailure, AutoReconnect
   * @see Motor 0.2, MotorDatabase.set_profiling_level
   */
  async set_profiling_level(level: 0 | 1 | 2, slow_ms: number | null = null): Promise<null> {
    if (level !== OFF && level !== SLOW_ONLY && level !== ALL) {
      throw new ValueError(
        `set_profiling_level: level must be 0 (OFF), 1 (SLOW_ONLY) or 2 (ALL), not ${picture(level)}`,
      );
    }
    const command: Document = { profile: level };
    if (expect('set_profiling_level', 'slow_ms', orNull(integer), slow_ms) !== null) command.slowms = slow_ms;
    command.$db = this.#name;
    return this[ENGINE].run(command, () => null);
  }

  /**
   * What was profiled: all documents of `system.profile`.
   * @throws OperationFailure, AutoReconnect
   * @see Motor 0.2, MotorDatabase.profiling_info
   */
  profiling_info(): Promise<Document[]> {
    return this.get_collection('system.profile').find().to_list(null);
  }

  /**
   * The document that a reference names, or null.
   * @throws TypeError: no `DBRef`; ValueError: it names another database; OperationFailure, AutoReconnect
   * @see Motor 0.2, MotorDatabase.dereference
   */
  async dereference(dbref: DBRef): Promise<Document | null> {
    checkReference(dbref, this.#name);
    return this.get_collection(dbref.collection).find_one({ _id: dbref.oid });
  }

  /**
   * The error of the last write that this client sent to this database. Remembered by the driver: an unacknowledged write
   * counts as one without error.
   * @returns a document with `err`, `code` and `n`; null if that write succeeded, or there was none
   * @see Motor 0.2, MotorDatabase.error
   */
  async error(): Promise<Document | null> {
    const status = this.#remembered.lastStatus(this.#name);
    return status.err === null ? null : status;
  }

  /**
   * The outcome of the last write that this client sent to this database, as `getLastError` told it.
   * @returns `err` (null: none), `n` (documents changed or removed), `ok`; and `updatedExisting`, `upserted`, `code` where
   *   they apply
   * @see Motor 0.2, MotorDatabase.last_status
   */
  async last_status(): Promise<Document> {
    return this.#remembered.lastStatus(this.#name);
  }

  /**
   * The last error of a write that this client sent to this database, since {@link reset_error_history}.
   * @returns as {@link error}, with `nPrev`: 1 if the last write brought it, 2 if the one before, ...; null: there was none
   * @see Motor 0.2, MotorDatabase.previous_error
   */
  async previous_error(): Promise<Document | null> {
    const status = this.#remembered.previous(this.#name);
    return status.err === null ? null : status;
  }

  /**
   * Forget the outcome of all writes to this database.
   * @see Motor 0.2, MotorDatabase.reset_error_history
   */
  async reset_error_history(): Promise<null> {
    this.#remembered.reset(this.#name);
    return null;
  }

  /**
   * Run JavaScript on the server. Servers since 4.2 cannot, and the driver does not do it for them.
   * @param code a function, its text, or a `Code`
   * @param args arguments of the function; a function in the last place is the callback
   * @returns what the function returned, or null
   * @throws TypeError: neither a string, nor a `Code`, nor a function
   * @throws OperationFailure: the code failed, or (code 59) the server no longer runs any; AutoReconnect
   * @see Motor 0.2, MotorDatabase.eval
   */
  async eval(code: Js, ...args: unknown[]): Promise<unknown> {
    const command: Document = { $eval: codeOf('eval', 'code', code), args, $db: this.#name };
    return this[ENGINE].run(command, (reply) => reply.retval ?? null);
  }

  /**
   * Create a user of this database, or change one who exists. Without `roles`, or with `read_only`, a role is chosen and a
   * warning emitted: on `admin` `root` or `readAnyDatabase`, elsewhere `dbOwner` or `read`; a user who exists keeps the
   * roles.
   * @param password digested by the server; null: a user who logs in by other means
   * @param kw `roles`, `read_only` null; any other keyword goes to the server
   * @throws TypeError: name or password is no string, `read_only` no boolean; ValueError: an empty password
   * @throws ConfigurationError: `read_only` with `roles`; `digestPassword`; OperationFailure, AutoReconnect
   * @see Motor 0.2, MotorDatabase.add_user
   */
  async add_user(name: string, password: string | null = null, kw?: AddUserKw): Promise<null> {
    return userToAdd(this.#name, name, password, kw)((command) => this.#runHere(command), this.#acknowledged);
  }

  /**
   * Remove a user of this database.
   * @throws TypeError: no string; OperationFailure: code 11, there is no such user; AutoReconnect
   * @see Motor 0.2, MotorDatabase.remove_user
   */
  async remove_user(name: string): Promise<null> {
    const command: Document = { dropUser: expect('remove_user', 'name', string, name) };
    if (this.#acknowledged !== null) command.writeConcern = this.#acknowledged;
    await this.#runHere(command);
    return null;
  }

  /**
   * Log in to this database: the server checks the user, who from then on works on it, for as long as the client lives.
   * Each user has connections of his own. On databases where nobody has logged in works who has on `admin`, else the user
   * of the connection string. Who is logged in already is not checked again.
   * @param kw `source`: the database where the user is defined, default this one; `mechanism` `'DEFAULT'`: the best that
   *   the user has, also `'SCRAM-SHA-1'`, `'SCRAM-SHA-256'`, `'PLAIN'` and `'MONGODB-X509'` (no password)
   * @returns true
   * @throws TypeError: name or password is no string; ConfigurationError: an unknown mechanism, or GSSAPI
   * @throws OperationFailure: code 18, the server refuses the user; another user is logged in here; AutoReconnect
   * @example await client.get_database('shop').authenticate('ann', password);
   * @see Motor 0.2, MotorDatabase.authenticate
   */
  async authenticate(name: string, password: string | null = null, kw?: AuthenticateKw): Promise<true> {
    await this[ENGINE].login(this.#name, credentialToCheck(this.#name, name, password, kw));
    return true;
  }

  /**
   * Log out of this database, also the user of the connection string who is defined here. No I/O, but that idle
   * connections of the user are closed. Users of other databases still work.
   * @see Motor 0.2, MotorDatabase.logout
   */
  async logout(): Promise<null> {
    this[ENGINE].logout(this.#name);
    return null;
  }

  #runHere(command: Document): Promise<Document> {
    return this[ENGINE].run({ ...command, $db: this.#name }, (reply) => reply);
  }

  /** The inherited write concern, unless it is to wait for nobody: users are always acknowledged. */
  get #acknowledged(): Document | null {
    const concern = this[WRITE_CONCERN];
    return concern.acknowledged ? concern.toSend : null;
  }

  [REPR](): string {
    return `Database(${this.#connection[REPR]()}, '${this.#name}')`;
  }
}

/** Whether a command follows the read preference: neither output of a pipeline, nor of a map/reduce, is a reading. */
function isReading(name: string, command: ReadonlyMap<string, unknown>): boolean {
  if (name === 'mapreduce') {
    const out = command.get('out');
    return isDocument(out) && field(out, 'inline') !== undefined;
  }
  if (name === 'aggregate') return !isWriting(command.get('pipeline'));
  return READING_COMMANDS.has(name);
}

function collectionName(method: string, given: unknown): string {
  if (given instanceof MotorCollection) return (given as MotorCollection).name;
  if (typeof given === 'string') return checkCollectionName(given);
  throw new TypeError(`${method}: expected a name or a MotorCollection, not ${picture(given)}`);
}

withChildren(Database, (database, name) => database.get_collection(name));

/** A database: its collections are its properties. */
export const MotorDatabase: DualClass<typeof Database, MotorDatabase> = dual(
  Database,
  {
    command: { positional: 2, keywordsFrom: 1 },
    create_collection: 1,
    drop_collection: only(1),
    collection_names: only(1, { keywordsFrom: 0 }),
    validate_collection: 1,
    current_op: only(1, { keywordsFrom: 0 }),
    profiling_level: only(0),
    set_profiling_level: only(2, { keywordsFrom: 1 }),
    profiling_info: only(0),
    dereference: only(1),
    error: only(0),
    last_status: only(0),
    previous_error: only(0),
    reset_error_history: only(0),
    eval: only(1, { functions: 1, rest: true }),
    add_user: { positional: 2, keywordsFrom: 1 },
    remove_user: only(1),
    authenticate: { positional: 2, keywordsFrom: 1 },
    logout: only(0),
  },
  { name: 'MotorDatabase' },
);
export type MotorDatabase = Dual<Database> & Children<MotorCollection>;

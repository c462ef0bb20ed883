import type { Document } from 'bson';
import type { Addr } from '../../typings/documents';
import type { Children, Dual, DualClass } from '../../typings/dual';
import type { Address } from '../core/address';
import type { ClientOptions, DocumentClass } from '../core/clientOptions';
import { databaseNames, dropDatabase, serverInfo } from '../core/databases';
import { Engine } from '../core/engine';
import { ConfigurationError, OperationFailure } from '../core/errors';
import type { Events } from '../core/events';
import { readOptions } from '../core/options';
import { DEFAULT_READ_PREFERENCE } from '../core/readPreference';
import { isWritable, unknownServer } from '../core/serverDescription';
import { blockingClient, connectBlocking } from './blocking/objects';
import type { MongoClient } from './blocking/types';
import { withChildren } from './children';
import type { ClientKw } from './clientKw';
import { MotorDatabase } from './database';
import { dual, only } from './dual';
import { sendOrServe } from './goneCommands';
import { IndexCache } from './indexCache';
import { currentLoop, type Loop } from './ioLoop';
import { bool, expect, fn, type Given, keywords, orNull, picture, string } from './keywords';
import { type AnyCursorId, cursorIdOf, killCursors } from './killCursors';
import { checkDatabaseName } from './names';
import { MOTOR_POLICY } from './policy';
import { RememberedErrors } from './rememberedErrors';
import { ENGINE, INDEX_CACHE, READ_PREFERENCE, REMEMBERED, REPR, Settings, WRITE_CONCERN } from './settings';

const FSYNC = keywords({ lock: [false, bool], async: [false, bool] }, { rest: true });
export type FsyncKw = Given<typeof FSYNC>;

/** The server's code for `fsyncUnlock` without a lock. */
const NOT_LOCKED = 20;

const COPY_DATABASE = keywords({
  from_host: [null, orNull(string)],
  username: [null, orNull(string)],
  password: [null, orNull(string)],
});
export type CopyDatabaseKw = Given<typeof COPY_DATABASE>;

const ADDRESSES = Symbol('addresses');

/**
 * A client of one MongoDB server, or of the primary among several. Every name it does not have itself is a database:
 * `client.shop`. It keeps connections, so a program has one, closes it in the end, and hands it to whoever needs it.
 * @see Motor 0.2, MotorClient
 */
export class Client extends Settings {
  readonly [INDEX_CACHE] = new IndexCache();
  readonly [REMEMBERED] = new RememberedErrors();
  readonly #options: ClientOptions;
  /** What it was made of, for those who make another one like it. */
  readonly #given: readonly unknown[];
  #documentClass: DocumentClass;

  /**
   * A client of one server. No I/O: it connects with the first operation.
   * @param host a name, `name:port`, the path of a Unix socket, a `mongodb://` string, or a list of these; default
   *   `localhost`. Several hosts: the primary among them is looked for
   * @param port where the address names none; default 27017
   * @param kw options, as {@link ClientKw} lists them. The connection string wins over them. With TLS the server's
   *   certificate is not verified unless `ssl_cert_reqs` says so
   * @throws ConfigurationError, InvalidURI, TypeError: an option that is unknown, wrong, or refused; the file system's
   *   error where a file of certificates cannot be read
   * @example const client = new MotorClient('mongodb://localhost:27017', { max_pool_size: 10 });
   * @see Motor 0.2, MotorClient
   */
  constructor(host?: string | readonly string[] | null | ClientKw, port?: number | null | ClientKw, kw?: ClientKw) {
    const options = readOptions({ caller: 'MotorClient', host, port, keywords: kw }, MOTOR_POLICY);
    super({
      [ENGINE]: new Engine(options, MOTOR_POLICY),
      [WRITE_CONCERN]: options.writeConcern,
      [READ_PREFERENCE]: options.readPreference,
    });
    this.#options = options;
    this.#given = [host, port, kw];
    this.#documentClass = options.documentClass;
    this[ENGINE].onReply = (operation, reply) => this[REMEMBERED].note(operation, reply);
  }

  /** Emits what the pools and the commands do: see `ClientEvents`. */
  get events(): Events {
    return this[ENGINE].events;
  }

  /**
   * A database, also where its name is a method's. No I/O; each call makes a new object.
   * @throws TypeError: not a string; InvalidName
   */
  get_database(name: string): MotorDatabase {
    return new MotorDatabase(this as unknown as MotorClient, checkDatabaseName(name)) as MotorDatabase;
  }

  /**
   * The database that the connection string names.
   * @throws ConfigurationError: it names none
   * @see Motor 0.2, MotorClient.get_default_database
   */
  get_default_database(): MotorDatabase {
    const name = this.#options.database;
    if (name === null) {
      throw new ConfigurationError('the connection string names no database: mongodb://host/database');
    }
    return this.get_database(name);
  }

  /**
   * Connect, unless that was done. Every operation does so by itself. That the server refuses the user is for the first
   * operation to say.
   * @returns the client itself
   * @throws AutoReconnect, ConnectionFailure: nobody answers; ConfigurationError: a member of another replica set
   * @see Motor 0.2, MotorClient.open
   */
  async open(): Promise<MotorClient> {
    await this[ENGINE].reach();
    return this as unknown as MotorClient;
  }

  /**
   * Connect, and stop this thread until that is done; a thread of its own connects with the same options, and ends.
   * Already connected: it returns at once.
   * @returns the client itself
   * @throws AutoReconnect, ConnectionFailure: nobody answers; ConfigurationError: a member of another replica set
   * @see Motor 0.2, MotorClient.open_sync
   */
  open_sync(): MotorClient {
    if (!this.connected) {
      this[ENGINE].adopt(connectBlocking(this, this.#given));
    }
    return this as unknown as MotorClient;
  }

  /**
   * A blocking client like this one, connected: every asynchronous method stops the thread until it has its result or
   * throws its error, and takes no callback. It has a worker thread of its own until `close()`. What it lacks: `open`,
   * `open_sync`, `fetch_next`, `each`, manipulators. Its cursors are iterables with `next()`; functions among the
   * arguments cross as their text.
   * @throws AutoReconnect, ConnectionFailure: nobody answers; ConfigurationError: a member of another replica set
   * @example for (const user of client.sync_client().get_database('shop').get_collection('users').find()) print(user);
   * @see Motor 0.2, MotorClient.sync_client
   */
  sync_client(): MongoClient {
    return blockingClient(this, this.#given) as MongoClient;
  }

  /**
   * Close all connections. What is under way fails with AutoReconnect. The next operation opens the client again.
   * Repeatable.
   * @see Motor 0.2, MotorClient.close
   */
  close(): void {
    this[ENGINE].close();
  }

  /** The same as {@link close}. */
  disconnect(): void {
    this[ENGINE].close();
  }

  /** True once a server was reached; it stays true. */
  get connected(): boolean {
    return this[ENGINE].connected;
  }

  /**
   * Whether the server can be reached over a connection that was open before. Without one it is false, and nothing is
   * done about it.
   * @see Motor 0.2, MotorClient.alive
   */
  async alive(): Promise<boolean> {
    if (this[ENGINE].server === null) return false;
    try {
      await this[ENGINE].run({ ping: 1, $db: 'admin' }, () => true);
      return true;
    } catch {
      return false;
    }
  }

  /**
   * What the server says of its version and build: the reply of `buildInfo`.
   * @throws OperationFailure, AutoReconnect
   * @see Motor 0.2, MotorClient.server_info
   */
  server_info(): Promise<Document> {
    return serverInfo(this[ENGINE]);
  }

  /**
   * The names of all databases, in the server's order.
   * @throws OperationFailure, AutoReconnect
   * @see Motor 0.2, MotorClient.database_names
   */
  database_names(): Promise<string[]> {
    return databaseNames(this[ENGINE]);
  }

  /**
   * Drop a database. A missing one is no error.
   * @throws TypeError: neither a name nor a database; InvalidName; OperationFailure, AutoReconnect
   * @see Motor 0.2, MotorClient.drop_database
   */
  drop_database(name_or_database: string | MotorDatabase): Promise<null> {
    if (typeof name_or_database !== 'string' && !(name_or_database instanceof MotorDatabase)) {
      throw new TypeError(`drop_database: expected a name or a MotorDatabase, not ${picture(name_or_database)}`);
    }
    const name =
      typeof name_or_database === 'string'
        ? checkDatabaseName(name_or_database)
        : (name_or_database as MotorDatabase).name;
    this[INDEX_CACHE].forgetDatabase(name);
    return dropDatabase(this[ENGINE], name);
  }

  /**
   * End a cursor on the server by its number.
   * @param cursor_id as `cursor_id` of a cursor gives it. Where this client opened it is remembered; any other is looked
   *   for on the server in use. One that does not exist is no error
   * @throws TypeError: no number of 64 bits; AutoReconnect
   * @see Motor 0.2, MotorClient.close_cursor
   */
  async close_cursor(cursor_id: AnyCursorId): Promise<null> {
    return killCursors(this[ENGINE], [cursorIdOf('close_cursor', 'cursor_id', cursor_id)]);
  }

  /**
   * End many cursors, as {@link close_cursor} does.
   * @throws TypeError: no array, or one of anything but numbers of 64 bits; AutoReconnect
   * @see Motor 0.2, MotorClient.kill_cursors
   */
  async kill_cursors(cursor_ids: readonly AnyCursorId[]): Promise<null> {
    if (!Array.isArray(cursor_ids)) {
      throw new TypeError(`kill_cursors: cursor_ids must be an array, not ${picture(cursor_ids)}`);
    }
    return killCursors(
      this[ENGINE],
      cursor_ids.map((id) => cursorIdOf('kill_cursors', 'each of cursor_ids', id)),
    );
  }

  /**
   * Have the server write everything to its disk.
   * @param kw `lock` false: refuse writes from then on, until {@link unlock}; `async` is not sent, for current servers
   *   always finish before they answer; any other keyword goes to the server
   * @throws TypeError: `lock` or `async` is no boolean
   * @throws OperationFailure: both are true, or the server's refusal; AutoReconnect
   * @see Motor 0.2, MotorClient.fsync
   */
  async fsync(kw?: FsyncKw): Promise<null> {
    const { lock, async, server } = FSYNC.read('fsync', kw);
    if (lock && async) throw new OperationFailure('fsync: lock and async cannot both be true');
    return this[ENGINE].run({ fsync: 1, ...(lock ? { lock } : {}), ...server, $db: 'admin' }, () => null);
  }

  /**
   * Take back the lock of {@link fsync}. A server that is not locked is no error.
   * @throws OperationFailure, AutoReconnect
   * @see Motor 0.2, MotorClient.unlock
   */
  async unlock(): Promise<null> {
    return this[ENGINE]
      .run({ fsyncUnlock: 1, $db: 'admin' }, () => null)
      .catch((error) => {
        if (error instanceof OperationFailure && error.code === NOT_LOCKED) return null;
        throw error;
      });
  }

  /**
   * Copy a database: its collections with their options, documents and indexes, and its views. The target is not emptied
   * first. Not atomic: what was copied when it fails stays. Servers since 4.2 leave it to the driver.
   * @param kw `from_host`: the server to copy from, `host:port`, default this one; `username`, `password`: a user of
   *   `from_name` there, as whom to read
   * @returns the reply, `{ ok: 1 }`
   * @throws TypeError: a name, host, user or password that is no string; InvalidName: `to_name`; both before connecting
   * @throws DuplicateKeyError: the target holds a document with the same `_id`
   * @throws OperationFailure: also wrong credentials; AutoReconnect
   * @example await client.copy_database('shop', 'shop_backup');
   * @see Motor 0.2, MotorClient.copy_database
   */
  async copy_database(from_name: string, to_name: string, kw?: CopyDatabaseKw): Promise<Document> {
    const { from_host, username, password } = COPY_DATABASE.read('copy_database', kw);
    const fromdb = expect('copy_database', 'from_name', string, from_name);
    const todb = checkDatabaseName(to_name);
    if (username !== null && password === null) throw new TypeError('copy_database: a username needs a password');
    const command: Document = { copydb: 1, fromdb, todb };
    if (from_host !== null) command.fromhost = from_host;
    if (username !== null) Object.assign(command, { username, password });
    return sendOrServe({
      engine: this[ENGINE],
      database: 'admin',
      command,
      preference: DEFAULT_READ_PREFERENCE,
      run: {},
      remembered: this[REMEMBERED],
    });
  }

  /**
   * The class of returned documents, also of embedded ones: `Object` (the default), `SON`, `Map`, or a class that is
   * made without arguments and whose fields are then assigned. It counts for queries made afterwards.
   * @throws TypeError: no class
   * @see Motor 0.2, MotorClient.document_class
   */
  get document_class(): DocumentClass {
    return this.#documentClass;
  }

  /** Counts for queries made afterwards. */
  set document_class(documentClass: DocumentClass) {
    this.#documentClass = expect('document_class', 'the class', fn, documentClass) as unknown as DocumentClass;
  }

  /** The same as the property. */
  get_document_class(): DocumentClass {
    return this.#documentClass;
  }

  /** The same as assigning to the property. */
  set_document_class(documentClass: DocumentClass): void {
    this.document_class = documentClass;
  }

  /** As given; JavaScript's dates are instants, so that it changes nothing. */
  get tz_aware(): boolean {
    return this.#options.tzAware;
  }

  /** The server in use; null before connecting. */
  get host(): string | null {
    return this[ENGINE].server?.address.host ?? null;
  }

  /** Its port; null before connecting, and for a Unix socket. */
  get port(): number | null {
    return this[ENGINE].server?.address.port ?? null;
  }

  /** The servers in use; empty before connecting. */
  get nodes(): Addr[] {
    const server = this[ENGINE].server;
    return server === null ? [] : [[server.address.host, server.address.port]];
  }

  /** Whether writes go there: a primary or a standalone. False before connecting. */
  get is_primary(): boolean {
    const type = this.#description.type;
    return isWritable(type) && type !== 'Mongos';
  }

  /** Whether it is a mongos. False before connecting. */
  get is_mongos(): boolean {
    return this.#description.type === 'Mongos';
  }

  /** Longest document that the server takes, in bytes; 16777216 before connecting. */
  get max_bson_size(): number {
    return this.#description.maxBsonSize;
  }

  /** Longest message that the server takes, in bytes; 33554432 before connecting. */
  get max_message_size(): number {
    return this.#description.maxMessageSize;
  }

  /** Oldest wire version that the server speaks; 0 before connecting. */
  get min_wire_version(): number {
    return this.#description.minWireVersion;
  }

  /** Newest wire version that the server speaks; 0 before connecting. */
  get max_wire_version(): number {
    return this.#description.maxWireVersion;
  }

  get #description() {
    return this[ENGINE].server?.description ?? unknownServer(this.#options.seeds[0] as Address);
  }

  /** Most connections to the server; null: any number. */
  get max_pool_size(): number | null {
    const { maxSize } = this.#options.pool;
    return maxSize === Number.POSITIVE_INFINITY ? null : maxSize;
  }

  /**
   * The `io_loop` given to the constructor, else the current loop: that of `compat/tornado` once it is imported.
   * @see Motor 0.2, MotorClient.get_io_loop
   */
  get_io_loop(): Loop {
    return (this.#options.ioLoop as Loop | null) ?? currentLoop();
  }

  /** Whether this is a client of the same class with the same address: the connected one, else the seeds. */
  equals(other: unknown): boolean {
    return other instanceof Client && addresses(this).join() === addresses(other).join();
  }

  [REPR](): string {
    const [first, ...others] = addresses(this);
    if (others.length > 0)
      return `MongoClient([${addresses(this)
        .map((address) => `'${address}'`)
        .join(', ')}])`;
    const { host, port } = first as Address;
    return port === null ? `MongoClient('${host}')` : `MongoClient('${host}', ${port})`;
  }

  /** The address in use, else those that were given. */
  get [ADDRESSES](): readonly Address[] {
    const server = this[ENGINE].server;
    return server === null ? this.#options.seeds : [server.address];
  }
}

function addresses(client: Client): readonly Address[] {
  return client[ADDRESSES];
}

withChildren(Client, (client, name) => client.get_database(name));

/** A client: its databases are its properties. */
export const MotorClient: DualClass<typeof Client, MotorClient> = dual(
  Client,
  {
    open: only(0),
    alive: only(0),
    server_info: only(0),
    database_names: only(0),
    drop_database: only(1),
    close_cursor: only(1),
    kill_cursors: only(1),
    fsync: 0,
    unlock: only(0),
    copy_database: 2,
  },
  { name: 'MotorClient' },
);
export type MotorClient = Dual<Client> & Children<MotorDatabase>;

import { isDeepStrictEqual } from 'node:util';
import type { Document } from 'bson';
import type { Addr } from '../../typings/documents';
import type { Children, Dual, DualClass } from '../../typings/dual';
import type { ClientOptions } from '../core/clientOptions';
import { Cursor } from '../core/cursor';
import { databaseNames, dropDatabase, serverInfo } from '../core/databases';
import { Engine } from '../core/engine';
import { ConfigurationError, InvalidOperation } from '../core/errors';
import { readOptions } from '../core/options';
import { isKnown, isWritable, type ServerType } from '../core/serverDescription';
import { initialTopology, type TopologyDescription as Known } from '../core/topologyDescription';
import { withChildren } from '../motor/children';
import { dual } from '../motor/dual';
import { currentLoop, type Loop } from '../motor/ioLoop';
import { bool, document, type Given, keywords, picture } from '../motor/keywords';
import { checkDatabaseName } from '../motor/names';
import { RememberedErrors } from '../motor/rememberedErrors';
import { ENGINE, REMEMBERED, REPR } from '../motor/settings';
import { bulkWriteOf, type ClientBulkWriteKw } from './clientBulkWrite';
import type { ClientKw } from './clientKw';
import { CodecOptions, uuidConstant } from './codecOptions';
import { AsyncIOMotorCommandCursor } from './commandCursor';
import { DatetimeConversion } from './constants';
import { AsyncIOMotorDatabase, type PlainKw } from './database';
import type { BulkOperation } from './operations';
import { ASYNCIO_POLICY } from './policy';
import { ReadConcern } from './readConcern';
import { wrapped } from './readPreferences';
import type { ClientBulkWriteResult } from './results';
import { COMMON, Configured, encodedBy, more, type OptionsKw, readingOf, SETTINGS, withConcern } from './settings';
import { TopologyDescription } from './topologyDescription';
import { WriteConcern } from './writeConcern';

const PLAIN = keywords(COMMON);
const LIST_DATABASES = keywords(
  { filter: [undefined, document], nameOnly: [undefined, bool], authorizedDatabases: [undefined, bool], ...COMMON },
  { rest: true },
);
export type ListDatabasesKw = Given<typeof LIST_DATABASES>;

/**
 * A client of a MongoDB server, or of all servers of a replica set or a sharded cluster. Every name it does not have itself
 * is a database: `client.shop`. A program has one, and closes it in the end.
 * @see Motor 3.8, AsyncIOMotorClient
 */
export class Client extends Configured {
  readonly [REMEMBERED] = new RememberedErrors();
  /** As they were given; the engine has those in force, which the DNS may have completed. */
  readonly #options: ClientOptions;

  /**
   * A client of a server, or of all servers of a replica set or a sharded cluster. No I/O: it connects with the first
   * operation.
   * @param host a name, `name:port`, the path of a Unix socket, a `mongodb://` or `mongodb+srv://` string, or a list
   *   of these; default `localhost`. Whom the DNS names for `mongodb+srv://` is asked with the first operation, too
   * @param port where the address names none; default 27017
   * @param kw options, as {@link ClientKw} lists them. They win over the connection string. Writes that are retried,
   *   once, on replica sets and sharded clusters: `insert_one`, `insert_many`, `replace_one`, `update_one`, `delete_one`,
   *   `find_one_and_*`, and the commands of a `bulk_write` that hold no `UpdateMany` or `DeleteMany`; not with `w: 0`
   * @throws ValueError: a value out of range; TypeError: an unknown option, or a wrong type; ConfigurationError, InvalidURI;
   *   the file system's error where a file of certificates cannot be read
   * @example const client = new AsyncIOMotorClient('mongodb://localhost:27017');
   * @see Motor 3.8, AsyncIOMotorClient
   */
  constructor(host?: string | readonly string[] | null | ClientKw, port?: number | null | ClientKw, kw?: ClientKw) {
    const options = readOptions({ caller: 'AsyncIOMotorClient', host, port, keywords: kw }, ASYNCIO_POLICY);
    const engine = new Engine(options, ASYNCIO_POLICY);
    super(engine, {
      codecOptions: new CodecOptions({
        document_class: options.documentClass,
        tz_aware: options.tzAware,
        tzinfo: options.tzInfo,
        unicode_decode_error_handler: options.unicodeDecodeErrorHandler,
        uuid_representation: uuidConstant(options.uuidRepresentation),
        datetime_conversion: DatetimeConversion[options.datetimeConversion],
      }),
      readPreference: wrapped(options.readPreference),
      writeConcern: new WriteConcern(options.writeConcern.document),
      readConcern: new ReadConcern(options.readConcern?.level ?? null),
    });
    this.#options = options;
    engine.onReply = (operation, reply) => this[REMEMBERED].note(operation, reply);
    if (options.connectAtOnce) engine.connect().catch(() => undefined); // the first operation tells what is wrong
  }

  /**
   * A database, also where its name is a method's or begins with `_`. No I/O; each call makes a new object.
   * @param name null: the one that the connection string names
   * @param kw settings in place of the client's
   * @throws TypeError: not a string, or a wrong setting; InvalidName; ConfigurationError: the string names none
   * @see Motor 3.8, AsyncIOMotorClient.get_database
   */
  get_database(name: string | null = null, kw?: OptionsKw): AsyncIOMotorDatabase {
    return new AsyncIOMotorDatabase(this.#self, name ?? this.#named(null), kw) as AsyncIOMotorDatabase;
  }

  /**
   * The database that the connection string names.
   * @param name where it names none
   * @param kw settings in place of the client's
   * @throws ConfigurationError: neither names one; InvalidName
   * @see Motor 3.8, AsyncIOMotorClient.get_default_database
   */
  get_default_database(name: string | null = null, kw?: OptionsKw): AsyncIOMotorDatabase {
    return this.get_database(this.#named(name), kw);
  }

  #named(otherwise: string | null): string {
    const name = this.#options.database ?? otherwise;
    if (name === null) {
      throw new ConfigurationError('the connection string names no database: mongodb://host/database');
    }
    return name;
  }

  /**
   * What the server says of its version and build: the reply of `buildInfo`.
   * @throws OperationFailure, AutoReconnect
   * @see Motor 3.8, AsyncIOMotorClient.server_info
   */
  server_info(kw?: PlainKw): Promise<Document> {
    return serverInfo(this[ENGINE], more(PLAIN.read('server_info', kw)));
  }

  /**
   * The names of all databases, in the server's order.
   * @throws OperationFailure, AutoReconnect
   * @see Motor 3.8, AsyncIOMotorClient.list_database_names
   */
  list_database_names(kw?: PlainKw): Promise<string[]> {
    return databaseNames(this[ENGINE], more(PLAIN.read('list_database_names', kw)));
  }

  /**
   * All databases: `name`, `sizeOnDisk` (bytes), `empty`.
   * @param kw `filter`, `nameOnly`, `authorizedDatabases`; others go to the server
   * @throws OperationFailure, AutoReconnect
   * @see Motor 3.8, AsyncIOMotorClient.list_databases
   */
  async list_databases(kw?: ListDatabasesKw): Promise<AsyncIOMotorCommandCursor> {
    const { session, comment, server, ...own } = LIST_DATABASES.read('list_databases', kw);
    const given = Object.entries(own).filter(([, value]) => value !== undefined);
    const fields = encodedBy(this[SETTINGS], { ...Object.fromEntries(given), ...server, ...more({ comment }) });
    const command = { listDatabases: 1, ...fields, $db: 'admin' };
    const engine = this[ENGINE];
    const namespace = { database: 'admin', collection: '$cmd' };
    const cursor = await engine.run(
      command,
      (reply, operation) => {
        const one = { cursor: { id: 0, ns: 'admin.$cmd', firstBatch: reply.databases } };
        return Cursor.opened(engine, one, engine.serverAt(operation.address), namespace);
      },
      { ...readingOf(this.codec_options), retryable: true },
    );
    const owner = this.get_database('admin').get_collection('$cmd');
    return new AsyncIOMotorCommandCursor(owner, cursor) as AsyncIOMotorCommandCursor;
  }

  /**
   * Drop a database. A missing one is no error.
   * @throws TypeError: neither a name nor a database; InvalidName; OperationFailure, AutoReconnect
   * @see Motor 3.8, AsyncIOMotorClient.drop_database
   */
  drop_database(name_or_database: string | AsyncIOMotorDatabase, kw?: PlainKw): Promise<null> {
    const options = PLAIN.read('drop_database', kw);
    if (typeof name_or_database !== 'string' && !(name_or_database instanceof AsyncIOMotorDatabase)) {
      throw new TypeError(
        `drop_database: expected a name or an AsyncIOMotorDatabase, not ${picture(name_or_database)}`,
      );
    }
    const name =
      typeof name_or_database === 'string'
        ? checkDatabaseName(name_or_database)
        : (name_or_database as AsyncIOMotorDatabase).name;
    return dropDatabase(this[ENGINE], name, withConcern(this[SETTINGS], more(options)));
  }

  /**
   * Run several writes of all kinds over any number of collections, in as few commands as the server's limits allow.
   * Servers from 8.0.
   * @param models a list of `InsertOne`, `ReplaceOne`, `UpdateOne`, `UpdateMany`, `DeleteOne`, `DeleteMany`, each with its
   *   `namespace`: `'database.collection'`
   * @param kw `ordered` true: in the order given, up to the first failure; `verbose_results` false: what became of each
   *   operation is told, too; `bypass_document_validation`, `let`, `write_concern`: in place of the client's, of which
   *   `w: 0` must be neither ordered nor verbose
   * @throws TypeError: no list of these; ValueError: what the single methods refuse, or a namespace without `.`; InvalidName;
   *   InvalidOperation: an empty list, an operation without namespace, or an older server
   * @throws ClientBulkWriteException: operations failed, or the bulk broke off: see its `error`; DocumentTooLarge,
   *   InvalidDocument; AutoReconnect: no server was found
   * @example await client.bulk_write([new InsertOne({ y: 1 }, { namespace: 'shop.orders' })]);
   * @see PyMongo 4.9, MongoClient.bulk_write
   */
  bulk_write(models: readonly BulkOperation[], kw?: ClientBulkWriteKw): Promise<ClientBulkWriteResult> {
    return bulkWriteOf(this[ENGINE], this[SETTINGS], models, kw);
  }

  /**
   * Close all connections, for good. What is under way fails with AutoReconnect. Repeatable.
   * @see Motor 3.8, AsyncIOMotorClient.close
   */
  close(): void {
    this[ENGINE].close();
  }

  /**
   * Closes the client: what `await using` calls at the end of its block.
   * @see Motor 3.8, AsyncIOMotorClient.close
   */
  async [Symbol.asyncDispose](): Promise<void> {
    this.close();
  }

  /**
   * The server in use; null while none is known.
   * @throws InvalidOperation: there are several mongoses, each as good as the other
   * @see Motor 3.8, AsyncIOMotorClient.address
   */
  get address(): Addr | null {
    const server = this[ENGINE].server;
    if (server === null) return null;
    if (server.description.type === 'Mongos' && this.#topology.servers.size > 1) {
      throw new InvalidOperation('address: there are several mongoses; nodes names them all');
    }
    return addr(server.address);
  }

  /** The primary of the replica set, as far as it is known. */
  get primary(): Addr | null {
    return this.#members('RSPrimary')[0] ?? null;
  }

  /** The secondaries of the replica set, as far as they are known. */
  get secondaries(): Addr[] {
    return this.#members('RSSecondary');
  }

  /** The arbiters of the replica set, as far as they are known. */
  get arbiters(): Addr[] {
    return this.#members('RSArbiter');
  }

  /** The servers that have answered. */
  get nodes(): Addr[] {
    return [...this.#topology.servers.values()].filter(({ type }) => isKnown(type)).map(({ address }) => addr(address));
  }

  /** Through a direct connection there is no set to be seen, whatever the server is. */
  #members(wanted: ServerType): Addr[] {
    const { type, servers } = this.#topology;
    if (type === 'Single') return [];
    return [...servers.values()].filter((server) => server.type === wanted).map(({ address }) => addr(address));
  }

  /**
   * What is known of all servers at this moment: `topology_type_name`, and `server_descriptions()` by `host:port`.
   * @see Motor 3.8, AsyncIOMotorClient.topology_description
   */
  get topology_description(): TopologyDescription {
    return new TopologyDescription(this.#topology);
  }

  /** Before the first operation: that nothing is known of the seeds. */
  get #topology(): Known {
    return this[ENGINE].topology ?? initialTopology(this.#options);
  }

  /** Whether writes go to the server in use, and it is no mongos. False while none is known. */
  get is_primary(): boolean {
    const type = this[ENGINE].server?.description.type;
    return type !== undefined && isWritable(type) && type !== 'Mongos';
  }

  /** Whether the server in use is a mongos. False while none is known. */
  get is_mongos(): boolean {
    return this[ENGINE].server?.description.type === 'Mongos';
  }

  /**
   * The options that are in force: `pool_options` (`max_pool_size`, `min_pool_size`, times in ms or null),
   * `local_threshold_ms`, `server_selection_timeout_ms`, `retry_reads`, `retry_writes`, `replica_set_name`,
   * `direct_connection`, and the four settings.
   * @see Motor 3.8, AsyncIOMotorClient.options
   */
  get options() {
    const { pool, connection, topology, readPreference, retryReads, retryWrites } = this[ENGINE].options;
    return Object.freeze({
      pool_options: Object.freeze({
        max_pool_size: pool.maxSize === Number.POSITIVE_INFINITY ? null : pool.maxSize,
        min_pool_size: pool.minSize,
        max_connecting: pool.maxConnecting,
        max_idle_time_ms: pool.maxIdleTime,
        wait_queue_timeout_ms: pool.waitQueueTimeout,
        connect_timeout_ms: connection.connectTimeout,
        socket_timeout_ms: connection.socketTimeout,
        appname: connection.appName,
        driver: connection.driver,
      }),
      local_threshold_ms: readPreference.latencyWindow,
      server_selection_timeout_ms: topology.serverSelectionTimeout,
      heartbeat_frequency_ms: topology.heartbeatFrequency,
      replica_set_name: topology.replicaSet,
      direct_connection: topology.direct,
      retry_reads: retryReads,
      retry_writes: retryWrites,
      codec_options: this.codec_options,
      read_preference: this.read_preference,
      read_concern: this.read_concern,
      write_concern: this.write_concern,
    });
  }

  /** Where it connects when nothing is said. */
  get HOST(): string {
    return 'localhost';
  }

  /** Where it connects when nothing is said. */
  get PORT(): number {
    return 27017;
  }

  /** The `io_loop` given to the constructor, else the current loop. */
  get io_loop(): Loop {
    return (this.#options.ioLoop as Loop | null) ?? currentLoop();
  }

  /** The same as the property. */
  get_io_loop(): Loop {
    return this.io_loop;
  }

  /** Whether this is a client of the same servers with the same options. */
  equals(other: unknown): boolean {
    return other instanceof Client && isDeepStrictEqual(picturesOf(this.#options), picturesOf(other.#options));
  }

  get #self(): AsyncIOMotorClient {
    return this as unknown as AsyncIOMotorClient;
  }

  [REPR](): string {
    const { seeds, srv } = this[ENGINE].options;
    // As long as the DNS has not been asked, it is all that is known of the servers.
    const hosts = seeds.length === 0 ? [`mongodb+srv://${srv?.host}`] : seeds;
    return `MongoClient([${hosts.map((host) => `'${host}'`).join(', ')}])`;
  }
}

/** The options as plain values, addresses as text. */
function picturesOf(options: ClientOptions): object {
  return { ...options, seeds: options.seeds.map(String).sort() };
}

function addr({ host, port }: { host: string; port: number | null }): Addr {
  return [host, port];
}

withChildren(Client, (client, name) => client.get_database(name), { hideUnderscore: true });

/** A client: its databases are its properties. */
export const AsyncIOMotorClient: DualClass<typeof Client, AsyncIOMotorClient> = dual(
  Client,
  { server_info: 0, list_database_names: 0, list_databases: 0, drop_database: 1, bulk_write: 1 },
  { name: 'AsyncIOMotorClient', refused: [] },
);
export type AsyncIOMotorClient = Dual<Client> & Children<AsyncIOMotorDatabase>;

import type { Document } from 'bson';
import type { Address } from './address';
import { checkMechanism } from './auth/authentication';
import { Identities } from './auth/identities';
import type { ClientOptions, Credential } from './clientOptions';
import type { Namespace } from './commands';
import type { Connection } from './connection';
import { AutoReconnect, InvalidOperation, OperationFailure } from './errors';
import { type Events, newEvents } from './events';
import { lostPrimaryOf, writeConcernFailureOf } from './failure';
import { MonitoredTopology } from './monitoredTopology';
import { OnDemandTopology } from './onDemandTopology';
import { type Finish, Operation, type OperationOptions, type OperationOwner } from './operation';
import type { Policy } from './policy';
import { PRIMARY, type ReadPreference, SECONDARY_OUTPUT } from './readPreference';
import {
  explained,
  isNetworkError,
  isRetryableRead,
  isRetryableWrite,
  knowsRepeatedWrites,
  labelLost,
  labelReply,
  tellingError,
} from './retry';
import type { Server } from './server';
import type { ServerDescription } from './serverDescription';
import type { Wanted } from './serverSelection';
import { Sessions } from './sessions';
import { secureContext } from './socket';
import { Seedlist, SrvPoller } from './srv';
import type { Topology } from './topology';
import type { TopologyDescription } from './topologyDescription';

/** What one run of a command may ask for. */
export interface RunOptions extends OperationOptions {
  /** The server that must answer, since it holds the cursor. */
  server?: Server;
  /** The connection that must be used: the caller has checked it out. */
  connection?: Connection;
}

/** Where a cursor is open. */
export interface OpenCursor {
  readonly namespace: Namespace;
  readonly server: Server;
}

const NO_OPTIONS: RunOptions = {};
const CLOSED = 'the client was closed';

/** What every surface stands on: it sends commands to the right server, by the policy of the surface. */
export class Engine implements OperationOwner {
  readonly policy: Policy;
  /** Pool and command events, see `events.ts`. */
  readonly events: Events;
  /** The cursors that are open on a server, by their numbers. */
  readonly cursors = new Map<string, OpenCursor>();
  /** Hears of every reply, before the operation settles. */
  onReply: ((operation: Operation, reply: Document) => void) | null = null;
  /** Whether writes that allow for it are sent a second time. */
  readonly retriesWrites: boolean;
  /** Null where the policy knows no sessions. */
  readonly sessions: Sessions | null;
  #options: ClientOptions;
  /** Knows who knows the servers, as long as they are not known. */
  #seedlist: Seedlist | null;
  /** Who logged in to single databases; null as long as nobody did. */
  #identities: Identities | null = null;
  #topology: Topology | null = null;
  #poller: SrvPoller | null = null;
  #closed = false;
  #connected = false;

  constructor(options: ClientOptions, policy: Policy, events: Events = newEvents()) {
    this.#options = options;
    this.#seedlist = options.srv !== null && options.seeds.length === 0 ? new Seedlist(options, options.srv) : null;
    this.policy = policy;
    this.retriesWrites = policy.sessions && options.retryWrites;
    this.sessions = policy.sessions ? new Sessions(options.retryWrites) : null;
    this.events = events;
  }

  /** Those of a `mongodb+srv://` string are complete when the DNS has been asked. */
  get options(): ClientOptions {
    return this.#options;
  }

  /**
   * Send a command and read its reply. With a known server and an idle connection it is written before this returns.
   * @param command its name first, `$db` in it; not to be changed any more
   * @param finish reads the result out of a successful reply
   */
  run<T>(command: Document, finish: Finish<T>, options: RunOptions = NO_OPTIONS): Promise<T> {
    if (this.#identities !== null && options.connection === undefined) {
      const engine = this.engineFor(command.$db as string);
      return engine.runOwn(command, finish, engine.#withOwnServer(options));
    }
    return this.runOwn(command, finish, options);
  }

  /** The same, whoever works on the command's database: as the user of this engine. */
  runOwn<T>(command: Document, finish: Finish<T>, options: RunOptions = NO_OPTIONS): Promise<T> {
    if (this.#seedlist !== null) return this.#seek(this.#seedlist).then(() => this.runOwn(command, finish, options));
    return new Promise((resolve, reject) => {
      const operation = new Operation(command, options, this, finish, resolve, reject) as Operation;
      if (options.connection !== undefined) {
        options.connection.run(operation);
        return;
      }
      if (options.server !== undefined) {
        this.#checkOpen();
        this.#sendTo(options.server, operation);
        return;
      }
      const topology = this.#topology ?? this.#open();
      const server = this.#serverFor(topology, options);
      if (server !== null) this.#send(operation, server);
      else this.#runWhenFound(topology, operation);
    });
  }

  /** The engine of who works on this database: this one, unless somebody logged in. */
  engineFor(database: string): Engine {
    return this.#identities === null ? this : this.#identities.engineFor(database);
  }

  /** A server of another user's engine is the same process, but its connections are not ours. */
  #withOwnServer({ server, ...options }: RunOptions): RunOptions {
    const own = server === undefined ? null : this.serverAt(server.address);
    return own === null ? options : { ...options, server: own };
  }

  /**
   * Have the server check a user, who works on this database from then on.
   * @throws OperationFailure: the server refuses him, or another user works there
   * @throws ConfigurationError: a mechanism that the driver does not have
   */
  async login(database: string, credential: Credential): Promise<void> {
    this.#identities ??= this.#newIdentities();
    await this.#identities.login(database, credential);
  }

  /** Forget who works on this database. */
  logout(database: string): void {
    if (this.options.credential === null && this.#identities === null) return;
    this.#identities ??= this.#newIdentities();
    this.#identities.logout(database);
  }

  #newIdentities(): Identities {
    return new Identities(this, (credential) => {
      const engine = new Engine({ ...this.options, credential }, this.policy, this.events);
      engine.onReply = (operation, reply) => this.onReply?.(operation, reply);
      return engine;
    });
  }

  get #others(): readonly Engine[] {
    return this.#identities?.others ?? [];
  }

  /** Send it there and nowhere else: that server may be out of reach for a moment, its cursors outlive the connections. */
  #sendTo(server: Server, operation: Operation): void {
    if (this.#topology !== null && server.pool.isPaused) this.#runWhenFound(this.#topology, operation, server);
    else this.#send(operation, server);
  }

  /** The server to use, as far as it is known without asking anybody. */
  #serverFor(topology: Topology, options: RunOptions): Server | null {
    const wanted = this.#wantedBy(options);
    return wanted === 'writable' && topology.writable !== null ? topology.writable : topology.choose(wanted);
  }

  #wantedBy({ readPreference }: OperationOptions): Wanted {
    if (readPreference === undefined || readPreference.mode === PRIMARY) return 'writable';
    return this.policy.routesReads ? readPreference : 'writable';
  }

  /** Find a server and send the operation there; when it was sent before, to another one if there is a choice. */
  #runWhenFound(
    topology: Topology,
    operation: Operation,
    wanted: Wanted | Server = this.#wantedBy(operation.options),
  ): void {
    const avoid = operation.address === null ? null : topology.serverAt(operation.address);
    topology.find(wanted, avoid).then(
      (found) => {
        const { firstError, txnNumber } = operation;
        if (firstError !== null && txnNumber !== null && !knowsRepeatedWrites(found.description)) {
          operation.fail(firstError);
        } else {
          this.#send(operation, found);
        }
      },
      (error: Error) => operation.fail(error),
    );
  }

  #send(operation: Operation, server: Server): void {
    const { readPreference } = operation.options;
    if (readPreference !== undefined) {
      const said = saidTo(server, readPreference, this.options.topology.direct);
      if (said !== null) operation.command.$readPreference = said;
    }
    server.pool.run(operation);
  }

  /** Find the server to use, for writes unless a preference is given, and make sure that it has answered. */
  async connect(preference?: ReadPreference): Promise<Server> {
    if (this.#seedlist !== null) await this.#seek(this.#seedlist);
    const server = await (this.#topology ?? this.#open()).connect(preference);
    this.#connected = true;
    return server;
  }

  /** Find out that the server to use is there, whether or not it lets the user in. */
  async reach(): Promise<void> {
    try {
      await this.connect();
    } catch (error) {
      if (!(error instanceof OperationFailure)) throw error;
      this.#connected = true;
    }
  }

  /** The server in use, if one has answered. */
  get server(): Server | null {
    return this.#topology?.inUse ?? this.#others.find((engine) => engine.server !== null)?.server ?? null;
  }

  /** What is known of all servers together; null before the first operation and after `close()`. */
  get topology(): TopologyDescription | null {
    return this.#topology?.description ?? null;
  }

  /** All servers that were heard of. */
  get servers(): readonly Server[] {
    return this.#topology?.servers ?? [];
  }

  /** The server of this address, as long as the client knows it. */
  serverAt(address: Address | null): Server | null {
    return address === null ? null : (this.#topology?.serverAt(address) ?? null);
  }

  /** Whether a server was ever reached. */
  get connected(): boolean {
    this.#connected ||= this.server !== null;
    return this.#connected;
  }

  /**
   * Take what somebody else heard from the server to use, in place of a connection of one's own.
   * @param description null: the server is there, but does not let the user in
   */
  adopt(description: ServerDescription | null): void {
    if (description !== null) (this.#topology ?? this.#open()).adopt(description);
    this.#connected = true;
  }

  /** Counts of all pools together. */
  get counts(): Readonly<{ open: number; idle: number; checkedOut: number; waiting: number }> {
    const sum = { open: 0, idle: 0, checkedOut: 0, waiting: 0 };
    for (const { pool } of this.#topology?.servers ?? []) {
      const counts = pool.counts;
      for (const name of Object.keys(sum) as (keyof typeof sum)[]) sum[name] += counts[name];
    }
    for (const { counts } of this.#others) {
      for (const name of Object.keys(sum) as (keyof typeof sum)[]) sum[name] += counts[name];
    }
    return sum;
  }

  /** Use none of the connections that there are any longer; what is under way on them comes to its end. */
  clear(): void {
    for (const { pool } of this.servers) pool.clear();
  }

  /** Close every connection. What is under way, or waits for a connection, fails with AutoReconnect. Repeatable. */
  close(): void {
    this.#connected = this.connected;
    this.#closed = true;
    this.#poller?.close();
    this.#seedlist?.close(new AutoReconnect(CLOSED));
    const topology = this.#topology;
    this.#topology = null;
    this.sessions?.close(topology?.servers ?? [], this);
    topology?.close(new AutoReconnect(CLOSED));
    for (const engine of this.#others) engine.close();
    this.cursors.clear();
  }

  sending(operation: Operation, server: ServerDescription): void {
    this.sessions?.sending(operation, server);
  }

  replied(operation: Operation, reply: Document): boolean {
    if (this.onReply !== null) this.onReply(operation, reply);
    if (operation.sentTo === null) return false;
    this.sessions?.replied(reply);
    if (operation.txnNumber === null) return false;
    labelReply(reply, operation.sentTo);
    if (reply.ok !== 1 || reply.writeConcernError === undefined) return false;
    const lost = lostPrimaryOf(reply, operation);
    if (lost !== null) this.#topology?.operationFailed(operation, lost);
    return this.#retries(operation, writeConcernFailureOf(reply, operation));
  }

  failed(operation: Operation, error: Error, swept: boolean): Error | null {
    this.#topology?.operationFailed(operation, error);
    if (!this.policy.retries || this.#topology === null) return error;
    const { firstError, session } = operation;
    if (session !== null && isNetworkError(error)) session.dirty = true;
    if (this.#mayRepeatWrite(operation)) labelLost(error, operation);
    if (this.#retries(operation, error, swept)) return null;
    return firstError === null ? explained(operation, error) : tellingError(firstError, error);
  }

  /** Send it once more, unless that was done before, does no good, or may do harm. */
  #retries(operation: Operation, error: Error, swept = false): boolean {
    const topology = this.#topology;
    if (topology === null || !this.#mayRepeat(operation, error)) return false;
    if (swept && this.#mayWaitOn(operation)) {
      this.#runWhenFound(topology, operation);
      return true;
    }
    if (operation.firstError !== null) return false;
    operation.firstError = error;
    this.#runWhenFound(topology, operation);
    return true;
  }

  #mayRepeat(operation: Operation, error: Error): boolean {
    const { retryable = false } = operation.options;
    if (retryable && this.options.retryReads && isRetryableRead(error)) return true;
    return this.#mayRepeatWrite(operation) && isRetryableWrite(error);
  }

  /**
   * Whether it may stand in line anew: what was not sent has not used its second attempt. Each fault sweeps all who wait,
   * so that one who waits long would lose both attempts to the faults of others.
   */
  #mayWaitOn(operation: Operation): boolean {
    const now = performance.now();
    operation.sweptSince ??= now;
    return now - operation.sweptSince <= this.options.topology.serverSelectionTimeout;
  }

  /** Whether it is a write that the server would tell from its repetition, or that never reached one. */
  #mayRepeatWrite({ options, txnNumber, address }: Operation): boolean {
    if (options.retryableWrite !== true || !this.retriesWrites) return false;
    return txnNumber !== null || (address === null && this.sessions?.repeatsWrites === true);
  }

  /** Ask the DNS for the servers, unless that was done meanwhile. */
  async #seek(seedlist: Seedlist): Promise<void> {
    this.#checkOpen();
    this.#options = await seedlist.find();
    this.#seedlist = null;
  }

  #checkOpen(): void {
    if (this.#closed && !this.policy.reopens) throw new InvalidOperation('the client cannot be used after close()');
  }

  #open(): Topology {
    this.#checkOpen();
    if (this.options.credential !== null) checkMechanism(this.options.credential.mechanism);
    if (this.options.connection.tls !== null) secureContext(this.options.connection.tls);
    const Kind = this.policy.view === 'monitored' ? MonitoredTopology : OnDemandTopology;
    this.#closed = false;
    const topology = new Kind(this.options, this.events);
    // By a listener that heard of it.
    if (this.#closed) {
      topology.close(new AutoReconnect(CLOSED));
      return topology;
    }
    this.#topology = topology;
    if (this.options.srv !== null) this.#poller = new SrvPoller(this.options, this.options.srv, topology);
    return topology;
  }
}

/**
 * What a server is told of the read preference.
 * @see Specification "server selection", passing a read preference to mongos; topology type Single
 */
function saidTo({ description }: Server, preference: ReadPreference, direct: boolean): Document | null {
  if (description.type === 'Standalone' || description.type === 'Unknown') return null;
  if (preference.outputs && description.maxWireVersion < SECONDARY_OUTPUT) return null;
  // Through a direct connection any member may be read, whatever it is.
  if (direct && description.type !== 'Mongos') return { mode: 'primaryPreferred' };
  return preference.document;
}

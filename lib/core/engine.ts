import type { Document } from 'bson';
import type { Address } from './address';
import type { ClientOptions } from './clientOptions';
import type { Namespace } from './commands';
import type { Connection } from './connection';
import { AutoReconnect, ConfigurationError, InvalidOperation } from './errors';
import { newEvents } from './events';
import { lostPrimaryOf, writeConcernFailureOf } from './failure';
import { MonitoredTopology } from './monitoredTopology';
import { OnDemandTopology } from './onDemandTopology';
import { type Finish, Operation, type OperationOptions, type OperationOwner } from './operation';
import type { Policy } from './policy';
import { PRIMARY, type ReadPreference } from './readPreference';
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

/** What every surface stands on: it sends commands to the right server, by the policy of the surface. */
export class Engine implements OperationOwner {
  readonly options: ClientOptions;
  readonly policy: Policy;
  /** Pool and command events, see `events.ts`. */
  readonly events = newEvents();
  /** The cursors that are open on a server, by their numbers. */
  readonly cursors = new Map<string, OpenCursor>();
  /** Hears of every reply, before the operation settles. */
  onReply: ((operation: Operation, reply: Document) => void) | null = null;
  /** Whether writes that allow for it are sent a second time. */
  readonly retriesWrites: boolean;
  /** Null where the policy knows no sessions. */
  readonly sessions: Sessions | null;
  #topology: Topology | null = null;
  #closed = false;
  #connected = false;

  constructor(options: ClientOptions, policy: Policy) {
    this.options = options;
    this.policy = policy;
    this.retriesWrites = policy.sessions && options.retryWrites;
    this.sessions = policy.sessions ? new Sessions(options.retryWrites) : null;
  }

  /**
   * Send a command and read its reply. With a known server and an idle connection it is written before this returns.
   * @param command its name first, `$db` in it; not to be changed any more
   * @param finish reads the result out of a successful reply
   */
  run<T>(command: Document, finish: Finish<T>, options: RunOptions = NO_OPTIONS): Promise<T> {
    return new Promise((resolve, reject) => {
      const operation = new Operation(command, options, this, finish, resolve, reject) as Operation;
      if (options.connection !== undefined) {
        options.connection.run(operation);
        return;
      }
      const topology = this.#topology ?? this.#open();
      const server = this.#serverFor(topology, options);
      if (server !== null) this.#send(operation, server);
      else this.#runWhenFound(topology, operation);
    });
  }

  /** The server to use, as far as it is known without asking anybody. */
  #serverFor(topology: Topology, options: RunOptions): Server | null {
    if (options.server !== undefined) return options.server;
    const wanted = this.#wantedBy(options);
    return wanted === 'writable' && topology.writable !== null ? topology.writable : topology.choose(wanted);
  }

  #wantedBy({ readPreference }: OperationOptions): Wanted {
    if (readPreference === undefined || readPreference.mode === PRIMARY) return 'writable';
    return this.policy.routesReads ? readPreference : 'writable';
  }

  /** Find a server and send the operation there; when it was sent before, to another one if there is a choice. */
  #runWhenFound(topology: Topology, operation: Operation): void {
    const avoid = operation.address === null ? null : topology.serverAt(operation.address);
    topology.find(this.#wantedBy(operation.options), avoid).then(
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
    const server = await (this.#topology ?? this.#open()).connect(preference);
    this.#connected = true;
    return server;
  }

  /** The server in use, if one has answered. */
  get server(): Server | null {
    return this.#topology?.inUse ?? null;
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

  /** Take what somebody else heard from the server to use, in place of a connection of one's own. */
  adopt(description: ServerDescription): void {
    (this.#topology ?? this.#open()).adopt(description);
    this.#connected = true;
  }

  /** Counts of all pools together. */
  get counts(): Readonly<{ open: number; idle: number; checkedOut: number; waiting: number }> {
    const sum = { open: 0, idle: 0, checkedOut: 0, waiting: 0 };
    for (const { pool } of this.#topology?.servers ?? []) {
      const counts = pool.counts;
      for (const name of Object.keys(sum) as (keyof typeof sum)[]) sum[name] += counts[name];
    }
    return sum;
  }

  /** Close every connection. What is under way, or waits for a connection, fails with AutoReconnect. Repeatable. */
  close(): void {
    this.#connected = this.connected;
    this.#closed = true;
    const topology = this.#topology;
    this.#topology = null;
    this.sessions?.close(topology?.servers ?? [], this);
    topology?.close(new AutoReconnect('the client was closed'));
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

  failed(operation: Operation, error: Error): Error | null {
    this.#topology?.operationFailed(operation, error);
    if (!this.policy.retries || this.#topology === null) return error;
    const { firstError, session } = operation;
    if (isNetworkError(error)) {
      if (session !== null) session.dirty = true;
      if (this.#mayRepeatWrite(operation)) labelLost(error);
    }
    if (firstError !== null) return tellingError(firstError, error);
    return this.#retries(operation, error) ? null : explained(operation, error);
  }

  /** Send it once more, unless that was done before, does no good, or may do harm. */
  #retries(operation: Operation, error: Error): boolean {
    const topology = this.#topology;
    if (topology === null || operation.firstError !== null) return false;
    const { retryable = false } = operation.options;
    const mayRepeatRead = retryable && this.options.retryReads && isRetryableRead(error);
    if (!mayRepeatRead && !(this.#mayRepeatWrite(operation) && isRetryableWrite(error))) return false;
    operation.firstError = error;
    this.#runWhenFound(topology, operation);
    return true;
  }

  /** Whether it is a write that the server would tell from its repetition, or that never reached one. */
  #mayRepeatWrite({ options, txnNumber, address }: Operation): boolean {
    if (options.retryableWrite !== true || !this.retriesWrites) return false;
    return txnNumber !== null || (address === null && this.sessions?.repeatsWrites === true);
  }

  #open(): Topology {
    if (this.#closed && !this.policy.reopens) throw new InvalidOperation('the client cannot be used after close()');
    // Before anything is sent: a client that believes itself authenticated must not go on without.
    if (this.options.credential !== null) {
      throw new ConfigurationError('this version of the driver cannot authenticate: connect without a user');
    }
    if (this.options.connection.tls !== null) secureContext(this.options.connection.tls);
    const Kind = this.policy.view === 'monitored' ? MonitoredTopology : OnDemandTopology;
    this.#topology = new Kind(this.options, this.events);
    return this.#topology;
  }
}

/**
 * What a server is told of the read preference.
 * @see Specification "server selection", passing a read preference to mongos; topology type Single
 */
function saidTo({ description }: Server, preference: ReadPreference, direct: boolean): Document | null {
  if (description.type === 'Standalone' || description.type === 'Unknown') return null;
  // Through a direct connection any member may be read, whatever it is.
  if (direct && description.type !== 'Mongos') return { mode: 'primaryPreferred' };
  return preference.document;
}

/**
 * Watching a server: one monitor asks it from time to time what it is, or has it tell when that changes.
 * @see Specification "server monitoring"
 */

import type { Document } from 'bson';
import type { Address } from './address';
import type { ClientOptions, ConnectionOptions } from './clientOptions';
import { Connection, type ConnectionOwner } from './connection';
import { AutoReconnect, ConfigurationError, NetworkTimeout } from './errors';
import { type Events, newEvents, tell } from './events';
import { Operation, type OperationOptions } from './operation';
import { describeServer, type ServerDescription, unknownServer } from './serverDescription';
import { averageRoundTrip } from './serverSelection';

const POLL: OperationOptions = { rawReply: true };
const AWAIT: OperationOptions = { rawReply: true, exhaustAllowed: true };

/** Commands of monitors are not told: they have events of their own. */
const SILENT = newEvents();

/** A connection beside the pool is nobody's to lend. */
const NOBODY: ConnectionOwner = { checkin: () => undefined, lost: () => undefined };

/** What monitors read of a client's options. */
export type MonitorOptions = Pick<ClientOptions, 'topology' | 'connection'>;

/** Watches one server until it is closed. Nothing of it keeps the process alive. */
export class Monitor {
  /** Milliseconds from the beginning of one check to that of the next, at least, however much somebody is in a hurry. */
  static readonly shortestPeriod = 500;

  readonly #address: Address;
  readonly #options: MonitorOptions;
  readonly #connectionOptions: ConnectionOptions;
  readonly #events: Events;
  readonly #report: (description: ServerDescription) => void;
  readonly #roundTrip: RoundTrip;
  #connection: Connection | null = null;
  /** Of the last check. */
  #description: ServerDescription;
  #checkedAt = Number.NEGATIVE_INFINITY;
  #checking = false;
  #cancelled = false;
  #closed = false;
  /** Somebody wants to know soon. */
  #asked = false;
  #timer: NodeJS.Timeout | undefined;
  #wake: (() => void) | null = null;

  /** @param report hears of the outcome of each check; one that failed says so in `error` */
  constructor(
    address: Address,
    options: MonitorOptions,
    events: Events,
    report: (description: ServerDescription) => void,
  ) {
    this.#address = address;
    this.#options = options;
    this.#connectionOptions = { ...options.connection, socketTimeout: null, compressors: [] };
    this.#events = events;
    this.#report = report;
    this.#description = unknownServer(address);
    this.#roundTrip = new RoundTrip(address, this.#connectionOptions, options.topology.heartbeatFrequency);
  }

  start(): void {
    void this.#watch();
  }

  /** Check soon, but not before the shortest period is over. */
  requestCheck(): void {
    this.#asked = true;
    if (this.#wake !== null) this.#sleep();
  }

  /** The network has failed somebody else: no use to wait for the outcome of a check on the connection there is. */
  cancelCheck(): void {
    this.#cancelled = this.#checking;
    this.#dropConnection(new AutoReconnect(`the check of ${this.#address} was cancelled`));
  }

  close(): void {
    this.#closed = true;
    this.#dropConnection(new AutoReconnect(`${this.#address} is not watched any longer`));
    this.#roundTrip.close();
    this.#wake?.();
  }

  async #watch(): Promise<void> {
    while (!this.#closed) {
      const wasKnown = this.#description.type !== 'Unknown';
      const awaited = this.#awaits;
      const description = await this.#check(awaited);
      if (this.#closed) return;
      if (description !== null) {
        this.#description = description;
        this.#report(description);
      }
      // The next reply is on its way, or may be asked for at once.
      if (this.#connection?.streaming === true || (this.#awaits && !awaited)) continue;
      // A member that lost its connections in a new election, or was restarted, is back soon.
      if (description?.type === 'Unknown' && wasKnown) continue;
      if (!this.#closed) await this.#pause();
    }
  }

  /** Whether the next check is one that the server answers when it has something to tell. */
  get #awaits(): boolean {
    const { monitoringMode } = this.#options.topology;
    if (monitoringMode === 'poll' || (monitoringMode === 'auto' && isFunctionService())) return false;
    return this.#connection !== null && this.#description.topologyVersion !== null;
  }

  /** @returns null when it was cancelled, or closed */
  async #check(awaited: boolean): Promise<ServerDescription | null> {
    const address = String(this.#address);
    const began = performance.now();
    this.#checkedAt = began;
    this.#asked = false;
    this.#checking = true;
    const isNew = this.#connection === null;
    try {
      tell(this.#events, 'serverHeartbeatStarted', () => ({ address, awaited }));
      // A listener may have closed the client.
      if (this.#closed) return null;
      const reply = await this.#hello(awaited);
      if (this.#closed) return null;
      const duration = performance.now() - began;
      if (reply.ok !== 1) throw new AutoReconnect(`${address} refused hello: ${String(reply.errmsg)}`);
      if (!awaited) this.#roundTrip.add(isNew ? (this.#connection?.greetingTime ?? duration) : duration);
      tell(this.#events, 'serverHeartbeatSucceeded', () => ({ address, awaited, duration, reply }));
      return describeServer(this.#address, reply, this.#roundTrip.average);
    } catch (error) {
      return this.#checkFailed(error as Error, performance.now() - began, awaited);
    } finally {
      this.#checking = false;
      this.#cancelled = false;
    }
  }

  #checkFailed(failure: Error, duration: number, awaited: boolean): ServerDescription | null {
    const cancelled = this.#cancelled || this.#closed;
    const address = String(this.#address);
    if (!this.#closed) tell(this.#events, 'serverHeartbeatFailed', () => ({ address, awaited, duration, failure }));
    const answered = this.#connection?.description;
    this.#dropConnection(failure);
    this.#roundTrip.reset();
    if (cancelled) return null;
    // It has answered, but it is too old to be talked to.
    if (failure instanceof ConfigurationError && answered !== undefined && answered.type !== 'Unknown') return answered;
    return unknownServer(this.#address, failure);
  }

  #hello(awaited: boolean): Promise<Document> {
    const { heartbeatFrequency } = this.#options.topology;
    const limit = this.#connectionOptions.connectTimeout;
    if (this.#connection === null) {
      this.#connection = openQuietly(this.#address, this.#connectionOptions);
      return this.#connection.open();
    }
    if (!awaited) return ask(this.#connection, helloCommand(this.#description), POLL, limit);
    this.#roundTrip.start();
    const { topologyVersion } = this.#description;
    const command = { ...helloCommand(this.#description), topologyVersion, maxAwaitTimeMS: heartbeatFrequency };
    return ask(this.#connection, command, AWAIT, limit === null ? null : limit + heartbeatFrequency);
  }

  #dropConnection(cause: Error): void {
    const connection = this.#connection;
    this.#connection = null;
    connection?.close(cause);
  }

  #pause(): Promise<void> {
    return new Promise((resolve) => {
      this.#wake = () => {
        clearTimeout(this.#timer);
        this.#wake = null;
        resolve();
      };
      this.#sleep();
    });
  }

  #sleep(): void {
    const period = this.#asked ? Monitor.shortestPeriod : this.#options.topology.heartbeatFrequency;
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#wake?.(), Math.max(0, this.#checkedAt + period - performance.now()));
    this.#timer.unref();
  }
}

/** How long a hello takes, on the average; measured on a connection of its own while the monitor's waits for news. */
class RoundTrip {
  readonly #address: Address;
  readonly #options: ConnectionOptions;
  readonly #period: number;
  #average: number | null = null;
  #connection: Connection | null = null;
  #timer: NodeJS.Timeout | undefined;
  #started = false;
  #closed = false;

  constructor(address: Address, options: ConnectionOptions, period: number) {
    this.#address = address;
    this.#options = options;
    this.#period = period;
  }

  /** Milliseconds; null: not measured yet. */
  get average(): number | null {
    return this.#average;
  }

  add(sample: number): void {
    this.#average = averageRoundTrip(this.#average, sample);
  }

  /** The server was lost: what was measured says nothing of when it is back. */
  reset(): void {
    this.#average = null;
  }

  start(): void {
    if (this.#started || this.#closed) return;
    this.#started = true;
    void this.#measure();
  }

  close(): void {
    this.#closed = true;
    clearTimeout(this.#timer);
    this.#drop();
  }

  async #measure(): Promise<void> {
    try {
      if (this.#connection === null) {
        const connection = openQuietly(this.#address, this.#options);
        this.#connection = connection;
        await connection.open();
        this.add(connection.greetingTime);
      } else {
        const began = performance.now();
        const { description } = this.#connection;
        await ask(this.#connection, helloCommand(description), POLL, this.#options.connectTimeout);
        this.add(performance.now() - began);
      }
    } catch {
      // The monitor notices as well, and it is the one to say so.
      this.#drop();
    }
    if (this.#closed) return;
    this.#timer = setTimeout(() => void this.#measure(), this.#period);
    this.#timer.unref();
  }

  #drop(): void {
    this.#connection?.close(new AutoReconnect(`${this.#address} is not measured any longer`));
    this.#connection = null;
  }
}

function openQuietly(address: Address, options: ConnectionOptions): Connection {
  const connection = new Connection(0, 0, address, options, NOBODY, SILENT);
  connection.unref();
  return connection;
}

function helloCommand({ helloOk }: ServerDescription): Document {
  return { [helloOk ? 'hello' : 'ismaster']: 1, helloOk: true, $db: 'admin' };
}

/** @param limit milliseconds after which the connection is closed; null: none */
async function ask(
  connection: Connection,
  command: Document,
  options: OperationOptions,
  limit: number | null,
): Promise<Document> {
  const giveUp = () =>
    connection.close(new NetworkTimeout(`${connection.address} timed out: no reply to hello within ${limit} ms`));
  const timer = limit === null ? undefined : setTimeout(giveUp, limit).unref();
  try {
    return await new Promise<Document>((resolve, reject) => {
      connection.run(new Operation(command, options, null, (reply) => reply, resolve, reject) as Operation);
    });
  } finally {
    clearTimeout(timer);
  }
}

/** Processes there are frozen between two requests: a reply that is waited for would be late for its own reasons. */
function isFunctionService(): boolean {
  const { env } = process;
  return (
    env.AWS_EXECUTION_ENV?.startsWith('AWS_Lambda_') === true ||
    ['AWS_LAMBDA_RUNTIME_API', 'FUNCTIONS_WORKER_RUNTIME', 'K_SERVICE', 'FUNCTION_NAME', 'VERCEL'].some(
      (name) => (env[name] ?? '') !== '',
    )
  );
}

import type { Document } from 'bson';
import type { Address } from './address';
import type { ConnectionOptions, Credential, PoolOptions } from './clientOptions';
import { Connection, type ConnectionOwner } from './connection';
import { AutoReconnect, MotorPoolTimeout, NetworkTimeout, ProtocolError } from './errors';
import { type CheckOutFailedReason, type ConnectionClosedReason, type Events, heard, tell } from './events';
import type { Operation } from './operation';
import { Queue } from './queue';
import type { ServerDescription } from './serverDescription';

/** A connection idle for longer is used only after the loop has had the chance to tell that it broke. */
const TRUSTED_IDLE_TIME = 1000;

/** An operation, or somebody who wants a connection for several, in line for a connection. */
interface Waiter {
  take(connection: Connection): void;
  /** @param swept it was not its turn yet when all were sent away */
  fail(error: Error, swept: boolean): void;
  readonly since: number;
}

/** `greeted`: the server had answered the hello of the connection. */
type FailureListener = (error: Error, generation: number, greeted: boolean) => void;

/**
 * `paused`: there is no server as far as its monitor knows, so nobody gets a connection. `unproven`: nobody watches the
 * server, and it has not answered since the pool was made or cleared; one connection alone finds out.
 */
type PoolState = 'paused' | 'unproven' | 'ready' | 'closed';

/** Those that differ from the defaults, by the names of the specification. */
function specifiedOptions({ maxSize, minSize, maxConnecting, maxIdleTime, waitQueueTimeout }: PoolOptions): Document {
  return {
    ...(maxSize === 100 ? {} : { maxPoolSize: maxSize === Number.POSITIVE_INFINITY ? 0 : maxSize }),
    ...(minSize === 0 ? {} : { minPoolSize: minSize }),
    ...(maxConnecting === 2 ? {} : { maxConnecting }),
    ...(maxIdleTime === null ? {} : { maxIdleTimeMS: maxIdleTime }),
    ...(waitQueueTimeout === null ? {} : { waitQueueTimeoutMS: waitQueueTimeout }),
  };
}

/** Connections to one server. Each serves one operation at a time; never more are open than allowed. */
export class Pool implements ConnectionOwner {
  readonly address: Address;
  readonly #options: PoolOptions;
  readonly #connectionOptions: ConnectionOptions;
  readonly #credential: Credential | null;
  readonly #events: Events;
  /** Hears what the server said in each handshake. */
  readonly #onDescription: (description: ServerDescription) => void;
  /** Hears that the network or a handshake failed, and clears the pool if that speaks for all connections. */
  readonly #onFailure: FailureListener;
  readonly #connections = new Set<Connection>();
  /** The most recently used last: it is the one to use again, so that the others can grow old. */
  readonly #idle: Connection[] = [];
  /** Those who only want to know what the server is. */
  readonly #primers: { resolve(): void; reject(error: Error): void }[] = [];
  #waiters = new Queue<Waiter>();
  #lending = false;
  #rechecking = false;
  #waitTimer: NodeJS.Timeout | null = null;
  #maintenance: NodeJS.Timeout | null = null;
  #opening = 0;
  #generation = 0;
  #lastId = 0;
  readonly #isWatched: boolean;
  #state: PoolState;
  /** Why it is paused or closed, if somebody said so. */
  #cause: Error | null = null;

  /** @param isWatched a monitor says whether the server is there: by `ready`, and by `clear`, which then pauses the pool */
  constructor(
    address: Address,
    options: PoolOptions,
    connectionOptions: ConnectionOptions,
    events: Events,
    onDescription: (description: ServerDescription) => void,
    onFailure: FailureListener,
    isWatched: boolean,
    credential: Credential | null = null,
  ) {
    this.address = address;
    this.#isWatched = isWatched;
    this.#state = isWatched ? 'paused' : 'unproven';
    this.#options = options;
    this.#connectionOptions = connectionOptions;
    this.#credential = credential;
    this.#events = events;
    this.#onDescription = onDescription;
    this.#onFailure = onFailure;
    tell(events, 'connectionPoolCreated', () => ({ address: String(address), options: specifiedOptions(options) }));
    if (!isWatched) this.#tellReady();
    this.#startMaintenance();
  }

  get counts(): Readonly<{ open: number; idle: number; checkedOut: number; waiting: number }> {
    const open = this.#connections.size - this.#opening;
    return { open, idle: this.#idle.length, checkedOut: open - this.#idle.length, waiting: this.#waiters.length };
  }

  /** Whether it lends nothing any more. */
  get isClosed(): boolean {
    return this.#state === 'closed';
  }

  /** Operations that have or want a connection. */
  get inProgress(): number {
    return this.#connections.size - this.#idle.length + this.#waiters.length;
  }

  /** Starts at 0; each network error makes the connections of its generation stale. */
  get generation(): number {
    return this.#generation;
  }

  get isPaused(): boolean {
    return this.#state === 'paused';
  }

  /**
   * Run one operation: at once on an idle connection, else on a new one, else in order of arrival.
   * Its connection is back in the pool, or closed, before it settles, so what follows finds it idle.
   * Fails it with `MotorPoolTimeout` when none came within `waitQueueTimeout`, or too many wait already; with
   * `AutoReconnect` when the pool is paused or closed.
   */
  run(operation: Operation): void {
    const connection = this.#waiters.length === 0 ? this.#takeIdle() : undefined;
    if (connection !== undefined) {
      connection.run(operation);
      return;
    }
    this.#wait(
      (connection) => connection.run(operation),
      (error, swept) => operation.fail(error, swept),
    );
  }

  /**
   * Run what is said just before the pool is closed: on an idle connection, however old.
   * @returns false: there is none
   */
  runLast(operation: Operation): boolean {
    const connection = this.#takeIdle(Number.POSITIVE_INFINITY);
    connection?.runLast(operation);
    return connection !== undefined;
  }

  /** A connection for several operations; it must come back by `checkin` or `discard`. */
  checkout(): Promise<Connection> {
    return new Promise((resolve, reject) => {
      const take = (connection: Connection) => {
        connection.pinned = true;
        resolve(connection);
      };
      const connection = this.#waiters.length === 0 ? this.#takeIdle() : undefined;
      if (connection === undefined) this.#wait(take, reject);
      else take(connection);
    });
  }

  checkin(connection: Connection): void {
    connection.pinned = false;
    if (connection.closed) return;
    this.#tellCheckedIn(connection);
    if (connection.generation !== this.#generation || this.isClosed) {
      this.#drop(connection, this.isClosed ? 'poolClosed' : 'stale');
      this.#pump();
    } else if (this.#waiters.length === 0 && this.#idle.length >= this.#options.maxIdle) {
      this.#drop(connection, 'idle');
    } else {
      this.#admit(connection);
    }
  }

  /** Close a connection that was checked out: what the server is still sending on it is of no use. */
  discard(connection: Connection): void {
    if (connection.closed) return;
    this.#tellCheckedIn(connection);
    this.#drop(connection, 'error');
    this.#pump();
  }

  lost(connection: Connection, error: Error): void {
    if (!this.#connections.has(connection)) return;
    const { checkedOut } = connection;
    const index = checkedOut ? -1 : this.#idle.indexOf(connection);
    if (index !== -1) this.#idle.splice(index, 1);
    // A connection that broke at work speaks for the others. One that broke while it was idle does not, nor one whose
    // reply was late or malformed.
    const speaks = checkedOut && !(error instanceof NetworkTimeout) && !(error instanceof ProtocolError);
    if (speaks) this.#onFailure(error, connection.generation, true);
    if (checkedOut) this.#tellCheckedIn(connection);
    this.#forget(connection, 'error', error);
    this.#pump();
  }

  /** Open a connection, unless the server answered before, to find out what it is. */
  prime(): Promise<void> {
    if (this.#state === 'ready') return Promise.resolve();
    if (this.isClosed) return Promise.reject(this.#cause);
    return new Promise((resolve, reject) => {
      this.#primers.push({ resolve, reject });
      this.#pump();
    });
  }

  /** The monitor has found the server: connections may be opened. Repeatable. */
  ready(): void {
    if (this.#state !== 'paused') return;
    this.#state = 'ready';
    this.#cause = null;
    this.#tellReady();
    this.#maintain();
  }

  /**
   * Start a new generation: idle connections close now, checked-out ones when they come back. The pool of a watched
   * server is paused, and those who wait fail; else they get connections of the new generation.
   * @param interrupts those too close now that are checked out or being opened, and what they are at fails
   */
  clear(cause: Error | null = null, interrupts = false): void {
    if (this.isClosed) return;
    const wasPaused = this.#state === 'paused';
    this.#generation++;
    this.#state = this.#isWatched ? 'paused' : 'unproven';
    this.#cause = cause;
    if (!wasPaused) {
      tell(this.#events, 'connectionPoolCleared', () => ({
        address: String(this.address),
        interruptInUseConnections: interrupts,
      }));
    }
    for (const connection of this.#idle.splice(0)) this.#drop(connection, 'stale');
    if (interrupts) this.#interrupt(cause);
    if (this.#isWatched) this.#failWaiters(this.#takeWaiters(), this.#paused(), 'connectionError', true);
  }

  #interrupt(cause: Error | null): void {
    for (const connection of [...this.#connections]) {
      if (connection.checkedOut) this.#tellCheckedIn(connection);
      const message = `connection ${connection.id} to ${this.address} was given up${connection.during}`;
      this.#drop(connection, 'stale', new AutoReconnect(message, { cause: cause ?? undefined }));
    }
  }

  /** Fail all who wait and all that is under way, close everything. Repeatable. */
  close(cause: Error): void {
    if (this.isClosed) return;
    this.#state = 'closed';
    this.#cause = cause;
    clearInterval(this.#maintenance ?? undefined);
    const waited = `${cause.message} while the operation waited for a connection to ${this.address}`;
    this.#failWaiters(this.#takeWaiters(), new AutoReconnect(waited, { cause }), 'poolClosed', true);
    for (const connection of this.#idle.splice(0)) this.#drop(connection, 'poolClosed', cause);
    tell(this.#events, 'connectionPoolClosed', () => ({ address: String(this.address) }));
    for (const connection of this.#connections) {
      if (connection.checkedOut) this.#tellCheckedIn(connection);
      const message = `${cause.message}, and connection ${connection.id} to ${this.address} with it${connection.during}`;
      this.#drop(connection, 'poolClosed', new AutoReconnect(message, { cause }));
    }
  }

  /** The idle connection to use, if there is one that can be trusted without a closer look. */
  #takeIdle(longestIdleTime = TRUSTED_IDLE_TIME): Connection | undefined {
    const connection = this.#takeYoung(longestIdleTime);
    if (connection === undefined) return undefined;
    connection.checkedOut = true;
    if (heard(this.#events, 'connectionCheckOutStarted')) this.#tellCheckOutStarted();
    if (heard(this.#events, 'connectionCheckedOut')) this.#tellCheckedOut(connection, 0);
    return connection;
  }

  #takeYoung(longestIdleTime: number): Connection | undefined {
    this.#dropExpired();
    const connection = this.#idle[this.#idle.length - 1];
    if (connection === undefined || performance.now() - connection.idleSince > longestIdleTime) return undefined;
    return this.#idle.pop();
  }

  #wait(take: Waiter['take'], fail: Waiter['fail']): void {
    this.#tellCheckOutStarted();
    const waiter: Waiter = { take, fail, since: performance.now() };
    if (this.isClosed) {
      this.#refuse(waiter, this.#cause as Error, 'poolClosed');
    } else if (this.#state === 'paused') {
      this.#refuse(waiter, this.#paused(), 'connectionError');
    } else if (this.#queueIsFull) {
      this.#refuse(waiter, this.#tooManyWait(), 'timeout');
    } else {
      this.#waiters.push(waiter);
      this.#pump();
      if (this.#options.waitQueueTimeout !== null) this.#watchWaiters(this.#options.waitQueueTimeout);
    }
  }

  /** Give connections to those who wait: idle ones, old ones after a closer look, and new ones as far as allowed. */
  #pump(): void {
    if ((this.#waiters.length === 0 && this.#primers.length === 0) || this.#lending) return;
    this.#lendIdle(TRUSTED_IDLE_TIME);
    if ((this.#waiters.length === 0 && this.#primers.length === 0) || this.isClosed) return;
    if (this.#idle.length > 0) {
      this.#recheckIdle();
      return;
    }
    const { maxSize, maxConnecting } = this.#options;
    const opening = Math.min(
      this.#state === 'unproven' ? 1 : maxConnecting,
      this.#waiters.length + this.#primers.length,
    );
    while (this.#connections.size < maxSize && this.#opening < opening && !this.isClosed) this.#open();
  }

  /**
   * An operation may be done before `#lend` returns (an unacknowledged write, one that cannot be encoded): the loop goes
   * on with its connection, so that the stack does not grow however many of these there are.
   */
  #lendIdle(longestIdleTime: number): void {
    this.#lending = true;
    try {
      while (this.#waiters.length > 0) {
        const connection = this.#takeYoung(longestIdleTime);
        if (connection === undefined) return;
        this.#lend(connection, this.#waiters.shift() as Waiter);
      }
    } finally {
      this.#lending = false;
    }
  }

  /**
   * The idle connections are old. The loop has to look at the sockets once before they are used, so that those which
   * the server closed meanwhile are found: one turn to leave the present callback, one to read what is there.
   */
  #recheckIdle(): void {
    if (this.#rechecking) return;
    this.#rechecking = true;
    setImmediate(() =>
      setImmediate(() => {
        this.#rechecking = false;
        this.#lendIdle(Number.POSITIVE_INFINITY);
        this.#pump();
      }),
    );
  }

  #lend(connection: Connection, waiter: Waiter): void {
    connection.checkedOut = true;
    if (heard(this.#events, 'connectionCheckedOut')) {
      this.#tellCheckedOut(connection, performance.now() - waiter.since);
    }
    waiter.take(connection);
  }

  #open(): void {
    const id = ++this.#lastId;
    const startedAt = performance.now();
    const connection = new Connection(
      id,
      this.#generation,
      this.address,
      this.#connectionOptions,
      this,
      this.#events,
      this.#credential,
    );
    this.#opening++;
    this.#connections.add(connection);
    tell(this.#events, 'connectionCreated', () => this.#connectionEvent(connection));
    connection.open().then(
      () => {
        this.#opening--;
        if (!connection.closed) {
          tell(this.#events, 'connectionReady', () => ({
            ...this.#connectionEvent(connection),
            duration: performance.now() - startedAt,
          }));
        }
        // It may have broken, or the pool may have been closed, since it was ready; by a listener too.
        if (connection.closed) {
          this.#pump();
          return;
        }
        if (connection.generation === this.#generation) {
          this.#state = 'ready';
          this.#onDescription(connection.description);
          for (const { resolve } of this.#primers.splice(0)) resolve();
          this.#admit(connection);
        } else {
          this.#drop(connection, 'stale');
          this.#pump();
        }
        this.#maintain();
      },
      (error: Error) => {
        this.#opening--;
        if (this.isClosed || connection.generation !== this.#generation) {
          // It says nothing about this generation: those who wait get a try of their own.
          this.#forget(connection, this.isClosed ? 'poolClosed' : 'error', error);
          this.#pump();
          return;
        }
        // All who wait would run into the same wall, so they hear of it, but not before their server is known to be lost:
        // a second attempt has to look for another. And the pool is cleared before the connection is told to be closed,
        // so that nobody takes another like it in between.
        const waiters = this.#takeWaiters();
        this.#onFailure(error, connection.generation, connection.description.type !== 'Unknown');
        this.#forget(connection, 'error', error);
        this.#failWaiters(waiters, error, 'connectionError', false);
      },
    );
  }

  /** A connection is free: for the first who waits, or to be kept. */
  #admit(connection: Connection): void {
    connection.idleSince = performance.now();
    this.#idle.push(connection);
    this.#pump();
  }

  #drop(connection: Connection, reason: ConnectionClosedReason, cause?: Error): void {
    this.#forget(connection, reason);
    connection.close(cause ?? new AutoReconnect(`connection ${connection.id} to ${this.address} is no longer used`));
  }

  #forget(connection: Connection, reason: ConnectionClosedReason, error?: Error): void {
    if (!this.#connections.delete(connection)) return;
    tell(this.#events, 'connectionClosed', () => ({
      ...this.#connectionEvent(connection),
      reason,
      ...(error === undefined ? {} : { error }),
    }));
  }

  /** One timer for all: they wait equally long, so the first in line is the first whose time is up. */
  #watchWaiters(limit: number): void {
    if (this.#waitTimer !== null) return;
    const first = this.#waiters.first;
    if (first === undefined) return;
    this.#waitTimer = setTimeout(
      () => {
        this.#waitTimer = null;
        const now = performance.now();
        for (let waiter = this.#waiters.first; waiter !== undefined; waiter = this.#waiters.first) {
          if (now - waiter.since < limit) break;
          this.#waiters.shift();
          this.#refuse(waiter, this.#waitedTooLong(limit), 'timeout');
        }
        this.#watchWaiters(limit);
      },
      Math.max(1, limit - (performance.now() - first.since)),
    );
  }

  /** Whether as many wait as may, not counting those for whom the cap still leaves a connection. */
  get #queueIsFull(): boolean {
    const free = this.#options.maxSize - this.counts.checkedOut;
    return this.#waiters.length - free >= this.#options.maxWaiters;
  }

  #waitedTooLong(limit: number): Error {
    return new MotorPoolTimeout(
      `no connection to ${this.address} within ${limit} ms (waitQueueTimeoutMS): ${this.#busy()}`,
    );
  }

  #tooManyWait(): Error {
    const { maxWaiters, waitQueueTimeout } = this.#options;
    return new MotorPoolTimeout(
      `no connection to ${this.address}: ${this.#busy()}, and no more than ${maxWaiters} may ` +
        `(max_pool_size × waitQueueMultiple; waitQueueTimeoutMS is ${waitQueueTimeout})`,
    );
  }

  #busy(): string {
    const { checkedOut, waiting } = this.counts;
    return `${checkedOut} of ${this.#options.maxSize} (max_pool_size, maxPoolSize) are checked out, ${this.#opening} opening, ${waiting} operations wait`;
  }

  #refuse(waiter: Waiter, error: Error, reason: CheckOutFailedReason, swept = false): void {
    tell(this.#events, 'connectionCheckOutFailed', () => ({
      address: String(this.address),
      reason,
      error,
      duration: performance.now() - waiter.since,
    }));
    waiter.fail(error, swept);
  }

  #paused(): Error {
    const why = this.#cause === null ? 'it has not answered its monitor yet' : this.#cause.message;
    return new AutoReconnect(`no connection to ${this.address} until its monitor finds it: ${why}`, {
      cause: this.#cause ?? undefined,
    });
  }

  /** Nobody stands in line any longer, and who comes now begins a new one. */
  #takeWaiters(): Queue<Waiter> {
    const waiters = this.#waiters;
    this.#waiters = new Queue();
    clearTimeout(this.#waitTimer ?? undefined);
    this.#waitTimer = null;
    return waiters;
  }

  #failWaiters(waiters: Queue<Waiter>, error: Error, reason: CheckOutFailedReason, swept: boolean): void {
    for (const { reject } of this.#primers.splice(0)) reject(error);
    for (let waiter = waiters.shift(); waiter !== undefined; waiter = waiters.shift()) {
      this.#refuse(waiter, error, reason, swept);
    }
  }

  /** Keeps `minSize` connections open and closes those that were idle for too long. */
  #startMaintenance(): void {
    const { minSize, maxIdleTime } = this.#options;
    if (minSize === 0 && maxIdleTime === null) return;
    const period = maxIdleTime === null ? 1000 : Math.min(1000, Math.max(10, maxIdleTime / 2));
    this.#maintenance = setInterval(() => this.#maintain(), period);
    this.#maintenance.unref();
  }

  #maintain(): void {
    const { minSize, maxConnecting } = this.#options;
    this.#dropExpired();
    // Also until a listener that hears of a connection closes the pool.
    while (this.#state === 'ready' && this.#connections.size < minSize && this.#opening < maxConnecting) this.#open();
  }

  #dropExpired(): void {
    const { maxIdleTime } = this.#options;
    if (maxIdleTime === null) return;
    const oldest = performance.now() - maxIdleTime;
    while ((this.#idle[0]?.idleSince ?? Number.POSITIVE_INFINITY) < oldest) {
      this.#drop(this.#idle.shift() as Connection, 'idle');
    }
  }

  #tellReady(): void {
    tell(this.#events, 'connectionPoolReady', () => ({ address: String(this.address) }));
  }

  #tellCheckOutStarted(): void {
    tell(this.#events, 'connectionCheckOutStarted', () => ({ address: String(this.address) }));
  }

  #tellCheckedOut(connection: Connection, duration: number): void {
    tell(this.#events, 'connectionCheckedOut', () => ({ ...this.#connectionEvent(connection), duration }));
  }

  /** A listener may close the pool: it must find that the connection is back. */
  #tellCheckedIn(connection: Connection): void {
    connection.checkedOut = false;
    if (!heard(this.#events, 'connectionCheckedIn')) return;
    tell(this.#events, 'connectionCheckedIn', () => this.#connectionEvent(connection));
  }

  #connectionEvent(connection: Connection) {
    return { address: String(this.address), connectionId: connection.id };
  }
}

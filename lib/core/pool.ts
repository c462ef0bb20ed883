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
  fail(error: Error): void;
  readonly since: number;
}

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
  readonly #onFailure: (error: Error, generation: number) => void;
  readonly #connections = new Set<Connection>();
  /** The most recently used last: it is the one to use again, so that the others can grow old. */
  readonly #idle: Connection[] = [];
  /** Those who only want to know what the server is. */
  readonly #primers: { resolve(): void; reject(error: Error): void }[] = [];
  readonly #waiters = new Queue<Waiter>();
  #lending = false;
  #rechecking = false;
  #waitTimer: NodeJS.Timeout | null = null;
  #maintenance: NodeJS.Timeout | null = null;
  #opening = 0;
  #generation = 0;
  #lastId = 0;
  #closed: Error | null = null;
  /** The server answered since the pool was made or cleared: until then one connection alone finds out. */
  #proven = false;

  constructor(
    address: Address,
    options: PoolOptions,
    connectionOptions: ConnectionOptions,
    events: Events,
    onDescription: (description: ServerDescription) => void,
    onFailure: (error: Error, generation: number) => void,
    credential: Credential | null = null,
  ) {
    this.address = address;
    this.#options = options;
    this.#connectionOptions = connectionOptions;
    this.#credential = credential;
    this.#events = events;
    this.#onDescription = onDescription;
    this.#onFailure = onFailure;
    tell(events, 'connectionPoolCreated', () => ({ address: String(address), options: specifiedOptions(options) }));
    tell(events, 'connectionPoolReady', () => ({ address: String(address) }));
    this.#startMaintenance();
  }

  get counts(): Readonly<{ open: number; idle: number; checkedOut: number; waiting: number }> {
    const open = this.#connections.size - this.#opening;
    return { open, idle: this.#idle.length, checkedOut: open - this.#idle.length, waiting: this.#waiters.length };
  }

  /** Whether it lends nothing any more. */
  get closed(): boolean {
    return this.#closed !== null;
  }

  /** Operations that have or want a connection. */
  get inProgress(): number {
    return this.#connections.size - this.#idle.length + this.#waiters.length;
  }

  /** Starts at 0; each network error makes the connections of its generation stale. */
  get generation(): number {
    return this.#generation;
  }

  /**
   * Run one operation: at once on an idle connection, else on a new one, else in order of arrival.
   * Its connection is back in the pool, or closed, before it settles, so what follows finds it idle.
   * Fails it with `MotorPoolTimeout` when none came within `waitQueueTimeout`, or too many wait already.
   */
  run(operation: Operation): void {
    const connection = this.#waiters.length === 0 ? this.#takeIdle() : undefined;
    if (connection !== undefined) {
      connection.run(operation);
      return;
    }
    this.#wait(
      (connection) => connection.run(operation),
      (error) => operation.fail(error),
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
    if (connection.generation !== this.#generation || this.#closed !== null) {
      this.#drop(connection, this.#closed === null ? 'stale' : 'poolClosed');
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
    if (speaks) this.#onFailure(error, connection.generation);
    if (checkedOut) this.#tellCheckedIn(connection);
    this.#forget(connection, 'error', error);
    this.#pump();
  }

  /** Open a connection, unless the server answered before, to find out what it is. */
  prime(): Promise<void> {
    if (this.#proven) return Promise.resolve();
    if (this.#closed !== null) return Promise.reject(this.#closed);
    return new Promise((resolve, reject) => {
      this.#primers.push({ resolve, reject });
      this.#pump();
    });
  }

  /**
   * Start a new generation: idle connections close now, checked-out ones when they come back.
   * @param interruption checked-out ones too close now, and what they are at fails with this
   */
  clear(interruption: Error | null = null): void {
    this.#generation++;
    this.#proven = false;
    tell(this.#events, 'connectionPoolCleared', () => ({
      address: String(this.address),
      interruptInUseConnections: interruption !== null,
    }));
    for (const connection of this.#idle.splice(0)) this.#drop(connection, 'stale');
    if (interruption === null) return;
    for (const connection of [...this.#connections].filter(({ checkedOut }) => checkedOut)) {
      this.#tellCheckedIn(connection);
      const message = `connection ${connection.id} to ${this.address} was given up${connection.during}`;
      this.#drop(connection, 'stale', new AutoReconnect(message, { cause: interruption }));
    }
    this.#pump();
  }

  /** Fail all who wait and all that is under way, close everything. Repeatable. */
  close(cause: Error): void {
    if (this.#closed !== null) return;
    this.#closed = cause;
    clearInterval(this.#maintenance ?? undefined);
    const waited = `${cause.message} while the operation waited for a connection to ${this.address}`;
    this.#failWaiters(new AutoReconnect(waited, { cause }), 'poolClosed');
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

  #wait(take: (connection: Connection) => void, fail: (error: Error) => void): void {
    this.#tellCheckOutStarted();
    const waiter = { take, fail, since: performance.now() };
    if (this.#closed !== null) {
      this.#refuse(waiter, this.#closed, 'poolClosed');
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
    if ((this.#waiters.length === 0 && this.#primers.length === 0) || this.#closed !== null) return;
    if (this.#idle.length > 0) {
      this.#recheckIdle();
      return;
    }
    const { maxSize, maxConnecting } = this.#options;
    const opening = Math.min(this.#proven ? maxConnecting : 1, this.#waiters.length + this.#primers.length);
    while (this.#connections.size < maxSize && this.#opening < opening && !this.closed) this.#open();
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
        // It may have broken, or the pool may have been closed, since it was ready; by a listener as well.
        if (!connection.closed) {
          tell(this.#events, 'connectionReady', () => ({
            ...this.#connectionEvent(connection),
            duration: performance.now() - startedAt,
          }));
        }
        if (connection.closed) {
          this.#pump();
          return;
        }
        if (connection.generation === this.#generation) {
          this.#proven = true;
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
        this.#forget(connection, this.#closed === null ? 'error' : 'poolClosed', error);
        if (this.#closed !== null) return;
        // An older generation says nothing about this one: those who wait get a try of their own.
        if (connection.generation !== this.#generation) {
          this.#pump();
          return;
        }
        this.#onFailure(error, connection.generation);
        // All who wait would run into the same wall.
        this.#failWaiters(error, 'connectionError');
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
    return `${checkedOut} of ${this.#options.maxSize} (max_pool_size) are checked out, ${this.#opening} opening, ${waiting} operations wait`;
  }

  #refuse(waiter: Waiter, error: Error, reason: CheckOutFailedReason): void {
    tell(this.#events, 'connectionCheckOutFailed', () => ({
      address: String(this.address),
      reason,
      error,
      duration: performance.now() - waiter.since,
    }));
    waiter.fail(error);
  }

  #failWaiters(error: Error, reason: CheckOutFailedReason): void {
    for (const { reject } of this.#primers.splice(0)) reject(error);
    for (let waiter = this.#waiters.shift(); waiter !== undefined; waiter = this.#waiters.shift()) {
      this.#refuse(waiter, error, reason);
    }
    clearTimeout(this.#waitTimer ?? undefined);
    this.#waitTimer = null;
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
    if (!this.#proven || this.#closed !== null) return;
    while (this.#connections.size < minSize && this.#opening < maxConnecting && !this.closed) this.#open();
  }

  #dropExpired(): void {
    const { maxIdleTime } = this.#options;
    if (maxIdleTime === null) return;
    const oldest = performance.now() - maxIdleTime;
    while ((this.#idle[0]?.idleSince ?? Number.POSITIVE_INFINITY) < oldest) {
      this.#drop(this.#idle.shift() as Connection, 'idle');
    }
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

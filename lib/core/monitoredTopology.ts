import type { ClientOptions } from './clientOptions';
import {
  AutoReconnect,
  ConfigurationError,
  ConnectionFailure,
  NetworkTimeout,
  OperationFailure,
  ServerSelectionTimeoutError,
} from './errors';
import type { Events } from './events';
import { Monitor, type MonitorOptions } from './monitor';
import { PRIMARY, type ReadPreference } from './readPreference';
import type { Server } from './server';
import { type ServerDescription, unknownServer } from './serverDescription';
import { leastBusy, suitableServers, type Wanted, withinWindow } from './serverSelection';
import { Topology } from './topology';
import { whyLeftOut } from './topologyDescription';

/** What the topology needs of a monitor. */
export type Watching = Pick<Monitor, 'start' | 'requestCheck' | 'cancelCheck' | 'close'>;

export type Watch = (
  server: Server,
  options: MonitorOptions,
  events: Events,
  report: (description: ServerDescription) => void,
) => Watching;

const byMonitor: Watch = (server, options, events, report) => new Monitor(server.address, options, events, report);

/** Somebody who waits for a server until his time is up. */
interface Waiter {
  readonly wanted: Wanted;
  readonly avoid: Server | null;
  /** Servers that must be heard of before he, who gave no time, gives up. */
  readonly unheard: Set<string> | null;
  readonly timer: NodeJS.Timeout;
  resolve(server: Server): void;
  reject(error: Error): void;
}

/** Each server is watched by a monitor; operations wait for a suitable one. */
export class MonitoredTopology extends Topology {
  readonly #watch: Watch;
  readonly #monitors = new Map<string, Watching>();
  readonly #waiters = new Set<Waiter>();
  /** Within the latency window, by what was wanted, as long as nothing changes. */
  #writables: readonly Server[] | null = null;
  #readables = new WeakMap<ReadPreference, readonly Server[]>();
  /** Why servers that answered are no part of the topology. */
  readonly #leftOut = new Map<string, string>();

  constructor(options: ClientOptions, events: Events, watch: Watch = byMonitor) {
    super(options, events);
    this.#watch = watch;
    this.#followDescription();
  }

  get inUse(): Server | null {
    return (
      this.writable ?? (this.description.compatibilityError === null ? (this.#candidates('writable')[0] ?? null) : null)
    );
  }

  choose(wanted: Wanted, avoid: Server | null = null): Server | null {
    const { compatibilityError } = this.description;
    if (compatibilityError !== null) throw new ConfigurationError(compatibilityError);
    const candidates = avoid === null ? this.#candidates(wanted) : this.#near(wanted, new Set([String(avoid.address)]));
    return leastBusy(candidates, inProgress);
  }

  #candidates(wanted: Wanted): readonly Server[] {
    if (wanted === 'writable') {
      this.#writables ??= this.#near(wanted);
      return this.#writables;
    }
    let candidates = this.#readables.get(wanted);
    if (candidates === undefined) {
      candidates = this.#near(wanted);
      this.#readables.set(wanted, candidates);
    }
    return candidates;
  }

  #near(wanted: Wanted, avoid: ReadonlySet<string> | null = null): Server[] {
    const { heartbeatFrequency } = this.options.topology;
    const suitable = suitableServers(this.description, wanted, heartbeatFrequency, avoid);
    const near = withinWindow(suitable, this.options.readPreference.latencyWindow);
    return near.map(({ address }) => this.serverAt(address) as Server);
  }

  find(wanted: Wanted, avoid: Server | null = null): Promise<Server> {
    return new Promise((resolve, reject) => {
      if (this.closed !== null) throw this.closed;
      const server = this.choose(wanted, avoid);
      if (server === null) this.#wait(wanted, avoid, resolve, reject);
      else resolve(server);
    });
  }

  connect(preference?: ReadPreference): Promise<Server> {
    return this.find(preference === undefined || preference.mode === PRIMARY ? 'writable' : preference);
  }

  #wait(wanted: Wanted, avoid: Server | null, resolve: Waiter['resolve'], reject: Waiter['reject']): void {
    const limit = this.options.topology.serverSelectionTimeout;
    // Who gives no time at all has the outcome of one check of each server.
    const patience = limit > 0 ? limit : (this.options.connection.connectTimeout ?? 20_000);
    const waiter: Waiter = {
      wanted,
      avoid,
      unheard: limit > 0 ? null : new Set(this.#monitors.keys()),
      timer: setTimeout(() => this.#giveUp(waiter), patience),
      resolve,
      reject,
    };
    this.#waiters.add(waiter);
    for (const monitor of this.#monitors.values()) monitor.requestCheck();
  }

  #giveUp(waiter: Waiter): void {
    this.#dismiss(waiter);
    waiter.reject(this.#nobodyFound(waiter.wanted));
  }

  #dismiss(waiter: Waiter): void {
    this.#waiters.delete(waiter);
    clearTimeout(waiter.timer);
  }

  #nobodyFound(wanted: Wanted): Error {
    const { type, setName, servers } = this.description;
    const limit = this.options.topology.serverSelectionTimeout;
    const suitable = wanted === 'writable' ? 'server that takes writes' : `server for reads by ${wanted.name}`;
    const errors = [...servers.values()].flatMap(({ error }) => error?.message ?? []);
    errors.push(...this.#leftOut.values());
    const known = [...servers].map(([name, server]) => `${name} ${server.type}`);
    const set = setName === null ? '' : ` '${setName}'`;
    return new ServerSelectionTimeoutError(
      `no ${suitable} within ${limit} ms (serverSelectionTimeoutMS): ${errors.join('; ') || 'no error was met'} ` +
        `(topology ${type}${set}: ${known.join(', ') || 'no servers'})`,
      { errors },
    );
  }

  greeted(): void {
    // What the monitor hears counts: it is the newer.
  }

  broken(server: Server, error: Error, generation: number): void {
    if (generation !== server.pool.generation || this.closed !== null) return;
    // A login refused says nothing about the server, but something about the connections: perhaps the user is gone.
    if (error instanceof OperationFailure) server.pool.clear();
    // Nor does a slow reply.
    if (!(error instanceof ConnectionFailure) || error instanceof NetworkTimeout) return;
    this.learn(unknownServer(server.address, error));
    server.pool.clear();
    const monitor = this.#monitors.get(String(server.address));
    monitor?.cancelCheck();
    monitor?.requestCheck();
  }

  protected doubted(server: Server, disconnect: boolean): void {
    if (disconnect) server.pool.clear();
    this.#monitors.get(String(server.address))?.requestCheck();
  }

  /** A check is done. */
  #checked(server: Server, description: ServerDescription): void {
    const name = String(server.address);
    const wasKnown = server.description.type !== 'Unknown';
    const before = this.description;
    this.learn(description);
    // By somebody who heard of it.
    if (this.closed !== null) return;
    if (description.error !== null && wasKnown && this.known.has(name)) {
      server.pool.clear(description.error instanceof NetworkTimeout ? description.error : null);
    }
    if (before.servers.has(name) && !this.description.servers.has(name)) {
      this.#leftOut.set(name, whyLeftOut(before, description));
    }
    for (const waiter of this.#waiters) {
      const { unheard } = waiter;
      unheard?.delete(name);
      if (unheard !== null && ![...unheard].some((other) => this.#monitors.has(other))) this.#giveUp(waiter);
    }
    if (this.#waiters.size > 0) this.#monitors.get(name)?.requestCheck();
  }

  protected updated(): void {
    this.#followDescription();
    this.#serveWaiters();
  }

  /** A pool and a monitor for each server of the description, and for no other. */
  #followDescription(): void {
    const { servers } = this.description;
    const gone = [...this.known].filter(([name]) => !servers.has(name));
    for (const [name] of gone) {
      this.known.delete(name);
      this.#monitors.get(name)?.close();
      this.#monitors.delete(name);
    }
    for (const [name, description] of servers) {
      const server = this.known.get(name) ?? this.#startWatching(name, description);
      server.description = description;
    }
    this.#readables = new WeakMap();
    this.#writables = null;
    const writables = this.description.compatibilityError === null ? this.#candidates('writable') : [];
    this.writable = writables.length === 1 ? (writables[0] as Server) : null;
    // Not before: what they were at is sent again at once, to those that are left.
    for (const [name, { pool }] of gone) pool.close(new AutoReconnect(`${name} is no longer a part of the topology`));
  }

  #startWatching(name: string, { address }: ServerDescription): Server {
    const server = this.open(address);
    const monitor = this.#watch(server, this.options, this.events, (heard) => this.#checked(server, heard));
    this.#monitors.set(name, monitor);
    this.#leftOut.delete(name);
    // Not before those who make the client, or take in a description, are done.
    process.nextTick(() => {
      if (this.#monitors.get(name) === monitor) monitor.start();
    });
    return server;
  }

  #serveWaiters(): void {
    for (const waiter of this.#waiters) {
      try {
        const server = this.choose(waiter.wanted, waiter.avoid);
        if (server === null) continue;
        this.#dismiss(waiter);
        waiter.resolve(server);
      } catch (error) {
        this.#dismiss(waiter);
        waiter.reject(error as Error);
      }
    }
  }

  override close(cause: Error): void {
    for (const monitor of this.#monitors.values()) monitor.close();
    this.#monitors.clear();
    super.close(cause);
    for (const waiter of this.#waiters) {
      this.#dismiss(waiter);
      waiter.reject(cause);
    }
  }
}

function inProgress(server: Server): number {
  return server.pool.inProgress;
}

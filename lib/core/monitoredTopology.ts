import type { ClientOptions } from './clientOptions';
import { AutoReconnect, ConfigurationError, NetworkTimeout, ServerSelectionTimeoutError } from './errors';
import type { Events } from './events';
import { Monitor, type MonitorOptions } from './monitor';
import { PRIMARY, type ReadPreference } from './readPreference';
import { Server } from './server';
import { bearsData, isKnown, type ServerDescription, unknownServer } from './serverDescription';
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
  readonly wanted: Wanted | Server;
  readonly avoid: Server | null;
  /** Servers that must be heard of before he, who gave no time, gives up. */
  readonly unheard: Set<string> | null;
  readonly timer: NodeJS.Timeout;
  resolve(server: Server): void;
  reject(error: Error): void;
}

/** Each server is watched by a monitor; operations wait for a suitable one. */
export class MonitoredTopology extends Topology {
  readonly watches = true;
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

  choose(wanted: Wanted | Server, avoid: Server | null = null): Server | null {
    if (wanted instanceof Server) return wanted.pool.isPaused ? null : wanted;
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

  find(wanted: Wanted | Server, avoid: Server | null = null): Promise<Server> {
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

  #wait(wanted: Waiter['wanted'], avoid: Server | null, resolve: Waiter['resolve'], reject: Waiter['reject']): void {
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

  #nobodyFound(wanted: Waiter['wanted']): Error {
    const { type, setName, servers } = this.description;
    const limit = this.options.topology.serverSelectionTimeout;
    const errors = [...servers.values()].flatMap(({ error }) => error?.message ?? []);
    errors.push(...this.#leftOut.values());
    const isSilent = [...servers.values()].every((server) => server.type === 'Unknown');
    const otherwise = isSilent ? 'none has answered yet' : 'none of those that answered is one';
    const known = [...servers].map(([name, server]) => `${name} ${server.type}`);
    const set = setName === null ? '' : ` '${setName}'`;
    return new ServerSelectionTimeoutError(
      `no ${inWords(wanted)} within ${limit} ms (serverSelectionTimeoutMS): ${errors.join('; ') || otherwise} ` +
        `(topology ${type}${set}: ${known.join(', ') || 'no servers'})`,
      { errors },
    );
  }

  greeted(): void {
    // What the monitor hears counts: it is the newer.
  }

  broken(server: Server, error: Error, generation: number, greeted: boolean): void {
    if (generation !== server.pool.generation || this.closed !== null) return;
    // Perhaps it only has too much to do; its monitor will tell.
    if (error instanceof NetworkTimeout && !greeted) return;
    this.learn(unknownServer(server.address, error));
    server.pool.clear(error);
    const monitor = this.#monitors.get(String(server.address));
    monitor?.cancelCheck();
    monitor?.requestCheck();
  }

  protected doubted(server: Server, error: Error, disconnect: boolean): void {
    if (disconnect) server.pool.clear(error);
    this.#monitors.get(String(server.address))?.requestCheck();
  }

  /** A check is done. */
  #checked(server: Server, description: ServerDescription): void {
    const name = String(server.address);
    const before = this.description;
    this.learn(description);
    // By somebody who heard of it.
    if (this.closed !== null) return;
    const { error } = description;
    if (error !== null) server.pool.clear(error, error instanceof NetworkTimeout);
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
    this.#readyPools();
    // Not before: what they were at is sent again at once, to those that are left.
    for (const [name, { pool }] of gone) pool.close(new AutoReconnect(`${name} is no longer a part of the topology`));
  }

  /**
   * Nobody can be sent to a server of which this topology knows, and find its pool paused for longer than the present
   * callback takes: a pool is only paused when its server has become unknown, and ready before anybody can choose it.
   */
  #readyPools(): void {
    const isSingle = this.description.type === 'Single';
    for (const { description, pool } of this.known.values()) {
      if (bearsData(description.type) || (isSingle && isKnown(description.type))) pool.ready();
    }
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

function inWords(wanted: Waiter['wanted']): string {
  if (wanted instanceof Server) return `connection to ${wanted.address}`;
  return wanted === 'writable' ? 'server that takes writes' : `server for reads by ${wanted.name}`;
}

function inProgress(server: Server): number {
  return server.pool.inProgress;
}

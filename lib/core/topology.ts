import { Address } from './address';
import type { ClientOptions } from './clientOptions';
import { AutoReconnect, ConfigurationError, ConnectionFailure, ServerSelectionTimeoutError } from './errors';
import type { Events } from './events';
import type { Policy } from './policy';
import { Server } from './server';
import { isWritable, type ServerDescription } from './serverDescription';

/** From one round over the seeds to the next, at least, while somebody waits for a server. */
const ROUND_PAUSE = 500;

/** Somebody who waits for a server until his time is up. */
interface Waiter {
  resolve(server: Server): void;
  reject(error: Error): void;
}

/** The servers of one client, and which of them to use. */
export class Topology {
  readonly #options: ClientOptions;
  readonly #events: Events;
  readonly #servers = new Map<string, Server>();
  #current: Server | null = null;
  #search: Promise<Server> | null = null;
  #closed: Error | null = null;
  /** Whether operations wait for a server that is not there yet, instead of failing at once. */
  readonly #patient: boolean;
  readonly #waiters = new Set<Waiter>();
  #looking = false;
  /** What was wrong with each server in the last round. */
  #lastRound: readonly string[] = [];
  #endPause: (() => void) | null = null;

  constructor(options: ClientOptions, policy: Policy, events: Events) {
    this.#options = options;
    this.#patient = policy.serverWait === 'selection timeout';
    this.#events = events;
    if (options.topology.direct) this.#current = this.server(options.seeds[0] as Address);
  }

  /** The server to use, as far as it is known without asking anybody. */
  get current(): Server | null {
    // Who is patient finds out first whether the server is there (again).
    if (this.#patient && this.#current?.description.type === 'Unknown') return null;
    return this.#current;
  }

  get servers(): readonly Server[] {
    return [...this.#servers.values()];
  }

  /**
   * The server to use, after one round over the seeds if need be, or after as many as fit into
   * `serverSelectionTimeout`: the policy decides. Those who ask meanwhile share the rounds.
   * @throws AutoReconnect: nobody answered, or there is no primary among those who did
   * @throws ServerSelectionTimeoutError: the same, where the time was up
   * @throws ConfigurationError: a server belongs to another set, or is too old
   */
  find(): Promise<Server> {
    const { current } = this;
    if (current !== null) return Promise.resolve(current);
    return this.#patient ? this.#await() : this.#round();
  }

  #await(): Promise<Server> {
    const limit = this.#options.topology.serverSelectionTimeout;
    return new Promise((resolve, reject) => {
      let timer: NodeJS.Timeout | undefined;
      const waiter: Waiter = {
        resolve(server) {
          clearTimeout(timer);
          resolve(server);
        },
        reject(error) {
          clearTimeout(timer);
          reject(error);
        },
      };
      const giveUp = () => {
        if (!this.#waiters.delete(waiter)) return;
        if (this.#waiters.size === 0) this.#endPause?.();
        reject(this.#nobodyFound(limit));
      };
      if (limit > 0) timer = setTimeout(giveUp, limit);
      this.#waiters.add(waiter);
      void this.#keepLooking();
      // Who does not wait at all has the outcome of one round.
      if (limit === 0) this.#round().catch(giveUp);
    });
  }

  /** One round after the other, as long as somebody waits. */
  async #keepLooking(): Promise<void> {
    if (this.#looking) return;
    this.#looking = true;
    while (this.#waiters.size > 0) {
      try {
        const server = await this.#round();
        this.#dismiss((waiter) => waiter.resolve(server));
      } catch (error) {
        if (!(error instanceof ConnectionFailure) || this.#closed !== null) {
          this.#dismiss((waiter) => waiter.reject(this.#closed ?? (error as Error)));
        } else if (this.#waiters.size > 0) {
          await new Promise<void>((resolve) => {
            const timer = setTimeout(resolve, ROUND_PAUSE);
            this.#endPause = () => {
              clearTimeout(timer);
              resolve();
            };
          });
        }
      }
    }
    this.#looking = false;
  }

  #dismiss(tell: (waiter: Waiter) => void): void {
    const waiters = [...this.#waiters];
    this.#waiters.clear();
    for (const waiter of waiters) tell(waiter);
  }

  #nobodyFound(limit: number): Error {
    const errors = this.#lastRound.length > 0 ? this.#lastRound : ['no answer yet'];
    const servers = this.servers.map(({ address, description }) => `${address} ${description.type}`);
    return new ServerSelectionTimeoutError(
      `no suitable server within ${limit} ms (serverSelectionTimeoutMS): ${errors.join('; ')} ` +
        `(topology ${this.#kind}: ${servers.join(', ')})`,
      { errors },
    );
  }

  get #kind(): string {
    const { direct, replicaSet } = this.#options.topology;
    if (direct) return 'Single';
    return replicaSet === null ? 'Unknown' : `replica set '${replicaSet}'`;
  }

  #round(): Promise<Server> {
    this.#search ??= this.#searchSeeds().finally(() => {
      this.#search = null;
    });
    return this.#search;
  }

  /** Make sure that the server to use has answered. */
  async connect(): Promise<Server> {
    const server = await this.find();
    if (server.description.type === 'Unknown') await server.pool.prime();
    const foreign = this.#foreign(server);
    if (foreign !== null) throw new ConfigurationError(foreign);
    return server;
  }

  /** The server to use is known before it was asked. */
  learn(description: ServerDescription): void {
    const server = this.server(description.address);
    server.description = description;
    this.#current = server;
  }

  /** This server is not what it was: the next operation looks anew. */
  forget(address: Address): void {
    this.#servers.get(String(address))?.pool.clear();
    if (!this.#options.topology.direct) this.#current = null;
  }

  close(cause: Error): void {
    this.#closed = cause;
    this.#endPause?.();
    this.#dismiss((waiter) => waiter.reject(cause));
    for (const server of this.#servers.values()) server.pool.close(cause);
  }

  /** The server of this address, made known if it is not. */
  server(address: Address): Server {
    let server = this.#servers.get(String(address));
    if (server === undefined) {
      server = new Server(address, this.#options.pool, this.#options.connection, this.#events);
      this.#servers.set(String(address), server);
    }
    return server;
  }

  async #searchSeeds(): Promise<Server> {
    const errors: string[] = [];
    this.#lastRound = errors;
    const toAsk = [...this.#options.seeds];
    for (let address = toAsk.shift(); address !== undefined; address = toAsk.shift()) {
      if (this.#closed !== null) throw this.#closed;
      const server = this.server(address);
      try {
        await server.pool.prime();
      } catch (error) {
        // No other seed can make good for it; nor, for who is patient, can time: it is too old, or lets nobody in.
        if (error instanceof ConfigurationError) throw error;
        if (this.#patient && !(error instanceof ConnectionFailure)) throw error;
        errors.push((error as Error).message);
        continue;
      }
      const foreign = this.#foreign(server);
      if (foreign !== null) {
        if (!this.#patient) throw new ConfigurationError(foreign);
        errors.push(foreign);
        continue;
      }
      const { type, primary } = server.description;
      if (isWritable(type) || this.#options.topology.direct) {
        this.#current = server;
        return server;
      }
      errors.push(`${address} is ${type}`);
      // A secondary knows better than the list of seeds.
      const named = primary === null ? null : Address.parse(primary);
      if (named !== null && !this.#servers.has(String(named))) toAsk.unshift(named);
    }
    throw new AutoReconnect(`no primary found among ${this.#options.seeds.join(', ')}: ${errors.join('; ')}`, {
      errors,
    });
  }

  /** What is wrong with a server that is no member of the set that was asked for. */
  #foreign(server: Server): string | null {
    const wanted = this.#options.topology.replicaSet;
    const { setName } = server.description;
    if (wanted === null || setName === wanted) return null;
    const found = setName === null ? 'of no replica set' : `of the replica set '${setName}'`;
    return `${server.address} is a member ${found}, not of '${wanted}' (replicaSet)`;
  }
}

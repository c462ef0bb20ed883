import { Address } from './address';
import type { ClientOptions } from './clientOptions';
import { AutoReconnect, ConfigurationError } from './errors';
import type { Events } from './events';
import { Server } from './server';
import { isWritable } from './serverDescription';

/** The servers of one client, and which of them to use. */
export class Topology {
  readonly #options: ClientOptions;
  readonly #events: Events;
  readonly #servers = new Map<string, Server>();
  #current: Server | null = null;
  #search: Promise<Server> | null = null;
  #closed: Error | null = null;

  constructor(options: ClientOptions, events: Events) {
    this.#options = options;
    this.#events = events;
    if (options.topology.direct) this.#current = this.server(options.seeds[0] as Address);
  }

  /** The server to use, as far as it is known without asking anybody. */
  get current(): Server | null {
    return this.#current;
  }

  get servers(): readonly Server[] {
    return [...this.#servers.values()];
  }

  /**
   * The server to use, after one round over the seeds if need be. Those who ask meanwhile share that round.
   * @throws AutoReconnect: nobody answered, or there is no primary among those who did
   * @throws ConfigurationError: a server belongs to another set
   */
  find(): Promise<Server> {
    if (this.#current !== null) return Promise.resolve(this.#current);
    this.#search ??= this.#searchSeeds().finally(() => {
      this.#search = null;
    });
    return this.#search;
  }

  /** Make sure that the server to use has answered. */
  async connect(): Promise<Server> {
    const server = await this.find();
    if (server.description.type === 'Unknown') await server.pool.prime();
    this.#checkSet(server);
    return server;
  }

  /** This server is not what it was: the next operation looks anew. */
  forget(address: Address): void {
    this.#servers.get(String(address))?.pool.clear();
    if (!this.#options.topology.direct) this.#current = null;
  }

  close(cause: Error): void {
    this.#closed = cause;
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
    const toAsk = [...this.#options.seeds];
    for (let address = toAsk.shift(); address !== undefined; address = toAsk.shift()) {
      if (this.#closed !== null) throw this.#closed;
      const server = this.server(address);
      try {
        await server.pool.prime();
      } catch (error) {
        if (error instanceof ConfigurationError) throw error; // no other seed can make good for it
        errors.push((error as Error).message);
        continue;
      }
      this.#checkSet(server);
      const { type, primary } = server.description;
      if (isWritable(type)) {
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

  #checkSet(server: Server): void {
    const wanted = this.#options.topology.replicaSet;
    const { setName } = server.description;
    if (wanted === null || setName === wanted) return;
    const found = setName === null ? 'of no replica set' : `of the replica set '${setName}'`;
    throw new ConfigurationError(`${server.address} is a member ${found}, not of '${wanted}' (replicaSet)`);
  }
}

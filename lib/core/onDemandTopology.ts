import { Address } from './address';
import type { ClientOptions } from './clientOptions';
import { AutoReconnect, ConfigurationError, ConnectionFailure } from './errors';
import type { Events } from './events';
import type { Server } from './server';
import { isKnown, isWritable, type ServerDescription, unknownServer } from './serverDescription';
import { Topology } from './topology';
import { foreignMember } from './topologyDescription';

/** Nobody watches: the seeds are asked when a server is needed and none is known, and their answer is final. */
export class OnDemandTopology extends Topology {
  readonly watches = false;
  #search: Promise<Server> | null = null;

  constructor(options: ClientOptions, events: Events) {
    super(options, events);
    if (options.topology.direct) this.writable = this.#server(options.seeds[0] as Address);
  }

  get inUse(): Server | null {
    return this.writable?.description.type === 'Unknown' ? null : this.writable;
  }

  choose(): Server | null {
    return this.writable;
  }

  /** Those who ask while a round is under way share it. */
  find(): Promise<Server> {
    if (this.writable !== null) return Promise.resolve(this.writable);
    this.#search ??= this.#searchSeeds().finally(() => {
      this.#search = null;
    });
    return this.#search;
  }

  async connect(): Promise<Server> {
    const server = await this.find();
    if (server.description.type === 'Unknown') await server.pool.prime();
    const foreign = foreignMember(server.description, this.options.topology.replicaSet);
    if (foreign !== null) throw new ConfigurationError(foreign);
    return server;
  }

  greeted(server: Server, description: ServerDescription): void {
    server.description = description;
    this.learn(description);
  }

  broken(server: Server, error: Error, generation: number): void {
    if (generation !== server.pool.generation || this.closed !== null) return;
    this.learn(unknownServer(server.address, error));
    this.doubted(server);
  }

  protected doubted(server: Server): void {
    server.description = unknownServer(server.address);
    server.pool.clear();
    if (!this.options.topology.direct) this.writable = null;
  }

  protected updated(): void {
    // Servers that turn out not to belong here stay in reach: whoever is asked next decides.
  }

  #server(address: Address): Server {
    return this.serverAt(address) ?? this.open(address);
  }

  async #searchSeeds(): Promise<Server> {
    const errors: string[] = [];
    const toAsk = [...this.options.seeds];
    for (let address = toAsk.shift(); address !== undefined; address = toAsk.shift()) {
      if (this.closed !== null) throw this.closed;
      const server = this.#server(address);
      // It may have become primary since it said that it was not; its connections have to hear that as well.
      const { type: before } = server.description;
      if (isKnown(before) && !isWritable(before)) server.pool.clear();
      try {
        await server.pool.prime();
      } catch (error) {
        // No other seed can make good for it: it is too old, or does not let this user in.
        if (!(error instanceof ConnectionFailure)) throw error;
        errors.push((error as Error).message);
        continue;
      }
      const foreign = foreignMember(server.description, this.options.topology.replicaSet);
      if (foreign !== null) throw new ConfigurationError(foreign);
      const { type, primary } = server.description;
      if (isWritable(type) || this.options.topology.direct) {
        this.writable = server;
        return server;
      }
      errors.push(`${address} is ${type}`);
      // A secondary knows better than the list of seeds.
      const named = primary === null ? null : Address.parse(primary);
      if (named !== null && this.serverAt(named) === null) toAsk.unshift(named);
    }
    throw new AutoReconnect(`no primary found among ${this.options.seeds.join(', ')}: ${errors.join('; ')}`, {
      errors,
    });
  }
}

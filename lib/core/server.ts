import type { Address } from './address';
import type { ConnectionOptions, Credential, PoolOptions } from './clientOptions';
import type { Events } from './events';
import { Pool } from './pool';
import { type ServerDescription, unknownServer } from './serverDescription';

/** Who looks after the servers of a client. */
export interface ServerOwner {
  /** Whether a monitor says if a server is there, or operations find it out themselves. */
  readonly watches: boolean;
  /** A new connection has heard what the server is. */
  greeted(server: Server, description: ServerDescription): void;
  /**
   * The network failed a connection of this generation, or it could not be opened.
   * @param greeted the server had answered its hello before
   */
  broken(server: Server, error: Error, generation: number, greeted: boolean): void;
}

/** One server: what is known of it, and the connections to it. */
export class Server {
  readonly address: Address;
  readonly pool: Pool;
  description: ServerDescription;
  /** Commands that this server answered it does not know (code 59), in lower case: they are asked once. */
  readonly unknownCommands = new Set<string>();

  constructor(
    address: Address,
    poolOptions: PoolOptions,
    connectionOptions: ConnectionOptions,
    events: Events,
    owner: ServerOwner,
    credential: Credential | null,
  ) {
    this.address = address;
    this.description = unknownServer(address);
    this.pool = new Pool(
      address,
      poolOptions,
      connectionOptions,
      events,
      (description) => owner.greeted(this, description),
      (error, generation, greeted) => owner.broken(this, error, generation, greeted),
      owner.watches,
      credential,
    );
  }
}

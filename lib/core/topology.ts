import { ObjectId } from 'bson';
import type { Address } from './address';
import type { ClientOptions } from './clientOptions';
import { type Events, heard, tell } from './events';
import { isShutdown, isStateChange } from './failure';
import type { Operation } from './operation';
import type { ReadPreference } from './readPreference';
import { Server, type ServerOwner } from './server';
import {
  compareVersions,
  type ServerDescription,
  sameDescription,
  topologyVersionOf,
  unknownServer,
} from './serverDescription';
import type { Wanted } from './serverSelection';
import type { PolledTopology } from './srv';
import { emptyTopology, initialTopology, type TopologyDescription, withSeeds, withServer } from './topologyDescription';

/**
 * The servers of one client, and which of them to use. How they are found out differs: see `MonitoredTopology` and
 * `OnDemandTopology`.
 */
export abstract class Topology implements ServerOwner, PolledTopology {
  /** What is known of all servers together. */
  description: TopologyDescription;
  /** The server that takes writes, where it is known and there is no choice: so most operations need only look here. */
  writable: Server | null = null;
  protected readonly options: ClientOptions;
  protected readonly events: Events;
  protected readonly known = new Map<string, Server>();
  protected closed: Error | null = null;
  readonly #id = String(new ObjectId());

  constructor(options: ClientOptions, events: Events) {
    this.options = options;
    this.events = events;
    this.description = initialTopology(options);
    tell(events, 'topologyOpening', () => ({ topologyId: this.#id }));
    this.#tellChanges(emptyTopology(), this.description);
  }

  get servers(): readonly Server[] {
    return [...this.known.values()];
  }

  serverAt(address: Address): Server | null {
    return this.known.get(String(address)) ?? null;
  }

  /** The server that takes writes, or any of several; null while none has answered. */
  abstract readonly inUse: Server | null;

  /**
   * A server for an operation, if one is known without asking anybody.
   * @throws ConfigurationError: no server could serve it, or the preference is none for this topology
   */
  abstract choose(wanted: Wanted): Server | null;

  /**
   * A server for an operation, found out or waited for if need be.
   * @param wanted a server: that one, when it may be there
   * @param avoid serves only where no other can
   * @throws AutoReconnect: nobody answered, or none of those who did is suitable
   * @throws ServerSelectionTimeoutError: the same, where servers are waited for
   * @throws ConfigurationError: a server belongs to another set, or is too old
   */
  abstract find(wanted: Wanted | Server, avoid?: Server | null): Promise<Server>;

  /** As `find`, and the server has answered: its limits are known. */
  abstract connect(preference?: ReadPreference): Promise<Server>;

  /** See `ServerOwner`. */
  abstract readonly watches: boolean;
  /** See `ServerOwner`. */
  abstract greeted(server: Server, description: ServerDescription): void;
  /** See `ServerOwner`. */
  abstract broken(server: Server, error: Error, generation: number, greeted: boolean): void;
  /** What is known has changed. */
  protected abstract updated(): void;
  /** A server was marked as unknown because of an operation's failure. */
  protected abstract doubted(server: Server, error: Error, disconnect: boolean): void;

  /** An operation failed: perhaps its server is no longer what it was. */
  operationFailed({ address, generation }: Operation, error: Error): void {
    if (address === null || !isStateChange(error)) return;
    const server = this.serverAt(address);
    // Of an earlier time, before the pool was cleared.
    if (server === null || generation !== server.pool.generation) return;
    const version = topologyVersionOf(error.details);
    // Known already, and perhaps more than that.
    if ((compareVersions(server.description.topologyVersion, version) ?? -1) >= 0) return;
    this.learn(unknownServer(address, error, version));
    // What the server did not say, the connection says out of what it heard in its handshake: it has to greet again.
    this.doubted(server, error, error.details === null || isShutdown(error));
  }

  /** Whether the DNS may say which servers there are: members of a set know it better. See `PolledTopology`. */
  get takesSeeds(): boolean {
    const { type } = this.description;
    return this.closed === null && (type === 'Unknown' || type === 'Sharded');
  }

  /** Of the servers that there are. */
  get addresses(): readonly Address[] {
    return [...this.description.servers.values()].map(({ address }) => address);
  }

  /** See `PolledTopology`. */
  replaceSeeds(seeds: readonly Address[]): void {
    this.#become(withSeeds(this.description, seeds));
  }

  /** Take in what a server said, or that it failed. */
  protected learn(server: ServerDescription): void {
    this.#become(withServer(this.description, server));
  }

  #become(description: TopologyDescription): void {
    const before = this.description;
    this.description = description;
    if (this.description === before) return;
    this.updated();
    this.#tellChanges(before, this.description);
  }

  /** Take what another client with the same options heard from the server that takes writes. */
  adopt(description: ServerDescription): void {
    const server = this.serverAt(description.address) ?? this.open(description.address);
    this.greeted(server, description);
    this.writable = server;
  }

  protected open(address: Address): Server {
    const { pool, connection, credential } = this.options;
    const server = new Server(address, pool, connection, this.events, this, credential);
    this.known.set(String(address), server);
    return server;
  }

  /** Fail all who wait, close everything. Repeatable. */
  close(cause: Error): void {
    if (this.closed !== null) return;
    this.closed = cause;
    this.writable = null;
    for (const { pool } of this.known.values()) pool.close(cause);
    const before = this.description;
    this.description = emptyTopology();
    this.#tellChanges(before, this.description);
    tell(this.events, 'topologyClosed', () => ({ topologyId: this.#id }));
  }

  #tellChanges(before: TopologyDescription, after: TopologyDescription): void {
    const { events } = this;
    const topologyId = this.#id;
    if (heard(events, 'serverDescriptionChanged')) {
      for (const [address, newDescription] of after.servers) {
        const previousDescription = before.servers.get(address);
        if (previousDescription === undefined || sameDescription(previousDescription, newDescription)) continue;
        const event = { topologyId, address, previousDescription, newDescription };
        tell(events, 'serverDescriptionChanged', () => event);
      }
    }
    if (heard(events, 'serverClosed')) {
      for (const address of missing(after, before)) tell(events, 'serverClosed', () => ({ topologyId, address }));
    }
    if (heard(events, 'topologyDescriptionChanged') && !sameTopology(before, after)) {
      const event = { topologyId, previousDescription: before, newDescription: after };
      tell(events, 'topologyDescriptionChanged', () => event);
    }
    if (heard(events, 'serverOpening')) {
      for (const address of missing(before, after)) tell(events, 'serverOpening', () => ({ topologyId, address }));
    }
  }
}

/** The servers of one description that another does not have. */
function missing(from: TopologyDescription, of: TopologyDescription): string[] {
  return [...of.servers.keys()].filter((name) => !from.servers.has(name));
}

function sameTopology(one: TopologyDescription, other: TopologyDescription): boolean {
  if (one.type !== other.type || one.setName !== other.setName || one.servers.size !== other.servers.size) return false;
  return [...one.servers].every(([name, server]) => {
    const there = other.servers.get(name);
    return there !== undefined && sameDescription(server, there);
  });
}

/**
 * What is known of all servers of a client, and how that changes when one of them answers. Nothing here does I/O.
 * @see Specification "server discovery and monitoring"
 */

import type { ObjectId } from 'bson';
import { Address } from './address';
import type { ClientOptions } from './clientOptions';
import { AutoReconnect } from './errors';
import {
  bearsData,
  compareVersions,
  isKnown,
  MAX_WIRE_VERSION,
  MIN_WIRE_VERSION,
  type ServerDescription,
  unknownServer,
} from './serverDescription';
import { version } from './version';

export type TopologyType = 'Unknown' | 'Single' | 'Sharded' | 'ReplicaSetNoPrimary' | 'ReplicaSetWithPrimary';

export interface TopologyDescription {
  readonly type: TopologyType;
  readonly setName: string | null;
  readonly maxSetVersion: number | null;
  readonly maxElectionId: ObjectId | null;
  /** By `host:port`. */
  readonly servers: ReadonlyMap<string, ServerDescription>;
  /** Whether a lone standalone is a topology of its own, or one of several hosts that do not belong together. */
  readonly oneSeed: boolean;
  /** Why no operation can be served, whichever server there is. */
  readonly compatibilityError: string | null;
  /** The shortest of the servers that hold data, in milliseconds; null: at least one of them has no sessions. */
  readonly logicalSessionTimeout: number | null;
}

/** What is known before anybody was asked. */
export function initialTopology({ seeds, topology }: Pick<ClientOptions, 'seeds' | 'topology'>): TopologyDescription {
  const { direct, replicaSet } = topology;
  return {
    type: direct ? 'Single' : replicaSet === null ? 'Unknown' : 'ReplicaSetNoPrimary',
    setName: replicaSet,
    maxSetVersion: null,
    maxElectionId: null,
    servers: new Map(seeds.map((seed) => [String(seed), unknownServer(seed)])),
    oneSeed: seeds.length === 1,
    compatibilityError: null,
    logicalSessionTimeout: null,
  };
}

/** Before the client is opened and after it is closed. */
export function emptyTopology(topology: TopologyDescription | null = null): TopologyDescription {
  return {
    type: 'Unknown',
    setName: null,
    maxSetVersion: null,
    maxElectionId: null,
    servers: new Map(),
    oneSeed: topology?.oneSeed ?? false,
    compatibilityError: null,
    logicalSessionTimeout: null,
  };
}

/**
 * The same with other servers, of which the new ones are unknown yet.
 * @see Specification "polling SRV records for mongos discovery"
 */
export function withSeeds(topology: TopologyDescription, seeds: readonly Address[]): TopologyDescription {
  const servers = new Map<string, ServerDescription>();
  for (const seed of seeds) {
    const name = String(seed);
    servers.set(name, topology.servers.get(name) ?? unknownServer(seed));
  }
  const all = [...servers.values()];
  return {
    ...topology,
    servers,
    compatibilityError: compatibilityError(all),
    logicalSessionTimeout: sessionTimeout(all),
  };
}

/**
 * What is known after a server has answered, or has failed to.
 * @returns the same object where that changes nothing: no member, or older than what is known
 */
export function withServer(topology: TopologyDescription, server: ServerDescription): TopologyDescription {
  const name = String(server.address);
  const known = topology.servers.get(name);
  if (known === undefined) return topology;
  if ((compareVersions(known.topologyVersion, server.topologyVersion) ?? 0) > 0) return topology;
  const step = new Step(topology, name, server);
  step.take();
  return step.result();
}

/** From one description to the next: the state machine of the specification, with its names. */
class Step {
  #type: TopologyType;
  #setName: string | null;
  #maxSetVersion: number | null;
  #maxElectionId: ObjectId | null;
  readonly #servers: Map<string, ServerDescription>;

  constructor(
    readonly topology: TopologyDescription,
    readonly name: string,
    readonly server: ServerDescription,
  ) {
    this.#type = topology.type;
    this.#setName = topology.setName;
    this.#maxSetVersion = topology.maxSetVersion;
    this.#maxElectionId = topology.maxElectionId;
    this.#servers = new Map(topology.servers).set(name, server);
  }

  result(): TopologyDescription {
    return {
      type: this.#type,
      setName: this.#setName,
      maxSetVersion: this.#maxSetVersion,
      maxElectionId: this.#maxElectionId,
      servers: this.#servers,
      oneSeed: this.topology.oneSeed,
      compatibilityError: compatibilityError(this.#servers.values()),
      logicalSessionTimeout: sessionTimeout(this.#servers.values()),
    };
  }

  take(): void {
    if (this.#type === 'Single') this.#takeAsSingle();
    else if (this.#type === 'Unknown') this.#takeAsUnknown();
    else if (this.#type === 'Sharded') this.#takeAsSharded();
    else this.#takeAsReplicaSet();
  }

  #takeAsSingle(): void {
    const reason = foreignMember(this.server, this.#setName);
    if (reason !== null) this.#fail(this.name, reason);
  }

  #takeAsUnknown(): void {
    const { type } = this.server;
    if (type === 'Standalone') {
      if (this.topology.oneSeed) this.#type = 'Single';
      else this.#remove();
    } else if (type === 'Mongos') {
      this.#type = 'Sharded';
    } else if (isKnown(type) && type !== 'RSGhost') {
      this.#type = 'ReplicaSetNoPrimary';
      this.#takeAsReplicaSet();
    }
  }

  #takeAsSharded(): void {
    if (isKnown(this.server.type) && this.server.type !== 'Mongos') this.#remove();
  }

  #takeAsReplicaSet(): void {
    const { type } = this.server;
    if (type === 'Standalone' || type === 'Mongos') this.#remove();
    else if (type === 'RSPrimary') this.#updateFromPrimary();
    else if (isKnown(type) && type !== 'RSGhost') this.#updateFromMember();
    this.#checkIfHasPrimary();
  }

  #updateFromMember(): void {
    const { setName } = this.server;
    const hadPrimary = this.topology.type === 'ReplicaSetWithPrimary';
    this.#setName ??= setName;
    if (this.#setName !== setName) {
      this.#remove();
      return;
    }
    // Where there is a primary, it alone says who is a member.
    if (!hadPrimary) this.#add(this.#members());
    if (this.#isMisnamed) this.#remove();
  }

  #updateFromPrimary(): void {
    this.#setName ??= this.server.setName;
    if (this.#setName !== this.server.setName) {
      this.#remove();
      return;
    }
    if (this.#isStalePrimary()) {
      this.#fail(this.name, 'primary marked stale due to electionId/setVersion mismatch');
      return;
    }
    for (const [name, { type }] of this.#servers) {
      if (name !== this.name && type === 'RSPrimary') {
        this.#fail(name, 'primary marked stale due to discovery of newer primary');
      }
    }
    const members = this.#members();
    this.#add(members);
    for (const name of this.#servers.keys()) if (!members.includes(name)) this.#servers.delete(name);
  }

  /** Whether another primary was elected later. What the newer one says of election and set is remembered. */
  #isStalePrimary(): boolean {
    const { electionId, setVersion, maxWireVersion } = this.server;
    const [elections, versions] = [
      compare(electionId?.toHexString(), this.#maxElectionId?.toHexString()),
      compare(setVersion, this.#maxSetVersion),
    ];
    if (maxWireVersion >= 17) {
      if (elections < 0 || (elections === 0 && versions < 0)) return true;
      this.#maxElectionId = electionId;
      this.#maxSetVersion = setVersion;
      return false;
    }
    // Before MongoDB 6.0 the version of the set went before the election.
    if (electionId !== null && setVersion !== null) {
      const comparable = this.#maxElectionId !== null && this.#maxSetVersion !== null;
      if (comparable && (versions < 0 || (versions === 0 && elections < 0))) return true;
      this.#maxElectionId = electionId;
    }
    if (versions > 0) this.#maxSetVersion = setVersion;
    return false;
  }

  #checkIfHasPrimary(): void {
    const hasPrimary = [...this.#servers.values()].some(({ type }) => type === 'RSPrimary');
    this.#type = hasPrimary ? 'ReplicaSetWithPrimary' : 'ReplicaSetNoPrimary';
  }

  /** The set knows it by another name, by which it is found anew. */
  get #isMisnamed(): boolean {
    return this.server.me !== null && this.server.me !== this.name;
  }

  #members(): readonly string[] {
    const { hosts, passives, arbiters } = this.server;
    return [...hosts, ...passives, ...arbiters];
  }

  #add(names: readonly string[]): void {
    for (const name of names) {
      if (!this.#servers.has(name)) this.#servers.set(name, unknownServer(Address.parse(name)));
    }
  }

  #remove(): void {
    this.#servers.delete(this.name);
  }

  #fail(name: string, reason: string): void {
    const address = (this.#servers.get(name) as ServerDescription).address;
    this.#servers.set(name, unknownServer(address, new AutoReconnect(`${name}: ${reason}`)));
  }
}

/** What is wrong with a server that is no member of the set that was asked for; null: nothing. */
export function foreignMember(server: ServerDescription, wanted: string | null): string | null {
  const { setName, type, address } = server;
  if (wanted === null || !isKnown(type) || setName === wanted) return null;
  const found = setName === null ? 'of no replica set' : `of the replica set '${setName}'`;
  return `${address} is a member ${found}, not of '${wanted}' (replicaSet)`;
}

/** Why a server that has answered is left out of the topology. */
export function whyLeftOut(topology: TopologyDescription, server: ServerDescription): string {
  const foreign = foreignMember(server, topology.setName);
  if (foreign !== null) return foreign;
  const { address, me, type } = server;
  if (me !== null && me !== String(address)) return `${address} calls itself ${me}`;
  return `${address} is ${type} and does not belong to the others`;
}

/** Nothing is less than anything. */
function compare<T extends string | number>(one: T | null | undefined, other: T | null | undefined): number {
  if (one === other || (one ?? other ?? null) === null) return 0;
  if (one === null || one === undefined) return -1;
  if (other === null || other === undefined) return 1;
  return one < other ? -1 : one > other ? 1 : 0;
}

function compatibilityError(servers: Iterable<ServerDescription>): string | null {
  for (const { type, address, minWireVersion, maxWireVersion } of servers) {
    if (!isKnown(type)) continue;
    const speaks = `${address} speaks wire versions ${minWireVersion} to ${maxWireVersion}, motor-mongo ${version} speaks`;
    if (maxWireVersion < MIN_WIRE_VERSION) {
      return `${speaks} ${MIN_WIRE_VERSION} and later (MongoDB 3.6): use a newer server`;
    }
    if (minWireVersion > MAX_WIRE_VERSION) return `${speaks} up to ${MAX_WIRE_VERSION}: use a newer driver`;
  }
  return null;
}

function sessionTimeout(servers: Iterable<ServerDescription>): number | null {
  const timeouts = [...servers].filter(({ type }) => bearsData(type)).map((server) => server.logicalSessionTimeout);
  const known = timeouts.filter((timeout) => timeout !== null);
  return known.length === 0 || known.length < timeouts.length ? null : Math.min(...known);
}

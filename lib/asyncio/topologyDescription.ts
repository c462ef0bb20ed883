import type { Addr } from '../../typings/documents';
import type * as core from '../core/serverDescription';
import type { TopologyDescription as Known } from '../core/topologyDescription';

/** What is known of one server: a picture, which stays as it is. */
export class ServerDescription {
  /** Host and port. */
  readonly address: Addr;
  /** `RSPrimary`, `RSSecondary`, `RSArbiter`, `RSOther`, `RSGhost`, `Mongos`, `Standalone` or `Unknown`. */
  readonly server_type_name: core.ServerType;
  /** The set that the server belongs to. */
  readonly replica_set_name: string | null;
  /** What read preferences may ask for. */
  readonly tags: Readonly<Record<string, string>>;
  /** The average time of a hello, in milliseconds; null: not measured. */
  readonly round_trip_time: number | null;
  /** Why nothing is known of it. */
  readonly error: Error | null;

  /** Of what the driver knows. */
  constructor({ address, type, setName, tags, roundTripTime, error }: core.ServerDescription) {
    this.address = [address.host, address.port];
    this.server_type_name = type;
    this.replica_set_name = setName;
    this.tags = tags;
    this.round_trip_time = roundTripTime;
    this.error = error;
    Object.freeze(this);
  }
}

/**
 * What is known of all servers together: a picture, which stays as it is.
 * @see PyMongo 4.9, pymongo.topology_description
 */
export class TopologyDescription {
  /** `ReplicaSetWithPrimary`, `ReplicaSetNoPrimary`, `Sharded`, `Single` or `Unknown`. */
  readonly topology_type_name: Known['type'];
  /** The set, where it is known. */
  readonly replica_set_name: string | null;
  readonly #servers: ReadonlyMap<string, core.ServerDescription>;

  /** Of what the driver knows. */
  constructor({ type, setName, servers }: Known) {
    this.topology_type_name = type;
    this.replica_set_name = setName;
    this.#servers = servers;
    Object.freeze(this);
  }

  /** The servers, by `host:port`. */
  server_descriptions(): Map<string, ServerDescription> {
    return new Map([...this.#servers].map(([name, server]) => [name, new ServerDescription(server)]));
  }
}

import { isDeepStrictEqual } from 'node:util';
import { type Document, Long, type ObjectId } from 'bson';
import { Address } from './address';

/** What a server is, by the names of the specification "server discovery and monitoring". */
export type ServerType =
  | 'Unknown'
  | 'Standalone'
  | 'Mongos'
  | 'RSPrimary'
  | 'RSSecondary'
  | 'RSArbiter'
  | 'RSOther'
  | 'RSGhost';

/** The oldest wire version that we speak: MongoDB 3.6. */
export const MIN_WIRE_VERSION = 6;
/** The newest. */
export const MAX_WIRE_VERSION = 29;

/** How often a process changed its mind about what it is. */
export interface TopologyVersion {
  readonly processId: ObjectId;
  readonly counter: Long;
}

/** What a server said of itself in its last hello. */
export interface ServerDescription {
  readonly address: Address;
  readonly type: ServerType;
  readonly setName: string | null;
  readonly setVersion: number | null;
  readonly electionId: ObjectId | null;
  /** Members that can become primary, as `host:port` in lower case, like those below. */
  readonly hosts: readonly string[];
  /** Members that can be read and never become primary. */
  readonly passives: readonly string[];
  readonly arbiters: readonly string[];
  readonly primary: string | null;
  /** The name by which the set knows the server. */
  readonly me: string | null;
  readonly tags: Readonly<Record<string, string>>;
  readonly minWireVersion: number;
  readonly maxWireVersion: number;
  /** Longest document, in bytes. */
  readonly maxBsonSize: number;
  /** Longest message, in bytes. */
  readonly maxMessageSize: number;
  /** Most writes in one command. */
  readonly maxWriteBatchSize: number;
  /** How long a session lives unused, in milliseconds; null: the server has no sessions. */
  readonly logicalSessionTimeout: number | null;
  /** It says so where it can stream its hellos. */
  readonly topologyVersion: TopologyVersion | null;
  /** It understands `hello`, not only its old name. */
  readonly helloOk: boolean;
  /** Of the last write that it knows of, in milliseconds since 1970. */
  readonly lastWriteDate: number | null;
  /** When it said all this, in milliseconds since 1970. */
  readonly lastUpdate: number;
  /** A moving average, in milliseconds; null: not measured. */
  readonly roundTripTime: number | null;
  /** Why nothing is known of it. */
  readonly error: Error | null;
  /** The server's number for this connection, where it tells it. */
  readonly connectionId: number | null;
}

/** What is assumed of a server before it has answered, or after it failed. */
export function unknownServer(
  address: Address,
  error: Error | null = null,
  topologyVersion: TopologyVersion | null = null,
): ServerDescription {
  return {
    address,
    type: 'Unknown',
    setName: null,
    setVersion: null,
    electionId: null,
    hosts: [],
    passives: [],
    arbiters: [],
    primary: null,
    me: null,
    tags: {},
    minWireVersion: 0,
    maxWireVersion: 0,
    maxBsonSize: 16 * 1024 * 1024,
    maxMessageSize: 32 * 1024 * 1024,
    maxWriteBatchSize: 1000,
    logicalSessionTimeout: null,
    topologyVersion,
    helloOk: false,
    lastWriteDate: null,
    lastUpdate: Date.now(),
    roundTripTime: null,
    error,
    connectionId: null,
  };
}

/**
 * The description that a hello reply gives.
 * @param roundTripTime the average so far, this reply included
 */
export function describeServer(
  address: Address,
  hello: Document,
  roundTripTime: number | null = null,
): ServerDescription {
  const unknown = unknownServer(address);
  const type = serverType(hello);
  if (type === 'Unknown') return { ...unknown, topologyVersion: topologyVersionOf(hello) };
  return {
    address,
    type,
    setName: text(hello.setName),
    setVersion: typeof hello.setVersion === 'number' ? hello.setVersion : null,
    electionId: (hello.electionId as ObjectId | undefined) ?? null,
    hosts: members(hello.hosts),
    passives: members(hello.passives),
    arbiters: members(hello.arbiters),
    primary: member(hello.primary),
    me: member(hello.me),
    tags: (hello.tags as Record<string, string> | undefined) ?? {},
    minWireVersion: number(hello.minWireVersion, 0),
    maxWireVersion: number(hello.maxWireVersion, 0),
    maxBsonSize: number(hello.maxBsonObjectSize, unknown.maxBsonSize),
    maxMessageSize: number(hello.maxMessageSizeBytes, unknown.maxMessageSize),
    maxWriteBatchSize: number(hello.maxWriteBatchSize, unknown.maxWriteBatchSize),
    logicalSessionTimeout: minutes(hello.logicalSessionTimeoutMinutes),
    topologyVersion: topologyVersionOf(hello),
    helloOk: hello.helloOk === true,
    lastWriteDate: lastWriteOf(hello),
    lastUpdate: unknown.lastUpdate,
    roundTripTime,
    error: null,
    connectionId: typeof hello.connectionId === 'number' ? hello.connectionId : null,
  };
}

function serverType(hello: Document): ServerType {
  if (hello.ok !== 1) return 'Unknown';
  if (hello.isreplicaset === true) return 'RSGhost';
  if (hello.msg === 'isdbgrid') return 'Mongos';
  if (typeof hello.setName !== 'string') return 'Standalone';
  if (hello.hidden === true) return 'RSOther';
  if (hello.isWritablePrimary === true || hello.ismaster === true) return 'RSPrimary';
  if (hello.secondary === true) return 'RSSecondary';
  if (hello.arbiterOnly === true) return 'RSArbiter';
  return 'RSOther';
}

/** Whether writes go there. */
export function isWritable(type: ServerType): boolean {
  return type === 'Standalone' || type === 'RSPrimary' || type === 'Mongos';
}

/** Whether reads or writes can go there. */
export function bearsData(type: ServerType): boolean {
  return isWritable(type) || type === 'RSSecondary';
}

/** Whether the server has answered, and its answer made sense. */
export function isKnown(type: ServerType): boolean {
  return type !== 'Unknown';
}

/** Whether both say the same, apart from measurements: only a difference is told to listeners. */
export function sameDescription(one: ServerDescription, other: ServerDescription): boolean {
  return isDeepStrictEqual(comparable(one), comparable(other));
}

function comparable(description: ServerDescription): object {
  const { lastUpdate, lastWriteDate, roundTripTime, connectionId, helloOk, address, electionId, error, ...rest } =
    description;
  const { topologyVersion, ...plain } = rest;
  return {
    ...plain,
    address: String(address),
    electionId: electionId?.toHexString(),
    error: error?.message,
    version: topologyVersion === null ? null : `${topologyVersion.processId} ${topologyVersion.counter}`,
  };
}

/** Below 0: the first is older; 0: they are the same; null: they cannot be compared, so that the second counts. */
export function compareVersions(one: TopologyVersion | null, other: TopologyVersion | null): number | null {
  if (one === null || other === null || !one.processId.equals(other.processId)) return null;
  return one.counter.compare(other.counter);
}

/** `topologyVersion` of a hello or of an error reply. */
export function topologyVersionOf(reply: Document | null): TopologyVersion | null {
  const version = reply?.topologyVersion;
  if (version === undefined || version === null) return null;
  return { processId: version.processId, counter: Long.fromValue(version.counter) };
}

function lastWriteOf(hello: Document): number | null {
  const date: unknown = hello.lastWrite?.lastWriteDate;
  return date instanceof Date ? date.getTime() : null;
}

function minutes(value: unknown): number | null {
  return typeof value === 'number' ? value * 60_000 : null;
}

function text(value: unknown): string | null {
  return typeof value === 'string' ? value : null;
}

/** A member's name as `Address` writes it; null where it is none. */
function member(value: unknown): string | null {
  if (typeof value !== 'string') return null;
  try {
    return String(Address.parse(value));
  } catch {
    return null;
  }
}

function members(value: unknown): string[] {
  if (!Array.isArray(value)) return [];
  return value.map(member).filter((name) => name !== null);
}

function number(value: unknown, otherwise: number): number {
  return typeof value === 'number' ? value : otherwise;
}

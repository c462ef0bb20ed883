import type { Document } from 'bson';
import type { Address } from './address';

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

/** What a server said of itself in its last hello. */
export interface ServerDescription {
  readonly address: Address;
  readonly type: ServerType;
  readonly setName: string | null;
  /** Members that can be read or become primary, as `host:port`. */
  readonly hosts: readonly string[];
  readonly arbiters: readonly string[];
  readonly primary: string | null;
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
  /** The server's number for this connection, where it tells it. */
  readonly connectionId: number | null;
}

/** What is assumed of a server before it has answered. */
export function unknownServer(address: Address): ServerDescription {
  return {
    address,
    type: 'Unknown',
    setName: null,
    hosts: [],
    arbiters: [],
    primary: null,
    minWireVersion: 0,
    maxWireVersion: 0,
    maxBsonSize: 16 * 1024 * 1024,
    maxMessageSize: 32 * 1024 * 1024,
    maxWriteBatchSize: 1000,
    logicalSessionTimeout: null,
    connectionId: null,
  };
}

/** The description that a hello reply gives. */
export function describeServer(address: Address, hello: Document): ServerDescription {
  const unknown = unknownServer(address);
  return {
    address,
    type: serverType(hello),
    setName: text(hello.setName),
    hosts: [...list(hello.hosts), ...list(hello.passives)],
    arbiters: list(hello.arbiters),
    primary: text(hello.primary),
    minWireVersion: number(hello.minWireVersion, 0),
    maxWireVersion: number(hello.maxWireVersion, 0),
    maxBsonSize: number(hello.maxBsonObjectSize, unknown.maxBsonSize),
    maxMessageSize: number(hello.maxMessageSizeBytes, unknown.maxMessageSize),
    maxWriteBatchSize: number(hello.maxWriteBatchSize, unknown.maxWriteBatchSize),
    logicalSessionTimeout: minutes(hello.logicalSessionTimeoutMinutes),
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

function minutes(value: unknown): number | null {
  return typeof value === 'number' ? value * 60_000 : null;
}

function text(value: unknown): string | null {
  return typeof value === 'string' ? value : null;
}

function list(value: unknown): string[] {
  return Array.isArray(value) ? value.filter((item) => typeof item === 'string') : [];
}

function number(value: unknown, otherwise: number): number {
  return typeof value === 'number' ? value : otherwise;
}

import type { Document } from 'bson';
import { EventEmitter } from 'eventemitter3';
import type { ServerDescription } from './serverDescription';
import type { TopologyDescription } from './topologyDescription';

/** Why a connection was closed, in the words of the CMAP specification. */
export type ConnectionClosedReason = 'stale' | 'idle' | 'error' | 'poolClosed';
/** Why no connection was checked out, in the words of the CMAP specification. */
export type CheckOutFailedReason = 'poolClosed' | 'timeout' | 'connectionError';

export interface PoolEvent {
  /** `host:port`, or the path of the socket. */
  readonly address: string;
}
export interface PoolCreatedEvent extends PoolEvent {
  readonly options: Document;
}
export interface PoolClearedEvent extends PoolEvent {
  readonly interruptInUseConnections: boolean;
}
export interface ConnectionEvent extends PoolEvent {
  readonly connectionId: number;
}
/** `duration` in milliseconds. */
export interface ConnectionReadyEvent extends ConnectionEvent {
  readonly duration: number;
}
export interface ConnectionClosedEvent extends ConnectionEvent {
  readonly reason: ConnectionClosedReason;
  readonly error?: Error;
}
export interface CheckOutFailedEvent extends PoolEvent {
  readonly reason: CheckOutFailedReason;
  readonly error: Error;
  readonly duration: number;
}

interface CommandEvent extends ConnectionEvent {
  readonly commandName: string;
  readonly databaseName: string;
  readonly requestId: number;
  readonly operationId: number;
  /** The server's number for the connection, where it tells it. */
  readonly serverConnectionId: number | null;
}
export interface CommandStartedEvent extends CommandEvent {
  /** The command as it was sent; empty for commands that carry secrets. */
  readonly command: Document;
}
export interface CommandSucceededEvent extends CommandEvent {
  /** Milliseconds from the request to its reply. */
  readonly duration: number;
  /** The server's reply; empty for commands that carry secrets. */
  readonly reply: Document;
}
export interface CommandFailedEvent extends CommandEvent {
  readonly duration: number;
  readonly failure: Error;
}

export interface TopologyEvent {
  /** One for each time that the client is opened. */
  readonly topologyId: string;
}
export interface ServerEvent extends TopologyEvent {
  /** `host:port`, or the path of the socket. */
  readonly address: string;
}
export interface ServerDescriptionChangedEvent extends ServerEvent {
  readonly previousDescription: ServerDescription;
  readonly newDescription: ServerDescription;
}
export interface TopologyDescriptionChangedEvent extends TopologyEvent {
  readonly previousDescription: TopologyDescription;
  readonly newDescription: TopologyDescription;
}

export interface HeartbeatEvent {
  /** `host:port`, or the path of the socket. */
  readonly address: string;
  /** The server answers when something has changed, or after `heartbeatFrequencyMS`. */
  readonly awaited: boolean;
}
/** `duration` in milliseconds. */
export interface HeartbeatSucceededEvent extends HeartbeatEvent {
  readonly duration: number;
  readonly reply: Document;
}
export interface HeartbeatFailedEvent extends HeartbeatEvent {
  readonly duration: number;
  readonly failure: Error;
}

/**
 * Every event of a client, by name; see the specifications "CMAP", "command logging and monitoring", and "server
 * discovery and monitoring logging and monitoring".
 */
export interface ClientEvents {
  /** A pool was made, with its options. */
  connectionPoolCreated: [PoolCreatedEvent];
  /** A pool may open connections. */
  connectionPoolReady: [PoolEvent];
  /** A pool gave up its connections after an error. */
  connectionPoolCleared: [PoolClearedEvent];
  /** A pool was closed. */
  connectionPoolClosed: [PoolEvent];
  /** A connection is about to be opened. */
  connectionCreated: [ConnectionEvent];
  /** A connection is open, its handshake done. */
  connectionReady: [ConnectionReadyEvent];
  /** A connection was closed, and why. */
  connectionClosed: [ConnectionClosedEvent];
  /** An operation asks for a connection. */
  connectionCheckOutStarted: [PoolEvent];
  /** An operation got no connection, and why. */
  connectionCheckOutFailed: [CheckOutFailedEvent];
  /** An operation got a connection. */
  connectionCheckedOut: [ConnectionReadyEvent];
  /** An operation gave its connection back. */
  connectionCheckedIn: [ConnectionEvent];
  /** A command is sent. */
  commandStarted: [CommandStartedEvent];
  /** A reply has come. */
  commandSucceeded: [CommandSucceededEvent];
  /** A command failed: the server said so, or the connection broke. */
  commandFailed: [CommandFailedEvent];
  /** The client begins to look for its servers. */
  topologyOpening: [TopologyEvent];
  /** The client was closed. */
  topologyClosed: [TopologyEvent];
  /** What is known of the servers together has changed. */
  topologyDescriptionChanged: [TopologyDescriptionChangedEvent];
  /** A server is known from here on. */
  serverOpening: [ServerEvent];
  /** A server is not a part of the topology any more, or the client was closed. */
  serverClosed: [ServerEvent];
  /** What is known of a server has changed. */
  serverDescriptionChanged: [ServerDescriptionChangedEvent];
  /** A monitor asks its server. */
  serverHeartbeatStarted: [HeartbeatEvent];
  /** It has answered. */
  serverHeartbeatSucceeded: [HeartbeatSucceededEvent];
  /** It has not, or not as it should. */
  serverHeartbeatFailed: [HeartbeatFailedEvent];
}

/** Where the driver tells what it does. Nothing is built for an event to which nobody listens. */
export type Events = EventEmitter<ClientEvents>;

export function newEvents(): Events {
  return new EventEmitter<ClientEvents>();
}

/** Whether anybody listens: asked first where an operation passes, so that nothing is made in vain. */
export function heard(events: Events, name: keyof ClientEvents): boolean {
  return events.listenerCount(name) > 0;
}

/**
 * Tell the listeners, if there are any. What a listener throws is the application's uncaught exception: it must not
 * break the operation that it was told of.
 */
export function tell<Name extends keyof ClientEvents>(
  events: Events,
  name: Name,
  make: () => ClientEvents[Name][0],
): void {
  if (!heard(events, name)) return;
  try {
    (events as unknown as EventEmitter<Record<string, [unknown]>>).emit(name, make());
  } catch (error) {
    process.nextTick(() => {
      throw error;
    });
  }
}

/** In lower case. */
export const SECRET_COMMANDS: ReadonlySet<string> = new Set([
  'authenticate',
  'saslstart',
  'saslcontinue',
  'getnonce',
  'createuser',
  'updateuser',
  'copydbgetnonce',
  'copydbsaslstart',
  'copydb',
]);

/** Whether the command, and what is said about it, may hold secrets. */
export function isSecret(name: string, command: Document): boolean {
  const lower = name.toLowerCase();
  if (SECRET_COMMANDS.has(lower)) return true;
  return (lower === 'hello' || lower === 'ismaster') && command.speculativeAuthenticate !== undefined;
}

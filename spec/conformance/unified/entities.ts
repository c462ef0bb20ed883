/** The named objects of a test. */

import type { Document } from 'bson';
import { AsyncIOMotorClient } from '../../../lib/asyncio';
import type { ClientEvents } from '../../../lib/core/events';
import { ENGINE } from '../../../lib/motor/settings';
import type { Deployment } from './deployments';
import { type EntityDescription, OutOfScope } from './format';
import { readPreference } from './readPreference';
import { Thread } from './thread';
import { writeConcern } from './writeConcern';

/** An event as it was observed: the format's name for it, and its fields. */
export interface ObservedEvent {
  readonly kind: 'command' | 'cmap' | 'sdam';
  readonly name: string;
  readonly fields: Document;
}

/** From the format's names to those of `client.events`. */
const EVENTS: Readonly<Record<string, readonly [kind: ObservedEvent['kind'], name: keyof ClientEvents]>> = {
  commandStartedEvent: ['command', 'commandStarted'],
  commandSucceededEvent: ['command', 'commandSucceeded'],
  commandFailedEvent: ['command', 'commandFailed'],
  poolCreatedEvent: ['cmap', 'connectionPoolCreated'],
  poolReadyEvent: ['cmap', 'connectionPoolReady'],
  poolClearedEvent: ['cmap', 'connectionPoolCleared'],
  poolClosedEvent: ['cmap', 'connectionPoolClosed'],
  connectionCreatedEvent: ['cmap', 'connectionCreated'],
  connectionReadyEvent: ['cmap', 'connectionReady'],
  connectionClosedEvent: ['cmap', 'connectionClosed'],
  connectionCheckOutStartedEvent: ['cmap', 'connectionCheckOutStarted'],
  connectionCheckOutFailedEvent: ['cmap', 'connectionCheckOutFailed'],
  connectionCheckedOutEvent: ['cmap', 'connectionCheckedOut'],
  connectionCheckedInEvent: ['cmap', 'connectionCheckedIn'],
  topologyOpeningEvent: ['sdam', 'topologyOpening'],
  topologyClosedEvent: ['sdam', 'topologyClosed'],
  topologyDescriptionChangedEvent: ['sdam', 'topologyDescriptionChanged'],
  serverOpeningEvent: ['sdam', 'serverOpening'],
  serverClosedEvent: ['sdam', 'serverClosed'],
  serverDescriptionChangedEvent: ['sdam', 'serverDescriptionChanged'],
  serverHeartbeatStartedEvent: ['sdam', 'serverHeartbeatStarted'],
  serverHeartbeatSucceededEvent: ['sdam', 'serverHeartbeatSucceeded'],
  serverHeartbeatFailedEvent: ['sdam', 'serverHeartbeatFailed'],
};

/** Their events are left out unless a test asks for them; `hello` only where it holds credentials. */
const SENSITIVE = new Set(['authenticate', 'saslstart', 'saslcontinue', 'getnonce', 'createuser', 'updateuser']);

/** An operation that waits for the next look at a server should not wait long. */
const IMPATIENT = { heartbeatFrequencyMS: 500, serverMonitoringMode: 'poll' };

export interface ClientEntity {
  readonly client: AsyncIOMotorClient;
  readonly events: ObservedEvent[];
}

/** The objects of one test by their names, and what has to be closed after it. */
export class Entities {
  readonly #objects = new Map<string, unknown>();
  readonly #clients = new Map<string, ClientEntity>();
  /** What the clients are for. */
  readonly deployment: Deployment;

  constructor(deployment: Deployment) {
    this.deployment = deployment;
  }

  /** @throws Error: a duplicate name, or a kind that there is not; OutOfScope: a kind that comes later */
  create(description: EntityDescription): void {
    const [kind, options] = Object.entries(description)[0] ?? ['', { id: '' }];
    switch (kind) {
      case 'client':
        this.add(options.id, this.#newClient(options));
        return;
      case 'database': {
        const { client } = this.client(options.client);
        this.add(options.id, client.get_database(options.databaseName, childOptions(options.databaseOptions)));
        return;
      }
      case 'collection': {
        const database = this.get(options.database) as { get_collection(name: string, kw: Document): unknown };
        this.add(options.id, database.get_collection(options.collectionName, childOptions(options.collectionOptions)));
        return;
      }
      case 'session':
        this.client(options.client);
        this.add(options.id, new OutOfScope('needs sessions'));
        return;
      case 'bucket':
        this.get(options.database);
        this.add(options.id, new OutOfScope('needs GridFS'));
        return;
      case 'clientEncryption':
        throw new OutOfScope('needs client-side encryption');
      case 'thread':
        this.add(options.id, new Thread());
        return;
      default:
        throw new Error(`there is no entity of the kind '${kind}'`);
    }
  }

  add(name: string, object: unknown): void {
    if (this.#objects.has(name)) throw new Error(`there are two entities called '${name}'`);
    this.#objects.set(name, object);
  }

  /** @throws Error: there is none; OutOfScope: it is of a kind that comes later */
  get(name: string): unknown {
    if (!this.#objects.has(name)) throw new Error(`there is no entity called '${name}'`);
    const object = this.#objects.get(name);
    if (object instanceof OutOfScope) throw object;
    return object;
  }

  client(name: string): ClientEntity {
    const entity = this.#clients.get(name);
    if (entity === undefined) throw new Error(`there is no client called '${name}'`);
    return entity;
  }

  thread(name: string): Thread {
    const thread = this.get(name);
    if (!(thread instanceof Thread)) throw new Error(`'${name}' is no thread`);
    return thread;
  }

  /** Events are observed until then. */
  stopListening(): void {
    for (const { client } of this.#clients.values()) client[ENGINE].events.removeAllListeners();
  }

  close(): void {
    for (const { client } of this.#clients.values()) client.close();
  }

  #newClient(options: Document): unknown {
    if (options.autoEncryptOpts !== undefined) throw new OutOfScope('needs client-side encryption');
    if (options.serverApi !== undefined) throw new OutOfScope('needs the stable API');
    if (options.observeLogMessages !== undefined) throw new OutOfScope('needs log messages');
    const { uri, directUri } = this.deployment;
    const given: Document = options.uriOptions ?? {};
    const isPatient = given.heartbeatFrequencyMS !== undefined || observesTopology(options);
    const uriOptions = isPatient ? given : { ...given, ...IMPATIENT };
    const client = new AsyncIOMotorClient(uriOptions.directConnection === true ? directUri : uri, uriOptions);
    const events: ObservedEvent[] = [];
    const ignored = new Set<string>(['configureFailPoint', ...(options.ignoreCommandMonitoringEvents ?? [])]);
    for (const name of (options.observeEvents ?? []) as string[]) {
      const event = EVENTS[name];
      if (event === undefined) throw new OutOfScope(`needs the event ${name}`);
      client[ENGINE].events.on(event[1], (fields: Document) => {
        if (ignored.has(fields.commandName)) return;
        if (options.observeSensitiveCommands !== true && isSensitive(fields)) return;
        events.push({ kind: event[0], name, fields });
      });
    }
    this.#clients.set(options.id, { client, events });
    // The format's clients look for their servers at once, ours when they are used first.
    if (observesTopology(options)) client[ENGINE].connect().catch(() => {});
    return client;
  }
}

function observesTopology({ observeEvents = [] }: Document): boolean {
  return observeEvents.some((name: string) => EVENTS[name]?.[0] === 'sdam');
}

function isSensitive({ commandName, command, reply }: Document): boolean {
  const name = String(commandName).toLowerCase();
  // The driver shows nothing of a hello that carries credentials.
  const hidden = Object.keys(command ?? reply ?? { failure: true }).length === 0;
  return SENSITIVE.has(name) || (['hello', 'ismaster'].includes(name) && hidden);
}

/** Concerns and preference of a database or a collection. */
function childOptions(given: Document = {}): Document {
  const options: Document = {};
  for (const [name, value] of Object.entries(given)) {
    if (name === 'readConcern') options.read_concern = value.level;
    else if (name === 'writeConcern') options.write_concern = writeConcern(value);
    else if (name === 'readPreference') options.read_preference = readPreference(value);
    else throw new OutOfScope(`needs the option ${name} of a database or collection`);
  }
  return options;
}

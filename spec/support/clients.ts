import { randomBytes } from 'node:crypto';
import type { Document } from 'bson';
import { expect } from 'chai';
import { AsyncIOMotorClient, type AsyncIOMotorCollection } from '../../lib/asyncio/index';
import { MotorClient, type MotorCollection } from '../../lib/index';
import { ENGINE } from '../../lib/motor/settings';
import { eventually } from './eventually';
import { server } from './hooks';
import { type PlayedServer, playStandalone } from './playedServer';
import { type FaultProxy, type ProxyOptions, proxyTo } from './proxy';
import type { Where } from './rawClient';
import { type Relay, type RelayOptions, relayTo } from './relay';
import { type Member, type MemberOptions, playReplicaSet, type ReplicaSet } from './replicaSet';

/** What the collections of `freshCollection` are in. */
export const DATABASE = 'motor_spec';

const clients = new Set<MotorClient | AsyncIOMotorClient>();
const proxies = new Set<FaultProxy | ReplicaSet | Relay>();

/**
 * A client that is closed after the running test. The test fails when it leaves an operation of it under way.
 * @param where a server or proxy, or a connection string; default: the server of all tests
 */
export function newClient(
  where: string | { readonly uri: string } = server(),
  options: Readonly<Record<string, unknown>> = {},
): MotorClient {
  const client = new MotorClient(typeof where === 'string' ? where : where.uri, options) as MotorClient;
  clients.add(client);
  return client;
}

/** The same of the asyncio surface. */
export function newAsyncIOClient(
  where: string | { readonly uri: string } = server(),
  options: Readonly<Record<string, unknown>> = {},
): AsyncIOMotorClient {
  const client = new AsyncIOMotorClient(typeof where === 'string' ? where : where.uri, options);
  clients.add(client);
  return client;
}

/**
 * A proxy in front of the server, or of another proxy, closed after the running test. That fails when a closed client
 * stays connected.
 */
export async function newProxy(options?: ProxyOptions, target: Where = server()): Promise<FaultProxy> {
  const proxy = await proxyTo(target, options);
  proxies.add(proxy);
  return proxy;
}

/** A standalone with sessions and fail points, played in front of the server; closed as {@link newProxy}. */
export async function newStandalone(options?: ProxyOptions): Promise<PlayedServer> {
  const played = await playStandalone(server(), options);
  proxies.add(played);
  return played;
}

/** A replica set, played in front of the server; closed as {@link newProxy}. */
export async function newReplicaSet(members?: number | readonly MemberOptions[]): Promise<ReplicaSet> {
  const set = await playReplicaSet(server(), members);
  proxies.add(set);
  return set;
}

/** The same for a relay, in front of a proxy perhaps. */
export async function newRelay(options: RelayOptions, target: Where = server()): Promise<Relay> {
  const relay = await relayTo(target, options);
  proxies.add(relay);
  return relay;
}

/** A name that nobody else uses. */
export function uniqueName(): string {
  return `c_${randomBytes(6).toString('hex')}`;
}

/**
 * A new collection for each test of a `describe`, dropped afterwards: `const things = freshCollection()` in its body,
 * `things().insert(...)` in its tests.
 * @param options of the client, which each test has for itself
 */
export function freshCollection(options: Readonly<Record<string, unknown>> = {}): () => MotorCollection {
  let collection: MotorCollection | null = null;
  beforeEach(() => {
    collection = newClient(server(), options).get_database(DATABASE).get_collection(uniqueName());
  });
  afterEach(async () => {
    await newClient()
      .get_database(DATABASE)
      .drop_collection((collection as MotorCollection).name);
  });
  return () => {
    if (collection === null) throw new Error('no test runs yet; ask for the collection in a test or a hook');
    return collection;
  };
}

/** As {@link freshCollection}, of the asyncio surface. */
export function freshAsyncIOCollection(options: Readonly<Record<string, unknown>> = {}): () => AsyncIOMotorCollection {
  const plain = freshCollection(); // which drops it
  let collection: AsyncIOMotorCollection | null = null;
  afterEach(() => {
    collection = null;
  });
  return () => {
    collection ??= newAsyncIOClient(server(), options).get_database(DATABASE).get_collection(plain().name);
    return collection;
  };
}

/**
 * The primary of a played replica set of one, and a client of it.
 * @param things a collection, which `coll` is as well, through that client
 * @param says what the primary says otherwise of itself
 */
export async function connectedToPrimary(
  things: { readonly name: string },
  options: Readonly<Record<string, unknown>> = {},
  says: Document = {},
): Promise<{ set: ReplicaSet; primary: Member; client: AsyncIOMotorClient; coll: AsyncIOMotorCollection }> {
  const set = await newReplicaSet(1);
  const primary = set.member(0);
  primary.says(says);
  const client = newAsyncIOClient(set, options);
  return { set, primary, client, coll: client.get_database(DATABASE).get_collection(things.name) };
}

/** Have a server say that it is there: the primary, or the one that is there. */
export function ping(client: MotorClient | AsyncIOMotorClient): Promise<Document> {
  return (client as MotorClient).get_database('admin').command('ping');
}

/** Of all its pools: connections that are open, idle, checked out, and operations that wait for one. */
export function countsOf(client: MotorClient | AsyncIOMotorClient): MotorClient[typeof ENGINE]['counts'] {
  return client[ENGINE].counts;
}

/** What a test has left behind makes it fail, before what it made is closed. */
async function findLeaks(): Promise<void> {
  for (const client of clients) {
    // A cursor that was left behind may just be on its way to be killed.
    const isAtRest = () => countsOf(client).checkedOut === 0 && countsOf(client).waiting === 0;
    if (!isAtRest()) await eventually(isAtRest, `${client} has nothing checked out, and nobody waits`, 1000);
  }
}

async function closeAll(): Promise<void> {
  for (const client of clients) client.close();
  clients.clear();
  for (const proxy of proxies) {
    await eventually(() => proxy.connections.open === 0, 'all connections through the proxy are closed');
    await proxy.close();
  }
  proxies.clear();
}

/** Root hooks: mocha takes them from here, see .mocharc.json. */
export const mochaHooks = {
  // Looked for within the test: a failing root hook would end the whole run.
  beforeEach(this: Mocha.Context): void {
    const test = this.currentTest as Mocha.Runnable;
    const run = test.fn as ((this: Mocha.Context) => unknown) | undefined;
    if (run === undefined || run.length > 0) return;
    test.fn = async function (this: Mocha.Context) {
      await run.call(this);
      await findLeaks();
    };
  },

  afterEach: closeAll,
};

/** Calls a dual method and gives its result as a Promise. */
export type Call = <T extends object, Name extends keyof T>(
  object: T,
  method: Name,
  ...args: unknown[]
) => Promise<T[Name] extends (...args: never[]) => Promise<infer R> ? R : never>;

type AnyMethod = (...args: unknown[]) => unknown;

const withPromise = (object: Record<PropertyKey, AnyMethod>, method: PropertyKey, ...args: unknown[]) => {
  const promise = object[method]?.(...args);
  expect(promise).to.be.instanceOf(Promise);
  return promise;
};

const withCallback = (object: Record<PropertyKey, AnyMethod>, method: PropertyKey, ...args: unknown[]) =>
  new Promise((resolve, reject) => {
    let calls = 0;
    let returned = false;
    const value = object[method]?.(...args, (result: unknown, error: Error | null) => {
      calls += 1;
      // An uncaught exception, hence the failure of the running test.
      if (calls > 1) throw new Error(`${String(method)} called back twice`);
      if (!returned) throw new Error(`${String(method)} called back before it returned`);
      if (error === null) resolve(result);
      else if (result === null) reject(error);
      else throw new Error(`${String(method)} called back with a result and an error`);
    });
    returned = true;
    expect(value, `what ${String(method)} returns`).to.equal(undefined);
  });

/** Declare the tests within twice: where `call` uses Promises, and where it uses callbacks. */
export function eachForm(tests: (call: Call) => void): void {
  describe('with a Promise', () => tests(withPromise as Call));
  describe('with a callback', () => tests(withCallback as Call));
}

/** Pools of servers that a monitor watches: paused while it does not find them. */

import { setTimeout as sleep } from 'node:timers/promises';
import { expect } from 'chai';
import type { Server } from '../../lib/core/server';
import { AutoReconnect, OperationFailure, ServerSelectionTimeoutError } from '../../lib/index';
import { ENGINE } from '../../lib/motor/settings';
import { countsOf, freshAsyncIOCollection, newAsyncIOClient, newProxy, ping } from '../support/clients';
import { eventually } from '../support/eventually';
import { answer, closeFirst, delayReply, hang, loseReply } from '../support/faults';
import { requireLogin } from '../support/login';
import type { FaultProxy, SeenCommand } from '../support/proxy';
import { record, type Told } from '../support/record';
import { rejection } from '../support/rejection';

type Client = ReturnType<typeof newAsyncIOClient>;
const times = <T>(count: number, make: (i: number) => T): T[] => Array.from({ length: count }, (_, i) => make(i));
/** The first hello of a connection. */
const isGreeting = ({ name, legacy }: SeenCommand) => name === 'ismaster' && legacy;

const namesOf = (told: readonly Told[]) => told.map(({ name }) => name);

describe('the pool of a watched server', () => {
  let proxy: FaultProxy;
  beforeEach(async () => {
    proxy = await newProxy();
  });
  const things = freshAsyncIOCollection();
  const sameIn = (client: Client) => client.get_database(things().database.name).get_collection(things().name);

  it('fills up to minPoolSize as soon as the monitor has found the server, and not before', async () => {
    proxy.refuse();
    const client = newAsyncIOClient(proxy, { minPoolSize: 3, heartbeatFrequencyMS: 500, connect: true });
    const told = record(client, ['serverHeartbeatFailed', 'connectionPoolReady', 'connectionCreated']);
    await eventually(() => told.length > 0, 'the monitor has failed');
    await proxy.accept();
    await eventually(() => countsOf(client).idle === 3, 'three are open');
    const relevant = namesOf(told).filter((name) => name !== 'serverHeartbeatFailed');
    expect(relevant).to.deep.equal(['connectionPoolReady', ...times(3, () => 'connectionCreated')]);
    expect(told[0]).to.have.property('name', 'serverHeartbeatFailed');
  });

  it('opens none while the server is lost, however often it looks after itself', async () => {
    proxy.refuse();
    const often = { maxIdleTimeMS: 20, heartbeatFrequencyMS: 500 };
    const client = newAsyncIOClient(proxy, { ...often, minPoolSize: 2, connect: true });
    const told = record(client, ['serverHeartbeatFailed', 'connectionCreated']);
    await eventually(() => told.length > 1, 'the monitor has failed twice');
    expect(new Set(namesOf(told))).to.deep.equal(new Set(['serverHeartbeatFailed']));
  });

  it('opens as many connections at once as maxConnecting allows from the start', async () => {
    const client = newAsyncIOClient(proxy, { maxConnecting: 3 });
    await client.server_info();
    proxy.drop();
    await eventually(() => countsOf(client).open === 0, 'its connection is closed');
    const told = record(client, ['connectionCreated', 'connectionReady']);
    await Promise.all(times(5, () => ping(client)));
    expect(namesOf(told).slice(0, 3)).to.deep.equal(times(3, () => 'connectionCreated'));
  });

  it('is cleared with a connection that breaks: who waits tries again when the server is found', async () => {
    const client = newAsyncIOClient(proxy, { maxPoolSize: 1, heartbeatFrequencyMS: 500 });
    const coll = sameIn(client);
    await coll.find_one();
    const told = record(client, ['connectionPoolCleared', 'connectionPoolReady', 'connectionCheckOutFailed']);
    proxy.on('find', closeFirst());
    const outcomes = await Promise.all(times(5, () => coll.find_one()));
    expect(outcomes).to.deep.equal(times(5, () => null));
    expect(namesOf(told)).to.deep.equal([
      'connectionPoolCleared',
      ...times(4, () => 'connectionCheckOutFailed'),
      'connectionPoolReady',
    ]);
    for (const { reason, error } of told.slice(1, 5)) {
      expect(reason).to.equal('connectionError');
      expect(error).to.be.instanceOf(AutoReconnect);
    }
  });

  it('tells who waits, and may not try again, what happened to the pool', async () => {
    const client = newAsyncIOClient(proxy, { maxPoolSize: 1 });
    await ping(client);
    proxy.on('ping', closeFirst());
    const [first, second] = await Promise.all([rejection(ping(client)), rejection(ping(client))]);
    expect(second).to.be.instanceOf(AutoReconnect).with.property('cause', first);
    expect(second?.message).to.equal(
      `no connection to ${proxy.address} until its monitor finds it: ${(first as Error).message}`,
    );
  });

  it('is cleared when a connection that nobody waits for cannot be opened, and fills up later', async () => {
    let greetings = 0;
    // The first is the monitor's.
    proxy.on((command) => isGreeting(command) && ++greetings === 2, closeFirst());
    const client = newAsyncIOClient(proxy, { minPoolSize: 1, heartbeatFrequencyMS: 60_000, connect: true });
    const told = record(client, ['connectionPoolReady', 'connectionPoolCleared', 'serverDescriptionChanged']);
    await eventually(() => countsOf(client).idle === 1, 'it is filled');
    expect(namesOf(told)).to.deep.equal([
      'connectionPoolReady',
      'serverDescriptionChanged',
      'serverDescriptionChanged',
      'connectionPoolCleared',
      'connectionPoolReady',
      'serverDescriptionChanged',
    ]);
  });

  it('tells each of those who wait why they were not let in', async () => {
    requireLogin(proxy, []);
    const client = newAsyncIOClient(`mongodb://nobody:nothing@${proxy.address}`);
    const errors = await Promise.all(times(10, () => rejection(sameIn(client).find_one())));
    for (const error of errors) expect(error).to.be.instanceOf(OperationFailure).with.property('code', 18);
  });

  it('is closed for good by a listener who hears that a connection is ready', async () => {
    const client = newAsyncIOClient(proxy);
    await client.server_info();
    const [{ pool }] = client[ENGINE].servers as [Server];
    client[ENGINE].events.once('connectionReady', () => client.close());
    const lent = await pool.checkout(); // so that the next is a new one
    expect((await rejection(pool.checkout())).message).to.include('the client was closed');
    await eventually(() => proxy.connections.open === 0, 'all are closed');
    await sleep(10);
    expect(lent.closed).to.equal(true);
    expect(pool.counts).to.deep.equal({ open: 0, idle: 0, checkedOut: 0, waiting: 0 });
    expect((await rejection(pool.checkout())).message).to.equal('the client was closed');
  });

  it('gives up also what is being opened when the monitor hears nothing', async () => {
    const client = newAsyncIOClient(proxy, { heartbeatFrequencyMS: 500, connectTimeoutMS: 300 });
    await client.server_info();
    const told = record(client, ['connectionPoolCleared', 'connectionCreated', 'connectionClosed']);
    const check = proxy.on(({ name }) => name === 'hello', hang());
    proxy.on('ping', hang());
    proxy.on(isGreeting, hang());
    await eventually(() => check.hits === 1, 'the monitor waits');
    await sleep(100); // so that nobody else gives up before it
    const [first, second] = await Promise.all([rejection(ping(client)), rejection(ping(client))]);
    expect(first?.message).to.match(/^connection 1 to .* was given up during ping on admin$/);
    expect(second?.message).to.match(/until its monitor finds it: .* timed out: no reply to hello within 300 ms$/);
    expect(namesOf(told)).to.deep.equal([
      'connectionCreated',
      'connectionPoolCleared',
      'connectionClosed',
      'connectionClosed',
    ]);
    expect(told[1]).to.have.property('interruptInUseConnections', true);
    for (const { reason } of told.slice(2)) expect(reason).to.equal('stale');
  });

  describe('a cursor', () => {
    const DOCUMENTS = times(6, (_id) => ({ _id }));
    beforeEach(() => things().insert_many(DOCUMENTS));

    /** A cursor that has read a document, and a pool that was cleared since. */
    async function interrupted(options: object = {}) {
      const client = newAsyncIOClient(proxy, { heartbeatFrequencyMS: 500, ...options });
      const cursor = sameIn(client).find({}, { batch_size: 2 }).sort('_id', 1);
      const first = await cursor.next();
      proxy.on('ping', closeFirst());
      const cleared = () => client[ENGINE].servers.every(({ pool }) => pool.isPaused);
      return { client, cursor, first, cleared };
    }

    it('outlives the connections', async () => {
      const { client, cursor, first, cleared } = await interrupted();
      await rejection(ping(client));
      expect(cleared()).to.equal(true);
      expect([first, ...(await cursor.to_list())]).to.deep.equal(DOCUMENTS);
    });

    it('is killed all the same', async () => {
      const { client, cursor, cleared } = await interrupted();
      await rejection(ping(client));
      expect(cleared()).to.equal(true);
      await cursor.close();
      expect(proxy.count('killCursors')).to.equal(1);
    });

    it('does not wait for ever', async () => {
      const { client, cursor } = await interrupted({ serverSelectionTimeoutMS: 200 });
      await rejection(ping(client));
      proxy.refuse();
      proxy.drop();
      const error = await rejection(cursor.to_list());
      expect(error).to.be.instanceOf(ServerSelectionTimeoutError);
      expect(error.message).to.include(`no connection to ${proxy.address} within 200 ms`);
      await proxy.accept();
    });
  });

  it('is never paused while its server can be chosen, whatever happens, and nobody is left behind', async function () {
    this.timeout(60_000);
    const client = newAsyncIOClient(proxy, { maxPoolSize: 4, minPoolSize: 1, heartbeatFrequencyMS: 500 });
    const wrong: string[] = [];
    const check = (when: string) => {
      for (const { pool, description } of client[ENGINE].servers) {
        if (pool.isPaused && description.type !== 'Unknown') wrong.push(when);
      }
    };
    for (const name of [
      'connectionPoolReady',
      'connectionPoolCleared',
      'connectionCheckOutFailed',
      'connectionClosed',
      'serverDescriptionChanged',
      'serverHeartbeatSucceeded',
      'serverHeartbeatFailed',
      'commandFailed',
    ] as const) {
      client[ENGINE].events.on(name, () => {
        // The one moment in which they differ is before the callback at hand ends.
        if (name === 'connectionPoolCleared' || name === 'connectionCheckOutFailed') check(name);
        setImmediate(check, `after ${name}`);
      });
    }
    const coll = sameIn(client);
    await coll.find_one();
    const shutdown = answer({ ok: 0, code: 91, errmsg: 'shutdown in progress' });
    const faults = [
      () => proxy.on('find', closeFirst()),
      () => proxy.on('find', loseReply()),
      () => proxy.on('find', shutdown),
      () => proxy.on('find', answer({ ok: 0, code: 10107, errmsg: 'not primary' })),
      () => proxy.on(isGreeting, closeFirst()),
      () => proxy.on(isGreeting, shutdown),
      () => proxy.on(({ name }) => name === 'hello', closeFirst()),
      () => proxy.on('find', delayReply(20), 5),
      () => proxy.drop(),
    ];
    let done = 0;
    for (const [round, fault] of [...faults, ...faults].entries()) {
      fault();
      const operations = times(12, () => coll.find_one().catch((error) => expect(error).to.be.instanceOf(Error)));
      const more = times(4, () => ping(client).catch((error) => expect(error).to.be.instanceOf(AutoReconnect)));
      if (round >= faults.length) await sleep(5 * (round % 4));
      if (round % 5 === 4) proxy.drop(true);
      await Promise.all([...operations, ...more]);
      done += 1;
      proxy.clear();
    }
    expect(done).to.equal(faults.length * 2);
    expect(wrong).to.deep.equal([]);
    expect(await ping(client)).to.include({ ok: 1 });
    expect(countsOf(client)).to.include({ checkedOut: 0, waiting: 0 });
  });
});

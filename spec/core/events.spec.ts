import { expect } from 'chai';
import { newEvents, tell } from '../../lib/core/events';
import { InvalidOperation, type MotorCollection, OperationFailure } from '../../lib/index';
import { ENGINE } from '../../lib/motor/settings';
import { countsOf, DATABASE, newAsyncIOClient, newClient, newProxy, ping, uniqueName } from '../support/clients';
import { eventually } from '../support/eventually';
import { hang, loseReply } from '../support/faults';
import { server } from '../support/hooks';
import type { FaultProxy } from '../support/proxy';
import { record } from '../support/record';
import { rejection } from '../support/rejection';
import { runScript } from '../support/script';

const POOL_EVENTS = [
  'connectionPoolCreated',
  'connectionPoolReady',
  'connectionPoolCleared',
  'connectionPoolClosed',
  'connectionCreated',
  'connectionReady',
  'connectionClosed',
  'connectionCheckOutStarted',
  'connectionCheckOutFailed',
  'connectionCheckedOut',
  'connectionCheckedIn',
] as const;
const COMMAND_EVENTS = ['commandStarted', 'commandSucceeded', 'commandFailed'] as const;

describe('pool events', () => {
  let proxy: FaultProxy;
  beforeEach(async () => {
    proxy = await newProxy();
  });

  it('tell the life of a connection, with the names and fields of the specification', async () => {
    const client = newClient(proxy, { max_pool_size: 3, waitQueueTimeoutMS: 15_000 });
    const told = record(client, POOL_EVENTS);
    await ping(client);
    await ping(client);
    client.close();
    expect(told.map(({ name }) => name)).to.deep.equal([
      'connectionPoolCreated',
      'connectionPoolReady',
      'connectionCheckOutStarted',
      'connectionCreated',
      'connectionReady',
      'connectionCheckedOut',
      'connectionCheckedIn',
      'connectionCheckOutStarted',
      'connectionCheckedOut',
      'connectionCheckedIn',
      'connectionClosed',
      'connectionPoolClosed',
    ]);
    for (const event of told) expect(event.address).to.equal(proxy.address);
    for (const event of told.filter(({ name }) => /Created$|Ready$|CheckedOut|CheckedIn|Closed$/.test(name))) {
      if (!event.name.includes('Pool')) expect(event.connectionId, event.name).to.equal(1);
    }
    for (const { name, duration } of told.filter(({ name }) => /^connection(Ready|CheckedOut)$/.test(name))) {
      expect(duration, name).to.be.a('number').within(0, 5000);
    }
    expect(told[0]?.options).to.deep.equal({ maxPoolSize: 3, waitQueueTimeoutMS: 15_000 });
    expect(told[10]?.reason).to.equal('poolClosed');
  });

  it('tell that a connection broke: cleared, checked in, closed', async () => {
    const client = newClient(proxy);
    await ping(client);
    const told = record(client, POOL_EVENTS);
    proxy.on('ping', loseReply());
    const error = await rejection(ping(client));
    expect(told.map(({ name }) => name)).to.deep.equal([
      'connectionCheckOutStarted',
      'connectionCheckedOut',
      'connectionPoolCleared',
      'connectionCheckedIn',
      'connectionClosed',
    ]);
    expect(told[2]).to.include({ interruptInUseConnections: false });
    expect(told[4]).to.include({ reason: 'error', error, connectionId: 1 });
  });

  it('tell why no connection was checked out', async () => {
    const client = newClient(proxy, { max_pool_size: 1, waitQueueTimeoutMS: 50 });
    await client.open();
    const told = record(client, ['connectionCheckOutFailed']);
    proxy.on('find', hang());
    const find = rejection(client.get_database(DATABASE).get_collection('none').find_one());
    const late = await rejection(ping(client));
    expect(told[0]).to.deep.include({ reason: 'timeout', error: late, address: proxy.address });
    expect(told[0]?.duration).to.be.within(45, 2000);
    const waiting = rejection(ping(client));
    client.close();
    expect(told[1]).to.deep.include({ reason: 'poolClosed', error: await waiting });
    await find;
    expect(told).to.have.length(2);
    proxy.refuse();
    const other = newClient(proxy);
    const toldOfOther = record(other, ['connectionCheckOutFailed']);
    const refused = await rejection(ping(other));
    expect(toldOfOther).to.have.length(1);
    expect(toldOfOther[0]).to.deep.include({ reason: 'connectionError', error: refused });
  });
});

describe('command events', () => {
  it('tell what was sent, and its reply', async () => {
    const client = newClient();
    const name = uniqueName();
    const things: MotorCollection = client.get_database(DATABASE).get_collection(name);
    await client.open();
    const told = record(client, COMMAND_EVENTS);
    await things.insert([{ _id: 1 }, { _id: 2 }]);
    await rejection(client.get_database(DATABASE).command('nonsense'));
    await things.drop();
    const [insert, inserted, nonsense, failed] = told;
    expect(told.map((event) => event.name)).to.deep.equal([
      'commandStarted',
      'commandSucceeded',
      'commandStarted',
      'commandFailed',
      'commandStarted',
      'commandSucceeded',
    ]);
    // The documents travel in a section of their own.
    expect(insert?.command).to.deep.include({ insert: name, documents: [{ _id: 1 }, { _id: 2 }], $db: DATABASE });
    expect(insert).to.include({ commandName: 'insert', databaseName: DATABASE, address: server().address });
    expect(insert?.connectionId).to.equal(1);
    expect(insert?.serverConnectionId).to.be.a('number');
    expect(inserted?.reply).to.deep.include({ n: 2, ok: 1 });
    expect(inserted?.duration).to.be.a('number').within(0, 5000);
    for (const field of ['requestId', 'operationId', 'commandName', 'databaseName', 'connectionId']) {
      expect(inserted?.[field], field).to.equal(insert?.[field]);
      expect(failed?.[field], field).to.equal(nonsense?.[field]);
    }
    expect(failed?.failure).to.be.instanceOf(OperationFailure).with.property('code', 59);
  });

  it('tell of an unacknowledged write that it succeeded', async () => {
    const client = newClient();
    await client.open();
    const told = record(client, COMMAND_EVENTS);
    await client.get_database(DATABASE).get_collection(uniqueName()).remove({}, { w: 0 });
    expect(told.map(({ name }) => name)).to.deep.equal(['commandStarted', 'commandSucceeded']);
    expect(told[1]?.reply).to.deep.equal({ ok: 1 });
  });

  it('tell of a command whose connection broke that it failed', async () => {
    const proxy = await newProxy();
    const client = newClient(proxy);
    await client.open();
    const told = record(client, COMMAND_EVENTS);
    proxy.on('ping', loseReply());
    const error = await rejection(ping(client));
    expect(told.map(({ name }) => name)).to.deep.equal(['commandStarted', 'commandFailed']);
    expect(told[1]?.failure).to.equal(error);
  });

  it('tell no secret', async () => {
    const client = newClient();
    const told = record(client, COMMAND_EVENTS);
    const { command } = client.get_database(DATABASE);
    await rejection(command('createUser', 'me', { pwd: 'hush', roles: [] }));
    await rejection(command('saslStart', 1, { mechanism: 'PLAIN', payload: 'hush' }));
    await command('hello', 1, { speculativeAuthenticate: { payload: 'hush', db: 'x' } }).catch(() => undefined);
    expect(told.filter(({ name }) => name === 'commandStarted')).to.have.length(3);
    for (const event of told) if (event.name === 'commandStarted') expect(event.command).to.deep.equal({});
    expect(JSON.stringify(told)).to.not.include('hush');
  });
});

describe('a listener', () => {
  it('that throws harms no operation: what it throws is uncaught', async () => {
    const { stdout, stderr, code } = await runScript(
      `const uncaught = [];
       process.on('uncaughtException', (error) => uncaught.push(error.message));
       const client = new motor.MotorClient(uri, { max_pool_size: 1 });
       const names = ${JSON.stringify([...POOL_EVENTS, ...COMMAND_EVENTS])};
       for (const name of names) client.events.on(name, () => { throw new Error(name); });
       const replies = await Promise.all([1, 2, 3].map(() => client.admin.command('ping')));
       await client.admin.command('nonsense').catch((error) => replies.push(error));
       client.close();
       await new Promise((resolve) => setImmediate(resolve));
       console.log(JSON.stringify([replies.map(({ ok, code }) => ok ?? code), [...new Set(uncaught)].sort()]));`,
      server().uri,
    );
    expect({ stderr, code }).to.deep.equal({ stderr: '', code: 0 });
    const silent = ['connectionPoolCleared', 'connectionCheckOutFailed'];
    expect(JSON.parse(stdout)).to.deep.equal([
      [1, 1, 1, 59],
      [...POOL_EVENTS, ...COMMAND_EVENTS].filter((name) => !silent.includes(name)).sort(),
    ]);
  });

  it('may close the client', async () => {
    const client = newClient();
    await client.open();
    client.events.once('commandStarted', () => client.close());
    expect((await rejection(ping(client))).message).to.include('the client was closed');
    client.events.once('commandStarted', () => client.close());
    await client
      .get_database(DATABASE)
      .get_collection('none')
      .remove({}, { w: 0 })
      .catch(() => undefined);
    await ping(client);
  });

  it('may close the client whatever it is told, and nothing is left', async () => {
    const proxy = await newProxy();
    for (const name of [...POOL_EVENTS, ...COMMAND_EVENTS, 'topologyOpening', 'serverOpening'] as const) {
      for (const nth of [1, 2, 3]) {
        const client = newClient(proxy, { max_pool_size: 3 });
        const told = record(client, [...POOL_EVENTS, ...COMMAND_EVENTS]);
        const times = (wanted: string) => told.filter((event) => event.name === wanted).length;
        let count = 0;
        client.events.on(name, () => {
          count += 1;
          if (count === nth) client.close();
        });
        await Promise.allSettled([1, 2, 3, 4, 5].map(() => ping(client)));
        expect(countsOf(client), `${name} ${nth}`).to.include({ checkedOut: 0, waiting: 0 });
        client.close();
        await eventually(() => proxy.connections.open === 0, `${name} ${nth}: all connections are closed`);
        expect(times('connectionCreated'), `${name} ${nth}`).to.equal(times('connectionClosed'));
        expect(times('connectionCheckedOut'), `${name} ${nth}`).to.equal(times('connectionCheckedIn'));
        expect(times('connectionPoolCreated'), `${name} ${nth}`).to.equal(times('connectionPoolClosed'));
        expect(times('commandStarted'), `${name} ${nth}`).to.equal(times('commandSucceeded') + times('commandFailed'));
      }
    }
  });

  it('may close a client for good while it is being opened', async () => {
    const proxy = await newProxy();
    for (const name of ['topologyOpening', 'serverOpening', 'connectionPoolCreated'] as const) {
      const client = newAsyncIOClient(proxy);
      client[ENGINE].events.on(name, () => client.close());
      expect(await rejection(ping(client)), name).to.be.instanceOf(Error);
      await eventually(() => proxy.connections.open === 0, `${name}: nobody watches the server`);
      expect(await rejection(ping(client)), name).to.be.instanceOf(InvalidOperation);
    }
  });

  it('that is not there costs nothing: no event is made', () => {
    tell(newEvents(), 'connectionPoolReady', () => expect.fail('it was made'));
  });
});

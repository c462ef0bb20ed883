import { setTimeout as sleep } from 'node:timers/promises';
import { expect } from 'chai';
import { AutoReconnect, ConnectionFailure, type MotorClient, type MotorCollection } from '../../lib/index';
import {
  countsOf,
  DATABASE,
  eachForm,
  freshCollection,
  newClient,
  newProxy,
  ping,
  uniqueName,
} from '../support/clients';
import { eventually } from '../support/eventually';
import { closeFirst, corruptReply, delayReply, hang, loseReply } from '../support/faults';
import { server } from '../support/hooks';
import type { Exchange, FaultProxy } from '../support/proxy';
import { rejection } from '../support/rejection';
import { runScript } from '../support/script';

const times = <T>(count: number, make: (i: number) => T): T[] => Array.from({ length: count }, (_, i) => make(i));

describe('the pool', () => {
  let proxy: FaultProxy;
  beforeEach(async () => {
    proxy = await newProxy();
  });

  /** A client through the proxy, and a collection of it that does not exist. */
  const connect = (options: Record<string, unknown> = {}): { client: MotorClient; things: MotorCollection } => {
    const client = newClient(proxy, options);
    return { client, things: client.get_database(DATABASE).get_collection(uniqueName()) };
  };

  describe('size', () => {
    it('is nothing at first, and one after the first operation', async () => {
      const { client } = connect();
      expect(countsOf(client)).to.deep.equal({ open: 0, idle: 0, checkedOut: 0, waiting: 0 });
      for (let i = 0; i < 5; i++) await ping(client);
      expect(countsOf(client)).to.deep.equal({ open: 1, idle: 1, checkedOut: 0, waiting: 0 });
      expect(proxy.connections.accepted).to.equal(1);
    });

    it('grows up to max_pool_size and no further', async () => {
      const { client, things } = connect({ max_pool_size: 3 });
      proxy.on('find', delayReply(50), Infinity);
      const found = Promise.all(times(12, () => things.find_one()));
      await eventually(() => countsOf(client).checkedOut === 3, 'all are checked out');
      expect(countsOf(client)).to.deep.equal({ open: 3, idle: 0, checkedOut: 3, waiting: 9 });
      await found;
      expect(countsOf(client)).to.deep.equal({ open: 3, idle: 3, checkedOut: 0, waiting: 0 });
      expect(proxy.connections.accepted).to.equal(3);
    });

    it('is limited by max_concurrent alike, beside which max_pool_size is what is kept', async () => {
      const { client, things } = connect({ max_concurrent: 4, max_pool_size: 2 });
      proxy.on('find', delayReply(100), Infinity);
      const found = Promise.all(times(8, () => things.find_one()));
      await eventually(() => countsOf(client).checkedOut === 4, 'all are checked out');
      await found;
      expect(countsOf(client)).to.include({ open: 2, idle: 2 });
      expect(proxy.connections.accepted).to.equal(4);
    });

    it('does not go below minPoolSize once the server has answered', async () => {
      const { client } = connect({ minPoolSize: 3 });
      expect(proxy.connections.accepted).to.equal(0);
      await ping(client);
      await eventually(() => countsOf(client).idle === 3, 'three are open');
      proxy.drop();
      await eventually(() => countsOf(client).open === 0, 'they are gone');
      await eventually(() => countsOf(client).idle === 3, 'three are open again');
    });

    it('shrinks when connections are idle for longer than maxIdleTimeMS', async () => {
      const { client, things } = connect({ maxIdleTimeMS: 50 });
      await Promise.all(times(3, () => things.find_one()));
      await eventually(() => countsOf(client).open === 0, 'they are closed');
      await eventually(() => proxy.connections.open === 0, 'they are closed at the server');
    });

    it('lends no connection that was idle for too long, although the loop had no time to close it', async () => {
      const { client } = connect({ maxIdleTimeMS: 30 });
      await ping(client);
      for (const until = performance.now() + 60; performance.now() < until; );
      await ping(client);
      expect(proxy.connections.accepted).to.equal(2);
    });
  });

  describe('waiting', () => {
    it('is in order of arrival, and results may come in another', async () => {
      const { client, things } = connect({ max_pool_size: 1 });
      await Promise.all(times(20, (i) => things.find_one({ i })));
      const order = proxy.commands.filter(({ name }) => name === 'find').map(({ document }) => document.filter.i);
      expect(order).to.deep.equal(times(20, (i) => i));

      const two = newClient(proxy, { max_pool_size: 2 });
      const other = two.get_database(DATABASE).get_collection(uniqueName());
      await Promise.all([ping(two), ping(two)]);
      proxy.on(({ document }) => document.filter?.slow === true, delayReply(100));
      const done: string[] = [];
      await Promise.all([
        other.find_one({ slow: true }).then(() => done.push('slow')),
        other.find_one({ slow: false }).then(() => done.push('fast')),
      ]);
      expect(done).to.deep.equal(['fast', 'slow']);
      expect(countsOf(client).open).to.equal(1);
    });

    eachForm((call) => {
      for (const [name, value] of [
        ['waitQueueTimeoutMS', 100],
        ['max_wait_time', 0.1],
      ] as const) {
        it(`ends after ${name}, and who gave up gets no connection`, async () => {
          const { client, things } = connect({ max_pool_size: 1, [name]: value });
          await client.open(); // which no limit but its own ends, however slow the machine
          proxy.on('find', (exchange) => gaveUp.then(() => delayReply(0)(exchange)));
          const found = things.find_one();
          const startedAt = performance.now();
          const gaveUp = rejection(call(things, 'count'));
          const error = await gaveUp;
          expect(performance.now() - startedAt).to.be.within(95, 5000);
          expect(error).to.be.instanceOf(ConnectionFailure).with.property('timeout', true);
          expect(error.message).to.include(`no connection to ${proxy.address} within 100 ms (waitQueueTimeoutMS)`);
          expect(error.message).to.include('1 of 1 (max_pool_size, maxPoolSize)');
          expect(await found).to.equal(null);
          await sleep(20);
          expect(proxy.names).to.deep.equal(['find']);
          expect(countsOf(client)).to.include({ checkedOut: 0, waiting: 0, idle: 1 });
        });
      }
    });

    for (const waitQueueTimeoutMS of [5000, null]) {
      it(`goes on with waitQueueTimeoutMS ${waitQueueTimeoutMS}`, async () => {
        const { things } = connect({ max_pool_size: 1, waitQueueTimeoutMS });
        proxy.on('find', delayReply(600));
        expect(await Promise.all([things.find_one(), things.count()])).to.deep.equal([null, 0]);
      });
    }

    it('is refused to more than max_pool_size × waitQueueMultiple', async () => {
      const { client, things } = connect({ max_pool_size: 2, waitQueueMultiple: 3 });
      await ping(client);
      proxy.on('find', delayReply(100), Infinity);
      const outcomes = await Promise.allSettled(times(10, () => things.find_one()));
      const refused = outcomes.filter((outcome) => outcome.status === 'rejected').map(({ reason }) => reason);
      expect(refused).to.have.length(2);
      for (const error of refused) {
        expect(error).to.be.instanceOf(ConnectionFailure);
        expect(error.message).to.include('no more than 6 may').and.include('waitQueueMultiple');
        expect(error.message).to.include('waitQueueTimeoutMS').and.include(proxy.address);
      }
    });

    it('is over for 10,000 operations at once, on a pool of 100', async function () {
      this.timeout(60_000);
      const client = newClient(server(), { max_pool_size: 100 });
      const things = client.get_database(DATABASE).get_collection(uniqueName());
      await things.insert(times(100, (i) => ({ _id: i })));
      const all = await Promise.all(times(10_000, (i) => things.find_one(i % 100)));
      all.forEach((found, i) => {
        if (found?._id !== i % 100) expect.fail(`operation ${i} found ${JSON.stringify(found)}`);
      });
      expect(countsOf(client)).to.include({ checkedOut: 0, waiting: 0 });
      expect(countsOf(client).open).to.be.within(1, 100);
      await things.drop();
    });

    it('does not let the stack grow when thousands end without a reply', async () => {
      const { client, things } = connect({ max_pool_size: 1 });
      const outcomes = await Promise.allSettled([
        ...times(5_000, () => things.update({}, { $set: { a: 'x' } }, { w: 0 })),
        ...times(5_000, () => things.find_one({ 'a\0b': 1 })),
        ping(client),
      ]);
      const failed = outcomes.filter(({ status }) => status === 'rejected');
      expect(failed).to.have.length(5_000);
      expect(countsOf(client)).to.include({ open: 1 });
    });
  });

  describe('unacknowledged writes', () => {
    const things = freshCollection();

    it('use one connection together with what follows, and arrive in order', async () => {
      const client = newClient(proxy);
      const collection = client.get_database(DATABASE).get_collection(things().name);
      const insertTen = async () => {
        const ids = times(10, (i) => `${i}`);
        const inserts = ids.map((_id, i) => collection.insert({ _id }, i < 9 ? { w: 0 } : {}));
        expect(await Promise.all(inserts)).to.deep.equal(ids);
        expect(countsOf(client)).to.include({ open: 1, idle: 1 });
        const sent = proxy.commands.filter(({ name }) => name === 'insert');
        expect(sent.slice(-10).map(({ document }) => document.documents[0]._id)).to.deep.equal(ids);
        expect(await things().count()).to.equal(10);
      };
      await insertTen();
      await things().remove();
      await insertTen();
    });
  });

  describe('after a network error', () => {
    it('uses no connection that is older', async () => {
      const { client, things } = connect();
      proxy.on('find', delayReply(50), Infinity);
      await Promise.all(times(5, () => things.find_one()));
      const before = countsOf(client).open;
      expect(before).to.be.greaterThan(1);
      proxy.on('count', closeFirst());
      // One more is at work: it may end what it is at.
      const late = things.find_one();
      expect(await rejection(things.count())).to.be.instanceOf(AutoReconnect);
      expect(countsOf(client)).to.deep.equal({ open: 1, idle: 0, checkedOut: 1, waiting: 0 });
      expect(await late).to.equal(null);
      expect(countsOf(client).open).to.equal(0);
      const { accepted } = proxy.connections;
      await ping(client);
      expect(proxy.connections.accepted).to.equal(accepted + 1);
    });

    it('serves those who wait', async () => {
      const { client, things } = connect({ max_pool_size: 2 });
      await Promise.all([ping(client), ping(client)]);
      proxy.on('find', loseReply());
      const outcomes = await Promise.allSettled(times(10, () => things.find_one()));
      expect(outcomes.filter(({ status }) => status === 'rejected')).to.have.length(1);
    });

    it('fails those who wait when nobody listens any more', async () => {
      const { client, things } = connect({ max_pool_size: 1 });
      await ping(client);
      proxy.on('find', async (exchange) => {
        proxy.refuse();
        exchange.close();
      });
      const outcomes = await Promise.allSettled(times(5, () => things.find_one()));
      for (const outcome of outcomes) {
        expect(outcome.status === 'rejected' && outcome.reason).to.be.instanceOf(AutoReconnect);
      }
      await proxy.accept();
      await ping(client);
    });

    it('lets those wait on who stand behind a connection of the generation before', async () => {
      const { client, things } = connect({ max_pool_size: 3 });
      await ping(client);
      // The others hang in their handshakes while the first one breaks.
      const hangUp = async (exchange: Exchange) => {
        await sleep(100);
        exchange.close();
      };
      proxy.on('hello', hangUp, 2);
      proxy.on('find', async (exchange) => {
        await sleep(30);
        exchange.close();
      });
      const outcomes = await Promise.allSettled([things.find_one(), things.count(), things.count()]);
      expect(outcomes.map(({ status }) => status)).to.deep.equal(['rejected', 'fulfilled', 'fulfilled']);
    });

    it('keeps the others when a reply was only malformed or late', async () => {
      const { client, things } = connect({ socketTimeoutMS: 200 });
      proxy.on('find', delayReply(30), 2);
      await Promise.all([things.find_one(), things.find_one()]);
      const { open } = countsOf(client);
      proxy.on('find', corruptReply('wrong responseTo'));
      await rejection(things.find_one());
      expect(countsOf(client).open).to.equal(open - 1);
    });

    it('notices an idle connection that the server has closed', async () => {
      const { client } = connect();
      await ping(client);
      proxy.drop();
      await eventually(() => countsOf(client).open === 0, 'it is noticed');
      await ping(client);
    });

    it('notices it also when the loop stood still meanwhile', async () => {
      // The proxy lives in this process, so that the one who stands still is another one.
      const outcome = runScript(
        `const client = new motor.MotorClient(uri);
         await client.admin.command('ping');
         for (const until = performance.now() + 1500; performance.now() < until; );
         console.log(JSON.stringify(await client.admin.command('ping')));
         client.close();`,
        proxy.uri,
      );
      await eventually(() => proxy.names.includes('ping'), 'the script is there');
      await sleep(300);
      proxy.drop();
      const { stdout, stderr } = await outcome;
      expect(stderr).to.equal('');
      expect(JSON.parse(stdout)).to.include({ ok: 1 });
    });
  });

  describe('close', () => {
    eachForm((call) => {
      it('fails what is under way and what waits, and the client opens itself again', async () => {
        const { client, things } = connect({ max_pool_size: 1 });
        await ping(client);
        proxy.on('find', hang());
        const outcomes = Promise.all([
          rejection(call(things, 'find_one')),
          rejection(call(things, 'count')),
          rejection(call(things, 'count')),
        ]);
        await eventually(() => proxy.names.includes('find'), 'it is under way');
        client.close();
        expect(countsOf(client)).to.deep.equal({ open: 0, idle: 0, checkedOut: 0, waiting: 0 });
        const errors = await outcomes;
        for (const error of errors) {
          expect(error).to.be.instanceOf(AutoReconnect);
          expect(error.message).to.include('the client was closed').and.include(proxy.address);
        }
        expect(errors[0]?.message).to.include(`during find on ${things.full_name}`);
        client.close();
        expect(await call(things, 'find_one')).to.equal(null);
        expect(proxy.connections.accepted).to.equal(2);
      });
    });

    it('fails what waits for the first connection', async () => {
      const { client } = connect();
      proxy.on('hello', hang());
      const errors = Promise.all(times(3, () => rejection(ping(client))));
      await eventually(() => proxy.commands.length === 1, 'the hello is there');
      client.close();
      for (const error of await errors) expect(error).to.be.instanceOf(AutoReconnect);
      await ping(client);
    });

    it('lets an operation that was called just before fail or end, but not hang', async () => {
      for (let turns = 0; turns < 8; turns++) {
        const { client } = connect();
        const outcome = ping(client).then(
          () => 'ended',
          (error) => expect(error).to.be.instanceOf(AutoReconnect),
        );
        for (let i = 0; i < turns; i++) await new Promise((resolve) => setImmediate(resolve));
        client.close();
        await outcome;
        expect(countsOf(client)).to.deep.equal({ open: 0, idle: 0, checkedOut: 0, waiting: 0 });
      }
    });

    for (const [what, body] of [
      ['after operations', `await Promise.all(Array.from({ length: 50 }, () => client.admin.command('ping')));`],
      ['after a cursor', `await client.admin.x.find().to_list(null);`],
      ['with operations under way', `client.admin.command('ping').catch(() => {});`],
      ['without any operation', ``],
    ] as const) {
      it(`lets the process end ${what}, and leaves nothing in it`, async () => {
        const { code, stdout, stderr } = await runScript(
          `const client = new motor.MotorClient(uri, { waitQueueTimeoutMS: 60000, maxIdleTimeMS: 60000, minPoolSize: 1,
             socketTimeoutMS: 60000 });
           ${body}
           client.close();
           for (let i = 0; i < 5; i++) await new Promise((resolve) => setImmediate(resolve));
           console.log(JSON.stringify(process.getActiveResourcesInfo().filter((name) => !/Pipe|TTY|Immediate/.test(name))));`,
          server().uri,
        );
        expect({ code, stderr }).to.deep.equal({ code: 0, stderr: '' });
        expect(JSON.parse(stdout)).to.deep.equal([]);
      });
    }

    it('lets the process end although the connection failed', async () => {
      proxy.refuse();
      const { code, stdout } = await runScript(
        `const client = new motor.MotorClient(uri);
         await client.admin.command('ping').catch((error) => console.log(error.name));`,
        proxy.uri,
      );
      expect({ code, stdout }).to.deep.equal({ code: 0, stdout: 'AutoReconnect\n' });
    });

    it('lets the process end although the name is resolved afterwards', async () => {
      const { code, stdout } = await runScript(
        `const client = new motor.MotorClient('localhost', 1);
         client.admin.command('ping').catch((error) => console.log(error.name));
         client.close();`,
        proxy.uri,
      );
      expect({ code, stdout }).to.deep.equal({ code: 0, stdout: 'AutoReconnect\n' });
    });

    it('leaves no listeners behind, however often', async () => {
      const { stdout } = await runScript(
        `const { Socket } = require('node:net');
         const sockets = [];
         const connect = Socket.prototype.connect;
         Socket.prototype.connect = function (...args) { sockets.push(this); return connect.apply(this, args); };
         const client = new motor.MotorClient(uri, { max_pool_size: 1 });
         const counts = () => sockets.map((s) => s.eventNames().reduce((sum, name) => sum + s.listenerCount(name), 0));
         await client.admin.command('ping');
         const [first] = counts();
         for (let i = 0; i < 200; i++) {
           await client.admin.command('ping');
           await client.admin.x.remove({}, { w: 0 });
         }
         const [last] = counts();
         client.close();
         console.log(JSON.stringify([first, last, sockets.length]));`,
        server().uri,
      );
      const [first, last, sockets] = JSON.parse(stdout);
      expect(last).to.equal(first);
      expect(sockets).to.equal(1);
    });
  });
});

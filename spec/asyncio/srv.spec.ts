import { inspect } from 'node:util';
import { expect } from 'chai';
import { stub } from 'sinon';
import { AsyncIOMotorClient, AutoReconnect, ConfigurationError, InvalidOperation } from '../../lib/asyncio/index';
import { InvalidURI, MotorClient } from '../../lib/index';
import { eachForm, newAsyncIOClient, newProxy } from '../support/clients';
import { eventually } from '../support/eventually';
import { rewriteReply } from '../support/faults';
import { nameServer } from '../support/nameServer';
import { rejection } from '../support/rejection';

// The addresses of targets are not asked of the DNS servers that Node can be pointed to. But 127.0.0.1 has the form of a
// name in the domain 0.0.1, and needs no address.
const HOST = 'cluster.0.0.1';
const SERVICE = `_mongodb._tcp.${HOST}`;
const URI = `mongodb+srv://${HOST}/shop?tls=false`;

describe('AsyncIOMotorClient of mongodb+srv://', () => {
  const names = nameServer();

  /** A way to the real server that the DNS names. */
  async function named() {
    const proxy = await newProxy();
    names().serve(SERVICE, `127.0.0.1:${proxy.port}`);
    return proxy;
  }

  it('does no I/O, and has options, equality and pictures before the DNS is asked', async () => {
    const client = new AsyncIOMotorClient(`mongodb+srv://eve:secret@${HOST}/shop`, { srvMaxHosts: 3 });
    expect(String(client)).to.equal(`AsyncIOMotorClient(MongoClient(['mongodb+srv://${HOST}']))`);
    expect(inspect(client)).to.include(HOST).and.not.include('secret');
    expect(client.options).to.include({ replica_set_name: null, direct_connection: false });
    expect(client.address).to.equal(null);
    expect(client.nodes).to.deep.equal([]);
    expect(client.get_default_database().name).to.equal('shop');
    const other = (uri: string, kw = {}) => new AsyncIOMotorClient(uri, kw);
    expect(client.equals(other(`mongodb+srv://eve:secret@${HOST}/shop?srvMaxHosts=3`))).to.equal(true);
    expect(client.equals(other(`mongodb+srv://eve:secret@${HOST}/shop`))).to.equal(false);
    expect(client.equals(other('mongodb+srv://eve:secret@other.0.0.1/shop', { srvMaxHosts: 3 }))).to.equal(false);
    client.close();
    expect(names().questions).to.deep.equal([]);
  });

  eachForm((call) => {
    it('asks with the first operation, and works', async () => {
      const proxy = await named();
      const client = newAsyncIOClient(URI);
      expect(await call(client.get_database('admin'), 'command', 'ping')).to.include({ ok: 1 });
      expect(client.address).to.deep.equal(['127.0.0.1', proxy.port]);
      expect(String(client)).to.include(`'127.0.0.1:${proxy.port}'`);
      expect(client.equals(new AsyncIOMotorClient(URI))).to.equal(true);
      expect(await call(client, 'list_database_names')).to.be.an('array');
      expect(names().questions).to.have.members([`SRV ${SERVICE}`, `TXT ${HOST}`]);
    });

    it('every operation fails as long as the DNS does, with its reason; then they work', async () => {
      const client = newAsyncIOClient(URI);
      const things = client.get_database('shop').get_collection('things');
      for (const method of ['find_one', 'count_documents', 'insert_one'] as const) {
        const error = await rejection(call(things, method, {}));
        expect(error).to.be.instanceOf(ConfigurationError);
        expect(error.message).to.include(`there is no SRV record of ${SERVICE}`);
      }
      names().serve(SERVICE, '127.0.0.1:1', 'evil.com:1');
      expect((await rejection(call(things, 'find_one'))).message).to.include("'evil.com' is not in the domain 0.0.1");
      names().serve(SERVICE, '127.0.0.1:1');
      names().describe(HOST, 'a', 'b');
      expect((await rejection(call(things, 'find_one'))).message).to.include('2 TXT records');
      names().describe(HOST, 'tls=false');
      expect((await rejection(call(things, 'find_one'))).message).to.include("not 'tls'");
      names().describe(HOST);
      await named();
      expect(await call(things, 'find_one', { no: 'such' })).to.equal(null);
    });

    it('a silent name server costs no more than connectTimeoutMS', async () => {
      names().silentOn = 'all';
      const client = newAsyncIOClient(URI, { connectTimeoutMS: 50 });
      const error = await rejection(call(client, 'server_info'));
      expect(error).to.be.instanceOf(ConfigurationError);
      expect(error.message).to.include('within 50 ms');
    });

    it('close ends what waits for the DNS', async () => {
      names().silentOn = 'all';
      const client = newAsyncIOClient(URI);
      const waiting = rejection(call(client, 'server_info'));
      await eventually(() => names().questions.length > 0, 'the question has come');
      client.close();
      const error = await waiting;
      expect(error).to.be.instanceOf(AutoReconnect);
      expect(error.message).to.include('the client was closed');
      expect(await rejection(call(client, 'server_info'))).to.be.instanceOf(InvalidOperation);
    });
  });

  it('operations that come first together ask once, and keep their order', async () => {
    await named();
    const { database } = newAsyncIOClient(URI, { maxPoolSize: 1 }).get_database('shop').get_collection('things');
    const order: number[] = [];
    await Promise.all([1, 2, 3, 4].map((n) => database.command('ping').then(() => order.push(n))));
    expect(order).to.deep.equal([1, 2, 3, 4]);
    expect(names().questions).to.have.length(2);
  });

  it('a cursor and a large insert find the servers as well', async () => {
    await named();
    const things = newAsyncIOClient(URI).get_database('motor_spec').get_collection('srv');
    expect(await things.find({ no: 'such' }).to_list()).to.deep.equal([]);
    const others = newAsyncIOClient(URI).get_database('motor_spec').get_collection('srv');
    expect((await others.insert_many([{ a: 1 }, { a: 2 }])).inserted_ids).to.have.length(2);
    await others.drop();
  });

  it('what the TXT record says is in force', async () => {
    await named();
    names().describe(HOST, 'replicaSet=rs');
    const client = newAsyncIOClient(URI, { serverSelectionTimeoutMS: 100 });
    const error = await rejection(client.server_info());
    expect(error.message).to.include("not of 'rs' (replicaSet)");
    expect(client.options.replica_set_name).to.equal('rs');
  });

  it('follows the DNS as long as the servers are mongoses', async () => {
    // A minute is short here.
    const { setTimeout } = globalThis;
    const timers = stub(globalThis, 'setTimeout');
    timers.callsFake(((run: () => void, ms: number) => setTimeout(run, ms === 60_000 ? 20 : ms)) as typeof setTimeout);
    try {
      const proxies = [await newProxy(), await newProxy(), await newProxy()] as const;
      for (const proxy of proxies) {
        proxy.on(
          'hello',
          rewriteReply((reply) => ({ ...reply, msg: 'isdbgrid' })),
          Infinity,
        );
      }
      const [first, second, third] = proxies.map(({ port }) => `127.0.0.1:${port}`) as [string, string, string];
      names().serve(SERVICE, first, second);
      const client = newAsyncIOClient(URI, { serverSelectionTimeoutMS: 5000 });
      const nodes = () => client.nodes.map(([host, port]) => `${host}:${port}`).sort();
      await client.get_database('admin').command('ping');
      await eventually(() => nodes().join() === [first, second].sort().join(), 'both are known');
      names().serve(SERVICE, second, third);
      await eventually(() => nodes().join() === [second, third].sort().join(), 'one has gone, one has come');
      await eventually(() => proxies[0].connections.open === 0, 'nobody is connected to the one that has gone');
      expect(await client.get_database('admin').command('ping')).to.include({ ok: 1 });
      names().serve(SERVICE);
      const before = names().questions.length;
      await eventually(() => names().questions.length > before, 'the DNS is asked again');
      expect(nodes()).to.deep.equal([second, third].sort());
      client.close();
    } finally {
      timers.restore();
    }
  });

  it('connect: true asks in the background', async () => {
    const proxy = await named();
    const client = newAsyncIOClient(URI, { connect: true });
    await eventually(() => client.address !== null, 'it is connected');
    expect(client.address).to.deep.equal(['127.0.0.1', proxy.port]);
  });

  it('connect: true keeps a failure for the first operation', async () => {
    const client = newAsyncIOClient(URI, { connect: true });
    await eventually(() => names().questions.length > 0, 'the question has come');
    expect(await rejection(client.server_info())).to.be.instanceOf(ConfigurationError);
  });

  it('MotorClient does not know it', () => {
    expect(() => new MotorClient(`mongodb+srv://eve:secret@${HOST}`))
      .to.throw(InvalidURI, 'mongodb+srv://')
      .with.property('message')
      .that.does.not.include('secret');
  });
});

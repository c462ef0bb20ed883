import { type Document, Long, ObjectId } from 'bson';
import { expect } from 'chai';
import { AutoReconnect } from '../../lib/core/errors';
import { ENGINE } from '../../lib/motor/settings';
import { countsOf, newAsyncIOClient, newProxy, ping } from '../support/clients';
import { eventually } from '../support/eventually';
import { answer, closeFirst, delayReply, hang, rewriteReply } from '../support/faults';
import { MORE_TO_COME, opMsg, replyOf } from '../support/message';
import { type Exchange, type FaultProxy, isHello } from '../support/proxy';
import { record } from '../support/record';
import { rejection } from '../support/rejection';
import { runScript } from '../support/script';

type Client = ReturnType<typeof newAsyncIOClient>;
const HEARTBEATS = ['serverHeartbeatStarted', 'serverHeartbeatSucceeded', 'serverHeartbeatFailed'] as const;

const hellosOf = (proxy: FaultProxy) => proxy.commands.filter(({ name }) => isHello(name));
const typesOf = (client: Client) =>
  [...client.topology_description.server_descriptions().values()].map((server) => server.server_type_name);

/** A server that streams its hellos. It is played: the real one does not. */
async function streamingProxy() {
  const proxy = await newProxy();
  const processId = new ObjectId();
  let counter = 1;
  const streams: { exchange: Exchange; send(): void }[] = [];
  const versioned = (hello: Document): Document => ({
    ...hello,
    topologyVersion: { processId, counter: Long.fromNumber(counter) },
  });
  const begin = async (exchange: Exchange) => {
    const { command } = exchange;
    let last = command.requestId;
    const hello = replyOf((await exchange.forward()) as Buffer, true);
    const send = () => {
      const id = 1_000_000 + counter;
      void exchange.send(opMsg(id, last, versioned(hello), MORE_TO_COME));
      last = id;
    };
    streams.push({ exchange, send });
  };
  proxy.on((command) => command.exhaustAllowed && isHello(command.name), begin, Number.POSITIVE_INFINITY);
  proxy.on('hello', rewriteReply(versioned), Number.POSITIVE_INFINITY);
  return {
    proxy,
    streams,
    /** The server has something to tell. */
    tell() {
      counter += 1;
      for (const { send } of streams) send();
    },
  };
}

describe('a monitor', () => {
  it('asks on a connection of its own, by the old name first, until the client is closed', async () => {
    const proxy = await newProxy();
    const client = newAsyncIOClient(proxy, { heartbeatFrequencyMS: 500 });
    const told = record(client, [...HEARTBEATS, 'commandStarted']);
    await ping(client);
    await eventually(() => hellosOf(proxy).filter(({ name }) => name === 'hello').length >= 2, 'two more checks');
    client.close();

    const hellos = hellosOf(proxy);
    const own = hellos[0]?.connection;
    const byMonitor = hellos.filter(({ connection }) => connection === own);
    expect(byMonitor[0]).to.include({ name: 'ismaster', legacy: true });
    expect(byMonitor[0]?.document).to.include({ helloOk: true });
    expect(byMonitor.slice(1).every(({ name, legacy }) => name === 'hello' && !legacy)).to.equal(true);
    expect(hellos.length - byMonitor.length, "the pool's handshakes").to.equal(1);
    expect(proxy.connections.accepted).to.equal(2);

    expect(told.slice(0, 2).map(({ name }) => name)).to.deep.equal([
      'serverHeartbeatStarted',
      'serverHeartbeatSucceeded',
    ]);
    expect(told[1]).to.deep.include({ address: proxy.address, awaited: false });
    expect(told[1]?.reply).to.include({ ok: 1 });
    expect(told.filter(({ name }) => name === 'commandStarted').map((event) => event.commandName)).to.deep.equal([
      'ping',
    ]);
    const count = proxy.commands.length;
    await new Promise((resolve) => setTimeout(resolve, 600));
    expect(proxy.commands.length).to.equal(count);
  });

  it('stays with the old name where the server does not know the new one', async () => {
    const proxy = await newProxy();
    proxy.on(
      'hello',
      rewriteReply(({ helloOk, ...hello }) => hello),
      Number.POSITIVE_INFINITY,
    );
    const client = newAsyncIOClient(proxy, { heartbeatFrequencyMS: 500 });
    await ping(client);
    await eventually(() => hellosOf(proxy).length >= 4, 'two more checks');
    expect(hellosOf(proxy).map(({ name }) => name)).not.to.include('hello');
  });

  it('has the server stream where it can, and measures the round trip beside it', async () => {
    const { proxy, streams, tell } = await streamingProxy();
    const client = newAsyncIOClient(proxy, { heartbeatFrequencyMS: 10_000 });
    const told = record(client, HEARTBEATS);
    await ping(client);
    await eventually(() => streams.length === 1, 'the monitor awaits news');
    const { document, connection } = (streams[0] as { exchange: Exchange }).exchange.command;
    expect(document).to.include({ hello: 1, maxAwaitTimeMS: 10_000 });
    expect(document.topologyVersion.counter).to.equal(1);

    const awaited = () => told.filter((event) => event.name === 'serverHeartbeatSucceeded' && event.awaited).length;
    for (const times of [1, 2, 3]) {
      tell();
      await eventually(() => awaited() === times, `the server has told ${times} times`);
    }
    expect(streams).to.have.length(1);
    expect(hellosOf(proxy).filter((command) => command.connection === connection)).to.have.length(2);
    // The monitor's, the pool's, and the one for measuring.
    await eventually(() => proxy.connections.accepted === 3, 'the round trip is measured');
    const [server] = client.topology_description.server_descriptions().values();
    expect(server?.round_trip_time).to.be.a('number');
  });

  it('polls all the same with serverMonitoringMode poll, and among functions that are frozen', async () => {
    for (const { mode, variable } of [{ mode: 'poll' }, { mode: 'auto', variable: 'FUNCTIONS_WORKER_RUNTIME' }]) {
      if (variable !== undefined) process.env[variable] = 'node';
      try {
        const { proxy, streams } = await streamingProxy();
        const client = newAsyncIOClient(proxy, { heartbeatFrequencyMS: 500, serverMonitoringMode: mode });
        await ping(client);
        await eventually(() => hellosOf(proxy).length >= 4, 'two more checks');
        expect(streams).to.deep.equal([]);
      } finally {
        if (variable !== undefined) delete process.env[variable];
      }
    }
  });

  it('is content with a server that could stream and does not', async () => {
    const { proxy, streams } = await streamingProxy();
    const client = newAsyncIOClient(proxy, { heartbeatFrequencyMS: 500 });
    await ping(client);
    await eventually(() => streams.length === 1, 'the monitor awaits news');
    const { exchange } = streams[0] as { exchange: Exchange };
    const before = hellosOf(proxy).length;
    const hello = { ok: 1, maxWireVersion: 29, minWireVersion: 0, isWritablePrimary: true, helloOk: true };
    const topologyVersion = { processId: new ObjectId(), counter: Long.fromNumber(1) };
    await exchange.send(exchange.replyWith({ ...hello, topologyVersion }));
    await eventually(() => streams.length === 2, 'it asks again');
    expect(hellosOf(proxy).length - before).to.be.below(4);
  });

  it('finds out that the server is gone, clears the pool, and is back with the server', async () => {
    const proxy = await newProxy();
    const client = newAsyncIOClient(proxy, { heartbeatFrequencyMS: 500 });
    const told = record(client, ['serverHeartbeatFailed', 'connectionPoolCleared', 'serverDescriptionChanged']);
    await ping(client);
    expect(typesOf(client)).to.deep.equal(['Standalone']);
    const rule = proxy.on('hello', closeFirst(), 2);
    await eventually(() => typesOf(client)[0] === 'Unknown', 'the server is not known any more');
    expect(countsOf(client).open).to.equal(0);
    // At once, for it was known before; then not before the next heartbeat.
    await eventually(() => rule.hits === 2, 'it was tried again');
    await eventually(() => typesOf(client)[0] === 'Standalone', 'the server is back');
    expect(told.map(({ name }) => name)).to.deep.equal([
      'serverDescriptionChanged',
      'serverHeartbeatFailed',
      'serverDescriptionChanged',
      'connectionPoolCleared',
      'serverHeartbeatFailed',
      'serverDescriptionChanged',
      'serverDescriptionChanged',
    ]);
  });

  it('gives up a check after connectTimeoutMS, and what is under way with it', async () => {
    const proxy = await newProxy();
    const client = newAsyncIOClient(proxy, { heartbeatFrequencyMS: 500, connectTimeoutMS: 200, retryReads: false });
    const told = record(client, ['serverHeartbeatFailed', 'connectionPoolCleared']);
    await ping(client);
    proxy.on('ping', hang());
    const under = rejection(ping(client));
    proxy.on('hello', hang());
    expect((await under).message).to.match(/was given up during ping on admin/);
    expect(told.map(({ name }) => name)).to.deep.equal(['serverHeartbeatFailed', 'connectionPoolCleared']);
    expect(told[0]?.failure).to.be.an('error').with.property('message').that.includes('within 200 ms');
    expect(told[1]).to.include({ interruptInUseConnections: true });
  });

  it('checks soon when somebody waits', async () => {
    const proxy = await newProxy();
    proxy.refuse();
    const client = newAsyncIOClient(proxy, { heartbeatFrequencyMS: 60_000 });
    const told = record(client, ['serverHeartbeatFailed']);
    const waiting = ping(client);
    await eventually(() => told.length === 2, 'it was checked twice');
    await proxy.accept();
    expect(await waiting).to.include({ ok: 1 });
    expect(told.length).to.be.within(2, 3);
  });

  it('does not wait on a connection that may be broken, once another one is', async () => {
    const { proxy, streams } = await streamingProxy();
    const client = newAsyncIOClient(proxy, { heartbeatFrequencyMS: 30_000 });
    await ping(client);
    await eventually(() => streams.length === 1, 'the monitor awaits news');
    proxy.on('ping', closeFirst());
    await rejection(ping(client));
    expect(await ping(client)).to.include({ ok: 1 });
    await eventually(() => streams.length === 2, 'the monitor awaits news on a new connection');
    // The monitor's, the pool's, and the one for measuring.
    await eventually(() => proxy.connections.open === 3, 'the old ones are closed');
  });

  it('measures how far the server is', async () => {
    const proxy = await newProxy();
    const client = newAsyncIOClient(proxy, { heartbeatFrequencyMS: 500 });
    const measured = () => client.topology_description.server_descriptions().get(proxy.address)?.round_trip_time ?? 0;
    await ping(client);
    expect(measured()).to.be.above(0);
    proxy.on('hello', delayReply(1000));
    await eventually(() => measured() > 150, 'a fifth of the long one is in the average');
    expect(measured()).to.be.below(1000);
  });

  it('begins nothing for a listener that closes the client', async () => {
    const proxy = await newProxy();
    const client = newAsyncIOClient(proxy);
    client[ENGINE].events.on('serverHeartbeatStarted', () => client.close());
    expect(await rejection(ping(client))).to.be.instanceOf(AutoReconnect);
    expect(proxy.connections.accepted).to.equal(0);
  });

  it('says nothing of a server that refuses hello but that it does', async () => {
    const proxy = await newProxy();
    proxy.on('hello', answer({ ok: 0, errmsg: 'not today', code: 1 }), Number.POSITIVE_INFINITY);
    const client = newAsyncIOClient(proxy, { serverSelectionTimeoutMS: 0 });
    expect((await rejection(ping(client))).message).to.include('not today');
  });

  it('keeps no process alive, though an operation that waits does', async () => {
    const proxy = await newProxy();
    const outcome = await runScript(
      `const { AsyncIOMotorClient } = asyncio();
       const client = new AsyncIOMotorClient(uri, { connect: true });
       const gone = new AsyncIOMotorClient('mongodb://127.0.0.1:1', { serverSelectionTimeoutMS: 300 });
       gone.server_info().catch((error) => console.log(error.name));`,
      proxy.uri,
    );
    expect(outcome).to.deep.equal({ code: 0, stdout: 'ServerSelectionTimeoutError\n', stderr: '' });
    await eventually(() => proxy.connections.open === 0, 'its connections are closed');
    expect(hellosOf(proxy)).to.have.length(1);
  });
});

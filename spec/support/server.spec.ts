import { spawn } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Int32, serialize } from 'bson';
import { expect } from 'chai';
import * as sinon from 'sinon';
import { DATABASE } from './clients';
import { eventually } from './eventually';
import { server } from './hooks';
import { EXHAUST_ALLOWED, flagsOf, MORE_TO_COME, opMsg, replyOf } from './message';
import { needing, needsOwnServer } from './needs';
import { CommandError, RawClient, runRaw } from './rawClient';
import { rejection } from './rejection';
import { startServer } from './server';

/** A server in a process of its own, as a shell would start it. */
async function serveElsewhere() {
  const { MOTOR_TEST_URI: _, ...env } = process.env;
  const child = spawn(process.execPath, [join(__dirname, 'serve.js')], { stdio: ['ignore', 'pipe', 'inherit'], env });
  let said = '';
  for await (const text of child.stdout.setEncoding('utf8')) {
    said += text;
    if (said.includes('Ctrl-C')) break;
  }
  const port = Number(/uri\s+\S+:(\d+)/.exec(said)?.[1]);
  const socketPath = /socket\s+(\S+)/.exec(said)?.[1] ?? '';
  const { pid } = await runRaw({ port }, 'admin', { serverStatus: 1 });
  return { child, port, folder: dirname(socketPath), pid: Number(pid) };
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    // What ended and waits for being reaped, which in a container may be never, is not alive.
    return !/^State:\s+Z/m.test(existsSync('/proc/self') ? readFileSync(`/proc/${pid}/status`, 'utf8') : '');
  } catch {
    return false;
  }
}

describe('the test server', () => {
  let client: RawClient;
  beforeEach(async () => {
    client = await RawClient.connect(server());
  });
  afterEach(() => client.close());

  it('says hello the modern and the legacy way, each connection with an id of its own', async () => {
    const other = await RawClient.connect(server());
    const modern = await client.run('admin', { hello: 1 });
    const legacy = await other.runLegacy('admin', { isMaster: 1, helloOk: true });
    await other.close();
    expect(modern.maxWireVersion).to.be.at.least(6);
    expect(legacy.maxWireVersion).to.equal(modern.maxWireVersion);
    expect(legacy.connectionId).to.not.equal(modern.connectionId);
  });

  it('answers pipelined commands of a connection in their order', async () => {
    const ids = [
      client.send('admin', { ping: 1 }),
      client.send('admin', { buildInfo: 1 }),
      client.send('admin', { ping: 1 }),
    ];
    const replies = [await client.read(), await client.read(), await client.read()];
    expect(replies.map((reply) => reply.readInt32LE(8))).to.deep.equal(ids);
    expect(replyOf(replies[1] as Buffer)).to.have.property('version');
  });

  it('reads a message that arrives byte by byte', async () => {
    for (const byte of opMsg(77, 0, { ping: 1, $db: 'admin' })) client.write(Buffer.from([byte]));
    expect((await client.read()).readInt32LE(8)).to.equal(77);
  });

  it('sends no reply to a command that wants none', async () => {
    client.send('spec_server', { insert: 'quiet', documents: [{ _id: 1 }], writeConcern: { w: 0 } }, MORE_TO_COME);
    const { n } = await client.run('spec_server', { count: 'quiet' });
    expect(n).to.equal(1);
    await client.run('spec_server', { dropDatabase: 1 });
  });

  it('takes messages as long as it says', async () => {
    const { maxMessageSizeBytes } = await client.run('admin', { hello: 1 });
    const body = opMsg(1, 0, { insert: 'long', $db: DATABASE });
    const count = 1000;
    const overhead = body.length + 15;
    const length = Math.floor((maxMessageSizeBytes - overhead) / count);
    const text = 'x'.repeat(length - 25);
    const documents = Array.from({ length: count }, (_, i) => serialize({ _id: new Int32(i), text }));
    const sequence = Buffer.alloc(15);
    sequence.writeUInt8(1);
    sequence.writeInt32LE(14 + length * count, 1);
    sequence.write('documents', 5);
    body.writeInt32LE(overhead + length * count, 0);
    client.write(Buffer.concat([body, sequence, ...documents]));
    expect(replyOf(await client.read())).to.deep.include({ n: count, ok: 1 });
    await client.run(DATABASE, { drop: 'long' });
  });

  it('closes the connection on a length that no message has, and goes on with the others', async () => {
    const other = await RawClient.connect(server());
    other.write(Buffer.from([255, 255, 255, 255, 0, 0, 0, 0]));
    expect(await rejection(other.read())).to.have.property('message', 'the connection was closed');
    expect((await client.run('admin', { ping: 1 })).ok).to.equal(1);
  });

  it('answers commands it does not know by an error', async () => {
    const error = await rejection(client.run('admin', { frobnicate: 1 }));
    expect(error).to.be.instanceOf(CommandError).with.property('code', 59);
  });

  it('lives on after commands on sessions, whether it has them or not', async () => {
    const some = [{ id: Buffer.alloc(16) }];
    for (const name of ['refreshSessions', 'endSessions', 'killSessions', 'killAllSessions']) {
      await client.run('admin', { [name]: some }).catch((error: Error) => expect(error).instanceOf(CommandError));
    }
    await client.run('admin', { startSession: 1 }).catch((error: Error) => expect(error).instanceOf(CommandError));
    expect((await client.run('admin', { ping: 1 })).ok).to.equal(1);
    expect((await client.run('admin', { hello: 1 })).logicalSessionTimeoutMinutes !== undefined).to.equal(
      server().capabilities.has('sessions'),
    );
  });

  it('lets the getMore of an awaiting cursor wait for documents, without holding up anyone', async () => {
    await client.run('spec_server', { create: 'log', capped: true, size: 4096 });
    await client.run('spec_server', { insert: 'log', documents: [{ _id: 1 }] });
    const tail = await RawClient.connect(server());
    const { cursor } = await tail.run('spec_server', { find: 'log', tailable: true, awaitData: true });
    const more = { getMore: cursor.id, collection: 'log', maxTimeMS: 150 };

    const start = Date.now();
    const empty = await tail.run('spec_server', more);
    expect(empty.cursor.nextBatch).to.deep.equal([]);
    expect(Date.now() - start).to.be.at.least(140);

    const waiting = tail.run('spec_server', { ...more, maxTimeMS: 10_000 });
    await client.run('spec_server', { insert: 'log', documents: [{ _id: 2 }] });
    expect((await waiting).cursor.nextBatch).to.deep.equal([{ _id: 2 }]);
    await tail.close();
    await client.run('spec_server', { dropDatabase: 1 });
  });

  it('unlocks after fsync although many writes wait', async () => {
    await client.run('admin', { fsync: 1, lock: true });
    const writers = await Promise.all(Array.from({ length: 20 }, () => RawClient.connect(server())));
    const writes = writers.map((writer, _id) => writer.run('spec_server', { insert: 'locked', documents: [{ _id }] }));
    await sleep(50);
    expect((await client.run('spec_server', { count: 'locked' })).n).to.equal(0);
    await client.run('admin', { fsyncUnlock: 1 });
    await Promise.all(writes);
    expect((await client.run('spec_server', { count: 'locked' })).n).to.equal(20);
    await Promise.all(writers.map((writer) => writer.close()));
    await client.run('spec_server', { dropDatabase: 1 });
  });

  it('answers a getMore that allows exhaust', async () => {
    await client.run('spec_server', { insert: 'many', documents: [{ _id: 1 }, { _id: 2 }, { _id: 3 }] });
    const { cursor } = await client.run('spec_server', { find: 'many', batchSize: 1 });
    client.send('spec_server', { getMore: cursor.id, collection: 'many', batchSize: 1 }, EXHAUST_ALLOWED);
    const reply = await client.read();
    expect(replyOf(reply).cursor.nextBatch).to.deep.equal([{ _id: 2 }]);
    expect((flagsOf(reply) & MORE_TO_COME) !== 0).to.equal(server().capabilities.has('exhaust'));
    await runRaw(server(), 'spec_server', { dropDatabase: 1 });
  });

  it('stops a command at its maxTimeMS', async () => {
    const documents = Array.from({ length: 50_000 }, (_, _id) => ({ _id }));
    await client.run('spec_server', { insert: 'numbers', documents });
    const slow = { aggregate: 'numbers', pipeline: [{ $sort: { x: 1, _id: -1 } }, { $group: { _id: '$_id' } }] };
    const error = await rejection(client.run('spec_server', { ...slow, cursor: {}, maxTimeMS: 1 }));
    expect(error).to.be.instanceOf(CommandError).with.property('code', 50);
    await client.run('spec_server', { dropDatabase: 1 });
  });
});

describe('starting and stopping a server', () => {
  needsOwnServer();

  it('answers over TCP and over its Unix socket with the same data', async () => {
    await runRaw(server(), 'spec_server', { insert: 'places', documents: [{ _id: 1, here: true }] });
    const { cursor } = await runRaw({ path: String(server().socketPath) }, 'spec_server', { find: 'places' });
    expect(cursor.firstBatch).to.deep.equal([{ _id: 1, here: true }]);
    await runRaw(server(), 'spec_server', { dropDatabase: 1 });
  });

  it('removes its process, its folder and its socket', async () => {
    const other = await startServer();
    const { pid } = await runRaw(other, 'admin', { serverStatus: 1 });
    const folder = dirname(String(other.socketPath));
    expect(existsSync(folder)).to.equal(true);
    await Promise.all([other.stop(), other.stop()]);
    expect(isAlive(Number(pid))).to.equal(false);
    expect(existsSync(folder)).to.equal(false);
    expect(await rejection(RawClient.connect(other))).to.have.property('code', 'ECONNREFUSED');
  });

  for (const signal of ['SIGINT', 'SIGTERM', 'SIGKILL'] as const) {
    it(`leaves nothing behind when its starter gets ${signal}`, async () => {
      const { child, pid, folder } = await serveElsewhere();
      expect(isAlive(pid) && existsSync(folder)).to.equal(true);
      child.kill(signal);
      await eventually(() => !isAlive(pid), 'the server ended');
      expect(existsSync(folder)).to.equal(false);
      await eventually(() => child.exitCode !== null || child.signalCode !== null, 'its starter ended');
    });
  }

  it('leaves nothing behind after Ctrl-C, which reaches the server as well', async () => {
    const { child, pid, folder } = await serveElsewhere();
    process.kill(pid, 'SIGINT');
    child.kill('SIGINT');
    await eventually(() => !isAlive(pid), 'the server ended');
    expect(existsSync(folder)).to.equal(false);
  });

  it('says so when a server ends by itself, and removes its folder', async () => {
    const other = await startServer();
    const { pid } = await runRaw(other, 'admin', { serverStatus: 1 });
    const said = sinon.stub(console, 'error');
    try {
      process.kill(Number(pid), 'SIGKILL');
      await eventually(() => said.called, 'a word about it');
      expect(said.firstCall.args[0]).to.equal(`The MongoDB server at ${other.address} ended by itself (SIGKILL).`);
    } finally {
      said.restore();
    }
    expect(existsSync(dirname(String(other.socketPath)))).to.equal(false);
    await other.stop();
  });

  it('lets a script end that forgot to stop it', async () => {
    const script = `
      require(${JSON.stringify(join(__dirname, 'server.js'))}).startServer().then((server) => {
        console.log(server.socketPath);
      });`;
    const { MOTOR_TEST_URI: _, ...env } = process.env;
    const child = spawn(process.execPath, ['-e', script], { stdio: ['ignore', 'pipe', 'inherit'], env });
    let said = '';
    for await (const text of child.stdout.setEncoding('utf8')) said += text;
    expect(said).to.match(/mongodb\.sock\n$/);
    await eventually(() => !existsSync(dirname(said.trim())), 'its folder is gone');
  });

  it('uses the server that MOTOR_TEST_URI names, and leaves it alone', async () => {
    const before = process.env.MOTOR_TEST_URI;
    const { host, port } = server();
    process.env.MOTOR_TEST_URI = `mongodb://${host}:${port}/?appName=tests`;
    try {
      const same = await startServer();
      expect(same).to.include({ uri: process.env.MOTOR_TEST_URI, host, port, address: `${host}:${port}` });
      await same.stop();
      expect((await runRaw(server(), 'admin', { ping: 1 })).ok).to.equal(1);
    } finally {
      if (before === undefined) delete process.env.MOTOR_TEST_URI;
      else process.env.MOTOR_TEST_URI = before;
    }
  });
});

describe('capabilities', () => {
  it('tell what the server really does', async () => {
    const { capabilities } = server();
    const code = { find: 'none', filter: { $where: 'true' } };
    const runsCode = await runRaw(server(), 'spec_server', code).then(
      () => true,
      () => false,
    );
    expect(capabilities.has('javascript')).to.equal(runsCode);
    expect(capabilities.has('command find')).to.equal(true);
    expect(capabilities.has('command frobnicate')).to.equal(false);
  });

  it(
    'let a test run that has what it needs',
    needing('command find', async () => {
      const { cursor } = await runRaw(server(), 'spec_server', { find: 'none' });
      expect(cursor.id).to.equal(0);
    }),
  );

  it('skip a test that lacks something, with the reason', async () => {
    const test = { title: 'flies' };
    const context = { test, skip: sinon.stub().throws(new Error('skipped')) };
    const flying = needing('command fly', () => expect.fail('it ran'));
    const error = await rejection(Promise.resolve(flying.call(context as unknown as Mocha.Context)));
    expect(error.message).to.equal('skipped');
    expect(test.title).to.equal('flies (skipped: the server has no command fly)');
  });
});

import { mkdtempSync, rmSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Document } from 'bson';
import { expect } from 'chai';
import { eventually } from './eventually';
import {
  answer,
  checksumReply,
  closeFirst,
  corruptions,
  corruptReply,
  crc32c,
  cutReply,
  delayReply,
  doubleReply,
  hang,
  holdReply,
  loseReply,
  rewriteReply,
  splitReply,
} from './faults';
import { server } from './hooks';
import { CHECKSUM_PRESENT, flagsOf, MORE_TO_COME, opMsg, replyOf, responseToOf } from './message';
import { any, type FaultProxy, proxyTo } from './proxy';
import { CommandError, RawClient, runRaw } from './rawClient';
import { rejection } from './rejection';

const PING = { ping: 1 };

describe('the fault proxy', () => {
  let proxy: FaultProxy;
  let client: RawClient;
  beforeEach(async () => {
    proxy = await proxyTo(server());
    client = await RawClient.connect(proxy);
  });
  afterEach(async () => {
    await client.close();
    await proxy.close();
  });

  const ping = async (): Promise<Document> => client.run('admin', PING);

  const request = opMsg(1, 0, { ...PING, $db: 'admin' });

  /** What arrives on a new connection after some bytes were sent, until it is so much. */
  function chunksOf(sent: Buffer, size: number): Promise<Buffer[]> {
    return new Promise((resolve, reject) => {
      const chunks: Buffer[] = [];
      let received = 0;
      const socket = connect(proxy.port, proxy.host, () => socket.write(sent));
      socket.on('error', reject).on('data', (chunk) => {
        chunks.push(chunk);
        received += chunk.length;
        if (received < size) return;
        socket.destroy();
        resolve(chunks);
      });
    });
  }

  const firstChunk = async (): Promise<Buffer> => Buffer.concat(await chunksOf(request, 1));
  const sizesOf = (chunks: Buffer[]): number[] => chunks.map((chunk) => chunk.length);

  describe('passing on', () => {
    it('changes nothing, and knows every command', async () => {
      const insert = { insert: 'things', documents: [{ _id: 1 }, { _id: 2 }] };
      expect(await client.run('spec_proxy', insert)).to.deep.include({ n: 2, ok: 1 });
      expect((await client.runLegacy('admin', { isMaster: 1 })).maxWireVersion).to.be.a('number');
      await client.run('spec_proxy', { dropDatabase: 1 });
      const [first, second] = proxy.commands;
      expect(first).to.include({ name: 'insert', db: 'spec_proxy', connection: 1, legacy: false });
      expect(first?.document).to.deep.equal({ ...insert, $db: 'spec_proxy' });
      expect(second).to.include({ name: 'isMaster', db: 'admin', legacy: true });
      expect(proxy.names).to.deep.equal(['insert', 'dropDatabase']);
    });

    it('puts document sequences into the command it shows', async () => {
      const head = opMsg(9, 0, { insert: 'things', $db: 'spec_proxy' });
      const body = opMsg(0, 0, { _id: 5 }).subarray(21);
      const sequence = Buffer.concat([Buffer.from([1, 0, 0, 0, 0]), Buffer.from('documents\0'), body, body]);
      sequence.writeInt32LE(sequence.length - 1, 1);
      const message = Buffer.concat([head, sequence]);
      message.writeInt32LE(message.length, 0);
      client.write(message);
      expect(replyOf(await client.read())).to.include({ n: 1 }); // the second has the same _id
      expect(proxy.commands[0]?.document.documents).to.deep.equal([{ _id: 5 }, { _id: 5 }]);
      await client.run('spec_proxy', { dropDatabase: 1 });
    });

    it('passes on commands that want no reply', async () => {
      client.send('spec_proxy', { insert: 'quiet', documents: [{ _id: 1 }], writeConcern: { w: 0 } }, MORE_TO_COME);
      expect((await client.run('spec_proxy', { count: 'quiet' })).n).to.equal(1);
      expect(proxy.commands[0]).to.include({ name: 'insert', moreToCome: true });
      await client.run('spec_proxy', { dropDatabase: 1 });
    });

    it('counts connections, open and ever', async () => {
      const others = [await RawClient.connect(proxy), await RawClient.connect(proxy)];
      for (const other of others) await other.run('admin', PING);
      expect(proxy.connections).to.deep.equal({ open: 3, accepted: 3 });
      expect(proxy.commands.map((command) => command.connection)).to.deep.equal([2, 3]);
      for (const other of others) await other.close();
      await eventually(() => proxy.connections.open === 1, 'the proxy saw both close');
      expect(proxy.connections.accepted).to.equal(3);
    });

    it('listens on a Unix socket if told to', async () => {
      const folder = mkdtempSync(join(tmpdir(), 'spec-proxy-'));
      const unix = await proxyTo(server(), { path: join(folder, 'proxy.sock') });
      expect((await runRaw(unix, 'admin', PING)).ok).to.equal(1);
      expect(unix.uri).to.equal(`mongodb://${encodeURIComponent(join(folder, 'proxy.sock'))}`);
      await unix.close();
      rmSync(folder, { recursive: true });
    });

    it('closes a connection whose server closes', async () => {
      const front = await proxyTo(proxy);
      const other = await RawClient.connect(front);
      await other.run('admin', PING);
      proxy.drop();
      expect(await rejection(other.read())).to.have.property('message', 'the connection was closed');
      await front.close();
    });
  });

  describe('rules', () => {
    it('wear off after the times they are for', async () => {
      const rule = proxy.on('ping', answer({ ok: 0, code: 10107, errmsg: 'not primary' }), 2);
      for (let i = 0; i < 2; i++) {
        expect(await rejection(ping()))
          .to.be.instanceOf(CommandError)
          .with.property('code', 10107);
      }
      expect((await ping()).ok).to.equal(1);
      expect(rule).to.deep.include({ times: 0, hits: 2 });
    });

    it('meet the commands that match, in the order they were set up', async () => {
      proxy.on((command) => command.document.count === 'a', answer({ ok: 1, n: 7 }));
      proxy.on('count', answer({ ok: 1, n: 8 }));
      expect((await client.run('spec_proxy', { count: 'b' })).n).to.equal(8);
      expect((await client.run('spec_proxy', { count: 'a' })).n).to.equal(7);
      expect((await client.run('spec_proxy', { count: 'a' })).n).to.equal(0);
    });

    it('are forgotten by clear', async () => {
      proxy.on(any, closeFirst(), Infinity);
      proxy.clear();
      expect((await ping()).ok).to.equal(1);
    });
  });

  describe('faults', () => {
    it('lose the reply to a command that the server did', async () => {
      proxy.on('insert', loseReply());
      const insert = { insert: 'lost', documents: [{ _id: 1 }] };
      expect(await rejection(client.run('spec_proxy', insert))).to.have.property(
        'message',
        'the connection was closed',
      );
      expect((await runRaw(server(), 'spec_proxy', { count: 'lost' })).n).to.equal(1);
      await runRaw(server(), 'spec_proxy', { dropDatabase: 1 });
    });

    it('close before the server hears of a command', async () => {
      proxy.on('insert', closeFirst());
      await rejection(client.run('spec_proxy', { insert: 'unheard', documents: [{ _id: 1 }] }));
      expect((await runRaw(server(), 'spec_proxy', { count: 'unheard' })).n).to.equal(0);
    });

    it('reset the connection', async () => {
      proxy.on('ping', closeFirst(true));
      expect(await rejection(ping())).to.have.property('code', 'ECONNRESET');
    });

    it('cut a reply', async () => {
      const reader = await RawClient.connect(proxy);
      proxy.on('ping', cutReply(10));
      expect(await firstChunk()).to.have.length(10);
      proxy.on('ping', cutReply(20));
      expect(await rejection(reader.run('admin', PING))).to.have.property('message', 'the connection was closed');
      await reader.close();
    });

    it('never answer, and do not keep the proxy from closing', async () => {
      proxy.on('hello', hang());
      const silent = client.run('admin', { isMaster: 1 });
      const silence = silent.then(
        () => 'answered',
        () => 'closed',
      );
      expect(await Promise.race([silence, sleep(50, 'silent')])).to.equal('silent');
      await proxy.close();
      expect(await silence).to.equal('closed');
    });

    it('delay a reply', async () => {
      proxy.on('ping', delayReply(60));
      const start = performance.now();
      await ping();
      expect(performance.now() - start).to.be.at.least(55);
    });

    it('split a reply', async () => {
      const { length } = await firstChunk();
      proxy.on('ping', splitReply());
      expect(sizesOf(await chunksOf(request, length))).to.deep.equal(Array(length).fill(1));
      proxy.on('ping', splitReply(4, 12, length));
      expect(sizesOf(await chunksOf(request, length))).to.deep.equal([4, 12, length - 16]);
      proxy.on('ping', splitReply(3));
      expect((await ping()).ok).to.equal(1);
    });

    it('put two replies into one chunk', async () => {
      const { length } = await firstChunk();
      proxy.on('ping', holdReply());
      const two = Buffer.concat([request, request]);
      expect(sizesOf(await chunksOf(two, 2 * length))).to.deep.equal([2 * length]);
      proxy.on('ping', doubleReply());
      expect(sizesOf(await chunksOf(request, 2 * length))).to.deep.equal([2 * length]);
    });

    it('rewrite what a server says of itself, in both ways to ask it', async () => {
      proxy.on(
        'hello',
        rewriteReply((reply) => ({ ...reply, isWritablePrimary: false, secondary: true })),
        Infinity,
      );
      expect(await client.run('admin', { hello: 1 })).to.include({ secondary: true, isWritablePrimary: false });
      expect(await client.runLegacy('admin', { isMaster: 1 })).to.include({
        secondary: true,
        maxBsonObjectSize: 2 ** 24,
      });
    });

    it('add a right checksum', async () => {
      expect(crc32c(Buffer.from('123456789'))).to.equal(0xe3069283); // the check value of CRC-32C
      proxy.on('ping', checksumReply());
      client.send('admin', PING);
      const reply = await client.read();
      expect(flagsOf(reply) & CHECKSUM_PRESENT).to.equal(CHECKSUM_PRESENT);
      expect(reply.readUInt32LE(reply.length - 4)).to.equal(crc32c(reply.subarray(0, -4)));
      expect(replyOf(reply).ok).to.equal(1);
    });

    for (const how of corruptions) {
      it(`spoil a reply: ${how}`, async () => {
        const sound = await firstChunk();
        expect(await firstChunk()).to.deep.equal(sound);
        proxy.on('ping', corruptReply(how));
        expect(await firstChunk()).to.not.deep.equal(sound);
        expect(await firstChunk()).to.deep.equal(sound);
      });
    }

    it('spoil a reply so that a client notices', async () => {
      proxy.on('ping', corruptReply('huge length'));
      expect((await rejection(ping())).message).to.match(/^no message has \d+ bytes$/);
      const other = await RawClient.connect(proxy);
      proxy.on('ping', corruptReply('wrong responseTo'));
      const id = other.send('admin', PING);
      expect(responseToOf(await other.read())).to.not.equal(id);
      await other.close();
    });
  });

  describe('the listener', () => {
    it('refuses connections and accepts them again on the same port, while open ones stay', async () => {
      const { port } = proxy;
      proxy.refuse();
      expect(await rejection(RawClient.connect(proxy))).to.have.property('code', 'ECONNREFUSED');
      expect((await ping()).ok).to.equal(1);
      await proxy.accept();
      expect(proxy.port).to.equal(port);
      expect((await runRaw(proxy, 'admin', PING)).ok).to.equal(1);
    });

    it('drops open connections, also by a reset', async () => {
      await ping();
      proxy.drop(true);
      expect(await rejection(client.read())).to.have.property('code', 'ECONNRESET');
    });

    it('takes the connections to the server down with it', async () => {
      const observer = await RawClient.connect(server());
      const count = async () => (await observer.run('admin', { serverStatus: 1 })).connections.current;
      await ping();
      const before = await count();
      await proxy.close();
      expect(proxy.connections.open).to.equal(0);
      await eventually(async () => (await count()) === before - 1, 'the server has one connection less');
      await observer.close();
    });
  });
});

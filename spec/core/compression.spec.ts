import { randomBytes } from 'node:crypto';
import zlibModule, * as zlib from 'node:zlib';
import type { Document } from 'bson';
import { expect } from 'chai';
import { restore, stub } from 'sinon';
import type { AsyncIOMotorClient } from '../../lib/asyncio/index';
import { AutoReconnect, ProtocolError } from '../../lib/index';
import { ENGINE } from '../../lib/motor/settings';
import {
  countsOf,
  DATABASE,
  eachForm,
  newAsyncIOClient,
  newClient,
  newProxy,
  newRelay,
  ping,
  uniqueName,
} from '../support/clients';
import { Compressing, METHODS } from '../support/compressing';
import { answer, hang } from '../support/faults';
import { MORE_TO_COME } from '../support/message';
import { rejection } from '../support/rejection';
import { warningsOf } from '../support/warnings';

/** What this Node has: zlib always, zstd from 22.15 on. */
const NAMES = Object.keys(METHODS);
const NO_RETRY = { retryReads: false, retryWrites: false };

const collectionOf = (client: AsyncIOMotorClient) => client.get_database(DATABASE).get_collection(uniqueName());
const numbers = (count: number, text = '') =>
  Array.from({ length: count }, (_, _id) => ({ _id, text: `${_id}${text}` }));

/** A client, and the server's side of its compression. */
async function compressed({
  names = NAMES,
  options = {},
  pieces,
}: {
  names?: string[];
  options?: Document;
  pieces?: number[];
} = {}) {
  const compressing = new Compressing(...names);
  const proxy = await newProxy();
  const relay = await newRelay({ compressing, ...(pieces === undefined ? {} : { pieces }) }, proxy);
  const client = newAsyncIOClient(relay, { compressors: names, ...NO_RETRY, ...options });
  /** How the commands of this name arrived. */
  const how = (name: string) => compressing.arrived.filter((arrived) => arrived.name === name);
  return { compressing, proxy, relay, client, how };
}

for (const compressor of NAMES) {
  describe(`compression by ${compressor}`, () => {
    const start = (options: Document = {}, pieces?: number[]) =>
      compressed({ names: [compressor], options, ...(pieces === undefined ? {} : { pieces }) });

    eachForm((call) => {
      it('is agreed on in the handshake, and holds for commands and replies', async () => {
        const { client, compressing, how } = await start();
        const things = collectionOf(client);
        await call(things, 'insert_one', { _id: 1, text: 'x'.repeat(10_000) });
        expect(await call(things, 'find_one')).to.deep.equal({ _id: 1, text: 'x'.repeat(10_000) });
        expect(offers(compressing)[0]).to.deep.equal([compressor]);
        expect(how('ismaster')[0]).to.have.property('compressor', null);
        expect(how('insert')).to.have.length(1);
        expect(how('insert')[0]).to.have.property('compressor', compressor);
        expect(how('insert')[0]?.size).to.be.below(1000);
        expect(how('find')[0]).to.have.property('compressor', compressor);
        expect(compressing.replies).to.be.at.least(2);
        await things.drop();
      });

      it('carries large bulks and lists, document sequences included, and replies in odd pieces', async () => {
        const { client, how } = await start({}, [1, 17, 100_000, 3]);
        const things = collectionOf(client);
        const documents = numbers(60_000, ` ${'lorem ipsum '.repeat(8)}`);
        const { inserted_ids } = await call(things, 'insert_many', documents);
        expect(inserted_ids).to.have.length(documents.length);
        for (const { compressor: by, size, unpacked } of how('insert')) {
          expect(by).to.equal(compressor);
          expect(size).to.be.below(unpacked / 3);
        }
        expect(Math.max(...how('insert').map(({ unpacked }) => unpacked))).to.be.above(1_000_000);
        expect(await call(things.find().sort('_id', 1), 'to_list', null)).to.deep.equal(documents);
        await things.drop();
      });

      it('takes sizes around those where the thread pool begins', async () => {
        const { client } = await start();
        const things = collectionOf(client);
        for (const size of [0, 1, 65_300, 65_500, 65_536, 66_000, 1_048_400, 1_048_576, 1_049_000]) {
          const document = { _id: size, text: 'x'.repeat(size) };
          await call(things, 'insert_one', document);
          expect(await call(things, 'find_one', size)).to.deep.equal(document);
        }
        await things.drop();
      });

      it('fails what was asked when a reply is spoilt, and connects anew', async () => {
        const { client, compressing } = await start();
        const setSize = (size: (honest: number) => number) => (reply: Buffer) => {
          reply.writeInt32LE(size(reply.readInt32LE(20)), 20);
          return reply;
        };
        const resized = (reply: Buffer) => {
          reply.writeInt32LE(reply.length, 0);
          return reply;
        };
        const bomb = (METHODS[compressor] as (typeof METHODS)[string]).pack(Buffer.alloc(50_000_000));
        for (const [spoil, words] of [
          [setSize((size) => size - 1), 'does not have the'],
          [setSize((size) => size + 1), 'does not have the'],
          [setSize(() => 0), 'does not have the'],
          [setSize(() => 10_000_000), 'does not have the 10000000 bytes'],
          [setSize(() => -1), 'gives its length as -1'],
          [setSize(() => 0x7fffffff), 'gives its length as 2147483647'],
          [(reply: Buffer) => reply.fill(0xa5, 25), 'cannot be decompressed'],
          [(reply: Buffer) => resized(Buffer.from(reply.subarray(0, reply.length - 4))), /decompress|does not have/],
          [(reply: Buffer) => resized(Buffer.from(reply.subarray(0, 20))), 'cut short'],
          [(reply: Buffer) => resized(Buffer.concat([reply.subarray(0, 25), bomb])), 'does not have the'],
          [(reply: Buffer) => reply.fill(1, 24, 25), 'compressed by 1, which was not agreed on'],
          [(reply: Buffer) => reply.fill(9, 24, 25), 'compressed by 9, which was not agreed on'],
          // A compressed message within a compressed one.
          [(reply: Buffer) => reply.fill(0xdc, 16, 17), 'unknown opcode 2012'],
        ] as [(reply: Buffer) => Buffer, string | RegExp][]) {
          await ping(client);
          compressing.spoil = spoil;
          const error = await rejection(call(client.get_database('admin'), 'command', 'ping'));
          compressing.spoil = null;
          expect(error).to.be.instanceOf(ProtocolError);
          expect(error.message).to.match(words instanceof RegExp ? words : new RegExp(words));
          expect(error.message).to.match(/^connection \d+ to .* was closed: .* during ping on admin/);
          expect(countsOf(client)).to.include({ open: 0, checkedOut: 0 });
        }
        await ping(client);
      });
    });

    it('leaves what does not become shorter as it is, where it is long', async () => {
      const { client, how } = await start();
      const things = collectionOf(client);
      for (const size of [10, 1_000_000]) await things.insert_one({ _id: size, noise: randomBytes(size) });
      expect(how('insert').map((arrived) => arrived.compressor)).to.deep.equal([compressor, null]);
      await things.drop();
    });

    it('lets unacknowledged writes, long and short, arrive in order', async () => {
      const { client, how } = await start({ maxPoolSize: 1 });
      const things = collectionOf(client);
      const unacknowledged = things.with_options({ write_concern: { w: 0 } });
      const sent: Promise<unknown>[] = [];
      for (let _id = 0; _id < 20; _id++) {
        sent.push(unacknowledged.insert_one({ _id, text: 'x'.repeat(_id % 2 === 0 ? 200_000 : 10) }));
      }
      await Promise.all(sent);
      expect(await things.count_documents({})).to.equal(20);
      expect(how('insert').map(({ unpacked }) => unpacked > 100_000)).to.deep.equal(
        Array.from({ length: 20 }, (_, i) => i % 2 === 0),
      );
      await things.drop();
    });

    it('keeps streamed replies in order, long and short', async () => {
      const { client, proxy } = await start({ maxPoolSize: 2 });
      const name = uniqueName();
      const batch = (n: number) => numbers(3, n % 2 === 0 ? 'x'.repeat(700_000) : '').map((it) => ({ ...it, n }));
      const ns = `${DATABASE}.${name}`;
      proxy.on('find', answer({ ok: 1, cursor: { id: 4711n, ns, firstBatch: batch(0) } }));
      proxy.on('getMore', async (exchange) => {
        let answers: number | null = null;
        for (let n = 1; n <= 9; n++) {
          const message = exchange.replyWith({ ok: 1, cursor: { id: n === 9 ? 0n : 4711n, ns, nextBatch: batch(n) } });
          message.writeInt32LE(1_000_000 + n, 4);
          if (answers !== null) message.writeInt32LE(answers, 8);
          if (n < 9) message.writeInt32LE(MORE_TO_COME, 16);
          answers = 1_000_000 + n;
          await exchange.send(message);
        }
      });
      const cursor = client.get_database(DATABASE).get_collection(name).find({}, { cursor_type: 64 });
      const found = await cursor.to_list(null);
      expect(found.map(({ n }) => n)).to.deep.equal(Array.from({ length: 30 }, (_, i) => Math.floor(i / 3)));
      expect(countsOf(client)).to.include({ checkedOut: 0 });
    });

    it('shows plain commands and replies to listeners', async () => {
      const { client } = await start();
      const things = collectionOf(client);
      const seen: Document[] = [];
      client[ENGINE].events.on('commandStarted', ({ command }) => seen.push(command));
      client[ENGINE].events.on('commandSucceeded', ({ reply }) => seen.push(reply));
      await things.insert_many(numbers(2));
      expect(seen[0]).to.deep.include({ insert: things.name, documents: numbers(2) });
      expect(seen[1]).to.deep.include({ n: 2, ok: 1 });
      await things.drop();
    });

    it('goes on after the client was closed while a long message was compressed', async () => {
      const { client } = await start();
      const things = collectionOf(client);
      await ping(client);
      const write = rejection(things.insert_one({ text: 'x'.repeat(5_000_000) }));
      client.close();
      expect(await write).to.be.instanceOf(AutoReconnect);
    });
  });
}

/** Those of the pool: the connection of a monitor offers nothing. */
function offers(compressing: Compressing): unknown[] {
  return compressing.offers.filter((offer) => offer !== undefined);
}

describe('compression', () => {
  it('is not offered, and not used, unless asked for', async () => {
    const compressing = new Compressing(...NAMES);
    const relay = await newRelay({ compressing });
    await ping(newAsyncIOClient(relay));
    await newClient(relay).open();
    expect(new Set(compressing.offers)).to.deep.equal(new Set([undefined]));
    expect(new Set(compressing.arrived.map((arrived) => arrived.compressor))).to.deep.equal(new Set([null]));
  });

  it('is not used where the server has no compressor of the client', async () => {
    const compressing = new Compressing();
    const relay = await newRelay({ compressing });
    await ping(newAsyncIOClient(relay, { compressors: NAMES.join(',') }));
    expect(offers(compressing)).to.deep.equal([NAMES]);
    expect(compressing.arrived.at(-1)).to.include({ name: 'ping', compressor: null });
  });

  it('uses the first of the client that the server has', async () => {
    for (const order of [NAMES, [...NAMES].reverse()]) {
      // The server tells its own in the order of the names.
      const compressing = new Compressing(...NAMES);
      const relay = await newRelay({ compressing });
      await ping(newAsyncIOClient(`${relay.uri}/?compressors=${order}`));
      expect(offers(compressing)).to.deep.equal([order]);
      expect(compressing.arrived.at(-1)).to.include({ name: 'ping', compressor: order[0] });
    }
  });

  it('leaves unknown ones out with a warning, and zstd where Node has none', async () => {
    const compressing = new Compressing('snappy', ...NAMES);
    const relay = await newRelay({ compressing });
    let client: AsyncIOMotorClient | null = null;
    const warnings = warningsOf(() => {
      client = newAsyncIOClient(relay, { compressors: ['snappy', 'zstd', 'zlib'] });
    });
    await ping(client as unknown as AsyncIOMotorClient);
    const left = 'zstdCompressSync' in zlib ? ['snappy'] : ['snappy', 'zstd'];
    expect(warnings.map((warning) => /compressors: (\w+) is left out/.exec(warning)?.[1])).to.deep.equal(left);
    expect(offers(compressing)).to.deep.equal([['zstd', 'zlib'].filter((name) => !left.includes(name))]);
  });

  it('obeys zlibCompressionLevel', async () => {
    const sizes: number[] = [];
    for (const zlibCompressionLevel of [0, 1, 9, -1]) {
      const { client, how } = await compressed({ names: ['zlib'], options: { zlibCompressionLevel } });
      const things = collectionOf(client);
      const text = Array.from({ length: 5000 }, (_, i) => `${i * i}`).join('');
      await things.insert_one({ _id: 1, text });
      await things.insert_one({ _id: 2, text: text.repeat(4) });
      for (const { size } of how('insert')) sizes.push(size);
      await things.drop();
    }
    const [none = 0, long0 = 0, fast = 0, long1 = 0, best = 0, long9 = 0, usual = 0] = sizes;
    expect(none).to.be.above(fast);
    expect(fast).to.be.above(best);
    expect(usual).to.be.within(best - 100, fast); // the names differ in what they compress to
    expect(long0).to.be.above(long1);
    expect(long1).to.be.above(long9);
  });

  it('takes its time without using up that of the server', async () => {
    const { client, proxy } = await compressed({ names: ['zlib'], options: { socketTimeoutMS: 1000 } });
    const things = collectionOf(client);
    for (const name of ['deflate', 'inflate'] as const) {
      const original = zlib[name] as (...args: unknown[]) => void;
      const late = (...args: unknown[]) => void setTimeout(() => original(...args), 1300);
      stub(zlibModule, name).callsFake(late as typeof zlib.deflate);
    }
    try {
      const document = { _id: 1, text: 'x'.repeat(2_000_000) };
      await things.insert_one(document);
      expect(await things.find_one()).to.deep.equal(document);
    } finally {
      restore();
    }
    proxy.on('ping', hang());
    expect(await rejection(ping(client))).to.have.property('timeout', true);
    await things.drop();
  });

  it('leaves alone what may hold secrets', async () => {
    const { client, compressing } = await compressed();
    const database = client.get_database('admin');
    const secret = [
      'hello',
      'isMaster',
      'ismaster',
      'saslStart',
      'saslContinue',
      'getnonce',
      'authenticate',
      'createUser',
      'updateUser',
      'copydbSaslStart',
      'copydbgetnonce',
      'copydb',
    ];
    for (const name of secret) await database.command(name, 1).catch(() => undefined);
    await database.command('buildInfo');
    const arrived = new Map(compressing.arrived.map(({ name, compressor }) => [name, compressor]));
    for (const name of secret) expect(arrived.get(name), name).to.equal(null);
    expect(arrived.get('buildInfo')).to.equal(NAMES[0]);
  });

  it('is refused where it was not agreed on', async () => {
    const proxy = await newProxy();
    const client = newAsyncIOClient(proxy, NO_RETRY);
    await ping(client);
    proxy.on('ping', async (exchange) => {
      const reply = exchange.replyWith({ ok: 1 });
      reply.writeInt32LE(2012, 12);
      await exchange.send(reply);
    });
    expect(await rejection(ping(client)))
      .to.be.instanceOf(ProtocolError)
      .with.property('message')
      .that.includes('2012');
    await ping(client);
  });

  it('of requests leaves the server free to reply as it is', async () => {
    const { client, compressing } = await compressed();
    compressing.repliesPlain = true;
    expect(await ping(client)).to.include({ ok: 1 });
    expect(compressing.replies).to.equal(0);
    expect(compressing.arrived.at(-1)).to.include({ name: 'ping', compressor: NAMES[0] });
  });
});

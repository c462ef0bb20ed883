import { type Document, serialize } from 'bson';
import { expect } from 'chai';
import { decodeReply, MessageReader } from '../../lib/core/message';
import { AutoReconnect, type MotorClient, type MotorCollection, ProtocolError } from '../../lib/index';
import { countsOf, DATABASE, eachForm, newClient, newProxy, uniqueName } from '../support/clients';
import { eventually } from '../support/eventually';
import {
  checksumReply,
  corruptions,
  corruptReply,
  cutReply,
  doubleReply,
  rewriteReply,
  splitReply,
} from '../support/faults';
import { server } from '../support/hooks';
import { MORE_TO_COME, opMsg } from '../support/message';
import type { Action, FaultProxy } from '../support/proxy';
import { rejection } from '../support/rejection';

/** The messages that a reader makes of some chunks. */
function read(chunks: Buffer[], intoPlace = false): Buffer[] {
  const messages: Buffer[] = [];
  const reader = new MessageReader((message) => messages.push(message));
  for (const chunk of chunks) {
    let rest = chunk;
    // As a socket does it: straight into the place, and only as much as there is room for.
    for (let place = reader.place; intoPlace && place !== null && rest.length > 0; place = reader.place) {
      const count = rest.copy(place);
      reader.fill(count);
      rest = rest.subarray(count);
    }
    if (rest.length > 0) reader.push(rest);
  }
  return messages;
}

const message = (id: number, size: number) => opMsg(id, id, { ok: 1, filler: 'x'.repeat(size) });

describe('the message reader', () => {
  const messages = [message(1, 0), message(2, 5), message(3, 300), message(4, 70_000), message(5, 1)];
  const bytes = Buffer.concat(messages);
  const equals = (got: Buffer[]) => got.length === messages.length && Buffer.concat(got).equals(bytes);

  for (const intoPlace of [false, true]) {
    describe(intoPlace ? 'with long messages read into their place' : 'with chunks', () => {
      it('makes the same messages wherever two chunks meet', () => {
        const edges = [...messages.keys()].map((i) => Buffer.concat(messages.slice(0, i)).length);
        const near = edges.flatMap((edge) => Array.from({ length: 50 }, (_, i) => edge - 25 + i));
        for (const at of [...near, 65_535, 65_536, 65_537, bytes.length - 1].filter((n) => n >= 0)) {
          expect(equals(read([bytes.subarray(0, at), bytes.subarray(at)], intoPlace)), `split at ${at}`).to.equal(true);
        }
      });

      it('makes the same messages of chunks of one size, whatever it is', () => {
        const sizes = [1, 2, 3, 4, 5, 7, 15, 16, 17, 21, 64, 1000, 4096, 65_535, 65_536, 65_537, bytes.length];
        for (const size of sizes) {
          const chunks: Buffer[] = [];
          for (let at = 0; at < bytes.length; at += size) chunks.push(bytes.subarray(at, at + size));
          expect(equals(read(chunks, intoPlace)), `chunks of ${size}`).to.equal(true);
        }
      });
    });
  }

  it('gives each message bytes of its own, which a later chunk does not overwrite', () => {
    const buffer = Buffer.from(bytes);
    const got = read([buffer.subarray(0, 1000), buffer.subarray(1000)]);
    buffer.fill(0);
    expect(equals(got)).to.equal(true);
  });

  for (const length of [-1, 0, 15, 64 * 1024 * 1024 + 1, 0x7fffffff]) {
    it(`refuses a message of ${length} bytes`, () => {
      const bad = Buffer.alloc(16);
      bad.writeInt32LE(length);
      expect(() => read([bad])).to.throw(ProtocolError, `${length} bytes`);
    });
  }
});

describe('the decoding of replies', () => {
  const section = (field: string, documents: Document[]) => {
    const body = Buffer.concat([Buffer.from(`${field}\0`), ...documents.map((document) => serialize(document))]);
    const bytes = Buffer.concat([Buffer.from([1, 0, 0, 0, 0]), body]);
    bytes.writeInt32LE(bytes.length - 1, 1);
    return bytes;
  };
  const framed = (...sections: Uint8Array[]) => {
    const all = Buffer.concat([opMsg(1, 1, {}).subarray(0, 20), ...sections]);
    all.writeInt32LE(all.length, 0);
    return all;
  };
  const body = (document: Document) => Buffer.concat([Buffer.from([0]), serialize(document)]);

  it('puts document sequences into their fields, in whatever order the sections come', () => {
    const documents = [{ a: 1 }, {}, { b: [2] }];
    for (const sections of [
      [body({ ok: 1 }), section('batch', documents), section('none', [])],
      [section('batch', documents), section('none', []), body({ ok: 1 })],
    ]) {
      expect(decodeReply(framed(...sections)).body).to.deep.equal({ ok: 1, batch: documents, none: [] });
    }
  });

  it('refuses sections that are not well made', () => {
    const nameless = section('batch', []);
    nameless.fill(0x61, 5);
    const longer = section('batch', [{ a: 1 }]);
    longer.writeInt32LE(200, 5 + 'batch\0'.length);
    for (const [sections, says] of [
      [[section('batch', [])], 'no body'],
      [[body({}), body({})], 'two bodies'],
      [[nameless], 'no name'],
      [[body({}), longer], 'malformed BSON'],
      [[body({}), Buffer.from([0, 1, 0])], 'bad length'],
      [[body({}), Buffer.from([7, 5, 0, 0, 0, 0])], 'unknown kind 7'],
    ] as const) {
      expect(() => decodeReply(framed(...sections)), says).to.throw(ProtocolError, says);
    }
  });
});

describe('replies over the wire', () => {
  let proxy: FaultProxy;
  let client: MotorClient;
  let things: MotorCollection;
  beforeEach(async () => {
    proxy = await newProxy();
    client = newClient(proxy, { max_pool_size: 1 });
    things = client.get_database(DATABASE).get_collection(uniqueName());
    await things.insert({ _id: 1, name: 'cog' });
  });
  afterEach(async () => {
    proxy.clear();
    await things.drop();
  });

  /** The next operation works; how many connections were made for that besides the first. */
  const connectsAgain = async (times: number) => {
    expect(await things.find_one(1)).to.deep.equal({ _id: 1, name: 'cog' });
    expect(proxy.connections.accepted).to.equal(1 + times);
  };

  for (const [how, fault] of [
    ['in single bytes', splitReply()],
    ['cut in the header', splitReply(3, 10, 1000)],
    ['with a checksum', checksumReply()],
  ] as [string, Action][]) {
    it(`are read when they come ${how}`, async () => {
      proxy.on('find', fault);
      expect(await things.find_one(1)).to.deep.equal({ _id: 1, name: 'cog' });
      await connectsAgain(0);
    });
  }

  it('close the connection when two come in one chunk, since only one was asked for', async () => {
    proxy.on('find', doubleReply());
    expect(await things.find_one(1)).to.deep.equal({ _id: 1, name: 'cog' });
    await eventually(() => proxy.connections.open === 0, 'the connection is closed');
    await connectsAgain(1);
  });

  eachForm((call) => {
    for (const how of corruptions) {
      it(`close the connection when they are spoilt: ${how}`, async () => {
        proxy.on('find', corruptReply(how));
        const error = await rejection(call(things, 'find_one', 1));
        expect(error).to.be.instanceOf(ProtocolError).and.instanceOf(AutoReconnect);
        expect(error.message).to.include(proxy.address).and.include(`find on ${things.full_name}`);
        await connectsAgain(1);
      });
    }

    it('close the connection when they announce another one', async () => {
      proxy.on('find', async (exchange) => {
        const reply = (await exchange.forward()) as Buffer;
        reply.writeUInt32LE(MORE_TO_COME, 16);
        await exchange.send(reply);
      });
      const error = await rejection(call(things, 'find_one', 1));
      expect(error).to.be.instanceOf(ProtocolError).with.property('message').that.includes('announces another');
      await connectsAgain(1);
    });

    for (const bytes of [0, 1, 3, 4, 15, 16, 20, 21, 30]) {
      it(`fail the operation when the connection closes after ${bytes} bytes`, async () => {
        proxy.on('find', cutReply(bytes));
        const error = await rejection(call(things, 'find_one', 1));
        expect(error).to.be.instanceOf(AutoReconnect);
        expect(error.message).to.include(proxy.address).and.include(`find on ${things.full_name}`);
        expect(countsOf(client)).to.deep.equal({ open: 0, idle: 0, checkedOut: 0, waiting: 0 });
        await connectsAgain(1);
      });
    }
  });

  it('that hold no document but numbers and text of the server are errors of the server', async () => {
    proxy.on(
      'find',
      rewriteReply(() => ({ ok: 0 })),
    );
    expect((await rejection(things.find_one(1))).message).to.include('the server gave no reason');
    await connectsAgain(0);
  });

  it('may be as long as a document may be', async () => {
    const data = Buffer.alloc(16 * 1024 * 1024 - 100, 7);
    await things.insert({ _id: 2, data });
    const found = (await things.find_one(2)) as Document;
    expect(Buffer.from(found.data.buffer).equals(data)).to.equal(true);
    await connectsAgain(0);
  });

  it('are read whatever their length is beside that of the read buffer', async () => {
    const size = 64 * 1024;
    const frame = opMsg(1, 1, {
      cursor: { firstBatch: [{ _id: 3, text: '' }], id: 1n, ns: things.full_name },
      ok: 1,
    }).length;
    for (let extra = -40; extra <= 40; extra += 4) {
      const text = 'y'.repeat(size - frame + extra);
      await things.save({ _id: 3, text });
      expect(await things.find_one(3)).to.deep.equal({ _id: 3, text });
    }
    await connectsAgain(0);
  });
});

describe('commands over the wire', () => {
  it('keep their bytes while the socket is full', async function () {
    // A Unix socket takes less at once than one of these.
    const { socketPath } = server();
    if (socketPath === null) this.skip();
    const client = newClient(`mongodb://${encodeURIComponent(socketPath)}`);
    const things = client.get_database(DATABASE).get_collection(uniqueName());
    const documents = Array.from({ length: 20 }, (_, _id) => ({
      _id,
      text: String.fromCharCode(97 + _id).repeat(250_000),
    }));
    await Promise.all(documents.map(() => client.server_info()));
    await Promise.all(documents.map((document) => things.insert(document)));
    expect(await things.find().sort('_id').to_list(null)).to.deep.equal(documents);
    await things.drop();
  });
});

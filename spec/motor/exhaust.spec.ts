import { Long } from 'bson';
import { expect } from 'chai';
import { AutoReconnect, InvalidOperation, type MotorClient, type MotorCollection } from '../../lib/index';
import { countsOf, DATABASE, freshCollection, newClient, newProxy } from '../support/clients';
import { eventually } from '../support/eventually';
import { closeFirst } from '../support/faults';
import { collectGarbage } from '../support/garbage';
import { server } from '../support/hooks';
import { MORE_TO_COME, requestIdOf } from '../support/message';
import type { Action, FaultProxy } from '../support/proxy';
import { RawClient, type Where } from '../support/rawClient';
import { rejection } from '../support/rejection';

/**
 * What a server does that streams: it answers one `getMore` with all batches, each but the last telling that another
 * one comes, and answering the one before it.
 * @param most batches before it waits to be asked again
 */
function stream(where: Where, most = Number.POSITIVE_INFINITY): Action {
  return async (exchange) => {
    const { $db, ...command } = exchange.command.document;
    // An id that fits into a number was decoded as one, and would be sent as a double.
    const getMore = { ...command, getMore: Long.fromString(String(command.getMore)) };
    const client = await RawClient.connect(where);
    try {
      let answers: number | null = null;
      for (let batch = 1; ; batch++) {
        const document = await client.run($db as string, getMore);
        const ends = String(document.cursor.id) === '0' || batch >= most;
        const message = exchange.replyWith(document);
        message.writeInt32LE(batch + 1_000_000, 4);
        if (answers !== null) message.writeInt32LE(answers, 8);
        if (!ends) message.writeInt32LE(MORE_TO_COME, 16);
        answers = requestIdOf(message);
        await exchange.send(message);
        if (ends) return;
      }
    } finally {
      await client.close();
    }
  };
}

describe('An exhaust cursor', () => {
  const things = freshCollection();
  const COUNT = 1000;

  beforeEach(() => things().insert(Array.from({ length: COUNT }, (_, _id) => ({ _id, text: 'x'.repeat(100) }))));

  /** A client with one connection at most, through a proxy. */
  async function watched(): Promise<{ client: MotorClient; collection: MotorCollection; proxy: FaultProxy }> {
    const proxy = await newProxy();
    const client = newClient(proxy, { max_pool_size: 2 });
    return { client, proxy, collection: client.get_database(DATABASE).get_collection(things().name) };
  }

  const expected = Array.from({ length: COUNT }, (_, i) => i);

  it('has a connection of its own until its end', async () => {
    const { client, collection } = await watched();
    const cursor = collection.find({}, { exhaust: true }).batch_size(100);
    expect(await cursor.fetch_next).to.equal(true);
    expect(countsOf(client)).to.include({ checkedOut: 1, open: 1 });
    expect(await collection.count()).to.equal(COUNT);
    expect(countsOf(client)).to.include({ checkedOut: 1, open: 2 });
    const rest = await cursor.to_list(null);
    expect(rest.map(({ _id }) => _id)).to.deep.equal(expected);
    expect(cursor.cursor_id).to.equal(0n);
    expect(countsOf(client)).to.include({ checkedOut: 0, open: 2, idle: 2 });
  });

  it('allows the server to stream, and takes what it streams', async () => {
    const { client, collection, proxy } = await watched();
    const allowed: boolean[] = [];
    const streaming = stream(server());
    proxy.on('getMore', (exchange) => {
      allowed.push(exchange.command.exhaustAllowed);
      return streaming(exchange);
    });
    const cursor = collection.find({}, { exhaust: true }).batch_size(100);
    const ids: unknown[] = [];
    while (await cursor.fetch_next) ids.push(cursor.next_object()?._id);
    expect(ids).to.deep.equal(expected);
    expect(allowed).to.deep.equal([true]);
    expect(proxy.count('getMore')).to.equal(1);
    expect(countsOf(client)).to.include({ checkedOut: 0, idle: 1 });
    // The connection is as good as ever.
    expect(await collection.count()).to.equal(COUNT);
    expect(countsOf(client)).to.include({ open: 1 });
  });

  it('asks again where the server stops to stream', async () => {
    const { collection, proxy } = await watched();
    proxy.on('getMore', stream(server(), 3), Number.POSITIVE_INFINITY);
    const found = await collection.find({}, { exhaust: true }).batch_size(100).to_list(null);
    expect(found.map(({ _id }) => _id)).to.deep.equal(expected);
    expect(proxy.count('getMore')).to.equal(4); // ten batches, the last empty
  });

  it('lets what was streamed wait for its reader', async () => {
    const { collection, proxy } = await watched();
    proxy.on('getMore', stream(server()));
    const cursor = collection.find({}, { exhaust: true }).batch_size(50);
    const ids: unknown[] = [];
    for await (const { _id } of cursor) {
      ids.push(_id);
      if (ids.length % 100 === 0) await new Promise((resolve) => setTimeout(resolve, 5));
    }
    expect(ids).to.deep.equal(expected);
  });

  it('loses its connection when it is closed before the end', async () => {
    for (const streaming of [false, true]) {
      const { client, collection, proxy } = await watched();
      if (streaming) proxy.on('getMore', stream(server(), 5));
      const cursor = collection.find({}, { exhaust: true }).batch_size(10);
      for (let i = 0; i < 15; i++) await cursor.fetch_next.then(() => cursor.next_object());
      await cursor.close();
      expect(countsOf(client)).to.include({ checkedOut: 0 });
      await eventually(() => proxy.connections.open === countsOf(client).open, 'the connection is closed');
      expect(await collection.count()).to.equal(COUNT);
    }
  });

  it('goes down with its connection, and with the client', async () => {
    const { client, collection, proxy } = await watched();
    proxy.on('getMore', closeFirst());
    const cursor = collection.find({}, { exhaust: true }).batch_size(10);
    for (let i = 0; i < 10; i++) await cursor.fetch_next.then(() => cursor.next_object());
    expect(await rejection(cursor.fetch_next)).to.be.instanceOf(AutoReconnect);
    expect(cursor.alive).to.equal(false);
    expect(countsOf(client)).to.include({ checkedOut: 0 });

    const other = collection.find({}, { exhaust: true }).batch_size(10);
    await other.fetch_next;
    client.close();
    expect(await rejection(other.to_list(null))).to.be.instanceOf(AutoReconnect);
  });

  it('is killed when nobody holds it any longer, and its connection is closed', async () => {
    const { client, collection, proxy } = await watched();
    await (async () => {
      const cursor = collection.find({}, { exhaust: true }).batch_size(10);
      await cursor.fetch_next;
      expect(countsOf(client)).to.include({ checkedOut: 1, open: 1 });
    })();
    await eventually(() => {
      collectGarbage();
      return proxy.names.includes('killCursors');
    }, 'the cursor is killed');
    await eventually(() => countsOf(client).checkedOut === 0, 'the kill is done');
    expect(proxy.connections.accepted).to.equal(2);
    expect(await collection.count()).to.equal(COUNT);
  });

  it('gives its connection back when the query fails', async () => {
    const { client, collection } = await watched();
    await rejection(collection.find({ $nonsense: 1 }, { exhaust: true }).to_list(null));
    expect(countsOf(client)).to.include({ checkedOut: 0, idle: 1 });
  });

  it('cannot be limited', () => {
    expect(() => things().find({}, { exhaust: true, limit: 5 })).to.throw(InvalidOperation);
    expect(() => things().find({}, { exhaust: true }).limit(5)).to.throw(InvalidOperation);
    expect(() => things().find({}, { limit: 5 }).add_option(64)).to.throw(InvalidOperation);
  });

  it('is one by its flag, too', async () => {
    const { client, collection } = await watched();
    const cursor = collection.find().add_option(64).batch_size(100);
    await cursor.fetch_next;
    expect(countsOf(client)).to.include({ checkedOut: 1 });
    expect(await cursor.to_list(null)).to.have.length(COUNT);
  });
});

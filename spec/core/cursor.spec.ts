import { setTimeout as sleep } from 'node:timers/promises';
import { type Document, Long } from 'bson';
import { expect } from 'chai';
import {
  AutoReconnect,
  CursorNotFound,
  type MotorClient,
  type MotorCollection,
  OperationFailure,
} from '../../lib/index';
import { countsOf, DATABASE, freshCollection, newClient, newProxy } from '../support/clients';
import { eventually } from '../support/eventually';
import { answer, closeFirst, delayReply, loseReply } from '../support/faults';
import { server } from '../support/hooks';
import type { FaultProxy } from '../support/proxy';
import { CommandError, runRaw } from '../support/rawClient';
import { rejection } from '../support/rejection';
import { runScript } from '../support/script';

describe('the cursor engine', () => {
  const fresh = freshCollection();
  let proxy: FaultProxy;
  let client: MotorClient;
  let things: MotorCollection;
  const numbers = Array.from({ length: 25 }, (_, _id) => ({ _id }));
  const ids = (documents: Document[]) => documents.map(({ _id }) => _id);
  const upTo = (count: number) => ids(numbers.slice(0, count));

  beforeEach(async () => {
    await fresh().insert(numbers.map((number) => ({ ...number })));
    proxy = await newProxy();
    client = newClient(proxy);
    things = client.get_database(DATABASE).get_collection(fresh().name);
  });

  /** Whether the server still knows a cursor, asked without the driver. */
  const lives = async (id: bigint): Promise<boolean> => {
    try {
      await runRaw(server(), DATABASE, { getMore: Long.fromBigInt(id), collection: fresh().name, batchSize: 1 });
      return true;
    } catch (error) {
      // 237: it was killed while it was asked.
      if (error instanceof CommandError && (error.code === 43 || error.code === 237)) return false;
      throw error;
    }
  };

  /** What the proxy saw of some command. */
  const seen = (name: string) => proxy.commands.filter((command) => command.name === name).map((c) => c.document);

  /** A cursor that is open on the server, with two documents here. */
  const opened = async () => {
    const cursor = things.find().sort('_id').batch_size(2);
    expect(await cursor.fetch_next).to.equal(true);
    return { cursor, id: cursor.cursor_id as bigint };
  };

  describe('asks for', () => {
    for (const [limit, size, asked, more] of [
      [0, 0, {}, []],
      [0, 10, { batchSize: 10 }, [10, 10]],
      [0, 1, { batchSize: 2 }, Array(12).fill(2)],
      [7, 0, { limit: 7 }, []],
      [7, 3, { limit: 7, batchSize: 3 }, [3, 1]],
      [7, 7, { limit: 7, batchSize: 8 }, []],
      [7, 100, { limit: 7, batchSize: 8 }, []],
      [-7, 0, { limit: 7, singleBatch: true }, []],
      [-7, 3, { limit: 7, singleBatch: true }, []],
      [25, 20, { limit: 25, batchSize: 20 }, [5]],
      [100, 20, { limit: 100, batchSize: 20 }, [20]],
    ] as [number, number, Document, number[]][]) {
      it(`what limit ${limit} and batch_size ${size} say`, async () => {
        const list = await things.find().sort('_id').limit(limit).batch_size(size).to_list(null);
        expect(ids(list)).to.deep.equal(upTo(limit === 0 ? 25 : Math.min(25, Math.abs(limit))));
        const [find] = seen('find') as [Document];
        const { limit: sentLimit, batchSize, singleBatch } = find;
        expect(JSON.parse(JSON.stringify({ limit: sentLimit, batchSize, singleBatch }))).to.deep.equal(asked);
        expect(seen('getMore').map((getMore) => getMore.batchSize)).to.deep.equal(more);
        expect(seen('killCursors')).to.deep.equal([]);
      });
    }

    it('nothing twice when it is read by several at once', async () => {
      const { cursor } = await opened();
      expect([cursor.next_object(), cursor.next_object()]).to.deep.equal([{ _id: 0 }, { _id: 1 }]);
      expect(await Promise.all([cursor.fetch_next, cursor.fetch_next])).to.deep.equal([true, true]);
      expect(seen('getMore')).to.have.length(1);
      await cursor.close();
    });
  });

  describe('closing early', () => {
    it('ends the cursor on the server, and leaves what is here', async () => {
      const { cursor, id } = await opened();
      await cursor.close();
      await cursor.close();
      expect(await lives(id)).to.equal(false);
      expect(seen('killCursors')).to.have.length(1);
      expect([cursor.next_object(), cursor.next_object(), cursor.next_object()]).to.deep.equal([
        { _id: 0 },
        { _id: 1 },
        null,
      ]);
      expect(await cursor.fetch_next).to.equal(false);
      expect(cursor.cursor_id).to.equal(0n);
    });

    it('ends it also when a batch is on its way', async () => {
      const { cursor, id } = await opened();
      cursor.next_object();
      cursor.next_object();
      proxy.on('getMore', delayReply(50));
      const more = cursor.fetch_next;
      await eventually(() => seen('getMore').length === 1, 'the batch is on its way');
      await cursor.close();
      expect(await more).to.equal(false);
      expect(cursor.alive).to.equal(false);
      await eventually(async () => !(await lives(id)), 'it is killed');
    });

    it('ends it also when the first batch is on its way', async () => {
      const cursor = things.find().batch_size(2);
      proxy.on('find', delayReply(50));
      const first = cursor.fetch_next;
      await eventually(() => seen('find').length === 1, 'the query is on its way');
      await cursor.close();
      expect(await first).to.equal(false);
      await eventually(() => seen('killCursors').length === 1, 'it is killed');
      const [id] = (seen('killCursors')[0] as Document).cursors;
      await eventually(async () => !(await lives(BigInt(String(id)))), 'the server knows it no longer');
    });

    it('asks nothing of the server when nothing is left there', async () => {
      const cursor = things.find();
      await cursor.fetch_next;
      await cursor.close();
      await things.find().close();
      expect(proxy.names).to.deep.equal(['find']);
    });

    it('is done by leaving a loop', async () => {
      const cursor = things.find().batch_size(2);
      for await (const document of cursor) if (document._id === 1) break;
      await eventually(() => seen('killCursors').length === 1, 'it is killed');
    });

    it('never fails', async () => {
      const { cursor } = await opened();
      proxy.on('killCursors', closeFirst());
      expect(await cursor.close()).to.equal(null);
      const other = await opened();
      client.close();
      expect(await other.cursor.close()).to.equal(null);
      expect(countsOf(client)).to.include({ open: 0 });
    });
  });

  describe('an error', () => {
    it('in the middle ends the cursor, after what was here', async () => {
      const cursor = things.find().sort('_id').batch_size(10);
      proxy.on('getMore', answer({ ok: 0, code: 8, codeName: 'UnknownError', errmsg: 'broken' }));
      const taken: unknown[] = [];
      const error = await rejection(
        (async () => {
          for await (const { _id } of cursor) taken.push(_id);
        })(),
      );
      expect(taken).to.deep.equal(upTo(10));
      expect(error).to.be.instanceOf(OperationFailure).with.property('code', 8);
      expect(error.message).to.equal(`broken (getMore on ${things.full_name} at ${proxy.address}, code 8)`);
      expect(await cursor.fetch_next).to.equal(false);
      expect(cursor.alive).to.equal(false);
    });

    it('tells that the cursor was killed on the server', async () => {
      const { cursor, id } = await opened();
      await runRaw(server(), DATABASE, { killCursors: fresh().name, cursors: [Long.fromBigInt(id)] });
      const error = await rejection(cursor.to_list(null));
      expect(error).to.be.instanceOf(CursorNotFound).with.property('code', 43);
      expect(error.message).to.include(`getMore on ${things.full_name} at ${proxy.address}`);
      expect(await cursor.to_list(null)).to.deep.equal([]);
    });

    for (const [what, action] of [
      ['before the server heard of it', closeFirst()],
      ['when its reply is lost', loseReply()],
    ] as const) {
      it(`of the network in getMore, ${what}, kills the cursor as soon as there is a connection`, async () => {
        const { cursor, id } = await opened();
        cursor.next_object();
        cursor.next_object();
        proxy.on('getMore', action);
        const error = await rejection(cursor.fetch_next);
        expect(error).to.be.instanceOf(AutoReconnect);
        expect(error.message).to.include(`getMore on ${things.full_name}`).and.include(proxy.address);
        expect(cursor.alive).to.equal(false);
        await eventually(async () => !(await lives(id)), 'it is killed');
        expect(await things.count()).to.equal(25);
      });
    }

    it('of a network that stays away leaves nothing running', async () => {
      const { cursor } = await opened();
      proxy.refuse();
      proxy.on('getMore', closeFirst());
      await rejection(cursor.to_list(null));
      await eventually(() => countsOf(client).open === 0 && countsOf(client).waiting === 0, 'it is given up');
    });
  });

  it('kills cursors that were forgotten', async () => {
    const { code, stderr } = await runScript(
      `const client = new motor.MotorClient(uri);
       const things = client.${DATABASE}.${fresh().name};
       await (async () => { for (let i = 0; i < 5; i++) await things.find().batch_size(2).fetch_next; })();
       for (let i = 0; i < 10; i++) {
         await new Promise((resolve) => setTimeout(resolve, 20));
         gc();
       }
       client.close();`,
      proxy.uri,
      { options: ['--expose-gc'] },
    );
    expect({ code, stderr }).to.deep.equal({ code: 0, stderr: '' });
    expect(seen('find')).to.have.length(5);
    expect(seen('killCursors')).to.have.length(5);
  });

  it('keeps the heap flat over many batches', async () => {
    const { stdout } = await runScript(
      `const client = new motor.MotorClient(uri);
       const rows = client.${DATABASE}.${fresh().name};
       await rows.insert(Array.from({ length: 50000 }, (_, i) => ({ text: 'some text ' + i })));
       const used = () => { gc(); return process.memoryUsage().heapUsed; };
       let count = 0, early = 0;
       const cursor = rows.find().batch_size(500);
       for await (const row of cursor) if (++count === 5000) early = used();
       console.log(JSON.stringify([count, used() - early]));
       client.close();`,
      server().uri,
      { options: ['--expose-gc'] },
    );
    const [count, growth] = JSON.parse(stdout);
    expect(count).to.equal(50_025);
    expect(growth).to.be.lessThan(1_000_000);
  });

  it('leaves nothing checked out while a cursor is open', async () => {
    const { cursor } = await opened();
    await sleep(5);
    expect(countsOf(client)).to.include({ checkedOut: 0, idle: 1 });
    await cursor.close();
  });
});

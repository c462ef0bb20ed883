/** What the tests of the original pin down, as far as it does not stand with what it is about. */

import { type Document, Long } from 'bson';
import { expect } from 'chai';
import {
  type AsyncIOMotorCollection,
  AutoReconnect,
  CursorType,
  DuplicateKeyError,
  ExecutionTimeout,
  InvalidOperation,
  OperationFailure,
  ValueError,
} from '../../lib/asyncio/index';
import {
  countsOf,
  DATABASE,
  eachForm,
  freshAsyncIOCollection,
  newAsyncIOClient,
  newProxy,
  uniqueName,
} from '../support/clients';
import { eventually } from '../support/eventually';
import { answer, closeFirst } from '../support/faults';
import { collectGarbage } from '../support/garbage';
import { server } from '../support/hooks';
import type { FaultProxy } from '../support/proxy';
import { runRaw } from '../support/rawClient';
import { rejection } from '../support/rejection';
import { commandsOf } from './commands';

const range = (from: number, to: number) => Array.from({ length: to - from }, (_, i) => from + i);
const idsOf = (documents: readonly Document[]) => documents.map(({ _id }) => _id);

describe('What the tests of the original pin down', () => {
  const things = freshAsyncIOCollection();
  const fill = (count: number) => things().insert_many(range(0, count).map((_id) => ({ _id })));

  async function through(options = {}): Promise<{ proxy: FaultProxy; coll: AsyncIOMotorCollection }> {
    const proxy = await newProxy();
    const client = newAsyncIOClient(proxy, options);
    return { proxy, coll: client.get_database(DATABASE).get_collection(things().name) };
  }

  /** Whether the server knows the cursor. To ask is to read on. */
  const lives = (id: unknown) =>
    runRaw(server(), DATABASE, {
      getMore: Long.fromBigInt(id as bigint),
      collection: things().name,
      batchSize: 1,
    }).then(
      () => true,
      () => false,
    );

  eachForm((call) => {
    it('w of client, database and collection agree, and w: 0 silences a duplicate', async () => {
      await fill(1);
      const silent = newAsyncIOClient(server(), { w: 0 });
      const database = silent.get_database(DATABASE);
      const collection = database.get_collection(things().name);
      for (const one of [silent, database, collection]) expect(one.write_concern.document).to.deep.equal({ w: 0 });
      expect((await call(collection, 'insert_one', { _id: 0 })).acknowledged).to.equal(false);
      expect(await rejection(call(things(), 'insert_one', { _id: 0 }))).to.be.instanceOf(DuplicateKeyError);
      const hushed = things().with_options({ write_concern: { w: 0 } });
      await call(hushed, 'insert_one', { _id: 0 });
      await call(hushed, 'insert_one', { _id: 1 });
      await eventually(async () => (await things().count_documents({})) === 2, 'the insert arrives');
    });

    it('two inserts at once on a fresh client both arrive', async () => {
      const collection = newAsyncIOClient().get_database(DATABASE).get_collection(things().name);
      await Promise.all([call(collection, 'insert_one', { _id: 0 }), call(collection, 'insert_one', { _id: 1 })]);
      expect(await call(collection, 'count_documents', {})).to.equal(2);
    });

    it('maxPoolSize -1 and "foo" are ValueErrors', () => {
      for (const maxPoolSize of [-1, 'foo'])
        expect(() => newAsyncIOClient(server(), { maxPoolSize })).to.throw(ValueError);
    });

    it('a connection that the server cut, with retryReads: false: AutoReconnect', async () => {
      const { proxy, coll } = await through({ retryReads: false });
      await call(coll, 'find_one');
      proxy.on('find', closeFirst());
      expect(await rejection(call(coll, 'find_one'))).to.be.instanceOf(AutoReconnect);
      proxy.on('find', closeFirst(true));
      expect(await rejection(call(coll.find(), 'to_list'))).to.be.instanceOf(AutoReconnect);
      expect(await call(coll, 'find_one')).to.equal(null);
    });

    it('a connection that the server cut while nobody used it: AutoReconnect at most, and then a new one', async () => {
      const { proxy, coll } = await through({ retryReads: false });
      await call(coll, 'find_one');
      // The very next operation, before the loop has had a turn to see it.
      proxy.drop();
      const error = await rejection(call(coll, 'find_one')).catch(() => null);
      if (error !== null) expect(error).to.be.instanceOf(AutoReconnect);
      expect(await call(coll, 'find_one')).to.equal(null);

      proxy.drop();
      await eventually(() => countsOf(coll.database.client).open === 0, 'the client sees it');
      expect(await call(coll, 'find_one')).to.equal(null);
    });

    it('a reset while it is idle is found, and retried by default', async () => {
      const { proxy, coll } = await through();
      for (const reset of [false, true]) {
        await call(coll, 'find_one');
        proxy.drop(reset);
        expect(await call(coll, 'find_one')).to.equal(null);
      }
    });

    it('aggregate over 10 and over 1000 documents sums right', async () => {
      for (const count of [10, 1000]) {
        await fill(count);
        const sum = (count * (count - 1)) / 2;
        const found = await call(things().aggregate([{ $project: { _id: 1 } }]), 'to_list');
        expect(idsOf(found).reduce((total: number, _id) => total + _id, 0)).to.equal(sum);
        const pipeline = [{ $group: { _id: null, sum: { $sum: '$_id' } } }];
        expect(await call(things().aggregate(pipeline), 'next')).to.deep.equal({ _id: null, sum });
        await things().delete_many({});
      }
    });

    it('a latent cursor that is dropped, or closed before its use, sends nothing', async () => {
      const commands = commandsOf(things());
      things().aggregate([]);
      expect(await call(things().aggregate([]), 'close')).to.equal(null);
      expect(await call(things().list_indexes(), 'close')).to.equal(null);
      collectGarbage();
      expect(commands).to.deep.equal([]);
    });

    it('batch_size(2) and batchSize: 2 both reach aggregate and getMore', async () => {
      await fill(5);
      for (const cursor of [things().aggregate([]).batch_size(2), things().aggregate([], { batchSize: 2 })]) {
        const commands = commandsOf(things());
        expect(await call(cursor, 'to_list')).to.have.length(5);
        const [first, ...others] = commands;
        expect(first?.cursor).to.deep.equal({ batchSize: 2 });
        expect(others.map(({ batchSize }) => batchSize)).to.deep.equal([2, 2]);
      }
    });

    it('cursor_id is null, not zero until the last batch, then 0n', async () => {
      await fill(200);
      const cursor = things().find().batch_size(75);
      expect(cursor.cursor_id).to.equal(null);
      for (const _id of range(0, 151)) {
        if (_id > 0) expect(cursor.cursor_id, String(_id)).not.to.equal(0n);
        expect(await call(cursor, 'next')).to.deep.equal({ _id });
      }
      expect(cursor.cursor_id).to.equal(0n);
    });

    it('to_list in steps around the first batch gives consecutive ranges', async () => {
      await fill(200);
      const cursor = things().find().sort('_id');
      let from = 0;
      for (const step of [0, 10, 90, 1, 1, 1, 0, 2, 100]) {
        const to = Math.min(from + step, 200);
        expect(idsOf(await call(cursor, 'to_list', step))).to.deep.equal(range(from, to));
        from = to;
      }
      expect(cursor.cursor_id).to.equal(0n);
    });

    for (const count of [10, 23, 167]) {
      it(`batch_size: 5 reads ${count} documents, each once`, async () => {
        await fill(count);
        const commands = commandsOf(things());
        const found = await call(things().find({}, { batch_size: 5, sort: '_id' }), 'to_list');
        expect(idsOf(found)).to.deep.equal(range(0, count));
        expect(commands.length).to.be.within(Math.ceil(count / 5), Math.ceil(count / 5) + 1);
      });
    }

    it('exhaust and limit exclude each other both ways', () => {
      const exhaust = { cursor_type: CursorType.EXHAUST };
      expect(() => things().find({}, { ...exhaust, limit: 5 })).to.throw(InvalidOperation);
      expect(() => things().find({}, exhaust).limit(5)).to.throw(InvalidOperation);
      expect(() => things().find({}, { limit: 5 }).add_option(CursorType.EXHAUST)).to.throw(InvalidOperation);
    });

    it('a cursor that was closed stays alive until what is here was taken', async () => {
      await fill(10);
      const cursor = things().find({}, { batch_size: 3, sort: '_id' });
      expect(await call(cursor, 'next')).to.deep.equal({ _id: 0 });
      const id = cursor.cursor_id;
      expect(await call(cursor, 'close')).to.equal(null);
      expect(await lives(id)).to.equal(false);
      expect([cursor.alive, cursor.closed]).to.deep.equal([true, true]);
      expect(await call(cursor, 'next')).to.deep.equal({ _id: 1 });
      expect(idsOf(await call(cursor, 'to_list'))).to.deep.equal([2]);
      expect(cursor.alive).to.equal(false);
    });

    it('a cursor that is killed from outside gives what is here, then fails', async () => {
      await fill(10);
      const cursor = things().find({}, { batch_size: 3, sort: '_id' });
      await call(cursor, 'next');
      const cursors = [Long.fromBigInt(cursor.cursor_id as bigint)];
      await call(things().database, 'command', 'killCursors', things().name, { cursors });
      expect(cursor.alive).to.equal(true);
      expect(idsOf(await call(cursor, 'to_list', 2))).to.deep.equal([1, 2]);
      expect(await rejection(call(cursor, 'next')))
        .to.be.instanceOf(OperationFailure)
        .with.property('code', 43);
      expect(cursor.alive).to.equal(false);
    });

    it('a cursor that nobody holds any longer is killed on the server', async () => {
      await fill(10);
      for (const make of [() => things().find({}, { batch_size: 2 }), () => things().aggregate([], { batchSize: 2 })]) {
        const commands = commandsOf(things());
        let id: unknown = null;
        await (async () => {
          const cursor = make();
          await call(cursor, 'next');
          id = cursor.cursor_id;
        })();
        await eventually(() => {
          collectGarbage();
          return commands.some(({ cursors }) => String(cursors) === String(id));
        }, 'it is killed');
        await eventually(async () => !(await lives(id)), 'the server has forgotten it');
      }
    });

    describe('max_time_ms', () => {
      // Each document takes the server a while.
      const slow = { $expr: { $gte: [{ $sum: { $range: [0, 300_000] } }, 0] } };

      it('on find and find_one: ExecutionTimeout', async () => {
        await fill(100);
        for (const reading of [
          call(things().find(slow).max_time_ms(1), 'to_list'),
          call(things().find(slow, { max_time_ms: 1 }), 'next'),
          call(things(), 'find_one', { ...slow, _id: -1 }, { max_time_ms: 1, hint: { $natural: 1 } }),
          call(things().find(slow, { max_time_ms: 1 }), 'distinct', '_id'),
          call(things(), 'count_documents', slow, { maxTimeMS: 1 }),
          call(things(), 'distinct', '_id', { filter: slow, maxTimeMS: 1 }),
          call(things().aggregate([{ $match: slow }], { maxTimeMS: 1 }), 'to_list'),
        ]) {
          const error = await rejection(reading);
          expect(error).to.be.instanceOf(ExecutionTimeout);
          expect(error).to.include({ code: 50, timeout: true });
        }
      });

      it('counts over all batches: getMore, to_list and next fail as well', async () => {
        await fill(10);
        const { proxy, coll } = await through();
        proxy.on('getMore', answer({ ok: 0, code: 50, errmsg: 'operation exceeded time limit' }), 2);
        for (const method of ['to_list', 'next'] as const) {
          const cursor = coll.find({}, { batch_size: 2, max_time_ms: 60_000 });
          for (let taken = 0; taken < 2; taken++) await call(cursor, 'next');
          expect(await rejection(call(cursor, method))).to.be.instanceOf(ExecutionTimeout);
          expect(cursor.alive).to.equal(false);
        }
      });

      it('null is no limit', async () => {
        await fill(2);
        const commands = commandsOf(things());
        expect(await call(things().find({}, { max_time_ms: 5000 }).max_time_ms(null), 'to_list')).to.have.length(2);
        expect(commands[0]).not.to.have.property('maxTimeMS');
      });
    });

    it('db.aggregate runs on admin', async () => {
      const admin = things().database.client.get_database('admin');
      const [own] = await call(admin.aggregate([{ $currentOp: {} }, { $limit: 1 }]), 'to_list');
      expect(own).to.have.property('type');
    });

    it('explicit null is no session', async () => {
      const name = uniqueName();
      expect(await call(things().database, 'list_collection_names', { filter: { name }, session: null })).to.deep.equal(
        [],
      );
    });
  });
});

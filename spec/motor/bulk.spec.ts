import { type Document, Int32, Long, ObjectId, UUID } from 'bson';
import { expect } from 'chai';
import {
  AutoReconnect,
  BulkUpsertOperation,
  BulkWriteError,
  BulkWriteOperation,
  type BulkWriteResult,
  DocumentTooLarge,
  InvalidDocument,
  InvalidOperation,
  MotorBulkOperationBuilder,
  type MotorCollection,
  OperationFailure,
  SON,
  SONManipulator,
  ValueError,
} from '../../lib/index';
import { type Call, DATABASE, eachForm, freshCollection, newClient, newProxy } from '../support/clients';
import { eventually } from '../support/eventually';
import { closeFirst, loseReply, rewriteReply } from '../support/faults';
import { server } from '../support/hooks';
import type { FaultProxy } from '../support/proxy';
import { runRaw } from '../support/rawClient';
import { rejection } from '../support/rejection';

const EMPTY: BulkWriteResult = {
  writeErrors: [],
  writeConcernErrors: [],
  nInserted: 0,
  nUpserted: 0,
  nMatched: 0,
  nModified: 0,
  nRemoved: 0,
  upserted: [],
};

/** The same collection through a proxy. */
function through(proxy: FaultProxy, collection: MotorCollection, options: Record<string, unknown> = {}) {
  return newClient(proxy, { max_pool_size: 1, ...options })
    .get_database(DATABASE)
    .get_collection(collection.name);
}

/** Make the server say that it takes less. */
function limit(proxy: FaultProxy, limits: Document): void {
  proxy.on(
    'hello',
    rewriteReply((reply) => ({ ...reply, ...limits })),
    Number.POSITIVE_INFINITY,
  );
}

async function stored(collection: MotorCollection): Promise<Document[]> {
  const { cursor } = await runRaw(server(), DATABASE, {
    find: collection.name,
    projection: { _id: 0 },
    sort: { _id: 1 },
  });
  return cursor.firstBatch;
}

describe('MotorBulkOperationBuilder', () => {
  const things = freshCollection();

  eachForm((call: Call) => {
    describe('ordered', () => {
      it('counts each kind of operation', async () => {
        await things().insert([{ k: 'a' }, { k: 'a' }, { k: 'b' }, { k: 'c' }, { k: 'd' }, { k: 'd' }, { k: 'e' }]);
        const bulk = things().initialize_ordered_bulk_op();
        bulk.insert({ k: 'new' });
        bulk.find({ k: 'a' }).update({ $set: { seen: 1 } });
        bulk.find({ k: 'b' }).update_one({ $set: { k: 'b' } });
        bulk.find({ k: 'c' }).replace_one({ k: 'C' });
        bulk
          .find({ k: 'none' })
          .upsert()
          .update({ $set: { made: true } });
        bulk.find({ k: 'd' }).remove_one();
        bulk.find({ k: 'e' }).remove();
        const result = await call(bulk, 'execute');
        const made = await things().find_one({ made: true });
        expect(result).to.deep.equal({
          ...EMPTY,
          nInserted: 1,
          nMatched: 4,
          nModified: 3,
          nUpserted: 1,
          nRemoved: 2,
          upserted: [{ index: 4, _id: made?._id }],
        });
        expect(made).to.include({ k: 'none' });
        expect((await things().find().sort('k', 1).to_list(null)).map(({ k }) => k)).to.deep.equal([
          'C',
          'a',
          'a',
          'b',
          'd',
          'new',
          'none',
        ]);
      });

      it('stops at the first failure, with everything that was done before', async () => {
        await things().create_index('a', { unique: true });
        const bulk = things().initialize_ordered_bulk_op();
        bulk.insert({ b: 1, a: 1 });
        bulk
          .find({ b: 2 })
          .upsert()
          .update_one({ $set: { a: 1 } });
        bulk
          .find({ b: 3 })
          .upsert()
          .update_one({ $set: { a: 2 } });
        bulk
          .find({ b: 2 })
          .upsert()
          .update_one({ $set: { a: 1 } });
        bulk.insert({ b: 4, a: 3 });
        bulk.insert({ b: 5, a: 1 });
        const error = (await rejection(call(bulk, 'execute'))) as BulkWriteError;
        expect(error).to.be.instanceOf(BulkWriteError).and.to.be.instanceOf(OperationFailure);
        expect(error.code).to.equal(65);
        expect(error.message).to.match(
          /^batch op errors occurred: 1 of 6 operations failed: .*E11000 .* code 11000\)$/,
        );
        expect(error.message).to.not.include('dup key');
        const { writeErrors, ...counts } = error.details as Document;
        const { writeErrors: _, ...none } = EMPTY;
        expect(counts).to.deep.equal({ ...none, nInserted: 1 });
        expect(writeErrors).to.have.length(1);
        expect(writeErrors[0]).to.deep.include({
          index: 1,
          code: 11000,
          op: { q: { b: 2 }, u: { $set: { a: 1 } }, multi: false, upsert: true },
        });
        expect(writeErrors[0].errmsg).to.be.a('string');
        expect(await stored(things())).to.deep.equal([{ b: 1, a: 1 }]);
      });

      it('shows the inserted document, and a removal, as op', async () => {
        await things().insert({ _id: 1 });
        const bulk = things().initialize_ordered_bulk_op();
        const document = { x: 1, _id: 1 };
        bulk.insert(document);
        const error = (await rejection(call(bulk, 'execute'))) as BulkWriteError;
        expect(error.details?.writeErrors[0].op).to.equal(document);
        const wrong = things().initialize_ordered_bulk_op();
        wrong.find({ $bad: 1 }).remove();
        const failed = (await rejection(call(wrong, 'execute'))) as BulkWriteError;
        expect(failed.details?.writeErrors[0]).to.deep.include({ index: 0, op: { q: { $bad: 1 }, limit: 0 } });
      });
    });

    describe('unordered', () => {
      it('does all it can, and tells of all failures in the order of the calls', async () => {
        await things().create_index('a', { unique: true });
        const bulk = things().initialize_unordered_bulk_op();
        bulk.insert({ b: 1, a: 1 });
        bulk
          .find({ b: 2 })
          .upsert()
          .update_one({ $set: { a: 3 } });
        bulk
          .find({ b: 3 })
          .upsert()
          .update_one({ $set: { a: 4 } });
        bulk
          .find({ b: 4 })
          .upsert()
          .update_one({ $set: { a: 3 } });
        bulk.insert({ b: 5, a: 2 });
        bulk.insert({ b: 6, a: 1 });
        const error = (await rejection(call(bulk, 'execute'))) as BulkWriteError;
        const { writeErrors, upserted, ...counts } = error.details as Document;
        expect(counts).to.deep.equal({
          writeConcernErrors: [],
          nInserted: 2,
          nUpserted: 2,
          nMatched: 0,
          nModified: 0,
          nRemoved: 0,
        });
        expect(upserted.map(({ index }: Document) => index)).to.deep.equal([1, 2]);
        expect(writeErrors.map(({ index, code }: Document) => [index, code])).to.deep.equal([
          [3, 11000],
          [5, 11000],
        ]);
        expect(writeErrors[0].op).to.deep.equal({ q: { b: 4 }, u: { $set: { a: 3 } }, multi: false, upsert: true });
        expect(writeErrors[1].op).to.include({ b: 6, a: 1 });
        expect(error.message).to.include('2 of 6 operations failed');
      });

      it('runs inserts, then updates, then removals', async () => {
        const proxy = await newProxy();
        const bulk = through(proxy, things()).initialize_unordered_bulk_op();
        bulk.find({}).remove();
        bulk.insert({ x: 1 });
        bulk.find({ x: 1 }).update({ $set: { y: 1 } });
        bulk.insert({ x: 1 });
        const result = await call(bulk, 'execute');
        expect(result).to.deep.equal({ ...EMPTY, nInserted: 2, nMatched: 2, nModified: 2, nRemoved: 2 });
        expect(proxy.names).to.deep.equal(['insert', 'update', 'delete']);
      });
    });

    it('takes a write concern by position and as keyword, and inherits it', async () => {
      await things().insert({ _id: 1 });
      const duplicate = (collection = things()) => {
        const bulk = collection.initialize_unordered_bulk_op();
        bulk.insert({ _id: 1 });
        return bulk;
      };
      expect(await call(duplicate(), 'execute', { w: 0 })).to.equal(null);
      expect(await call(duplicate(), 'execute', { write_concern: { w: 0 } })).to.equal(null);
      expect(await rejection(call(duplicate(), 'execute', null))).to.be.instanceOf(BulkWriteError);
      const quiet = things().database.get_collection(things().name);
      quiet.write_concern = { w: 0 };
      expect(await call(duplicate(quiet), 'execute')).to.equal(null);
      expect(await call(duplicate(quiet), 'execute', {})).to.equal(null);
      expect(await rejection(call(duplicate(quiet), 'execute', { w: 1 }))).to.be.instanceOf(BulkWriteError);
    });

    it('fails as a whole for a concern that the server refuses', async () => {
      for (const concern of [{ w: 5 }, { j: true, fsync: true }]) {
        const bulk = things().initialize_ordered_bulk_op();
        bulk.insert({ x: 1 });
        bulk.find({}).remove();
        const error = await rejection(call(bulk, 'execute', concern));
        expect(error).to.be.instanceOf(OperationFailure).and.not.to.be.instanceOf(BulkWriteError);
        expect(error.message).to.include(`insert on ${things().full_name}`);
      }
      expect(await stored(things())).to.deep.equal([]);
    });

    it('can be executed once, if there is something to do', async () => {
      const bulk = things().initialize_ordered_bulk_op();
      expect(await rejection(call(bulk, 'execute'))).to.be.instanceOf(InvalidOperation);
      bulk.insert({});
      await call(bulk, 'execute');
      const error = await rejection(call(bulk, 'execute'));
      expect(error).to.be.instanceOf(InvalidOperation).with.property('message').that.includes('once');
      expect(await things().count()).to.equal(1);
    });

    it('refuses what is no write concern, without using the builder up', async () => {
      const bulk = things().initialize_ordered_bulk_op();
      bulk.insert({});
      for (const wrong of [1, 'majority', [1]]) {
        const error = await rejection(call(bulk, 'execute', wrong));
        expect(error).to.be.instanceOf(TypeError);
      }
      expect(await rejection(call(bulk, 'execute', { write_concern: 5 }))).to.be.instanceOf(TypeError);
      expect(await rejection(call(bulk, 'execute', { w: 1, unknown: 5 }))).to.be.instanceOf(Error);
      expect(await rejection(call(bulk, 'execute', { write_concern: {}, unknown: 5 }))).to.be.instanceOf(TypeError);
      expect(await call(bulk, 'execute')).to.include({ nInserted: 1 });
    });
  });

  it('refuses a bad callback at once', () => {
    const bulk = things().initialize_ordered_bulk_op();
    expect(() => bulk.execute({ callback: 'foo' } as never)).to.throw(TypeError, 'callback must be a callable');
  });

  it('checks what is queued when it is queued', () => {
    const bulk = things().initialize_ordered_bulk_op();
    for (const wrong of [undefined, null, 1, 'x', [], [{}], new ObjectId(), new Date()]) {
      expect(() => bulk.insert(wrong as never), 'insert').to.throw(TypeError, 'insert: document must be a document');
      expect(() => bulk.find(wrong as never), 'find').to.throw(TypeError, 'find: selector must be a document');
      for (const operation of [bulk.find({}), bulk.find({}).upsert()]) {
        expect(() => operation.update(wrong as never)).to.throw(TypeError, 'update: update must be a document');
        expect(() => operation.update_one(wrong as never)).to.throw(TypeError, 'update_one: update');
        expect(() => operation.replace_one(wrong as never)).to.throw(TypeError, 'replace_one: replacement');
      }
    }
    for (const operation of [bulk.find({}), bulk.find({}).upsert()]) {
      for (const update of [{}, { a: 1 }, { a: 1, $set: { b: 1 } }, new SON()]) {
        expect(() => operation.update(update)).to.throw(ValueError, 'update:');
        expect(() => operation.update_one(update)).to.throw(ValueError, 'update_one:');
      }
      expect(() => operation.replace_one({ $set: { a: 1 } })).to.throw(ValueError, 'replace_one:');
    }
  });

  it('leaves later keys of an update to the server, and replaces by an empty document', async () => {
    await things().insert({ _id: 1, a: 1 });
    const bulk = things().initialize_ordered_bulk_op();
    bulk.find({}).replace_one({});
    bulk.find({}).update_one({ $set: { a: 1 }, b: 1 });
    const error = (await rejection(bulk.execute())) as BulkWriteError;
    expect(error.details).to.include({ nMatched: 1, nModified: 1 });
    expect(error.details?.writeErrors[0]).to.include({ index: 1, code: 9 });
    expect(await things().find_one()).to.deep.equal({ _id: 1 });
  });

  it('puts a missing _id into the document, and refuses bad keys before anything is sent', async () => {
    const bulk = things().initialize_ordered_bulk_op();
    const document: Document = { a: 1 };
    bulk.insert(document);
    expect(document._id).to.be.instanceOf(ObjectId);
    bulk.insert({ a: { 'b.c': 1 } });
    expect(await rejection(bulk.execute())).to.be.instanceOf(InvalidDocument);
    expect(await things().count()).to.equal(0);
  });

  it('has exactly the members it should have', () => {
    const bulk = things().initialize_ordered_bulk_op() as unknown as Record<string, unknown>;
    expect(bulk).to.be.instanceOf(MotorBulkOperationBuilder);
    for (const name of ['update', 'update_one', 'remove', 'upsert']) expect(bulk[name], name).to.equal(undefined);
    const { find } = things().initialize_unordered_bulk_op(); // methods stay with their object
    const operation = find({}) as unknown as Record<string, unknown>;
    expect(operation).to.be.instanceOf(BulkWriteOperation);
    expect(operation.insert).to.equal(undefined);
    const upsert = find({}).upsert() as unknown as Record<string, unknown>;
    expect(upsert).to.be.instanceOf(BulkUpsertOperation);
    for (const name of ['insert', 'remove', 'remove_one', 'upsert']) expect(upsert[name], name).to.equal(undefined);
    expect(find({}).updateOne({ $set: { a: 1 } })).to.equal(undefined);
    expect(find({}).remove()).to.equal(undefined);
    expect(String(bulk)).to.equal(`MotorBulkOperationBuilder(${things().full_name})`);
    expect((bulk as unknown as MotorBulkOperationBuilder).equals(bulk)).to.equal(true);
  });

  it('writes UUIDs by the subtype of the collection', async () => {
    const id = new UUID();
    const collection = things().database.get_collection(things().name);
    collection.uuid_subtype = 5;
    const bulk = collection.initialize_ordered_bulk_op();
    bulk.insert({ _id: 1, id });
    bulk.find({ id }).update_one({ $set: { again: id } });
    expect(await bulk.execute()).to.include({ nMatched: 1 });
    expect(await collection.find_one({ again: id })).to.deep.equal({ _id: 1, id, again: id });
    expect(await things().find_one({ id })).to.equal(null);
  });

  it('does not apply manipulators', async () => {
    class Marker extends SONManipulator {
      override transform_incoming(son: Document): Document {
        return { ...son, marked: true };
      }
    }
    const { database } = things();
    database.add_son_manipulator(new Marker());
    const bulk = things().initialize_ordered_bulk_op();
    bulk.insert({ x: 1 });
    await bulk.execute();
    expect(await stored(things())).to.deep.equal([{ x: 1 }]);
  });

  describe('with a write concern of w: 0', () => {
    it('runs everything when unordered', async () => {
      await things().insert({ _id: 1 });
      const bulk = things().initialize_unordered_bulk_op();
      bulk.insert({ _id: 1 });
      bulk.insert({ _id: 2 });
      bulk
        .find({ _id: 3 })
        .upsert()
        .update_one({ $set: { x: 1 } });
      expect(await bulk.execute({ w: 0 })).to.equal(null);
      await eventually(async () => (await things().count()) === 3, 'all that can be written is written');
    });

    it('stops at the first failure when ordered, without a word', async () => {
      await things().insert({ _id: 1 });
      const bulk = things().initialize_ordered_bulk_op();
      bulk.insert({ _id: 2 });
      bulk.insert({ _id: 1 });
      bulk.insert({ _id: 3 });
      bulk.find({}).remove();
      expect(await bulk.execute({ w: 0 })).to.equal(null);
      // It ran with acknowledgement, so that all is done by now.
      expect((await things().find().to_list(null)).map(({ _id }) => _id)).to.have.members([1, 2]);
    });

    it('asks for no reply when unordered, and for one when ordered', async () => {
      const proxy = await newProxy();
      const collection = through(proxy, things());
      for (const bulk of [collection.initialize_unordered_bulk_op(), collection.initialize_ordered_bulk_op()]) {
        bulk.insert({});
        await bulk.execute({ w: 0 });
      }
      await collection.count();
      const inserts = proxy.commands.filter(({ name }) => name === 'insert');
      expect(inserts.map(({ moreToCome }) => moreToCome)).to.deep.equal([true, false]);
    });
  });

  describe('over the limits of the server', () => {
    it('runs 2100 operations of each kind', async () => {
      const bulk = things().initialize_ordered_bulk_op();
      for (let i = 0; i < 2100; i++) bulk.insert({ _id: i });
      for (let i = 0; i < 2100; i++) bulk.find({ _id: i }).update_one({ $set: { x: i } });
      for (let i = 0; i < 2100; i++) bulk.find({ _id: i }).remove_one();
      expect(await bulk.execute()).to.deep.equal({
        ...EMPTY,
        nInserted: 2100,
        nMatched: 2100,
        nModified: 2100,
        nRemoved: 2100,
      });
    });

    it('splits by the number of operations, and counts indexes on', async () => {
      const proxy = await newProxy();
      limit(proxy, { maxWriteBatchSize: new Int32(2) });
      const bulk = through(proxy, things()).initialize_unordered_bulk_op();
      for (const _id of [1, 2, 3, 1, 4]) {
        bulk.insert({ _id });
        bulk
          .find({ _id: 10 + _id })
          .upsert()
          .update_one({ $set: { x: 1 } });
      }
      const error = (await rejection(bulk.execute())) as BulkWriteError;
      expect(proxy.names).to.deep.equal(['insert', 'insert', 'insert', 'update', 'update', 'update']);
      expect(error.details).to.include({ nInserted: 4, nUpserted: 4, nMatched: 1 });
      expect(error.details?.writeErrors[0]).to.deep.include({ index: 6, op: { _id: 1 } });
      expect(error.details?.upserted).to.deep.equal([
        { index: 1, _id: 11 },
        { index: 3, _id: 12 },
        { index: 5, _id: 13 },
        { index: 9, _id: 14 },
      ]);
    });

    it('tells of updates as they were given, though only what is true of them is sent', async () => {
      const proxy = await newProxy();
      await things().insert([{ _id: 1 }, { _id: 2, unique: 1 }]);
      await things().ensure_index('unique', { unique: true, sparse: true });
      const bulk = through(proxy, things()).initialize_unordered_bulk_op();
      bulk.find({ _id: 1 }).update_one({ $set: { unique: 1 } });
      bulk.find({ _id: 3 }).upsert().replace_one({ unique: 1 });
      const { details } = (await rejection(bulk.execute())) as BulkWriteError;
      const shown = [
        { q: { _id: 1 }, u: { $set: { unique: 1 } }, multi: false, upsert: false },
        { q: { _id: 3 }, u: { unique: 1 }, multi: false, upsert: true },
      ];
      const ops: Document[] = details?.writeErrors.map((error: Document) => error.op);
      expect(ops).to.deep.equal(shown);
      expect(ops.map((op) => Object.keys(op))).to.deep.equal(shown.map((op) => Object.keys(op)));
      const sent = proxy.commands.find(({ name }) => name === 'update');
      expect(sent?.document.updates).to.deep.equal([{ q: { _id: 1 }, u: { $set: { unique: 1 } } }, shown[1]]);
    });

    it('stops between the batches of an ordered one', async () => {
      const proxy = await newProxy();
      limit(proxy, { maxWriteBatchSize: new Int32(2) });
      const bulk = through(proxy, things()).initialize_ordered_bulk_op();
      for (const _id of [1, 1, 2, 3]) bulk.insert({ _id });
      bulk.find({}).remove();
      const error = (await rejection(bulk.execute())) as BulkWriteError;
      expect(proxy.names).to.deep.equal(['insert']);
      expect(error.details).to.include({ nInserted: 1, nRemoved: 0 });
    });

    it('splits by the size of the message', async () => {
      const proxy = await newProxy();
      limit(proxy, { maxMessageSizeBytes: new Int32(100_000) });
      const bulk = through(proxy, things()).initialize_ordered_bulk_op();
      for (let _id = 0; _id < 6; _id++) bulk.insert({ _id, text: 'x'.repeat(40_000) });
      for (let _id = 0; _id < 6; _id++) bulk.find({ _id }).update_one({ $set: { text: 'y'.repeat(40_000) } });
      expect(await bulk.execute()).to.include({ nInserted: 6, nModified: 6 });
      expect(proxy.names).to.deep.equal(['insert', 'insert', 'insert', 'update', 'update', 'update']);
    });

    it('splits many statements of which some are much longer than the others', async () => {
      const isLong = (_id: number) => _id % 20 < 2;
      const text = (_id: number) => 'x'.repeat(isLong(_id) ? 3_500_000 : 10);
      const bulk = things().initialize_ordered_bulk_op();
      for (let _id = 0; _id < 60; _id++) bulk.insert({ _id, text: text(_id) });
      for (let _id = 0; _id < 60; _id++) bulk.find({ _id }).update_one({ $set: { text: `y${text(_id)}` } });
      expect(await bulk.execute()).to.include({ nInserted: 60, nModified: 60 });
      const stored = await things().find().sort('_id').to_list(null);
      expect(stored.map(({ text }) => text.length)).to.deep.equal(stored.map(({ _id }) => 1 + text(_id).length));
    });

    it('sends what stands before a document that is too large', async () => {
      const bulk = things().initialize_ordered_bulk_op();
      bulk.insert({ _id: 1 });
      bulk.insert({ _id: 2, text: 'x'.repeat(16 * 1024 * 1024) });
      bulk.insert({ _id: 3 });
      const error = await rejection(bulk.execute());
      expect(error).to.be.instanceOf(DocumentTooLarge);
      expect(error.message).to.include(`insert on ${things().full_name}: operation 2 of 3 has 167772`);
      expect((await things().find().to_list(null)).map(({ _id }) => _id)).to.deep.equal([1]);
    });

    it('takes a replacement as large as a document may be, and none that is larger', async () => {
      await things().insert({ _id: 1 });
      const overhead = 5 + 1 + 5 + 4 + 1; // of the document; of `text`: type, name, length, NUL
      const replacing = (size: number) => {
        const bulk = things().initialize_ordered_bulk_op();
        bulk.find({ _id: 1 }).replace_one({ text: 'x'.repeat(size - overhead) });
        return bulk.execute();
      };
      // The server adds the _id.
      expect(await replacing(16 * 1024 * 1024 - 20)).to.include({ nModified: 1 });
      expect(await rejection(replacing(16 * 1024 * 1024 + 1))).to.be.instanceOf(DocumentTooLarge);
    });
  });

  describe('when something goes wrong', () => {
    it('gathers write concern errors, and goes on', async () => {
      const unmet = { code: new Int32(64), errmsg: 'waiting for replication timed out', errInfo: { wtimeout: true } };
      for (const ordered of [true, false]) {
        const proxy = await newProxy();
        proxy.on(
          'insert',
          rewriteReply((reply) => ({ ...reply, writeConcernError: unmet })),
          1,
        );
        const collection = through(proxy, things());
        const bulk = ordered ? collection.initialize_ordered_bulk_op() : collection.initialize_unordered_bulk_op();
        bulk.insert({ x: 1 });
        bulk.find({ x: 1 }).remove();
        const error = (await rejection(bulk.execute())) as BulkWriteError;
        expect(error).to.be.instanceOf(BulkWriteError).with.property('code', 65);
        expect(error.message).to.include('the write concern was not met: waiting for replication timed out (code 64)');
        expect(error.details).to.deep.equal({
          ...EMPTY,
          nInserted: 1,
          nRemoved: 1,
          writeConcernErrors: [{ code: 64, errmsg: unmet.errmsg, errInfo: { wtimeout: true } }],
        });
      }
    });

    it('leaves nModified out when a server did not tell it', async () => {
      const proxy = await newProxy();
      proxy.on(
        'update',
        rewriteReply(({ nModified: _, ...reply }) => reply),
        1,
      );
      const bulk = through(proxy, things()).initialize_ordered_bulk_op();
      bulk.insert({ x: 1 });
      bulk.find({ x: 1 }).update({ $set: { y: 1 } });
      bulk.insert({ x: 2 });
      bulk.find({ x: 2 }).update({ $set: { y: 1 } });
      const { nModified: _, ...rest } = EMPTY;
      expect(await bulk.execute()).to.deep.equal({ ...rest, nInserted: 2, nMatched: 2 });
    });

    it('ends with the connection, and leaves what was done', async () => {
      for (const [fault, removed] of [
        [closeFirst(true), 0],
        [loseReply(), 1],
      ] as const) {
        const proxy = await newProxy();
        proxy.on('delete', fault);
        const collection = through(proxy, things());
        const bulk = collection.initialize_unordered_bulk_op();
        bulk.insert({ _id: removed, x: 1 });
        bulk.find({ _id: removed }).remove();
        const error = await rejection(bulk.execute());
        expect(error).to.be.instanceOf(AutoReconnect).with.property('message').that.includes('delete on');
        expect(await rejection(bulk.execute())).to.be.instanceOf(InvalidOperation);
        expect(await collection.find({ _id: removed }).count()).to.equal(1 - removed);
      }
    });

    it('ends with a batch that the server refuses as a whole', async () => {
      const proxy = await newProxy();
      const denied = { ok: 0, code: 13, errmsg: 'not authorized', codeName: 'Unauthorized' };
      proxy.on(
        'update',
        rewriteReply(() => denied),
      );
      const bulk = through(proxy, things()).initialize_unordered_bulk_op();
      bulk.find({}).remove();
      bulk.find({}).update({ $set: { x: 1 } });
      bulk.insert({ x: 1 });
      const error = await rejection(bulk.execute());
      expect(error).to.be.instanceOf(OperationFailure).with.property('code', 13);
      expect(proxy.names).to.deep.equal(['insert', 'update']);
    });

    it('tells the same of an insert of several documents', async () => {
      const proxy = await newProxy();
      limit(proxy, { maxWriteBatchSize: new Int32(2) });
      const collection = through(proxy, things());
      const documents = () => [1, 2, 3, 3, 4, 1, 5].map((_id) => ({ _id }));
      const error = (await rejection(collection.insert(documents(), { continue_on_error: true }))) as OperationFailure;
      expect(error.details).to.include({ index: 5, code: 11000 });
      expect(await collection.count()).to.equal(5);
      const first = (await rejection(collection.insert(documents()))) as OperationFailure;
      expect(first.details).to.include({ index: 0 });
    });

    it('inserts what stands before a document that is too large', async () => {
      const error = await rejection(things().insert([{ _id: 1 }, { _id: 2, text: 'x'.repeat(17e6) }, { _id: 3 }]));
      expect(error).to.be.instanceOf(DocumentTooLarge).with.property('message').that.includes('document 2');
      expect((await things().find().to_list(null)).map(({ _id }) => _id)).to.deep.equal([1]);
    });
  });

  it('counts beyond what 32 bits hold', async () => {
    const proxy = await newProxy();
    proxy.on(
      'delete',
      rewriteReply((reply) => ({ ...reply, n: Long.fromNumber(5e9) })),
    );
    const bulk = through(proxy, things()).initialize_ordered_bulk_op();
    bulk.find({}).remove();
    expect(await bulk.execute()).to.include({ nRemoved: 5e9 });
  });
});

import { expect } from 'chai';
import {
  BulkWriteError,
  type BulkWriteResult,
  DeleteMany,
  DeleteOne,
  InsertOne,
  InvalidOperation,
  ReplaceOne,
  UpdateMany,
  UpdateOne,
  ValueError,
} from '../../lib/asyncio/index';
import { eachForm, freshAsyncIOCollection } from '../support/clients';
import { rejection } from '../support/rejection';

describe('AsyncIOMotorCollection.bulk_write', () => {
  const things = freshAsyncIOCollection();

  eachForm((call) => {
    it('runs writes of all kinds and counts them', async () => {
      await things().insert_many(Array.from({ length: 10_000 }, (_, i) => ({ i })));
      const result: BulkWriteResult = await call(things(), 'bulk_write', [
        new DeleteMany({}),
        new InsertOne({ _id: 1 }),
        new InsertOne({ _id: 2 }),
        new InsertOne({ _id: 3 }),
        new UpdateOne({ _id: 1 }, { $set: { foo: 'bar' } }),
        new UpdateOne({ _id: 4 }, { $inc: { j: 1 } }, { upsert: true }),
        new ReplaceOne({ j: 1 }, { j: 2 }),
      ]);
      expect(result.bulk_api_result).to.deep.equal({
        writeErrors: [],
        writeConcernErrors: [],
        nInserted: 3,
        nUpserted: 1,
        nMatched: 2,
        nModified: 2,
        nRemoved: 10_000,
        upserted: [{ index: 5, _id: 4 }],
      });
      expect(result).to.include({ inserted_count: 3, deleted_count: 10_000, upserted_count: 1, acknowledged: true });
      expect(result.upserted_ids).to.deep.equal(new Map([[5, 4]]));
    });

    const mixed = () => [
      new UpdateMany({ _id: { $lt: 10 } }, { $set: { seen: true } }),
      new InsertOne({ _id: 1 }),
      new InsertOne({ _id: 20 }),
      new DeleteOne({ _id: 2 }),
      new UpdateOne({ _id: 1 }, { $set: { _id: 3 } }),
    ];

    it('ordered stops at the first failure; details tell all that is known', async () => {
      await things().insert_many([{ _id: 1 }, { _id: 2 }]);
      const error = (await rejection(call(things(), 'bulk_write', mixed()))) as BulkWriteError;
      expect(error).to.be.instanceOf(BulkWriteError);
      const { writeErrors, ...counts } = error.details ?? {};
      expect(counts).to.deep.equal({
        writeConcernErrors: [],
        nInserted: 0,
        nUpserted: 0,
        nMatched: 2,
        nModified: 2,
        nRemoved: 0,
        upserted: [],
      });
      expect(writeErrors).to.have.length(1);
      expect(writeErrors[0]).to.have.all.keys('index', 'code', 'errmsg', 'op');
      expect((error.cause as BulkWriteError).details).to.have.property('code', 11000);
      expect(writeErrors[0]).to.deep.include({ index: 1, code: 11000, op: { _id: 1 } });
      expect(writeErrors[0].errmsg).to.include('E11000');
      expect(error.message).not.to.include('dup key: {');
    });

    it('unordered tries all; errors are sorted by index', async () => {
      await things().insert_many([{ _id: 1 }, { _id: 2 }]);
      const error = (await rejection(call(things(), 'bulk_write', mixed(), { ordered: false }))) as BulkWriteError;
      const { writeErrors, nInserted, nRemoved } = error.details ?? {};
      expect({ nInserted, nRemoved }).to.deep.equal({ nInserted: 1, nRemoved: 1 });
      expect(writeErrors.map(({ index, code }: Record<string, unknown>) => [index, code])).to.deep.equal([
        [1, 11000],
        [4, 66],
      ]);
      expect(writeErrors[1].op).to.deep.equal({ q: { _id: 1 }, u: { $set: { _id: 3 } }, multi: false });
    });

    it('refuses what is no list of operations, and an empty one', async () => {
      for (const wrong of [{}, 'x', null, [{ insertOne: {} }], [InsertOne]]) {
        expect(await rejection(call(things(), 'bulk_write', wrong))).to.be.instanceOf(TypeError);
      }
      expect(await rejection(call(things(), 'bulk_write', []))).to.be.instanceOf(InvalidOperation);
      const wrong = [new UpdateOne({}, { a: 1 })];
      expect(await rejection(call(things(), 'bulk_write', wrong))).to.be.instanceOf(ValueError);
      expect(await rejection(call(things(), 'bulk_write', [new ReplaceOne({}, { $a: 1 })]))).to.be.instanceOf(
        ValueError,
      );
    });

    it('adds _ids to the documents of the caller', async () => {
      const document: { a: number; _id?: unknown } = { a: 1 };
      await call(things(), 'bulk_write', [new InsertOne(document)]);
      expect(await things().find_one()).to.deep.equal({ _id: document._id, a: 1 });
    });

    it('with w: 0 tells nothing', async () => {
      const silent = things().with_options({ write_concern: { w: 0 } });
      const result: BulkWriteResult = await call(silent, 'bulk_write', [new InsertOne({ _id: 1 })]);
      expect(result.acknowledged).to.equal(false);
      expect(() => result.inserted_count).to.throw(InvalidOperation, 'inserted_count');
    });
  });

  it('operations check their filters at once, are equal by their arguments, and print them', () => {
    for (const make of [
      () => new DeleteOne(null as unknown as object as Record<string, unknown>),
      () => new DeleteMany(5 as unknown as Record<string, unknown>),
      () => new UpdateOne('x' as unknown as Record<string, unknown>, {}),
      () => new ReplaceOne([] as unknown as Record<string, unknown>, {}),
      () => new UpdateOne({}, {}, { array_filters: 5 as unknown as [] }),
    ]) {
      expect(make).to.throw(TypeError);
    }
    expect(new DeleteOne({ a: 1 }).equals(new DeleteOne({ a: 1 }))).to.equal(true);
    expect(new DeleteOne({ a: 1 }).equals(new DeleteMany({ a: 1 }))).to.equal(false);
    expect(String(new UpdateOne({ a: 1 }, { $set: { b: 2 } }))).to.equal("UpdateOne({ a: 1 }, { '$set': { b: 2 } })");
  });
});

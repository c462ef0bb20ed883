import { inspect } from 'node:util';
import { expect } from 'chai';
import { CursorNotFound, MotorCommandCursor, OperationFailure, SON, ValueError } from '../../lib/index';
import { DATABASE, eachForm, freshCollection, newClient, newProxy } from '../support/clients';
import { answer } from '../support/faults';
import { rejection } from '../support/rejection';

const numbers = (count: number) => Array.from({ length: count }, (_, _id) => ({ _id }));

describe('A MotorCommandCursor', () => {
  const things = freshCollection();
  beforeEach(async () => void (await things().insert(numbers(300))));
  const sorted = [{ $sort: { _id: 1 } }];
  const cursorOf = (cursor: Record<string, unknown> = {}) => things().aggregate(sorted, { cursor });

  it('has its first batch and its number from the beginning', async () => {
    const cursor = await cursorOf();
    expect(cursor).to.be.instanceOf(MotorCommandCursor);
    expect(cursor).to.include({ started: true, alive: true, closed: false });
    expect(cursor.cursor_id).to.be.a('bigint').and.not.equal(0n);
    expect(cursor.next_object()).to.deep.equal({ _id: 0 });
    expect(cursor.collection.full_name).to.equal(things().full_name);
    expect(inspect(cursor)).to.match(/^MotorCommandCursor\(/);
    await cursor.close();
    const short = await things().aggregate([{ $limit: 2 }], { cursor: {} });
    expect(short.cursor_id).to.equal(0n);
    expect(await short.to_list(null)).to.have.length(2);
    expect(short.alive).to.equal(false);
  });

  it('is read in every way', async () => {
    const ids: unknown[] = [];
    for await (const { _id } of await cursorOf()) ids.push(_id);
    expect(ids).to.deep.equal(numbers(300).map(({ _id }) => _id));
    const fetched = await cursorOf({ batchSize: 7 });
    let count = 0;
    while (await fetched.fetch_next) if (fetched.next_object() !== null) count++;
    expect(count).to.equal(300);
    const each = await new Promise<number>((resolve, reject) => {
      let seen = 0;
      cursorOf().then((cursor) => {
        cursor.each((document, error) => {
          if (error !== null) reject(error);
          else if (document === null) resolve(seen);
          else seen++;
        });
      }, reject);
    });
    expect(each).to.equal(300);
    const list = await cursorOf({ batchSize: 0 });
    expect(await list.to_list(10)).to.have.length(10);
    expect(await list.to_list(null)).to.have.length(290);
  });

  it('takes a batch size at any time, for the batches that follow', async () => {
    const proxy = await newProxy();
    const sizes: unknown[] = [];
    proxy.on((command) => {
      if (command.name === 'getMore') sizes.push(command.document.batchSize);
      return false;
    }, answer({}));
    const collection = newClient(proxy).get_database(DATABASE).get_collection(things().name);
    const cursor = await collection.aggregate(sorted, { cursor: { batchSize: 2 } });
    expect(cursor.batch_size(5)).to.equal(cursor);
    await cursor.to_list(7);
    cursor.batch_size(1);
    await cursor.to_list(1);
    cursor.batch_size(0);
    await cursor.to_list(null);
    expect(sizes).to.deep.equal([5, 2, undefined]);
    for (const wrong of ['5', 1.5, null, undefined, Number.NaN, {}]) {
      expect(() => cursor.batch_size(wrong as number)).to.throw(TypeError, 'batch_size: n');
    }
    expect(() => cursor.batch_size(-1)).to.throw(ValueError);
  });

  it("has documents of the client's class", async () => {
    things().database.connection.document_class = SON;
    const cursor = await cursorOf({ batchSize: 2 });
    for (const document of await cursor.to_list(5)) expect(document).to.be.instanceOf(SON);
    await cursor.close();
  });

  it('cannot be rewound, cloned or chained', async () => {
    const cursor = (await cursorOf()) as unknown as Record<string, unknown>;
    for (const name of ['rewind', 'clone', 'limit', 'skip', 'sort', 'count', '0'])
      expect(cursor[name]).to.equal(undefined);
    await (cursor as unknown as MotorCommandCursor).close();
  });
});

eachForm((call) => {
  describe('MotorCommandCursor', () => {
    const things = freshCollection();
    beforeEach(async () => void (await things().insert(numbers(300))));

    it('to_list, close, and what they fail with', async () => {
      const cursor = await things().aggregate([], { cursor: { batchSize: 10 } });
      expect(await call(cursor, 'to_list', 15)).to.have.length(15);
      expect(await call(cursor, 'to_list', { length: 5 })).to.have.length(5);
      expect(await rejection(call(cursor, 'to_list'))).to.be.instanceOf(TypeError);
      expect(await rejection(call(cursor, 'to_list', -1))).to.be.instanceOf(ValueError);
      expect(await call(cursor, 'close')).to.equal(null);
      expect(cursor.closed).to.equal(true);
      const gone = await things().aggregate([], { cursor: { batchSize: 10 } });
      await newClient().close_cursor(gone.cursor_id as bigint);
      expect(await rejection(call(gone, 'to_list', null))).to.be.instanceOf(CursorNotFound);
    });

    it('is refused where the pipeline is', async () => {
      const error = await rejection(call(things(), 'aggregate', [{ $nonsense: 1 }], { cursor: {} }));
      expect(error).to.be.instanceOf(OperationFailure);
    });
  });
});

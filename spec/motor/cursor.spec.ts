import { inspect } from 'node:util';
import { Long } from 'bson';
import { expect } from 'chai';
import {
  Code,
  CursorNotFound,
  ExecutionTimeout,
  IndexError,
  InvalidDocument,
  InvalidOperation,
  MotorCursor,
  OperationFailure,
  ValueError,
} from '../../lib/index';
import { DATABASE, eachForm, freshCollection, newClient, newProxy } from '../support/clients';
import { eventually } from '../support/eventually';
import { answer, delayReply } from '../support/faults';
import { collectGarbage } from '../support/garbage';
import { server } from '../support/hooks';
import type { SeenCommand } from '../support/proxy';
import { runRaw } from '../support/rawClient';
import { record } from '../support/record';
import { rejection } from '../support/rejection';

const numbers = (count: number) => Array.from({ length: count }, (_, _id) => ({ _id }));
const idsOf = (documents: readonly { _id?: unknown }[]) => documents.map(({ _id }) => _id);
const range = (from: number, to: number) => Array.from({ length: to - from }, (_, i) => from + i);

type Method = (...args: unknown[]) => unknown;
const loose = (cursor: MotorCursor) => cursor as unknown as Record<string, Method>;

/** Everything that `each` calls back with, until it ends or is stopped. */
function eachOf(cursor: MotorCursor, stopAfter = Number.POSITIVE_INFINITY): Promise<unknown[]> {
  return new Promise((resolve, reject) => {
    const seen: unknown[] = [];
    cursor.each((document, error) => {
      if (error !== null) reject(error);
      else if (document === null) resolve(seen);
      else if (seen.push(document._id) === stopAfter) {
        resolve(seen);
        return false;
      }
      return undefined;
    });
  });
}

describe('A MotorCursor', () => {
  const things = freshCollection();
  beforeEach(async () => void (await things().insert(numbers(200))));
  const all = () => things().find().sort('_id');

  it('is unsent, alive and printed by its collection', () => {
    const cursor = all();
    expect(cursor).to.be.instanceOf(MotorCursor);
    expect(cursor).to.include({ started: false, closed: false, alive: true, cursor_id: null });
    expect(cursor.collection).to.equal(cursor.clone().collection);
    expect(inspect(cursor)).to.match(/^MotorCursor\(/);
    expect(cursor.equals(cursor)).to.equal(true);
    expect(cursor.equals(cursor.clone())).to.equal(false);
  });

  it('has a cursor_id while it is open on the server', async () => {
    const cursor = all().batch_size(75);
    for (let taken = 0; await cursor.fetch_next; taken++) {
      if (taken < 150) expect(cursor.cursor_id).not.to.equal(0n);
      else expect(cursor.cursor_id).to.equal(0n);
      cursor.next_object();
    }
    expect(cursor).to.include({ cursor_id: 0n, alive: false, started: true });
    expect(await cursor.fetch_next).to.equal(false);
    expect(await cursor.fetch_next).to.equal(false);
  });

  it('has nothing before it is fetched, and fetches once however often it is asked', async () => {
    const cursor = all();
    expect(cursor.next_object()).to.equal(null);
    const [first, second] = [cursor.fetch_next, cursor.fetch_next];
    expect(await first).to.equal(true);
    expect(await second).to.equal(true);
    expect(await cursor.fetch_next).to.equal(true);
    for (const _id of range(0, 101)) expect(cursor.next_object()).to.deep.equal({ _id });
    expect(cursor.next_object()).to.equal(null);
    expect(await cursor.fetch_next).to.equal(true);
    expect(cursor.next_object()).to.deep.equal({ _id: 101 });
    await cursor.close();
  });

  it('skips an empty batch of a cursor that is still open', async () => {
    const proxy = await newProxy();
    const empty = { id: Long.fromNumber(5), ns: `${DATABASE}.c`, firstBatch: [] };
    proxy.on('find', answer({ ok: 1, cursor: empty }));
    proxy.on('getMore', answer({ ok: 1, cursor: { ...empty, nextBatch: [] } }));
    proxy.on('getMore', answer({ ok: 1, cursor: { ...empty, id: Long.ZERO, nextBatch: [{ _id: 1 }] } }));
    const cursor = newClient(proxy).get_database(DATABASE).get_collection('c').find();
    expect(await cursor.fetch_next).to.equal(true);
    expect(cursor.next_object()).to.deep.equal({ _id: 1 });
  });

  it('does not report a rejected fetch_next that nobody awaits', async () => {
    const seen: unknown[] = [];
    const note = (reason: unknown) => seen.push(reason);
    process.on('unhandledRejection', note);
    try {
      void newClient('mongodb://127.0.0.1:1').get_database('d').get_collection('c').find().fetch_next;
      await new Promise((resolve) => setTimeout(resolve, 50));
    } finally {
      process.off('unhandledRejection', note);
    }
    expect(seen).to.deep.equal([]);
  });

  it('rejects where the query fails, in every way to read it', async () => {
    const wrong = () => things().find({ $nonsense: 1 });
    expect(await rejection(wrong().fetch_next)).to.be.instanceOf(OperationFailure);
    expect(await rejection(wrong().to_list(1))).to.be.instanceOf(OperationFailure);
    expect(await rejection(eachOf(wrong()))).to.be.instanceOf(OperationFailure);
    const iterate = async () => {
      for await (const document of wrong()) expect.fail(String(document));
    };
    expect(await rejection(iterate())).to.be.instanceOf(OperationFailure);
    const notEncodable = () => things().find({ a: Symbol('a') });
    expect(await rejection(notEncodable().fetch_next)).to.be.instanceOf(InvalidDocument);
    expect(await rejection(notEncodable().to_list(1))).to.be.instanceOf(InvalidDocument);
    expect(await rejection(eachOf(notEncodable()))).to.be.instanceOf(InvalidDocument);
    expect(await rejection(notEncodable().count())).to.be.instanceOf(InvalidDocument);
  });

  it('keeps the settings of the time it was made', async () => {
    const { database } = things();
    const cursor = things().find();
    things().read_preference = 3;
    database.connection.document_class = Map;
    const [first] = await cursor.to_list(1);
    expect(first).not.to.be.instanceOf(Map);
    expect((await cursor.clone().to_list(1))[0]).not.to.be.instanceOf(Map);
    await cursor.close();
  });

  describe('each', () => {
    it('calls with every document, and null at the end', async () => {
      expect(await eachOf(all())).to.deep.equal(range(0, 200));
    });

    it('is stopped by false alone, and goes on where it stopped', async () => {
      const cursor = all();
      expect(await eachOf(cursor, 5)).to.deep.equal(range(0, 5));
      expect(cursor.alive).to.equal(true);
      expect(await eachOf(cursor, 150)).to.deep.equal(range(5, 155));
      expect(await eachOf(cursor)).to.deep.equal(range(155, 200));
      const seen = await new Promise<number>((resolve) => {
        let count = 0;
        all().each((document) => {
          if (document === null) resolve(count);
          count++;
          return [undefined, null, 0][count % 3];
        });
      });
      expect(seen).to.equal(200);
    });

    it('needs a function, and says so at once', () => {
      for (const wrong of [undefined, null, 5, 'foo', {}, false]) {
        expect(() => loose(all()).each?.(wrong)).to.throw(TypeError, 'callback must be a callable');
      }
    });

    it('never calls before it has returned, also with documents at hand', async () => {
      const cursor = all();
      await cursor.fetch_next;
      let returned = false;
      await new Promise<void>((resolve) => {
        cursor.each(() => {
          expect(returned).to.equal(true);
          resolve();
          return false;
        });
        returned = true;
      });
      await cursor.close();
    });

    it('can be nested a thousand deep', async () => {
      const depth = await new Promise<number>((resolve, reject) => {
        const nest = (level: number) => {
          if (level === 1000) return resolve(level);
          all()
            .limit(1)
            .each((document, error) => {
              if (error !== null) reject(error);
              if (document !== null) nest(level + 1);
            });
        };
        nest(0);
      });
      expect(depth).to.equal(1000);
    });

    it('a slow one that began first ends after a fast one', async () => {
      const proxy = await newProxy();
      proxy.on('find', delayReply(150));
      const collection = newClient(proxy).get_database(DATABASE).get_collection(things().name);
      const order: string[] = [];
      const slow = eachOf(collection.find()).then(() => order.push('slow'));
      await Promise.all([slow, eachOf(collection.find()).then(() => order.push('fast'))]);
      expect(order).to.deep.equal(['fast', 'slow']);
    });

    it('delivers the rest of the batch after close, then the end', async () => {
      const cursor = all();
      const seen: unknown[] = [];
      await new Promise<void>((resolve) => {
        cursor.each((document) => {
          if (document === null) return resolve();
          if (seen.push(document._id) === 1) void cursor.close();
          return undefined;
        });
      });
      expect(seen).to.deep.equal(range(0, 101));
    });
  });

  it('that is closed after its client leaves that alone', async () => {
    const client = newClient();
    const cursor = client.get_database(DATABASE).get_collection(things().name).find().batch_size(10);
    await cursor.fetch_next;
    client.close();
    const told = record(client, ['topologyOpening', 'connectionCheckOutStarted']);
    await cursor.close();
    expect(told).to.deep.equal([]);
  });

  describe('for await', () => {
    it('gives every document, and closes the cursor when it is left early', async () => {
      const ids: unknown[] = [];
      for await (const { _id } of all()) ids.push(_id);
      expect(ids).to.deep.equal(range(0, 200));
      const cursor = all().batch_size(10);
      let id = 0n;
      for await (const document of cursor) {
        id = cursor.cursor_id as bigint;
        if (document._id === 3) break;
      }
      expect(cursor.closed).to.equal(true);
      const error = await rejection(
        runRaw(server(), DATABASE, { getMore: Long.fromBigInt(id), collection: things().name }),
      );
      expect(error.message).to.match(/cursor/);
    });
  });

  describe('close', () => {
    it('ends it on the server, while documents at hand can still be taken', async () => {
      const cursor = all();
      await cursor.fetch_next;
      const id = cursor.cursor_id as bigint;
      expect(await cursor.close()).to.equal(null);
      expect(cursor).to.include({ closed: true, alive: true });
      await rejection(runRaw(server(), DATABASE, { getMore: Long.fromBigInt(id), collection: things().name }));
      for (const _id of range(0, 101)) expect(cursor.next_object()).to.deep.equal({ _id });
      expect(cursor.alive).to.equal(false);
      expect(await cursor.fetch_next).to.equal(false);
      expect(await cursor.to_list(null)).to.deep.equal([]);
      expect(await cursor.close()).to.equal(null);
    });

    it('before it was sent leaves nothing to fetch', async () => {
      const cursor = all();
      await cursor.close();
      expect(await cursor.fetch_next).to.equal(false);
      expect(await cursor.to_list(5)).to.deep.equal([]);
      expect(cursor).to.include({ alive: false, started: false });
    });

    it('is what happens to one that was forgotten', async () => {
      let id = 0n;
      await (async () => {
        const cursor = all();
        await cursor.fetch_next;
        id = cursor.cursor_id as bigint;
      })();
      await eventually(async () => {
        collectGarbage();
        const command = { getMore: Long.fromBigInt(id), collection: things().name, batchSize: 1 };
        return runRaw(server(), DATABASE, command).then(
          () => false,
          () => true,
        );
      }, 'the cursor is killed');
    });
  });

  describe('slice and at', () => {
    const ids = async (cursor: MotorCursor) => idsOf(await cursor.to_list(null));

    it('take a range, and override what stands before them', async () => {
      expect(await ids(all().slice(2, 5))).to.deep.equal([2, 3, 4]);
      expect(await ids(all().slice(195))).to.deep.equal(range(195, 200));
      expect(await ids(all().slice())).to.deep.equal(range(0, 200));
      expect(await ids(all().slice(0, 3))).to.deep.equal([0, 1, 2]);
      expect(await ids(all().slice(null, 2))).to.deep.equal([0, 1]);
      expect(await ids(all().skip(50).limit(7).slice(2, 5))).to.deep.equal([2, 3, 4]);
      expect(await ids(all().slice(9, 20).slice(1, 2))).to.deep.equal([1]);
      expect(await ids(all().slice(2, 50).limit(1))).to.deep.equal([2]);
      expect(await ids(all().slice(2, 5).skip(10))).to.deep.equal([10, 11, 12]);
      expect(await ids(all().slice(1000, 1005))).to.deep.equal([]);
      expect(await ids(all().slice(199, 1005))).to.deep.equal([199]);
    });

    it('take one document, counted from an existing skip', async () => {
      expect(await ids(all().at(5))).to.deep.equal([5]);
      expect(await ids(all()[5] as MotorCursor)).to.deep.equal([5]);
      expect(await ids(all().skip(5).at(5))).to.deep.equal([10]);
      expect(await ids(all().limit(2).at(5))).to.deep.equal([5]);
      expect(await ids(all().at(5).at(5))).to.deep.equal([10]);
      expect(await ids(all().at(0))).to.deep.equal([0]);
      const beyond = all()[1000] as MotorCursor;
      expect(await beyond.fetch_next).to.equal(false);
      expect(beyond.next_object()).to.equal(null);
    });

    it('give an empty cursor that never asks the server', async () => {
      const empty = () => newClient('mongodb://127.0.0.1:1').get_database('d').get_collection('c').find().slice(5, 5);
      expect(await empty().fetch_next).to.equal(false);
      expect(await empty().to_list(5)).to.deep.equal([]);
      expect(await eachOf(empty())).to.deep.equal([]);
      expect(await empty().clone().to_list(null)).to.deep.equal([]);
      expect(await empty().count(true)).to.equal(0);
      expect(await ids(all().slice(5, 5).limit(2))).to.deep.equal([5, 6]);
      expect(await ids(all().slice(5, 5).slice(1, 2))).to.deep.equal([1]);
      expect(await ids(all().slice(5, 5).at(1))).to.have.length(1);
      expect(await ids(all().slice(5, 5).rewind())).to.deep.equal([]);
    });

    it('refuse what is none', () => {
      for (const args of [[-1], [-1, 5], [5, 2], [0, -1], [0, 5, 1], [0, 5, 2]]) {
        expect(() => loose(all()).slice?.(...args), String(args)).to.throw(IndexError);
      }
      for (const args of [['a'], [1.5], [0, 'b'], [Number.NaN], [{}], [2 ** 60]]) {
        expect(() => loose(all()).slice?.(...args), String(args)).to.throw(TypeError);
      }
      expect(() => all().at(-1)).to.throw(IndexError);
      for (const wrong of ['5', 1.5, null, undefined, Number.NaN, {}])
        expect(() => loose(all()).at?.(wrong)).to.throw(TypeError);
      const find = things().find as unknown as (spec: object, kw: object) => MotorCursor;
      expect(() => find({}, { exhaust: true }).at(1)).to.throw(InvalidOperation);
    });
  });

  describe('chaining', () => {
    it('gives the same object', () => {
      const cursor = all();
      const calls: [string, ...unknown[]][] = [
        ['limit', 5],
        ['skip', 1],
        ['batch_size', 2],
        ['sort', 'a', -1],
        [
          'sort',
          [
            ['a', 1],
            ['b', { $meta: 'textScore' }],
          ],
        ],
        ['sort', 'a', null],
        ['hint', [['_id', 1]]],
        ['hint', null],
        ['min', [['_id', 1]]],
        ['max', [['_id', null]]],
        ['max_time_ms', 5],
        ['max_time_ms', null],
        ['max_scan', 5],
        ['comment', 'c'],
        ['where', 'true'],
        ['where', new Code('true')],
        ['where', () => true],
        ['add_option', 16],
        ['remove_option', 16],
        ['at', 1],
        ['slice', 1, 2],
        ['rewind'],
      ];
      for (const [method, ...args] of calls) expect(loose(cursor)[method]?.(...args), method).to.equal(cursor);
    });

    it('is over once the query was sent, though the argument is checked first', async () => {
      const cursor = all();
      await cursor.fetch_next;
      const calls: [string, ...unknown[]][] = [
        ['limit', 5],
        ['skip', 1],
        ['batch_size', 2],
        ['sort', 'a'],
        ['hint', [['_id', 1]]],
        ['min', [['_id', 1]]],
        ['max', [['_id', 1]]],
        ['max_time_ms', 5],
        ['max_scan', 5],
        ['comment', 'c'],
        ['where', 'true'],
        ['add_option', 16],
        ['remove_option', 16],
        ['at', 1],
        ['slice', 1, 2],
      ];
      for (const [method, ...args] of calls) {
        expect(() => loose(cursor)[method]?.(...args), method).to.throw(
          InvalidOperation,
          `${method}: the query was sent`,
        );
        if (!['max_scan', 'comment'].includes(method)) {
          expect(() => loose(cursor)[method]?.({ a: 1 }), method).to.throw(TypeError);
        }
      }
      await cursor.close();
    });

    it('refuses wrong arguments', () => {
      const wrong: [string, typeof TypeError | typeof ValueError, ...unknown[][]][] = [
        ['limit', TypeError, ['5'], [1.5], [null], [], [Number.NaN], [Number.POSITIVE_INFINITY], [true]],
        ['skip', TypeError, ['5'], [1.5], [null], [], [Number.NaN], [2 ** 60]],
        ['skip', ValueError, [-1]],
        ['batch_size', TypeError, ['5'], [1.5], [null], [], [Number.NaN]],
        ['batch_size', ValueError, [-1]],
        [
          'sort',
          TypeError,
          [],
          [null],
          [5],
          [{ a: 1 }],
          [[['a', 1]], 1],
          [{ a: 1 }, 1],
          [5, 1],
          ['a', 1.5],
          ['a', true],
        ],
        ['sort', ValueError, [[]], [['a']], [[['a']]], [[['a', 1, 2]]]],
        ['sort', TypeError, [[[5, 1]]], [[['a', null]]]],
        ['hint', TypeError, ['a'], [5], [{ a: 1 }], [undefined], [true]],
        ['hint', ValueError, [[]]],
        ['min', TypeError, ['a'], [5], [{ a: 1 }], [null], []],
        ['max', TypeError, ['a'], [5], [{ a: 1 }], [null], []],
        ['max_time_ms', TypeError, ['5'], [1.5], [], [Number.NaN], [{}]],
        ['max_scan', TypeError, ['5'], [1.5], [], [Number.NaN], [{}]],
        ['max_scan', ValueError, [-1]],
        ['where', TypeError, [5], [null], [], [{}], [[]]],
        ['add_option', TypeError, ['5'], [1.5], [null], []],
        ['remove_option', TypeError, ['5'], [1.5], [null], []],
      ];
      for (const [method, Class, ...calls] of wrong) {
        for (const args of calls) {
          expect(() => loose(all())[method]?.(...args), `${method}(${inspect(args)})`).to.throw(Class, method);
        }
      }
    });

    it('refuses a limit together with exhaust', () => {
      expect(() => all().add_option(64).limit(5)).to.throw(InvalidOperation);
      expect(() => all().limit(5).add_option(64)).to.throw(InvalidOperation);
      expect(() => things().find({}, { exhaust: true }).limit(5)).to.throw(InvalidOperation);
      expect(() => all().add_option(64).remove_option(64).limit(5)).not.to.throw();
    });

    it('does what it says', async () => {
      expect(idsOf(await all().limit(3).to_list(null))).to.deep.equal([0, 1, 2]);
      expect(idsOf(await all().limit(3).limit(0).skip(198).to_list(null))).to.deep.equal([198, 199]);
      expect(idsOf(await all().sort('_id', -1).limit(2).to_list(null))).to.deep.equal([199, 198]);
      expect(
        idsOf(
          await all()
            .sort([['_id', -1]])
            .limit(1)
            .to_list(null),
        ),
      ).to.deep.equal([199]);
      const negative = all().limit(-150);
      expect(await negative.to_list(null)).to.have.length(150);
      expect(negative.cursor_id).to.equal(0n);
      const limited = all().limit(150).batch_size(20);
      expect(await limited.to_list(null)).to.have.length(150);
      expect(limited.cursor_id).to.equal(0n);
      const wrongHint = things()
        .find()
        .hint([['nothing', 1]]);
      expect(await rejection(wrongHint.to_list(1)))
        .to.be.instanceOf(OperationFailure)
        .with.property('code', 2);
      expect(
        await things()
          .find()
          .hint([['nothing', 1]])
          .hint(null)
          .to_list(1),
      ).to.have.length(1);
      const scanned = things().find().max_scan(5);
      expect(await rejection(scanned.to_list(1)))
        .to.be.instanceOf(OperationFailure)
        .with.property('code', 40415);
    });

    it('becomes fields of the find command', async () => {
      const proxy = await newProxy();
      const seen: SeenCommand[] = [];
      proxy.on((command) => {
        if (command.name === 'find') seen.push(command);
        return false;
      }, answer({}));
      const collection = newClient(proxy).get_database(DATABASE).get_collection(things().name);
      const sent = async (cursor: MotorCursor) => {
        await cursor.to_list(1).catch(() => null);
        await cursor.close();
        const { find, filter, $db, lsid, ...rest } = seen.at(-1)?.document ?? {};
        return rest;
      };
      const find = collection.find;
      expect(await sent(find())).to.deep.equal({});
      expect(await sent(find().batch_size(0))).to.deep.equal({});
      expect(await sent(find().batch_size(1))).to.deep.equal({ batchSize: 2 });
      expect(await sent(find().limit(5))).to.deep.equal({ limit: 5 });
      expect(await sent(find().limit(-5))).to.deep.equal({ limit: 5, singleBatch: true });
      expect(await sent(find().limit(-150))).to.deep.equal({ limit: 150, singleBatch: true, batchSize: 150 });
      expect(await sent(find().comment('c').max_time_ms(500))).to.deep.equal({ comment: 'c', maxTimeMS: 500 });
      expect(await sent(find().add_option(16 | 128))).to.deep.equal({
        noCursorTimeout: true,
        allowPartialResults: true,
      });
      expect(
        await sent(
          find()
            .add_option(16 | 128)
            .remove_option(128),
        ),
      ).to.deep.equal({ noCursorTimeout: true });
      expect(await sent(find({}, { timeout: false, partial: true, skip: 2, fields: ['a'] }))).to.deep.equal({
        projection: { a: 1 },
        skip: 2,
        noCursorTimeout: true,
        allowPartialResults: true,
      });
      expect(await sent(find({}, { await_data: true }))).to.deep.equal({});
    });
  });

  describe('rewind and clone', () => {
    it('begin anew, in the middle and at the end', async () => {
      const cursor = all();
      for (const count of [3, 150, 200]) {
        expect(idsOf(await cursor.to_list(count))).to.deep.equal(range(0, count));
        cursor.rewind();
        expect(cursor).to.include({ started: false, alive: true, cursor_id: null });
      }
      expect(cursor.limit(1)).to.equal(cursor);
      expect(await cursor.to_list(null)).to.have.length(1);
    });

    it('copy deeply, and leave the original alone', async () => {
      const spec = { _id: { $lt: 5 } };
      const cursor = things()
        .find(spec, { fields: ['a'] })
        .sort('_id', -1)
        .skip(1);
      await cursor.fetch_next;
      const copy = cursor.clone();
      spec._id.$lt = 2;
      expect(copy.started).to.equal(false);
      expect(idsOf(await copy.to_list(null))).to.deep.equal([3, 2, 1, 0]);
      expect(idsOf(await cursor.to_list(null))).to.deep.equal([3, 2, 1, 0]);
    });
  });
});

eachForm((call) => {
  describe('MotorCursor', () => {
    const things = freshCollection();
    beforeEach(async () => void (await things().insert(numbers(200))));
    const all = () => things().find().sort('_id');

    it('to_list gives consecutive ranges, across the batches', async () => {
      const cursor = all();
      let from = 0;
      for (const length of [0, 10, 90, 1, 1, 1, 0, 2, 100]) {
        const ids = idsOf((await call(cursor, 'to_list', length)) as { _id: unknown }[]);
        expect(ids).to.deep.equal(range(from, Math.min(from + length, 200)));
        from += ids.length;
      }
      expect(from).to.equal(200);
      expect(cursor.cursor_id).to.equal(0n);
      expect(await call(cursor, 'to_list', 5)).to.deep.equal([]);
      expect(await call(cursor, 'to_list', null)).to.deep.equal([]);
    });

    it('to_list takes length as a keyword, and null for all', async () => {
      expect(await call(all(), 'to_list', { length: 10 })).to.have.length(10);
      expect(await call(all(), 'to_list', { length: null })).to.have.length(200);
      expect(await call(all(), 'to_list', null)).to.have.length(200);
      const cursor = all();
      expect(await call(cursor, 'to_list', 0)).to.deep.equal([]);
      expect(cursor.started).to.equal(true);
      await cursor.close();
    });

    it('to_list refuses a length that is none, and is not sent then', async () => {
      for (const wrong of [undefined, '5', 1.5, Number.NaN, true, [], Number.POSITIVE_INFINITY]) {
        const cursor = all();
        const error = await rejection(call(cursor, 'to_list', wrong));
        expect(error, String(wrong))
          .to.be.instanceOf(TypeError)
          .with.property('message')
          .that.includes('to_list: length');
        expect(cursor.started).to.equal(false);
      }
      expect(await rejection(call(all(), 'to_list'))).to.be.instanceOf(TypeError);
      expect(await rejection(call(all(), 'to_list', -1))).to.be.instanceOf(ValueError);
      expect(await rejection(call(all(), 'to_list', { length: -1 }))).to.be.instanceOf(ValueError);
      expect(await rejection(call(all(), 'to_list', 5, { length: 5 }))).to.be.instanceOf(TypeError);
    });

    it('to_list refuses a tailable cursor, whose settings can still change', async () => {
      const cursor = things().find({}, { tailable: true });
      const error = await rejection(call(cursor, 'to_list', 5));
      expect(error).to.be.instanceOf(InvalidOperation).with.property('message').that.includes('tailable');
      cursor.remove_option(2).limit(3);
      expect(await call(cursor, 'to_list', 5)).to.have.length(3);
    });

    it('count counts what matches, skip and limit only on demand', async () => {
      const cursor = things()
        .find({ _id: { $lt: 50 } })
        .skip(5)
        .limit(10);
      expect(await call(cursor, 'count')).to.equal(50);
      expect(await call(cursor, 'count', true)).to.equal(10);
      expect(await call(cursor, 'count', false)).to.equal(50);
      expect(
        await call(
          things()
            .find({ _id: { $lt: 7 } })
            .skip(5),
          'count',
          true,
        ),
      ).to.equal(2);
      expect(cursor.started).to.equal(false);
      await cursor.fetch_next;
      expect(await call(cursor, 'count')).to.equal(50);
      expect(cursor.next_object()).to.not.equal(null);
      expect(await call(newClient().get_database(DATABASE).get_collection('nothing').find(), 'count')).to.equal(0);
      for (const wrong of [1, 'true', null]) {
        expect(await rejection(call(cursor, 'count', wrong))).to.be.instanceOf(TypeError);
      }
      await cursor.close();
    });

    it('distinct looks at the spec alone', async () => {
      const cursor = things()
        .find({ _id: { $lt: 3 } })
        .skip(1)
        .limit(1);
      expect(await call(cursor, 'distinct', '_id')).to.deep.equal([0, 1, 2]);
      for (const wrong of [undefined, null, 5, {}, []]) {
        expect(await rejection(call(cursor, 'distinct', wrong))).to.be.instanceOf(TypeError);
      }
    });

    it('count and distinct send comment and max_time_ms', async () => {
      const proxy = await newProxy();
      const seen: unknown[] = [];
      const note = ({ document: { comment, maxTimeMS, hint } }: SeenCommand) => {
        seen.push([comment, maxTimeMS, hint]);
        return { ok: 1, n: 0, values: [] };
      };
      proxy.on('count', answer(note));
      proxy.on('distinct', answer(note));
      const cursor = newClient(proxy).get_database(DATABASE).get_collection('c').find();
      cursor
        .comment('c')
        .max_time_ms(5)
        .hint([['_id', 1]]);
      await call(cursor, 'count');
      await call(cursor, 'distinct', 'a');
      expect(seen).to.deep.equal([
        ['c', 5, undefined],
        ['c', 5, undefined],
      ]);
    });

    it('explain gives the plan, and leaves the cursor as it is', async () => {
      const cursor = all().limit(3);
      await cursor.fetch_next;
      const plan = await call(cursor, 'explain');
      expect(plan).to.have.property('queryPlanner');
      expect(plan).to.have.property('executionStats');
      expect(idsOf(await cursor.to_list(null))).to.deep.equal([0, 1, 2]);
      expect(await rejection(call(things().find({ $nonsense: 1 }), 'explain'))).to.be.instanceOf(OperationFailure);
    });

    it('close gives null, however often', async () => {
      const cursor = all();
      await cursor.fetch_next;
      for (let turn = 0; turn < 2; turn++) expect(await call(cursor, 'close')).to.equal(null);
    });

    it('fails with ExecutionTimeout on the query, or a later batch', async () => {
      const tooLong = answer({ ok: 0, code: 50, errmsg: 'operation exceeded time limit' });
      for (const command of ['find', 'getMore']) {
        const proxy = await newProxy();
        proxy.on(command, tooLong, 10);
        const collection = newClient(proxy).get_database(DATABASE).get_collection(things().name);
        const cursor = () => collection.find().max_time_ms(5000);
        expect(await rejection(call(cursor(), 'to_list', null))).to.be.instanceOf(ExecutionTimeout);
        expect(await rejection(eachOf(cursor()))).to.be.instanceOf(ExecutionTimeout);
      }
    });

    it('fails with CursorNotFound when it is gone from the server', async () => {
      const cursor = all().batch_size(10);
      await cursor.fetch_next;
      const { name, database } = things();
      await runRaw(server(), database.name, {
        killCursors: name,
        cursors: [Long.fromBigInt(cursor.cursor_id as bigint)],
      });
      const error = await rejection(call(cursor, 'to_list', null));
      expect(error)
        .to.be.instanceOf(CursorNotFound)
        .with.property('message')
        .that.includes(`getMore on ${things().full_name}`);
      expect(cursor.alive).to.equal(false);
    });
  });
});

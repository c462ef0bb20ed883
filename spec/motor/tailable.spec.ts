import { setTimeout as sleep } from 'node:timers/promises';
import type { Document } from 'bson';
import { expect } from 'chai';
import { InvalidOperation, type MotorCollection, type MotorCursor } from '../../lib/index';
import { DATABASE, freshCollection, newClient, newProxy } from '../support/clients';
import { answer } from '../support/faults';
import { rejection } from '../support/rejection';

describe('A tailable cursor', () => {
  const things = freshCollection();

  beforeEach(() => things().database.create_collection(things().name, { capped: true, size: 4096 }));

  /** The next documents, so many of them. */
  async function follow(cursor: MotorCursor, count: number): Promise<unknown[]> {
    const ids: unknown[] = [];
    while (ids.length < count && cursor.alive) {
      if (await cursor.fetch_next) ids.push(cursor.next_object()?._id);
      else await sleep(10);
    }
    return ids;
  }

  it('follows inserts with pauses, waiting for data', async () => {
    await things().insert({ _id: 0 });
    const cursor = things().find({}, { tailable: true, await_data: true });
    const followed = follow(cursor, 6);
    for (const [_id, pause] of [0, 5, 50, 1300, 5].entries()) {
      await sleep(pause);
      await things().insert({ _id: _id + 1 });
    }
    expect(await followed).to.deep.equal([0, 1, 2, 3, 4, 5]);
    expect(cursor.alive).to.equal(true);
    await cursor.close();
    expect(cursor.alive).to.equal(false);
  });

  it('answers at once that there is nothing more, if it does not wait', async () => {
    await things().insert([{ _id: 1 }, { _id: 2 }]);
    const cursor = things().find({}, { tailable: true });
    expect(await follow(cursor, 2)).to.deep.equal([1, 2]);
    const before = performance.now();
    expect(await cursor.fetch_next).to.equal(false);
    expect(performance.now() - before).to.be.below(500);
    expect(cursor.alive).to.equal(true);
    await things().insert({ _id: 3 });
    expect(await follow(cursor, 1)).to.deep.equal([3]);
    await cursor.close();
  });

  it('calls each back as documents come, until it is told to stop', async () => {
    await things().insert({ _id: 1 });
    for (const await_data of [true, false]) {
      const cursor = things().find({ _id: { $lt: 3 } }, { tailable: true, await_data });
      const seen: unknown[] = [];
      const done = new Promise<void>((resolve, reject) => {
        cursor.each((document: Document | null, error: Error | null) => {
          if (error !== null) reject(error);
          seen.push(document?._id);
          if (seen.length < 2) return undefined;
          resolve();
          return false;
        });
      });
      if (await_data) {
        await sleep(150);
        await things().insert({ _id: 2 });
      }
      await done;
      expect(seen).to.deep.equal([1, 2]);
      expect(cursor.alive).to.equal(true);
      await cursor.close();
    }
  });

  it('is dead at once on an empty collection, and can be made anew', async () => {
    for (const await_data of [true, false]) {
      const cursor = things().find({}, { tailable: true, await_data });
      expect(await cursor.fetch_next).to.equal(false);
      expect(cursor.alive).to.equal(false);
      expect(await cursor.fetch_next).to.equal(false);
    }
    await things().insert({ _id: 1 });
    const cursor = things().find({}, { tailable: true });
    expect(await follow(cursor, 1)).to.deep.equal([1]);
    await cursor.close();
  });

  it('ends each when it dies', async () => {
    const cursor = things().find({}, { tailable: true });
    const outcome = await new Promise((resolve) => {
      cursor.each((document, error) => resolve([document, error]));
    });
    expect(outcome).to.deep.equal([null, null]);
  });

  it('dies without an error when the collection has rolled over', async () => {
    await things().insert({ _id: 0, text: 'x'.repeat(500) });
    const cursor = things().find({}, { tailable: true });
    expect(await follow(cursor, 1)).to.deep.equal([0]);
    for (let _id = 1; _id <= 40; _id++) await things().insert({ _id, text: 'x'.repeat(500) });
    expect(await cursor.fetch_next).to.equal(false);
    expect(cursor.alive).to.equal(false);
  });

  it('dies without an error when the server no longer knows it', async () => {
    for (const code of [43, 136]) {
      const proxy = await newProxy();
      const collection = newClient(proxy).get_database(DATABASE).get_collection(things().name) as MotorCollection;
      await collection.insert({ _id: code });
      const cursor = collection.find({ _id: code }, { tailable: true });
      await follow(cursor, 1);
      proxy.on('getMore', answer({ ok: 0, code, errmsg: 'lost' }));
      expect(await cursor.fetch_next).to.equal(false);
      expect(cursor.alive).to.equal(false);
      expect(cursor.cursor_id).to.equal(0n);
    }
  });

  it('has no end, so it makes no list', async () => {
    expect(await rejection(things().find({}, { tailable: true }).to_list(1))).to.be.instanceOf(InvalidOperation);
  });

  it('is one by its flags, too', async () => {
    await things().insert({ _id: 1 });
    const cursor = things()
      .find()
      .add_option(2 | 32);
    expect(await follow(cursor, 1)).to.deep.equal([1]);
    expect(cursor.alive).to.equal(true);
    await cursor.close();
  });
});

import type { Document } from 'bson';
import { expect } from 'chai';
import { type MotorCommandCursor, ObjectId, OperationFailure } from '../../lib/index';
import { DATABASE, eachForm, freshCollection, newClient, newProxy } from '../support/clients';
import { answer } from '../support/faults';
import { rejection } from '../support/rejection';

/** Read all of them, at the same time. */
async function idsOf(cursors: MotorCommandCursor[]): Promise<unknown[]> {
  const parts = await Promise.all(cursors.map((cursor) => cursor.to_list(null)));
  return parts.flat().map((document) => (document as Document)._id);
}

describe('MotorCollection.parallel_scan', () => {
  const things = freshCollection();

  eachForm((call) => {
    it('gives cursors that see each document once', async () => {
      await things().insert(Array.from({ length: 8000 }, (_, _id) => ({ _id })));
      const cursors = await call(things(), 'parallel_scan', 3);
      expect(cursors).to.have.length(3);
      const ids = await idsOf(cursors);
      expect(ids).to.have.length(8000);
      expect(new Set(ids).size).to.equal(8000);
      const again = await call(things(), 'parallel_scan', 3, { read_preference: 'secondary' });
      expect(await idsOf(again)).to.have.length(8000);
    });

    it('gives one cursor for a small collection, and for a missing one', async () => {
      expect(await idsOf(await call(things(), 'parallel_scan', 5))).to.deep.equal([]);
      await things().insert([{ _id: 1 }, { _id: 2 }]);
      const cursors = await call(things(), 'parallel_scan', 5);
      expect(cursors).to.have.length(1);
      expect(await idsOf(cursors)).to.have.members([1, 2]);
    });
  });

  it('cuts keys of all types', async () => {
    const ids = Array.from({ length: 1000 }, (_, i) => [i, `${i}`, { i }, new ObjectId(), new Date(i)][i % 5]);
    await things().insert(ids.map((_id) => ({ _id })));
    const found = await idsOf(await things().parallel_scan(7));
    expect(found).to.have.length(1000);
    expect(new Set(found.map((id) => JSON.stringify([typeof id, id]))).size).to.equal(1000);
  });

  it('reads a view with one cursor', async () => {
    await things().insert(Array.from({ length: 1000 }, (_, _id) => ({ _id })));
    const { database, name } = things();
    const view = `${name}_view`;
    await database.command('create', view, { viewOn: name, pipeline: [{ $match: { _id: { $lt: 500 } } }] });
    try {
      const cursors = await database.get_collection(view).parallel_scan(4);
      expect(cursors).to.have.length(1);
      expect(await idsOf(cursors)).to.have.length(500);
    } finally {
      await database.drop_collection(view);
    }
  });

  it('checks the number', async () => {
    const scan = things().parallel_scan as (n: unknown) => Promise<unknown>;
    for (const bad of ['3', 1.5, null, undefined, Number.NaN, [3]]) {
      expect(await rejection(scan(bad))).to.be.instanceOf(TypeError);
    }
    for (const bad of [0, -1, 10_001]) {
      expect(await rejection(scan(bad))).to.be.instanceOf(OperationFailure);
    }
  });

  it('closes a part that is not read to its end', async () => {
    await things().insert(Array.from({ length: 3000 }, (_, _id) => ({ _id })));
    const cursors = await things().parallel_scan(3);
    expect(cursors.every(({ alive, cursor_id }) => alive && cursor_id !== 0n)).to.equal(true);
    for (const cursor of cursors) await cursor.close();
    expect(cursors.some(({ alive }) => alive)).to.equal(false);
  });

  it('takes the cursors of a server that has the command', async () => {
    const proxy = await newProxy();
    const collection = newClient(proxy).get_database(DATABASE).get_collection(things().name);
    const cursor = { firstBatch: [{ _id: 1 }], id: 0, ns: collection.full_name };
    proxy.on('parallelCollectionScan', answer({ cursors: [{ cursor, ok: true }], ok: 1 }));
    expect(await idsOf(await collection.parallel_scan(2))).to.deep.equal([1]);
  });

  it('is a command too', async () => {
    await things().insert(Array.from({ length: 500 }, (_, _id) => ({ _id })));
    const { database, name } = things();
    const reply = await database.command('parallelCollectionScan', name, { numCursors: 2 });
    expect(reply).to.have.property('cursors').with.length(2);
    for (const { cursor } of reply.cursors as { cursor: { id: bigint; ns: string; firstBatch: unknown[] } }[]) {
      expect(cursor).to.deep.include({ ns: things().full_name, firstBatch: [] });
      await database.connection.close_cursor(cursor.id);
    }
  });
});

import type { Document } from 'bson';
import { expect } from 'chai';
import { Cursor, type CursorOptions } from '../../lib/core/cursor';
import { Engine } from '../../lib/core/engine';
import { readOptions } from '../../lib/core/options';
import type { Server } from '../../lib/core/server';
import { DATABASE, uniqueName } from '../support/clients';
import { server } from '../support/hooks';
import { motorLike } from '../support/policies';
import { runRaw } from '../support/rawClient';
import { rejection } from '../support/rejection';

describe('A cursor whose batches are worked on as they arrive', () => {
  const collection = uniqueName();
  const find = { find: collection, sort: { _id: 1 }, batchSize: 2, $db: DATABASE };
  let engine: Engine;

  before(() => runRaw(server(), DATABASE, { insert: collection, documents: [1, 2, 3, 4, 5].map((_id) => ({ _id })) }));
  after(() => runRaw(server(), DATABASE, { drop: collection }));
  beforeEach(() => {
    engine = new Engine(readOptions({ caller: 'Engine', host: server().uri, keywords: {} }, motorLike), motorLike);
  });
  afterEach(() => engine.close());

  const namespace = { database: DATABASE, collection };
  const sent = (options: CursorOptions) => new Cursor(engine, { ...find }, namespace, { batchSize: 2, ...options });
  const opened = async (options: CursorOptions) => {
    const reply = await engine.run({ ...find }, (answer) => answer);
    return Cursor.opened(engine, reply, engine.server as Server, namespace, { batchSize: 2, ...options });
  };
  const later = async (batch: Document[]): Promise<Document[]> => {
    await new Promise((resolve) => setImmediate(resolve));
    return batch.map(({ _id }) => ({ _id: -_id }));
  };

  for (const [how, open] of [
    ['sent by itself', sent],
    ['whose first batch was here already', opened],
  ] as const) {
    it(`gives each document out once, and only afterwards (${how})`, async () => {
      const cursor = await open({ arriving: () => later });
      expect(cursor.next()).to.equal(null);
      expect(cursor.alive).to.equal(true);
      expect((await cursor.toList(null)).map(({ _id }) => _id)).to.deep.equal([-1, -2, -3, -4, -5]);
      expect(cursor.alive).to.equal(false);
    });

    it(`asks for each batch anew what is to be done (${how})`, async () => {
      let batches = 0;
      const cursor = await open({ arriving: () => (++batches === 2 ? later : null) });
      expect((await cursor.toList(null)).map(({ _id }) => _id)).to.deep.equal([1, 2, -3, -4, 5]);
    });

    it(`is at its end when that fails, here and on the server (${how})`, async () => {
      const failing = () => Promise.reject(new Error('no way'));
      const cursor = await open({ arriving: () => failing });
      expect((await rejection(cursor.fetch())).message).to.equal('no way');
      expect(cursor.alive).to.equal(false);
      expect(await cursor.fetch()).to.equal(false);
    });
  }
});

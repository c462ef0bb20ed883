import type { Document } from 'bson';
import { expect } from 'chai';
import { type BulkWriteOptions, bulkWrite, Writes } from '../../lib/core/bulkWrite';
import { Engine } from '../../lib/core/engine';
import { type BulkWriteError, InvalidDocument } from '../../lib/core/errors';
import { readOptions } from '../../lib/core/options';
import type { WriteKind } from '../../lib/core/writeBatches';
import { DEFAULT_WRITE_CONCERN, WriteConcern } from '../../lib/core/writeConcern';
import { DATABASE, newProxy, uniqueName } from '../support/clients';
import { server } from '../support/hooks';
import { motorLike } from '../support/policies';
import type { FaultProxy } from '../support/proxy';
import { runRaw } from '../support/rawClient';
import { rejection } from '../support/rejection';

describe('bulkWrite', () => {
  let engine: Engine;
  let proxy: FaultProxy;
  let collection: string;

  beforeEach(async () => {
    proxy = await newProxy();
    engine = new Engine(readOptions({ caller: 'Engine', host: proxy.uri, keywords: {} }, motorLike), motorLike);
    collection = uniqueName();
  });

  afterEach(async () => {
    engine.close();
    await runRaw(server(), DATABASE, { drop: collection }).catch(() => null);
  });

  interface Write {
    kind: WriteKind;
    statement: Document;
    sent?: Document;
  }

  const run = (
    given: Write[],
    { ordered = true, ...options }: Partial<BulkWriteOptions> & { ordered?: boolean } = {},
  ) => {
    const writes = new Writes(ordered);
    for (const { kind, statement, sent } of given) writes.add(kind, statement, sent);
    return bulkWrite(engine, { database: DATABASE, collection }, writes, {
      writeConcern: DEFAULT_WRITE_CONCERN,
      ...options,
    });
  };

  const insert = (statement: Document): Write => ({ kind: 'insert', statement });

  it('passes on what statements and commands know besides', async () => {
    await run([insert({ _id: 1, name: 'ADA', marks: [1, 5] }), insert({ _id: 2, name: 'bob', marks: [1, 5] })]);
    const collation = { locale: 'en', strength: 2 };
    const result = await run(
      [
        {
          kind: 'update',
          statement: {
            q: { name: 'ada' },
            u: { $set: { 'marks.$[high]': 6 } },
            multi: false,
            upsert: false,
            collation,
            hint: { _id: 1 },
            arrayFilters: [{ high: { $gte: 5 } }],
          },
        },
        { kind: 'update', statement: { q: { $expr: { $eq: ['$name', '$$who'] } }, u: [{ $set: { seen: '$$who' } }] } },
        { kind: 'delete', statement: { q: { name: 'BOB' }, limit: 1, collation } },
      ],
      { extra: { update: { let: { who: 'ADA' }, comment: 'one' }, delete: { comment: 'two' } } },
    );
    expect(result).to.include({ nMatched: 2, nModified: 2, nRemoved: 1 });
    const { cursor } = await runRaw(server(), DATABASE, { find: collection });
    expect(cursor.firstBatch).to.deep.equal([{ _id: 1, name: 'ADA', marks: [1, 6], seen: 'ADA' }]);
    const comments = proxy.commands.filter(({ name }) => name === 'update' || name === 'delete');
    expect(comments.map(({ document }) => document.comment)).to.deep.equal(['one', 'two']);
  });

  it('validates unless it is told not to', async () => {
    await runRaw(server(), DATABASE, { create: collection, validator: { x: { $exists: true } } });
    const error = (await rejection(run([insert({ _id: 1 })]))) as BulkWriteError;
    expect(error.details?.writeErrors[0]).to.include({ index: 0, code: 121 });
    const extra = { insert: { bypassDocumentValidation: true } };
    expect(await run([insert({ _id: 1 })], { extra })).to.include({ nInserted: 1 });
  });

  it('does nothing when there is nothing to do', async () => {
    expect(await run([])).to.include({ nInserted: 0, nMatched: 0 });
    expect(proxy.names).to.deep.equal([]);
  });

  it('sends one command for each run of one kind', async () => {
    const remove: Write = { kind: 'delete', statement: { q: {}, limit: 0 } };
    await run([insert({}), insert({}), remove, insert({}), remove, remove]);
    expect(proxy.names).to.deep.equal(['insert', 'delete', 'insert', 'delete']);
    const [inserted] = proxy.commands.filter(({ name }) => name === 'insert');
    expect(inserted?.document.documents).to.have.length(2);
  });

  it('sends the write concern with every command', async () => {
    await run([insert({}), { kind: 'delete', statement: { q: {}, limit: 0 } }], {
      writeConcern: new WriteConcern({ w: 'majority' }),
    });
    const sent = proxy.commands.filter(({ name }) => ['insert', 'delete'].includes(name));
    expect(sent.map(({ document }) => document.writeConcern)).to.deep.equal([{ w: 'majority' }, { w: 'majority' }]);
  });

  it('sends something else than what errors show, if told so', async () => {
    const statement = { _id: 1, shown: true };
    await run([{ kind: 'insert', statement, sent: { _id: 1, sent: true } }]);
    const again: Write = { kind: 'insert', statement, sent: { _id: 1 } };
    const error = (await rejection(run([again]))) as BulkWriteError;
    expect(error.details?.writeErrors[0].op).to.equal(statement);
    expect(error.cause).to.include({ name: 'DuplicateKeyError', code: 11000 });
  });

  it('names the operation that cannot be encoded, after those before it were sent', async () => {
    const bad: Write = { kind: 'update', statement: { q: {}, u: { $set: { x: 'a', 'nul\0': 1 } } } };
    const good: Write = { kind: 'update', statement: { q: { _id: 1 }, u: { $set: { x: 1 } }, upsert: true } };
    const error = await rejection(run([good, good, bad]));
    expect(error).to.be.instanceOf(InvalidDocument);
    expect(error.message).to.include(`update on ${DATABASE}.${collection}: operation 3 of 3`);
    const { n } = await runRaw(server(), DATABASE, { count: collection });
    expect(n).to.equal(1);
  });

  it('inserts 100 000 and more documents', async () => {
    const result = await run(Array.from({ length: 100_001 }, (_, _id) => insert({ _id })));
    expect(result).to.include({ nInserted: 100_001 });
    expect(proxy.names).to.deep.equal(['insert', 'insert']);
  });
});

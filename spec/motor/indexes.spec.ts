import type { Document } from 'bson';
import { expect } from 'chai';
import { DuplicateKeyError, InvalidDocument, OperationFailure, ValueError } from '../../lib/index';
import { DATABASE, eachForm, freshCollection, newClient, newProxy } from '../support/clients';
import { answer } from '../support/faults';
import { needing } from '../support/needs';
import type { SeenCommand } from '../support/proxy';
import { rejection } from '../support/rejection';
import { warningsOf } from '../support/warnings';

eachForm((call) => {
  describe('MotorCollection.create_index and ensure_index', () => {
    const things = freshCollection();

    it('name an index by its keys', async () => {
      expect(await call(things(), 'create_index', 'hello')).to.equal('hello_1');
      const keys = [
        ['hello', -1],
        ['world', 1],
        ['2', 1],
        ['1', 1],
      ];
      expect(await call(things(), 'create_index', keys)).to.equal('hello_-1_world_1_2_1_1_1');
      expect(await call(things(), 'create_index', [['place', '2dsphere']])).to.equal('place_2dsphere');
      expect(await call(things(), 'create_index', 'a', { name: 'mine', unique: true, sparse: true })).to.equal('mine');
      const information = await call(things(), 'index_information');
      expect(information).to.have.keys('_id_', 'hello_1', 'hello_-1_world_1_2_1_1_1', 'place_2dsphere', 'mine');
      expect(information['hello_-1_world_1_2_1_1_1']?.key).to.deep.equal(keys);
      expect(information._id_)
        .to.deep.include({ v: 2, key: [['_id', 1]] })
        .and.not.have.any.keys('name', 'ns');
      expect(information.mine).to.deep.include({ v: 2, key: [['a', 1]], unique: true, sparse: true });
    });

    it('ask the server only as long as an index is not remembered', async () => {
      expect(await call(things(), 'ensure_index', 'a')).to.equal('a_1');
      expect(await call(things(), 'ensure_index', 'a')).to.equal(null);
      expect(await call(things(), 'ensure_index', [['a', -1]])).to.equal('a_-1');
      await call(things(), 'create_index', 'b');
      expect(await call(things(), 'ensure_index', 'b')).to.equal(null);
      const same = things().database.connection.get_database(DATABASE).get_collection(things().name);
      expect(await call(same, 'ensure_index', 'a')).to.equal(null);
      const other = newClient().get_database(DATABASE).get_collection(things().name);
      expect(await call(other, 'ensure_index', 'a')).to.equal('a_1');
    });

    it('remember it for cache_for seconds, anew each time', async () => {
      expect(await call(things(), 'ensure_index', 'a', { cache_for: 0 })).to.equal('a_1');
      expect(await call(things(), 'ensure_index', 'a', { cache_for: 0.1 })).to.equal('a_1');
      expect(await call(things(), 'ensure_index', 'a', { cache_for: 0.1 })).to.equal(null);
      await new Promise((resolve) => setTimeout(resolve, 120));
      expect(await call(things(), 'ensure_index', 'a', { cache_for: 10 })).to.equal('a_1');
      expect(await call(things(), 'ensure_index', 'a', { cache_for: 0 })).to.equal(null);
      expect(await call(things(), 'ensure_index', 'a')).to.equal('a_1');
    });

    it('forget it when it is dropped', async () => {
      const { database, name } = things();
      const drops: [string, () => Promise<unknown>][] = [
        ['drop_index', () => call(things(), 'drop_index', 'a_1')],
        ['drop_index by keys', () => call(things(), 'drop_index', [['a', 1]])],
        ['drop_indexes', () => call(things(), 'drop_indexes')],
        ['drop', () => call(things(), 'drop')],
        ['drop_collection', () => call(database, 'drop_collection', name)],
        ['drop_collection by object', () => call(database, 'drop_collection', things())],
      ];
      for (const [what, drop] of drops) {
        await things().create_index('a');
        await drop();
        expect(await call(things(), 'ensure_index', 'a'), what).to.equal('a_1');
      }
      await things().create_index('b');
      await call(things(), 'drop_index', 'a_1');
      expect(await call(things(), 'ensure_index', 'b')).to.equal(null);
    });

    it('send options by either of their names', async () => {
      const proxy = await newProxy();
      const seen: Document[] = [];
      const note = ({ document }: SeenCommand) => {
        seen.push(document.indexes[0]);
        return { ok: 1 };
      };
      proxy.on('createIndexes', answer(note), 3);
      const collection = newClient(proxy).get_database(DATABASE).get_collection('c');
      const options = { unique: true, background: true, sparse: true, min: -10, max: 10, expireAfterSeconds: 60 };
      await call(collection, 'create_index', 'a', { drop_dups: true, bucket_size: 5, ...options });
      await call(collection, 'create_index', 'a', { dropDups: true, bucketSize: 5, ...options });
      expect(seen[0]).to.deep.equal({ key: { a: 1 }, name: 'a_1', dropDups: true, bucketSize: 5, ...options });
      expect(seen[1]).to.deep.equal(seen[0]);
    });

    it('take ttl for cache_for, with a warning', async () => {
      let done: Promise<unknown> = Promise.resolve();
      const warnings = warningsOf(() => {
        done = things().ensure_index('a', { ttl: 0 });
      });
      await done;
      expect(warnings).to.have.length(1);
      expect(warnings[0]).to.include("'cache_for'");
      expect(await call(things(), 'ensure_index', 'a')).to.equal('a_1');
    });

    it('refuse what are no keys', async () => {
      for (const method of ['create_index', 'ensure_index'] as const) {
        for (const wrong of [5, null, undefined, { a: 1 }, true, new Map([['a', 1]]), Number.NaN]) {
          const error = await rejection(call(things(), method, wrong));
          expect(error)
            .to.be.instanceOf(TypeError)
            .with.property('message')
            .that.includes(`${method}: key_or_list must be a list`);
        }
        for (const wrong of [[[5, 1]], [[null, 1]], [['a', null]], [['a', 1.5]], [['a', true]], [['a', Number.NaN]]]) {
          expect(await rejection(call(things(), method, wrong)), String(wrong)).to.be.instanceOf(TypeError);
        }
        for (const wrong of [[], ['a'], [['a']], [['a', 1, 1]], [5], [null]]) {
          expect(await rejection(call(things(), method, wrong)), String(wrong)).to.be.instanceOf(ValueError);
        }
        for (const kw of [
          { cache_for: 'x' },
          { cache_for: null },
          { cache_for: Number.NaN },
          { ttl: 'x' },
          { name: 5 },
          { name: null },
        ]) {
          expect(await rejection(call(things(), method, 'a', kw)), JSON.stringify(kw)).to.be.instanceOf(TypeError);
        }
      }
      expect(await call(things(), 'index_information')).to.deep.equal({});
      expect(await rejection(call(things(), 'create_index', 'a\0b'))).to.be.instanceOf(InvalidDocument);
    });

    it('leave the rest to the server', async () => {
      for (const [keys, kw] of [
        ['', {}],
        ['$a', {}],
        ['a', { no_such_option: 1 }],
        ['a', { name: '' }],
        ['a', { expireAfterSeconds: 'x' }],
        [[['a', 'geoHaystack']], { bucketSize: 5 }],
        [[['a', 'nonsense']], {}],
        [[['a', 0]], {}],
      ] as const) {
        const error = await rejection(call(things(), 'create_index', keys, kw));
        expect(error, JSON.stringify([keys, kw])).to.be.instanceOf(OperationFailure);
        expect(error.message).to.include(`createIndexes on ${things().full_name}`);
      }
      await things().insert([{ a: 1 }, { a: 1 }]);
      for (const kw of [{}, { dropDups: true }]) {
        const error = await rejection(call(things(), 'create_index', 'a', { unique: true, ...kw }));
        expect(error).to.be.instanceOf(DuplicateKeyError);
      }
      // What failed is not remembered.
      expect(await rejection(call(things(), 'ensure_index', 'a', { unique: true }))).to.be.instanceOf(
        DuplicateKeyError,
      );
    });
  });

  describe('MotorCollection.drop_index and drop_indexes', () => {
    const things = freshCollection();

    it('drop by name or by keys, and all but that of _id', async () => {
      await things().create_index('a');
      await things().create_index([['b', -1]]);
      await things().create_index('c');
      await things().create_index('d', { name: 'mine' });
      expect(await call(things(), 'drop_index', 'a_1')).to.equal(null);
      expect(await call(things(), 'drop_index', [['b', -1]])).to.equal(null);
      expect(await call(things(), 'index_information')).to.have.keys('_id_', 'c_1', 'mine');
      expect(await call(things(), 'drop_indexes')).to.equal(null);
      expect(await call(things(), 'index_information')).to.have.keys('_id_');
    });

    it('find nothing missing where there is no such collection', async () => {
      expect(await call(things(), 'drop_index', 'a_1')).to.equal(null);
      expect(await call(things(), 'drop_indexes')).to.equal(null);
    });

    it('refuse what is neither a name nor keys', async () => {
      for (const wrong of [5, null, undefined, { a: 1 }, true, [5, 1]]) {
        const error = await rejection(call(things(), 'drop_index', wrong));
        expect(error.constructor).to.be.oneOf([TypeError, ValueError]);
      }
      await things().insert({ a: 1 });
      expect(await rejection(call(things(), 'drop_index', '_id_'))).to.be.instanceOf(OperationFailure);
    });
  });

  describe('MotorCollection.reindex', () => {
    const things = freshCollection();

    it(
      'tells how many indexes there are',
      needing('reIndex', async () => {
        await things().insert({ a: 1 });
        await things().create_index('a');
        const reply = await call(things(), 'reindex');
        expect(reply).to.include({ ok: 1, nIndexes: 2 });
        expect(reply.indexes).to.have.length(2);
        await things().drop();
        expect(await rejection(call(things(), 'reindex'))).to.be.instanceOf(OperationFailure);
      }),
    );
  });
});

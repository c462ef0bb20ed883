import { expect } from 'chai';
import { Collation, DuplicateKeyError, IndexModel, ValueError } from '../../lib/asyncio/index';
import { eachForm, freshAsyncIOCollection } from '../support/clients';
import { rejection } from '../support/rejection';
import { commandsOf } from './commands';

describe('Indexes of AsyncIOMotorCollection', () => {
  const things = freshAsyncIOCollection();

  eachForm((call) => {
    it('create_index takes names, pairs and documents, and gives the name', async () => {
      expect(await call(things(), 'create_index', 'a')).to.equal('a_1');
      expect(await call(things(), 'create_index', [['b', -1], 'c'], { unique: true })).to.equal('b_-1_c_1');
      expect(await call(things(), 'create_index', { d: '2dsphere' }, { name: 'place' })).to.equal('place');
      const indexes = await call(things(), 'index_information');
      expect(Object.keys(indexes)).to.deep.equal(['_id_', 'a_1', 'b_-1_c_1', 'place']);
      expect(indexes['b_-1_c_1']).to.deep.include({
        key: [
          ['b', -1],
          ['c', 1],
        ],
        unique: true,
      });
    });

    it('create_index refuses what is no keys', async () => {
      expect(await rejection(call(things(), 'create_index', 5))).to.be.instanceOf(TypeError);
      expect(await rejection(call(things(), 'create_index', []))).to.be.instanceOf(ValueError);
      expect(await rejection(call(things(), 'create_index', 'a', { unique: 'yes' }))).to.be.instanceOf(TypeError);
      await call(things(), 'insert_many', [{ a: 1 }, { a: 1 }]);
      const error = await rejection(call(things(), 'create_index', 'a', { unique: true }));
      expect(error).to.be.instanceOf(DuplicateKeyError);
    });

    it('create_indexes makes several by one command', async () => {
      const commands = commandsOf(things());
      const models = [
        new IndexModel('a'),
        new IndexModel([['b', -1]], { sparse: true, collation: new Collation('en') }),
      ];
      expect(await call(things(), 'create_indexes', models, { comment: 'two' })).to.deep.equal(['a_1', 'b_-1']);
      expect(commands).to.have.length(1);
      expect(commands[0]).to.include({ comment: 'two' });
      expect(await rejection(call(things(), 'create_indexes', [{ a: 1 }]))).to.be.instanceOf(TypeError);
      expect(await rejection(call(things(), 'create_indexes', 'a'))).to.be.instanceOf(TypeError);
    });

    it('drop_index takes a name or the keys; a missing collection is no error', async () => {
      expect(await call(things(), 'drop_index', 'a_1')).to.equal(null);
      expect(await call(things(), 'drop_indexes')).to.equal(null);
      await call(things(), 'create_index', 'a');
      expect(await call(things(), 'drop_index', [['a', 1]])).to.equal(null);
      expect(await rejection(call(things(), 'drop_index', 5))).to.be.instanceOf(TypeError);
      await call(things(), 'create_index', 'b');
      expect(await call(things(), 'drop_indexes')).to.equal(null);
      expect(Object.keys(await call(things(), 'index_information'))).to.deep.equal(['_id_']);
    });

    it('list_indexes is a cursor; of a missing collection it is empty', async () => {
      expect(await call(things().list_indexes(), 'to_list')).to.deep.equal([]);
      expect(await call(things(), 'index_information')).to.deep.equal({});
      await call(things(), 'create_index', 'a');
      const cursor = things().list_indexes().batch_size(2);
      expect(cursor.started).to.equal(false);
      expect((await call(cursor, 'to_list')).map(({ name }) => name)).to.deep.equal(['_id_', 'a_1']);
    });
  });
});

/** Only Atlas has search indexes: the server of the tests refuses, and where an answer counts, a proxy gives it. */

import { type Document, UUID } from 'bson';
import { expect } from 'chai';
import {
  type AsyncIOMotorCollection,
  OperationFailure,
  type PyMongoError,
  pymongo,
  SearchIndexModel,
} from '../../lib/asyncio/index';
import { DATABASE, eachForm, freshAsyncIOCollection, newAsyncIOClient, newProxy } from '../support/clients';
import { answer, closeFirst } from '../support/faults';
import type { FaultProxy } from '../support/proxy';
import { rejection } from '../support/rejection';
import { commandsOf } from './commands';

const DEFINITION = { mappings: { dynamic: true } };
const NOT_FOUND = { ok: 0, code: 26, codeName: 'NamespaceNotFound', errmsg: 'ns does not exist' };

describe('SearchIndexModel', () => {
  it('tells the server what was given, and nothing else', () => {
    expect(new SearchIndexModel(DEFINITION).document).to.deep.equal({ definition: DEFINITION });
    const model = new SearchIndexModel(DEFINITION, { name: 'all', type: 'search' });
    expect(model.document).to.deep.equal({ definition: DEFINITION, name: 'all', type: 'search' });
    const nulls = new SearchIndexModel(DEFINITION, { name: null, type: null });
    expect(nulls.document).to.deep.equal({ definition: DEFINITION });
    expect(pymongo.SearchIndexModel).to.equal(SearchIndexModel);
  });

  it('is equal to one of the same, and prints its arguments', () => {
    const model = new SearchIndexModel({ a: 1 }, { name: 'all' });
    expect(model.equals(new SearchIndexModel({ a: 1 }, { name: 'all' }))).to.equal(true);
    expect(model.equals(new SearchIndexModel({ a: 1 }))).to.equal(false);
    expect(model.equals(new SearchIndexModel({ a: 2 }, { name: 'all' }))).to.equal(false);
    expect(model.equals(model.document)).to.equal(false);
    expect(String(model)).to.equal("SearchIndexModel({ a: 1 }, { name: 'all' })");
    expect(String(new SearchIndexModel({ a: 1 }, {}))).to.equal('SearchIndexModel({ a: 1 })');
  });

  it('refuses wrong arguments', () => {
    for (const definition of [null, undefined, 5, 'x', []]) {
      expect(() => new SearchIndexModel(definition as never)).to.throw(TypeError, 'definition');
    }
    expect(() => new SearchIndexModel({}, { name: 5 as never })).to.throw(TypeError, 'name');
    expect(() => new SearchIndexModel({}, { type: true as never })).to.throw(TypeError, 'type');
    expect(() => new SearchIndexModel({}, { weight: 1 } as never)).to.throw(TypeError, 'weight');
  });
});

describe('Search indexes of AsyncIOMotorCollection', () => {
  const things = freshAsyncIOCollection();

  /** The collection through a proxy, by a client whose concerns none of these commands takes. */
  async function throughProxy(): Promise<{ proxy: FaultProxy; coll: AsyncIOMotorCollection }> {
    const proxy = await newProxy();
    const client = newAsyncIOClient(proxy, {
      w: 1,
      readConcernLevel: 'local',
      readPreference: 'secondaryPreferred',
      uuidRepresentation: 'javaLegacy',
    });
    return { proxy, coll: client.get_database(DATABASE).get_collection(things().name) };
  }

  eachForm((call) => {
    it('a server without them refuses, with its own error', async () => {
      const model = new SearchIndexModel(DEFINITION);
      for (const [method, ...args] of [
        ['create_search_index', model],
        ['create_search_indexes', [model]],
        ['update_search_index', 'all', DEFINITION],
        ['drop_search_index', 'all'],
      ] as const) {
        const error = (await rejection(call(things(), method, ...args))) as PyMongoError;
        expect(error, method).to.be.instanceOf(OperationFailure).with.property('code', 31082);
        expect(error.message).to.match(/Atlas/);
      }
      const error = await rejection(call(things().list_search_indexes(), 'to_list', null));
      expect(error).to.be.instanceOf(OperationFailure).with.property('code', 31082);
    });

    it('create_search_index sends a model or its document, and gives the name', async () => {
      const { proxy, coll } = await throughProxy();
      const sent: Document[] = [];
      const made = answer(({ document }) => {
        sent.push(document);
        return { ok: 1, indexesCreated: [{ id: '1', name: document.indexes[0].name ?? 'default' }] };
      });
      proxy.on('createSearchIndexes', made, Infinity);
      const model = new SearchIndexModel(DEFINITION, { type: 'search' });
      expect(await call(coll, 'create_search_index', model, { comment: 'why' })).to.equal('default');
      expect(await call(coll, 'create_search_index', { definition: DEFINITION, name: 'all' })).to.equal('all');
      const fields = sent.map(({ lsid: _, ...command }) => command);
      expect(fields).to.deep.equal([
        {
          createSearchIndexes: coll.name,
          indexes: [{ definition: DEFINITION, type: 'search' }],
          comment: 'why',
          $db: DATABASE,
        },
        { createSearchIndexes: coll.name, indexes: [{ definition: DEFINITION, name: 'all' }], $db: DATABASE },
      ]);
    });

    it('create_search_indexes makes several by one command, or leaves an empty list to the server', async () => {
      const { proxy, coll } = await throughProxy();
      const sent: Document[] = [];
      const made = answer(({ document }) => {
        sent.push(document);
        return { ok: 1, indexesCreated: document.indexes.map(({ name }: Document) => ({ id: '1', name })) };
      });
      proxy.on('createSearchIndexes', made, Infinity);
      const models = ['a', 'b'].map((name) => new SearchIndexModel(DEFINITION, { name, type: 'vectorSearch' }));
      expect(await call(coll, 'create_search_indexes', models)).to.deep.equal(['a', 'b']);
      expect(await call(coll, 'create_search_indexes', [])).to.deep.equal([]);
      expect(sent.map(({ indexes }) => indexes)).to.deep.equal([models.map(({ document }) => document), []]);
    });

    it('update_search_index sends the name and the definition; a missing collection is an error', async () => {
      const { proxy, coll } = await throughProxy();
      const sent: Document[] = [];
      const done = answer(({ document }) => {
        sent.push(document);
        return { ok: 1 };
      });
      proxy.on('updateSearchIndex', done);
      expect(await call(coll, 'update_search_index', 'all', DEFINITION)).to.equal(null);
      const [{ lsid: _, ...command } = {}] = sent;
      expect(command).to.deep.equal({
        updateSearchIndex: coll.name,
        name: 'all',
        definition: DEFINITION,
        $db: DATABASE,
      });
      proxy.on('updateSearchIndex', answer(NOT_FOUND));
      const error = await rejection(call(coll, 'update_search_index', 'all', DEFINITION));
      expect(error).to.be.instanceOf(OperationFailure).with.property('code', 26);
    });

    it('drop_search_index sends the name; a missing collection is no error', async () => {
      const { proxy, coll } = await throughProxy();
      const sent: Document[] = [];
      const done = answer(({ document }) => {
        sent.push(document);
        return { ok: 1 };
      });
      proxy.on('dropSearchIndex', done);
      expect(await call(coll, 'drop_search_index', 'all', { comment: 5 })).to.equal(null);
      const [{ lsid: _, ...command } = {}] = sent;
      expect(command).to.deep.equal({ dropSearchIndex: coll.name, name: 'all', comment: 5, $db: DATABASE });
      proxy.on('dropSearchIndex', answer(NOT_FOUND));
      expect(await call(coll, 'drop_search_index', 'all')).to.equal(null);
      proxy.on('dropSearchIndex', answer({ ...NOT_FOUND, code: 27, codeName: 'IndexNotFound' }));
      const error = await rejection(call(coll, 'drop_search_index', 'all'));
      expect(error).to.be.instanceOf(OperationFailure).with.property('code', 27);
    });

    it('list_search_indexes is a cursor over all of them, or the one of a name', async () => {
      const { proxy, coll } = await throughProxy();
      const sent: Document[] = [];
      const found = answer(({ document }) => {
        sent.push(document);
        return { ok: 1, cursor: { id: 0n, ns: coll.full_name, firstBatch: [{ id: '1', name: 'all' }] } };
      });
      proxy.on('aggregate', found, Infinity);
      const cursors = [
        coll.list_search_indexes(),
        coll.list_search_indexes({ comment: 'why' }),
        coll.list_search_indexes(null, { comment: 'why' }).batch_size(10),
        coll.list_search_indexes('all'),
      ];
      expect(cursors.map(({ started }) => started)).to.deep.equal([false, false, false, false]);
      for (const cursor of cursors) {
        expect(await call(cursor, 'to_list', null)).to.deep.equal([{ id: '1', name: 'all' }]);
      }
      const command = { aggregate: coll.name, pipeline: [{ $listSearchIndexes: {} }], cursor: {}, $db: DATABASE };
      expect(sent.map(({ lsid: _, ...fields }) => fields)).to.deep.equal([
        command,
        { ...command, comment: 'why' },
        { ...command, comment: 'why', cursor: { batchSize: 10 } },
        { ...command, pipeline: [{ $listSearchIndexes: { name: 'all' } }] },
      ]);
    });

    it('UUIDs of a definition are written as the settings say', async () => {
      const { proxy, coll } = await throughProxy();
      const subtypes: number[] = [];
      const note = (definition: Document) => subtypes.push(definition.id.sub_type);
      const made = answer(({ document }) => {
        note(document.indexes?.[0].definition ?? document.definition);
        return { ok: 1, indexesCreated: [{ name: 'default' }] };
      });
      proxy.on('createSearchIndexes', made);
      proxy.on('updateSearchIndex', made);
      const definition = { id: new UUID() };
      await call(coll, 'create_search_index', { definition });
      await call(coll, 'update_search_index', 'default', definition);
      expect(subtypes).to.deep.equal([3, 3]);
    });
  });

  it('a listing that fails on the way is sent once more; what changes something is not', async () => {
    const { proxy, coll } = await throughProxy();
    const listing = proxy.on('aggregate', closeFirst());
    const refused = await rejection(coll.list_search_indexes().to_list());
    expect(refused).to.be.instanceOf(OperationFailure).with.property('code', 31082);
    expect(listing.hits).to.equal(1);
    const change = proxy.on('dropSearchIndex', closeFirst(), Infinity);
    expect(await rejection(coll.drop_search_index('all'))).not.to.be.instanceOf(OperationFailure);
    expect(change.hits).to.equal(1);
  });

  it('nothing is sent of wrong arguments, nor by making a cursor', async () => {
    const commands = commandsOf(things());
    await rejection(things().create_search_index({ name: 'all' } as never));
    await rejection(things().update_search_index('all', null as never));
    await rejection(things().drop_search_index(5 as never));
    things().list_search_indexes();
    expect(() => things().list_search_indexes(5 as never)).to.throw(TypeError, 'name');
    expect(commands).to.deep.equal([]);
  });
});

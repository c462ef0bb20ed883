import { type Document, Int32, ObjectId } from 'bson';
import { expect } from 'chai';
import {
  BulkWriteError,
  CollectionInvalid,
  ConfigurationError,
  DeleteResult,
  DuplicateKeyError,
  InsertManyResult,
  InsertOne,
  InsertOneResult,
  InvalidOperation,
  ReturnDocument,
  UpdateResult,
  ValueError,
  WriteError,
} from '../../lib/asyncio/index';
import { DATABASE, eachForm, freshAsyncIOCollection, newAsyncIOClient, newProxy } from '../support/clients';
import { eventually } from '../support/eventually';
import { rewriteReply } from '../support/faults';
import { rejection } from '../support/rejection';
import { commandsOf } from './commands';

describe('Writes of AsyncIOMotorCollection', () => {
  const things = freshAsyncIOCollection();

  eachForm((call) => {
    it('insert_one puts the _id into the document and tells it', async () => {
      const document = { key: 'value' };
      const result = await call(things(), 'insert_one', document);
      expect(result).to.be.instanceOf(InsertOneResult);
      expect(result).to.include({ acknowledged: true, inserted_id: (document as { _id?: unknown })._id });
      expect(await call(things(), 'find_one', { key: 'value' })).to.deep.equal({
        _id: result.inserted_id,
        key: 'value',
      });
    });

    it('insert_one fails with DuplicateKeyError, insert_many with BulkWriteError', async () => {
      await call(things(), 'insert_one', { _id: 1 });
      expect(await rejection(call(things(), 'insert_one', { _id: 1 }))).to.be.instanceOf(DuplicateKeyError);
      const error = await rejection(call(things(), 'insert_many', [{ _id: 0 }, { _id: 1 }, { _id: 2 }]));
      expect(error).to.be.instanceOf(BulkWriteError).with.property('code', 65);
      expect(await call(things(), 'distinct', '_id')).to.deep.equal([0, 1]);
    });

    it('insert_many gives the ids in the order given, of 2000 documents by one call', async () => {
      const documents = Array.from({ length: 2000 }, (_, i) => ({ _id: 2000 - i }));
      const commands = commandsOf(things());
      const result = await call(things(), 'insert_many', documents);
      expect(result).to.be.instanceOf(InsertManyResult);
      expect(result.inserted_ids).to.deep.equal(documents.map(({ _id }) => _id));
      expect(commands.filter((command) => 'insert' in command)).to.have.length(1);
      expect(await call(things(), 'count_documents', {})).to.equal(2000);
    });

    // The server would move it there in any case: only the wire shows who did.
    it('insert_many and bulk_write send an _id that they added before all else, of any number of documents', async () => {
      const proxy = await newProxy();
      const collection = newAsyncIOClient(proxy).get_database(DATABASE).get_collection(things().name);
      const fresh = () =>
        Array.from({ length: 300 }, (_, i): Document => (i % 3 === 1 ? { a: i, _id: new ObjectId() } : { a: i }));
      await call(collection, 'insert_many', fresh());
      await call(
        collection,
        'bulk_write',
        fresh().map((document) => new InsertOne(document)),
      );
      const keys = proxy.commands
        .filter(({ name }) => name === 'insert')
        .map(({ document }) => (document.documents as Document[]).map((sent) => Object.keys(sent).join()));
      const expected = fresh().map((_, i) => (i % 3 === 1 ? 'a,_id' : '_id,a'));
      expect(keys).to.deep.equal([expected, expected]);
    });

    it('insert_many inserts what it has gone through of a list that is shortened meanwhile, and tells those _ids', async () => {
      const list: Document[] = Array.from({ length: 40 }, (_, _id) => ({ _id }));
      (list[35] as Document).a = { toBSON: () => ({ left: list.splice(30).length }) };
      const proxy = await newProxy();
      const collection = newAsyncIOClient(proxy).get_database(DATABASE).get_collection(things().name);
      const expected = Array.from({ length: 36 }, (_, _id) => _id);
      expect(await call(collection, 'insert_many', list)).to.deep.include({
        acknowledged: true,
        inserted_ids: expected,
      });
      const sent = proxy.commands.find(({ name }) => name === 'insert')?.document.documents as Document[];
      expect(sent.map(({ _id }) => _id)).to.deep.equal(expected);
    });

    it('insert_many unordered tries all and tells every failure by its index', async () => {
      await call(things(), 'insert_one', { _id: 1 });
      const documents = [{ _id: 1 }, { _id: 2 }, { _id: 1 }, { _id: 3 }];
      const error = await rejection(call(things(), 'insert_many', documents, { ordered: false }));
      const { writeErrors, nInserted } = (error as BulkWriteError).details ?? {};
      expect(nInserted).to.equal(2);
      expect(writeErrors.map(({ index, code, op }: Record<string, unknown>) => ({ index, code, op }))).to.deep.equal([
        { index: 0, code: 11000, op: { _id: 1 } },
        { index: 2, code: 11000, op: { _id: 1 } },
      ]);
    });

    it('insert_many takes iterables of both kinds', async () => {
      async function* some() {
        yield { _id: 'a' };
        yield { _id: 'b' };
      }
      expect((await call(things(), 'insert_many', some())).inserted_ids).to.deep.equal(['a', 'b']);
      expect((await call(things(), 'insert_many', new Set([{ _id: 'c' }]))).inserted_ids).to.deep.equal(['c']);
    });

    it('insert_many refuses what is no list of documents, before anything is sent', async () => {
      const commands = commandsOf(things());
      for (const wrong of [{}, [], 'abc', 5, null, [1], [{}, null]]) {
        expect(await rejection(call(things(), 'insert_many', wrong)), String(wrong)).to.be.instanceOf(TypeError);
      }
      expect(await rejection(call(things(), 'insert_many', new Set()))).to.be.instanceOf(InvalidOperation);
      expect(commands).to.deep.equal([]);
    });

    it('splits what is too much for one command, by bytes and by count', async () => {
      const limits = { maxMessageSizeBytes: new Int32(100_000), maxWriteBatchSize: new Int32(10) };
      const proxy = await newProxy();
      proxy.on(
        'hello',
        rewriteReply((reply) => ({ ...reply, ...limits })),
        Infinity,
      );
      const client = newAsyncIOClient(proxy);
      const coll = client.get_database(things().database.name).get_collection(things().name);
      const commands = commandsOf(client);
      const sizes = () => commands.splice(0).map(({ documents }) => (documents as unknown[]).length);
      await call(
        coll,
        'insert_many',
        Array.from({ length: 24 }, () => ({})),
      );
      expect(sizes()).to.deep.equal([10, 10, 4]);
      const text = 'x'.repeat(30_000);
      await call(
        coll,
        'insert_many',
        Array.from({ length: 7 }, () => ({ text })),
      );
      expect(sizes().every((size) => size <= 3)).to.equal(true);
      await call(
        coll,
        'bulk_write',
        Array.from({ length: 25 }, () => new InsertOne({})),
      );
      expect(sizes()).to.deep.equal([10, 10, 5]);
      expect(await call(things(), 'count_documents', {})).to.equal(56);
    });

    it('replace_one keeps the _id and nothing else', async () => {
      await call(things(), 'insert_one', { _id: 1, a: 1 });
      const result = await call(things(), 'replace_one', { _id: 1 }, { key: 'value' });
      expect(result).to.be.instanceOf(UpdateResult).and.include({ matched_count: 1, modified_count: 1 });
      expect(await call(things(), 'find_one', 1)).to.deep.equal({ _id: 1, key: 'value' });
      expect((await call(things(), 'replace_one', { _id: 1 }, {})).modified_count).to.equal(1);
    });

    it('update_one and update_many tell what matched, changed and was upserted', async () => {
      await call(things(), 'insert_many', [{ _id: 1 }, { _id: 2 }]);
      const one = await call(things(), 'update_one', { _id: 1 }, { $set: { a: 1 } });
      expect(one).to.include({ matched_count: 1, modified_count: 1, upserted_id: null, did_upsert: false });
      expect(one.raw_result).to.deep.equal({ n: 1, nModified: 1, ok: 1, updatedExisting: true });
      const many = await call(things(), 'update_many', {}, { $set: { a: 1 } });
      expect(many).to.include({ matched_count: 2, modified_count: 1 });
      const upserted = await call(things(), 'update_one', { _id: 9 }, { $set: { a: 1 } }, { upsert: true });
      expect(upserted).to.include({ matched_count: 0, modified_count: 0, upserted_id: 9, did_upsert: true });
      expect(upserted.raw_result).to.deep.equal({ n: 1, nModified: 0, ok: 1, updatedExisting: false, upserted: 9 });
    });

    it('update_one takes pipelines, array filters, hints and collations', async () => {
      await call(things(), 'insert_one', { _id: 1, list: [1, 5, 9], name: 'ADA' });
      await call(things(), 'update_one', { _id: 1 }, [{ $set: { size: { $size: '$list' } } }]);
      const update = { $set: { 'list.$[big]': 0 } };
      await call(things(), 'update_one', { _id: 1 }, update, { array_filters: [{ big: { $gt: 4 } }], hint: '_id_' });
      expect(await call(things(), 'find_one', 1)).to.deep.include({ list: [1, 0, 0], size: 3 });
      const collation = { locale: 'en', strength: 2 };
      expect((await call(things(), 'delete_one', { name: 'ada' }, { collation })).deleted_count).to.equal(1);
    });

    it('refuses an update without operators and a replacement with them', async () => {
      for (const method of ['update_one', 'update_many', 'find_one_and_update'] as const) {
        for (const wrong of [{ a: 1 }, {}, [], new Map([['a', 1]])]) {
          expect(await rejection(call(things(), method, {}, wrong)), method).to.be.instanceOf(ValueError);
        }
        expect(await rejection(call(things(), method, {}, 5))).to.be.instanceOf(TypeError);
        expect(await rejection(call(things(), method, null, { $set: { a: 1 } }))).to.be.instanceOf(TypeError);
      }
      for (const method of ['replace_one', 'find_one_and_replace'] as const) {
        expect(await rejection(call(things(), method, {}, { $set: { a: 1 } })), method).to.be.instanceOf(ValueError);
        expect(await rejection(call(things(), method, {}, [{}])), method).to.be.instanceOf(TypeError);
      }
    });

    it('a unique index that an update violates is a DuplicateKeyError', async () => {
      await call(things(), 'create_index', 'x', { unique: true });
      await call(things(), 'insert_many', [{ x: 1 }, { x: 2 }]);
      const error = await rejection(call(things(), 'update_one', { x: 1 }, { $set: { x: 2 } }));
      expect(error).to.be.instanceOf(DuplicateKeyError).and.instanceOf(WriteError);
    });

    it('delete_one twice tells 1, then 0; a filter is required', async () => {
      await call(things(), 'insert_one', { _id: 1 });
      const first = await call(things(), 'delete_one', { _id: 1 });
      expect(first).to.be.instanceOf(DeleteResult);
      expect(first.raw_result).to.deep.equal({ n: 1, ok: 1 });
      expect((await call(things(), 'delete_one', { _id: 1 })).raw_result).to.deep.equal({ n: 0, ok: 1 });
      expect(await rejection(call(things(), 'delete_many'))).to.be.instanceOf(TypeError);
    });

    it('find_one_and_*: before or after, sorted, projected, upserted, or null', async () => {
      await call(things(), 'insert_many', [
        { _id: 1, n: 1 },
        { _id: 2, n: 2 },
      ]);
      const projection = { _id: 0 };
      const sort = [['n', -1]];
      const update = { $inc: { n: 10 } };
      expect(await call(things(), 'find_one_and_update', {}, update, { sort, projection })).to.deep.equal({ n: 2 });
      const after = { return_document: ReturnDocument.AFTER, projection: ['n'] };
      expect(await call(things(), 'find_one_and_update', { _id: 1 }, update, after)).to.deep.equal({ _id: 1, n: 11 });
      const replaced = await call(things(), 'find_one_and_replace', { _id: 7 }, { n: 7 }, { ...after, upsert: true });
      expect(replaced).to.deep.equal({ _id: 7, n: 7 });
      expect(await call(things(), 'find_one_and_delete', { _id: 7 })).to.deep.equal({ _id: 7, n: 7 });
      expect(await call(things(), 'find_one_and_delete', { _id: 7 })).to.equal(null);
      const wrong = call(things(), 'find_one_and_replace', {}, {}, { return_document: 1 });
      expect(await rejection(wrong)).to.be.instanceOf(ValueError);
    });

    it('with w: 0 nothing is known but the ids; the write arrives in the end', async () => {
      await call(things(), 'insert_one', { _id: 1 });
      const silent = things().with_options({ write_concern: { w: 0 } });
      const inserted = await call(silent, 'insert_one', { _id: 1 });
      expect(inserted).to.include({ acknowledged: false, inserted_id: 1 });
      const updated = await call(silent, 'update_one', { _id: 1 }, { $set: { a: 1 } });
      expect(updated).to.include({ acknowledged: false, raw_result: null });
      expect(() => updated.matched_count).to.throw(InvalidOperation, 'matched_count');
      const many = await call(silent, 'insert_many', [{ _id: 2 }]);
      expect(many).to.deep.include({ acknowledged: false, inserted_ids: [2] });
      await eventually(async () => (await things().find_one({ _id: 1, a: 1 })) !== null, 'the update arrives');
      await eventually(async () => (await things().find_one(2)) !== null, 'the insert arrives');
      const collation = { locale: 'en' };
      const refused = call(silent, 'update_one', {}, { $set: { a: 1 } }, { collation });
      expect(await rejection(refused)).to.be.instanceOf(ConfigurationError);
    });

    it('create_collection twice is a CollectionInvalid; drop_collection gives the reply', async () => {
      const { database, name } = things();
      const made = await call(database, 'create_collection', name, { capped: true, size: 4096 });
      expect(made.full_name).to.equal(things().full_name);
      expect(await call(made, 'options')).to.deep.include({ capped: true, size: 4096 });
      expect(await rejection(call(database, 'create_collection', name))).to.be.instanceOf(CollectionInvalid);
      expect(await call(database, 'drop_collection', made)).to.have.property('ok', 1);
      expect(await call(database, 'drop_collection', name)).to.be.an('object');
    });

    it('create_collection, drop_collection and drop refuse encrypted_fields', async () => {
      const { database, name } = things();
      for (const kw of [{ encrypted_fields: {} }, { encryptedFields: { fields: [] } }]) {
        for (const refused of [
          call(database, 'create_collection', name, kw),
          call(database, 'drop_collection', name, kw),
          call(things(), 'drop', kw),
        ]) {
          expect(await rejection(refused)).to.be.instanceOf(ConfigurationError);
        }
      }
      expect(await database.list_collection_names({ filter: { name } })).to.deep.equal([]);
      await call(database, 'create_collection', name, { encrypted_fields: null });
    });

    it('rename moves the documents and gives the reply', async () => {
      await call(things(), 'insert_one', { _id: 1 });
      const name = `${things().name}_renamed`;
      expect(await call(things(), 'rename', name)).to.have.property('ok', 1);
      const renamed = things().database.get_collection(name);
      expect(await call(renamed, 'find_one', 1)).to.deep.equal({ _id: 1 });
      expect(await call(renamed, 'drop')).to.equal(null);
    });
  });
});

/** Lines of the tables that no other test of this folder is about. */

import { join } from 'node:path';
import type { Document } from 'bson';
import { UUID } from 'bson';
import { expect } from 'chai';
import {
  AsyncIOMotorClient,
  CollectionInvalid,
  ConfigurationError,
  DocumentTooLarge,
  DuplicateKeyError,
  Nearest,
  OperationFailure,
  PyMongoError,
  SON,
  UpdateOne,
  WriteConcernError,
  WriteError,
  WTimeoutError,
} from '../../lib/asyncio/index';
import { DATABASE, eachForm, freshAsyncIOCollection, newAsyncIOClient, newProxy } from '../support/clients';
import { eventually } from '../support/eventually';
import { rewriteReply } from '../support/faults';
import { server } from '../support/hooks';
import { rejection } from '../support/rejection';
import { runScript } from '../support/script';
import { warningsOf } from '../support/warnings';
import { commandsOf } from './commands';

describe('The asyncio surface, line by line', () => {
  const things = freshAsyncIOCollection();

  it('connect: true begins to connect by itself; false waits for the first operation', async () => {
    const eager = newAsyncIOClient(server(), { connect: true });
    const lazy = newAsyncIOClient(server(), { connect: false });
    await eventually(() => eager.nodes.length === 1, 'it is connected');
    expect(lazy.nodes).to.deep.equal([]);
  });

  it('io_loop is kept, and is what get_io_loop gives everywhere', () => {
    const io_loop = { add_callback: () => undefined, time: () => 0 };
    const client = new AsyncIOMotorClient({ io_loop });
    const collection = client.get_database('d').get_collection('c');
    for (const one of [client, collection.database, collection, collection.find(), collection.aggregate([])]) {
      expect(one.get_io_loop()).to.equal(io_loop);
    }
    expect(client.io_loop).to.equal(io_loop);
    for (const wrong of [5, {}, { time: () => 0 }]) {
      expect(() => new AsyncIOMotorClient({ io_loop: wrong as never })).to.throw(TypeError, 'io_loop');
    }
  });

  it('fetch_next and next_object warn once, and work for good', async () => {
    await things().insert_many([{}, {}, {}]);
    const { stdout, stderr } = await runScript(
      `const { AsyncIOMotorClient } = require(${JSON.stringify(join(__dirname, '../../lib/asyncio/index.js'))});
       const client = new AsyncIOMotorClient(uri);
       for (let i = 0; i < 2; i++) {
         const cursor = client.${DATABASE}.${things().name}.find();
         let count = 0;
         while (await cursor.fetch_next) if (cursor.next_object() !== null) count++;
         console.log(count);
       }
       client.close();`,
      server().uri,
    );
    expect(stdout).to.equal('3\n3\n');
    for (const name of ['fetch_next', 'next_object']) {
      expect(stderr.split(`DeprecationWarning: ${name} is deprecated`)).to.have.length(2);
    }
  });

  it('no_cursor_timeout warns, and is sent', async () => {
    const commands = commandsOf(things());
    let cursor = things().find();
    const warnings = warningsOf(() => {
      cursor = things().find({}, { no_cursor_timeout: true });
    });
    await cursor.to_list();
    expect(warnings.join()).to.include('30 minutes');
    expect(commands[0]).to.include({ noCursorTimeout: true });
  });

  it('a read preference has its hedge in its document', () => {
    const hedged = new Nearest([{ dc: 'ny' }], { hedge: { enabled: true } });
    expect(hedged.document).to.deep.equal({ mode: 'nearest', tags: [{ dc: 'ny' }], hedge: { enabled: true } });
  });

  it('uuidRepresentation of the client decides what is written and read', async () => {
    const uuid = new UUID();
    const clientOf = (uuidRepresentation: string) =>
      newAsyncIOClient(server(), { uuidRepresentation }).get_database(DATABASE).get_collection(things().name);
    await clientOf('standard').insert_one({ _id: 4, uuid });
    await clientOf('javaLegacy').insert_one({ _id: 3, uuid });
    expect(await clientOf('standard').find_one(4)).to.deep.equal({ _id: 4, uuid });
    expect(await clientOf('javaLegacy').find_one(3)).to.deep.equal({ _id: 3, uuid });
    expect((await clientOf('standard').find_one(3))?.uuid).to.have.property('sub_type', 3);
    expect((await clientOf('javaLegacy').find_one(4))?.uuid).to.have.property('sub_type', 4);
  });

  eachForm((call) => {
    it('allow_partial_results, oplog_replay and max_scan are sent; the last is refused by the server', async () => {
      const commands = commandsOf(things());
      const flags = { allow_partial_results: true, oplog_replay: true };
      expect(await call(things().find({}, flags), 'to_list')).to.deep.equal([]);
      expect(commands[0]).to.include({ allowPartialResults: true, oplogReplay: true });
      expect(await rejection(call(things(), 'find_one', {}, { max_scan: 5 }))).to.include({ code: 40415 });
    });

    it('find_one ignores limit and batch_size', async () => {
      await things().insert_many([{ _id: 1 }, { _id: 2 }]);
      const commands = commandsOf(things());
      expect(await call(things(), 'find_one', {}, { limit: 5, batch_size: 3, sort: '_id' })).to.deep.equal({ _id: 1 });
      expect(commands[0]).to.include({ limit: 1, singleBatch: true }).and.not.have.property('batchSize');
    });

    it('estimated_document_count and validate_collection send their keywords', async () => {
      await things().insert_one({});
      const commands = commandsOf(things());
      await call(things(), 'estimated_document_count', { comment: 'why', maxTimeMS: 5000 });
      await call(things().database, 'validate_collection', things(), { scandata: true, full: true, comment: 'why' });
      expect(commands[0]).to.include({ count: things().name, comment: 'why', maxTimeMS: 5000 });
      expect(commands[1]).to.include({ validate: things().name, scandata: true, full: true, comment: 'why' });
    });

    it('list_collection_names asks for names only, if that will do', async () => {
      const { database } = things();
      for (const [filter, nameOnly] of [
        [undefined, true],
        [{ name: 'a' }, true],
        [{ type: 'view' }, undefined],
      ] as const) {
        const commands = commandsOf(database.client);
        await call(database, 'list_collection_names', { filter });
        expect(commands[0]?.nameOnly).to.equal(nameOnly);
      }
    });

    it('create_collection with check_exists: false leaves a repetition to the server', async () => {
      const { database, name } = things();
      const commands = commandsOf(database.client);
      for (let turn = 0; turn < 2; turn++) await call(database, 'create_collection', name, { check_exists: false });
      expect(commands.map((command) => Object.keys(command)[0])).to.deep.equal(['create', 'create']);
      const other = call(database, 'create_collection', name, { check_exists: false, capped: true, size: 4096 });
      expect(await rejection(other)).to.be.instanceOf(CollectionInvalid);
      await database.drop_collection(name);
      expect(await call(database, 'create_collection', name, { autoIndexId: true })).to.have.property('name', name);
    });

    it('rename replaces a collection if dropTarget says so', async () => {
      const target = things().get_collection('target');
      await things().insert_one({ _id: 1 });
      await target.insert_one({ _id: 2 });
      expect(await rejection(call(things(), 'rename', target.name))).to.be.instanceOf(OperationFailure);
      await call(things(), 'rename', target.name, { dropTarget: true });
      expect(await target.distinct('_id')).to.deep.equal([1]);
      await target.drop();
    });

    it('documents may be maps, whose order is kept', async () => {
      const map = new SON([
        ['b', 1],
        ['2', 1],
        ['1', new Map([['z', 1]])],
      ]);
      await call(things(), 'insert_one', map);
      const ordered = things().with_options({ codec_options: { document_class: SON } });
      const found = (await call(ordered, 'find_one', new SON([['b', 1]]))) as unknown as SON;
      expect([...found.keys()]).to.deep.equal(['_id', 'b', '2', '1']);
    });

    it('an update that violates validation is a WriteError, with what the server tells of it', async () => {
      const { database, name } = things();
      const validated = await database.create_collection(name, { validator: { a: { $gt: 0 } } });
      const error = await rejection(call(validated, 'insert_one', { a: 0 }));
      expect(error).to.be.instanceOf(WriteError).and.not.instanceOf(DuplicateKeyError);
      expect(error).to.have.property('code', 121);
      await call(validated, 'insert_one', { a: 0 }, { bypass_document_validation: true });
      const bulk = await rejection(call(validated, 'bulk_write', [new UpdateOne({}, { $set: { a: -1 } })]));
      const [told] = (bulk as OperationFailure).details?.writeErrors ?? [];
      expect(told).to.include({ index: 0, code: 121 }).and.have.property('errInfo');
    });

    it('a write concern that is not met: WTimeoutError, or WriteConcernError', async () => {
      for (const [writeConcernError, ErrorClass] of [
        [{ code: 64, errmsg: 'waiting timed out', errInfo: { wtimeout: true } }, WTimeoutError],
        [{ code: 100, errmsg: 'not enough members' }, WriteConcernError],
      ] as const) {
        const proxy = await newProxy();
        proxy.on(
          'insert',
          rewriteReply((reply) => ({ ...reply, writeConcernError })),
        );
        const client = newAsyncIOClient(proxy);
        const collection = client.get_database(DATABASE).get_collection(things().name);
        const error = (await rejection(call(collection, 'insert_one', {}))) as PyMongoError;
        expect(error).to.be.instanceOf(ErrorClass).and.instanceOf(WriteConcernError).and.instanceOf(PyMongoError);
        expect(error).to.include({ code: writeConcernError.code, timeout: ErrorClass === WTimeoutError });
        expect([error.error_labels, error.has_error_label('x')]).to.deep.equal([[], false]);
      }
    });

    it('a document that is too large is refused before it is sent', async () => {
      const text = 'x'.repeat(17 * 1024 * 1024);
      await things().find_one(); // the limits are the server's
      const commands = commandsOf(things());
      for (const write of [
        call(things(), 'insert_one', { text }),
        call(things(), 'insert_many', [{ text }]),
        call(things(), 'replace_one', {}, { text }),
      ]) {
        expect(await rejection(write)).to.be.instanceOf(DocumentTooLarge);
      }
      expect(commands).to.deep.equal([]);
      expect(await things().count_documents({})).to.equal(0);
    });

    it('collation and array filters need an acknowledged write', async () => {
      const silent = things().with_options({ write_concern: { w: 0 } });
      const collation = { locale: 'en' };
      const update = { $set: { a: 1 } };
      for (const refused of [
        call(silent, 'update_one', {}, update, { collation }),
        call(silent, 'update_many', {}, update, { array_filters: [{ x: 1 }] }),
        call(silent, 'replace_one', {}, {}, { collation }),
        call(silent, 'delete_one', {}, { collation }),
        call(silent, 'delete_many', {}, { collation }),
        call(silent, 'find_one_and_delete', {}, { collation }),
        call(silent, 'bulk_write', [new UpdateOne({}, update, { collation })]),
      ]) {
        expect(await rejection(refused)).to.be.instanceOf(ConfigurationError);
      }
    });

    it('next of a cursor that failed has nothing more', async () => {
      const cursor = things().find({ $nonsense: 1 });
      expect(await rejection(call(cursor, 'next'))).to.be.instanceOf(OperationFailure);
      expect(cursor.alive).to.equal(false);
      const rest: Document[] = await call(cursor, 'to_list');
      expect(rest).to.deep.equal([]);
    });
  });
});

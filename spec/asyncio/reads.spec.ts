import { DBRef, type Document, ObjectId, UUID } from 'bson';
import { expect } from 'chai';
import {
  AsyncIOMotorCommandCursor,
  AsyncIOMotorLatentCommandCursor,
  Code,
  ConfigurationError,
  CursorType,
  IndexError,
  InvalidDocument,
  InvalidOperation,
  OperationFailure,
  SON,
  StopAsyncIteration,
  use,
  ValueError,
} from '../../lib/asyncio/index';
import { eachForm, freshAsyncIOCollection, newAsyncIOClient } from '../support/clients';
import { eventually } from '../support/eventually';
import { rejection } from '../support/rejection';
import { commandsOf } from './commands';

describe('Reads of AsyncIOMotorCollection', () => {
  const things = freshAsyncIOCollection();
  const fill = (count: number) => things().insert_many(Array.from({ length: count }, (_, _id) => ({ _id })));

  eachForm((call) => {
    it('find_one takes a filter, an _id, and nothing', async () => {
      expect(await call(things(), 'find_one')).to.equal(null);
      await things().insert_one({ _id: 'page-one', body: 'Hello!' });
      expect(await call(things(), 'find_one', 'page-one')).to.deep.equal({ _id: 'page-one', body: 'Hello!' });
      expect(await call(things(), 'find_one', { body: { $lt: 'I' } }, { projection: ['_id'] })).to.deep.equal({
        _id: 'page-one',
      });
      expect(await call(things(), 'find_one', {}, { projection: [] })).to.have.property('body');
      expect(await call(things(), 'find_one', {}, { skip: 1 })).to.equal(null);
    });

    it('find_one asks for one document in one batch, whatever else is wished, so that no cursor is left open', async () => {
      await fill(300);
      const commands = commandsOf(things());
      const limited = { sort: { _id: -1 }, limit: 5, batch_size: 2 };
      expect(await call(things(), 'find_one', {}, limited)).to.deep.equal({ _id: 299 });
      expect(await call(things(), 'find_one', { _id: { $gt: 7 } })).to.deep.equal({ _id: 8 });
      for (const command of commands) expect(command).to.include({ limit: 1, singleBatch: true });
      expect(commands.map((command) => command.batchSize)).to.deep.equal([undefined, undefined]);
    });

    it('find_one names a keyword it does not know, and says how to choose fields', async () => {
      const error = await rejection(call(things(), 'find_one', {}, { name: 1 }));
      expect(error).to.be.instanceOf(TypeError);
      expect(error.message).to.include('{ projection: { name: 1 } }');
    });

    it('count_documents, estimated_document_count and distinct', async () => {
      expect(await call(things(), 'count_documents', {})).to.equal(0);
      await fill(10);
      expect(await call(things(), 'count_documents', { _id: { $gt: 5 } })).to.equal(4);
      expect(await call(things(), 'count_documents', {}, { skip: 2, limit: 5, hint: '_id_' })).to.equal(5);
      expect(await call(things(), 'estimated_document_count')).to.equal(10);
      expect(await call(things(), 'distinct', '_id', { filter: { _id: { $lt: 2 } } })).to.deep.equal([0, 1]);
      expect(await rejection(call(things(), 'distinct', 5))).to.be.instanceOf(TypeError);
      expect(await rejection(call(things(), 'count_documents', null))).to.be.instanceOf(TypeError);
      const both = call(things(), 'distinct', '_id', { filter: {}, query: {} });
      expect(await rejection(both)).to.be.instanceOf(ConfigurationError);
      const session = call(things(), 'estimated_document_count', { session: null });
      expect(await rejection(session)).to.be.instanceOf(ConfigurationError);
    });

    it('to_list gives as many as asked for, all by default, and goes on', async () => {
      await fill(203);
      const cursor = things().find().sort('_id');
      expect(cursor.cursor_id).to.equal(null);
      expect((await call(cursor, 'to_list', 10)).map(({ _id }: Document) => _id)).to.deep.equal([...Array(10).keys()]);
      expect(cursor.cursor_id).not.to.equal(0n);
      expect(await call(cursor, 'to_list', { length: 91 })).to.have.length(91);
      expect(await call(cursor, 'to_list')).to.have.length(102);
      expect(cursor.cursor_id).to.equal(0n);
      expect(await call(cursor, 'to_list', null)).to.deep.equal([]);
      expect(await rejection(call(cursor, 'to_list', -1))).to.be.instanceOf(ValueError);
      expect(await rejection(call(cursor, 'to_list', 'foo'))).to.be.instanceOf(TypeError);
      expect(await rejection(call(cursor, 'to_list', { size: 1 }))).to.be.instanceOf(TypeError);
    });

    it('batch_size reaches find and getMore, and 1 stays 1', async () => {
      for (const count of [10, 23]) {
        await fill(count);
        const commands = commandsOf(things());
        expect(await call(things().find({}, { batch_size: 5 }), 'to_list')).to.have.length(count);
        expect(new Set(commands.map(({ batchSize }) => batchSize))).to.deep.equal(new Set([5]));
        await things().delete_many({});
      }
      const commands = commandsOf(things());
      await call(things().find().batch_size(1), 'to_list');
      expect(commands[0]).to.include({ batchSize: 1 });
    });

    it('next gives one document after the other, then StopAsyncIteration', async () => {
      await fill(2);
      const cursor = things()
        .find()
        .sort([['_id', -1]]);
      expect(await call(cursor, 'next')).to.deep.equal({ _id: 1 });
      expect(await call(cursor, 'next')).to.deep.equal({ _id: 0 });
      expect(await rejection(call(cursor, 'next'))).to.be.instanceOf(StopAsyncIteration);
    });

    it('aggregate sends nothing until it is read; batchSize reaches the command and getMore', async () => {
      await fill(10);
      const commands = commandsOf(things());
      const cursor = things().aggregate([{ $match: { _id: { $gte: 3 } } }], { batchSize: 2 });
      expect(cursor).to.be.instanceOf(AsyncIOMotorLatentCommandCursor).and.instanceOf(AsyncIOMotorCommandCursor);
      expect([cursor.started, cursor.alive, cursor.cursor_id]).to.deep.equal([false, true, null]);
      await things()
        .aggregate([{ $match: {} }])
        .close();
      expect(commands).to.deep.equal([]);
      expect(await call(cursor, 'to_list')).to.have.length(7);
      expect(commands[0]?.cursor).to.deep.equal({ batchSize: 2 });
      expect(commands.slice(1).every(({ batchSize }) => batchSize === 2)).to.equal(true);
      const [sum] = await call(things().aggregate([{ $group: { _id: null, sum: { $sum: '$_id' } } }]), 'to_list');
      expect(sum).to.deep.equal({ _id: null, sum: 45 });
    });

    it('an aggregation that fails rejects the first call, and is dead', async () => {
      const cursor = things().aggregate([{ $nonsense: 1 }]);
      expect(await rejection(call(cursor, 'to_list'))).to.be.instanceOf(OperationFailure);
      expect(cursor.alive).to.equal(false);
      expect(await call(cursor, 'try_next')).to.equal(null);
    });

    it('$out writes only when the cursor is read', async () => {
      await fill(3);
      const target = things().get_collection('out');
      const cursor = things().aggregate([{ $out: target.name }], { batchSize: 1 });
      expect(await target.estimated_document_count()).to.equal(0);
      expect(await call(cursor, 'to_list')).to.deep.equal([]);
      expect(await target.estimated_document_count()).to.equal(3);
      await target.drop();
    });

    it('cursor_command gives documents in turn, and refuses a reply without cursor', async () => {
      await fill(3);
      const { database, name } = things();
      const cursor = await call(database, 'cursor_command', 'find', name, { batchSize: 2, sort: { _id: 1 } });
      for (const _id of [0, 1, 2]) expect(await call(cursor, 'try_next')).to.deep.equal({ _id });
      expect(await call(cursor, 'try_next')).to.equal(null);
      expect(await rejection(call(database, 'cursor_command', 'ping'))).to.be.instanceOf(InvalidOperation);
    });

    it('command: a name with value, a document, keywords for the server, and check', async () => {
      await fill(3);
      const { database, name } = things();
      expect(await call(database, 'command', 'ping')).to.include({ ok: 1 });
      const son = new SON([
        ['distinct', name],
        ['key', '_id'],
      ]);
      expect(await call(database, 'command', son)).to.deep.include({ values: [0, 1, 2] });
      expect(await call(database, 'command', 'count', name, { query: { _id: 0 } })).to.include({ n: 1 });
      expect(await rejection(call(database, 'command', 'nonsense'))).to.be.instanceOf(OperationFailure);
      expect(await call(database, 'command', 'nonsense', { check: false })).to.include({ ok: 0, code: 59 });
      expect(await call(database, 'command', 'nonsense', { allowable_errors: [59] })).to.include({ ok: 0 });
    });

    it('command: verbs that servers no longer have are served by the driver', async () => {
      await fill(3);
      const { database, name } = things();
      const group = { ns: name, key: { x: 1 }, $reduce: 'function (d, g) { g.sum += d._id; }', initial: { sum: 0 } };
      expect(await call(database, 'command', { group })).to.deep.include({ retval: [{ x: null, sum: 3 }], ok: 1 });
      const served = await call(database, 'command', { group }, 1, { codec_options: { document_class: SON } });
      expect(served).to.be.instanceOf(SON);
      expect(((served as SON).get('retval') as unknown[])[0]).to.be.instanceOf(SON);

      const reduce = { map: 'function () { emit(1, this._id); }', reduce: 'function (k, v) { return Array.sum(v); }' };
      expect(await call(database, 'command', 'mapReduce', name, { ...reduce, out: { inline: 1 } })).to.deep.include({
        results: [{ _id: 1, value: 3 }],
      });
      const target = `${database.name}_copied`;
      const copy = { fromdb: database.name, todb: target };
      expect(await call(database.client.get_database('admin'), 'command', 'copydb', 1, copy)).to.deep.equal({ ok: 1 });
      const copied = database.client.get_database(target);
      expect(await copied.get_collection(name).count_documents({})).to.equal(3);
      await database.client.drop_database(target);

      await rejection(things().insert_one({ _id: 0 }));
      expect(await call(database, 'command', 'getLastError')).to.include({ code: 11000 });
      expect(await call(database, 'command', 'getPrevError')).to.include({ code: 11000, nPrev: 1 });
      expect(await call(database, 'command', 'resetError')).to.include({ ok: 1 });
      expect(await call(database, 'command', 'getLastError')).to.include({ err: null });

      const broken = { group: { ...group, $reduce: 'function () { throw 1; }' } };
      expect(await rejection(call(database, 'command', broken))).to.be.instanceOf(OperationFailure);
      expect(await call(database, 'command', broken, 1, { check: false })).to.include({ ok: 0, code: 139 });
      expect(await call(database, 'command', broken, 1, { allowable_errors: [139] })).to.include({ ok: 0 });
    });

    it('Symbol.asyncDispose closes a cursor, read or not', async () => {
      await fill(200);
      const read = things().find({}, { batch_size: 2 });
      await call(read, 'next');
      for (const cursor of [read, things().find(), things().aggregate([])]) {
        await cursor[Symbol.asyncDispose]();
        expect(cursor.closed).to.equal(true);
      }
      const killed = call(things().database, 'command', 'getMore', read.cursor_id, { collection: things().name });
      expect(await rejection(killed)).to.include({ code: 43 });
    });

    it('find_one folds the scope of a $where into its code, as find does', async () => {
      const commands = commandsOf(things());
      const $where = new Code('this._id > least', { least: 1 });
      for (const reading of [call(things(), 'find_one', { $where }), call(things().find({ $where }), 'to_list')])
        await reading.catch(() => null); // the server may lack JavaScript
      for (const { filter } of commands) {
        const { code, scope } = new SON(filter).get('$where') as Code;
        expect(code).to.include('var least');
        expect(scope).to.equal(null);
      }
      expect(commands).to.have.length(2);
    });

    it('a query in the wrapped form is taken apart, by find and find_one alike', async () => {
      await things().insert_many([1, 2, 3].map((a) => ({ _id: a, a })));
      const commands = commandsOf(things());
      const wrapped = {
        $query: { a: { $gt: 1 } },
        $orderby: { a: -1 },
        $hint: { _id: 1 },
        $comment: 'why',
        $maxTimeMS: 5000,
        $showDiskLoc: true,
      };
      expect((await call(things().find(wrapped), 'to_list')).map(({ a }: Document) => a)).to.deep.equal([3, 2]);
      expect(await call(things(), 'find_one', wrapped)).to.include({ a: 3 });
      expect(await call(things(), 'find_one', wrapped, { sort: 'a' })).to.include({ a: 2 });
      for (const command of commands) {
        expect(command).to.deep.include({ filter: { a: { $gt: 1 } }, hint: { _id: 1 }, comment: 'why' });
        expect(command).to.include({ maxTimeMS: 5000, showRecordId: true });
      }
      const explained = { $query: { a: 1 }, $explain: true };
      const [plan, ...others] = await call(things().find(explained), 'to_list');
      expect([plan?.queryPlanner, others]).to.deep.equal([plan?.queryPlanner, []]).and.not.include(undefined);
      expect(await call(things(), 'find_one', explained)).to.have.property('queryPlanner');
      const bounded = { $query: {}, $min: { _id: 2 } };
      for (const reading of [call(things().find(bounded), 'to_list'), call(things(), 'find_one', bounded)]) {
        expect(await rejection(reading)).to.be.instanceOf(InvalidOperation);
      }
      const hinted = things().find(bounded).hint({ _id: 1 });
      expect(await call(hinted, 'to_list')).to.have.length(2);
    });

    it('find_one on the pseudo-collections runs the command that it stands for', async () => {
      const { database } = things();
      expect(await call(database.get_collection('$cmd'), 'find_one', { ping: 1 })).to.include({ ok: 1 });
      expect(await call(database.get_collection('$cmd'), 'find_one', { nonsense: 1 })).to.include({ ok: 0, code: 59 });
      const inProgress = database.get_collection('$cmd.sys.inprog');
      expect(await call(inProgress, 'find_one', { $all: true })).to.have.property('inprog');
    });

    it('find refuses what cannot be encoded, as find_one does, before anything is sent', async () => {
      const commands = commandsOf(things());
      for (const [value, error] of [
        [() => 1, InvalidDocument],
        [Symbol('a'), InvalidDocument],
        [2n ** 64n, InvalidDocument],
        [new Date(Number.NaN), InvalidDocument],
        [new UUID(), ValueError],
      ] as const) {
        expect(await rejection(call(things().find({ a: value }), 'to_list'))).to.be.instanceOf(error);
        expect(await rejection(call(things().find({ a: value }), 'distinct', 'a'))).to.be.instanceOf(error);
        expect(await rejection(call(things(), 'find_one', { a: value }))).to.be.instanceOf(error);
      }
      expect(commands).to.deep.equal([]);
    });

    it('snapshot is the hint that gives the same promise, and stands alone', async () => {
      const collection = things();
      const commands = commandsOf(collection);
      await collection.insert_many([{ _id: 2 }, { _id: 1 }]);
      expect(await call(collection.find({}, { snapshot: true }), 'to_list')).to.deep.equal([{ _id: 1 }, { _id: 2 }]);
      expect(await call(collection, 'find_one', {}, { snapshot: true })).to.deep.equal({ _id: 1 });
      const finds = commands.filter(({ find }) => find !== undefined);
      expect(finds).to.have.length(2);
      for (const find of finds)
        expect(find)
          .to.deep.include({ hint: { _id: 1 } })
          .and.not.have.property('snapshot');
      for (const [kw, code] of [
        [{ sort: 'a' }, 12001],
        [{ hint: 'a_1' }, 12002],
      ] as const) {
        const cursor = collection.find({}, { snapshot: true, ...kw });
        for (const failed of [call(cursor, 'to_list'), call(collection, 'find_one', {}, { snapshot: true, ...kw })]) {
          const error = await rejection(failed);
          expect(error).to.be.instanceOf(OperationFailure).and.to.include({ code });
        }
      }
    });

    it('list_collections, list_collection_names and list_databases', async () => {
      await fill(1);
      const { database, name } = things();
      expect(await call(database, 'list_collection_names')).to.include(name);
      expect(await call(database, 'list_collection_names', { filter: { name } })).to.deep.equal([name]);
      expect(await call(database, 'list_collection_names', { filter: { type: 'view' } })).not.to.include(name);
      const collections = await call(database, 'list_collections', { filter: { name } });
      expect((await call(collections, 'to_list'))[0]).to.deep.include({ name, type: 'collection' });
      const { client } = database;
      expect(await call(client, 'list_database_names')).to.include(database.name);
      const databases = await call(client, 'list_databases');
      expect(databases).to.be.instanceOf(AsyncIOMotorCommandCursor);
      const list: Document[] = await call(databases, 'to_list');
      expect(list.find((one) => one.name === database.name)).to.have.keys('name', 'sizeOnDisk', 'empty');
    });

    it('dereference finds what a reference names', async () => {
      await fill(1);
      const { database, name } = things();
      expect(await call(database, 'dereference', new DBRef(name, 0 as unknown as ObjectId))).to.deep.equal({ _id: 0 });
      expect(await rejection(call(database, 'dereference', 5))).to.be.instanceOf(TypeError);
      const elsewhere = new DBRef(name, new ObjectId(), 'elsewhere');
      expect(await rejection(call(database, 'dereference', elsewhere))).to.be.instanceOf(ValueError);
    });

    it('validate_collection gives the reply', async () => {
      await fill(1);
      const { database } = things();
      expect(await call(database, 'validate_collection', things())).to.include({ valid: true });
      for (const wrong of [5, null]) {
        expect(await rejection(call(database, 'validate_collection', wrong))).to.be.instanceOf(TypeError);
      }
    });
  });

  it('find sends every setting by its name in the command', async () => {
    const commands = commandsOf(things());
    await things()
      .find(
        { a: 1 },
        {
          projection: new Set(['a']),
          sort: ['a', ['b', -1]],
          collation: { locale: 'en' },
          hint: { _id: 1 },
          min: [['_id', 1]],
          max: { _id: 5 },
          return_key: true,
          show_record_id: true,
          allow_disk_use: true,
          let: { x: 1 },
          comment: 'why',
          max_time_ms: 1000,
        },
      )
      .to_list();
    const [command] = commands as [Document];
    expect(command.sort).to.deep.equal(
      new Map([
        ['a', 1],
        ['b', -1],
      ] as [string, number][]),
    );
    expect(command.projection).to.deep.equal({ a: 1 });
    expect(command).to.deep.include({
      collation: { locale: 'en' },
      returnKey: true,
      showRecordId: true,
      allowDiskUse: true,
      let: { x: 1 },
      comment: 'why',
      maxTimeMS: 1000,
    });
  });

  it('find refuses at once what cannot be right', () => {
    const find = things().find as (...args: unknown[]) => unknown;
    expect(() => find(null)).to.throw(TypeError);
    expect(() => find({}, { _id: 0 })).to.throw(TypeError, 'projection');
    expect(() => find({}, { skip: -1 })).to.throw(ValueError);
    expect(() => find({}, { batch_size: -1 })).to.throw(ValueError);
    expect(() => find({}, { cursor_type: 5 })).to.throw(ValueError);
    expect(() => find({}, { sort: [] })).to.throw(ValueError);
    expect(() => find({}, { sort: {} })).to.throw(ValueError);
    expect(() => find({}, { collation: 'de' })).to.throw(TypeError);
    expect(() => find({}, { cursor_type: CursorType.EXHAUST, limit: 5 })).to.throw(InvalidOperation);
    expect(() => things().find({}, { cursor_type: CursorType.EXHAUST }).limit(5)).to.throw(InvalidOperation);
    expect(() => find({}, () => undefined)).to.throw(InvalidOperation);
    expect(() => (things().aggregate as (...args: unknown[]) => unknown)({ $match: {} })).to.throw(TypeError);
    expect(() => things().aggregate([], { explain: true })).to.throw(ConfigurationError, 'db.command');
  });

  it('min and max need a hint, before anything is sent', async () => {
    const commands = commandsOf(things());
    expect(
      await rejection(
        things()
          .find()
          .min([['_id', 1]])
          .to_list(),
      ),
    ).to.be.instanceOf(InvalidOperation);
    expect(await rejection(things().find_one({}, { max: { _id: 1 } }))).to.be.instanceOf(InvalidOperation);
    expect(commands).to.deep.equal([]);
  });

  it('for await, chaining, slices and indexes', async () => {
    await fill(10);
    const cursor = things().find();
    expect(cursor.sort('_id', -1)).to.equal(cursor);
    expect(cursor.skip(1).limit(2)).to.equal(cursor);
    const seen: unknown[] = [];
    for await (const { _id } of cursor) seen.push(_id);
    expect(seen).to.deep.equal([8, 7]);
    expect(await things().find()[3]?.sort('_id').to_list()).to.deep.equal([{ _id: 3 }]);
    expect(await things().find().sort('_id').slice(2, 4).to_list()).to.deep.equal([{ _id: 2 }, { _id: 3 }]);
    expect(() => things().find().at(-1)).to.throw(IndexError);
    const again = cursor.rewind();
    expect(again).to.equal(cursor);
    expect(await again.clone().to_list()).to.have.length(2);
  });

  it('leaving a loop early closes the cursor', async () => {
    await fill(10);
    const cursor = things().find({}, { batch_size: 2 });
    for await (const _ of cursor) break;
    expect(cursor.closed).to.equal(true);
  });

  it('each stops at false and goes on when it is called again', async () => {
    await fill(5);
    const cursor = things().find().sort('_id');
    const seen: unknown[] = [];
    const until = (stop: number) =>
      new Promise<void>((resolve) => {
        cursor.each((document) => {
          if (document === null) return resolve();
          seen.push(document._id);
          if (document._id !== stop) return true;
          resolve();
          return false;
        });
      });
    await until(2);
    expect(seen).to.deep.equal([0, 1, 2]);
    await until(-1);
    expect(seen).to.deep.equal([0, 1, 2, 3, 4]);
  });

  it('a tailable cursor has no list; a loop ends when nothing is there and can begin again', async () => {
    const { database, name } = things();
    const capped = await database.create_collection(name, { capped: true, size: 4096 });
    await capped.insert_one({ _id: 1 });
    const cursor = capped.find({}, { cursor_type: CursorType.TAILABLE });
    expect(await rejection(cursor.to_list())).to.be.instanceOf(InvalidOperation);
    const seen: unknown[] = [];
    for await (const { _id } of cursor) seen.push(_id);
    expect(cursor.alive).to.equal(true);
    await capped.insert_one({ _id: 2 });
    for await (const { _id } of cursor) seen.push(_id);
    expect(seen).to.deep.equal([1, 2]);
    await cursor.close();
  });

  it('next of a tailable cursor waits for a document', async () => {
    const { database, name } = things();
    const capped = await database.create_collection(name, { capped: true, size: 4096 });
    await capped.insert_one({ _id: 1 });
    const commands = commandsOf(things());
    const cursor = capped.find({}, { cursor_type: CursorType.TAILABLE_AWAIT }).max_await_time_ms(50);
    expect(await cursor.next()).to.deep.equal({ _id: 1 });
    const coming = cursor.next();
    await eventually(() => commands.some((command) => 'getMore' in command), 'it asks');
    expect(commands.find((command) => 'getMore' in command)).to.include({ maxTimeMS: 50 });
    await capped.insert_one({ _id: 2 });
    expect(await coming).to.deep.equal({ _id: 2 });
    await cursor.close();
  });

  it('use closes the cursor; one that never began can be closed', async () => {
    await fill(3);
    const cursor = things().find();
    expect(cursor.started).to.equal(false);
    expect(await use(cursor, (it) => it.to_list(1))).to.have.length(1);
    expect(cursor.closed).to.equal(true);
    const error = new Error('mine');
    const failed = use(Promise.resolve(things().find()), () => {
      throw error;
    });
    expect(await rejection(failed)).to.equal(error);
  });

  it('address is that of the open cursor', async () => {
    await fill(10);
    const cursor = things().find({}, { batch_size: 2 });
    expect(cursor.address).to.equal(null);
    await cursor.next();
    expect(cursor.address).to.deep.equal(things().database.client.address);
    await cursor.close();
  });

  it('db.aggregate runs without a collection', async () => {
    const admin = things().database.client.get_database('admin');
    expect(await admin.aggregate([{ $documents: [{ a: 1 }] }]).to_list()).to.deep.equal([{ a: 1 }]);
  });

  it('read concern and comment are sent', async () => {
    const commands = commandsOf(things());
    const sure = things().with_options({ read_concern: 'local' });
    await sure.find({}, { comment: 'c' }).to_list();
    await sure.count_documents({}, { comment: 'c' });
    await sure.distinct('a', { comment: 'c' });
    for (const command of commands) expect(command).to.deep.include({ readConcern: { level: 'local' }, comment: 'c' });
    expect(commands).to.have.length(3);
  });

  it('a UUID needs a representation to be written; without one it is read as binary', async () => {
    const uuid = new UUID();
    expect(await rejection(things().insert_one({ uuid }))).to.be.instanceOf(ValueError);
    expect(await rejection(things().find_one({ uuid }))).to.be.instanceOf(ValueError);
    const standard = things().with_options({ codec_options: { uuid_representation: 4 } });
    await standard.insert_one({ _id: 1, uuid });
    expect((await standard.find_one({ uuid }))?.uuid).to.be.instanceOf(UUID);
    const plain = (await things().find_one(1))?.uuid;
    expect(plain).not.to.be.instanceOf(UUID);
    expect(plain).to.have.property('sub_type', 4);
  });

  it('document_class is the class of what is found', async () => {
    await fill(1);
    const ordered = things().with_options({ codec_options: { document_class: SON } });
    expect(await ordered.find_one()).to.be.instanceOf(SON);
    expect(await ordered.find().to_list()).to.deep.equal([new SON({ _id: 0 })]);
    const client = newAsyncIOClient(undefined, { document_class: Map });
    const [database] = await client
      .get_database('admin')
      .aggregate([{ $documents: [{ a: 1 }] }])
      .to_list();
    expect(database).to.be.instanceOf(Map);
  });
});

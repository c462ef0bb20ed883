import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { inspect, promisify } from 'node:util';
import {
  Binary,
  BSONRegExp,
  BSONSymbol,
  Code,
  DBRef,
  Decimal128,
  type Document,
  Double,
  Int32,
  Long,
  MaxKey,
  MinKey,
  ObjectId,
  Timestamp,
  UUID,
} from 'bson';
import { expect } from 'chai';
import {
  AutoReconnect,
  BulkWriteError,
  ConfigurationError,
  ConnectionFailure,
  DuplicateKeyError,
  InvalidDocument,
  InvalidName,
  InvalidOperation,
  MotorClient,
  NamespaceInjector,
  OperationFailure,
  SON,
} from '../../lib/index';
import type { BlockingCollection, MongoClient } from '../../lib/motor/blocking/types';
import { MotorCollection } from '../../lib/motor/collection';
import { Bound, dual, membersOf, only } from '../../lib/motor/dual';
import { countsOf, DATABASE, newClient, newProxy, uniqueName } from '../support/clients';
import { eventually } from '../support/eventually';
import { closeFirst } from '../support/faults';
import { server } from '../support/hooks';
import { listen } from '../support/listen';
import { rejection } from '../support/rejection';

const LIBRARY = join(__dirname, '..', '..', 'lib', 'index.js');

interface Outcome {
  readonly stdout: string;
  readonly stderr: string;
  readonly milliseconds: number;
}

/** Run a script of its own process; `args` are its `process.argv[1]`, ... It must end by itself. */
async function script(code: string, args: readonly string[], flags: readonly string[] = []): Promise<Outcome> {
  const started = performance.now();
  const { NODE_OPTIONS: _, ...env } = process.env;
  const { stdout, stderr } = await promisify(execFile)(process.execPath, [...flags, '-e', code, ...args], {
    timeout: 10_000,
    env,
  });
  return { stdout, stderr, milliseconds: performance.now() - started };
}

/** What a function throws; the test fails when it throws nothing. */
function thrown(call: () => unknown): Error {
  try {
    call();
  } catch (error) {
    return error as Error;
  }
  return expect.fail('it did not fail');
}

const threads = () => process.getActiveResourcesInfo().filter((kind) => kind === 'MessagePort' || kind === 'Worker');

describe('MotorClient.open_sync', () => {
  it('stops the thread until a server was reached, and gives the client itself', async () => {
    const client = newClient();
    const before = threads().length;
    expect(client.connected).to.equal(false);
    expect(client.open_sync()).to.equal(client);
    expect(client.connected).to.equal(true);
    expect(await client.server_info()).to.include({ ok: 1 });
    await eventually(() => threads().length <= before, 'no thread is left');
  });

  it('knows of the server what open() knows, before anything is sent from this thread', async () => {
    const opened = await newClient().open();
    const client = newClient().open_sync();
    for (const name of [
      'host',
      'port',
      'nodes',
      'is_primary',
      'is_mongos',
      'max_bson_size',
      'max_message_size',
      'min_wire_version',
      'max_wire_version',
    ] as const) {
      expect(client[name], name).to.deep.equal(opened[name]);
    }
    expect(client.max_wire_version).to.be.above(0);
    expect(countsOf(client).open).to.equal(0);
    expect(await client.server_info()).to.include({ ok: 1 });
  });

  it('returns at once where the client is connected already', async () => {
    const proxy = await newProxy();
    const client = newClient(proxy.uri);
    await client.open();
    const accepted = proxy.connections.accepted;
    expect(client.openSync()).to.equal(client);
    expect(proxy.connections.accepted).to.equal(accepted);
  });

  it('fails with the error that open() would fail with', async () => {
    const free = await listen();
    free.close();
    const refused = thrown(() => newClient(`127.0.0.1:${free.port}`).open_sync());
    expect(refused).to.be.instanceOf(AutoReconnect).with.property('name', 'AutoReconnect');
    expect(refused.message).to.include(`127.0.0.1:${free.port}`);
    expect(refused.cause).to.be.instanceOf(Error).with.property('code', 'ECONNREFUSED');
    const wrongSet = thrown(() => newClient(server().address, { replicaSet: 'nobody' }).open_sync());
    expect(wrongSet).to.be.instanceOf(ConfigurationError);
    expect(wrongSet.message).to.include("'nobody'");
  });

  it('has reached the server also where that does not let the user in', async () => {
    for (const open of ['open', 'open_sync'] as const) {
      const client = newClient(`mongodb://joe:secret@${server().address}/`);
      expect(await client[open](), open).to.equal(client);
      expect(client.connected, open).to.equal(true);
      expect(await rejection(client.server_info()), open).to.be.instanceOf(OperationFailure);
    }
  });

  it('gives up after connectTimeoutMS, and leaves no thread behind', async () => {
    const silent = await listen();
    const before = threads().length;
    const client = newClient(`127.0.0.1:${silent.port}`, { connectTimeoutMS: 300 });
    const started = performance.now();
    expect(thrown(() => client.open_sync())).to.be.instanceOf(ConnectionFailure);
    expect(performance.now() - started).to.be.within(300, 3000);
    expect(client.connected).to.equal(false);
    silent.close();
    await eventually(() => threads().length <= before, 'no thread is left');
  });
});

describe('MotorClient.sync_client', () => {
  let asynchronous: MotorClient;
  let client: MongoClient;
  let things: BlockingCollection;

  before(() => {
    asynchronous = new MotorClient(server().uri) as MotorClient;
    client = asynchronous.sync_client();
  });
  beforeEach(() => {
    things = client.get_database(DATABASE).get_collection(uniqueName());
  });
  afterEach(() => {
    client.document_class = Object;
    things.drop();
  });
  after(() => {
    client.close();
    asynchronous.close();
  });

  describe('objects', () => {
    it('bear the names of the blocking driver, and print as it does', () => {
      expect(client.constructor.name).to.equal('MongoClient');
      expect(things.constructor.name).to.equal('Collection');
      expect(things.find().constructor.name).to.equal('Cursor');
      const { host, port } = server();
      expect(String(client)).to.equal(`MongoClient('${host}', ${port})`);
      expect(inspect(client.get_database('shop').get_collection('orders'))).to.equal(
        `Collection(Database(MongoClient('${host}', ${port}), 'shop'), 'orders')`,
      );
    });

    it('have children like the asynchronous ones', () => {
      const database = client.shop;
      const orders = database?.orders;
      expect(orders?.full_name).to.equal('shop.orders');
      expect(orders?.old?.full_name).to.equal('shop.orders.old');
      expect(orders?.database).to.equal(database);
      expect(orders?.old?.database).to.equal(database);
      expect(database?.connection).to.equal(client);
      expect(things.find().collection).to.equal(things);
      expect(database).to.not.equal(client.shop);
      expect(database?.equals(client.shop)).to.equal(true);
      expect(orders?.equals(database?.other)).to.equal(false);
      expect(thrown(() => client.get_database('a b'))).to.be.instanceOf(InvalidName);
      expect(client.then).to.equal(undefined);
    });

    it('lack what needs an event loop', () => {
      for (const name of ['open', 'open_sync', 'openSync', 'sync_client', 'syncClient']) {
        expect(client[name], name).to.equal(undefined);
      }
      const cursor = things.find() as unknown as Record<string, unknown>;
      for (const name of ['fetch_next', 'fetchNext', 'each']) expect(cursor[name], name).to.equal(undefined);
      expect(cursor).to.not.have.property(Symbol.asyncIterator as unknown as string);
    });

    it('have every other member of the asynchronous classes', () => {
      const missing = [...membersOf(MotorCollection as never)]
        .map(([name]) => name)
        .filter((name) => !(name in things));
      expect(missing).to.deep.equal([]);
    });

    it('tell what the server is', () => {
      expect(client.host).to.equal(server().host);
      expect(client.port).to.equal(server().port);
      expect(client.connected).to.equal(true);
      expect(client.nodes).to.deep.equal([[server().host, server().port]]);
      expect(() => {
        (client as { host: unknown }).host = 'x';
      }).to.throw(TypeError, 'read-only');
    });

    it('take over the settings of the asynchronous client, and hand on their own', () => {
      asynchronous.write_concern = { w: 0 };
      const other = asynchronous.sync_client();
      asynchronous.write_concern = {};
      try {
        const collection = other.get_database(DATABASE).get_collection(things.name);
        expect(collection.write_concern).to.deep.equal({ w: 0 });
        expect(collection.update({}, { $set: { a: 1 } })).to.equal(null);
        collection.write_concern.w = 1;
        expect(collection.update({}, { $set: { a: 1 } })).to.include({ n: 0, ok: 1 });
        expect(thrown(() => (collection.write_concern = { x: 1 } as never))).to.be.instanceOf(ConfigurationError);
      } finally {
        other.close();
      }
    });

    it('keep methods bound, with camelCase aliases', () => {
      const { insert, findOne } = things;
      insert({ _id: 1 });
      expect(findOne(1)).to.deep.equal({ _id: 1 });
    });
  });

  describe('methods', () => {
    it('return their results', () => {
      expect(things.insert({ _id: 1, a: 1 })).to.equal(1);
      expect(things.insert([{ _id: 2 }, { _id: 3 }])).to.deep.equal([2, 3]);
      expect(things.count()).to.equal(3);
      expect(things.find_one({ a: 1 })).to.deep.equal({ _id: 1, a: 1 });
      expect(things.find_one({ a: 2 })).to.equal(null);
      expect(things.update({ a: 1 }, { $set: { a: 2 } })).to.include({ n: 1, updatedExisting: true });
      expect(things.find_and_modify({ a: 2 }, { $inc: { a: 1 } }, { new: true })).to.deep.equal({ _id: 1, a: 3 });
      expect(things.remove(3)).to.deep.equal({ n: 1, ok: 1 });
      expect(things.create_index('a')).to.equal('a_1');
      expect(things.index_information()).to.have.keys('_id_', 'a_1');
      expect(client.get_database(DATABASE).command('count', things.name)).to.include({ n: 2 });
      expect(client.server_info()).to.have.property('version');
      expect(client.alive()).to.equal(true);
    });

    it('give blocking objects where the asynchronous ones give theirs', () => {
      const database = client.get_database(DATABASE);
      const made = database.create_collection(things.name, { capped: true, size: 4096 });
      expect(made.full_name).to.equal(things.full_name);
      expect(made.database).to.equal(database);
      expect(made.options()).to.deep.equal({ capped: true, size: 4096 });
      expect(database.drop_collection(made)).to.equal(null);
      expect(database.collection_names()).to.not.include(things.name);
    });

    it("put a missing _id into the caller's documents", () => {
      const one: Document = { a: 1 };
      const id = things.insert(one);
      expect(one).to.deep.equal({ a: 1, _id: id });
      const many: Document[] = [{ b: 1 }, { _id: 7 }, new SON({ b: 2 })];
      const ids = things.insert(many) as ObjectId[];
      expect(many[0]?._id).to.deep.equal(ids[0]);
      expect(ids[1]).to.equal(7);
      expect((many[2] as unknown as SON).get('_id')).to.deep.equal(ids[2]);
      const saved: Document = { c: 1 };
      expect(things.save(saved)).to.deep.equal(saved._id);
      const duplicate: Document[] = [{ d: 1 }, { _id: 7 }];
      expect(thrown(() => things.insert(duplicate))).to.be.instanceOf(DuplicateKeyError);
      expect(duplicate[0]).to.have.property('_id');
      const spec = {};
      things.find_one(spec);
      expect(spec).to.deep.equal({});
    });

    it('take any iterable for a list of documents', () => {
      const generated = function* () {
        for (let i = 0; i < 3; i += 1) yield { _id: i };
      };
      expect(things.insert(generated())).to.deep.equal([0, 1, 2]);
      expect(things.insert(new Set([{ _id: 3 }]) as never)).to.deep.equal([3]);
      const asynchronously = async function* () {
        yield { _id: 4 };
      };
      expect(thrown(() => things.insert(asynchronously()))).to.be.instanceOf(TypeError);
      expect(thrown(() => things.insert([]))).to.be.instanceOf(InvalidOperation);
    });

    it('refuse a callback', () => {
      const anything = things as unknown as Record<string, (...args: unknown[]) => unknown>;
      for (const args of [
        [{}, () => {}],
        [{}, { callback: () => {} }],
      ]) {
        expect(thrown(() => anything.insert?.(...args)))
          .to.be.instanceOf(TypeError)
          .with.property('message')
          .match(/callback/);
        expect(thrown(() => anything.find_one?.(...args))).to.be.instanceOf(TypeError);
      }
      expect(thrown(() => anything.count?.(() => {}))).to.be.instanceOf(TypeError);
      expect(thrown(() => (things.find() as never as typeof anything).to_list?.(1, () => {}))).to.be.instanceOf(
        TypeError,
      );
      expect(things.insert({ _id: 1, callback: 1 })).to.equal(1);
      expect(things.count()).to.equal(1);
    });

    it('throw the errors of the engine, with their classes, fields and labels', () => {
      things.insert({ _id: 1 });
      const duplicate = thrown(() => things.insert({ _id: 1 })) as DuplicateKeyError;
      expect(duplicate).to.be.instanceOf(DuplicateKeyError).and.to.be.instanceOf(OperationFailure);
      expect(duplicate.name).to.equal('DuplicateKeyError');
      expect(duplicate.code).to.equal(11000);
      expect(duplicate.details).to.include({ code: 11000, index: 0 });
      expect(duplicate.message).to.include(`insert on ${things.full_name}`);
      expect(duplicate.error_labels).to.deep.equal([]);
      expect(duplicate.stack).to.include('blocking.spec').and.to.not.include('worker.js');
      expect(Object.keys(duplicate)).to.not.include('details');
      expect(thrown(() => things.find_one({ $nonsense: 1 }))).to.be.instanceOf(OperationFailure);
      expect(thrown(() => things.find_one({}, { skipp: 1 } as never))).to.be.instanceOf(TypeError);
      expect(thrown(() => things.find({}, { limit: 'x' } as never))).to.be.instanceOf(TypeError);
      expect(thrown(() => things.insert({ $a: 1 }))).to.be.instanceOf(InvalidDocument);
      expect(thrown(() => things.insert({ f: () => 1 }))).to.be.instanceOf(InvalidDocument);
      expect(thrown(() => things.insert({ s: Symbol('s') }))).to.be.instanceOf(InvalidDocument);
      const circular: Document = {};
      circular.self = circular;
      expect(thrown(() => things.insert(circular))).to.be.instanceOf(InvalidDocument);
      expect(things.count()).to.equal(1);
    });
  });

  describe('bulk operations', () => {
    it('are queued call by call, and run at once', () => {
      const bulk = things.initialize_ordered_bulk_op();
      expect(bulk.constructor.name).to.equal('BulkOperationBuilder');
      const document: Document = { a: 1 };
      expect(bulk.insert(document)).to.equal(undefined);
      expect(document).to.have.property('_id');
      bulk.find({ a: 1 }).update({ $set: { b: 1 } });
      bulk.find({ a: 2 }).upsert().replace_one({ a: 2 });
      bulk.find({ b: 1 }).remove_one();
      expect(bulk.execute()).to.include({ nInserted: 1, nMatched: 1, nUpserted: 1, nRemoved: 1 });
      expect(thrown(() => bulk.execute())).to.be.instanceOf(InvalidOperation);
      expect(thrown(() => bulk.find({}).update({ a: 1 }))).to.be.instanceOf(RangeError);
      expect(things.find_one({}, { fields: { _id: 0 } })).to.deep.equal({ a: 2 });
    });

    it('tell of failures with the whole result', () => {
      const bulk = things.initialize_unordered_bulk_op();
      for (const _id of [1, 1, 2]) bulk.insert({ _id });
      const error = thrown(() => bulk.execute()) as BulkWriteError;
      expect(error).to.be.instanceOf(BulkWriteError).with.property('code', 65);
      expect(error.details).to.include({ nInserted: 2 });
      expect(error.details?.writeErrors[0]).to.deep.include({ index: 1, op: { _id: 1 } });
    });
  });

  it('has no manipulators', () => {
    const database = client.get_database(DATABASE);
    const add = (database as unknown as { add_son_manipulator(manipulator: object): void }).add_son_manipulator;
    expect(thrown(() => add(new NamespaceInjector()))).to.be.instanceOf(InvalidOperation);
  });

  describe('values', () => {
    const stored: Readonly<Record<string, unknown>> = {
      ObjectId: new ObjectId(),
      Date: new Date(1e12),
      RegExp: /a.b/i,
      Code: new Code('return 1'),
      'Code with scope': new Code('return x', { x: 1 }),
      Binary: new Binary(Buffer.from('bytes'), 0x80),
      UUID: new UUID(),
      'long Long': Long.fromString('9007199254740993'),
      Timestamp: new Timestamp({ t: 1, i: 2 }),
      Decimal128: Decimal128.fromString('1.50'),
      MinKey: new MinKey(),
      MaxKey: new MaxKey(),
      DBRef: new DBRef('things', new ObjectId(), 'other', { n: 1 }),
      double: 1.5,
      'large integer': 2 ** 40,
      infinite: Number.NEGATIVE_INFINITY,
      null: null,
      text: 'ünï\u{1F600}',
      nested: { a: [{ b: [1, 'x', null] }, []], c: {} },
    };
    for (const [name, value] of Object.entries(stored)) {
      it(`come back as they went in: ${name}`, () => {
        things.insert({ _id: 1, value });
        expect(things.find_one(1)).to.deep.equal({ _id: 1, value });
      });
    }

    it('reach the server with the type that the caller gave them', () => {
      const types: Readonly<Record<string, readonly [unknown, string]>> = {
        double: [new Double(1), 'double'],
        int: [new Int32(1), 'int'],
        long: [Long.fromNumber(1), 'long'],
        bigint: [1n, 'long'],
        symbol: [new BSONSymbol('s'), 'symbol'],
        regex: [new BSONRegExp('a', 'i'), 'regex'],
        bytes: [Buffer.from('x'), 'binData'],
        array: [new Uint8Array([1]), 'binData'],
        undefined: [undefined, 'null'],
        self: [{ toBSON: () => 'text' }, 'string'],
      };
      for (const [_id, [value, type]] of Object.entries(types)) {
        things.insert({ _id, value });
        expect(things.find({ _id, value: { $type: type } }).count(), _id).to.equal(1);
      }
    });

    it('keep the order of ordered documents', () => {
      things.insert(
        new SON([
          ['_id', 1],
          ['2', 'b'],
          ['1', 'a'],
          [
            'in',
            new Map([
              ['9', 0],
              ['8', 0],
            ]),
          ],
        ]),
      );
      const found = things.find_one(1, { as_class: SON }) as unknown as SON;
      expect(found).to.be.instanceOf(SON);
      expect([...found.keys()]).to.deep.equal(['_id', '2', '1', 'in']);
      expect([...(found.get('in') as SON).keys()]).to.deep.equal(['9', '8']);
    });

    it('become objects of the class that the caller wants', () => {
      class Thing {
        declare a: number;
        get twice() {
          return this.a * 2;
        }
      }
      things.insert([{ a: 1, in: { a: 2 } }]);
      const found = things.find_one({}, { as_class: Thing }) as unknown as Thing & { in: Thing };
      expect(found).to.be.instanceOf(Thing).with.property('twice', 2);
      expect(found.in).to.be.instanceOf(Thing);
      client.document_class = Thing;
      expect([...things.find()][0]).to.be.instanceOf(Thing);
      client.document_class = Map;
      expect(things.find().next()).to.be.instanceOf(Map);
      expect(client.get_document_class()).to.equal(Map);
    });

    it('hold keys that a plain object treats in its own way', () => {
      const document = JSON.parse('{"_id":1,"__proto__":{"x":1},"constructor":2,"toString":3}');
      things.insert(document);
      const found = things.find_one(1) as Document;
      expect(Object.keys(found)).to.deep.equal(['_id', '__proto__', 'constructor', 'toString']);
      expect(found.x).to.equal(undefined);
    });

    it('may be functions where their text counts', () => {
      const cursor = things.find().where(function (this: { a: number }) {
        return this.a === 1;
      });
      expect(cursor.constructor.name).to.equal('Cursor');
      // With JavaScript on the server it is no error.
      const outcome = (() => {
        try {
          return cursor.to_list(null);
        } catch (error) {
          return error;
        }
      })();
      if (outcome instanceof Error) expect(outcome).to.be.instanceOf(OperationFailure);
      else expect(outcome).to.deep.equal([]);
      expect(thrown(() => things.find().where(5 as never))).to.be.instanceOf(TypeError);
    });
  });

  describe('cursors', () => {
    beforeEach(() => {
      things.insert(Array.from({ length: 250 }, (_, i) => ({ _id: i })));
    });

    it('are iterables', () => {
      const ids = [];
      for (const document of things.find().sort('_id', -1)) ids.push(document._id);
      expect(ids).to.have.length(250).and.to.include.members([0, 249]);
      expect(ids[0]).to.equal(249);
      expect([...things.find({ _id: { $gt: 300 } })]).to.deep.equal([]);
    });

    it('give one document after the other, and InvalidOperation at the end', () => {
      const cursor = things.find().sort('_id').skip(247).batch_size(2);
      expect(cursor.alive).to.equal(true);
      expect(cursor.started).to.equal(false);
      expect([cursor.next(), cursor.next(), cursor.next()]).to.deep.equal([{ _id: 247 }, { _id: 248 }, { _id: 249 }]);
      expect(thrown(() => cursor.next())).to.be.instanceOf(InvalidOperation);
      expect(cursor.alive).to.equal(false);
      expect(cursor.cursor_id).to.equal(0n);
      expect(thrown(() => cursor.sort('_id'))).to.be.instanceOf(InvalidOperation);
      expect(cursor.rewind()).to.equal(cursor);
      expect(cursor.next()).to.deep.equal({ _id: 247 });
      expect(cursor.clone().next()).to.deep.equal({ _id: 247 });
    });

    it('give lists, also of what next() has left', () => {
      const cursor = things.find().sort('_id').limit(6).batch_size(4);
      expect(cursor.next()).to.deep.equal({ _id: 0 });
      expect(cursor.to_list(2)).to.deep.equal([{ _id: 1 }, { _id: 2 }]);
      expect(cursor.to_list(0)).to.deep.equal([]);
      expect(cursor.to_list({ length: 2 } as never)).to.deep.equal([{ _id: 3 }, { _id: 4 }]);
      expect(cursor.to_list(null)).to.deep.equal([{ _id: 5 }]);
      expect(cursor.to_list(null)).to.deep.equal([]);
      const other = things.find().sort('_id').limit(6).batch_size(4);
      other.next();
      expect(thrown(() => other.to_list(-1))).to.be.instanceOf(RangeError);
      expect(thrown(() => (other.to_list as () => void)())).to.be.instanceOf(TypeError);
      expect(other.to_list(null)).to.have.length(5);
    });

    it('chain, count, and give one document by its place', () => {
      const cursor = things.find({ _id: { $lt: 10 } });
      expect(cursor.sort([['_id', -1]]).limit(3)).to.equal(cursor);
      expect(cursor.count()).to.equal(10);
      expect(cursor.count(true)).to.equal(3);
      expect(cursor.distinct('_id')).to.have.length(10);
      expect([...(things.find().sort('_id')[7] ?? [])]).to.deep.equal([{ _id: 7 }]);
      expect(thrown(() => cursor.at(-1))).to.be.instanceOf(RangeError);
      expect((cursor as unknown as Document).nonsense).to.equal(undefined);
    });

    it('are closed on the server when a loop is left', () => {
      const cursor = things.find().batch_size(2);
      for (const document of cursor) {
        expect(document).to.have.property('_id');
        break;
      }
      expect(cursor.closed).to.equal(true);
      const closed = things.find();
      expect(closed.close()).to.equal(null);
      expect(thrown(() => closed.next())).to.be.instanceOf(InvalidOperation);
    });

    it('come from commands too', () => {
      const cursor = things.aggregate([{ $match: { _id: { $lt: 3 } } }, { $sort: { _id: 1 } }], { cursor: {} });
      expect(cursor.constructor.name).to.equal('CommandCursor');
      expect(cursor.next()).to.deep.equal({ _id: 0 });
      expect([...cursor]).to.deep.equal([{ _id: 1 }, { _id: 2 }]);
      expect(things.aggregate([{ $match: { _id: 1 } }])).to.deep.equal({ result: [{ _id: 1 }], ok: 1 });
    });

    it('do not pile up while the event loop stands still', () => {
      const first = things.find({ _id: 1 });
      first.to_list(null);
      const open = things.find().batch_size(2);
      open.next();
      for (let i = 0; i < 1100; i += 1) things.find({ _id: 1 }).to_list(null);
      expect(thrown(() => first.count()))
        .to.be.instanceOf(InvalidOperation)
        .with.property('message')
        .match(/forgotten/);
      expect(open.to_list(null)).to.have.length(249);
    });
  });
});

describe('a blocking client at its end', () => {
  const unused = async () => {
    const silent = await listen();
    silent.close();
    return silent.port;
  };

  it('says so when it is used after close()', () => {
    const client = newClient().sync_client();
    const things = client.get_database(DATABASE).get_collection('things');
    const cursor = things.find();
    expect(client.close()).to.equal(undefined);
    client.close();
    client.disconnect();
    for (const use of [() => things.count(), () => cursor.next(), () => client.host, () => client.alive()]) {
      const error = thrown(use);
      expect(error).to.be.instanceOf(InvalidOperation);
      expect(error.message).to.include('closed');
    }
    expect(things.full_name).to.equal(`${DATABASE}.things`);
  });

  it('fails to be made where nobody answers, and leaves no thread', async () => {
    const before = threads().length;
    const client = newClient(`127.0.0.1:${await unused()}`);
    expect(thrown(() => client.sync_client())).to.be.instanceOf(ConnectionFailure);
    const silent = await listen();
    const started = performance.now();
    const slow = newClient(`127.0.0.1:${silent.port}`, { connectTimeoutMS: 200 });
    expect(thrown(() => slow.sync_client())).to.be.instanceOf(ConnectionFailure);
    expect(performance.now() - started).to.be.within(200, 3000);
    silent.close();
    await eventually(() => threads().length <= before, 'no thread is left');
  });

  it('does not keep the process alive, closed or forgotten', async () => {
    const code = `
      const { MotorClient } = require(process.argv[1]);
      const client = new MotorClient(process.argv[2]).sync_client();
      client.motor_spec.things.find_one();
      if (process.argv[3] === 'close') client.close();
      console.log('done');`;
    for (const end of ['close', 'forget']) {
      const { stdout, stderr } = await script(code, [LIBRARY, server().uri, end]);
      expect([stdout, stderr]).to.deep.equal(['done\n', '']);
    }
  });

  it('works for modules, with loaders and source maps of the main thread', async () => {
    const code = `
      import library from ${JSON.stringify(LIBRARY)};
      const client = new library.MotorClient(${JSON.stringify(server().uri)}).open_sync();
      console.log(client.sync_client().server_info().ok);`;
    const { stdout } = await script(code, [], ['--input-type=module', '--enable-source-maps']);
    expect(stdout).to.equal('1\n');
  });

  it('throws AutoReconnect when the server goes away during a call, and connects anew', async () => {
    const proxy = await newProxy();
    proxy.on('find', closeFirst());
    const { stdout } = await script(
      `const { MotorClient, AutoReconnect } = require(process.argv[1]);
       const things = new MotorClient(process.argv[2]).sync_client().motor_spec.get_collection('no such');
       try { things.find_one(); } catch (error) { console.log(error instanceof AutoReconnect, error.message); }
       console.log(things.find_one());`,
      [LIBRARY, proxy.uri],
    );
    expect(stdout).to.match(/^true .*find on motor_spec\.no such.*\nnull\n$/);
  });

  it('wakes the caller when the worker ends by itself', async () => {
    const dying = (how: string) => `
      const threads = require('node:worker_threads');
      let worker;
      threads.Worker = class extends threads.Worker {
        constructor(entry, options) {
          super('require(' + JSON.stringify(entry) + ');' + ${JSON.stringify(how)}, { ...options, eval: true });
          worker = this;
        }
      };
      const { MotorClient } = require(process.argv[1]);
      (async () => {
        const client = new MotorClient(process.argv[2]).sync_client();
        if (${how === ''}) await worker.terminate();
        try { for (;;) client.server_info(); } catch (error) { console.log(error.name, error.message); }
      })();`;
    for (const how of [
      'setTimeout(() => process.exit(1), 500)',
      'setTimeout(() => { throw new Error("oh"); }, 500)',
      '',
    ]) {
      const { stdout } = await script(dying(how), [LIBRARY, server().uri]);
      expect(stdout, how).to.match(/^(ConnectionFailure the worker thread .* has ended|Error oh)\n$/);
    }
  });
});

describe('the members of a dual class', () => {
  class Sample extends Bound {
    get_it(_count = 0): Promise<number> {
      return Promise.resolve(1);
    }
    make(): number {
      return 1;
    }
    get size(): number {
      return 1;
    }
    get color(): string {
      return '';
    }
    set color(_color: string) {}
    _hidden(): void {}
  }
  const Dual = dual(Sample, { get_it: only(1) });

  it('are told with their kinds', () => {
    expect([...membersOf(Dual as never)].map(([name, { kind }]) => [name, kind])).to.deep.equal([
      ['get_it', 'asynchronous'],
      ['make', 'synchronous'],
      ['size', 'readable'],
      ['color', 'writable'],
    ]);
  });
});

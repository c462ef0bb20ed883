import { inspect } from 'node:util';
import { Long, ObjectId } from 'bson';
import { expect } from 'chai';
import {
  AutoReconnect,
  ConfigurationError,
  ConnectionFailure,
  CursorNotFound,
  DuplicateKeyError,
  InvalidURI,
  MotorClient,
  type MotorCollection,
  MotorDatabase,
  MotorPoolTimeout,
  OperationFailure,
  SON,
} from '../../lib/index';
import { countsOf, DATABASE, eachForm, freshCollection, newClient, newProxy, uniqueName } from '../support/clients';
import { answer, delayReply } from '../support/faults';
import { server } from '../support/hooks';
import { runRaw } from '../support/rawClient';
import { rejection } from '../support/rejection';
import { warningsOf } from '../support/warnings';

/** Nobody listens there. */
const NOBODY = 'mongodb://127.0.0.1:1';

const collectionOf = (client: MotorClient, name = uniqueName()) => client.get_database(DATABASE).get_collection(name);
const numbers = (count: number) => Array.from({ length: count }, (_, _id) => ({ _id }));

async function openCursor(things: MotorCollection) {
  await things.insert(numbers(300));
  const cursor = things.find().batch_size(10);
  await cursor.fetch_next;
  return cursor;
}

/** How often the server says no when the cursor goes on. */
async function isKnown(things: MotorCollection, id: bigint): Promise<boolean> {
  const getMore = { getMore: Long.fromBigInt(id), collection: things.name, batchSize: 1 };
  return runRaw(server(), DATABASE, getMore).then(
    () => true,
    () => false,
  );
}

eachForm((call) => {
  describe('MotorClient.open', () => {
    it('gives the client itself, however often', async () => {
      const client = newClient();
      expect(client.connected).to.equal(false);
      expect(await call(client, 'open')).to.equal(client);
      expect(await call(client, 'open')).to.equal(client);
      expect(client.connected).to.equal(true);
      expect(countsOf(client).open).to.equal(1);
    });

    it('fails with ConnectionFailure where nobody listens, on a port or a Unix socket', async () => {
      for (const uri of [NOBODY, 'mongodb://%2Ftmp%2Fnobody%2Fmongodb.sock', 'mongodb://no-such-host.invalid']) {
        const error = await rejection(call(newClient(uri), 'open'));
        expect(error, uri).to.be.instanceOf(ConnectionFailure);
        expect(error.message).to.match(/127\.0\.0\.1:1|mongodb\.sock|no-such-host\.invalid/);
      }
    });

    it('works over the Unix socket of the server', async function () {
      const { socketPath: path } = server();
      if (path === null) return this.skip();
      const client = newClient(`mongodb://${encodeURIComponent(path)}`);
      await call(client, 'open');
      expect(client).to.include({ host: path, port: null });
      expect(String(client)).to.equal(`MotorClient(MongoClient('${path}'))`);
    });

    it('shares one attempt among operations that begin at once', async () => {
      const things = collectionOf(newClient());
      await Promise.all([call(things, 'insert', { _id: 1 }), call(things, 'insert', { _id: 2 })]);
      expect(await things.count()).to.equal(2);
      await things.drop();
    });
  });

  describe('MotorClient.alive', () => {
    it('is false before the first connection, without making one, and after disconnect', async () => {
      const client = newClient();
      expect(await call(client, 'alive')).to.equal(false);
      expect(countsOf(client).open).to.equal(0);
      await client.open();
      expect(await call(client, 'alive')).to.equal(true);
      client.disconnect();
      expect(await call(client, 'alive')).to.equal(false);
      expect(client.connected).to.equal(true);
    });

    it('is false, and no error, when the server is gone', async () => {
      const proxy = await newProxy();
      const client = newClient(proxy);
      await client.open();
      proxy.refuse();
      proxy.drop();
      expect(await call(client, 'alive')).to.equal(false);
    });
  });

  describe('MotorClient.server_info', () => {
    it('gives the reply of buildInfo', async () => {
      const info = await call(newClient(), 'server_info');
      expect(info).to.include({ ok: 1 }).and.have.property('version').that.is.a('string');
    });
  });

  describe('MotorClient.database_names and drop_database', () => {
    it('drop by name or by database, and find nothing missing', async () => {
      const client = newClient();
      for (const by of ['name', 'database']) {
        const name = uniqueName();
        const database = client.get_database(name);
        await database.get_collection('c').insert({ a: 1 });
        expect(await call(client, 'database_names')).to.include(name);
        expect(await call(client, 'drop_database', by === 'name' ? name : database)).to.equal(null);
        expect(await call(client, 'database_names')).not.to.include(name);
        expect(await call(client, 'drop_database', name)).to.equal(null);
      }
    });

    it('forget the indexes of the database', async () => {
      const client = newClient();
      const things = client.get_database(uniqueName()).get_collection('c');
      await things.create_index('a');
      expect(await things.ensure_index('a')).to.equal(null);
      await call(client, 'drop_database', things.database);
      expect(await things.ensure_index('a')).to.equal('a_1');
      await client.drop_database(things.database);
    });

    it('refuse what is neither a name nor a database', async () => {
      const client = newClient(NOBODY);
      for (const wrong of [5, null, undefined, Number.NaN, [], true, client, collectionOf(client)]) {
        const error = await rejection(call(client, 'drop_database', wrong));
        expect(error)
          .to.be.instanceOf(TypeError)
          .with.property('message')
          .that.includes('drop_database: expected a name');
      }
      expect(client.connected).to.equal(false);
    });
  });

  describe('MotorClient.close_cursor and kill_cursors', () => {
    const things = freshCollection();

    it('end a cursor that this client opened', async () => {
      for (const [method, argument] of [
        ['close_cursor', (id: bigint) => id],
        ['close_cursor', (id: bigint) => Long.fromBigInt(id)],
        ['kill_cursors', (id: bigint) => [id, 0, 12345n]],
      ] as const) {
        const cursor = await openCursor(things());
        const id = cursor.cursor_id as bigint;
        expect(await isKnown(things(), id)).to.equal(true);
        expect(await call(things().database.connection, method, argument(id))).to.equal(null);
        expect(await isKnown(things(), id)).to.equal(false);
        const error = await rejection(cursor.to_list(null));
        expect(error).to.be.instanceOf(CursorNotFound);
        await things().remove();
      }
    });

    it('name its namespace, and admin for one that another client opened', async () => {
      const proxy = await newProxy();
      const killed: unknown[] = [];
      const note = answer(({ db, document }) => {
        killed.push([db, document.killCursors]);
        return { ok: 1 };
      });
      proxy.on('killCursors', note, 2);
      const mine = await openCursor(collectionOf(newClient(proxy), things().name));
      await call(mine.collection.database.connection, 'kill_cursors', [mine.cursor_id, 77n]);
      expect(killed).to.have.deep.members([
        [DATABASE, things().name],
        ['admin', '$cmd.aggregate'],
      ]);
      await mine.close();
    });

    it('end a cursor that another client opened', async () => {
      const cursor = await openCursor(things());
      const id = cursor.cursor_id as bigint;
      expect(await call(newClient(), 'close_cursor', id)).to.equal(null);
      expect(await isKnown(things(), id)).to.equal(false);
    });

    it('do nothing for a number that no cursor has, for 0, and for none at all', async () => {
      const client = newClient();
      expect(await call(client, 'close_cursor', 0)).to.equal(null);
      expect(await call(client, 'kill_cursors', [])).to.equal(null);
      expect(await call(client, 'kill_cursors', [0n, Long.ZERO])).to.equal(null);
      expect(client.connected).to.equal(false);
      expect(await call(client, 'close_cursor', 987654321987654321n)).to.equal(null);
    });

    it('refuse anything else', async () => {
      const client = newClient(NOBODY);
      for (const wrong of ['5', null, undefined, Number.NaN, 1.5, 2 ** 60, 2n ** 64n, {}, [], true, new ObjectId()]) {
        expect(await rejection(call(client, 'close_cursor', wrong)), String(wrong)).to.be.instanceOf(TypeError);
        expect(await rejection(call(client, 'kill_cursors', [wrong])), String(wrong)).to.be.instanceOf(TypeError);
      }
      for (const wrong of [5, 5n, null, undefined, 'abc', new Set([1])]) {
        const error = await rejection(call(client, 'kill_cursors', wrong));
        expect(error).to.be.instanceOf(TypeError).with.property('message').that.includes('must be an array');
      }
    });
  });

  describe('MotorClient.fsync and unlock', () => {
    it('lock and unlock', async () => {
      const client = newClient();
      try {
        expect(await call(client, 'fsync', { lock: true })).to.equal(null);
        expect((await client.get_database('admin').current_op()).fsyncLock).to.equal(true);
      } finally {
        expect(await call(client, 'unlock')).to.equal(null);
      }
      expect((await client.get_database('test').current_op()).fsyncLock).not.to.equal(true);
      expect(await call(client, 'unlock'), 'not locked').to.equal(null);
    });

    it('send no async, which current servers refuse', async () => {
      const client = newClient();
      expect(await call(client, 'fsync')).to.equal(null);
      expect(await call(client, 'fsync', { async: true })).to.equal(null);
    });

    it('refuse lock together with async, and what is no boolean', async () => {
      const client = newClient(NOBODY);
      const both = await rejection(call(client, 'fsync', { lock: true, async: true }));
      expect(both).to.be.instanceOf(OperationFailure);
      for (const wrong of [1, 'true', null, {}]) {
        expect(await rejection(call(client, 'fsync', { lock: wrong }))).to.be.instanceOf(TypeError);
        expect(await rejection(call(client, 'fsync', { async: wrong }))).to.be.instanceOf(TypeError);
      }
    });

    it('leave other keywords to the server, and its refusal to the caller', async () => {
      const error = await rejection(call(newClient(), 'fsync', { nonsense: 1 }));
      expect(error).to.be.instanceOf(OperationFailure).with.property('message').that.includes('fsync on admin');
    });

    it('pass on what else unlock fails with', async () => {
      const proxy = await newProxy();
      proxy.on('fsyncUnlock', answer({ ok: 0, code: 13, errmsg: 'not authorized' }));
      expect(await rejection(call(newClient(proxy), 'unlock')))
        .to.be.instanceOf(OperationFailure)
        .with.property('code', 13);
    });
  });
});

describe('A MotorClient', () => {
  it('does no I/O when it is made, and is made in every form of its arguments', async () => {
    const { host, port } = server() as unknown as { host: string; port: number };
    for (const client of [
      new MotorClient(`mongodb://${host}:${port}/${DATABASE}`),
      new MotorClient(host, port),
      new MotorClient(`${host}:${port}`, null, {}),
      new MotorClient([`${host}:${port}`]),
      new MotorClient({ host, port }),
      new MotorClient(host, port, { max_pool_size: 3 }),
    ] as MotorClient[]) {
      expect(countsOf(client).open).to.equal(0);
      expect(client.connected).to.equal(false);
      expect(await client.alive()).to.equal(false);
      await client.open();
      expect(client).to.include({ host, port, is_primary: true, is_mongos: false });
      expect(client.nodes).to.deep.equal([[host, port]]);
      client.close();
    }
  });

  it('knows nothing of the server before it connects', () => {
    const client = newClient();
    expect(client).to.include({ host: null, port: null, is_primary: false, is_mongos: false, tz_aware: false });
    expect(client).to.include({ max_pool_size: 100, document_class: Object });
    expect(client.nodes).to.deep.equal([]);
  });

  it("has the server's limits once it is connected", async () => {
    const client = newClient();
    await client.open();
    const hello = await runRaw(server(), 'admin', { hello: 1 });
    expect(client).to.include({
      max_bson_size: hello.maxBsonObjectSize,
      max_message_size: hello.maxMessageSizeBytes,
      min_wire_version: hello.minWireVersion,
      max_wire_version: hello.maxWireVersion,
    });
  });

  it('refuses options that are wrong', () => {
    for (const max_pool_size of [-1, 'foo' as unknown as number, 1.5, Number.NaN]) {
      expect(() => new MotorClient('localhost', null, { max_pool_size })).to.throw(ConfigurationError, 'max_pool_size');
    }
    for (const max_pool_size of [null, 0]) {
      expect((new MotorClient('localhost', null, { max_pool_size }) as MotorClient).max_pool_size).to.equal(null);
    }
    expect(() => new MotorClient('localhost', null, { io_loop: 'foo' as never })).to.throw(TypeError, 'io_loop');
    expect(() => new MotorClient('localhost', null, { no_such_option: 1 })).to.throw(TypeError, 'no_such_option');
    expect(() => new MotorClient('mongodb://localhost/?noSuchOption=1')).to.throw(ConfigurationError, 'noSuchOption');
    expect(() => new MotorClient('http://localhost')).to.throw(InvalidURI);
    expect(() => new MotorClient([])).to.throw(ConfigurationError);
    expect(() => new MotorClient('localhost', '27017' as unknown as number)).to.throw(TypeError, 'port');
    for (const port of [0, -1, 65536, 1e10, Number.NaN, 1.5]) {
      expect(() => new MotorClient('localhost', port), String(port)).to.throw(Error, 'port');
    }
    for (const keyword of ['safe', 'slave_okay', 'slaveok', 'auto_start_request']) {
      for (const value of [true, false]) {
        expect(() => new MotorClient('localhost', null, { [keyword]: value })).to.throw(ConfigurationError, keyword);
      }
    }
  });

  it('names no password, in whatever form it is printed', () => {
    const client = new MotorClient('mongodb://ada:secret@localhost:27017/admin') as MotorClient;
    expect(String(client)).to.equal("MotorClient(MongoClient('localhost', 27017))");
    for (const shown of [
      inspect(client),
      inspect(client, { showHidden: true, depth: 9 }),
      JSON.stringify(client),
      `${client}`,
    ]) {
      expect(shown).not.to.include('secret');
    }
    expect(inspect(client.get_database('d'))).to.equal("MotorDatabase(Database(MongoClient('localhost', 27017), 'd'))");
    expect(inspect(client.get_database('d').get_collection('c'))).to.equal(
      "MotorCollection(Collection(Database(MongoClient('localhost', 27017), 'd'), 'c'))",
    );
    const several = new MotorClient('mongodb://a:1,b:2/?replicaSet=r') as MotorClient;
    expect(String(several)).to.equal("MotorClient(MongoClient(['a:1', 'b:2']))");
  });

  it('gives databases by property, by name, and the default one', () => {
    const client = new MotorClient('mongodb://localhost/shop.orders') as MotorClient;
    for (const database of [client.shop, client.get_database('shop'), client.get_default_database()]) {
      expect(database).to.be.instanceOf(MotorDatabase).with.property('name', 'shop');
      expect(database?.connection).to.equal(client);
    }
    expect(client.shop).not.to.equal(client.shop);
    expect(client.name).to.be.instanceOf(MotorDatabase);
    expect(client.get_database('open').name).to.equal('open');
    expect(() => newClient(NOBODY).get_default_database()).to.throw(ConfigurationError, 'mongodb://host/database');
    const withSource = new MotorClient('mongodb://localhost/shop?authSource=admin') as MotorClient;
    expect(withSource.get_default_database().name).to.equal('shop');
  });

  it('is equal to a client of the same address', () => {
    const [one, same, other] = ['a:1', 'a:1', 'a:2'].map((at) => new MotorClient(`mongodb://${at}`) as MotorClient);
    expect(one?.equals(same)).to.equal(true);
    expect(one?.equals(other)).to.equal(false);
    for (const value of [null, undefined, 5, 'a:1', {}]) expect(one?.equals(value)).to.equal(false);
    expect(one?.get_database('d').equals(same?.get_database('d'))).to.equal(true);
    expect(one?.get_database('d').equals(same?.get_database('e'))).to.equal(false);
    expect(one?.get_database('d').equals(one)).to.equal(false);
    const collection = one?.get_database('d').get_collection('c');
    expect(collection?.equals(same?.get_database('d').get_collection('c'))).to.equal(true);
    expect(collection?.equals(other?.get_database('d').get_collection('c'))).to.equal(false);
  });

  it('can be given through a Promise, is not iterable, and not callable', async () => {
    const client = newClient();
    expect(await Promise.resolve(client)).to.equal(client);
    expect(() => [...(client as unknown as Iterable<unknown>)]).to.throw(TypeError);
    expect(() => (client as unknown as () => void)()).to.throw(TypeError);
    expect(() => (client.shop as unknown as () => void)()).to.throw(TypeError);
    expect(() => (client.get_database('d').c as unknown as () => void)()).to.throw(TypeError);
  });

  it('has an event loop, the given or the current one', () => {
    const loop = { add_callback: () => undefined, time: () => 0 };
    const client = new MotorClient('localhost', null, { io_loop: loop }) as MotorClient;
    expect(client.get_io_loop()).to.equal(loop);
    expect(client.d?.get_io_loop()).to.equal(loop);
    expect(client.d?.c?.get_io_loop()).to.equal(loop);
    expect(client.d?.c?.find().get_io_loop()).to.equal(loop);
    expect(newClient().get_io_loop()).to.respondTo('add_callback').and.respondTo('time');
  });

  it('opens itself again after close, which can be repeated', async () => {
    const client = newClient();
    await client.open();
    client.close();
    client.close();
    client.disconnect();
    expect(countsOf(client).open).to.equal(0);
    expect((await client.server_info()).ok).to.equal(1);
  });

  it('fails what is under way with AutoReconnect when it is closed', async () => {
    const proxy = await newProxy();
    proxy.on('find', delayReply(200));
    const client = newClient(proxy);
    const things = collectionOf(client);
    const waiting = rejection(things.find_one());
    await client.server_info();
    client.close();
    expect(await waiting).to.be.instanceOf(AutoReconnect);
  });

  it('warns of w: 0 together with what asks for an acknowledgement', () => {
    expect(warningsOf(() => new MotorClient('localhost', null, { w: 0, wtimeout: 5 }))).to.have.length(1);
  });
});

describe('The document class of a client', () => {
  class Thing {
    name = '';
  }
  const things = freshCollection();

  it('is read and assigned in two ways', () => {
    const client = newClient();
    expect(client.get_document_class()).to.equal(Object);
    client.document_class = SON;
    expect(client.get_document_class()).to.equal(SON);
    expect(client.set_document_class(Thing)).to.equal(undefined);
    expect(client.document_class).to.equal(Thing);
    for (const wrong of [null, 'SON', 5, {}, undefined]) {
      expect(() => client.set_document_class(wrong as unknown as typeof Thing)).to.throw(TypeError, 'document_class');
      expect(() => {
        client.document_class = wrong as unknown as typeof Thing;
      }).to.throw(TypeError);
    }
  });

  it('is that of documents and of embedded ones, for queries made afterwards', async () => {
    const client = things().database.connection;
    await things().insert({ _id: 1, name: 'a', inner: { name: 'b' }, list: [{ name: 'c' }] });
    const before = things().find();
    client.document_class = Thing;
    const found = (await things().find_one()) as unknown as { inner: object; list: object[] };
    expect(found).to.be.instanceOf(Thing);
    expect(found.inner).to.be.instanceOf(Thing);
    expect(found.list[0]).to.be.instanceOf(Thing);
    expect((await before.to_list(1))[0]).not.to.be.instanceOf(Thing);
    expect((await things().find().clone().to_list(1))[0]).to.be.instanceOf(Thing);
    expect(await things().find_one({}, { as_class: Map })).to.be.instanceOf(Map);
    expect(await things().find_and_modify({}, { $set: { a: 1 } })).to.be.instanceOf(Thing);
    const { result } = await things().aggregate([]);
    expect(result[0]).to.be.instanceOf(Thing);
  });
});

describe('The pool of a client', () => {
  it('begins empty, has one connection after the first operation, and no more than max_pool_size under load', async () => {
    const client = newClient(undefined, { max_pool_size: 3 });
    expect(countsOf(client).open).to.equal(0);
    await client.server_info();
    expect(countsOf(client).open).to.equal(1);
    await Promise.all(Array.from({ length: 30 }, () => client.server_info()));
    expect(countsOf(client).open).to.be.within(2, 3);
  });

  it('lets a fast operation pass a slow one', async () => {
    const proxy = await newProxy();
    proxy.on('count', delayReply(150));
    const things = collectionOf(newClient(proxy));
    const order: string[] = [];
    await Promise.all([
      things.count().then(() => order.push('slow')),
      things.find_one().then(() => order.push('fast')),
    ]);
    expect(order).to.deep.equal(['fast', 'slow']);
  });

  it('fails who waits longer than waitQueueTimeoutMS, but not within it, nor where it is null', async () => {
    for (const [waitQueueTimeoutMS, fails] of [
      [50, true],
      [5000, false],
      [null, false],
    ] as const) {
      const proxy = await newProxy();
      proxy.on('count', delayReply(200));
      const things = collectionOf(newClient(proxy, { max_pool_size: 1, waitQueueTimeoutMS }));
      await things.find_one();
      const slow = things.count();
      const second = await things.find_one().catch((error: Error) => error);
      if (fails) expect(second).to.be.instanceOf(MotorPoolTimeout).and.instanceOf(ConnectionFailure);
      else expect(second).to.equal(null);
      await slow;
    }
  });

  it('needs one connection for nine unacknowledged inserts and an acknowledged one, and all arrive', async () => {
    const client = newClient();
    await client.open();
    const things = collectionOf(client);
    for (let _id = 0; _id < 9; _id++) await things.insert({ _id }, { w: 0 });
    await things.insert({ _id: 9 });
    expect(countsOf(client).open).to.equal(1);
    expect(await things.count()).to.equal(10);
    await things.drop();
  });

  it('fails only the operation of the client that has a socketTimeoutMS', async () => {
    const proxy = await newProxy();
    proxy.on('count', delayReply(300), 2);
    const [patient, hasty] = [newClient(proxy), newClient(proxy, { socketTimeoutMS: 80 })];
    const [one, other] = await Promise.allSettled([collectionOf(patient).count(), collectionOf(hasty).count()]);
    expect(one).to.deep.include({ status: 'fulfilled', value: 0 });
    expect((other as PromiseRejectedResult).reason).to.be.instanceOf(AutoReconnect);
  });

  it('loses nothing in 100 full scans during 100 inserts', async () => {
    const things = collectionOf(newClient());
    await things.insert(numbers(500));
    const scans = Array.from({ length: 100 }, () => things.find({ _id: { $lt: 500 } }).to_list(null));
    const inserts = Array.from({ length: 100 }, (_, i) => things.insert({ _id: 1000 + i }));
    for (const scan of await Promise.all(scans)) expect(scan).to.have.length(500);
    await Promise.all(inserts);
    expect(await things.count()).to.equal(600);
    await things.drop();
  });
});

describe('Operations whose Promise is dropped', () => {
  const things = freshCollection({ max_pool_size: 1 });

  it('still happen', async () => {
    void things().insert({ _id: 1 });
    void things().update({ _id: 1 }, { $set: { a: 1 } });
    expect(await things().find_one(1)).to.deep.equal({ _id: 1, a: 1 });
    expect(await rejection(things().insert({ _id: 1 }))).to.be.instanceOf(DuplicateKeyError);
  });
});

import { expect } from 'chai';
import {
  AsyncIOMotorClient,
  AsyncIOMotorClientEncryption,
  AsyncIOMotorCollection,
  AsyncIOMotorDatabase,
  AutoReconnect,
  ConfigurationError,
  ConnectionFailure,
  DriverInfo,
  InvalidName,
  InvalidOperation,
  Nearest,
  NetworkTimeout,
  pymongo,
  ReadPreference,
  Secondary,
  ServerSelectionTimeoutError,
  use,
  ValueError,
  WriteConcern,
} from '../../lib/asyncio/index';
import { ENGINE } from '../../lib/motor/settings';
import { countsOf, freshAsyncIOCollection, newAsyncIOClient, newProxy } from '../support/clients';
import { answer, closeFirst, hang, loseReply } from '../support/faults';
import { server } from '../support/hooks';
import { rejection } from '../support/rejection';

describe('AsyncIOMotorClient', () => {
  it('takes names, ports and connection strings, and does no I/O', () => {
    expect(String(new AsyncIOMotorClient())).to.equal("AsyncIOMotorClient(MongoClient(['localhost:27017']))");
    expect(String(new AsyncIOMotorClient('db1', 4711))).to.include('db1:4711');
    const set = new AsyncIOMotorClient('mongodb://host1,host2/?replicaSet=my-replicaset-name');
    expect(set.options).to.include({ replica_set_name: 'my-replicaset-name', direct_connection: false });
    expect(set.HOST).to.equal('localhost');
    expect(set.address).to.equal(null);
    expect(set.nodes).to.deep.equal([]);
  });

  it('prints with the names of the classes', () => {
    const client = new AsyncIOMotorClient();
    expect(String(client.get_database('d'))).to.match(/^AsyncIOMotorDatabase\(Database\(/);
    expect(String(client.get_database('d').get_collection('c'))).to.match(/^AsyncIOMotorCollection\(Collection\(/);
    expect(String(client.get_database('d').get_collection('c').find())).to.equal('AsyncIOMotorCursor(d.c)');
  });

  it('options that become codec options are read back from there', () => {
    const tzinfo = { name: 'UTC' };
    const client = new AsyncIOMotorClient('mongodb://h/?unicode_decode_error_handler=replace', { tzinfo });
    expect(client.codec_options.unicode_decode_error_handler).to.equal('replace');
    expect(client.codec_options.tzinfo).to.equal(tzinfo);
    expect(new AsyncIOMotorClient().codec_options).to.include({
      unicode_decode_error_handler: 'strict',
      tzinfo: null,
    });
    expect(() => new AsyncIOMotorClient({ unicode_decode_error_handler: 'drop' as 'strict' })).to.throw(ValueError);
  });

  it('there is no encryption: whoever asks for it is told at once', () => {
    expect(() => new AsyncIOMotorClientEncryption({}, 'keys.vault')).to.throw(ConfigurationError, 'libmongocrypt');
    expect(() => new AsyncIOMotorClient({ auto_encryption_opts: {} as never })).to.throw(ConfigurationError);
    expect(new AsyncIOMotorClient({ auto_encryption_opts: null }).HOST).to.equal('localhost');
  });

  it('there is no type registry yet', () => {
    expect(() => new AsyncIOMotorClient({ type_registry: {} as never })).to.throw(ConfigurationError, 'type_registry');
    expect(new AsyncIOMotorClient({ type_registry: null }).codec_options.type_registry).to.equal(null);
  });

  it('use and Symbol.asyncDispose close it', async () => {
    const used = newAsyncIOClient();
    expect(await use(used, (client) => client.get_database('admin').command('ping'))).to.include({ ok: 1 });
    const disposed = newAsyncIOClient();
    await disposed.server_info();
    await disposed[Symbol.asyncDispose]();
    for (const client of [used, disposed]) {
      expect(await rejection(client.server_info())).to.be.instanceOf(InvalidOperation);
      expect(countsOf(client).open).to.equal(0);
    }
  });

  it('options of mongodb+srv strings are refused elsewhere', () => {
    for (const kw of [{ srvServiceName: 'service' }, { srvMaxHosts: 2 }]) {
      expect(() => new AsyncIOMotorClient(kw)).to.throw(ConfigurationError, 'mongodb+srv');
    }
    expect(() => new AsyncIOMotorClient('mongodb://h/?srvMaxHosts=1')).to.throw(ConfigurationError);
    expect(() => new AsyncIOMotorClient({ srvMaxHosts: -1 })).to.throw(ValueError);
  });

  it('names are children, but for those with an underscore and those that cannot be', () => {
    const client = new AsyncIOMotorClient();
    expect(client.test_database).to.be.instanceOf(AsyncIOMotorDatabase);
    expect(client.test_database?.a?.b?.full_name).to.equal('test_database.a.b');
    expect(client._hidden).to.equal(undefined);
    expect(client.get_database('_hidden').name).to.equal('_hidden');
    expect(() => client['a b']).to.throw(InvalidName);
    expect((client as unknown as { then?: unknown }).then).to.equal(undefined);
  });

  it('option errors are ValueErrors and TypeErrors; the keyword wins over the string', () => {
    for (const maxPoolSize of [-1, 'foo' as unknown as number]) {
      expect(() => new AsyncIOMotorClient({ maxPoolSize })).to.throw(ValueError);
    }
    expect(() => new AsyncIOMotorClient({ maxPoolSize: 1, minPoolSize: 2 })).to.throw(ValueError);
    expect(() => new AsyncIOMotorClient({ nonsense: 1 })).to.throw(TypeError, "'nonsense'");
    expect(() => new AsyncIOMotorClient(['a', 'b'], { directConnection: true })).to.throw(ConfigurationError);
    const client = new AsyncIOMotorClient('mongodb://localhost/?maxPoolSize=5', { maxPoolSize: 7 });
    expect(client.options.pool_options.max_pool_size).to.equal(7);
    expect(new AsyncIOMotorClient({ maxPoolSize: 0 }).options.pool_options.max_pool_size).to.equal(null);
  });

  it('settings are inherited, changed by with_options, and read-only', () => {
    const client = new AsyncIOMotorClient('mongodb://localhost/', {
      w: 2,
      readPreference: 'secondary',
      readPreferenceTags: 'dc:ny',
      localThresholdMS: 77,
      readConcernLevel: 'majority',
    });
    expect(client.options.local_threshold_ms).to.equal(77);
    const database = client.get_database('d', { write_concern: { w: 3 } });
    const collection = database.get_collection('c', { read_concern: 'local' });
    const sub = collection.with_options({ read_preference: ReadPreference.NEAREST }).get_collection('sub');
    expect(sub.full_name).to.equal('d.c.sub');
    expect(sub.write_concern.equals(new WriteConcern(3))).to.equal(true);
    expect(sub.read_concern.level).to.equal('local');
    expect(sub.read_preference).to.be.instanceOf(Nearest);
    expect(database.read_preference.equals(new Secondary([{ dc: 'ny' }]))).to.equal(true);
    expect(collection.with_options().equals(collection)).to.equal(true);
    expect(() => Reflect.set(collection, 'write_concern', { w: 0 }, collection)).to.throw(TypeError);
    expect(() => client.get_database('d', { write_concern: 5 as unknown as WriteConcern })).to.throw(
      TypeError,
      'write_concern',
    );
    expect(() => new AsyncIOMotorCollection(database, 'x', { capped: true } as object)).to.throw(TypeError, 'capped');
    expect(() => new AsyncIOMotorDatabase({} as AsyncIOMotorClient, 'd')).to.throw(TypeError);
  });

  it('subclasses are used for what they make', () => {
    class Pages extends AsyncIOMotorCollection {}
    class Shop extends AsyncIOMotorDatabase {}
    Object.defineProperty(Shop.prototype, 'get_collection', {
      value(this: AsyncIOMotorDatabase, name: string) {
        return new Pages(this, name);
      },
    });
    const shop = new Shop(new AsyncIOMotorClient(), 'shop');
    expect(shop.pages).to.be.instanceOf(Pages);
    expect(shop.pages?.sub).to.be.instanceOf(Pages);
    expect(shop.pages?.with_options({ write_concern: { w: 2 } })).to.be.instanceOf(Pages);
    expect(shop.with_options()).to.be.instanceOf(Shop);
  });

  it('default database', () => {
    const named = new AsyncIOMotorClient('mongodb://localhost/shop');
    expect(named.get_database().name).to.equal('shop');
    expect(named.get_default_database('other').name).to.equal('shop');
    expect(new AsyncIOMotorClient().get_default_database('other').name).to.equal('other');
    expect(() => new AsyncIOMotorClient().get_database()).to.throw(ConfigurationError);
  });

  it('clients are equal when their servers and options are', () => {
    expect(new AsyncIOMotorClient().equals(new AsyncIOMotorClient('localhost:27017'))).to.equal(true);
    expect(new AsyncIOMotorClient().equals(new AsyncIOMotorClient('localhost:27018'))).to.equal(false);
    expect(new AsyncIOMotorClient().equals(new AsyncIOMotorClient({ maxPoolSize: 5 }))).to.equal(false);
  });

  it('knows its server once it has answered', async () => {
    const client = newAsyncIOClient();
    expect([client.is_primary, client.is_mongos]).to.deep.equal([false, false]);
    expect(await client.server_info()).to.have.property('version');
    expect(client.is_primary).to.equal(true);
    expect(client.primary).to.equal(null);
    expect(client.nodes).to.deep.equal([client.address]);
  });

  it('two operations at once on a fresh client both arrive', async () => {
    const client = newAsyncIOClient();
    const replies = await Promise.all([client.server_info(), client.get_database('admin').command('ping')]);
    expect(replies[1]).to.include({ ok: 1 });
  });

  it('drop_database takes the object or its name', async () => {
    const client = newAsyncIOClient();
    const database = client.get_database('motor_spec_dropped');
    for (const given of [database, database.name]) {
      await database.get_collection('c').insert_one({});
      expect(await client.drop_database(given)).to.equal(null);
      expect(await client.list_database_names()).not.to.include(database.name);
    }
    expect(await rejection(client.drop_database(5 as unknown as string))).to.be.instanceOf(TypeError);
  });

  it('names itself in the handshake, and the driver on top of it behind a bar', async () => {
    const proxy = await newProxy();
    let seen: unknown;
    const spy = answer((command) => {
      seen = command.document.client;
      return { ok: 0, errmsg: 'no' };
    });
    proxy.on('hello', spy);
    const client = newAsyncIOClient(proxy, {
      driver: new DriverInfo('top', '1.0', 'here'),
      serverSelectionTimeoutMS: 0,
    });
    await rejection(client.server_info());
    expect((seen as { driver: { name: string } }).driver.name).to.equal('motor-mongo|top');
  });

  describe('waiting for a server', () => {
    for (const [what, uri, limit] of [
      ['a closed port', 'mongodb://127.0.0.1:1', 100],
      ['a missing socket', '/tmp/there-is-no-such.sock', 100],
      // A resolver takes its time.
      ['a name that cannot be resolved', 'mongodb://no-such-host.invalid', 2000],
    ] as const) {
      it(`${what}: ServerSelectionTimeoutError within serverSelectionTimeoutMS`, async () => {
        const client = newAsyncIOClient(uri, { serverSelectionTimeoutMS: limit });
        const began = performance.now();
        const error = await rejection(client.server_info());
        expect(performance.now() - began).to.be.below(limit + 900);
        expect(error).to.be.instanceOf(ServerSelectionTimeoutError).and.instanceOf(ConnectionFailure);
        expect(error.message).to.match(new RegExp(`${limit} ms.*cannot connect.*topology Unknown: .* Unknown`));
        expect((error as ServerSelectionTimeoutError).timeout).to.equal(true);
      });
    }

    it('an operation goes on when the server comes in time', async () => {
      const proxy = await newProxy();
      proxy.refuse();
      const client = newAsyncIOClient(proxy, { serverSelectionTimeoutMS: 10_000 });
      const pings = [client.server_info(), client.server_info()];
      setTimeout(() => void proxy.accept(), 150);
      expect(await Promise.all(pings)).to.have.length(2);
    });

    it('a member of another set is left out, until the time is up', async () => {
      const client = newAsyncIOClient(server(), { replicaSet: 'rs0', serverSelectionTimeoutMS: 50 });
      const error = await rejection(client.server_info());
      expect(error).to.be.instanceOf(ServerSelectionTimeoutError);
      expect(error.message).to.include("not of 'rs0'");
    });

    it('closing the client ends the waiting', async () => {
      const client = newAsyncIOClient('mongodb://127.0.0.1:1');
      const waiting = rejection(client.server_info());
      client.close();
      expect(await waiting).to.be.instanceOf(AutoReconnect);
    });
  });

  it('stays closed', async () => {
    const client = newAsyncIOClient();
    await client.server_info();
    client.close();
    client.close();
    const error = await rejection(client.server_info());
    expect(error).to.be.instanceOf(InvalidOperation);
    expect(error.message).to.include('after close');
    expect(countsOf(client).open).to.equal(0);
  });

  describe('retries', () => {
    const things = freshAsyncIOCollection();
    const through = async (options = {}) => {
      const proxy = await newProxy();
      const client = newAsyncIOClient(proxy, options);
      return { proxy, coll: client.get_database(things().database.name).get_collection(things().name) };
    };

    for (const [name, read] of [
      ['find_one', (coll: AsyncIOMotorCollection) => coll.find_one()],
      ['find', (coll: AsyncIOMotorCollection) => coll.find().to_list()],
      ['aggregate', (coll: AsyncIOMotorCollection) => coll.aggregate([]).to_list()],
      ['count_documents', (coll: AsyncIOMotorCollection) => coll.count_documents({})],
      ['distinct', (coll: AsyncIOMotorCollection) => coll.distinct('a')],
      ['index_information', (coll: AsyncIOMotorCollection) => coll.index_information()],
    ] as const) {
      it(`${name} is sent once more when the connection breaks`, async () => {
        const { proxy, coll } = await through();
        await coll.find_one();
        const rule = proxy.on((command) => !['hello', 'ismaster'].includes(command.name), loseReply());
        await read(coll);
        expect(rule.hits).to.equal(1);
      });
    }

    it('once only', async () => {
      const { proxy, coll } = await through();
      const rule = proxy.on('find', closeFirst(), 3);
      expect(await rejection(coll.find_one())).to.be.instanceOf(AutoReconnect);
      expect(rule.hits).to.equal(2);
    });

    it('after a reply that says so, but not after another', async () => {
      const { proxy, coll } = await through();
      const shutdown = proxy.on('find', answer({ ok: 0, code: 11600, errmsg: 'shutting down' }));
      expect(await coll.find_one()).to.equal(null);
      const nonsense = proxy.on('find', answer({ ok: 0, code: 2, errmsg: 'bad value' }), 2);
      await rejection(coll.find_one());
      expect([shutdown.hits, nonsense.hits]).to.deep.equal([1, 1]);
    });

    it('not with retryReads: false', async () => {
      const { proxy, coll } = await through({ retryReads: false });
      proxy.on('find', closeFirst());
      expect(await rejection(coll.find_one())).to.be.instanceOf(AutoReconnect);
    });

    it('never a getMore, a write, or a command', async () => {
      await things().insert_many(Array.from({ length: 10 }, () => ({})));
      const { proxy, coll } = await through();
      const rules = ['getMore', 'insert', 'ping', 'aggregate'].map((name) => proxy.on(name, closeFirst()));
      expect(await rejection(coll.find({}, { batch_size: 2 }).to_list())).to.be.instanceOf(AutoReconnect);
      expect(await rejection(coll.insert_one({}))).to.be.instanceOf(AutoReconnect);
      expect(await rejection(coll.database.command('ping'))).to.be.instanceOf(AutoReconnect);
      const out = coll.aggregate([{ $out: `${coll.name}.out` }]);
      expect(await rejection(out.to_list())).to.be.instanceOf(AutoReconnect);
      expect(rules.map(({ hits }) => hits)).to.deep.equal([1, 1, 1, 1]);
    });

    it('a silent server is a timeout after socketTimeoutMS', async () => {
      const { proxy, coll } = await through({ socketTimeoutMS: 100, retryReads: false });
      proxy.on('find', hang());
      const error = await rejection(coll.find_one());
      expect(error).to.be.instanceOf(NetworkTimeout);
      expect(error.message).to.include('timed out');
    });
  });

  it('pymongo holds the names of both versions', () => {
    expect(pymongo).to.include({ ASCENDING: 1, DESCENDING: -1, WriteConcern });
    expect(new AsyncIOMotorClient()[ENGINE].policy.singleHost).to.equal('discover');
  });
});

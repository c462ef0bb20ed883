import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { inspect } from 'node:util';
import { expect } from 'chai';
import { ConfigurationError, InvalidURI, ValueError } from '../../lib/core/errors';
import { readOptions } from '../../lib/core/options';
import { uuidReading } from '../../lib/core/uuids';
import { asyncioLike, motorLike } from '../support/policies';
import { warningsOf } from '../support/warnings';

type Keywords = Record<string, unknown>;

const motor = (keywords: Keywords = {}, host?: unknown, port?: unknown) =>
  readOptions({ caller: 'MotorClient', host, port, keywords }, motorLike);
const asyncio = (keywords: Keywords = {}, host?: unknown) =>
  readOptions({ caller: 'AsyncIOMotorClient', host, keywords }, asyncioLike);

/** What no option takes, unless its row says so. */
const WRONG_TYPES = [[], {}, () => 1, Symbol('s'), 1n];

function refuses(name: string, values: readonly unknown[], error: typeof Error | typeof ConfigurationError): void {
  for (const value of values) {
    expect(() => motor({ [name]: value }), `${name}: ${inspect(value)}`).to.throw(error, name);
  }
}

describe('options of the first Motor', () => {
  it('are complete without any argument', () => {
    const options = motor();
    expect(options.seeds.map(String)).to.deep.equal(['localhost:27017']);
    expect(options).to.deep.include({ database: null, credential: null, readConcern: null, ioLoop: null });
    expect(options).to.deep.include({ retryReads: false, retryWrites: false, tzAware: false, documentClass: Object });
    expect(options).to.deep.include({ uuidRepresentation: 'pythonLegacy' });
    expect(options.topology).to.deep.include({ replicaSet: null, direct: true, heartbeatFrequency: 30_000 });
    expect(options.pool).to.deep.equal({
      maxSize: 100,
      maxIdle: 100,
      minSize: 0,
      maxConnecting: 2,
      maxIdleTime: null,
      waitQueueTimeout: null,
      maxWaiters: Infinity,
    });
    expect(options.connection).to.deep.equal({
      connectTimeout: 20_000,
      socketTimeout: null,
      tls: null,
      appName: null,
      driver: null,
      compressors: [],
      zlibCompressionLevel: -1,
      localhostFamily: 4,
      uuids: uuidReading('pythonLegacy', 'both subtypes'),
    });
    expect(options.readPreference).to.deep.include({ mode: 0, tagSets: [{}], latencyWindow: 15, document: null });
    expect(options.writeConcern.toSend).to.equal(null);
  });

  it('come as keywords behind whatever is given by position', () => {
    const seedsAndSize = (...given: unknown[]) => {
      const [host, port, keywords] = given;
      const { seeds, pool } = readOptions({ caller: 'MotorClient', host, port, keywords }, motorLike);
      return [...seeds.map(String), pool.maxSize];
    };
    expect(seedsAndSize({ host: 'a', port: 5, max_pool_size: 3 })).to.deep.equal(['a:5', 3]);
    expect(seedsAndSize('a', { port: 5, max_pool_size: 3 })).to.deep.equal(['a:5', 3]);
    expect(seedsAndSize('a', 5, { max_pool_size: 3 })).to.deep.equal(['a:5', 3]);
    expect(() => seedsAndSize({ max_pool_size: 3 }, 5)).to.throw(TypeError, 'host must be');
    expect(() => seedsAndSize('a', { max_pool_size: 3 }, {})).to.throw(TypeError, 'port must be');
  });

  it('cannot be changed', () => {
    const options = motor();
    for (const part of [options, options.seeds, options.pool, options.connection, options.topology]) {
      expect(Object.isFrozen(part)).to.equal(true);
    }
  });

  describe('host and port', () => {
    const seeds = (host: unknown, port?: unknown) => motor({}, host, port).seeds.map(String);

    it('come in every form, joined, in lists and as keywords', () => {
      expect(seeds('a')).to.deep.equal(['a:27017']);
      expect(seeds('a', 5)).to.deep.equal(['a:5']);
      expect(seeds('a:6,[::1]:7,/tmp/x.sock', 5)).to.deep.equal(['a:6', '[::1]:7', '/tmp/x.sock']);
      expect(seeds(['a', 'mongodb://b,c:2', 'd:3,a'], 5)).to.deep.equal(['a:5', 'b:5', 'c:2', 'd:3']);
      expect(seeds('mongodb://a,mongodb://b')).to.deep.equal(['a:27017', 'b:27017']);
      expect(motor({ HOST: 'a', port: 5 }).seeds.map(String)).to.deep.equal(['a:5']);
      expect(motor({ port: 5 }, null).seeds.map(String)).to.deep.equal(['localhost:5']);
    });

    it('let the last of several strings win', () => {
      const options = motor({}, ['mongodb://eve:one@a/x?w=1', 'mongodb://b', 'mongodb://bob:two@c/y?w=2']);
      expect(options.database).to.equal('y');
      expect(options.credential).to.include({ username: 'bob', password: 'two', source: 'y' });
      expect(options.writeConcern.document.w).to.equal(2);
      expect(motor({}, ['mongodb://eve:one@a/x', 'mongodb://b']).credential).to.include({
        username: 'eve',
        source: 'x',
      });
    });

    it('are refused where they make no sense', () => {
      for (const host of [1, 1.14, true, {}, [1], [null], () => 'a'])
        expect(() => seeds(host)).to.throw(TypeError, 'host');
      for (const host of [[], '', 'a,,b', [''], 'a:b', 'eve:secret@b'])
        expect(() => seeds(host)).to.throw(ConfigurationError);
      for (const host of ['http://a', 'mongodb+srv://a', 'mongodb://']) expect(() => seeds(host)).to.throw(InvalidURI);
      for (const port of ['27017', 1.14, Number.NaN, [], {}, true])
        expect(() => seeds('a', port)).to.throw(TypeError, 'port');
      for (const port of [0, -1, 65536, 1e15]) expect(() => seeds('a', port)).to.throw(ConfigurationError, 'port');
      expect(() => motor({ host: 'a' }, 'b')).to.throw(TypeError, 'MotorClient: host is given twice');
    });
  });

  describe('keywords', () => {
    it('are known without regard to case, and may be absent', () => {
      expect(motor({ MAX_POOL_SIZE: 3 }).pool.maxSize).to.equal(3);
      expect(motor({ SocketTimeoutMs: 3 }).connection.socketTimeout).to.equal(3);
      expect(motor({ max_pool_size: undefined }).pool.maxSize).to.equal(100);
    });

    it('that nobody knows are a TypeError with the nearest name', () => {
      expect(() => motor({ max_pool_siz: 1 })).to.throw(
        TypeError,
        "MotorClient: unknown keyword 'max_pool_siz'; did you mean 'max_pool_size'?",
      );
      expect(() => motor({ maxPoolSize: 1 })).to.throw(TypeError, "did you mean 'max_pool_size'?");
      expect(() => motor({}, 'mongodb://h/?maxPoolSize=5')).to.throw(
        ConfigurationError,
        /^unknown option 'maxPoolSize' in the connection string; max_pool_size is a keyword of the client$/,
      );
      expect(() => motor({ xyzzy: 1 })).to.throw(TypeError, /'xyzzy'$/);
      expect(() => motor({ constructor: 1 })).to.throw(TypeError, "'constructor'");
      for (const keywords of [null, 1, 'a', [], () => 1]) {
        expect(() => readOptions({ caller: 'MotorClient', keywords }, motorLike)).to.throw(TypeError, 'MotorClient');
      }
    });

    it('that Motor refuses are a ConfigurationError, whatever they say', () => {
      for (const name of ['safe', 'slave_okay', 'slaveok', 'auto_start_request', 'Safe']) {
        for (const value of [true, false, null, undefined]) {
          expect(() => motor({ [name]: value })).to.throw(ConfigurationError, `${name} is refused`);
        }
      }
    });

    it('use_greenlets is ignored', () => {
      expect(motor({ use_greenlets: {} }, 'mongodb://h/?use_greenlets=1')).to.deep.equal(motor({}, 'mongodb://h'));
    });
  });

  describe('the pool', () => {
    const pool = (keywords: Keywords) => motor(keywords).pool;

    it('max_pool_size caps, 0 and null do not', () => {
      expect(pool({ max_pool_size: 5 })).to.include({ maxSize: 5, maxIdle: 5 });
      expect(pool({ max_pool_size: '5' }).maxSize).to.equal(5);
      expect(pool({ max_pool_size: 0 })).to.include({ maxSize: Infinity, maxIdle: Infinity });
      expect(pool({ max_pool_size: null }).maxSize).to.equal(Infinity);
      refuses(
        'max_pool_size',
        [-1, 1.5, Number.NaN, 1e10, Infinity, 'x', '', true, ...WRONG_TYPES],
        ConfigurationError,
      );
    });

    it('max_concurrent alone is the cap, beside max_pool_size it leaves that the idle ones', () => {
      expect(pool({ max_concurrent: 7 })).to.include({ maxSize: 7, maxIdle: 7 });
      expect(pool({ max_concurrent: 7, max_pool_size: 3 })).to.include({ maxSize: 7, maxIdle: 3 });
      expect(pool({ max_concurrent: 7, max_pool_size: 9 })).to.include({ maxSize: 7, maxIdle: 7 });
      expect(pool({ max_concurrent: 7, max_pool_size: null })).to.include({ maxSize: 7, maxIdle: 7 });
      refuses('max_concurrent', [0, -1, 1e10, 'x'], ConfigurationError);
      refuses('max_concurrent', [null, 1.5, Number.NaN, true, ...WRONG_TYPES], TypeError);
    });

    it('max_wait_time is waitQueueTimeoutMS in seconds', () => {
      expect(pool({ max_wait_time: 1.5 }).waitQueueTimeout).to.equal(1500);
      expect(pool({ max_wait_time: null }).waitQueueTimeout).to.equal(null);
      expect(pool({ waitQueueTimeoutMS: 250 }).waitQueueTimeout).to.equal(250);
      expect(pool({ max_wait_time: 2, waitQueueTimeoutMS: 2000 }).waitQueueTimeout).to.equal(2000);
      for (const waitQueueTimeoutMS of [1999, null]) {
        expect(() => pool({ max_wait_time: 2, waitQueueTimeoutMS })).to.throw(ConfigurationError, 'max_wait_time');
      }
      refuses('max_wait_time', [0, -1, 1e6, Number.NaN, 'x'], ConfigurationError);
      refuses('max_wait_time', [true, ...WRONG_TYPES], TypeError);
    });

    it('waitQueueMultiple limits the waiters', () => {
      expect(pool({ waitQueueMultiple: 3, max_pool_size: 5 }).maxWaiters).to.equal(15);
      expect(pool({ waitQueueMultiple: 0 }).maxWaiters).to.equal(0);
      expect(pool({ waitQueueMultiple: null }).maxWaiters).to.equal(Infinity);
      expect(pool({ waitQueueMultiple: 0, max_pool_size: 0 }).maxWaiters).to.equal(Infinity);
      refuses('waitQueueMultiple', [-1, 1e10, 'x'], ConfigurationError);
      refuses('waitQueueMultiple', [1.5, Number.NaN, true, ...WRONG_TYPES], TypeError);
    });

    it('minPoolSize and maxIdleTimeMS keep and drop idle connections', () => {
      expect(pool({ minPoolSize: 2, maxIdleTimeMS: 50 })).to.include({ minSize: 2, maxIdleTime: 50 });
      expect(() => pool({ minPoolSize: 6, max_pool_size: 5 })).to.throw(ConfigurationError, '6 is above 5');
      refuses('minPoolSize', [-1, 'x'], ConfigurationError);
      refuses('minPoolSize', [null, 1.5, true, ...WRONG_TYPES], TypeError);
    });
  });

  it('times are positive numbers of milliseconds, or null', () => {
    for (const name of ['waitQueueTimeoutMS', 'socketTimeoutMS', 'connectTimeoutMS', 'maxIdleTimeMS']) {
      for (const value of [0.5, 1, 999_999_999, '20', '0.5', null]) motor({ [name]: value });
      refuses(name, [0, -1, 1e9, Number.NaN, Infinity, -Infinity, '', 'x', '-5', '1e3'], ConfigurationError);
      refuses(name, [true, ...WRONG_TYPES], TypeError);
    }
    expect(motor({ connectTimeoutMS: null }).connection.connectTimeout).to.equal(null);
    expect(motor({ connectTimeoutMS: 0.5, socketTimeoutMS: '20' }).connection).to.include({
      connectTimeout: 0.5,
      socketTimeout: 20,
    });
  });

  it('messages name the option, the rule and a harmless value', () => {
    expect(() => motor({ waitQueueTimeoutMS: -1 })).to.throw(
      'waitQueueTimeoutMS must be a number of milliseconds between 0 and 1000000000, or null, not -1',
    );
    expect(() => motor({ ssl: 'maybe' })).to.throw("ssl must be true or false, not 'maybe'");
  });

  it('document_class is a class, io_loop a loop, tz_aware a boolean', () => {
    class Row {}
    expect(motor({ document_class: Map }).documentClass).to.equal(Map);
    expect(motor({ document_class: Row }).documentClass).to.equal(Row);
    refuses('document_class', [null, 'Object', 1, ...WRONG_TYPES], TypeError);

    const loop = { add_callback() {}, time: () => 0 };
    expect(motor({ io_loop: loop }).ioLoop).to.equal(loop);
    refuses('io_loop', [null, 'loop', 1, { time: () => 0 }, { add_callback() {}, time: 1 }, ...WRONG_TYPES], TypeError);

    expect(motor({ tz_aware: true }).tzAware).to.equal(true);
    expect(motor({ tz_aware: 'true' }).tzAware).to.equal(true);
    refuses('tz_aware', ['yes', 'True', ''], ConfigurationError);
    refuses('tz_aware', [null, 1, 0, ...WRONG_TYPES], TypeError);
  });

  it('replicaSet and authSource are names', () => {
    expect(motor({ replicaSet: 'rs' }).topology).to.include({ replicaSet: 'rs', direct: false });
    expect(motor({}, 'a,b').topology.direct).to.equal(false);
    for (const name of ['replicaSet', 'authSource', 'gssapiServiceName', 'appname']) {
      refuses(name, [''], ConfigurationError);
      refuses(name, [null, 1, true, Number.NaN, ...WRONG_TYPES], TypeError);
    }
    refuses('appname', ['x'.repeat(129)], ConfigurationError);
  });

  describe('write concern', () => {
    const concern = (keywords: Keywords, host?: string) => motor(keywords, host).writeConcern.document;

    it('is made of four options and two aliases', () => {
      expect(concern({ w: 2, wtimeout: 100, j: true, fsync: false })).to.deep.equal({
        w: 2,
        wtimeout: 100,
        j: true,
        fsync: false,
      });
      expect(concern({ wtimeoutMS: 5, journal: 'true', w: 'majority' })).to.deep.equal({
        w: 'majority',
        wtimeout: 5,
        j: true,
      });
      expect(concern({}, 'mongodb://h/?w=3&journal=true&wtimeoutMS=9')).to.deep.equal({ w: 3, j: true, wtimeout: 9 });
    });

    it('refuses bad values, and two values for one option', () => {
      refuses('w', [-1, '', 1e10], ConfigurationError);
      refuses('w', [null, true, 1.5, Number.NaN, ...WRONG_TYPES], TypeError);
      refuses('wtimeout', [-1, 'x', 1e10], ConfigurationError);
      refuses('wtimeout', [null, true, 1.5, Number.NaN, ...WRONG_TYPES], TypeError);
      for (const name of ['j', 'fsync', 'journal']) {
        refuses(name, ['x', '1'], ConfigurationError);
        refuses(name, [null, 1, ...WRONG_TYPES], TypeError);
      }
      expect(() => concern({ j: true, journal: false })).to.throw(ConfigurationError, 'j and journal');
      expect(concern({ j: true, journal: true })).to.deep.equal({ j: true });
    });

    it('warns of w: 0 beside others', () => {
      expect(warningsOf(() => concern({ w: 0, j: true }))).to.have.length(1);
      expect(warningsOf(() => concern({ w: 0 }))).to.have.length(0);
    });

    it('reads safe and slaveok of a string as the original does', () => {
      expect(concern({}, 'mongodb://h/?safe=false')).to.deep.equal({ w: 0 });
      expect(concern({}, 'mongodb://h/?safe=true')).to.deep.equal({});
      expect(concern({}, 'mongodb://h/?safe=false&w=2')).to.deep.equal({ w: 2 });
      expect(motor({}, 'mongodb://h/?slaveok=true').readPreference.name).to.equal('secondaryPreferred');
      expect(motor({}, 'mongodb://h/?slaveok=false').readPreference.name).to.equal('primary');
    });
  });

  describe('read preference', () => {
    it('is a mode by name or number, tag sets and a latency window', () => {
      expect(motor({ read_preference: 2 }).readPreference.name).to.equal('secondary');
      expect(motor({ readPreference: 'nearest' }).readPreference.mode).to.equal(4);
      const { readPreference } = motor({
        read_preference: 'secondary',
        tag_sets: [{ dc: 'ny' }, {}],
        secondary_acceptable_latency_ms: 30,
      });
      expect(readPreference.document).to.deep.equal({ mode: 'secondary', tags: [{ dc: 'ny' }, {}] });
      expect(readPreference.latencyWindow).to.equal(30);
      expect(motor({ tag_sets: null }).readPreference.tagSets).to.deep.equal([{}]);
    });

    it('stands in a string with tags that repeat', () => {
      const uri = 'mongodb://h/?readPreference=secondary&readPreferenceTags=dc:ny,rack:1&readPreferenceTags=';
      expect(motor({}, uri).readPreference.tagSets).to.deep.equal([{ dc: 'ny', rack: '1' }, {}]);
      expect(() => motor({}, 'mongodb://h/?readPreference=nearest&readPreferenceTags=dc')).to.throw(ConfigurationError);
    });

    it('refuses bad ones', () => {
      refuses(
        'read_preference',
        [5, -1, 1.5, Number.NaN, 'SECONDARY', '', null, true, ...WRONG_TYPES],
        ConfigurationError,
      );
      refuses('tag_sets', [[], {}, [1], [null], ['dc'], 1, true, [['dc']]], ConfigurationError);
      const latencies = [0, -1, 1e9, Number.NaN, null, true, 'x', ...WRONG_TYPES];
      refuses('secondary_acceptable_latency_ms', latencies, ConfigurationError);
      expect(() => motor({ tag_sets: [{ dc: 'ny' }] })).to.throw(ConfigurationError, 'primary');
    });
  });

  describe('TLS', () => {
    let folder = '';
    let pem = '';
    before(() => {
      folder = mkdtempSync(join(tmpdir(), 'motor-tls-'));
      pem = join(folder, 'a.pem');
      writeFileSync(pem, 'PEM');
    });
    after(() => rmSync(folder, { recursive: true }));

    const tls = (keywords: Keywords) => motor(keywords).connection.tls;

    it('is off unless some option asks for it', () => {
      expect(tls({})).to.equal(null);
      expect(tls({ ssl: false })).to.equal(null);
      expect(tls({ ssl: true })).to.include({ ca: null, cert: null, verify: false, verifyHost: false });
      for (const name of ['ssl_certfile', 'ssl_ca_certs']) expect(tls({ [name]: pem })).to.not.equal(null);
      expect(String(tls({ ssl_certfile: pem })?.key)).to.equal('PEM');
      expect(String(tls({ ssl_certfile: pem, ssl_keyfile: pem })?.key)).to.equal('PEM');
    });

    it('verifies as much as ssl_cert_reqs says', () => {
      expect(tls({ ssl_ca_certs: pem, ssl_cert_reqs: 1 })).to.include({ verify: true, verifyHost: false });
      expect(tls({ ssl_ca_certs: pem, ssl_cert_reqs: 2 })).to.include({ verify: true, verifyHost: true });
      const uri = `mongodb://h/?ssl_ca_certs=${encodeURIComponent(pem)}&ssl_cert_reqs=CERT_REQUIRED`;
      expect(motor({}, uri).connection.tls).to.include({ verifyHost: true });
      expect(() => tls({ ssl_cert_reqs: 2 })).to.throw(ConfigurationError, 'ssl_ca_certs');
      refuses('ssl_cert_reqs', [3, -1, 1.5, Number.NaN, null, true, 'x', ...WRONG_TYPES], ConfigurationError);
    });

    it('refuses contradictions, wrong types and files that cannot be read', () => {
      for (const name of ['ssl_certfile', 'ssl_keyfile', 'ssl_ca_certs']) {
        expect(() => tls({ ssl: false, [name]: pem })).to.throw(ConfigurationError, 'TLS');
        refuses(name, [null, 1, true, ...WRONG_TYPES], TypeError);
        expect(() => tls({ [name]: join(folder, 'missing') }))
          .to.throw('ENOENT')
          .with.property('code', 'ENOENT');
        expect(() => tls({ [name]: folder })).to.throw('EISDIR');
      }
      expect(() => tls({ ssl_keyfile: pem })).to.throw(ConfigurationError, 'ssl_certfile');
      refuses('ssl', ['x'], ConfigurationError);
      refuses('ssl', [null, 1, ...WRONG_TYPES], TypeError);
    });

    it('is not printed with its key', () => {
      expect(inspect(tls({ ssl_certfile: pem }))).to.not.match(/cert|key|passphrase/);
    });
  });

  describe('credentials', () => {
    const credential = (uri: string, keywords: Keywords = {}) => motor(keywords, uri).credential;

    it('come from the string, their source from authSource, the database, or admin', () => {
      expect(credential('mongodb://h')).to.equal(null);
      expect(credential('mongodb://eve:secret@h')).to.include({ username: 'eve', source: 'admin', mechanism: null });
      expect(credential('mongodb://eve:secret@h/shop')).to.include({ source: 'shop' });
      expect(credential('mongodb://eve:secret@h/shop?authSource=users')).to.include({ source: 'users' });
      expect(credential('mongodb://eve:secret@h', { authSource: 'users' })).to.include({ source: 'users' });
    });

    it('name a mechanism that there is', () => {
      for (const authMechanism of ['MONGODB-CR', 'DEFAULT']) {
        expect(credential('mongodb://eve:secret@h', { authMechanism })).to.include({ mechanism: null });
      }
      const gssapi = credential('mongodb://eve@h', { authMechanism: 'GSSAPI', gssapiServiceName: 'other' });
      expect(gssapi).to.include({ mechanism: 'GSSAPI', source: '$external' });
      expect(gssapi?.properties).to.deep.equal({ SERVICE_NAME: 'other' });
      refuses('authMechanism', ['x', '', 'MONGODB-AWS', null, 1, true, ...WRONG_TYPES], ConfigurationError);
      expect(() => credential('mongodb://eve@h')).to.throw(ConfigurationError, 'password');
    });

    it('are never printed with the password', () => {
      expect(inspect(motor({}, 'mongodb://eve:secret@h'), { depth: null })).to.not.include('secret');
      expect(JSON.stringify(motor({}, 'mongodb://eve:secret@h'))).to.not.include('secret');
    });
  });

  it('uuidRepresentation is one of four', () => {
    expect(motor({ uuidRepresentation: 'standard' }).uuidRepresentation).to.equal('standard');
    refuses('uuidRepresentation', ['unspecified', 'x', '', 4, null, true, ...WRONG_TYPES], ConfigurationError);
  });

  describe('in a connection string', () => {
    it('win over keywords', () => {
      expect(motor({ w: 1, j: true }, 'mongodb://h/?w=2').writeConcern.document).to.deep.equal({ j: true, w: 2 });
      expect(motor({ wtimeout: 1 }, 'mongodb://h/?wtimeoutMS=2').writeConcern.document.wtimeout).to.equal(2);
      expect(() => motor({ w: -1 }, 'mongodb://h/?w=2')).to.throw(ConfigurationError);
    });

    it('are refused where they are unknown, or keywords only', () => {
      expect(() => motor({}, 'mongodb://h/?foo=1')).to.throw(ConfigurationError, "unknown option 'foo'");
      expect(() => motor({}, 'mongodb://h/?sockettimeout=1')).to.throw(
        ConfigurationError,
        "did you mean 'socketTimeoutMS'?",
      );
      expect(() => motor({}, 'mongodb://h/?retryWrites=true')).to.throw(ConfigurationError, 'retryWrites');
      expect(() => motor({}, 'mongodb://h/?auto_start_request=true')).to.throw(ConfigurationError);
      for (const name of [
        'max_pool_size',
        'document_class',
        'tz_aware',
        'io_loop',
        'max_concurrent',
        'max_wait_time',
      ]) {
        expect(() => motor({}, `mongodb://h/?${name}=1`)).to.throw(ConfigurationError, `${name} is a keyword`);
      }
    });

    it('are refused where they are wrong, without a word of the user', () => {
      for (const option of [
        'w=-1',
        'j=1',
        'socketTimeoutMS=x',
        'ssl=yes',
        'readPreference=x',
        'uuidRepresentation=x',
      ]) {
        expect(() => motor({}, `mongodb://eve:secret@h/?${option}`))
          .to.throw(ConfigurationError, option.split('=')[0])
          .with.property('message')
          .that.does.not.match(/eve|secret/);
      }
    });

    it('count the last time when they repeat, with a warning', () => {
      let options = motor();
      expect(warningsOf(() => (options = motor({}, 'mongodb://h/?w=1&w=2')))).to.have.length(1);
      expect(options.writeConcern.document.w).to.equal(2);
    });
  });
});

describe('options of the asyncio Motor', () => {
  it('have its defaults', () => {
    const options = asyncio();
    expect(options).to.include({ retryReads: true, retryWrites: true, uuidRepresentation: 'unspecified' });
    expect(options.topology).to.include({ direct: false, serverSelectionTimeout: 30_000, heartbeatFrequency: 10_000 });
    expect(options.connection.localhostFamily).to.equal(0);
  });

  it('raise ValueError for values and TypeError for types', () => {
    for (const keywords of [
      { maxPoolSize: -1 },
      { maxPoolSize: 'x' },
      { maxPoolSize: [] },
      { minPoolSize: 101 },
      { maxConnecting: 0 },
      { waitQueueTimeoutMS: 0 },
      { heartbeatFrequencyMS: 499 },
      { localThresholdMS: -1 },
      { retryWrites: 'yes' },
      { readPreference: 'x' },
      { maxStalenessSeconds: 0 },
      { appname: 'x'.repeat(129) },
      { authMechanism: 'x' },
      { zlibCompressionLevel: 10 },
      { w: -1 },
    ]) {
      expect(() => asyncio(keywords), inspect(keywords)).to.throw(ValueError, Object.keys(keywords)[0]);
    }
    for (const keywords of [
      { retryWrites: 1 },
      { socketTimeoutMS: {} },
      { w: true },
      { driver: {} },
      { username: 1 },
    ]) {
      expect(() => asyncio(keywords), inspect(keywords)).to.throw(TypeError, Object.keys(keywords)[0]);
    }
    expect(() => asyncio({ max_pool_size: 1 })).to.throw(TypeError, "did you mean 'maxPoolSize'?");
  });

  it('take 0 for none where the original does', () => {
    expect(asyncio({ connectTimeoutMS: 0, socketTimeoutMS: 0 }).connection).to.include({
      connectTimeout: null,
      socketTimeout: null,
    });
    expect(asyncio({ serverSelectionTimeoutMS: 0, replicaSet: null }).topology).to.include({
      serverSelectionTimeout: 0,
      replicaSet: null,
    });
    expect(asyncio({ localThresholdMS: 0 }).readPreference.latencyWindow).to.equal(0);
  });

  it('let the keyword win', () => {
    expect(asyncio({ w: 1 }, 'mongodb://h/?w=2').writeConcern.document.w).to.equal(1);
    const { credential } = asyncio({ username: 'bob', password: 'two' }, 'mongodb://eve:one@h');
    expect(credential).to.include({ username: 'bob', password: 'two' });
  });

  it('warn of what is unknown or wrong in a string, and go on', () => {
    let options = asyncio();
    const warnings = warningsOf(() => (options = asyncio({}, 'mongodb://h/?foo=1&w=-1&journal=true&driver=x')));
    expect(warnings).to.have.length(3);
    expect(options.writeConcern.document).to.deep.equal({ j: true });
    expect(() => asyncio({}, ['mongodb://a', 'mongodb://b'])).to.throw(ConfigurationError, 'more than one');
  });

  it('know compressors, and leave out what is not there', () => {
    let options = asyncio();
    const warnings = warningsOf(() => (options = asyncio({ compressors: ['snappy', 'zlib'] })));
    expect(warnings).to.have.length(1);
    expect(options.connection.compressors).to.deep.equal(['zlib']);
  });

  it('refuse combinations', () => {
    for (const keywords of [
      { directConnection: true, host: ['a', 'b'] },
      { w: 0, journal: true },
      { journal: true, fsync: true },
      { tls: true, ssl: false },
      { tls: false, tlsInsecure: true },
      { tlsInsecure: true, tlsAllowInvalidHostnames: true },
      { readPreferenceTags: [{ dc: 'ny' }] },
      { maxStalenessSeconds: 100 },
      { password: 'x' },
      { authMechanism: 'PLAIN' },
    ]) {
      expect(() => asyncio(keywords), inspect(keywords)).to.throw(ConfigurationError);
    }
  });
});

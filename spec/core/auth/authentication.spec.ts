import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { inspect } from 'node:util';
import { expect } from 'chai';
import type { AsyncIOMotorClient } from '../../../lib/asyncio/index';
import {
  AutoReconnect,
  ConfigurationError,
  type MotorClient,
  type MotorCollection,
  OperationFailure,
} from '../../../lib/index';
import { ENGINE } from '../../../lib/motor/settings';
import { Certificate } from '../../support/certificates';
import {
  countsOf,
  DATABASE,
  eachForm,
  newAsyncIOClient,
  newClient,
  newProxy,
  newRelay,
  uniqueName,
} from '../../support/clients';
import { Compressing } from '../../support/compressing';
import { eventually } from '../../support/eventually';
import { answer, closeFirst, cutReply, delayReply, hang, loseReply } from '../../support/faults';
import { type LoginRules, type Logins, requireLogin, type User } from '../../support/login';
import type { FaultProxy, ProxyOptions } from '../../support/proxy';
import { record } from '../../support/record';
import { rejection } from '../../support/rejection';

const ANN: User = { name: 'ann', password: 'ann says hush', db: 'admin' };
const OLD: User = { name: 'old', password: 'old says hush', db: 'admin', mechanisms: ['SCRAM-SHA-1'] };

interface Guarded {
  /** The proxy that clients connect to; what goes wrong goes wrong there. */
  readonly proxy: FaultProxy;
  readonly logins: Logins;
  uri(user?: string, rest?: string): string;
}

/** A server that lets in only those whom it knows, with a proxy of faults in front. */
async function guarded(users: User[] = [ANN], rules: LoginRules = {}, options: ProxyOptions = {}): Promise<Guarded> {
  const guard = await newProxy();
  const logins = requireLogin(guard, users, rules);
  const proxy = await newProxy(options, guard);
  const address = proxy.path === undefined ? proxy.address : encodeURIComponent(proxy.path);
  const uri = (user = 'ann:ann%20says%20hush', rest = '') => `mongodb://${user}@${address}${rest}`;
  return { proxy, logins, uri };
}

const saslNames = (proxy: FaultProxy) =>
  proxy.names.filter((name) => name.startsWith('sasl') || name === 'authenticate');

/** All that an error shows, in any way. */
const shown = (error: unknown) => inspect(error, { depth: 12, showHidden: true }) + JSON.stringify(error);

/** A collection, of which the tests need only what both surfaces have. */
function thingsOf(client: MotorClient | AsyncIOMotorClient): Pick<MotorCollection, 'find_one'> {
  return client.get_database(DATABASE).get_collection('things') as Pick<MotorCollection, 'find_one'>;
}

type Surface = (uri: string, options?: Record<string, unknown>) => MotorClient | AsyncIOMotorClient;
const surfaces: [string, Surface][] = [
  ['Motor', (uri, options) => newClient(uri, options)],
  // An impatient client would hide that nobody waits for a time to be over.
  ['asyncio', (uri, options) => newAsyncIOClient(uri, { serverSelectionTimeoutMS: 60_000, ...options })],
];

describe('Authentication', () => {
  for (const [name, connect] of surfaces) {
    describe(`on the surface of ${name}`, () => {
      eachForm((call) => {
        it('lets in who knows the password', async () => {
          const { uri, logins, proxy } = await guarded();
          expect(await call(thingsOf(connect(uri())), 'find_one')).to.equal(null);
          expect(logins.accepted).to.deep.equal(['SCRAM-SHA-256 ann@admin']);
          expect(logins.passed).to.deep.equal(['ann@admin find']);
          // It began in the handshake.
          expect(saslNames(proxy)).to.deep.equal(['saslContinue']);
        });

        it('tells who does not, on the first operation and on each after it', async () => {
          const { uri, logins, proxy } = await guarded();
          const client = connect(uri('ann:wrong-hush'));
          for (const round of [1, 2]) {
            const startedAt = performance.now();
            const error = await rejection(call(thingsOf(client), 'find_one'));
            expect(error).to.be.instanceOf(OperationFailure).with.property('code', 18);
            expect(error.message).to.include("'ann' on admin by SCRAM-SHA-256").and.include(proxy.address);
            expect(shown(error)).not.to.include('wrong-hush');
            expect(performance.now() - startedAt).to.be.below(5000);
            expect(logins.refused).to.equal(round);
          }
          expect(logins.passed).to.deep.equal([]);
        });
      });

      it('tells each of those who wait', async () => {
        const { uri, proxy } = await guarded();
        const things = thingsOf(connect(uri('nobody:nothing')));
        const errors = await Promise.all(Array.from({ length: 20 }, () => rejection(things.find_one())));
        for (const error of errors) expect(error).to.be.instanceOf(OperationFailure).with.property('code', 18);
        expect(proxy.connections.accepted).to.be.below(20);
      });

      it('gives up the connections of the pool when a new one is refused', async () => {
        const users = [ANN];
        const { uri, logins, proxy } = await guarded(users);
        const client = connect(uri());
        const cleared: object[] = [];
        client[ENGINE].events.on('connectionPoolCleared', (event) => cleared.push(event));
        await thingsOf(client).find_one();
        users.length = 0; // she is removed
        proxy.on('find', delayReply(200));
        const [first, second] = [1, 2].map(() => thingsOf(client).find_one());
        expect(await rejection(second as Promise<unknown>)).to.have.property('code', 18);
        expect(cleared).to.have.length(1);
        expect(await first).to.equal(null);
        expect(await rejection(thingsOf(client).find_one())).to.have.property('code', 18);
        expect(logins.accepted).to.have.length(1);
      });

      it('takes the best that the user has', async () => {
        const both = await guarded([ANN, OLD]);
        await thingsOf(connect(both.uri())).find_one();
        await thingsOf(connect(both.uri('old:old%20says%20hush'))).find_one();
        expect(both.logins.accepted).to.deep.equal(['SCRAM-SHA-256 ann@admin', 'SCRAM-SHA-1 old@admin']);
      });

      it('takes what it is told to take', async () => {
        for (const mechanism of ['SCRAM-SHA-1', 'SCRAM-SHA-256']) {
          for (const rules of [{}, { speculates: false }, { skipsEmptyExchange: false }, { iterations: 9000 }]) {
            const { uri, logins } = await guarded([ANN], rules);
            await thingsOf(connect(uri(undefined, `/?authMechanism=${mechanism}`))).find_one();
            expect(logins.accepted).to.deep.equal([`${mechanism} ann@admin`]);
          }
        }
        const { uri } = await guarded([OLD]);
        const wrong = thingsOf(connect(uri('old:old%20says%20hush', '/?authMechanism=SCRAM-SHA-256')));
        expect(await rejection(wrong.find_one())).to.have.property('code', 18);
      });

      it('finds the user where he is defined', async () => {
        const users = ['admin', 'shop', 'users'].map((db) => ({ ...ANN, db }));
        const { uri, logins } = await guarded(users);
        for (const rest of ['', '/', '/shop', '/shop?authSource=users', '/?authSource=users']) {
          await thingsOf(connect(uri(undefined, rest))).find_one();
        }
        expect(logins.accepted.map((one) => one.split('@')[1])).to.deep.equal([
          'admin',
          'admin',
          'shop',
          'users',
          'users',
        ]);
      });

      it('logs in every connection of a large pool', async () => {
        const { uri, logins } = await guarded([ANN], { iterations: 20_000 });
        const client = connect(uri());
        const things = thingsOf(client);
        await Promise.all(Array.from({ length: 60 }, (_, index) => things.find_one({ index })));
        expect(countsOf(client).open).to.be.above(1);
        await eventually(() => logins.accepted.length === countsOf(client).open, 'all have logged in');
        expect(logins.passed).to.have.length(60);
        expect(logins.refused).to.equal(0);
      });

      it('logs in again where a connection was lost', async () => {
        const { uri, logins, proxy } = await guarded();
        const things = thingsOf(connect(uri(), name === 'Motor' ? {} : { retryReads: false }));
        await things.find_one();
        proxy.on('find', loseReply());
        expect(await rejection(things.find_one())).to.be.instanceOf(AutoReconnect);
        await things.find_one();
        expect(logins.accepted).to.have.length(2);
      });
    });
  }

  it('is no reason to look for another server', async () => {
    const { uri, proxy } = await guarded();
    const hosts = uri('ann:wrong-hush').replace('127.0.0.1', `localhost:${proxy.port},127.0.0.1`);
    const error = await rejection(thingsOf(newClient(hosts)).find_one());
    expect(error).to.be.instanceOf(OperationFailure).with.property('code', 18);
    expect(proxy.connections.accepted).to.equal(1);
  });

  eachForm((call) => {
    it('lets MotorClient.open through with a wrong password: the first operation tells', async () => {
      const { uri } = await guarded();
      const client = newClient(uri('ann:wrong-hush'));
      expect(await call(client, 'open')).to.equal(client);
      expect(client.connected).to.equal(true);
      expect(await rejection(call(thingsOf(client), 'find_one'))).to.have.property('code', 18);
    });

    it('is no matter of MotorClient.open where nobody answers', async () => {
      const { uri, proxy } = await guarded();
      proxy.refuse();
      expect(await rejection(call(newClient(uri()), 'open'))).to.be.instanceOf(AutoReconnect);
    });
  });

  it('takes every character in user and password', async () => {
    for (const [username, password, prepared = password] of [
      ['a=b,c', 'p=q,r'],
      ['a@b:c/d?e%f', 'p@q:r/s?t%u+v w'],
      ['Zoë', 'naïve €', 'naïve €'],
      ['IX', 'I\u00adX', 'IX'],
      ['\u2168', '\u2163', 'IV'],
    ] as const) {
      const { uri, logins } = await guarded([{ name: username, password: prepared, db: 'admin' }]);
      const text = `${encodeURIComponent(username)}:${encodeURIComponent(password)}`;
      await thingsOf(newClient(uri(text))).find_one();
      await thingsOf(newAsyncIOClient(uri().replace(/\/\/.*@/, '//'), { username, password })).find_one();
      expect(logins.accepted).to.have.length(2);
    }
  });

  it('works over a Unix socket', async () => {
    const { uri, logins } = await guarded([ANN], {}, { path: join(tmpdir(), `${uniqueName()}.sock`) });
    await thingsOf(newClient(uri())).find_one();
    expect(logins.accepted).to.have.length(1);
  });

  it('speaks PLAIN', async () => {
    const users = [{ name: 'eve', password: 'pläin', db: '$external', mechanisms: ['PLAIN'] }];
    const { uri, logins, proxy } = await guarded(users);
    const things = (password: string) =>
      thingsOf(newClient(uri(`eve:${encodeURIComponent(password)}`, '/?authMechanism=PLAIN')));
    await things('pläin').find_one();
    expect(logins.accepted).to.deep.equal(['PLAIN eve@$external']);
    expect(saslNames(proxy)).to.deep.equal(['saslStart']);
    const error = await rejection(things('secret word').find_one());
    expect(error).to.be.instanceOf(OperationFailure).with.property('code', 18);
    expect(error.message).to.include("'eve' on $external by PLAIN");
    expect(shown(error)).not.to.include('secret word');
    expect(await rejection(things('a\0b').find_one())).to.be.instanceOf(ConfigurationError);
  });

  it('lets the certificate speak with MONGODB-X509', async () => {
    const users = ['CN=anybody', 'CN=ann'].map((name) => ({ name, db: '$external', mechanisms: ['MONGODB-X509'] }));
    for (const speculates of [true, false]) {
      const { uri, logins, proxy } = await guarded(users, { speculates });
      const bare = uri().replace(/\/\/.*@/, '//');
      for (const [options, name] of [
        [{ username: 'CN=ann' }, 'CN=ann'],
        [{}, 'CN=anybody'],
      ] as const) {
        const client = newAsyncIOClient(bare, { ...options, authMechanism: 'MONGODB-X509' });
        await thingsOf(client).find_one();
        expect(logins.accepted.at(-1)).to.equal(`MONGODB-X509 ${name}@$external`);
      }
      expect(saslNames(proxy)).to.have.length(speculates ? 0 : 2);
      const stranger = newAsyncIOClient(bare, { username: 'CN=eve', authMechanism: 'MONGODB-X509' });
      expect(await rejection(thingsOf(stranger).find_one())).to.have.property('code', 18);
    }
  });

  it('works inside of TLS, and is not compressed', async () => {
    const users = [ANN, { name: 'CN=anybody', db: '$external', mechanisms: ['MONGODB-X509'] }];
    const { proxy, logins } = await guarded(users);
    const authority = new Certificate('authority');
    const own = new Certificate('server', { hosts: ['127.0.0.1'], by: authority });
    const anybody = new Certificate('anybody', { hosts: ['client'], by: authority });
    const compressing = new Compressing('zlib');
    const tls = {
      key: own.key,
      cert: own.certificate,
      ca: authority.certificate,
      requestCert: true,
      rejectUnauthorized: false,
    };
    const relay = await newRelay({ tls, compressing }, proxy);
    const folder = await mkdtemp(join(tmpdir(), 'motor-auth-'));
    const [tlsCAFile, tlsCertificateKeyFile] = [join(folder, 'ca.pem'), join(folder, 'client.pem')];
    try {
      await writeFile(tlsCAFile, authority.certificate);
      await writeFile(tlsCertificateKeyFile, anybody.certificate + anybody.key);
      const options = { tls: true, tlsCAFile, compressors: 'zlib' };
      await thingsOf(newAsyncIOClient(relay, { ...options, username: 'ann', password: ANN.password })).find_one();
      const x509 = { ...options, tlsCertificateKeyFile, authMechanism: 'MONGODB-X509' };
      await thingsOf(newAsyncIOClient(relay, x509)).find_one();
    } finally {
      await rm(folder, { recursive: true });
    }
    expect(logins.accepted).to.deep.equal(['SCRAM-SHA-256 ann@admin', 'MONGODB-X509 CN=anybody@$external']);
    expect(relay.handshakes.map(({ clientCertificate }) => clientCertificate)).to.include('anybody');
    const how = Object.fromEntries(compressing.arrived.map(({ name, compressor }) => [name, compressor]));
    expect(how).to.include({ saslContinue: null, find: 'zlib' });
  });

  for (const mechanism of ['GSSAPI', 'MONGODB-AWS', 'MONGODB-OIDC']) {
    it(`refuses ${mechanism} with the first operation, before anything is sent`, async () => {
      const { proxy } = await guarded();
      const user = mechanism === 'MONGODB-OIDC' ? {} : { username: 'ann' };
      const client = newAsyncIOClient(proxy, { ...user, authMechanism: mechanism });
      const error = await rejection(thingsOf(client).find_one());
      expect(error).to.be.instanceOf(ConfigurationError).with.property('message').that.includes(mechanism);
      expect(proxy.connections.accepted).to.equal(0);
    });
  }

  describe('refuses a server', () => {
    for (const [what, words, rules] of [
      [
        'whose signature is wrong',
        'signature',
        { spoil: (step, one) => (step === 'first' ? one : `v=${'A'.repeat(43)}=`) },
      ],
      ['that has no signature', 'signature', { spoil: (step, one) => (step === 'first' ? one : '') }],
      ['that wants too few iterations', '4096', { iterations: 4095 }],
      [
        'that takes another nonce',
        'nonce',
        { spoil: (step, one) => (step === 'final' ? one : one.replace('r=', 'r=x')) },
      ],
    ] as const satisfies [string, string, LoginRules][]) {
      for (const mechanism of ['SCRAM-SHA-1', 'SCRAM-SHA-256']) {
        it(`${what}, ${mechanism}`, async () => {
          const { uri, proxy } = await guarded([ANN], rules);
          for (const [, connect] of surfaces) {
            const client = connect(uri(undefined, `/?authMechanism=${mechanism}`));
            const error = await rejection(thingsOf(client).find_one());
            expect(error).to.be.instanceOf(OperationFailure).with.property('code', null);
            expect(error.message).to.include(words).and.include(proxy.address).and.include(mechanism);
            expect(shown(error)).not.to.include('hush');
            expect(countsOf(client)).to.include({ open: 0, checkedOut: 0, waiting: 0 });
          }
          // Where it is the last step that is wrong the server may believe that all is well; nothing must be sent.
          expect(proxy.names).not.to.include('find');
        });
      }
    }

    it('that answers no message of SCRAM', async () => {
      const { uri, proxy } = await guarded([ANN], { speculates: false });
      for (const reply of [{ ok: 1 }, { ok: 1, payload: 'r=x' }, { ok: 1, done: true }]) {
        proxy.on('saslStart', answer(reply));
        const error = await rejection(thingsOf(newClient(uri())).find_one());
        expect(error).to.be.instanceOf(OperationFailure).with.property('message').that.includes('SCRAM');
      }
    });
  });

  describe('where the network fails', () => {
    for (const [command, rules] of [
      ['hello', {}],
      ['saslContinue', {}],
      ['saslStart', { speculates: false }],
      ['saslContinue', { speculates: false, skipsEmptyExchange: false }],
    ] as const) {
      for (const [how, fault] of [
        ['closes', closeFirst()],
        ['is reset', closeFirst(true)],
        ['loses the reply', loseReply()],
        ['cuts the reply', cutReply(20)],
      ] as const) {
        it(`fails with AutoReconnect, and then works: ${command} ${how} ${JSON.stringify(rules)}`, async () => {
          const { uri, proxy, logins } = await guarded([ANN], rules);
          const client = newClient(uri());
          const things = thingsOf(client);
          const rule = proxy.on(command, fault);
          expect(await rejection(things.find_one())).to.be.instanceOf(AutoReconnect);
          expect(rule.hits).to.equal(1);
          expect(await things.find_one()).to.equal(null);
          expect(logins.passed).to.deep.equal(['ann@admin find']);
          expect(countsOf(client)).to.include({ open: 1, checkedOut: 0 });
        });
      }
    }

    it('does not wait longer than connectTimeoutMS', async () => {
      const { uri, proxy } = await guarded();
      proxy.on('saslContinue', hang());
      const client = newClient(uri(), { connectTimeoutMS: 200 });
      const error = await rejection(thingsOf(client).find_one());
      expect(error).to.be.instanceOf(AutoReconnect).with.property('message').that.includes('connectTimeoutMS');
    });

    it('is tried again by the asyncio surface', async () => {
      const { uri, proxy } = await guarded();
      const rule = proxy.on('saslContinue', closeFirst());
      await thingsOf(newAsyncIOClient(uri())).find_one();
      expect(rule.hits).to.equal(1);
    });
  });

  it('is not asked for by arbiters', async () => {
    const { uri, proxy } = await guarded();
    proxy.on(
      'hello',
      answer({ ok: 1, arbiterOnly: true, setName: 's', hosts: [], minWireVersion: 0, maxWireVersion: 21 }),
    );
    const client = newClient(uri());
    expect(await rejection(client.get_database('admin').command('ping'))).to.have.property('code', 13);
    expect(saslNames(proxy)).to.deep.equal([]);
  });

  it('is shown to nobody', async () => {
    const { uri, proxy } = await guarded();
    const client = newClient(uri());
    const told = record(client, [
      'commandStarted',
      'commandSucceeded',
      'commandFailed',
      'connectionReady',
      'connectionClosed',
    ]);
    await thingsOf(client).find_one();
    const all = inspect([told, client, client.get_database(DATABASE)], { depth: 20, showHidden: true });
    expect(all)
      .to.include('find')
      .and.not.match(/hush|biws|saslContinue|speculative/);
    for (const { document } of proxy.commands) expect(inspect(document, { depth: 20 })).not.to.include('hush');
  });
});

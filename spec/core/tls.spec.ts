import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import type { Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createSecureContext, type TlsOptions } from 'node:tls';
import { type Document, Long } from 'bson';
import { expect } from 'chai';
import {
  AutoReconnect,
  CertificateError,
  ConfigurationError,
  ConnectionFailure,
  ServerSelectionTimeoutError,
} from '../../lib/index';
import { Certificate } from '../support/certificates';
import {
  countsOf,
  DATABASE,
  eachForm,
  freshCollection,
  newAsyncIOClient,
  newClient,
  newProxy,
  newRelay,
  uniqueName,
} from '../support/clients';
import { eventually } from '../support/eventually';
import { closeFirst, hang, loseReply } from '../support/faults';
import { server } from '../support/hooks';
import { listen } from '../support/listen';
import { MORE_TO_COME } from '../support/message';
import { RawClient } from '../support/rawClient';
import { rejection } from '../support/rejection';
import { type Relay, relayTo } from '../support/relay';

const authority = new Certificate('authority');
const good = new Certificate('server', { hosts: ['127.0.0.1', 'localhost'], by: authority });
const client = new Certificate('client', { hosts: ['client'], by: authority });
const stranger = new Certificate('stranger', { hosts: ['127.0.0.1', 'localhost'] });
const offspring = new Certificate('offspring', { hosts: ['127.0.0.1'], by: new Certificate('another authority') });

const PASSPHRASE = 'open sesame';
const FILES = {
  ca: authority.certificate,
  bundle: stranger.certificate + authority.certificate,
  client: client.certificate + client.key,
  certificate: client.certificate,
  key: client.key,
  strangersKey: client.certificate + stranger.key,
  locked: client.certificate + client.lockedKey(PASSPHRASE),
  misleading: '',
  misleadingByWrong: '',
  foreign: stranger.certificate + stranger.key,
  expired: '',
  noneRevoked: authority.revocations([]),
  revoked: stranger.revocations([]) + authority.revocations([good]),
  oldList: authority.revocations([], -1),
  foreignList: stranger.revocations([]),
  garbage: 'PEM',
};
const expiredClient = new Certificate('late', { hosts: ['late'], by: authority, from: -10, until: -2 });
FILES.expired = expiredClient.certificate + expiredClient.key;

/** A locked key whose bytes look right at first to who tries another passphrase, or none: one of some two hundred. */
function misleadingKey(tried: TlsOptions): string {
  let key = '';
  // Another OpenSSL may tell them apart.
  for (let tries = 0; tries < 3000; tries++) {
    key = client.certificate + client.lockedKey(PASSPHRASE);
    try {
      createSecureContext({ key, ...tried });
    } catch (error) {
      if ((error as { code?: string }).code !== 'ERR_OSSL_BAD_DECRYPT') break;
    }
  }
  return key;
}

type FileName = keyof typeof FILES;
let folder = '';
const file = (name: FileName) => join(folder, `${name}.pem`);

before(() => {
  folder = mkdtempSync(join(tmpdir(), 'motor-tls-'));
  FILES.misleading = misleadingKey({});
  FILES.misleadingByWrong = misleadingKey({ passphrase: 'wrong' });
  for (const [name, contents] of Object.entries(FILES)) writeFileSync(file(name as FileName), contents);
});
after(() => rmSync(folder, { recursive: true }));

const keysOf = (certificate: Certificate): TlsOptions => ({ cert: certificate.certificate, key: certificate.key });
const SERVER = keysOf(good);
const DEMANDING: TlsOptions = { ...SERVER, requestCert: true, ca: authority.certificate };

/** How the surfaces say the same. */
const SURFACES = [
  {
    name: 'MotorClient',
    open: (where: string | Relay, options: Document = {}) => newClient(where, options),
    verified: (ca: FileName = 'ca') => ({ ssl: true, ssl_ca_certs: file(ca), ssl_cert_reqs: 2 }),
    unverified: () => ({ ssl: true }),
    anyHost: () => ({ ssl_ca_certs: file('ca'), ssl_cert_reqs: 1 }),
    presenting: (name: FileName) => ({ ssl_certfile: file(name) }),
    patient: {},
  },
  {
    name: 'AsyncIOMotorClient',
    // Who is patient says in the end what went wrong.
    open: (where: string | Relay, options: Document = {}) =>
      newAsyncIOClient(where, { serverSelectionTimeoutMS: 250, ...options }),
    verified: (ca: FileName = 'ca') => ({ tls: true, tlsCAFile: file(ca) }),
    unverified: () => ({ tls: true, tlsInsecure: true }),
    anyHost: () => ({ tlsCAFile: file('ca'), tlsAllowInvalidHostnames: true }),
    presenting: (name: FileName) => ({ tlsCertificateKeyFile: file(name) }),
    // Where nothing is to go wrong.
    patient: { serverSelectionTimeoutMS: 10_000 },
  },
];

for (const surface of SURFACES) {
  describe(`TLS of ${surface.name}`, () => {
    eachForm((call) => {
      const ping = (where: string | Relay, options: Document) =>
        call(
          surface.open(where, options).get_database('admin') as object,
          'command' as never,
          'ping',
        ) as Promise<unknown>;
      const works = async (where: string | Relay, options: Document) =>
        expect(await ping(where, { ...surface.patient, ...options })).to.include({ ok: 1 });
      const fails = async (where: string | Relay, options: Document, ...words: string[]) => {
        const error = await rejection(ping(where, options));
        expect(error).to.be.instanceOf(ConnectionFailure).and.instanceOf(AutoReconnect);
        expect(error.message).to.include(`cannot connect to ${typeof where === 'string' ? '' : where.address}`);
        expect(
          words.some((text) => error.message.includes(text)),
          error.message,
        ).to.equal(true);
        return error;
      };

      for (const protocol of ['TLSv1.2', 'TLSv1.3'] as const) {
        describe(`by ${protocol}`, () => {
          const only = { minVersion: protocol, maxVersion: protocol };

          it('works with a server whose certificate is good', async () => {
            const relay = await newRelay({ tls: { ...SERVER, ...only } });
            await Promise.all([
              works(relay, surface.verified()),
              works(relay, surface.verified('bundle')),
              works(relay, surface.unverified()),
              works(relay, surface.anyHost()),
            ]);
            expect(relay.handshakes.map((handshake) => handshake.protocol)).to.include(protocol);
            expect(relay.handshakes.map((handshake) => handshake.clientCertificate)).to.not.include('client');
          });

          it('presents its certificate where one is demanded', async () => {
            const relay = await newRelay({ tls: { ...DEMANDING, ...only } });
            await works(relay, { ...surface.verified(), ...surface.presenting('client') });
            expect(relay.handshakes[0]).to.have.property('clientCertificate', 'client');
          });

          it('fails where it has none that is demanded, or not the right one', async () => {
            const relay = await newRelay({ tls: { ...DEMANDING, ...only } });
            // Which of them it is depends on whether the server's last words still arrive.
            const demanded = ['demands a certificate of the client', 'EPIPE'];
            const refused = ["does not accept the client's certificate", 'closed the connection', 'EPIPE'];
            await Promise.all([
              fails(relay, surface.verified(), ...demanded),
              fails(relay, { ...surface.verified(), ...surface.presenting('foreign') }, ...refused),
              fails(relay, { ...surface.verified(), ...surface.presenting('expired') }, ...refused),
            ]);
          });

          it('refuses what cannot be verified, unless told otherwise', async () => {
            const selfSigned = await newRelay({ tls: { ...keysOf(stranger), ...only } });
            await Promise.all([
              fails(selfSigned, surface.verified(), 'is self-signed, and not trusted'),
              works(selfSigned, surface.verified('bundle')),
              works(selfSigned, surface.unverified()),
            ]);
            const foreign = await newRelay({ tls: { ...keysOf(offspring), ...only } });
            await Promise.all([
              fails(foreign, surface.verified(), 'issued by nobody who is trusted'),
              fails(foreign, surface.anyHost(), 'issued by nobody who is trusted'),
              works(foreign, surface.unverified()),
            ]);
          });
        });
      }

      it('refuses a certificate for another host, unless told otherwise', async () => {
        const other = new Certificate('other', { hosts: ['db.example.com', '10.1.2.3'], by: authority });
        const relay = await newRelay({ tls: keysOf(other) });
        const error = await fails(relay, surface.verified(), "server's certificate is for another host");
        expect(error.message).to.include('127.0.0.1').and.include('10.1.2.3');
        if (surface.name === 'MotorClient') expect(error.cause).to.be.instanceOf(CertificateError);
        await Promise.all([works(relay, surface.anyHost()), works(relay, surface.unverified())]);
      });

      it('refuses a certificate that is not valid now', async () => {
        const periods = [
          [-10, -2, 'has expired'],
          [2, 10, 'is not valid yet'],
        ] as const;
        const tried = periods.map(async ([from, until, words]) => {
          const relay = await newRelay({
            tls: keysOf(new Certificate('untimely', { hosts: ['127.0.0.1'], by: authority, from, until })),
          });
          await Promise.all([
            fails(relay, surface.verified(), `server's certificate ${words}`),
            fails(relay, surface.anyHost(), `server's certificate ${words}`),
            works(relay, surface.unverified()),
          ]);
        });
        await Promise.all(tried);
      });

      it('names the server by its name, and never by an address', async () => {
        const relay = await newRelay({ tls: SERVER });
        await Promise.all([
          works(relay, surface.verified()),
          works(`mongodb://localhost:${relay.port}`, surface.verified()),
        ]);
        expect(relay.handshakes.map(({ serverName }) => serverName)).to.include.members([false, 'localhost']);
        expect(relay.handshakes.map(({ serverName }) => serverName)).to.not.include('127.0.0.1');
      });

      it('works over a Unix socket, where the server is localhost', async () => {
        const relay = await newRelay({ tls: SERVER, path: join(folder, `${uniqueName()}.sock`) });
        await works(relay, surface.verified());
        const other = new Certificate('elsewhere', { hosts: ['elsewhere'], by: authority });
        const elsewhere = await newRelay({ tls: keysOf(other), path: join(folder, `${uniqueName()}.sock`) });
        await fails(elsewhere, surface.verified(), "server's certificate is for another host");
      });

      it('says so where the server speaks no TLS, or only TLS', async () => {
        const http = await listen((socket) => socket.write('HTTP/1.1 400 Bad Request\r\n\r\n'));
        const relay = await newRelay({ tls: SERVER });
        const talkative = await listen((socket) =>
          socket.once('data', () => socket.end(Buffer.from([21, 3, 3, 0, 2, 2, 70]))),
        );
        await Promise.all([
          fails(http.uri, surface.verified(), 'the server speaks no TLS'),
          fails(relay, {}, 'speaks TLS: connect with it', 'perhaps it wants TLS'),
          fails(talkative.uri, {}, 'the server speaks TLS: connect with it'),
        ]);
        http.close();
        talkative.close();
      });

      it('fails where there is no common version or cipher', async () => {
        const old = await newRelay({
          tls: { ...SERVER, minVersion: 'TLSv1', maxVersion: 'TLSv1.1', ciphers: 'ALL:@SECLEVEL=0' },
        });
        const odd = await newRelay({ tls: { ...SERVER, maxVersion: 'TLSv1.2', ciphers: 'AES128-SHA' } });
        await Promise.all([
          fails(old, surface.verified(), 'no version of TLS in common'),
          fails(odd, surface.verified(), 'no common cipher'),
        ]);
      });

      it('fails where the server closes in the middle of the TLS handshake', async () => {
        const ends = [(socket: Socket) => socket.end(), (socket: Socket) => socket.resetAndDestroy()];
        const tried = ends.map(async (close) => {
          const listener = await listen((socket) => socket.once('data', () => close(socket)));
          await fails(
            listener.uri,
            surface.verified(),
            'closed the connection in the TLS handshake; perhaps it speaks no TLS',
          );
          listener.close();
        });
        await Promise.all(tried);
      });

      it('waits for the TLS handshake no longer than connectTimeoutMS', async () => {
        const silent = await listen();
        const startedAt = performance.now();
        await fails(
          silent.uri,
          { ...surface.verified(), connectTimeoutMS: 100 },
          'timed out after 100 ms (connectTimeoutMS)',
        );
        expect(performance.now() - startedAt).to.be.within(95, 2500);
        silent.close();
        const proxy = await newProxy();
        proxy.on('hello', hang(), Infinity);
        const relay = await newRelay({ tls: SERVER }, proxy);
        await fails(relay, { ...surface.verified(), connectTimeoutMS: 100 }, 'timed out after 100 ms');
      });

      it('tells nobody who it is before the certificate was verified', async () => {
        const proxy = await newProxy();
        const relay = await newRelay({ tls: keysOf(stranger) }, proxy);
        await fails(relay, surface.verified(), 'self-signed');
        expect(proxy.commands).to.deep.equal([]);
      });

      it('refuses keys and certificates that cannot be read, before it connects', async () => {
        const relay = await newRelay({ tls: DEMANDING });
        const refuses = async (options: Document, words: string) => {
          const error = await rejection(ping(relay, options));
          expect(error).to.be.instanceOf(ConfigurationError).with.property('message').that.includes(words);
          expect(error.message).to.not.include(PASSPHRASE);
        };
        await refuses(surface.verified('garbage'), 'holds none');
        await refuses(surface.presenting('garbage'), 'cannot be read');
        await refuses(surface.presenting('certificate'), 'cannot be read');
        await refuses(surface.presenting('strangersKey'), 'does not belong to its certificate');
        await refuses(surface.presenting('locked'), 'there is no passphrase');
        await refuses(surface.presenting('misleading'), 'there is no passphrase');
        expect(relay.handshakes).to.deep.equal([]);
      });

      it('carries large messages both ways, and replies in odd pieces', async () => {
        const relay = await newRelay({ tls: SERVER, pieces: [1, 3, 16, 7, 4096, 5, 100_000] });
        const things = surface
          .open(relay, { ...surface.patient, ...surface.verified() })
          .get_database(DATABASE)
          .get_collection(uniqueName());
        const insert = 'insert_many' in things ? 'insert_many' : 'insert';
        const documents = Array.from({ length: 30 }, (_, _id) => ({ _id, filler: Buffer.alloc(1_000_000, _id) }));
        await call(things as object, insert as never, documents);
        const found = (await call(things.find().sort('_id', 1) as object, 'to_list' as never, null)) as Document[];
        expect(found).to.have.length(30);
        for (const [index, { filler }] of found.entries()) {
          expect(Buffer.from(filler.buffer).equals(documents[index]?.filler as Buffer)).to.equal(true);
        }
        await (things as { drop(): Promise<unknown> }).drop();
      });

      it('is at work as good as a plain connection: many at once, faults, time limits', async () => {
        const proxy = await newProxy();
        const relay = await newRelay({ tls: SERVER }, proxy);
        const motor = surface.open(relay, {
          ...surface.verified(),
          socketTimeoutMS: 200,
          ...surface.patient,
          ...(surface.name === 'MotorClient' ? {} : { retryReads: false }),
        });
        const database = motor.get_database('admin');
        const again = () => call(database as object, 'command' as never, 'ping');
        await Promise.all(Array.from({ length: 50 }, again));
        for (const action of [loseReply(), closeFirst(), closeFirst(true)]) {
          proxy.on('ping', action);
          expect(await rejection(again()))
            .to.be.instanceOf(AutoReconnect)
            .with.property('message')
            .that.includes('ping on admin');
          await again();
        }
        proxy.on('ping', hang());
        expect(await rejection(again()))
          .to.be.instanceOf(AutoReconnect)
          .with.property('timeout', true);
        await again();
      });
    });
  });
}

describe('TLS of MotorClient', () => {
  it('takes the key from a file of its own', async () => {
    const relay = await newRelay({ tls: DEMANDING });
    const options = { ssl_ca_certs: file('ca'), ssl_certfile: file('certificate'), ssl_keyfile: file('key') };
    await newClient(relay, options).open();
    expect(relay.handshakes[0]).to.have.property('clientCertificate', 'client');
  });

  it('understands a connection string', async () => {
    const relay = await newRelay({ tls: SERVER });
    await newClient(`${relay.uri}/?ssl=true`).open();
    const string = `${relay.uri}/?ssl_ca_certs=${encodeURIComponent(file('ca'))}&ssl_cert_reqs=CERT_REQUIRED`;
    await newClient(string).open();
  });

  it('looks for contradictions before it reads files', () => {
    for (const name of ['ssl_certfile', 'ssl_keyfile', 'ssl_ca_certs']) {
      const options = { ssl: false, [name]: join(folder, 'missing') };
      expect(() => newClient('mongodb://h', options), name).to.throw(ConfigurationError, 'TLS is switched off');
      expect(() => newClient(`mongodb://h/?ssl=false&${name}=missing`), name).to.throw(ConfigurationError);
    }
  });
});

describe('TLS of AsyncIOMotorClient', () => {
  const ping = (relay: Relay, options: Document) =>
    newAsyncIOClient(relay, { tlsCAFile: file('ca'), serverSelectionTimeoutMS: 1000, ...options })
      .get_database('admin')
      .command('ping');

  it('verifies by default, by the authorities that Node knows', async () => {
    const relay = await newRelay({ tls: SERVER });
    const client = newAsyncIOClient(`${relay.uri}/?tls=true`, { serverSelectionTimeoutMS: 250 });
    const error = await rejection(client.get_database('admin').command('ping'));
    expect(error).to.be.instanceOf(ServerSelectionTimeoutError);
    expect(error.message).to.include('issued by nobody who is trusted');
  });

  it('opens a key by its passphrase', async () => {
    const relay = await newRelay({ tls: DEMANDING });
    const locked = { tlsCertificateKeyFile: file('locked') };
    await ping(relay, { ...locked, tlsCertificateKeyFilePassword: PASSPHRASE });
    expect(relay.handshakes[0]).to.have.property('clientCertificate', 'client');
    for (const tlsCertificateKeyFile of [file('locked'), file('misleadingByWrong')]) {
      const error = await rejection(ping(relay, { tlsCertificateKeyFile, tlsCertificateKeyFilePassword: 'wrong' }));
      expect(error).to.be.instanceOf(ConfigurationError);
      expect(error.message).to.include("passphrase of the client's key").and.not.include('wrong.');
    }
  });

  it('accepts what it is told to accept, and no more', async () => {
    const other = new Certificate('other', { hosts: ['db.example.com'], by: authority });
    const relay = await newRelay({ tls: keysOf(other) });
    await ping(relay, { tlsAllowInvalidHostnames: true });
    await ping(relay, { tlsAllowInvalidCertificates: true });
    await ping(relay, { tlsInsecure: true });
    await rejection(ping(relay, { tlsDisableOCSPEndpointCheck: true }));
    const selfSigned = await newRelay({ tls: keysOf(stranger) });
    await ping(selfSigned, { tlsAllowInvalidCertificates: true });
    await rejection(ping(selfSigned, { tlsAllowInvalidHostnames: true }));
  });

  it('asks the revocation list', async () => {
    const relay = await newRelay({ tls: SERVER });
    await ping(relay, { tlsCRLFile: file('noneRevoked') });
    const failure = async (list: FileName) => (await rejection(ping(relay, { tlsCRLFile: file(list) }))).message;
    expect(await failure('revoked')).to.include("server's certificate was revoked");
    expect(await failure('oldList')).to.include('revocation list (tlsCRLFile) has expired');
    expect(await failure('foreignList')).to.include('there is no revocation list');
    expect(await failure('garbage')).to.include('revocation list (tlsCRLFile) cannot be read');
    // Who does not verify does not care.
    await ping(relay, { tlsCRLFile: file('revoked'), tlsInsecure: true });
  });
});

describe('an exhaust cursor over TLS', () => {
  const things = freshCollection();

  it('takes what the server streams, in odd pieces, at its own pace', async () => {
    const COUNT = 500;
    await things().insert(Array.from({ length: COUNT }, (_, _id) => ({ _id, text: 'x'.repeat(1000) })));
    const proxy = await newProxy();
    const relay = await newRelay({ tls: SERVER, pieces: [1, 20_000, 3, 17, 5] }, proxy);
    proxy.on('getMore', async (exchange) => {
      const raw = await RawClient.connect(server());
      const { getMore, $db, ...rest } = exchange.command.document;
      const command = { getMore: Long.fromString(String(getMore)), ...rest };
      let answers: number | null = null;
      for (let id = 1_000_000; ; id++) {
        const document = await raw.run($db as string, command);
        const ends = String(document.cursor.id) === '0';
        const message = exchange.replyWith(document);
        message.writeInt32LE(id, 4);
        if (answers !== null) message.writeInt32LE(answers, 8);
        if (!ends) message.writeInt32LE(MORE_TO_COME, 16);
        answers = id;
        await exchange.send(message);
        if (ends) break;
      }
      await raw.close();
    });
    const motor = newClient(relay, { ssl: true });
    const cursor = motor
      .get_database(DATABASE)
      .get_collection(things().name)
      .find({}, { exhaust: true })
      .batch_size(50);
    const ids: unknown[] = [];
    for await (const { _id } of cursor) {
      ids.push(_id);
      if (ids.length % 100 === 0) await new Promise((resolve) => setTimeout(resolve, 20));
    }
    expect(ids).to.deep.equal(Array.from({ length: COUNT }, (_, i) => i));
    expect(proxy.count('getMore')).to.equal(1);
    expect(countsOf(motor)).to.include({ checkedOut: 0, idle: 1 });
  });
});

describe('a relay of the tests', () => {
  it('tells when its clients are gone', async () => {
    const relay = await relayTo(server(), { tls: SERVER });
    const motor = newClient(relay, { ssl: true });
    await motor.open();
    expect(relay.connections.open).to.equal(1);
    motor.close();
    await eventually(() => relay.connections.open === 0, 'the connection is closed');
    await relay.close();
  });
});

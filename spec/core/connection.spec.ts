import { type AddressInfo, connect, createServer } from 'node:net';
import * as os from 'node:os';
import { Int32 } from 'bson';
import { expect } from 'chai';
import {
  AutoReconnect,
  ConfigurationError,
  ConnectionFailure,
  type MotorClient,
  NotPrimaryError,
  version,
} from '../../lib/index';
import { countsOf, DATABASE, eachForm, newClient, newProxy, ping, uniqueName } from '../support/clients';
import { eventually } from '../support/eventually';
import { answer, closeFirst, cutReply, hang, loseReply, rewriteReply } from '../support/faults';
import { server } from '../support/hooks';
import { listen } from '../support/listen';
import type { Action } from '../support/proxy';
import { rejection } from '../support/rejection';
import { runScript } from '../support/script';

const NOTHING = { open: 0, idle: 0, checkedOut: 0, waiting: 0 };

describe('connecting', () => {
  eachForm((call) => {
    /** What a client's first operation fails with. */
    const failure = async (client: MotorClient) => {
      const error = await rejection(call(client.get_database('admin'), 'command', 'ping'));
      expect(error).to.be.instanceOf(AutoReconnect).and.instanceOf(ConnectionFailure);
      expect(countsOf(client)).to.deep.equal(NOTHING);
      return error.message;
    };

    it('fails where nobody listens, and works when somebody does', async () => {
      const proxy = await newProxy();
      proxy.refuse();
      const client = newClient(proxy);
      expect(await failure(client)).to.equal(`cannot connect to ${proxy.address}: connection refused`);
      expect(client.connected).to.equal(false);
      await proxy.accept();
      await ping(client);
      expect(client.connected).to.equal(true);
    });

    it('fails where the name is unknown', async () => {
      const message = await failure(newClient('mongodb://no-such-host.invalid:1'));
      expect(message).to.equal('cannot connect to no-such-host.invalid:1: the name cannot be resolved');
    });

    it('fails where there is no such Unix socket', async () => {
      const message = await failure(newClient('mongodb://%2Ftmp%2Fno-such-socket.sock'));
      expect(message).to.equal('cannot connect to /tmp/no-such-socket.sock: there is no such socket');
    });

    it('fails after connectTimeoutMS where the hello is never answered', async () => {
      const proxy = await newProxy();
      proxy.on('hello', hang(), Infinity);
      const startedAt = performance.now();
      const message = await failure(newClient(proxy, { connectTimeoutMS: 100 }));
      expect(message).to.equal(
        `cannot connect to ${proxy.address}: timed out after 100 ms (connectTimeoutMS); it took the connection, but did not answer`,
      );
      expect(performance.now() - startedAt).to.be.within(95, 2000);
    });

    for (const [what, action] of [
      ['is closed', closeFirst()],
      ['is reset', closeFirst(true)],
      ['is closed in its reply', cutReply(20)],
    ] as [string, Action][]) {
      it(`fails where the connection ${what} in the handshake`, async () => {
        const proxy = await newProxy();
        proxy.on('hello', action);
        const client = newClient(proxy);
        expect(await failure(client)).to.include(`cannot connect to ${proxy.address}: `);
        await ping(client);
      });
    }

    it('fails where the server closes what it accepts', async () => {
      const listener = await listen((socket) => socket.destroy());
      expect(await failure(newClient(listener.uri))).to.include('cannot connect to 127.0.0.1:');
      listener.close();
    });

    it('fails where something else answers', async () => {
      const listener = await listen((socket) => socket.write('HTTP/1.1 400 Bad Request\r\n\r\n'));
      const message = await failure(newClient(listener.uri));
      expect(message).to.include('127.0.0.1:').and.include('gives its length as');
      listener.close();
    });

    it('fails where the server refuses the handshake', async () => {
      const proxy = await newProxy();
      proxy.on('hello', answer({ ok: 0, errmsg: 'out of order' }));
      const client = newClient(proxy);
      expect(await failure(client)).to.equal(`${proxy.address} refused the handshake: out of order`);
      await ping(client);
    });

    it('fails where the server is too old, and says what both speak', async () => {
      const proxy = await newProxy();
      const old = rewriteReply((hello) => ({ ...hello, minWireVersion: new Int32(0), maxWireVersion: new Int32(5) }));
      proxy.on('hello', old, 1);
      const client = newClient(proxy);
      const error = await rejection(call(client.get_database('admin'), 'command', 'ping'));
      expect(error).to.be.instanceOf(ConfigurationError);
      expect(error.message).to.include(`${proxy.address} speaks wire versions 0 to 5, `);
      expect(error.message).to.include(`motor-mongo ${version} speaks 6 and later`);
      expect(countsOf(client)).to.deep.equal(NOTHING);
      await ping(client);
    });
  });

  it('is tried once for all operations that wait for it', async () => {
    const proxy = await newProxy();
    const client = newClient(proxy);
    proxy.on('hello', closeFirst());
    const errors = await Promise.all([1, 2, 3, 4, 5].map(() => rejection(ping(client))));
    for (const error of errors) expect(error).to.be.instanceOf(AutoReconnect);
    expect(proxy.connections.accepted).to.equal(1);
    await Promise.all([client.open(), client.open(), client.open()]);
    expect(proxy.connections.accepted).to.equal(2);
  });

  it('works over a Unix socket', async function () {
    const { socketPath } = server();
    if (socketPath === null) this.skip();
    const client = newClient(`mongodb://${encodeURIComponent(socketPath)}`);
    await ping(client);
    expect(client.nodes).to.deep.equal([[socketPath, null]]);
  });

  it('works over IPv6', async function () {
    if (!Object.values(os.networkInterfaces()).some((all) => all?.some(({ address }) => address === '::1')))
      this.skip();
    const proxy = await newProxy();
    const relay = createServer((socket) => {
      const other = connect(proxy.port, proxy.host);
      socket
        .on('error', () => other.destroy())
        .pipe(other)
        .pipe(socket);
      other.on('error', () => socket.destroy());
    });
    await new Promise<void>((resolve) => relay.listen(0, '::1', resolve));
    const { port } = relay.address() as AddressInfo;
    const client = newClient(`mongodb://[::1]:${port}`);
    await ping(client);
    expect([client.host, client.port]).to.deep.equal(['::1', port]);
    relay.close();
  });

  it('takes localhost for the IPv4 one', async () => {
    const proxy = await newProxy(); // which listens on 127.0.0.1 only
    const client = newClient(`mongodb://localhost:${proxy.port}`);
    await ping(client);
    expect(client.host).to.equal('localhost');
    expect(proxy.connections.accepted).to.equal(1);
  });

  it('tells the server who connects', async () => {
    const proxy = await newProxy();
    await ping(newClient(proxy, { appname: 'the shop' }));
    const [hello] = proxy.commands;
    expect(hello).to.include({ name: 'ismaster', db: 'admin', legacy: true });
    expect(hello?.document.client).to.deep.include({
      application: { name: 'the shop' },
      driver: { name: 'motor-mongo', version },
    });
    expect(hello?.document.client.os).to.include({ type: os.type(), architecture: process.arch });
    expect(hello?.document.client.platform).to.include(`Node.js ${process.version}`);
  });

  it('sends at once what it has to send, however little', async () => {
    const { stdout } = await runScript(
      `const { Socket } = require('node:net');
       const seen = [];
       const connect = Socket.prototype.connect;
       const setNoDelay = Socket.prototype.setNoDelay;
       Socket.prototype.connect = function (...args) { seen.push(args[0][0].noDelay); return connect.apply(this, args); };
       const client = new motor.MotorClient(uri);
       await client.admin.command('ping');
       client.close();
       console.log(JSON.stringify(seen));`,
      server().uri,
    );
    expect(JSON.parse(stdout)).to.deep.equal([true]);
  });
});

describe('a connection at work', () => {
  eachForm((call) => {
    for (const [what, action] of [
      ['closed before the reply', loseReply()],
      ['closed before the command is done', closeFirst()],
      ['reset', closeFirst(true)],
    ] as [string, Action][]) {
      it(`fails its operation when it is ${what}`, async () => {
        const proxy = await newProxy();
        const client = newClient(proxy);
        const things = client.get_database(DATABASE).get_collection(uniqueName());
        await ping(client);
        proxy.on('find', action);
        const error = await rejection(call(things, 'find_one'));
        expect(error).to.be.instanceOf(AutoReconnect);
        expect(error.message).to.equal(
          `connection 1 to ${proxy.address} was ${what.startsWith('closed') ? 'closed by the server' : 'reset'} during ` +
            `find on ${things.full_name}; the next operation connects anew`,
        );
        expect(await call(things, 'find_one')).to.equal(null);
      });
    }

    it('fails its operation after socketTimeoutMS, and no other', async () => {
      const proxy = await newProxy();
      const client = newClient(proxy, { socketTimeoutMS: 300 });
      const database = client.get_database(DATABASE);
      await ping(client);
      proxy.on(({ name, document }) => name === 'find' && document.find === 'late', hang());
      const late = rejection(call(database.get_collection('late'), 'find_one'));
      const others = Promise.all([1, 2, 3].map(() => database.get_collection('fast').find_one()));
      expect(await others).to.deep.equal([null, null, null]);
      const error = await late;
      expect(error).to.be.instanceOf(AutoReconnect).with.property('timeout', true);
      expect(error.message).to.match(
        /^connection \d+ to .* timed out: no reply to find on motor_spec.late within 300 ms/,
      );
      const { accepted } = proxy.connections;
      await ping(client);
      expect(proxy.connections.accepted).to.equal(accepted);
    });
  });

  it('stays open when it is idle for longer than socketTimeoutMS', async () => {
    const proxy = await newProxy();
    const client = newClient(proxy, { socketTimeoutMS: 100 });
    await ping(client);
    await new Promise((resolve) => setTimeout(resolve, 250));
    await ping(client);
    expect(proxy.connections.accepted).to.equal(1);
    proxy.on('ping', hang());
    expect(await rejection(ping(client))).to.have.property('timeout', true);
  });

  it('is given up when the server says that it is no primary', async () => {
    const proxy = await newProxy();
    const client = newClient(proxy);
    await ping(client);
    proxy.on('ping', answer({ ok: 0, code: 10107, errmsg: 'not primary' }));
    expect(await rejection(ping(client))).to.be.instanceOf(NotPrimaryError);
    await ping(client);
    expect(proxy.connections.accepted).to.equal(2);
  });

  it('sends nothing that wants no reply to a server that is no primary', async () => {
    const proxy = await newProxy();
    proxy.on(
      'hello',
      rewriteReply((hello) => ({
        ...hello,
        isWritablePrimary: false,
        ismaster: false,
        secondary: true,
        setName: 'rs',
      })),
      Infinity,
    );
    const client = newClient(proxy);
    const things = client.get_database(DATABASE).get_collection(uniqueName());
    const error = await rejection(things.insert({ _id: 1 }, { w: 0 }));
    expect(error).to.be.instanceOf(NotPrimaryError);
    expect(error.message).to.include(`insert on ${things.full_name}`).and.include(proxy.address);
    expect(proxy.names).to.not.include('insert');
  });

  it('that was closed before an unacknowledged write was out fails it, and nothing else', async () => {
    const proxy = await newProxy();
    const client = newClient(proxy);
    const things = client.get_database(DATABASE).get_collection(uniqueName());
    await ping(client);
    // More than the socket takes at once, so that it is still at it.
    const write = things.insert({ filler: Buffer.alloc(8_000_000) }, { w: 0 });
    await new Promise((resolve) => setImmediate(resolve));
    client.close();
    await write.catch((error) => expect(error).to.be.instanceOf(AutoReconnect));
    await ping(client);
    await things.drop();
  });
});

describe('NODE_DEBUG=motor', () => {
  it('prints a line per message, without contents', async () => {
    const proxy = await newProxy();
    const { stderr, code } = await runScript(
      `const client = new motor.MotorClient(uri);
       await client.shop.things_debug.find_one({ secret: 'hush' });
       client.close();`,
      proxy.uri,
      { env: { NODE_DEBUG: 'motor' } },
    );
    expect(code).to.equal(0);
    const lines = stderr.split('\n').filter((line) => line.startsWith('MOTOR'));
    expect(lines.map((line) => line.replace(/^MOTOR \d+: /, '').replaceAll(/[\d.]+(?= (B|ms)|$)/g, 'N'))).to.deep.equal(
      [
        `#1 ${proxy.address} > 1 ismaster N B`,
        `#1 ${proxy.address} < 1 N B N ms`,
        `#1 ${proxy.address} > 2 find on shop.things_debug N B`,
        `#1 ${proxy.address} < 2 N B N ms`,
      ],
    );
    expect(stderr).to.not.include('hush').and.not.include('secret');
    await eventually(() => proxy.connections.open === 0, 'the process is gone');
  });

  it('prints nothing when it is off', async () => {
    const { stderr } = await runScript(
      `const client = new motor.MotorClient(uri); await client.open(); client.close();`,
      server().uri,
    );
    expect(stderr).to.equal('');
  });
});

import { createServer, type Server } from 'node:net';
import { expect } from 'chai';
import { AsyncIOMotorClient } from '../../lib/asyncio/index';
import {
  ConfigurationError,
  InvalidURI,
  MotorClient,
  NetworkTimeout,
  OperationFailure,
  ProtocolError,
} from '../../lib/index';
import { newAsyncIOClient, newClient } from '../support/clients';
import { rejection } from '../support/rejection';

/** A server that is no MongoDB server, and its address; it is closed when the test is over. */
async function stranger(answer: string | null): Promise<string> {
  const server: Server = createServer((socket) => {
    socket.on('error', () => undefined);
    if (answer !== null) socket.end(answer);
    opened.push(() => socket.destroy());
  });
  opened.push(() => server.close());
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('it listens nowhere');
  return `mongodb://127.0.0.1:${address.port}`;
}
const opened: (() => void)[] = [];

describe('What errors say to those who are new', () => {
  afterEach(() => {
    for (const close of opened.splice(0)) close();
  });

  it('options of the other surface are named as this one has them', () => {
    expect(() => new MotorClient({ tlsCAFile: 'ca.pem' })).to.throw(TypeError, "did you mean 'ssl_ca_certs'?");
    expect(() => new MotorClient({ tls: true })).to.throw(TypeError, "did you mean 'ssl'?");
    expect(() => new MotorClient('mongodb://h/?tls=true')).to.throw("did you mean 'ssl'?");
    expect(() => new AsyncIOMotorClient({ ssl_ca_certs: 'ca.pem' })).to.throw(TypeError, "did you mean 'tlsCAFile'?");
    expect(() => new MotorClient({ retryWrites: true }), 'what this one does not have').to.throw(/'retryWrites'$/);
  });

  it('an option that is not built is neither unknown nor taken for another', () => {
    for (const name of ['event_listeners', 'server_api', 'server_selector', 'timeoutMS']) {
      const text = `does not have the option ${name}`;
      expect(() => new AsyncIOMotorClient({ [name]: 5 })).to.throw(ConfigurationError, text);
      expect(new AsyncIOMotorClient({ [name]: null })).to.be.instanceOf(AsyncIOMotorClient);
    }
  });

  it('a connection string without a host says so', () => {
    for (const Client of [MotorClient, AsyncIOMotorClient]) {
      for (const uri of ['mongodb:///shop', 'mongodb://', 'mongodb://ann:secret@/shop']) {
        expect(() => new Client(uri)).to.throw(InvalidURI, 'it names a host, as in mongodb://host/');
      }
    }
  });

  it('a server that takes the connection and is silent is told from one out of reach', async () => {
    const uri = await stranger(null);
    const error = await rejection(new MotorClient(uri, { connectTimeoutMS: 50 }).server_info());
    expect(error).to.be.instanceOf(NetworkTimeout);
    expect(error.message).to.match(
      /timed out after 50 ms \(connectTimeoutMS\); it took the connection, but did not answer$/,
    );
    const secure = new MotorClient(uri, { connectTimeoutMS: 50, ssl: true });
    expect((await rejection(secure.server_info())).message).to.match(
      / in the TLS handshake; perhaps the server speaks no TLS$/,
    );
    const waiting = new AsyncIOMotorClient(uri, { serverSelectionTimeoutMS: 50 });
    expect((await rejection(waiting.server_info())).message).to.include('none has answered yet');
    waiting.close();
  });

  it('a server of another kind is called that', async () => {
    const client = new MotorClient(await stranger('HTTP/1.1 400 Bad Request\r\n\r\n'));
    const error = await rejection(client.server_info());
    expect(error).to.be.instanceOf(ProtocolError);
    expect(error.message).to.include('the reply is no MongoDB message');
  });

  it('renaming names the collection, not where the command goes', async () => {
    const error = await rejection(newClient().get_database('shop').get_collection('missing').rename('other'));
    expect(error).to.be.instanceOf(OperationFailure);
    expect(error.message).to.include('(renameCollection on shop.missing at ');
  });

  it('wrong types say what would do', async () => {
    const db = newAsyncIOClient().get_database('shop');
    expect((await rejection(db.command(5 as never))).message).to.include('a name or a document, not 5');
    expect(() => db.with_options({ read_preference: 'first' as never })).to.throw("such as 'secondary'");
    expect(() => db.with_options({ write_concern: 5 as never })).to.throw('such as { w: 2 }, not 5');
    expect(() => newClient().get_database(5 as never)).to.throw(TypeError, 'must be a string, not 5');
  });
});

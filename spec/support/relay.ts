import { type AddressInfo, connect, createServer, type Server as Listener, type Socket } from 'node:net';
import { createServer as createTlsServer, type TLSSocket, type TlsOptions } from 'node:tls';
import type { Compressing } from './compressing';
import { MessageReader } from './message';
import type { Where } from './rawClient';

export interface RelayOptions {
  /** Speak TLS with clients, by these keys and certificates. */
  tls?: TlsOptions;
  /** Compress what clients want compressed. */
  compressing?: Compressing;
  /** Listen on this Unix socket instead of a free port of 127.0.0.1. */
  path?: string;
  /** Send replies in pieces of these sizes, again and again. */
  pieces?: readonly number[];
}

/** Start a relay in front of a server or proxy. */
export async function relayTo(target: Where, options: RelayOptions = {}): Promise<Relay> {
  const relay = new Relay(target, options);
  await relay.accept();
  return relay;
}

/** Stands between clients and a server that knows neither TLS nor compression, and does these in its place. */
export class Relay {
  readonly host = '127.0.0.1';
  port = 0;
  readonly path: string | undefined;
  /** Of each connection that got through the TLS handshake. */
  readonly handshakes: { serverName: string | false; protocol: string | null; clientCertificate: unknown }[] = [];
  /** Clients that did not. */
  readonly failures: Error[] = [];
  readonly #target: Where;
  readonly #options: RelayOptions;
  readonly #sockets = new Set<Socket>();
  #listener: Listener | null = null;

  constructor(target: Where, options: RelayOptions) {
    this.#target = target;
    this.#options = options;
    this.path = options.path;
  }

  get address(): string {
    return this.path ?? `${this.host}:${this.port}`;
  }

  get uri(): string {
    return `mongodb://${this.path === undefined ? this.address : encodeURIComponent(this.path)}`;
  }

  /** Connections that are open now. */
  get connections(): Readonly<{ open: number }> {
    return { open: this.#sockets.size };
  }

  accept(): Promise<void> {
    const { tls } = this.#options;
    const listener = tls === undefined ? createServer({ noDelay: true }) : createTlsServer({ noDelay: true, ...tls });
    this.#listener = listener;
    // Of TLS, the bare one beneath: it tells when the client is gone, with or without a handshake.
    listener.on('connection', (socket: Socket) => {
      this.#sockets.add(socket);
      socket.on('error', () => {}).once('close', () => this.#sockets.delete(socket));
      if (tls === undefined) this.#serve(socket);
    });
    listener.on('tlsClientError', (error) => this.failures.push(error));
    listener.on('secureConnection', (socket: TLSSocket) => {
      const { CN } = socket.getPeerCertificate().subject ?? {};
      const { servername } = socket as TLSSocket & { servername: string | false };
      this.handshakes.push({ serverName: servername, protocol: socket.getProtocol(), clientCertificate: CN });
      this.#serve(socket);
    });
    return new Promise((resolve, reject) => {
      listener.once('error', reject);
      listener.listen(this.path ? { path: this.path } : { host: this.host, port: 0 }, () => {
        if (!this.path) this.port = (listener.address() as AddressInfo).port;
        resolve();
      });
    });
  }

  /** Refuse new connections, drop the open ones. */
  async close(): Promise<void> {
    const closed = new Promise((resolve) => this.#listener?.close(resolve));
    for (const socket of this.#sockets) socket.destroy();
    await closed;
  }

  #serve(client: Socket): void {
    const { compressing, pieces } = this.#options;
    const { host = '127.0.0.1', port = 27017, path } = this.#target;
    const server = connect(path ? { path } : { host, port, noDelay: true });
    const cut = pieces === undefined ? null : inPieces(pieces);
    const toClient = (bytes: Buffer) => {
      for (const piece of cut === null ? [bytes] : cut(bytes)) client.write(piece);
    };
    const toServer = (bytes: Buffer) => void server.write(bytes);
    if (compressing === undefined) {
      client.on('data', toServer);
      server.on('data', toClient);
    } else {
      const connection = compressing.connection();
      onMessages(client, (message) => toServer(connection.request(message)));
      onMessages(server, (message) => toClient(connection.reply(message)));
    }
    client.on('error', () => {}).once('close', () => server.destroy());
    server.on('error', () => {}).once('close', () => client.destroySoon());
  }
}

function onMessages(socket: Socket, onMessage: (message: Buffer) => void): void {
  const reader = new MessageReader();
  socket.on('data', (chunk) => {
    try {
      for (const message of reader.push(chunk)) onMessage(message);
    } catch (error) {
      socket.destroy(error as Error);
    }
  });
}

function inPieces(sizes: readonly number[]): (bytes: Buffer) => Generator<Buffer> {
  let turn = 0;
  return function* (bytes) {
    for (let at = 0; at < bytes.length; ) {
      const size = sizes[turn++ % sizes.length] ?? 1;
      yield bytes.subarray(at, at + size);
      at += size;
    }
  };
}

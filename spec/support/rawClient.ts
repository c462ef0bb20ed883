import { connect, type Socket } from 'node:net';
import type { Document } from 'bson';
import { MessageReader, opMsg, opQuery, replyOf } from './message';

/** Where a server listens: a port or a Unix socket. */
export interface Where {
  readonly host?: string | undefined;
  readonly port?: number | undefined;
  readonly path?: string | undefined;
}

/** A reply that says `ok: 0`. */
export class CommandError extends Error {
  override readonly name = 'CommandError';
  readonly code: number;

  constructor(readonly reply: Document) {
    super(`${reply.errmsg} (code ${reply.code})`);
    this.code = Number(reply.code);
  }
}

/**
 * One connection without a driver: the outside observer of the tests. It makes no handshake, and does one thing at a
 * time.
 */
export class RawClient {
  readonly #socket: Socket;
  readonly #messages: Buffer[] = [];
  #waiter: { resolve: (message: Buffer) => void; reject: (error: Error) => void } | null = null;
  #failure: Error | null = null;
  #requestId = 0;

  private constructor(socket: Socket) {
    this.#socket = socket;
    const reader = new MessageReader();
    socket.on('data', (chunk) => {
      try {
        this.#messages.push(...reader.push(chunk));
      } catch (error) {
        this.#fail(error as Error);
      }
      this.#deliver();
    });
    socket.on('error', (error) => this.#fail(error));
    socket.on('close', () => this.#fail(new Error('the connection was closed')));
  }

  /** Connect to a `Server`, a `FaultProxy`, or any `{ host, port }` or `{ path }`. */
  static connect(where: Where): Promise<RawClient> {
    return new Promise((resolve, reject) => {
      const { host, port, path } = where;
      const socket = path ? connect(path) : connect({ host: host ?? '127.0.0.1', port: port ?? 27017, noDelay: true });
      socket.once('error', reject);
      socket.once('connect', () => resolve(new RawClient(socket.off('error', reject))));
    });
  }

  /**
   * Run a command and return its reply.
   * @throws CommandError: the reply says `ok: 0`
   * @throws Error: the connection broke
   */
  async run(db: string, command: Document): Promise<Document> {
    this.send(db, command);
    return this.#check(await this.read());
  }

  /** Send a command and leave its reply, if it has one, to `read`. Returns its request id. */
  send(db: string, command: Document, flags = 0): number {
    this.write(opMsg(++this.#requestId, 0, { ...command, $db: db }, flags));
    return this.#requestId;
  }

  /** Run a command the old way, as handshakes do. */
  async runLegacy(db: string, command: Document): Promise<Document> {
    this.write(opQuery(++this.#requestId, db, command));
    return this.#check(await this.read());
  }

  #check(message: Buffer): Document {
    const reply = replyOf(message);
    if (Number(reply.ok) !== 1) throw new CommandError(reply);
    return reply;
  }

  /** Send bytes as they are. */
  write(bytes: Buffer): void {
    this.#socket.write(bytes);
  }

  /** The next whole message that arrives. */
  read(): Promise<Buffer> {
    return new Promise((resolve, reject) => {
      this.#waiter = { resolve, reject };
      this.#deliver();
    });
  }

  #deliver(): void {
    if (!this.#waiter) return;
    const message = this.#messages.shift();
    if (message) this.#waiter.resolve(message);
    else if (this.#failure) this.#waiter.reject(this.#failure);
    else return;
    this.#waiter = null;
  }

  #fail(error: Error): void {
    this.#failure ??= error;
    this.#deliver();
  }

  /** Close the connection; resolves when it is closed. */
  close(): Promise<void> {
    return new Promise((resolve) => {
      if (this.#socket.closed) resolve();
      else this.#socket.once('close', () => resolve()).destroy();
    });
  }
}

/** Run one command on a connection of its own. */
export async function runRaw(where: Where, db: string, command: Document): Promise<Document> {
  const client = await RawClient.connect(where);
  try {
    return await client.run(db, command);
  } finally {
    await client.close();
  }
}

import { isIP, type Socket } from 'node:net';
import { debuglog } from 'node:util';
import type { Document } from 'bson';
import type { Address } from './address';
import { Authentication } from './auth/authentication';
import { clientMetadata } from './clientMetadata';
import type { ConnectionOptions, Credential } from './clientOptions';
import { Compression, offered } from './compression';
import {
  AutoReconnect,
  ConfigurationError,
  type InvalidBSON,
  NetworkTimeout,
  NotPrimaryError,
  ProtocolError,
} from './errors';
import { type Events, heard, isSecret, tell } from './events';
import {
  type DocumentSequence,
  decodeReply,
  EXHAUST_ALLOWED,
  encodeCommand,
  encodeLegacyQuery,
  MessageReader,
  MORE_TO_COME,
  recycle,
} from './message';
import { Operation } from './operation';
import {
  describeServer,
  isWritable,
  MIN_WIRE_VERSION,
  type ServerDescription,
  unknownServer,
} from './serverDescription';
import { encodingError, tooLarge } from './sizes';
import { causeOf, connectSocket, whenTimedOut, whyClosed, whyFailed } from './socket';
import { version } from './version';

const debug = debuglog('motor');

/** Whom a connection tells that it is free again, or gone. */
export interface ConnectionOwner {
  /** Its reply is complete: it can take the next operation. Told before the operation settles. */
  checkin(connection: Connection): void;
  /** It is closed. Told before the operation it was working on fails. */
  lost(connection: Connection, error: Error): void;
}

const READ_BUFFER_SIZE = 64 * 1024;
let lastRequestId = 0;

function encodeHello(requestId: number, { $db: _, ...command }: Document): Buffer {
  return encodeLegacyQuery(requestId, command);
}

function encodeAsk(requestId: number, command: Document): Buffer {
  return encodeCommand(requestId, 0, command);
}

function nextRequestId(): number {
  lastRequestId = (lastRequestId + 1) & 0x7fffffff;
  return lastRequestId;
}

/** One socket with its handshake. It serves one operation at a time. */
export class Connection {
  readonly id: number;
  readonly address: Address;
  /** Of the pool, when this connection was made; an older one than the pool's makes it stale. */
  readonly generation: number;
  /** When the last operation was done, by `performance.now()`. */
  idleSince = 0;
  /** Lent by its owner. */
  checkedOut = false;
  /** Checked out for several operations: who has it gives it back, instead of each operation. */
  pinned = false;
  /** What the server said of itself in the handshake. */
  description: ServerDescription;
  /** How long the server took to answer the greeting, in milliseconds: a measure of its distance. */
  greetingTime = 0;
  readonly #options: ConnectionOptions;
  /** As whom it works; null: as nobody. */
  readonly #credential: Credential | null;
  readonly #owner: ConnectionOwner;
  readonly #events: Events;
  readonly #socket: Socket;
  readonly #reader = new MessageReader((message) => this.#receive(message));
  #operation: Operation | null = null;
  #requestId = 0;
  #sentAt = 0;
  /** When the last question of the handshake left, the socket being connected. */
  #askedAt = 0;
  #closed: Error | null = null;
  /** More replies come without being asked for: the next operations take them. */
  #streaming = false;
  /** Those that came before anybody took them. */
  readonly #streamed: Buffer[] = [];
  /** The handshake is done: the connection is its owner's from here on. */
  #ready = false;
  /** What was written last still goes out when it is closed. */
  #flushes = false;
  /** Nothing that it does keeps the process alive. */
  #background = false;
  #compression: Compression | null = null;
  /** A long message is in the thread pool, on its way out or in: the socket may be silent meanwhile. */
  #packing = false;
  #unpacking = false;
  /** What came behind the one on its way in. */
  readonly #packed: Buffer[] = [];

  /** Starts to connect; `open` tells how that ends. */
  constructor(
    id: number,
    generation: number,
    address: Address,
    options: ConnectionOptions,
    owner: ConnectionOwner,
    events: Events,
    credential: Credential | null = null,
  ) {
    this.id = id;
    this.generation = generation;
    this.address = address;
    this.description = unknownServer(address);
    this.#options = options;
    this.#owner = owner;
    this.#events = events;
    this.#credential = credential;
    this.#socket = this.#connect();
  }

  /** Whether it can serve no more operations. */
  get closed(): boolean {
    return this.#closed !== null;
  }

  /** Whether the server goes on replying: the connection is of no use to anybody else. */
  get streaming(): boolean {
    return this.#streaming;
  }

  #connect(): Socket {
    const buffer = Buffer.allocUnsafeSlow(READ_BUFFER_SIZE);
    let place: Buffer | null = null;
    const onread = {
      // A long message is read straight into its place, all else into one buffer that is used again and again.
      buffer: () => {
        place = this.#reader.place;
        return place ?? buffer;
      },
      callback: (count: number) => {
        this.#read(count, place, buffer);
        // The server must not run ahead of who takes its replies.
        return this.#streamed.length === 0;
      },
    };
    const socket = connectSocket(this.address, this.#options, onread);
    socket.on('error', (error) => this.close(this.#broken(error)));
    socket.on('end', () => this.close(this.#broken(null)));
    socket.on('close', () => this.close(this.#broken(null)));
    socket.on('timeout', () => this.#timedOut());
    return socket;
  }

  /** From here on it does not keep the process alive, whatever it waits for. */
  unref(): void {
    this.#background = true;
    this.#socket.unref();
  }

  /** Wait for the socket, greet the server, and tell it who this is. Gives what it answered to the greeting. */
  async open(): Promise<Document> {
    const limit = this.#options.connectTimeout;
    let timer: NodeJS.Timeout | undefined;
    const startClock = () => {
      // The name may be resolved after the connection was closed.
      if (limit === null || timer !== undefined || this.closed) return;
      timer = setTimeout(() => {
        const where = `cannot connect to ${this.address}: timed out after ${limit} ms (connectTimeoutMS)`;
        this.close(new NetworkTimeout(`${where}${whenTimedOut(this.#options.tls, this.#socket)}`));
      }, limit);
      if (this.#background) timer.unref();
    };
    // The clock starts when the name is resolved: a slow resolver is not the server's fault.
    if (this.address.port === null || isIP(this.address.host) !== 0) startClock();
    else this.#socket.once('lookup', startClock);
    try {
      const authentication = this.#credential === null ? null : new Authentication(this.#credential);
      const hello = await this.#handshake(authentication?.greeting);
      this.greetingTime = performance.now() - this.#askedAt;
      this.description = describeServer(this.address, hello);
      this.#checkServer(hello);
      // An arbiter holds no data, hence no users.
      if (authentication !== null && this.description.type !== 'RSArbiter') {
        await authentication.complete(hello, this.address, (command) => this.#ask(command));
      }
      this.#compression = Compression.agreed(this.#options, hello);
      if (this.#options.socketTimeout !== null) this.#socket.setTimeout(this.#options.socketTimeout);
      this.#ready = true;
      return hello;
    } catch (error) {
      this.close(error as Error);
      throw error;
    } finally {
      clearTimeout(timer);
    }
  }

  /** The legacy hello, which every server understands. It waits in the socket until that is connected. */
  #handshake(greeting?: Document): Promise<Document> {
    const client = clientMetadata(this.#options.appName, this.#options.driver);
    const command = { ismaster: 1, helloOk: true, client, ...offered(this.#options), ...greeting, $db: 'admin' };
    return this.#ask(command, encodeHello);
  }

  /** Before the connection is its owner's: nobody else is told of it. Gives the reply, also one that tells of a failure. */
  #ask(command: Document, encode = encodeAsk): Promise<Document> {
    return new Promise((resolve, reject) => {
      if (this.#closed !== null) {
        reject(this.#closed);
        return;
      }
      const operation = new Operation(command, { rawReply: true }, null, (reply) => reply, resolve, reject);
      this.#operation = operation as Operation;
      this.#requestId = nextRequestId();
      const message = encode(this.#requestId, command);
      if (debug.enabled) {
        const { name } = operation;
        debug('#%d %s > %d %s %d B', this.id, this.address, this.#requestId, name, message.length);
        this.#sentAt = performance.now();
      }
      this.#askedAt = performance.now();
      this.#socket.write(message, () => {
        this.#askedAt = performance.now();
      });
    });
  }

  #checkServer(hello: Document): void {
    if (hello.ok !== 1) throw new AutoReconnect(`${this.address} refused the handshake: ${String(hello.errmsg)}`);
    const { minWireVersion, maxWireVersion } = this.description;
    if (maxWireVersion < MIN_WIRE_VERSION) {
      throw new ConfigurationError(
        `${this.address} speaks wire versions ${minWireVersion} to ${maxWireVersion}, motor-mongo ${version} speaks ` +
          `${MIN_WIRE_VERSION} and later (MongoDB 3.6): use a newer server`,
      );
    }
  }

  /** Send one operation, or let it take the next of the replies that come by themselves. The connection must be idle. */
  run(operation: Operation): void {
    operation.address = this.address;
    operation.generation = this.generation;
    if (this.#closed !== null) {
      operation.fail(this.#closed);
      return;
    }
    this.#operation = operation;
    if (this.#streaming) {
      this.#follow(operation);
      return;
    }
    if (this.description.logicalSessionTimeout !== null) operation.sending(this.description);
    const { acknowledged = true, exhaustAllowed = false, socketTimeout } = operation.options;
    this.#requestId = nextRequestId();
    const flags = acknowledged ? (exhaustAllowed ? EXHAUST_ALLOWED : 0) : MORE_TO_COME;
    let message: Buffer;
    try {
      if (!acknowledged && !isWritable(this.description.type)) throw this.#notPrimary(operation);
      message = encodeCommand(this.#requestId, flags, operation.command, operation.options);
      const size = message.length + (operation.options.sequence?.bytes.length ?? 0);
      const error = tooLarge(size, operation, this.description);
      if (error !== null) throw error;
    } catch (error) {
      this.#finished();
      operation.fail(encodingError(error as Error, operation, this.description));
      return;
    }
    if (socketTimeout !== undefined) this.#socket.setTimeout(socketTimeout ?? 0);
    if (debug.enabled) {
      debug('#%d %s > %d %s %d B', this.id, this.address, this.#requestId, operation.description, message.length);
    }
    if (heard(this.#events, 'commandStarted')) this.#tellStarted(operation);
    if (this.#timed) this.#sentAt = performance.now();
    if (this.#compression?.takes(operation.name)) this.#sendPacked(this.#compression, message, operation);
    else this.#send(message, operation, operation.options.sequence);
  }

  #send(message: Buffer, operation: Operation, sequence?: DocumentSequence): void {
    if (operation.options.acknowledged === false) {
      this.#sendUnanswered(message, operation, sequence);
    } else {
      this.#write(message, sequence);
      if (this.#socket.writableLength === 0) recycle(message);
    }
  }

  /** As {@link run}, for what is sent just before the connection is closed: it still goes out, but nothing waits for it. */
  runLast(operation: Operation): void {
    this.#flushes = true;
    this.run(operation);
  }

  /** What the connection does next comes behind it, so that it is free at once, unless the socket is full. */
  #sendUnanswered(message: Buffer, operation: Operation, sequence?: DocumentSequence): void {
    // It may have failed meanwhile: the socket calls back also when it was closed.
    const done = () => {
      if (this.#operation === operation) this.#complete({ ok: 1 });
    };
    if (this.#write(message, sequence, done)) done();
  }

  #sendPacked(compression: Compression, message: Buffer, operation: Operation): void {
    const packed = compression.pack(message, operation.options.sequence?.bytes);
    recycle(message);
    if (Buffer.isBuffer(packed)) {
      this.#send(packed, operation);
      return;
    }
    this.#packing = true;
    packed.then(
      (packed) => {
        this.#packing = false;
        if (this.#closed === null) this.#send(packed, operation);
      },
      (error: Error) => this.close(this.#malformed(error)),
    );
  }

  /** In one go: a message is never in two packets for no reason. */
  #write(message: Buffer, sequence?: DocumentSequence, done?: () => void): boolean {
    if (sequence === undefined) return this.#socket.write(message, done);
    this.#socket.cork();
    this.#socket.write(message);
    const roomLeft = this.#socket.write(sequence.bytes, done);
    this.#socket.uncork();
    return roomLeft;
  }

  #follow(operation: Operation): void {
    if (heard(this.#events, 'commandStarted')) this.#tellStarted(operation);
    if (this.#timed) this.#sentAt = performance.now();
    // Nothing is written that would start the clock.
    if (this.#options.socketTimeout !== null) this.#socket.setTimeout(this.#options.socketTimeout);
    const message = this.#streamed.shift();
    if (message !== undefined) this.#received(message);
    if (this.#streamed.length === 0) this.#socket.resume();
  }

  /** No reply would tell of it. */
  #notPrimary(operation: Operation): Error {
    return new NotPrimaryError(`not master: ${operation.description} was not sent, ${this.address} is no primary`);
  }

  #read(count: number, place: Buffer | null, buffer: Buffer): void {
    try {
      if (place !== null) this.#reader.fill(count);
      else this.#reader.push(buffer, count);
    } catch (error) {
      this.close(this.#malformed(error as Error));
    }
  }

  /** @throws ProtocolError */
  #receive(message: Buffer): void {
    if (this.#closed !== null) return;
    if (this.#compression !== null) this.#unpack(this.#compression, message);
    else this.#accept(message);
  }

  #accept(message: Buffer): void {
    if (this.#streaming && this.#operation === null) this.#streamed.push(message);
    else this.#take(message);
  }

  /** Messages keep their order, however long it takes to unpack them. */
  #unpack(compression: Compression, message: Buffer): void {
    if (this.#unpacking) {
      this.#packed.push(message);
      return;
    }
    const whole = compression.unpack(message);
    if (Buffer.isBuffer(whole)) {
      this.#accept(whole);
      return;
    }
    this.#unpacking = true;
    whole
      .then((whole) => {
        this.#unpacking = false;
        if (this.#closed !== null) return;
        this.#accept(whole);
        while (!this.#unpacking && this.#closed === null && this.#packed.length > 0) {
          this.#unpack(compression, this.#packed.shift() as Buffer);
        }
      })
      .catch((error: Error) => this.close(this.#malformed(error)));
  }

  #received(message: Buffer): void {
    try {
      this.#take(message);
    } catch (error) {
      this.close(this.#malformed(error as Error));
    }
  }

  #take(message: Buffer): void {
    const reply = decodeReply(message, this.#operation?.options, this.#options.uuids);
    if (this.#operation === null) throw new ProtocolError('a reply came that nobody had asked for');
    if (reply.responseTo !== this.#requestId) {
      throw new ProtocolError(`the reply answers request ${reply.responseTo}, not ${this.#requestId}`);
    }
    if (reply.moreToCome && this.#operation.options.exhaustAllowed !== true) {
      throw new ProtocolError('the reply announces another one that nobody asked for');
    }
    if (debug.enabled) this.#debugReply(message);
    // Of a stream, each reply answers the one before it.
    this.#streaming = reply.moreToCome;
    if (reply.moreToCome) this.#requestId = reply.requestId;
    this.#complete(reply.body, reply.fault);
  }

  #debugReply(message: Buffer): void {
    const elapsed = (performance.now() - this.#sentAt).toFixed(1);
    debug('#%d %s < %d %d B %s ms', this.id, this.address, this.#requestId, message.length, elapsed);
  }

  /** The connection is free, or handed to the next operation, before this one settles. */
  #complete(reply: Document, fault: InvalidBSON | null = null): void {
    const operation = this.#operation as Operation;
    // It has its reply, even if a listener closes the client.
    this.#operation = null;
    if (this.#ready) this.#tellEnded(operation, reply);
    if (operation.options.socketTimeout !== undefined) this.#socket.setTimeout(this.#options.socketTimeout ?? 0);
    if (operation.session === null || this.pinned) {
      this.#finished();
      operation.settle(reply, fault);
    } else {
      // The server session is back before the connection is: who gets this needs no further one.
      operation.settle(reply, fault);
      this.#finished();
    }
  }

  #finished(): void {
    this.#operation = null;
    if (this.#ready && !this.pinned) this.#owner.checkin(this);
  }

  #timedOut(): void {
    // An idle connection may be silent for as long as it likes.
    const operation = this.#operation;
    if (operation === null || this.#packing || this.#unpacking) return;
    const limit = operation.options.socketTimeout ?? this.#options.socketTimeout;
    this.close(
      new NetworkTimeout(
        `connection ${this.id} to ${this.address} timed out: no reply to ${operation.description} within ${limit} ms ` +
          '(socketTimeoutMS); the next operation connects anew',
      ),
    );
  }

  /** What went wrong on the socket, in words; null: the server closed it. */
  #broken(cause: (Error & { code?: string }) | null): Error {
    if (this.description.type === 'Unknown') {
      const { tls } = this.#options;
      const isClosed = cause === null || cause.code === 'ECONNRESET';
      const reason = isClosed ? whyClosed(tls, this.#socket, this.#reader.begun) : whyFailed(cause);
      const context = cause === null ? {} : { cause: causeOf(cause) };
      return new AutoReconnect(`cannot connect to ${this.address}: ${reason}`, context);
    }
    const how = cause === null ? 'closed by the server' : cause.code === 'ECONNRESET' ? 'reset' : 'lost';
    return new AutoReconnect(
      `connection ${this.id} to ${this.address} was ${how}${this.during}; the next operation connects anew`,
      { cause: cause ?? undefined },
    );
  }

  #malformed(error: Error): Error {
    return new ProtocolError(`connection ${this.id} to ${this.address} was closed: ${error.message}${this.during}`, {
      cause: error.cause ?? error,
    });
  }

  /** ` during find on shop.orders`, or nothing while it is idle. */
  get during(): string {
    return this.#operation === null ? '' : ` during ${this.#operation.description}`;
  }

  /** Close it. The operation it is working on fails with this error. Repeatable. */
  close(error: Error): void {
    if (this.#closed !== null) return;
    this.#closed = error;
    if (this.#flushes) this.#socket.unref().destroySoon();
    else this.#socket.destroy();
    const operation = this.#operation;
    this.#operation = null;
    if (this.#ready) this.#owner.lost(this, error);
    if (operation === null) return;
    if (this.#ready) this.#tellFailed(operation, error);
    operation.fail(error);
  }

  /** Whether anybody wants to know how long commands take. */
  get #timed(): boolean {
    return debug.enabled || heard(this.#events, 'commandSucceeded') || heard(this.#events, 'commandFailed');
  }

  #tellStarted(operation: Operation): void {
    tell(this.#events, 'commandStarted', () => ({
      ...this.#commandEvent(operation),
      command: isSecret(operation.name, operation.command) ? {} : operation.wholeCommand,
    }));
  }

  #tellEnded(operation: Operation, reply: Document): void {
    if (!this.#timed) return;
    if (reply.ok !== 1) {
      if (heard(this.#events, 'commandFailed')) this.#tellFailed(operation, operation.failure(reply));
      return;
    }
    tell(this.#events, 'commandSucceeded', () => ({
      ...this.#commandEvent(operation),
      duration: performance.now() - this.#sentAt,
      reply: isSecret(operation.name, operation.command) ? {} : reply,
    }));
  }

  #tellFailed(operation: Operation, failure: Error): void {
    tell(this.#events, 'commandFailed', () => ({
      ...this.#commandEvent(operation),
      duration: performance.now() - this.#sentAt,
      failure,
    }));
  }

  #commandEvent(operation: Operation) {
    return {
      address: String(this.address),
      connectionId: this.id,
      serverConnectionId: this.description.connectionId,
      commandName: operation.name,
      databaseName: operation.database,
      requestId: this.#requestId,
      operationId: this.#requestId,
    };
  }
}

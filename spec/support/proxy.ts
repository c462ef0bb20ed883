import { type AddressInfo, connect, createServer, type Server as Listener, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Document } from 'bson';
import { type Command, commandOf, MessageReader, opMsg, opReply, requestIdOf, responseToOf } from './message';
import type { Where } from './rawClient';

/** A command that came through a proxy. */
export interface SeenCommand extends Command {
  /** Which connection it came on: 1 is the first that the proxy accepted. */
  readonly connection: number;
}

/** One command and what becomes of it: what an action works with. */
export interface Exchange {
  readonly command: SeenCommand;
  /** The command as it came. */
  readonly message: Buffer;
  /**
   * Pass the command on and wait for the server's reply, a whole message; null when the command wants none. Later
   * replies to the same command (exhaust cursors) reach the client by themselves.
   * @param message goes to the server instead; it must have the same request id
   */
  forward(message?: Buffer): Promise<Buffer | null>;
  /** Make a message that answers this command by this document. */
  replyWith(document: Document): Buffer;
  /** Send bytes to the client, after those that were held. */
  send(bytes: Buffer): Promise<void>;
  /** Keep bytes back until something is sent on this connection: then both go out in one piece. */
  hold(bytes: Buffer): void;
  /** Close the connection, by a reset if wished. What was sent before still arrives, but for a reset. */
  close(reset?: boolean): void;
  /** Settled when the connection is closed. */
  readonly closed: Promise<void>;
}

/** Decides what becomes of a command; the connection's next command waits for it. See `faults.ts`. */
export type Action = (exchange: Exchange) => Promise<void> | void;

/** A command's name (`hello` stands for its old names too), or a function that picks commands. */
export type Match = string | ((command: SeenCommand) => boolean);

export interface Rule {
  /** How many commands it still waits for. */
  times: number;
  /** How many it has met. */
  hits: number;
}

export interface ProxyOptions {
  /** Listen on this Unix socket instead of a free port of 127.0.0.1. */
  path?: string;
}

const HELLO = new Set(['hello', 'isMaster', 'ismaster']);

/** Whether the name is one of those of `hello`. */
export function isHello(name: string): boolean {
  return HELLO.has(name);
}

/** Matches every command. */
export const any = (): boolean => true;

/** Start a proxy in front of a server; it passes everything on until it is told otherwise. */
export async function proxyTo(server: Where, options: ProxyOptions = {}): Promise<FaultProxy> {
  const proxy = new FaultProxy(server, options);
  await proxy.accept();
  return proxy;
}

/** Stands between a client and a server, knows every command, and does what goes wrong in networks and servers. */
export class FaultProxy {
  readonly host = '127.0.0.1';
  readonly path: string | undefined;
  /** The port it listens on, also while it refuses connections; 0 with a Unix socket. */
  port = 0;
  /** Every command that arrived, in order. */
  readonly commands: SeenCommand[] = [];
  readonly #target: Where;
  readonly #rules: (Rule & { match: Match; action: Action })[] = [];
  readonly #connections = new Set<ProxyConnection>();
  #listener: Listener | null = null;
  #accepted = 0;

  constructor(target: Where, options: ProxyOptions) {
    this.#target = target;
    this.path = options.path;
  }

  /** `host:port`, or the path of the Unix socket. */
  get address(): string {
    return this.path ?? `${this.host}:${this.port}`;
  }

  get uri(): string {
    return `mongodb://${this.path ? encodeURIComponent(this.path) : this.address}`;
  }

  /** Connections that are open now, and all that were ever accepted. */
  get connections(): Readonly<{ open: number; accepted: number }> {
    return { open: this.#connections.size, accepted: this.#accepted };
  }

  /** The commands that arrived, without the handshakes and the checks of monitors. */
  get operations(): SeenCommand[] {
    return this.commands.filter((command) => !isHello(command.name));
  }

  /** The names of these. */
  get names(): string[] {
    return this.operations.map((command) => command.name);
  }

  /** How many commands of this name arrived. */
  count(name: string): number {
    return this.commands.filter((command) => command.name === name).length;
  }

  /**
   * Let an action happen to the next commands that match. The first rule that matches and has times left counts; a
   * command without one is passed on.
   * @param times how many commands it is for, default 1; Infinity for all
   */
  on(match: Match, action: Action, times = 1): Readonly<Rule> {
    const rule = { match, action, times, hits: 0 };
    this.#rules.push(rule);
    return rule;
  }

  /** Forget all rules. What they do already (a delay, a hanging reply) goes on. */
  clear(): void {
    this.#rules.length = 0;
  }

  /** Refuse new connections; those that are open stay. */
  refuse(): void {
    this.#listener?.close();
    this.#listener = null;
  }

  /** Accept connections (again), on the same port. */
  accept(): Promise<void> {
    if (this.#listener) return Promise.resolve();
    const listener = createServer({ noDelay: true }, (socket) => this.#serve(socket));
    this.#listener = listener;
    return new Promise((resolve, reject) => {
      listener.once('error', reject);
      listener.listen(this.path ? { path: this.path } : { host: this.host, port: this.port }, () => {
        if (!this.path) this.port = (listener.address() as AddressInfo).port;
        resolve();
      });
    });
  }

  /** Close all open connections, by a reset if wished. */
  drop(reset = false): void {
    for (const connection of this.#connections) connection.close(reset);
  }

  /** Refuse new connections, drop the open ones. Resolves when all are gone. */
  async close(): Promise<void> {
    this.refuse();
    const closing = [...this.#connections].map((connection) => connection.closed);
    this.drop();
    await Promise.all(closing);
  }

  /** What stands for the server: `Exchange.forward` of every action comes here. */
  protected execute(exchange: Exchange): Promise<Buffer | null> {
    return exchange.forward();
  }

  #serve(socket: Socket): void {
    const connection = new ProxyConnection(++this.#accepted, socket, this.#target, (exchange) => {
      this.commands.push(exchange.command);
      return this.#actionFor(exchange.command)({ ...exchange, forward: () => this.execute(exchange) });
    });
    this.#connections.add(connection);
    void connection.closed.then(() => this.#connections.delete(connection));
  }

  #actionFor(command: SeenCommand): Action {
    const rule = this.#rules.find(({ match, times }) => times > 0 && matches(match, command));
    if (!rule) return pass;
    rule.times -= 1;
    rule.hits += 1;
    return rule.action;
  }
}

const pass: Action = async (exchange) => {
  const reply = await exchange.forward();
  if (reply) await exchange.send(reply);
};

function matches(match: Match, command: SeenCommand): boolean {
  if (typeof match === 'function') return match(command);
  return match === command.name || (match === 'hello' && isHello(command.name));
}

/** A client's connection and the one to the server that belongs to it. */
class ProxyConnection {
  readonly closed: Promise<void>;
  readonly #client: Socket;
  readonly #server: Socket;
  readonly #waiting = new Map<number, { resolve: (reply: Buffer) => void; reject: (error: Error) => void }>();
  #held: Buffer[] = [];
  #work = Promise.resolve();
  #requestId = 0;

  constructor(number: number, client: Socket, target: Where, act: Action) {
    this.#client = client;
    this.#server = target.path
      ? connect(target.path)
      : connect({ host: target.host ?? '127.0.0.1', port: target.port ?? 27017, noDelay: true });
    this.closed = new Promise((resolve) => client.once('close', resolve));
    // A server does not break off a write because its client is gone.
    void this.closed
      .then(() => Promise.race([this.#work, sleep(1000, null, { ref: false })]))
      .then(() => this.#server.destroy());
    this.#readFrom(client, (message) => {
      this.#then(() => act(this.#exchange({ ...commandOf(message), connection: number }, message)));
    });
    this.#readFrom(this.#server, (reply) => {
      const waiter = this.#waiting.get(responseToOf(reply));
      if (!waiter) this.#then(() => this.#send(reply));
      else waiter.resolve(reply);
    });
    this.#server.once('close', () => {
      for (const { reject } of this.#waiting.values()) reject(new Error('the server closed the connection'));
      this.#then(() => void client.end());
    });
  }

  close(reset = false): void {
    if (reset) this.#client.resetAndDestroy();
    else this.#client.destroySoon();
  }

  /** Commands and replies of a connection keep their order. */
  #then(step: () => Promise<void> | void): void {
    this.#work = this.#work.then(step).catch(() => this.close());
  }

  #readFrom(socket: Socket, onMessage: (message: Buffer) => void): void {
    const reader = new MessageReader();
    socket.on('error', () => {}); // 'close' follows
    socket.on('data', (chunk) => {
      try {
        for (const message of reader.push(chunk)) onMessage(message);
      } catch {
        this.close();
      }
    });
  }

  #exchange(command: SeenCommand, message: Buffer): Exchange {
    return {
      command,
      message,
      forward: (instead = message) => this.#forward(command, instead),
      replyWith: (document) => {
        const frame = command.legacy ? opReply : opMsg;
        return frame(++this.#requestId, requestIdOf(message), document);
      },
      send: (bytes) => this.#send(bytes),
      hold: (bytes) => void this.#held.push(bytes),
      close: (reset) => this.close(reset),
      closed: this.closed,
    };
  }

  #forward(command: SeenCommand, message: Buffer): Promise<Buffer | null> {
    if (this.#server.destroyed) return Promise.reject(new Error('the server closed the connection'));
    this.#server.write(message);
    if (command.moreToCome) return Promise.resolve(null);
    return new Promise<Buffer>((resolve, reject) => {
      this.#waiting.set(command.requestId, { resolve, reject });
    }).finally(() => this.#waiting.delete(command.requestId));
  }

  #send(bytes: Buffer): Promise<void> {
    const all = Buffer.concat([...this.#held, bytes]);
    this.#held = [];
    return new Promise((resolve, reject) => {
      this.#client.write(all, (error) => (error ? reject(error) : resolve()));
    });
  }
}

import { type Document, Long } from 'bson';
import { getMoreCommand, killCursorsCommand, type Namespace } from './commands';
import type { Connection } from './connection';
import type { Engine, RunOptions } from './engine';
import { CursorNotFound, OperationFailure } from './errors';
import type { Server } from './server';
import type { ServerSession } from './serverSession';

/** How a cursor goes on after its first batch. */
export interface CursorOptions {
  /** Most documents in all; 0: no limit. */
  limit?: number;
  /** Documents in each further batch; 0: the server's choice. */
  batchSize?: number;
  /** It may go on where there was nothing more: an empty batch is no reason to ask again at once. */
  tailable?: boolean;
  /** The server waits for new documents before it answers. */
  awaitsData?: boolean;
  /** Milliseconds that the server waits for new documents, for a tailable cursor that awaits data. */
  maxAwaitTime?: number | null;
  comment?: unknown;
  /** One connection serves the cursor and nothing else, and the server streams batches on it if it can. */
  exhaust?: boolean;
  /** Makes the reply of a command that opens no cursor one that does. */
  adapt?: (reply: Document) => Document;
  /** It is killed also when the server fails a command of it, which may leave it open. */
  killFailed?: boolean;
  /** That there is no such collection is no error: there is nothing in it. */
  missingIsEmpty?: boolean;
  /** Of a cursor that is open already: the server session that it was opened with, which is now the cursor's. */
  session?: ServerSession | null;
  /** How its commands are run. */
  run?: RunOptions;
  /** Asked for each batch what is to be made of it. */
  arriving?: Arriving | null;
}

/** What is to be made of the batch that arrives; null: nothing, it stays as it is. */
export type Arriving = () => ChangeBatch | null;
type ChangeBatch = (batch: Document[]) => Promise<Document[]>;

/** What is left on the server when a cursor is forgotten. */
interface Remains {
  readonly engine: Engine;
  readonly namespace: Namespace;
  readonly server: Server;
  readonly id: Long;
  /** The connection that serves it alone. */
  readonly connection: Connection | null;
  /** The server session that all its commands belong to. */
  readonly session: ServerSession | null;
}

/** Wire version of MongoDB 4.2, the first to stream replies to `getMore` commands. */
const STREAMS_BATCHES = 8;

/** Cursors that nobody holds any longer are killed on the server. */
const forgotten = new FinalizationRegistry<Remains>((remains) => void killRemains(remains, remains.session));

/** @param session the cursor's, unless a command of it is still under way */
async function killRemains(
  { engine, namespace, server, id, connection }: Remains,
  session: ServerSession | null,
): Promise<void> {
  engine.cursors.delete(id.toString());
  if (connection !== null) server.pool.discard(connection);
  // Best effort: the server ends a cursor that nobody asks for after ten minutes in any case.
  const options: RunOptions = session === null ? { server } : { server, session };
  if (!server.pool.isClosed)
    await engine.run(killCursorsCommand(namespace, [id]), () => null, options).catch(() => null);
  session?.giveBack();
}

/** The query failed because the position was lost: a tailable cursor just ends. */
function isLostPosition(error: unknown): boolean {
  return error instanceof CursorNotFound || (error instanceof OperationFailure && error.code === 136);
}

/** The reply of a command that opens a cursor. */
interface CursorReply {
  readonly cursor: { readonly id: Long | number; readonly ns: string; readonly firstBatch: Document[] };
}

/** Makes the command when it is to be sent, where the server has to be asked about it first. */
export type MakeCommand = () => Promise<Document>;

/**
 * A cursor on the server and the batch of it that is here. Batches are asked for one at a time and decoded whole;
 * taking a document out of one costs no promise.
 */
export class Cursor {
  readonly #engine: Engine;
  readonly #options: CursorOptions;
  /** The command that opens it, or what makes it; null once it was sent. */
  #command: Document | MakeCommand | null;
  /** Where `getMore` goes; the server may name another one than was asked (views, `listCollections`). */
  #namespace: Namespace;
  #server: Server | null = null;
  #connection: Connection | null = null;
  #batchSize: number;
  #id: Long | null = null;
  #batch: Document[] = [];
  #position = 0;
  /** A batch that is here but must be worked on before it is given out. */
  #arrived: { readonly batch: Document[]; readonly change: ChangeBatch } | null = null;
  #retrieved = 0;
  #pending: Promise<boolean> | null = null;
  #remains: Remains | null = null;
  /** What its commands belong to, from the first reply to the last; it goes with the remains. */
  #session: ServerSession | null = null;
  #closed = false;

  /** @param command settled by now, or made when it is to be sent */
  constructor(engine: Engine, command: Document | MakeCommand, namespace: Namespace, options: CursorOptions = {}) {
    this.#engine = engine;
    this.#command = command;
    this.#namespace = namespace;
    this.#options = options;
    this.#batchSize = options.batchSize ?? 0;
  }

  /** A cursor whose first batch is here already. */
  static opened(
    engine: Engine,
    reply: Document,
    server: Server | null,
    namespace: Namespace,
    options: CursorOptions = {},
  ): Cursor {
    const cursor = new Cursor(engine, {}, namespace, options);
    cursor.#command = null;
    cursor.#server = server;
    cursor.#session = options.session ?? null;
    cursor.#take((reply as CursorReply).cursor.firstBatch, (reply as CursorReply).cursor);
    return cursor;
  }

  /** Null before the first reply; 0 when the server has no more. */
  get id(): Long | null {
    return this.#id;
  }

  /** Whether the command that opens it was sent. */
  get started(): boolean {
    return this.#command === null;
  }

  /** Whether there are documents here, or may be more on the server. */
  get alive(): boolean {
    return this.buffered > 0 || this.#mayHaveMore;
  }

  get closed(): boolean {
    return this.#closed;
  }

  get tailable(): boolean {
    return this.#options.tailable ?? false;
  }

  get awaitsData(): boolean {
    return this.#options.awaitsData ?? false;
  }

  /** How many documents are here. */
  get buffered(): number {
    return this.#batch.length - this.#position;
  }

  /** The server that holds it, once it is open. */
  get server(): Server | null {
    return this.#server;
  }

  /** Of the batches that follow. */
  set batchSize(size: number) {
    this.#batchSize = size;
  }

  get #mayHaveMore(): boolean {
    if (this.#closed) return false;
    if (this.#arrived !== null) return true;
    return this.#id === null || !this.#id.isZero();
  }

  /** The next document that is here, or null. */
  next(): Document | null {
    if (this.#position >= this.#batch.length) return null;
    return this.#batch[this.#position++] ?? null;
  }

  /**
   * Make sure that there are documents here, if there are any at all. With some here it does nothing.
   * @returns false: none now, and none to come unless the cursor is tailable and alive
   */
  fetch(): Promise<boolean> {
    if (this.buffered > 0) return Promise.resolve(true);
    if (this.#pending !== null) return this.#pending;
    if (!this.#mayHaveMore) return Promise.resolve(false);
    this.#pending = this.#fetchBatch().finally(() => {
      this.#pending = null;
    });
    return this.#pending;
  }

  /** As {@link fetch}, but the server is asked once at most, even if it has nothing to give yet. */
  async fetchOnce(): Promise<boolean> {
    if (this.#pending !== null) return this.#pending;
    if (this.buffered === 0 && this.#mayHaveMore) {
      this.#pending = this.#fetchStep().finally(() => {
        this.#pending = null;
      });
      return this.#pending;
    }
    return this.buffered > 0;
  }

  /** Send the command that opens it, unless that was done. */
  async start(): Promise<void> {
    if (this.#command !== null) await this.#attempt(() => this.#open(this.#command as Document | MakeCommand));
  }

  /** Up to `length` documents, `null`: all that are left. */
  async toList(length: number | null): Promise<Document[]> {
    const most = length ?? Number.POSITIVE_INFINITY;
    if (most === 0 && !this.started) await this.fetch();
    if (most === 0 || !(await this.fetch())) return [];
    let list = this.#takeBuffered(most);
    if (list.length === most || !(await this.fetch())) return list;
    // The first batch itself may be in the hands of a listener.
    list = [...list];
    do for (const document of this.#takeBuffered(most - list.length)) list.push(document);
    while (list.length < most && (await this.fetch()));
    return list;
  }

  /** Forget the rest on the server; what is here can still be taken. Never fails: the server forgets by itself, later. */
  async close(): Promise<void> {
    this.#closed = true;
    // Its connection cannot be closed under a reply that is on its way; that ends the cursor when it is here.
    if (this.#connection !== null && this.#pending !== null) return;
    // A command under way goes on with its session until its reply is here.
    const session = this.#pending === null ? this.#takeSession() : null;
    const remains = this.#release();
    if (remains !== null) await killRemains(remains, session);
    else session?.giveBack();
  }

  async #fetchBatch(): Promise<boolean> {
    do {
      await this.#fetchStep();
    } while (this.buffered === 0 && this.#mayHaveMore && this.#options.tailable !== true);
    return this.buffered > 0;
  }

  async #fetchStep(): Promise<boolean> {
    const command = this.#command;
    await this.#attempt(() => {
      if (this.#arrived !== null) return this.#arrive();
      return command === null ? this.#getMore(this.#id as Long) : this.#open(command);
    });
    return this.buffered > 0;
  }

  /** A cursor that fails is at its end. */
  async #attempt(step: () => Promise<void>): Promise<void> {
    try {
      await step();
    } catch (error) {
      const remains = this.#release();
      this.#id = Long.ZERO;
      this.#batch = [];
      this.#position = 0;
      this.#arrived = null;
      this.#giveBack();
      // The server may not know that nobody waits for it any longer. The connection may be somebody else's by now.
      if (remains !== null && (this.#options.killFailed === true || !(error instanceof OperationFailure))) {
        void killRemains({ ...remains, connection: null }, this.#takeSession());
      }
      if (this.#options.missingIsEmpty && error instanceof OperationFailure && error.code === 26) return;
      if (this.#options.tailable !== true || !isLostPosition(error)) throw error;
    } finally {
      if (this.#closed || this.#id?.isZero() === true) this.#takeSession()?.giveBack();
    }
  }

  async #open(given: Document | MakeCommand): Promise<void> {
    this.#command = null;
    const command = typeof given === 'function' ? await given() : given;
    if (this.#options.exhaust === true) await this.#checkOut();
    await this.#engine.run(
      command,
      (reply, operation) => {
        this.#server = this.#engine.engineFor(this.#namespace.database).serverAt(operation.address);
        this.#session = operation.keepSession();
        const { cursor } = (this.#options.adapt?.(reply) ?? reply) as CursorReply;
        this.#take(cursor.firstBatch, cursor);
      },
      this.#connection === null
        ? this.#options.run
        : { ...this.#options.run, connection: this.#connection, retryable: false },
    );
    if (this.#arrived !== null) await this.#arrive();
  }

  async #getMore(id: Long): Promise<void> {
    const { maxAwaitTime = null, comment, limit = 0 } = this.#options;
    const wanted = limit > 0 ? limit - this.#retrieved : Number.POSITIVE_INFINITY;
    const command = getMoreCommand(this.#namespace, id, Math.min(this.#batchSize, wanted));
    if (maxAwaitTime !== null) command.maxTimeMS = maxAwaitTime;
    if (comment !== undefined && this.#server !== null && this.#server.description.maxWireVersion >= 9) {
      command.comment = comment;
    }
    const options: RunOptions = { ...this.#options.run, retryable: false };
    if (this.#server !== null) options.server = this.#server;
    if (this.#session !== null) options.session = this.#session;
    if (this.#connection !== null) {
      options.connection = this.#connection;
      options.exhaustAllowed = this.#connection.description.maxWireVersion >= STREAMS_BATCHES;
    }
    await this.#engine.run(command, (reply) => this.#take(reply.cursor.nextBatch, reply.cursor), options);
    if (this.#arrived !== null) await this.#arrive();
  }

  async #checkOut(): Promise<void> {
    const engine = this.#engine.engineFor(this.#namespace.database);
    this.#server = await engine.connect(this.#options.run?.readPreference);
    this.#connection = await this.#server.pool.checkout();
  }

  /** The connection has served its purpose; with replies still to come it is of no use to others. */
  #giveBack(): void {
    const connection = this.#connection;
    if (connection === null) return;
    this.#connection = null;
    const { pool } = this.#server as Server;
    if (connection.streaming || connection.closed) pool.discard(connection);
    else pool.checkin(connection);
  }

  /** A batch is here; it may have to be worked on before it is given out. */
  #take(batch: Document[], { id, ns }: { id: Long | number; ns: string }): void {
    this.#retrieved += batch.length;
    this.#id = typeof id === 'number' ? Long.fromNumber(id) : id;
    if (ns !== `${this.#namespace.database}.${this.#namespace.collection}`) this.#namespace = parseNamespace(ns);
    this.#hold(this.#id);
    // It was closed while the batch was on its way.
    if (this.#closed) {
      const remains = this.#release();
      if (remains !== null) void killRemains(remains, this.#takeSession());
      return;
    }
    const change = batch.length === 0 ? null : (this.#options.arriving?.() ?? null);
    this.#arrived = change === null ? null : { batch, change };
    this.#batch = change === null ? batch : [];
    this.#position = 0;
  }

  async #arrive(): Promise<void> {
    const { batch, change } = this.#arrived as { batch: Document[]; change: ChangeBatch };
    try {
      this.#batch = await change(batch);
    } finally {
      this.#arrived = null;
    }
  }

  #takeBuffered(most: number): Document[] {
    const whole = this.#position === 0 && this.#batch.length <= most;
    const taken = whole ? this.#batch : this.#batch.slice(this.#position, this.#position + most);
    if (whole) {
      this.#batch = [];
    } else {
      this.#position += taken.length;
    }
    return taken;
  }

  /** From now on this object answers for a cursor on the server, or for none. */
  #hold(id: Long): void {
    if (id.isZero()) {
      this.#release();
      this.#giveBack();
      this.#takeSession()?.giveBack();
    } else if (this.#remains === null && this.#server !== null) {
      this.#remains = {
        engine: this.#engine,
        namespace: this.#namespace,
        server: this.#server,
        id,
        connection: this.#connection,
        session: this.#session,
      };
      this.#engine.cursors.set(id.toString(), this.#remains);
      forgotten.register(this, this.#remains, this.#remains);
    }
  }

  /** Whoever calls this gives it back. */
  #takeSession(): ServerSession | null {
    const session = this.#session;
    this.#session = null;
    return session;
  }

  #release(): Remains | null {
    const remains = this.#remains;
    if (remains !== null) {
      forgotten.unregister(remains);
      this.#engine.cursors.delete(remains.id.toString());
    }
    this.#remains = null;
    if (this.#id !== null && this.#closed) this.#id = Long.ZERO;
    return remains;
  }
}

/** `db.a.b` is the collection `a.b` of `db`. */
function parseNamespace(ns: string): Namespace {
  const dot = ns.indexOf('.');
  return { database: ns.slice(0, dot), collection: ns.slice(dot + 1) };
}

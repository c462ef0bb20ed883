import { inspect } from 'node:util';
import type { Document } from 'bson';
import type { CursorId } from '../../typings/documents';
import type { Arriving, Cursor as CoreCursor } from '../core/cursor';
import { InvalidOperation } from '../core/errors';
import type { MotorCollection } from './collection';
import { Bound } from './dual';
import type { Loop } from './ioLoop';
import { expect, type Given, keywords, orNull, whole } from './keywords';
import { MANIPULATORS } from './settings';

const TO_LIST = keywords({ length: [undefined, orNull(whole)] });
export type ToListKw = Given<typeof TO_LIST>;
/** The keyword alone. The index keeps out what has a `length` too: functions, which are callbacks, and strings. */
type OnlyKeywords = { readonly length: number | null } & { readonly [keyword: string]: number | null };

/** What `each` calls: with a document; with `(null, null)` at the end; with `(null, error)`. False stops it. */
export type EachCallback<T = Document> = (document: T | null, error: Error | null) => unknown;

// For the classes of cursors, not for their users.
/** Makes the cursor of the core, whose command is settled by then. */
export const OPEN: unique symbol = Symbol('open');
/** Whether nothing is to be asked for at all. */
export const IS_EMPTY: unique symbol = Symbol('isEmpty');
export const FETCH: unique symbol = Symbol('fetch');
/** How many documents `to_list` gives if it is not told. */
export const DEFAULT_LENGTH: unique symbol = Symbol('defaultLength');
export const RESTART: unique symbol = Symbol('restart');
export const CHECK_UNSENT: unique symbol = Symbol('checkUnsent');
export const CORE: unique symbol = Symbol('core');

/** What a cursor is over. */
export interface CursorOwner {
  readonly full_name: string;
  get_io_loop(): Loop;
}

const YES = Promise.resolve(true);
const NO = Promise.resolve(false);

/** Milliseconds between two looks at a tailable cursor whose server does not wait for data. */
const TAIL_PAUSE = 100;

/** What the manipulators of the collection's database, as many as there are by then, make of a batch. */
export function arrivingAt(collection: MotorCollection): Arriving {
  return () => {
    const manipulators = collection.database[MANIPULATORS];
    return manipulators === null ? null : (batch) => manipulators.outgoingBatch(batch, collection);
  };
}

/** What all cursors have in common: how documents are taken out of one. */
export abstract class BatchCursor<
  Owner extends CursorOwner = CursorOwner,
  T extends Document = Document,
> extends Bound {
  readonly #collection: Owner;
  #core: CoreCursor | null;
  #closed = false;

  constructor(collection: Owner, core: CoreCursor | null) {
    super();
    this.#collection = collection;
    this.#core = core;
  }

  abstract [OPEN](): CoreCursor;

  get [IS_EMPTY](): boolean {
    return false;
  }

  get [DEFAULT_LENGTH](): null | undefined {
    return undefined;
  }

  get [CORE](): CoreCursor | null {
    return this.#core;
  }

  [RESTART](): void {
    void this.#core?.close();
    this.#core = null;
    this.#closed = false;
  }

  /** @throws InvalidOperation: the query was sent, so that its options cannot change any more */
  [CHECK_UNSENT](method: string): void {
    if (this.started) throw new InvalidOperation(`${method}: the query was sent already; rewind() it first`);
  }

  /** Make sure that documents are here, if there are any. */
  [FETCH](): Promise<boolean> {
    if (this.#core === null) {
      if (this.#closed || this[IS_EMPTY]) return NO;
      try {
        this.#core = this[OPEN]();
      } catch (error) {
        return Promise.reject(error); // a query that cannot be sent fails as one that was sent
      }
    } else if (this.#core.buffered > 0) {
      return YES;
    }
    return this.#core.fetch();
  }

  /** The collection that the cursor is over. */
  get collection(): Owner {
    return this.#collection;
  }

  /**
   * Whether `next_object()` will give a document, as a Promise. Reading it sends the query, or asks for the next batch,
   * where no document is here; otherwise it does nothing, however often it is read. False: none now, and none to come
   * unless the cursor is tailable and still `alive`.
   * @throws OperationFailure, ExecutionTimeout, CursorNotFound, AutoReconnect (the Promise is rejected)
   * @example while (await cursor.fetch_next) print(cursor.next_object());
   * @see Motor 0.2, MotorCursor.fetch_next
   */
  get fetch_next(): Promise<boolean> {
    const fetched = this[FETCH]();
    // A debugger may read a property; that is no reason for an unhandled rejection.
    fetched.catch(() => undefined);
    return fetched;
  }

  /**
   * The next document that is here, or null. After one `fetch_next` it may be called until the batch is used up.
   * @see Motor 0.2, MotorCursor.next_object
   */
  next_object(): T | null {
    return (this.#core?.next() as T | null | undefined) ?? null;
  }

  /**
   * Call back with every document: `callback(document, null)`, in the end `callback(null, null)`, on failure
   * `callback(null, error)`. It stops when the callback returns false; calling `each` again goes on from there.
   * @throws TypeError: the callback is no function
   * @see Motor 0.2, MotorCursor.each
   */
  each(callback: EachCallback<T>): void {
    if (typeof callback !== 'function') throw new TypeError('callback must be a callable');
    process.nextTick(() => this.#callEach(callback));
  }

  #callEach(callback: EachCallback<T>): void {
    const core = this.#core;
    for (let document = core?.next() ?? null; document !== null; document = core?.next() ?? null) {
      if (callback(document as T, null) === false) return;
    }
    // Each step begins in a turn of its own: no promise around the callback, and no stack that grows.
    this[FETCH]().then(
      (more) => {
        if (more) process.nextTick(() => this.#callEach(callback));
        else if (this.#tails) setTimeout(() => this.#callEach(callback), this.#core?.awaitsData ? 0 : TAIL_PAUSE);
        else process.nextTick(callback, null, null);
      },
      (error: Error) => process.nextTick(callback, null, error),
    );
  }

  /** Documents may come later. */
  get #tails(): boolean {
    return this.#core?.tailable === true && this.#core.alive;
  }

  /**
   * Read the next documents into an array.
   * @param length most documents to return, at least 0; null: all that are left. Also as keyword: `{ length: 10 }`
   * @returns up to `length` documents, `[]` at the end; a second call goes on where this one stopped
   * @throws TypeError: `length` is missing or no integer; ValueError: negative
   * @throws InvalidOperation: the cursor is tailable, so it has no end
   * @throws ExecutionTimeout: the server took longer than `max_time_ms`; OperationFailure, AutoReconnect
   * @example const oldest = await users.find({ active: true }).sort('joined', 1).to_list(10);
   * @see Motor 0.2, MotorCursor.to_list
   */
  to_list(length?: number | null | OnlyKeywords, kw?: ToListKw): Promise<T[]> {
    const options = TO_LIST.read('to_list', kw);
    if (length !== undefined && options.length !== undefined) {
      throw new TypeError('to_list: length is given twice, by position and as a keyword');
    }
    const wanted = length === undefined ? options.length : length;
    const most = expect('to_list', 'length', orNull(whole), wanted === undefined ? this[DEFAULT_LENGTH] : wanted);
    if (this.#core === null && (this.#closed || this[IS_EMPTY])) return Promise.resolve([]);
    const core = this.#core ?? this[OPEN]();
    if (core.tailable) throw new InvalidOperation('to_list: a tailable cursor has no end; use fetch_next or each');
    this.#core = core;
    return core.toList(most) as Promise<T[]>;
  }

  /**
   * Documents one by one, in a `for await`. Leaving the loop early closes the cursor.
   * @see Motor 0.2, MotorCursor.fetch_next
   */
  [Symbol.asyncIterator](): AsyncIterableIterator<T> {
    const next = (): Promise<IteratorResult<T>> => {
      const document = (this.#core?.next() as T | null | undefined) ?? null;
      if (document !== null) return Promise.resolve({ value: document, done: false });
      return this[FETCH]().then((more): IteratorResult<T> | Promise<IteratorResult<T>> => {
        if (!more) return { value: undefined, done: true };
        return next();
      });
    };
    const iterator: AsyncIterableIterator<T> = {
      next,
      return: async () => {
        await this.close();
        return { value: undefined, done: true };
      },
      [Symbol.asyncIterator]: () => iterator,
    };
    return iterator;
  }

  /**
   * End the cursor on the server, if it is open there. Documents that are here can still be taken, and `alive` stays
   * true until they are. Repeatable.
   * @see Motor 0.2, MotorCursor.close
   */
  async close(): Promise<null> {
    this.#closed = true;
    await this.#core?.close();
    return null;
  }

  /** Whether documents are here, or more may come. */
  get alive(): boolean {
    if (this.#core === null) return !this.#closed && !this[IS_EMPTY];
    return this.#core.alive;
  }

  /** Null: the query was not sent yet; `0n`: the server has no more; else the server's number for the open cursor. */
  get cursor_id(): CursorId {
    const id = this.#core?.id ?? null;
    return id === null ? null : id.toBigInt();
  }

  /** Whether the query was sent. */
  get started(): boolean {
    return this.#core?.started ?? false;
  }

  /** Whether `close()` was called. */
  get closed(): boolean {
    return this.#closed;
  }

  /** Cursors are equal only when they are the same. */
  equals(other: unknown): boolean {
    return other === this;
  }

  /** The `io_loop` given to the client, else the current loop. */
  get_io_loop(): Loop {
    return this.#collection.get_io_loop();
  }

  override toString(): string {
    return `${this.constructor.name}(${this.#collection.full_name})`;
  }

  [inspect.custom](): string {
    return this.toString();
  }
}

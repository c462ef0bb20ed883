import type { Document } from 'bson';
import type { Addr } from '../../typings/documents';
import type { Dual, DualClass } from '../../typings/dual';
import type { Cursor as CoreCursor } from '../core/cursor';
import { BatchCursor, CORE, DEFAULT_LENGTH, FETCH, OPEN } from '../motor/batchCursor';
import { dual, only } from '../motor/dual';
import { expect, whole } from '../motor/keywords';
import type { AsyncIOMotorCollection } from './collection';
import { addressOf, LOOP_INSTEAD, nextOf, TO_LIST, warnOnce } from './cursors';

const TABLE = { to_list: TO_LIST, next: only(0), try_next: only(0), close: only(0) } as const;

/**
 * The documents that a command gives; the first batch of them is there already.
 * @see Motor 3.8, AsyncIOMotorCommandCursor
 */
export class CommandCursor<T extends Document = Document> extends BatchCursor<AsyncIOMotorCollection, T> {
  /** Made by methods such as `list_databases`, which have the first batch already. */
  constructor(collection: AsyncIOMotorCollection, core: CoreCursor | null) {
    super(collection, core);
  }

  [OPEN](): CoreCursor {
    return this[CORE] as CoreCursor;
  }

  /**
   * Documents in each of the following batches. 0: the server's choice; 1 is sent as 2, since 1 would end the cursor.
   * @throws TypeError: no integer; ValueError: negative
   * @see Motor 3.8, AsyncIOMotorCommandCursor.batch_size
   */
  batch_size(n: number): this {
    expect('batch_size', 'n', whole, n);
    this[OPEN]().batchSize = n === 1 ? 2 : n;
    return this;
  }

  override get [DEFAULT_LENGTH](): null {
    return null;
  }

  /**
   * The next document. It is not the `next` of a JavaScript iterator: `cursor[Symbol.asyncIterator]()` makes one.
   * @throws StopAsyncIteration: there is none
   * @see Motor 3.8, AsyncIOMotorCommandCursor.next
   */
  next(): Promise<T> {
    return nextOf(this);
  }

  /**
   * The next document, or null if none is here after asking the server once at most.
   * @see Motor 3.8, AsyncIOMotorCommandCursor.try_next
   */
  async try_next(): Promise<T | null> {
    if (this[CORE] === null) await this[FETCH]();
    else await this[CORE].fetchOnce();
    return (this[CORE]?.next() as T | null | undefined) ?? null;
  }

  /**
   * Whether a document is here, after asking the server if need be.
   * @deprecated write `for await`, or use {@link next}
   */
  override get fetch_next(): Promise<boolean> {
    warnOnce('fetch_next', LOOP_INSTEAD);
    return super.fetch_next;
  }

  /**
   * The next document that is here, or null.
   * @deprecated write `for await`, or use {@link next}
   */
  override next_object(): T | null {
    warnOnce('next_object', LOOP_INSTEAD);
    return super.next_object();
  }

  /**
   * Closes the cursor: what `await using` calls at the end of its block.
   * @see Motor 3.8, AsyncIOMotorCommandCursor.__aexit__
   */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  /** The server of the open cursor; null before it is open. */
  get address(): Addr | null {
    return addressOf(this);
  }
}

/** Documents that are here, or come in batches, of a command that was sent. */
export const AsyncIOMotorCommandCursor: DualClass<typeof CommandCursor, AsyncIOMotorCommandCursor> = dual(
  CommandCursor,
  TABLE,
  { name: 'AsyncIOMotorCommandCursor' },
);
export type AsyncIOMotorCommandCursor<T extends Document = Document> = Dual<CommandCursor<T>>;

/**
 * The documents that a command gives, which is sent when the cursor is first read.
 * @see Motor 3.8, AsyncIOMotorLatentCommandCursor
 */
export class LatentCommandCursor<T extends Document = Document> extends CommandCursor<T> {
  readonly #make: (batchSize: number) => CoreCursor;
  #batchSize: number;

  /** Made by methods such as `aggregate`, which send their command when the cursor is first read. */
  constructor(collection: AsyncIOMotorCollection, make: (batchSize: number) => CoreCursor, batchSize = 0) {
    super(collection, null);
    this.#make = make;
    this.#batchSize = batchSize;
  }

  override [OPEN](): CoreCursor {
    return this.#make(this.#batchSize);
  }

  /**
   * Documents in each batch, or, once the command was sent, in each of the following ones. 0: the server's choice;
   * 1 is sent as 2, since 1 would end the cursor.
   * @throws TypeError: no integer; ValueError: negative
   * @see Motor 3.8, AsyncIOMotorLatentCommandCursor.batch_size
   */
  override batch_size(n: number): this {
    expect('batch_size', 'n', whole, n);
    this.#batchSize = n === 1 ? 2 : n;
    if (this[CORE] !== null) this[CORE].batchSize = this.#batchSize;
    return this;
  }
}

/** The same of a command that is sent when the cursor is first read. */
export const AsyncIOMotorLatentCommandCursor: DualClass<typeof LatentCommandCursor, AsyncIOMotorLatentCommandCursor> =
  dual(LatentCommandCursor, TABLE, {
    name: 'AsyncIOMotorLatentCommandCursor',
  });
export type AsyncIOMotorLatentCommandCursor<T extends Document = Document> = Dual<LatentCommandCursor<T>>;

import type { Document } from 'bson';
import type { Addr, Dir } from '../../typings/documents';
import type { Dual, DualClass } from '../../typings/dual';
import type { FindSettings, Namespace } from '../core/commands';
import type { MakeCommand } from '../core/cursor';
import type { RunOptions } from '../core/engine';
import { CHECK_UNSENT, DEFAULT_LENGTH } from '../motor/batchCursor';
import { dual, only } from '../motor/dual';
import type { Query } from '../motor/find';
import { bool, expect, orNull, whole } from '../motor/keywords';
import {
  COMMAND,
  COPY_TO,
  IS_EXHAUST,
  MAX_AWAIT_TIME,
  PREPARED,
  SETTINGS as QUERY,
  QueryCursor,
  RUN_OPTIONS,
  withIndexes,
} from '../motor/queryCursor';
import { ENGINE } from '../motor/settings';
import { type Hint, hintOf, type Sort, sortOf } from './arguments';
import { type Collation, collationOf } from './collation';
import type { AsyncIOMotorCollection } from './collection';
import { addressOf, LOOP_INSTEAD, nextOf, TO_LIST, warnOnce } from './cursors';
import { type Bounds, boundsOf, commandOf } from './find';
import { encodedBy, readRun, SETTINGS, withReadConcern } from './settings';

/**
 * The documents that a query matches. It asks the server when it is read: by `for await`, `to_list`, `next`, `each` or
 * `fetch_next`. Until then the query can be refined; those methods return the cursor itself.
 * @see Motor 3.8, AsyncIOMotorCursor
 */
export class Cursor<T extends Document = Document> extends QueryCursor<AsyncIOMotorCollection, T> {
  /** Made by `AsyncIOMotorCollection.find` and `clone`. */
  constructor(collection: AsyncIOMotorCollection, settings: Query, exhaust: boolean) {
    super(collection, settings, exhaust);
  }

  override [COMMAND](namespace: Namespace, query: Query): Document | MakeCommand {
    return commandOf(this.collection[ENGINE], namespace, query, (command) => this[PREPARED](command));
  }

  [PREPARED](command: Document): Document {
    // Not sooner: until it is sent the caller may change the filter.
    return encodedBy(this.collection[SETTINGS], withReadConcern(command, this.collection[SETTINGS]));
  }

  [RUN_OPTIONS](): RunOptions {
    return readRun(this.collection[SETTINGS]);
  }

  /**
   * The order of the documents; the last call counts.
   * @param key_or_list a name, which is ascending; names and pairs of name and direction; or a document
   * @param direction for a single name: 1 (ascending, the default) or -1
   * @throws TypeError: of another type; ValueError: an empty list or document; InvalidOperation: the query was sent
   * @see Motor 3.8, AsyncIOMotorCursor.sort
   */
  sort(key_or_list: Sort, direction?: Dir): this {
    if (direction !== undefined && typeof key_or_list !== 'string') {
      throw new TypeError('sort: a list or a document has its directions in it');
    }
    const given = direction === undefined ? key_or_list : [[key_or_list as string, direction] as const];
    return this.#set('sort', 'sort', sortOf('sort', 'key_or_list', given));
  }

  /**
   * Documents in each batch. 0, the default: the server's choice.
   * @throws TypeError: no integer; ValueError: negative; InvalidOperation: the query was sent
   * @see Motor 3.8, AsyncIOMotorCursor.batch_size
   */
  batch_size(n: number): this {
    return this.#set('batch_size', 'batchSize', expect('batch_size', 'n', whole, n));
  }

  /**
   * The index to use, by its name or its keys; null takes it back.
   * @throws TypeError, ValueError: neither; InvalidOperation: the query was sent
   * @see Motor 3.8, AsyncIOMotorCursor.hint
   */
  hint(index: Hint | null): this {
    return this.#set('hint', 'hint', hintOf('hint', index));
  }

  /**
   * Lower bound, inclusive, of all keys of one index in order. Needs {@link hint}.
   * @throws TypeError: neither pairs nor a document; ValueError: empty; InvalidOperation: the query was sent
   * @see Motor 3.8, AsyncIOMotorCursor.min
   */
  min(spec: Bounds): this {
    return this.#set('min', 'min', boundsOf('min', 'spec', spec));
  }

  /**
   * Upper bound, exclusive, of all keys of one index in order. Needs {@link hint}.
   * @throws TypeError: neither pairs nor a document; ValueError: empty; InvalidOperation: the query was sent
   * @see Motor 3.8, AsyncIOMotorCursor.max
   */
  max(spec: Bounds): this {
    return this.#set('max', 'max', boundsOf('max', 'spec', spec));
  }

  /**
   * How strings are compared; null takes it back.
   * @throws TypeError: neither a Collation nor a document; InvalidOperation: the query was sent
   * @see Motor 3.8, AsyncIOMotorCursor.collation
   */
  collation(collation: Collation | Document | null): this {
    return this.#set('collation', 'collation', collationOf('collation', collation));
  }

  /**
   * Whether the server may use temporary files for a large sort.
   * @throws TypeError: no boolean; InvalidOperation: the query was sent
   * @see Motor 3.8, AsyncIOMotorCursor.allow_disk_use
   */
  allow_disk_use(allow_disk_use: boolean): this {
    return this.#set(
      'allow_disk_use',
      'allowDiskUse',
      expect('allow_disk_use', 'allow_disk_use', bool, allow_disk_use),
    );
  }

  /**
   * Most milliseconds that the server waits for new documents; only of a cursor with `CursorType.TAILABLE_AWAIT`.
   * @throws TypeError: neither an integer nor null; InvalidOperation: the query was sent
   * @see Motor 3.8, AsyncIOMotorCursor.max_await_time_ms
   */
  max_await_time_ms(n: number | null): this {
    expect('max_await_time_ms', 'n', orNull(whole), n);
    this[CHECK_UNSENT]('max_await_time_ms');
    this[MAX_AWAIT_TIME] = n;
    return this;
  }

  #set<Key extends keyof FindSettings>(method: string, key: Key, value: FindSettings[Key] | undefined): this {
    this[CHECK_UNSENT](method);
    if (value === undefined) delete this[QUERY][key];
    else this[QUERY][key] = value;
    return this;
  }

  /**
   * A new, unsent cursor with the same options.
   * @see Motor 3.8, AsyncIOMotorCursor.clone
   */
  clone(): AsyncIOMotorCursor<T> {
    const copy = new Cursor<T>(this.collection, { filter: {} }, this[IS_EXHAUST]);
    this[COPY_TO](copy);
    return copy as unknown as AsyncIOMotorCursor<T>;
  }

  override get [DEFAULT_LENGTH](): null {
    return null;
  }

  /**
   * The next document; of a tailable cursor it waits until there is one. It is not the `next` of a JavaScript iterator:
   * `cursor[Symbol.asyncIterator]()` makes one.
   * @throws StopAsyncIteration: there is none
   * @see Motor 3.8, AsyncIOMotorCursor.next
   */
  next(): Promise<T> {
    return nextOf(this);
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
   * @see Motor 3.8, AsyncIOMotorCursor.__aexit__
   */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  /** The server of the open cursor; null before it is open. */
  get address(): Addr | null {
    return addressOf(this);
  }
}

withIndexes(Cursor);

/** The documents that match a query. It asks the server when it is read. */
export const AsyncIOMotorCursor: DualClass<typeof Cursor, AsyncIOMotorCursor> = dual(
  Cursor,
  { to_list: TO_LIST, next: only(0), close: only(0), distinct: only(1), explain: only(0) },
  { name: 'AsyncIOMotorCursor' },
);
export type AsyncIOMotorCursor<T extends Document = Document> = Dual<Cursor<T>> & {
  /** `cursor[5]` is `cursor.at(5)`. */
  readonly [index: number]: AsyncIOMotorCursor<T>;
};

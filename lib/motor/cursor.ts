import type { Document } from 'bson';
import type { Dir, KeyOrList, Pairs } from '../../typings/documents';
import type { Dual, DualClass } from '../../typings/dual';
import type { Namespace } from '../core/commands';
import type { Arriving, MakeCommand } from '../core/cursor';
import type { DocumentClass } from '../core/documentClass';
import { firstKey } from '../core/documents';
import type { RunOptions } from '../core/engine';
import type { ReadPreference } from '../core/readPreference';
import { sendable } from '../core/uuids';
import { directionsOf, keysOf, pairsOf } from './arguments';
import { arrivingAt, CHECK_UNSENT, IS_EMPTY } from './batchCursor';
import type { MotorCollection } from './collection';
import { dual, only } from './dual';
import { type FindOptions, findRunOptions, findSettings, type Query, queryCommand } from './find';
import { bool, expect, picture, whole } from './keywords';
import {
  ARRIVING,
  COMMAND,
  COPY_TO,
  FILTER,
  PREPARED,
  QueryCursor,
  RUN_OPTIONS,
  RUN_READ,
  SETTINGS,
  withIndexes,
} from './queryCursor';
import { ENGINE, readPreferenceOf, UUIDS, withPreference } from './settings';

/** Values for the keys of an index, in its order. */
type Bounds = [key: string, value: unknown][];

/**
 * The documents that a query matches. It asks the server when it is read: by `to_list`, `each`, `for await`, or
 * `fetch_next` and `next_object`. Until then the query can be refined; those methods return the cursor itself.
 * @see Motor 0.2, MotorCursor
 */
export class Cursor extends QueryCursor<MotorCollection> {
  /** `cursor[5]` is `cursor.at(5)`. */
  readonly [index: number]: MotorCursor;
  readonly #options: FindOptions;
  /** Taken over when the cursor is made; the parents may change. */
  #preference: ReadPreference;
  #documentClass: DocumentClass;

  /** Made by `MotorCollection.find` and `clone`. */
  constructor(collection: MotorCollection, filter: Document, options: FindOptions) {
    super(collection, findSettings(filter, options), options.exhaust);
    this.#options = options;
    this.#preference = readPreferenceOf(collection, options);
    this.#documentClass = collection.database.connection.document_class;
  }

  [PREPARED](command: Document): Document {
    const { [ENGINE]: engine, [UUIDS]: uuids } = this.collection;
    // Not sooner: until it is sent the caller may change the filter.
    return withPreference(sendable(command, uuids.representation, firstKey(command)), this.#preference, engine);
  }

  override [COMMAND](namespace: Namespace, query: Query): Document | MakeCommand {
    return queryCommand(this.collection[ENGINE], namespace, query, (command) => this[PREPARED](command));
  }

  [RUN_OPTIONS](): RunOptions {
    return findRunOptions(this.#options, this.#documentClass, this.collection[UUIDS].reading);
  }

  override get [ARRIVING](): Arriving | null {
    return this.#options.manipulate ? arrivingAt(this.collection) : null;
  }

  /**
   * The order of the documents; the last call counts.
   * @param key_or_list a key, or pairs of key and direction
   * @param direction for a single key: 1 (ascending, the default) or -1
   * @throws TypeError: a list together with a direction, or neither string nor list; ValueError: an empty list
   * @throws InvalidOperation: the query was sent
   * @see Motor 0.2, MotorCursor.sort
   */
  sort(key_or_list: KeyOrList, direction: Dir | null = null): this {
    if (direction !== null && typeof key_or_list !== 'string') {
      throw new TypeError(
        Array.isArray(key_or_list)
          ? 'sort: a list of pairs has its directions in it'
          : `sort: with a direction the key must be a string, not ${picture(key_or_list)}`,
      );
    }
    const keys = keysOf('sort', 'key_or_list', direction === null ? key_or_list : [[key_or_list, direction]]);
    this[CHECK_UNSENT]('sort');
    this[SETTINGS].sort = keys;
    return this;
  }

  /**
   * Documents in each batch. 0, the default: the server's choice; 1 is sent as 2, since 1 would end the cursor.
   * @throws TypeError: no integer; ValueError: negative; InvalidOperation: the query was sent
   * @see Motor 0.2, MotorCursor.batch_size
   */
  batch_size(n: number): this {
    expect('batch_size', 'n', whole, n);
    this[CHECK_UNSENT]('batch_size');
    this[SETTINGS].batchSize = n === 1 ? 2 : n;
    return this;
  }

  /**
   * The index to use, by its keys; null takes it back.
   * @throws TypeError: no list; ValueError: an empty list; InvalidOperation: the query was sent
   * @see Motor 0.2, MotorCursor.hint
   */
  hint(index: Pairs | null): this {
    const keys = index === null ? null : directionsOf('hint', 'index', index);
    this[CHECK_UNSENT]('hint');
    if (keys === null) delete this[SETTINGS].hint;
    else this[SETTINGS].hint = keys;
    return this;
  }

  /**
   * Lower bound, inclusive, of all keys of one index in order.
   * @throws TypeError: no list; ValueError: an empty list; InvalidOperation: the query was sent
   * @see Motor 0.2, MotorCursor.min
   */
  min(spec: Bounds): this {
    const bound = pairsOf('min', 'spec', spec);
    this[CHECK_UNSENT]('min');
    this[SETTINGS].min = bound;
    return this;
  }

  /**
   * Upper bound, exclusive, of all keys of one index in order.
   * @throws TypeError: no list; ValueError: an empty list; InvalidOperation: the query was sent
   * @see Motor 0.2, MotorCursor.max
   */
  max(spec: Bounds): this {
    const bound = pairsOf('max', 'spec', spec);
    this[CHECK_UNSENT]('max');
    this[SETTINGS].max = bound;
    return this;
  }

  /**
   * A new, unsent cursor with the same options.
   * @see Motor 0.2, MotorCursor.clone
   */
  clone(): MotorCursor {
    const copy = new Cursor(this.collection, this[SETTINGS].filter, this.#options);
    this[COPY_TO](copy);
    copy.#preference = this.#preference;
    copy.#documentClass = this.#documentClass;
    return copy as unknown as MotorCursor;
  }

  /**
   * How many documents match. It does not move the cursor and can be called at any time.
   * @param with_limit_and_skip count only those that `skip` and `limit` leave; default false
   * @throws TypeError: no boolean; ExecutionTimeout, OperationFailure, AutoReconnect
   * @see Motor 0.2, MotorCursor.count
   */
  count(with_limit_and_skip = false): Promise<number> {
    expect('count', 'with_limit_and_skip', bool, with_limit_and_skip);
    const { skip, limit } = this[SETTINGS];
    const command: Document = { count: this.collection.name, query: this[FILTER] };
    if (with_limit_and_skip && this[IS_EMPTY]) return Promise.resolve(0);
    if (with_limit_and_skip && limit) command.limit = Math.abs(limit);
    if (with_limit_and_skip && skip) command.skip = skip;
    return this[RUN_READ](command, (reply) => reply.n as number);
  }
}

withIndexes(Cursor);

/** The documents that match a query. It asks the server when it is read. */
export const MotorCursor: DualClass<typeof Cursor, MotorCursor> = dual(
  Cursor,
  {
    to_list: { positional: 1, keywordsFrom: 0 },
    close: only(0),
    count: only(1, { keywordsFrom: 0 }),
    distinct: only(1),
    explain: only(0),
  },
  { name: 'MotorCursor' },
);
export type MotorCursor = Dual<Cursor>;

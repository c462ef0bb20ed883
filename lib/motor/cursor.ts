import type { Document } from 'bson';
import type { Dir, Js, KeyOrList, Pairs } from '../../typings/documents';
import type { Dual, DualClass } from '../../typings/dual';
import type { FindSettings } from '../core/commands';
import { Cursor as CoreCursor, type MakeCommand } from '../core/cursor';
import type { DocumentClass } from '../core/documentClass';
import { entries } from '../core/documents';
import { IndexError } from '../core/errors';
import type { ReadPreference } from '../core/readPreference';
import { sendable } from '../core/uuids';
import { codeOf, directionsOf, keysOf, pairsOf } from './arguments';
import { arrivingAt, BatchCursor, CHECK_UNSENT, IS_EMPTY, OPEN, RESTART } from './batchCursor';
import { withChildren } from './children';
import type { MotorCollection } from './collection';
import { dual, only } from './dual';
import {
  checkExhaust,
  type FindOptions,
  findRunOptions,
  findSettings,
  planAsResult,
  type Query,
  queryCommand,
} from './find';
import { bool, expect, integer, orNull, picture, string, whole } from './keywords';
import { foldWhere } from './scopeFolding';
import { ENGINE, readPreferenceOf, UUIDS, withPreference } from './settings';

// Bits of `add_option`, which the legacy protocol had for the flags of a query.
const TAILABLE = 2;
const SLAVE_OK = 4;
const OPLOG_REPLAY = 8;
const NO_TIMEOUT = 16;
const AWAIT_DATA = 32;
const EXHAUST = 64;
const PARTIAL = 128;
const KNOWN_OPTIONS = TAILABLE | SLAVE_OK | OPLOG_REPLAY | NO_TIMEOUT | AWAIT_DATA | EXHAUST | PARTIAL;

/** Values for the keys of an index, in its order. */
type Bounds = [key: string, value: unknown][];

/** How many documents servers put into a first batch, though more were asked for in one. */
const FIRST_BATCH = 101;

class Cursor extends BatchCursor {
  /** `cursor[5]` is `cursor.at(5)`. */
  readonly [index: number]: MotorCursor;
  readonly #collection: MotorCollection;
  readonly #options: FindOptions;
  readonly #settings: Query;
  /** Taken over when the cursor is made; the parents may change. */
  #preference: ReadPreference;
  #documentClass: DocumentClass;
  #exhaust: boolean;
  /** Bits that have no field in the command. */
  #otherBits = 0;
  #where: unknown = null;
  /** `slice(5, 5)`: it never asks the server. */
  #empty = false;

  /** Made by `MotorCollection.find` and `clone`. */
  constructor(collection: MotorCollection, filter: Document, options: FindOptions) {
    super(collection, null);
    this.#collection = collection;
    this.#options = options;
    this.#settings = findSettings(filter, options);
    this.#preference = readPreferenceOf(collection, options);
    this.#documentClass = collection.database.connection.document_class;
    this.#exhaust = options.exhaust;
  }

  [OPEN](): CoreCursor {
    const { limit = 0, batchSize = 0, tailable = false } = this.#settings;
    const collection = this.#collection;
    return new CoreCursor(collection[ENGINE], this.#command(), this.#namespace, {
      limit: Math.max(limit, 0),
      batchSize,
      tailable,
      awaitsData: this.#settings.awaitData ?? false,
      exhaust: this.#exhaust,
      ...(this.#settings.explain === true ? { adapt: planAsResult } : {}),
      comment: this.#settings.comment,
      run: findRunOptions(this.#options, this.#documentClass, this.#collection[UUIDS].reading),
      arriving: this.#options.manipulate ? arrivingAt(this.#collection) : null,
    });
  }

  override get [IS_EMPTY](): boolean {
    return this.#empty;
  }

  get #namespace() {
    return { database: this.#collection.database.name, collection: this.#collection.name };
  }

  get #filter(): Document {
    if (this.#where === null) return foldWhere(this.#settings.filter);
    return foldWhere(new Map([...entries(this.#settings.filter), ['$where', this.#where]]));
  }

  #command(more: Partial<Query> = {}): Document | MakeCommand {
    const query = { ...this.#settings, ...more, filter: this.#filter };
    const { limit = 0 } = query;
    if (limit < 0) query.batchSize = -limit > FIRST_BATCH ? -limit : 0;
    const engine = this.#collection[ENGINE];
    const { representation } = this.#collection[UUIDS];
    // Not sooner: until it is sent the caller may change the filter.
    return queryCommand(engine, this.#namespace, query, (command) =>
      withPreference(sendable(command, representation, 'find'), this.#preference, engine),
    );
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
    this.#settings.sort = keys;
    return this;
  }

  /**
   * Leave out the first documents. Default 0.
   * @throws TypeError: no integer; ValueError: negative; InvalidOperation: the query was sent
   * @see Motor 0.2, MotorCursor.skip
   */
  skip(n: number): this {
    expect('skip', 'n', whole, n);
    this[CHECK_UNSENT]('skip');
    this.#settings.skip = n;
    return this;
  }

  /**
   * Most documents to get. 0, the default: no limit, which also lifts the emptiness of `slice(5, 5)`; negative: at most
   * that many, in one batch. The last call counts.
   * @throws TypeError: no integer; InvalidOperation: the query was sent, or `exhaust` is set
   * @see Motor 0.2, MotorCursor.limit
   */
  limit(n: number): this {
    expect('limit', 'n', integer, n);
    this[CHECK_UNSENT]('limit');
    checkExhaust(this.#exhaust, n === 0 ? 1 : n, this.#collection[ENGINE]);
    this.#settings.limit = n;
    this.#empty = false;
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
    this.#settings.batchSize = n === 1 ? 2 : n;
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
    if (keys === null) delete this.#settings.hint;
    else this.#settings.hint = keys;
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
    this.#settings.min = bound;
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
    this.#settings.max = bound;
    return this;
  }

  /**
   * Most milliseconds that the server may work on the query; null, the default: no limit. Over it the query, or a later
   * batch, fails with ExecutionTimeout.
   * @throws TypeError: neither an integer nor null; InvalidOperation: the query was sent
   * @see Motor 0.2, MotorCursor.max_time_ms
   */
  max_time_ms(n: number | null): this {
    expect('max_time_ms', 'n', orNull(integer), n);
    this[CHECK_UNSENT]('max_time_ms');
    if (n === null) delete this.#settings.maxTimeMS;
    else this.#settings.maxTimeMS = n;
    return this;
  }

  /**
   * Most documents to look at. Gone from servers since 4.2, whose error comes back.
   * @see Motor 0.2, MotorCursor.max_scan
   */
  max_scan(n: number | null): this {
    this[CHECK_UNSENT]('max_scan');
    const { maxScan: _, ...extra } = this.#settings.extra ?? {};
    this.#settings.extra = n === null ? extra : { ...extra, maxScan: n };
    return this;
  }

  /**
   * A comment for the server's logs and profiler; sent with the query, `count` and `distinct`.
   * @throws InvalidOperation: the query was sent
   * @see Motor 0.2, MotorCursor.comment
   */
  comment(comment: unknown): this {
    this[CHECK_UNSENT]('comment');
    this.#settings.comment = comment;
    return this;
  }

  /**
   * A JavaScript condition besides the spec; the last call counts. The server must have JavaScript.
   * @throws TypeError: neither a string, nor a `Code`, nor a function; InvalidOperation: the query was sent
   * @see Motor 0.2, MotorCursor.where
   */
  where(code: Js): this {
    const condition = codeOf('where', 'code', code);
    this[CHECK_UNSENT]('where');
    this.#where = condition;
    return this;
  }

  /**
   * Set flags by their bits: 2 tailable, 4 secondary reads allowed, 8 oplog replay (no effect since 4.4), 16 no timeout,
   * 32 await data, 64 exhaust, 128 partial results.
   * @throws TypeError: no integer; InvalidOperation: 64 with a limit, or the query was sent
   * @see Motor 0.2, MotorCursor.add_option
   */
  add_option(mask: number): this {
    return this.#setOptions('add_option', mask, (bits) => bits | mask);
  }

  /**
   * Take flags back; the bits are those of {@link add_option}.
   * @throws TypeError: no integer; InvalidOperation: the query was sent
   * @see Motor 0.2, MotorCursor.remove_option
   */
  remove_option(mask: number): this {
    return this.#setOptions('remove_option', mask, (bits) => bits & ~mask);
  }

  #setOptions(method: string, mask: number, change: (bits: number) => number): this {
    expect(method, 'mask', integer, mask);
    this[CHECK_UNSENT](method);
    const bits = change(this.#optionBits) & KNOWN_OPTIONS;
    checkExhaust((bits & EXHAUST) !== 0, this.#settings.limit ?? 0, this.#collection[ENGINE]);
    this.#exhaust = (bits & EXHAUST) !== 0;
    setFlag(this.#settings, 'tailable', (bits & TAILABLE) !== 0);
    setFlag(this.#settings, 'awaitData', (bits & TAILABLE) !== 0 && (bits & AWAIT_DATA) !== 0);
    setFlag(this.#settings, 'noCursorTimeout', (bits & NO_TIMEOUT) !== 0);
    setFlag(this.#settings, 'allowPartialResults', (bits & PARTIAL) !== 0);
    this.#otherBits = bits & (SLAVE_OK | OPLOG_REPLAY | AWAIT_DATA);
    return this;
  }

  get #optionBits(): number {
    const { tailable, awaitData, noCursorTimeout, allowPartialResults } = this.#settings;
    return (
      this.#otherBits |
      (tailable === true ? TAILABLE : 0) |
      (awaitData === true ? AWAIT_DATA : 0) |
      (noCursorTimeout === true ? NO_TIMEOUT : 0) |
      (allowPartialResults === true ? PARTIAL : 0) |
      (this.#exhaust ? EXHAUST : 0)
    );
  }

  /**
   * This cursor over the one document at `i`, counted from an existing skip. Beyond the end: no document, no error.
   * @throws TypeError: no integer; IndexError: negative; InvalidOperation: the query was sent
   * @see Motor 0.2, MotorCursor.__getitem__
   */
  at(i: number): this {
    expect('at', 'i', integer, i);
    if (i < 0) throw new IndexError(`at: the index must not be negative, not ${i}`);
    this[CHECK_UNSENT]('at');
    checkExhaust(this.#exhaust, 1, this.#collection[ENGINE]);
    this.#settings.skip = (this.#settings.skip ?? 0) + i;
    this.#settings.limit = -1;
    this.#empty = false;
    return this;
  }

  /**
   * This cursor over the documents from `start` up to `end`, not included. Overrides skips, limits and slices before it;
   * `end` equal to `start` is an empty cursor that never asks the server.
   * @throws TypeError: no integers; IndexError: a negative start, an end before it, a step; InvalidOperation: sent
   * @see Motor 0.2, MotorCursor.__getitem__
   */
  slice(start: number | null = 0, end: number | null = null, ...step: unknown[]): this {
    if (step.length > 0) throw new IndexError('slice: there is no step');
    const from = expect('slice', 'start', integer, start ?? 0);
    const to = expect('slice', 'end', orNull(integer), end);
    if (from < 0) throw new IndexError(`slice: start must not be negative, not ${from}`);
    if (to !== null && to < from) throw new IndexError(`slice: end must not be before start, ${to} is before ${from}`);
    this[CHECK_UNSENT]('slice');
    if (to !== null) checkExhaust(this.#exhaust, 1, this.#collection[ENGINE]);
    this.#settings.skip = from;
    this.#settings.limit = to === null ? 0 : to - from;
    this.#empty = to === from;
    return this;
  }

  /**
   * Back to the state before the query was sent, options kept.
   * @see Motor 0.2, MotorCursor.rewind
   */
  rewind(): this {
    this[RESTART]();
    return this;
  }

  /**
   * A new, unsent cursor with the same options.
   * @see Motor 0.2, MotorCursor.clone
   */
  clone(): MotorCursor {
    const copy = new Cursor(this.#collection, this.#settings.filter, this.#options);
    for (const key of Object.keys(copy.#settings)) delete (copy.#settings as unknown as Document)[key];
    Object.assign(copy.#settings, structuredCopy(this.#settings));
    copy.#preference = this.#preference;
    copy.#documentClass = this.#documentClass;
    copy.#exhaust = this.#exhaust;
    copy.#otherBits = this.#otherBits;
    copy.#where = this.#where;
    copy.#empty = this.#empty;
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
    const { skip, limit } = this.#settings;
    const command: Document = { count: this.#collection.name, query: this.#filter };
    if (with_limit_and_skip && this.#empty) return Promise.resolve(0);
    if (with_limit_and_skip && limit) command.limit = Math.abs(limit);
    if (with_limit_and_skip && skip) command.skip = skip;
    return this.#run(command, (reply) => reply.n as number);
  }

  /**
   * The different values of a key among the documents that match; skip, limit and sort do not count.
   * @throws TypeError: `key` is no string; ExecutionTimeout, OperationFailure, AutoReconnect
   * @see Motor 0.2, MotorCursor.distinct
   */
  distinct(key: string): Promise<unknown[]> {
    expect('distinct', 'key', string, key);
    const command = { distinct: this.#collection.name, key, query: this.#filter };
    return this.#run(command, (reply) => reply.values as unknown[]);
  }

  /**
   * How the server would answer the query, in full detail. The cursor itself stays as it is.
   * @throws OperationFailure, AutoReconnect
   * @see Motor 0.2, MotorCursor.explain
   */
  async explain(): Promise<Document> {
    const command = this.#command({ explain: true });
    return this.#collection[ENGINE].run(typeof command === 'function' ? await command() : command, (reply) => reply);
  }

  #run<T>(command: Document, finish: (reply: Document) => T): Promise<T> {
    const { maxTimeMS, comment } = this.#settings;
    if (maxTimeMS !== undefined) command.maxTimeMS = maxTimeMS;
    if (comment !== undefined) command.comment = comment;
    command.$db = this.#collection.database.name;
    const engine = this.#collection[ENGINE];
    const { representation, reading } = this.#collection[UUIDS];
    const sent = sendable(command, representation);
    return engine.run(withPreference(sent, this.#preference, engine), finish, { uuids: reading });
  }
}

function setFlag(
  settings: FindSettings,
  name: 'tailable' | 'awaitData' | 'noCursorTimeout' | 'allowPartialResults',
  on: boolean,
) {
  if (on) settings[name] = true;
  else delete settings[name];
}

/** A deep copy that leaves BSON values, which never change, as they are. */
function structuredCopy<T>(value: T): T {
  if (Array.isArray(value)) return value.map(structuredCopy) as T;
  if (value instanceof Map) return new Map([...value].map(([key, inner]) => [key, structuredCopy(inner)])) as T;
  if (typeof value !== 'object' || value === null || Object.getPrototypeOf(value) !== Object.prototype) return value;
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, structuredCopy(inner)])) as T;
}

const INDEX = /^(0|[1-9]\d*)$/;

withChildren(Cursor, (cursor, name) => (INDEX.test(name) ? cursor.at(Number(name)) : undefined));

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

import type { Document } from 'bson';
import type { Js } from '../../typings/documents';
import { type FindSettings, findCommand, type Namespace } from '../core/commands';
import { type Arriving, Cursor as CoreCursor, type MakeCommand } from '../core/cursor';
import { entries } from '../core/documents';
import type { RunOptions } from '../core/engine';
import { IndexError } from '../core/errors';
import { codeOf } from './arguments';
import { BatchCursor, CHECK_UNSENT, type CursorOwner, IS_EMPTY, OPEN, RESTART } from './batchCursor';
import { withChildren } from './children';
import { checkExhaust, planAsResult, type Query } from './find';
import { expect, integer, orNull, string, whole } from './keywords';
import { foldWhere } from './scopeFolding';
import { ENGINE, type Inherited } from './settings';

// Bits of `add_option`, which the legacy protocol had for the flags of a query.
const TAILABLE = 2;
const SLAVE_OK = 4;
const OPLOG_REPLAY = 8;
const NO_TIMEOUT = 16;
const AWAIT_DATA = 32;
const EXHAUST = 64;
const PARTIAL = 128;
const KNOWN_OPTIONS = TAILABLE | SLAVE_OK | OPLOG_REPLAY | NO_TIMEOUT | AWAIT_DATA | EXHAUST | PARTIAL;

/** How many documents servers put into a first batch, though more were asked for in one. */
const FIRST_BATCH = 101;

// For the classes of cursors, not for their users.
export const SETTINGS: unique symbol = Symbol('settings');
/** What the query asks for, with the condition of `where` in it. */
export const FILTER: unique symbol = Symbol('filter');
/** Completes a command with what the surface sends beside it: where it may be read, and how. */
export const PREPARED: unique symbol = Symbol('prepared');
/** The command of a query, or what makes it. */
export const COMMAND: unique symbol = Symbol('command');
/** How the commands are run. */
export const RUN_OPTIONS: unique symbol = Symbol('runOptions');
export const RUN_READ: unique symbol = Symbol('runRead');
export const ARRIVING: unique symbol = Symbol('arriving');
export const MAX_AWAIT_TIME: unique symbol = Symbol('maxAwaitTime');
/** Make another cursor ask for the same. */
export const COPY_TO: unique symbol = Symbol('copyTo');
export const IS_EXHAUST: unique symbol = Symbol('isExhaust');

/** The collection that a query goes to. */
export interface QueryOwner extends CursorOwner {
  readonly [ENGINE]: Inherited[typeof ENGINE];
  readonly name: string;
  readonly database: { readonly name: string };
}

/** What the surfaces' cursors over queries have in common: settings that may change until the query is sent. */
export abstract class QueryCursor<Owner extends QueryOwner, T extends Document = Document> extends BatchCursor<
  Owner,
  T
> {
  readonly [SETTINGS]: Query;
  #exhaust: boolean;
  /** Bits that have no field in the command. */
  #otherBits = 0;
  #where: unknown = null;
  /** `slice(5, 5)`: it never asks the server. */
  #empty = false;
  /** Milliseconds that the server waits for new documents; null: its own choice. */
  [MAX_AWAIT_TIME]: number | null = null;

  constructor(collection: Owner, settings: Query, exhaust: boolean) {
    super(collection, null);
    this[SETTINGS] = settings;
    this.#exhaust = exhaust;
  }

  abstract [PREPARED](command: Document): Document;
  abstract [RUN_OPTIONS](): RunOptions;

  [OPEN](): CoreCursor {
    const { limit = 0, batchSize = 0, tailable = false, awaitData = false, comment, explain } = this[SETTINGS];
    return new CoreCursor(this.collection[ENGINE], this.#command(explain), this.#namespace, {
      limit: Math.max(limit, 0),
      batchSize,
      tailable,
      awaitsData: awaitData,
      maxAwaitTime: tailable && awaitData ? this[MAX_AWAIT_TIME] : null,
      comment,
      exhaust: this.#exhaust,
      ...(explain === true ? { adapt: planAsResult } : {}),
      run: this[RUN_OPTIONS](),
      arriving: this[ARRIVING],
    });
  }

  /** What is done with each batch. */
  get [ARRIVING](): Arriving | null {
    return null;
  }

  override get [IS_EMPTY](): boolean {
    return this.#empty;
  }

  get [IS_EXHAUST](): boolean {
    return this.#exhaust;
  }

  get #namespace() {
    return { database: this.collection.database.name, collection: this.collection.name };
  }

  get [FILTER](): Document {
    const { filter } = this[SETTINGS];
    return foldWhere(this.#where === null ? filter : new Map([...entries(filter), ['$where', this.#where]]));
  }

  #command(explain?: true): Document | MakeCommand {
    const { explain: _, ...query }: Query = { ...this[SETTINGS], filter: this[FILTER] };
    const { limit = 0 } = query;
    if (limit < 0) query.batchSize = -limit > FIRST_BATCH ? -limit : 0;
    return this[COMMAND](this.#namespace, explain === true ? { ...query, explain } : query);
  }

  [COMMAND](namespace: Namespace, query: Query): Document | MakeCommand {
    return this[PREPARED](findCommand(namespace, query));
  }

  [COPY_TO](copy: QueryCursor<Owner, T>): void {
    for (const key of Object.keys(copy[SETTINGS])) delete (copy[SETTINGS] as unknown as Document)[key];
    Object.assign(copy[SETTINGS], structuredCopy(this[SETTINGS]));
    copy.#exhaust = this.#exhaust;
    copy.#otherBits = this.#otherBits;
    copy.#where = this.#where;
    copy.#empty = this.#empty;
    copy[MAX_AWAIT_TIME] = this[MAX_AWAIT_TIME];
  }

  /**
   * Leave out the first documents. Default 0.
   * @throws TypeError: no integer; ValueError: negative; InvalidOperation: the query was sent
   * @see Motor 0.2, MotorCursor.skip
   */
  skip(n: number): this {
    expect('skip', 'n', whole, n);
    this[CHECK_UNSENT]('skip');
    this[SETTINGS].skip = n;
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
    checkExhaust(this.#exhaust, n === 0 ? 1 : n, this.collection[ENGINE]);
    this[SETTINGS].limit = n;
    this.#empty = false;
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
    if (n === null) delete this[SETTINGS].maxTimeMS;
    else this[SETTINGS].maxTimeMS = n;
    return this;
  }

  /**
   * Most documents to look at; null: no limit. Gone from servers since 4.2, whose error comes back.
   * @throws TypeError: neither an integer nor null; ValueError: negative; InvalidOperation: the query was sent
   * @see Motor 0.2, MotorCursor.max_scan
   */
  max_scan(n: number | null): this {
    expect('max_scan', 'n', orNull(whole), n);
    this[CHECK_UNSENT]('max_scan');
    const { maxScan: _, ...extra } = this[SETTINGS].extra ?? {};
    this[SETTINGS].extra = n === null ? extra : { ...extra, maxScan: n };
    return this;
  }

  /**
   * A comment for the server's logs and profiler; sent with the query, `count` and `distinct`.
   * @throws InvalidOperation: the query was sent
   * @see Motor 0.2, MotorCursor.comment
   */
  comment(comment: unknown): this {
    this[CHECK_UNSENT]('comment');
    this[SETTINGS].comment = comment;
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
    checkExhaust((bits & EXHAUST) !== 0, this[SETTINGS].limit ?? 0, this.collection[ENGINE]);
    this.#exhaust = (bits & EXHAUST) !== 0;
    setFlag(this[SETTINGS], 'tailable', (bits & TAILABLE) !== 0);
    setFlag(this[SETTINGS], 'awaitData', (bits & TAILABLE) !== 0 && (bits & AWAIT_DATA) !== 0);
    setFlag(this[SETTINGS], 'noCursorTimeout', (bits & NO_TIMEOUT) !== 0);
    setFlag(this[SETTINGS], 'allowPartialResults', (bits & PARTIAL) !== 0);
    this.#otherBits = bits & (SLAVE_OK | OPLOG_REPLAY | AWAIT_DATA);
    return this;
  }

  get #optionBits(): number {
    const { tailable, awaitData, noCursorTimeout, allowPartialResults } = this[SETTINGS];
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
    checkExhaust(this.#exhaust, 1, this.collection[ENGINE]);
    this[SETTINGS].skip = (this[SETTINGS].skip ?? 0) + i;
    this[SETTINGS].limit = -1;
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
    if (to !== null) checkExhaust(this.#exhaust, 1, this.collection[ENGINE]);
    this[SETTINGS].skip = from;
    this[SETTINGS].limit = to === null ? 0 : to - from;
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
   * The different values of a key among the documents that match; skip, limit and sort do not count.
   * @throws TypeError: `key` is no string; ExecutionTimeout, OperationFailure, AutoReconnect
   * @see Motor 0.2, MotorCursor.distinct
   */
  distinct(key: string): Promise<unknown[]> {
    expect('distinct', 'key', string, key);
    const command = { distinct: this.collection.name, key, query: this[FILTER] };
    return this[RUN_READ](command, (reply) => reply.values as unknown[]);
  }

  /**
   * How the server would answer the query, in full detail. The cursor itself stays as it is.
   * @throws OperationFailure, AutoReconnect
   * @see Motor 0.2, MotorCursor.explain
   */
  async explain(): Promise<Document> {
    const made = this.#command();
    const { $db, $readPreference, ...find } = typeof made === 'function' ? await made() : made;
    const command: Document = { explain: find, verbosity: 'allPlansExecution', $db };
    if ($readPreference !== undefined) command.$readPreference = $readPreference;
    return this.collection[ENGINE].run(command, (reply) => reply);
  }

  /** Run a command about the same documents. */
  [RUN_READ]<Result>(command: Document, finish: (reply: Document) => Result): Promise<Result> {
    const { maxTimeMS, comment } = this[SETTINGS];
    if (maxTimeMS !== undefined) command.maxTimeMS = maxTimeMS;
    if (comment !== undefined) command.comment = comment;
    command.$db = this.collection.database.name;
    return this.collection[ENGINE].run(this[PREPARED](command), finish, this[RUN_OPTIONS]());
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

/** Let `cursor[5]` be the cursor over that document. */
export function withIndexes<C extends abstract new (...args: never[]) => { at(i: number): unknown }>(Class: C): C {
  return withChildren(Class, (cursor, name) => (INDEX.test(name) ? cursor.at(Number(name)) : undefined));
}

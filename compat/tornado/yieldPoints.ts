import { inspect, types } from 'node:util';
import { DUAL } from '../../lib/motor/dual';
import { isPlainObject } from '../../lib/motor/keywords';
import { callable } from './callable';
import { BadYieldError, KeyReuseError, UnknownKeyError } from './errors';
import { turn } from './pace';

/** What a `yield` gives. In a box, for it may itself be a promise, and promises would wait for it. */
export interface Answer {
  readonly value: unknown;
}

const box = (value: unknown): Answer => ({ value });

/**
 * The arguments that a callback got, where there were several: an array.
 * @see Tornado 3.2, tornado.gen.Arguments
 */
export class Arguments extends Array<unknown> {
  // What is made from it, such as a slice, is no longer what a callback got.
  static override get [Symbol.species](): ArrayConstructor {
    return Array;
  }

  /** The arguments: this array. */
  get args(): this {
    return this;
  }

  /** Always empty: JavaScript has no keyword arguments. */
  get kwargs(): Record<string, never> {
    return {};
  }
}

/** None: null; one: itself; several: all of them. */
function received(args: unknown[]): Answer {
  return box(args.length > 1 ? Arguments.from(args) : (args[0] ?? null));
}

/** A function to pass as a callback. */
type Receiver = (...args: unknown[]) => void;

/** The keys of one coroutine's `gen.Callback`s that nobody waits for yet. */
export class Keys {
  readonly #answers = new Map<unknown, Promise<Answer>>();

  add(key: unknown): Receiver {
    if (this.#answers.has(key))
      throw new KeyReuseError(`gen.Callback: nobody has waited for the last one of ${show(key)}`);
    let receive: Receiver = () => {};
    const answer = new Promise<Answer>((resolve) => {
      receive = (...args) => resolve(received(args));
    });
    this.#answers.set(key, answer);
    return receive;
  }

  take(key: unknown): Promise<Answer> {
    const answer = this.#answers.get(key);
    if (!answer) throw new UnknownKeyError(`gen.Wait: there is no gen.Callback for ${show(key)}`);
    this.#answers.delete(key);
    return answer;
  }

  /** Those that are left, in words; empty if there are none. */
  toString(): string {
    return [...this.#answers.keys()].map(show).join(', ');
  }
}

function show(key: unknown): string {
  return typeof key === 'object' || typeof key === 'function' ? `key ${kind(key)}` : `key ${inspect(key)}`;
}

/** Something to yield that only a coroutine, or `await`, sets going. */
export abstract class YieldPoint<T = unknown> implements PromiseLike<T> {
  /** Start, if that has not been done yet. `keys` are those of the coroutine that yielded it, if one did. */
  abstract start(keys: Keys | null): Promise<Answer>;

  /** Start and wait, as `await` does. */
  // biome-ignore lint/suspicious/noThenProperty: being awaitable is the point
  then<R = T, S = never>(
    done?: ((value: T) => R | PromiseLike<R>) | null,
    failed?: ((error: unknown) => S | PromiseLike<S>) | null,
  ): Promise<R | S> {
    return begin(this, null)
      .then((answer) => answer.value as T)
      .then(done, failed);
  }
}

type AnyFunction = (...args: never[]) => unknown;

class TaskPoint<T> extends YieldPoint<T> {
  readonly #fn: (...args: unknown[]) => unknown;
  readonly #args: unknown[];
  #answer: Promise<Answer> | null = null;

  constructor(fn: AnyFunction, ...args: unknown[]) {
    super();
    if (typeof fn !== 'function') throw new TypeError('gen.Task: the first argument must be a function');
    this.#fn = fn as (...args: unknown[]) => unknown;
    this.#args = args;
  }

  start(): Promise<Answer> {
    this.#answer ??= this.#call();
    return this.#answer;
  }

  async #call(): Promise<Answer> {
    if ((this.#fn as { [DUAL]?: boolean })[DUAL]) return box(await this.#fn(...this.#args));
    return new Promise((resolve) => {
      this.#fn(...this.#args, (...args: unknown[]) => resolve(received(args)));
    });
  }
}
Object.defineProperty(TaskPoint, 'name', { value: 'Task' });

/** {@link Task} */
export interface TaskMaker {
  new <T = unknown>(fn: AnyFunction, ...args: unknown[]): Task<T>;
  <T = unknown>(fn: AnyFunction, ...args: unknown[]): Task<T>;
  prototype: Task;
}

/**
 * Call a function that takes a callback, and wait for it; to be yielded or awaited, with or without `new`.
 * Nothing is called before that.
 *
 * A dual method of this package, or a coroutine, gives its result or throws its error. Any other function gets a
 * callback as its last argument, and what that was called with is the result: nothing gives `null`, one argument
 * itself, several {@link Arguments}, so an error among them is not thrown.
 * @example const user = yield gen.Task(users.find_one, { name: 'Ada' });
 * @example yield gen.Task(loop.add_timeout, timedelta({ seconds: 1 }));
 * @see Tornado 3.2, tornado.gen.Task
 */
export const Task: TaskMaker = callable(TaskPoint) as unknown as TaskMaker;
export type Task<T = unknown> = TaskPoint<T>;

/** A point that needs the keys of the coroutine which yields it. */
class KeyPoint<T> extends YieldPoint<T> {
  readonly #name: string;
  readonly #find: (keys: Keys) => Answer | Promise<Answer>;

  constructor(name: string, find: (keys: Keys) => Answer | Promise<Answer>) {
    super();
    this.#name = name;
    this.#find = find;
  }

  async start(keys: Keys | null): Promise<Answer> {
    if (keys === null) throw new BadYieldError(`${this.#name} can only be yielded, and only by a coroutine`);
    return this.#find(keys);
  }
}

/**
 * Yielded, it gives a function to pass as a callback; {@link Wait} for the same key then gives what that was called
 * with. At the `yield` it throws KeyReuseError if the last callback of this key has not been waited for.
 * @param key any value, told from others as the keys of a `Map` are
 * @example users.save(user, yield gen.Callback('saved'));
 * @see Tornado 3.2, tornado.gen.Callback
 */
export function Callback(key: unknown): YieldPoint<Receiver> {
  return new KeyPoint('gen.Callback', (keys) => box(keys.add(key)));
}

/**
 * Yielded, it waits until the {@link Callback} of this key is called: nothing gives `null`, one argument itself, several
 * {@link Arguments}; so `(result, error)` arrive both, and nothing is thrown. Without such a callback the `yield` throws
 * UnknownKeyError.
 * @example const [saved, error] = yield gen.Wait('saved');
 * @see Tornado 3.2, tornado.gen.Wait
 */
export function Wait(key: unknown): YieldPoint {
  return new KeyPoint('gen.Wait', (keys) => keys.take(key));
}

/**
 * Yielded, it waits for all these keys, as {@link Wait} does for one, and gives an array in their order.
 * @see Tornado 3.2, tornado.gen.WaitAll
 */
export function WaitAll(wanted: Iterable<unknown>): YieldPoint<unknown[]> {
  return new KeyPoint('gen.WaitAll', async (keys) => {
    const answers = await Promise.all(Array.from(wanted, (key) => keys.take(key)));
    return box(answers.map((answer) => answer.value));
  });
}

/**
 * Set going what was yielded.
 * @param keys of the coroutine that yielded it; `null` where there is none
 * @param around the lists that it stands in
 */
export async function begin(yielded: unknown, keys: Keys | null, around: readonly unknown[] = []): Promise<Answer> {
  if (yielded === null || yielded === undefined) return box(await turn());
  if (yielded instanceof YieldPoint) return yielded.start(keys);
  if (isThenable(yielded)) return box(await yielded);
  if (around.includes(yielded)) throw new BadYieldError('cannot wait for a list that contains itself');
  const within = [...around, yielded];
  if (Array.isArray(yielded)) return box(await beginAll(yielded, keys, within));
  if (yielded instanceof Map) {
    const values = await beginAll([...yielded.values()], keys, within);
    return box(new Map([...yielded.keys()].map((key, i) => [key, values[i]])));
  }
  if (isPlainObject(yielded)) {
    const values = await beginAll(Object.values(yielded), keys, within);
    return box(Object.fromEntries(Object.keys(yielded).map((key, i) => [key, values[i]])));
  }
  throw new BadYieldError(
    `cannot wait for ${kind(yielded)}; what can be yielded: a promise, a yield point, null, and arrays, plain objects and Maps of these`,
  );
}

/** All are set going first and all are waited for; then the first error in order, if any, is thrown. */
async function beginAll(children: unknown[], keys: Keys | null, within: readonly unknown[]): Promise<unknown[]> {
  const outcomes = await Promise.allSettled(Array.from(children, (child) => begin(child, keys, within)));
  return outcomes.map((outcome) => {
    if (outcome.status === 'rejected') throw outcome.reason;
    return outcome.value.value;
  });
}

function isThenable(value: unknown): value is PromiseLike<unknown> {
  if (types.isPromise(value)) return true;
  if (value === null || (typeof value !== 'object' && typeof value !== 'function')) return false;
  return typeof (value as { then?: unknown }).then === 'function';
}

/** A value's type, in words; never the value. */
function kind(value: unknown): string {
  if (typeof value !== 'object' || value === null) return `a ${typeof value}`;
  return `an object of class ${value.constructor?.name || 'unknown'}`;
}

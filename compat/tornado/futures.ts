import { TimeoutError } from './errors';
import { turn } from './pace';
import { type Deadline, secondsUntil, Timer } from './time';
import { type Answer, begin, YieldPoint } from './yieldPoints';

/** What a coroutine gets for a yielded `T`. */
export type Yielded<T> =
  T extends PromiseLike<unknown>
    ? Awaited<T>
    : T extends null | undefined
      ? null
      : T extends Map<infer K, infer V>
        ? Map<K, Yielded<V>>
        : T extends object
          ? { -readonly [K in keyof T]: Yielded<T[K]> }
          : never;

/**
 * A pause.
 * @param seconds how long, with fractions; 0 and less: one turn of the event loop
 * @returns `null`
 * @throws TypeError: no finite number
 * @see Tornado 4.1, tornado.gen.sleep
 */
export async function sleep(seconds: number): Promise<null> {
  if (!Number.isFinite(seconds)) throw new TypeError('gen.sleep: seconds must be a finite number');
  return new Promise((resolve) => new Timer(seconds, () => resolve(null)));
}

class Moment extends YieldPoint<null> {
  async start(): Promise<Answer> {
    return { value: await turn() };
  }
}

/**
 * One turn of the event loop, each time it is yielded or awaited.
 * @see Tornado 4.0, tornado.gen.moment
 */
export const moment: PromiseLike<null> = new Moment();

/**
 * Wait for several things, as yielding them in a list does: all are begun, all are waited for, then the first error in
 * order is thrown.
 * @param children an array, plain object or Map of what may be yielded, but for `gen.Callback` and `gen.Wait`
 * @returns the results in the same places
 * @throws BadYieldError: something that cannot be waited for
 * @see Tornado 4.2, tornado.gen.multi
 */
export async function multi<const T extends object>(children: T): Promise<Yielded<T>> {
  return (await begin(children, null)).value as Yielded<T>;
}

/**
 * A Promise of anything: of a promise its result, of any other value that value.
 * @see Tornado 4.0, tornado.gen.maybe_future
 */
export async function maybe_future<T>(x: T): Promise<Awaited<T>> {
  return await x;
}

/**
 * Wait for something, but not for ever. The operation itself goes on, and its later error counts as handled.
 * @param deadline seconds since 1970, a Date, or a `timedelta` from now; a past one fails at once
 * @param future what may be yielded, but for `gen.Callback` and `gen.Wait`
 * @returns its result
 * @throws gen.TimeoutError: the deadline came first. TypeError: it is no deadline
 * @example const reply = yield gen.with_timeout(timedelta({ seconds: 5 }), users.find_one());
 * @see Tornado 4.0, tornado.gen.with_timeout
 */
export async function with_timeout<T>(deadline: Deadline, future: T): Promise<Yielded<T>> {
  const seconds = secondsUntil(deadline, Date.now() / 1000, 'gen.with_timeout');
  const answer = begin(future, null);
  let timer: Timer | undefined;
  const expired = new Promise<never>((_, reject) => {
    const expire = () => reject(new TimeoutError('gen.with_timeout: the deadline came first'));
    if (seconds > 0) timer = new Timer(seconds, expire);
    else expire();
  });
  try {
    // The deadline first, so that a past one wins over a result that is there.
    return (await Promise.race([expired, answer])).value as Yielded<T>;
  } finally {
    timer?.cancel();
  }
}

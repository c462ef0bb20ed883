/** The event loop: the classes of `tornado.ioloop`. */

import { InvalidOperation } from '../../lib/core/errors';
import { Bound, dual, only } from '../../lib/motor/dual';
import { provideCurrentLoop } from '../../lib/motor/ioLoop';
import { type Check, expect, fn, type Given, keywords, orNull } from '../../lib/motor/keywords';
import type { Callback, Dual, KeywordCallback } from '../../typings/dual';
import { TimeoutError } from './errors';
import { type Deadline, secondsUntil, Timer } from './time';

export { TimeoutError };

/** What {@link IOLoop.add_timeout} returns, for {@link IOLoop.remove_timeout}. */
export type TimeoutHandle = Timer;

/** What keeps the process alive between `start` and `stop` of one loop. */
interface Running {
  readonly done: Promise<null>;
  finish(): void;
  stopping: boolean;
}

const seconds: Check<number> = {
  wanted: 'a finite number of seconds',
  is: (value): value is number => Number.isFinite(value),
};

const milliseconds: Check<number> = {
  wanted: 'a positive number of milliseconds',
  is: (value): value is number => typeof value === 'number',
  inRange: (value) => value > 0 && value < Number.POSITIVE_INFINITY,
};

const RUN_SYNC = keywords({ timeout: [null, orNull(seconds)] });
type RunSyncKw = Given<typeof RUN_SYNC>;

let global: IOLoop | null = null;
let current: IOLoop | null = null;

/**
 * Tornado's loop as a facade: Node has one event loop, which is always running. This one schedules, and it can keep the
 * process alive. Several may exist; each has its own running state and can be given as `io_loop`.
 *
 * Methods are bound, so they can be passed on. What is scheduled keeps the process alive until it has run; the loop as
 * such does so only between {@link start} and {@link stop}.
 * @see Tornado 3.2, tornado.ioloop.IOLoop
 */
export class Loop extends Bound {
  readonly #scheduled = new Set<Timer>();
  #running: Running | null = null;
  #stopped = false;
  #closed = false;

  /** The global loop, made when it is first asked for. */
  static instance(): IOLoop {
    global ??= new IOLoop();
    return global;
  }

  /** The current loop: the global one unless another was {@link make_current made current}. */
  static current(): IOLoop {
    return current ?? IOLoop.instance();
  }

  /** Whether the global loop exists. */
  static initialized(): boolean {
    return global !== null;
  }

  /** Make the global loop the current one again. */
  static clear_current(): void {
    current = null;
  }

  /**
   * Make this the current loop.
   * @throws InvalidOperation: it is closed
   */
  make_current(): void {
    this.#assertOpen('make_current');
    current = this as unknown as IOLoop;
  }

  /**
   * Keep the process alive until {@link stop}. **Does not block**: write `await loop.start()` where the next line
   * matters.
   * @returns `null` once the loop was stopped; at once if `stop` was called before
   * @throws InvalidOperation: running already, or closed
   */
  async start(): Promise<null> {
    return this.#begin('start').done;
  }

  #begin(method: string): Running {
    this.#assertOpen(method);
    if (this.#running) throw new InvalidOperation(`${method}: the loop is already running`);
    if (this.#stopped) {
      this.#stopped = false;
      return { done: Promise.resolve(null), finish: () => {}, stopping: true };
    }
    let finish = () => {};
    const done = new Promise<null>((resolve) => {
      const alive = setInterval(() => {}, 2 ** 31 - 1);
      finish = () => {
        clearInterval(alive);
        this.#running = null;
        resolve(null);
      };
    });
    this.#running = { done, finish, stopping: false };
    return this.#running;
  }

  /**
   * End {@link start} in a later turn. Before `start`: the next one ends at once.
   * @throws InvalidOperation: the loop is closed
   */
  stop(): void {
    this.#assertOpen('stop');
    if (this.#running) this.#end(this.#running);
    else this.#stopped = true;
  }

  #end(running: Running): void {
    if (running.stopping) return;
    running.stopping = true;
    setImmediate(running.finish);
  }

  /**
   * Start the loop, run a function in it, stop the loop. **Does not block**: it must be awaited.
   * @param func called without arguments, in a later turn; may return a Promise
   * @param kw `timeout`: seconds, by default none
   * @returns the function's result
   * @throws what the function throws; ioloop.TimeoutError: it took longer than `timeout`, or the loop was stopped
   *   meanwhile (the operation itself goes on); InvalidOperation: the loop is running already, or closed
   * @example const reply = await IOLoop.current().run_sync(client.open, { timeout: 5 });
   */
  async run_sync<T>(func: () => T | PromiseLike<T>, kw: RunSyncKw = {}): Promise<T> {
    expect('run_sync', 'the first argument', fn, func);
    const { timeout } = RUN_SYNC.read('run_sync', kw);
    const running = this.#begin('run_sync');
    let timer: Timer | undefined;
    let begun: Timer | undefined;
    try {
      return await new Promise<T>((resolve, reject) => {
        begun = this.#schedule(0, async () => {
          try {
            resolve(await func());
          } catch (error) {
            reject(error);
          }
        });
        if (timeout !== null) {
          const expire = () => reject(new TimeoutError(`run_sync: not done within ${timeout} s (timeout)`));
          timer = this.#schedule(timeout, expire);
        }
        running.done.then(() =>
          reject(new TimeoutError('run_sync: the loop was stopped before the function was done')),
        );
      });
    } finally {
      for (const timer_ of [begun, timer]) if (timer_) this.#cancel(timer_);
      this.#end(running);
      await running.done;
    }
  }

  /**
   * Run `callback(...args)` in a later turn of the event loop, in order of adding. One that a running callback adds
   * waits for the turn after. What it throws, or its Promise's error, goes to {@link handle_callback_exception}.
   * @throws TypeError: no function. InvalidOperation: the loop is closed
   */
  add_callback<A extends unknown[]>(callback: (...args: A) => unknown, ...args: A): void {
    this.#add('add_callback', 0, callback, args);
  }

  /** The same as {@link add_callback}. */
  spawn_callback<A extends unknown[]>(callback: (...args: A) => unknown, ...args: A): void {
    this.#add('spawn_callback', 0, callback, args);
  }

  /** The same as {@link add_callback}: Node's signal handlers are ordinary callbacks. */
  add_callback_from_signal<A extends unknown[]>(callback: (...args: A) => unknown, ...args: A): void {
    this.#add('add_callback_from_signal', 0, callback, args);
  }

  /**
   * Run `callback(...args)` at a given time; if that is past, in the next turn.
   * @param deadline seconds as in {@link time}, a Date, or a `timedelta` from now; any length of time
   * @returns a handle for {@link remove_timeout}
   * @throws TypeError: no deadline, no function. InvalidOperation: the loop is closed
   */
  add_timeout<A extends unknown[]>(deadline: Deadline, callback: (...args: A) => unknown, ...args: A): TimeoutHandle {
    return this.#add('add_timeout', secondsUntil(deadline, this.time(), 'add_timeout'), callback, args);
  }

  /** {@link add_timeout} with the time in seconds, as in {@link time}. */
  call_at<A extends unknown[]>(when: number, callback: (...args: A) => unknown, ...args: A): TimeoutHandle {
    return this.#add('call_at', expect('call_at', 'the time', seconds, when) - this.time(), callback, args);
  }

  /** {@link add_timeout} with the number of seconds from now. */
  call_later<A extends unknown[]>(delay: number, callback: (...args: A) => unknown, ...args: A): TimeoutHandle {
    return this.#add('call_later', expect('call_later', 'the delay', seconds, delay), callback, args);
  }

  /**
   * Take back what {@link add_timeout} and its like scheduled. Harmless when it ran already.
   * @throws TypeError: no handle
   */
  remove_timeout(handle: TimeoutHandle): void {
    if (!(handle instanceof Timer)) throw new TypeError('remove_timeout: takes what add_timeout returned');
    this.#cancel(handle);
  }

  /**
   * Run `callback(future)` in a later turn once a Promise is settled. Its error then counts as handled.
   * @throws TypeError: no Promise, no function. InvalidOperation: the loop is closed
   */
  add_future<F extends PromiseLike<unknown>>(future: F, callback: (future: F) => unknown): void {
    this.#assertOpen('add_future');
    if (typeof future?.then !== 'function') throw new TypeError('add_future: the first argument must be a Promise');
    expect('add_future', 'the callback', fn, callback);
    const settled = () => {
      if (!this.#closed) this.#add('add_future', 0, callback, [future]);
    };
    Promise.resolve(future).then(settled, settled);
  }

  /** Seconds since 1970, with fractions. */
  time(): number {
    return Date.now() / 1000;
  }

  /**
   * Called with what a callback threw, or rejected with. By default it throws it again, outside of everything, so that
   * it is an uncaught exception of the application. To be overridden, or assigned.
   */
  handle_callback_exception(_callback: (...args: never[]) => unknown, error: unknown): void {
    throw error;
  }

  /**
   * Cancel what this loop scheduled, and end {@link start} if it is running. Using the loop afterwards is an
   * InvalidOperation; closing it again is harmless.
   */
  close(): void {
    this.#closed = true;
    for (const timer of this.#scheduled) this.#cancel(timer);
    if (this.#running) this.#end(this.#running);
    if ((current as unknown) === this) current = null;
  }

  #add<A extends unknown[]>(method: string, delay: number, callback: (...args: A) => unknown, args: A): Timer {
    this.#assertOpen(method);
    expect(method, 'the callback', fn, callback);
    return this.#schedule(delay, () => void attempt(this as unknown as IOLoop, callback, args));
  }

  #schedule(delay: number, run: () => void): Timer {
    const timer = new Timer(delay, () => {
      this.#scheduled.delete(timer);
      run();
    });
    this.#scheduled.add(timer);
    return timer;
  }

  #cancel(timer: Timer): void {
    timer.cancel();
    this.#scheduled.delete(timer);
  }

  #assertOpen(method: string): void {
    if (this.#closed) throw new InvalidOperation(`${method}: the loop is closed`);
  }
}

/** Tornado's loop as a facade: it schedules, and keeps the process alive between `start` and `stop`. */
export interface IOLoop extends Omit<Dual<Loop>, 'run_sync' | 'runSync' | 'time' | 'handle_callback_exception'> {
  /**
   * Start the loop, run a function in it, stop the loop. **Does not block**: it must be awaited. `timeout`: seconds.
   */
  run_sync: RunSync;
  /** {@link run_sync} */
  runSync: RunSync;

  // Methods again, for what is derived counts as a property, which no method of a subclass can override.

  /** Seconds since 1970, with fractions. */
  time(): number;

  /** Called with what a callback threw, or rejected with. To be overridden, or assigned. */
  handle_callback_exception(callback: (...args: never[]) => unknown, error: unknown): void;
}

// By hand, for no type that is derived from a method keeps what the method is generic in.
interface RunSync {
  <T>(func: () => T | PromiseLike<T>, kw?: RunSyncKw | null): Promise<T>;
  <T>(func: () => T | PromiseLike<T>, callback: Callback<T>): void;
  <T>(func: () => T | PromiseLike<T>, kw: RunSyncKw | null | undefined, callback: Callback<T>): void;
  <T>(func: () => T | PromiseLike<T>, kw: Omit<RunSyncKw, 'callback'> & KeywordCallback<Callback<T>>): void;
}

/** {@link IOLoop} */
export interface IOLoopClass extends Omit<typeof Loop, 'prototype'> {
  new (): IOLoop;
  readonly prototype: IOLoop;
}

export const IOLoop = dual(
  Loop,
  { start: only(0), run_sync: { positional: 1, functions: 1 } },
  { name: 'IOLoop' },
) as unknown as IOLoopClass;

provideCurrentLoop(IOLoop.current);

/** Call it. What it throws, now or later, goes to the loop's handler, with no promise around that. */
async function attempt<A extends unknown[]>(loop: IOLoop, callback: (...args: A) => unknown, args: A): Promise<void> {
  try {
    await callback(...args);
  } catch (error) {
    process.nextTick(() => loop.handle_callback_exception(callback, error));
  }
}

const PERIODIC = keywords({
  io_loop: [null, orNull({ wanted: 'an IOLoop', is: (value): value is IOLoop => value instanceof IOLoop })],
});

/**
 * Calls a function again and again. A call is skipped, not made up for, if the one before is still going (its Promise is
 * not settled) or the process was too busy. What the function throws goes to `io_loop.handle_callback_exception`.
 * @see Tornado 3.2, tornado.ioloop.PeriodicCallback
 */
export class Periodic extends Bound {
  readonly #callback: () => unknown;
  readonly #period: number;
  readonly #loop: IOLoop;
  #timer: TimeoutHandle | null = null;
  #next = 0;
  #busy = false;

  /**
   * Nothing is called before {@link start}.
   * @param callback called without arguments
   * @param callback_time milliseconds from call to call
   * @param kw `io_loop`: an {@link IOLoop}, by default the current one
   * @throws TypeError: a wrong type, an unknown keyword. ValueError: `callback_time` is not positive and finite
   */
  constructor(callback: () => unknown, callback_time: number, kw: Given<typeof PERIODIC> = {}) {
    super();
    const { io_loop } = PERIODIC.read('PeriodicCallback', kw);
    this.#callback = expect('PeriodicCallback', 'callback', fn, callback) as () => unknown;
    this.#period = expect('PeriodicCallback', 'callback_time', milliseconds, callback_time);
    this.#loop = io_loop ?? IOLoop.current();
  }

  /**
   * Begin; the first call is after `callback_time`. Harmless when it has begun.
   * @throws InvalidOperation: the loop is closed
   */
  start(): void {
    if (this.#timer) return;
    this.#next = performance.now();
    this.#schedule();
  }

  /** End. A call that is going on is not broken off. */
  stop(): void {
    if (this.#timer) this.#loop.remove_timeout(this.#timer);
    this.#timer = null;
  }

  /** Whether it has begun, and not been stopped. */
  is_running(): boolean {
    return this.#timer !== null;
  }

  #schedule(): void {
    // Not by the clock on the wall, which may be set back by an hour.
    const now = performance.now();
    this.#next += (Math.floor(Math.max(now - this.#next, 0) / this.#period) + 1) * this.#period;
    this.#timer = this.#loop.call_later((this.#next - now) / 1000, this.#tick);
  }

  // Before the call, which may stop it, or throw.
  readonly #tick = (): void => {
    this.#schedule();
    if (this.#busy) return;
    this.#busy = true;
    void attempt(this.#loop, this.#callback, []).then(() => {
      this.#busy = false;
    });
  };
}

export const PeriodicCallback = dual(Periodic, {}, { name: 'PeriodicCallback' });
export type PeriodicCallback = Dual<Periodic>;

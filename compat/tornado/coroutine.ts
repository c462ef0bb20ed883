import { deliver, mark } from '../../lib/motor/dual';
import { isPlainObject } from '../../lib/motor/keywords';
import type { Callback } from '../../typings/dual';
import { LeakedCallbackError, Return, ReturnValueIgnoredError } from './errors';
import { pace } from './pace';
import { begin, Keys } from './yieldPoints';

/** What a generator function for {@link coroutine} returns: its result is `R`, and it may yield whatever can be waited for. */
// biome-ignore lint/suspicious/noExplicitAny: TypeScript has no types for what a `yield` gives; `unknown` would forbid to use it
export type Coroutine<R> = Generator<unknown, R, any>;

/** By which a decorator is told from a plain call. Of its context no more is asked: the rest depends on the class. */
type MethodContext = Pick<ClassMethodDecoratorContext, 'kind' | 'name'>;

type AnyFunction = (this: unknown, ...args: unknown[]) => unknown;

/**
 * Make a function that runs a generator: each `yield` waits, then gives the result or throws the error.
 *
 * What may be yielded: a promise or other thenable, a yield point ({@link gen.Task} and its like), and arrays, plain
 * objects and Maps of these, nested at will; of those everything is begun before the first is waited for, and the
 * first error in order is thrown when all are done. `null` gives the event loop one turn. Anything else throws
 * BadYieldError at the `yield`.
 *
 * The function takes the same arguments and `this` and returns a Promise of what the generator returns, or of the value
 * of a thrown {@link gen.Return}. It runs synchronously up to the first `yield`. If its last argument is a plain object
 * with a function under `callback`, that is taken out of it and called with `(result, error)`, and nothing is returned.
 * A function that is no generator is called, and its value or error becomes the Promise.
 *
 * Also a standard method decorator: `@gen.coroutine *get() {}`. TypeScript cannot see that the method then returns a
 * Promise; a property, `get = gen.coroutine(function* (this: Handler) {})`, has the right type.
 * @typeParam F of the method that is decorated
 * @throws TypeError: `fn` is no function. The Promise: LeakedCallbackError, if a `gen.Callback` was not waited for
 * @example
 * const find = gen.coroutine(function* (name: string) {
 *   const user = yield users.find_one({ name });
 *   return user.email as string;
 * });
 * @see Tornado 3.2, tornado.gen.coroutine
 */
export function coroutine<F extends (...args: never[]) => unknown>(fn: F, context: MethodContext): F;
export function coroutine<This, A extends unknown[], R>(
  fn: (this: This, ...args: A) => Coroutine<R>,
): (this: This, ...args: A) => Promise<R>;
export function coroutine<This, A extends unknown[], R>(
  fn: (this: This, ...args: A) => R,
): (this: This, ...args: A) => Promise<Awaited<R>>;
export function coroutine(fn: AnyFunction, context?: unknown): AnyFunction {
  check('gen.coroutine', fn, context);
  function called(this: unknown, ...args: unknown[]): Promise<unknown> | undefined {
    const callback = takeCallback(args);
    const promise = resultOf(fn, this, args);
    if (callback === null) return promise;
    deliver(promise, callback);
    return undefined;
  }
  // It takes a callback too, but not in the place where gen.Task would put one.
  return mark(named(called, fn));
}

/**
 * Make a function that runs a generator, as {@link coroutine} does, but returns nothing: for handlers whose answer is an
 * effect. An error is an uncaught exception of the application, and so is a returned value (ReturnValueIgnoredError).
 * Also a standard method decorator.
 * @typeParam F of the method that is decorated
 * @throws TypeError: `fn` is no function
 * @see Tornado 3.2, tornado.gen.engine
 */
export function engine<F extends (...args: never[]) => unknown>(fn: F, context: MethodContext): F;
export function engine<This, A extends unknown[], R>(
  fn: (this: This, ...args: A) => Coroutine<R>,
): (this: This, ...args: A) => undefined;
export function engine<This, A extends unknown[]>(
  fn: (this: This, ...args: A) => unknown,
): (this: This, ...args: A) => undefined;
export function engine(fn: AnyFunction, context?: unknown): AnyFunction {
  check('gen.engine', fn, context);
  function called(this: unknown, ...args: unknown[]): undefined {
    execute(fn, this, args)
      .catch((error: unknown) => {
        // Python's None, which is also what `raise gen.Return()` returns, is no value.
        if (error instanceof Return) return error.value ?? undefined;
        throw error;
      })
      .then((value) => {
        if (value === undefined) return;
        throw new ReturnValueIgnoredError(
          `${fn.name || 'a function'} under gen.engine returned a value; use gen.coroutine`,
        );
      })
      .catch((error: unknown) => {
        process.nextTick(() => {
          throw error;
        });
      });
  }
  return named(called, fn);
}

async function resultOf(fn: AnyFunction, self: unknown, args: unknown[]): Promise<unknown> {
  try {
    return await execute(fn, self, args);
  } catch (error) {
    if (error instanceof Return) return error.value;
    throw error;
  }
}

async function execute(fn: AnyFunction, self: unknown, args: unknown[]): Promise<unknown> {
  const result = fn.apply(self, args);
  return isGenerator(result) ? run(result) : result;
}

/** Run a generator to its end. Settles with what it returns or throws. */
function run(generator: Generator): Promise<unknown> {
  return new Promise((resolve, reject) => {
    const keys = new Keys();
    let failed = false;

    const give = (value: unknown) => pace(() => advance(() => generator.next(value)));
    const fail = (error: unknown) => {
      failed = true;
      pace(() => advance(() => generator.throw(error)));
    };

    function advance(resume: () => IteratorResult<unknown>): void {
      let step: IteratorResult<unknown>;
      try {
        step = resume();
      } catch (error) {
        if (error instanceof Return) end(() => reject(error));
        else reject(error);
        return;
      }
      if (step.done) end(() => resolve(step.value));
      // The short way for what is nearly always yielded.
      else if (step.value instanceof Promise) Promise.resolve(step.value).then(give, fail);
      else begin(step.value, keys).then((answer) => give(answer.value), fail);
    }

    function end(settle: () => void): void {
      const leaked = String(keys);
      // After an error it is natural that nobody came to wait.
      if (leaked === '' || failed) settle();
      else reject(new LeakedCallbackError(`the coroutine ended before it waited for ${leaked}`));
    }

    advance(() => generator.next());
  });
}

/** Also one of a generator function that was compiled down, or wrapped. */
function isGenerator(value: unknown): value is Generator {
  if (value === null || typeof value !== 'object') return false;
  const { next, throw: fail, [Symbol.iterator]: iterator } = value as Partial<Generator>;
  return typeof next === 'function' && typeof fail === 'function' && typeof iterator === 'function';
}

/** Take the callback out of the last argument, if that is a plain object with one; the caller's object stays as it is. */
function takeCallback(args: unknown[]): Callback<unknown> | null {
  const last = args.at(-1);
  if (!isPlainObject(last)) return null;
  const { callback, ...rest } = last;
  if (typeof callback !== 'function') return null;
  args[args.length - 1] = rest;
  return callback as Callback<unknown>;
}

/** As a decorator a function gets a context in second place. Anything else there is `map`'s index, or no matter. */
function check(maker: string, fn: unknown, context: unknown): void {
  const kind = (context as { kind?: unknown } | null | undefined)?.kind ?? 'method';
  if (typeof fn !== 'function' || kind !== 'method') {
    throw new TypeError(`${maker} takes a function, and decorates methods (standard decorators) but nothing else`);
  }
}

function named<F extends AnyFunction>(made: F, fn: AnyFunction): F {
  return Object.defineProperty(made, 'name', { value: fn.name, configurable: true });
}

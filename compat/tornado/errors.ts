/** What coroutines and loops throw. */

class TornadoError extends Error {
  /** The name of its class. */
  override get name(): string {
    return this.constructor.name;
  }
}

/**
 * Thrown inside a coroutine it ends it with a result; `return value` does the same.
 * @example throw new gen.Return(document);
 * @see Tornado 3.2, tornado.gen.Return
 */
export class Return<T = unknown> extends TornadoError {
  /** The coroutine's result. */
  readonly value: T;

  /** The end of a coroutine, with its result; default null. */
  constructor(value: T = null as T) {
    super('gen.Return was thrown outside of a coroutine');
    this.value = value;
  }
}

/** What was yielded is nothing that a coroutine can wait for. */
export class BadYieldError extends TornadoError {}

/** `gen.Callback` was given a key that still waits for its `gen.Wait`. */
export class KeyReuseError extends TornadoError {}

/** `gen.Wait` was given a key for which there is no `gen.Callback`. */
export class UnknownKeyError extends TornadoError {}

/** A coroutine ended with a `gen.Callback` that nobody waited for. */
export class LeakedCallbackError extends TornadoError {}

/** A function under `gen.engine` returned a value, which nobody can get. */
export class ReturnValueIgnoredError extends TornadoError {}

/** The time that was given ran out. What was waited for goes on. */
export class TimeoutError extends TornadoError {}

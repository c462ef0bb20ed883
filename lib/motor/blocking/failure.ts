/** Errors between the threads: they come out of the same class as they went in, with the caller's stack. */

import * as errors from '../../core/errors';

/** An error on its way; its fields are still to be packed. */
export interface Failure {
  /** The names of its class and of those above, nearest first. */
  readonly classes: readonly string[];
  readonly message: string;
  readonly fields: readonly (readonly [name: string, value: unknown, enumerable: boolean])[];
  /** The failure that led to it; null: none. */
  readonly cause: Failure | null;
}

type ErrorClass = new (message: string) => Error;

const KNOWN: Readonly<Record<string, unknown>> = {
  ...errors,
  Error,
  TypeError,
  RangeError,
  SyntaxError,
  ReferenceError,
  EvalError,
  URIError,
};

const OWN = new Set(['message', 'stack', 'cause']);

export function failureOf(thrown: unknown): Failure {
  const error = thrown instanceof Error ? thrown : new Error(String(thrown));
  const classes: string[] = [];
  for (let level = Object.getPrototypeOf(error); level !== Object.prototype; level = Object.getPrototypeOf(level)) {
    classes.push(level.constructor.name);
  }
  const fields = Object.entries(Object.getOwnPropertyDescriptors(error))
    .filter(([name]) => !OWN.has(name))
    .map(([name, { value, enumerable = false }]) => [name, value, enumerable] as const);
  return {
    classes,
    message: error.message,
    fields,
    cause: error.cause === undefined ? null : failureOf(error.cause),
  };
}

/** @param above the function where the error's stack begins: what is called by it is not shown */
export function errorOf(failure: Failure, above: (...args: never[]) => unknown): Error {
  const Class = failure.classes.map((name) => KNOWN[name]).find((known) => typeof known === 'function') ?? Error;
  const error = new Error(failure.message);
  Object.setPrototypeOf(error, (Class as ErrorClass).prototype as object);
  Error.captureStackTrace(error, above);
  for (const [name, value, enumerable] of failure.fields) {
    Object.defineProperty(error, name, { value, enumerable, writable: true, configurable: true });
  }
  if (failure.cause !== null) {
    Object.defineProperty(error, 'cause', {
      value: errorOf(failure.cause, above),
      enumerable: false,
      writable: true,
      configurable: true,
    });
  }
  return error;
}

/**
 * Keyword objects: one table per method says which keywords it has, their defaults and what they may be. From it
 * come the check at run time and the types.
 */

import type { Doc, Fields, Pairs } from '../../typings/documents';
import type { Keywords } from '../../typings/dual';
import { isDocument } from '../core/documents';
import { ConfigurationError, ValueError } from '../core/errors';
import { nearest } from '../core/nearest';
import { REFUSED as ADVICE } from '../core/optionTable';

/** What a value may be, and how an error says so: "skip must be `wanted`". */
export interface Check<T> {
  readonly wanted: string;
  /** The type is right; otherwise a TypeError. */
  is(value: unknown): value is T;
  /** Of the right type, but out of range: a ValueError. */
  inRange?(value: T): boolean;
}

/** For each keyword its default (`undefined`: absent) and its check. */
export type KeywordTable = Readonly<Record<string, readonly [fallback: unknown, check: Check<unknown>]>>;

type Checked<C> = C extends Check<infer V> ? V : never;

/** What a caller may give. */
type GivenOf<T extends KeywordTable> = { readonly [K in keyof T]?: Checked<T[K][1]> | undefined } & Keywords;

/** What a method works with: every keyword has its value or its default. */
type OptionsOf<T extends KeywordTable> = {
  readonly [K in keyof T]: Checked<T[K][1]> | Exclude<T[K][0], Checked<T[K][1]>>;
};

/** Keywords that no table knows, in the order given; they go to the server. */
export type ServerKeywords = Readonly<Record<string, unknown>>;

export interface KeywordSettings {
  /** Unknown keywords are no error but are returned as `server`. */
  readonly rest?: boolean;
  /** What to do instead of using this unknown keyword, if there is something to say. */
  readonly hint?: (keyword: string) => string | undefined;
  /** Keywords that are a ConfigurationError whatever their value. */
  readonly refused?: readonly string[];
}

/** The keywords of one method. */
export interface KeywordReader<Given, Options> {
  /**
   * The defaults, with what was given over them; `callback` is left to the wrapper.
   * Gives one frozen object as long as nothing is given.
   * @throws TypeError: `given` is no plain object; an unknown keyword; a value of the wrong type
   * @throws ValueError: a value out of range
   * @throws ConfigurationError: a refused keyword
   */
  read(method: string, given: Given | null | undefined): Options;
}

/** The type of the keyword object of a table. */
export type Given<Reader> = Reader extends KeywordReader<infer G, unknown> ? G : never;

/** The type of what a table's `read` returns. */
export type Options<Reader> = Reader extends { read(method: string, given: never): infer O } ? O : never;

/** Relics of older drivers, which Motor refuses on every constructor and every asynchronous method. */
export const REFUSED: readonly string[] = Object.keys(ADVICE);

const NONE: ServerKeywords = Object.freeze({});

export function keywords<const T extends KeywordTable>(
  table: T,
  settings: KeywordSettings & { rest: true },
): KeywordReader<GivenOf<T> & ServerKeywords, OptionsOf<T> & { readonly server: ServerKeywords }>;
export function keywords<const T extends KeywordTable>(
  table: T,
  settings?: KeywordSettings,
): KeywordReader<GivenOf<T>, OptionsOf<T>>;
export function keywords(
  table: KeywordTable,
  { rest = false, hint, refused = REFUSED }: KeywordSettings = {},
): KeywordReader<object, object> {
  const checks = new Map(Object.entries(table).map(([name, [, check]]) => [name, check]));
  const entries = Object.entries(table).map(([name, [fallback]]) => [name, fallback] as const);
  const defaults = Object.freeze(Object.fromEntries(rest ? [...entries, ['server', NONE]] : entries));

  return {
    read(method, given) {
      if (given === undefined || given === null) return defaults;
      if (!isPlainObject(given))
        throw new TypeError(`${method}: keywords must be a plain object, not ${picture(given)}`);
      let options: Record<string, unknown> | undefined;
      let server: Record<string, unknown> | undefined;
      for (const name of Object.keys(given)) {
        const value = given[name];
        if (name === 'callback') continue;
        const check = checks.get(name);
        if (check === undefined) {
          if (refused.includes(name)) throw refusal(method, name);
          if (!rest) throw unknownKeyword(method, name, advice(nearest(name, checks.keys()), hint?.(name)));
          if (value === undefined) continue; // absent
          server ??= {};
          server[name] = value;
        } else if (value !== undefined) {
          expect(method, name, check, value);
          options ??= { ...defaults };
          options[name] = value;
        }
      }
      if (server === undefined) return options ?? defaults;
      return { ...(options ?? defaults), server };
    },
  };
}

/**
 * The value, if it is what the check wants; for keywords and for arguments by position alike.
 * @throws TypeError, ValueError: naming method, argument, what is wanted and what came
 */
export function expect<T>(method: string, name: string, check: Check<T>, value: unknown): T {
  if (!check.is(value)) throw new TypeError(`${method}: ${name} must be ${check.wanted}, not ${picture(value)}`);
  if (check.inRange !== undefined && !check.inRange(value)) {
    throw new ValueError(`${method}: ${name} must be ${check.wanted}, not ${picture(value)}`);
  }
  return value;
}

/** The error for a keyword that a method does not have. */
export function unknownKeyword(method: string, name: string, advice?: string): TypeError {
  return new TypeError(`${method}: unknown keyword '${name}'${advice === undefined ? '' : `; ${advice}`}`);
}

/** The error for a keyword that is refused whatever its value. */
export function refusal(method: string, name: string): ConfigurationError {
  return new ConfigurationError(`${method}: the keyword '${name}' is not supported; ${ADVICE[name]}`);
}

/** For `hint`, where a projection is often written as if it were the keywords. */
export function chooseFieldsWith(keyword: string): (name: string) => string {
  return (name) => `fields are chosen with { ${keyword}: { ${isName(name) ? name : JSON.stringify(name)}: 1 } }`;
}

function isName(text: string): boolean {
  return /^[A-Za-z_$][\w$]*$/.test(text);
}

/** A field may have nearly the name of a keyword, so that both are said. */
function advice(meant: string | null, hint: string | undefined): string | undefined {
  const question = meant === null ? undefined : `did you mean '${meant}'?`;
  return question === undefined || hint === undefined ? (question ?? hint) : `${question} (${hint})`;
}

// The values

/** An object written in braces: no instance of a class, no BSON value, no array. */
export function isPlainObject(value: unknown): value is Record<string, unknown> {
  if (typeof value !== 'object' || value === null) return false;
  const prototype = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === null || Object.getPrototypeOf(prototype) === null;
}

/** What came, so far as an error may tell: numbers and such as they are, of all else only the kind. */
export function picture(value: unknown): string {
  switch (typeof value) {
    case 'number':
    case 'boolean':
    case 'undefined':
      return String(value);
    case 'bigint':
      return `${value}n`;
    case 'object': {
      if (value === null) return 'null';
      if (isPlainObject(value)) return 'a plain object';
      const name = String(value.constructor?.name || 'object');
      return `${/^[aeiou]/i.test(name) ? 'an' : 'a'} ${name}`;
    }
    default:
      return `a ${typeof value}`;
  }
}

// The checks

function check<T>(wanted: string, is: (value: unknown) => value is T, inRange?: (value: T) => boolean): Check<T> {
  return inRange === undefined ? { wanted, is } : { wanted, is, inRange };
}

const isBoolean = (value: unknown): value is boolean => typeof value === 'boolean';
const isString = (value: unknown): value is string => typeof value === 'string';
const isNumber = (value: unknown): value is number => typeof value === 'number' && !Number.isNaN(value);
const isInteger = (value: unknown): value is number => Number.isSafeInteger(value);

const isPairs = (value: unknown): value is Pairs =>
  Array.isArray(value) && value.every((pair) => Array.isArray(pair) && pair.length === 2 && isString(pair[0]));

export const bool = check('a boolean', isBoolean);
export const string = check('a string', isString);
export const number = check('a number', isNumber);
export const integer = check('an integer', isInteger);
/** An integer that counts something. */
export const whole = check('a non-negative integer', isInteger, (value) => value >= 0);
export const positiveNumber = check('a positive number', isNumber, (value) => value > 0);
export const document = check('a document', (value): value is Doc => isDocument(value));
/** Keys with directions. A list of anything else has the right type and a wrong value, as in Python. */
export const pairs: Check<Pairs> = check(
  'an array of [key, direction] pairs',
  (value): value is Pairs => Array.isArray(value),
  isPairs,
);
export const fieldSpec = check('an array of field names or a document', (value): value is Fields => {
  return Array.isArray(value) ? value.every(isString) : isDocument(value);
});
// biome-ignore lint/complexity/noBannedTypes: any function or class
export const fn = check('a function', (value): value is Function => typeof value === 'function');
/** Whatever comes is left to the server. */
export const anything = check('anything', (value): value is unknown => true);

/** Checked where it is used. */
export function unchecked<T>(): Check<T> {
  return anything as Check<T>;
}

export function orNull<T>(other: Check<T>): Check<T | null> {
  const { inRange } = other;
  return check(
    `${other.wanted} or null`,
    (value): value is T | null => value === null || other.is(value),
    inRange && ((value) => value === null || inRange(value)),
  );
}

export function either<A, B>(one: Check<A>, other: Check<B>): Check<A | B> {
  return check(
    `${one.wanted} or ${other.wanted}`,
    (value): value is A | B => one.is(value) || other.is(value),
    (value) =>
      (one.is(value) && (one.inRange?.(value) ?? true)) || (other.is(value) && (other.inRange?.(value) ?? true)),
  );
}

export function oneOf<const V extends readonly (string | number | boolean)[]>(...values: V): Check<V[number]> {
  const wanted = `one of ${values.map((value) => (isString(value) ? `'${value}'` : String(value))).join(', ')}`;
  return check(wanted, (value): value is V[number] => (values as readonly unknown[]).includes(value));
}

export function arrayOf<T>(item: Check<T>): Check<T[]> {
  return check(`an array, each item ${item.wanted}`, (value): value is T[] => {
    return Array.isArray(value) && value.every((one) => item.is(one) && (item.inRange?.(one) ?? true));
  });
}

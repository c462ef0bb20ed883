/** Checks of single values: what an option, or a key of a write concern, may be, and the error if it is not. */

import { ConfigurationError, ValueError } from './errors';
import type { Policy } from './policy';

/** What a value may be: in words for the error's message, and as a function that converts or throws {@link Unfit}. */
export interface Rule<T> {
  readonly says: string;
  readonly read: (value: unknown) => T;
  /** The value is secret: messages tell its type only. */
  readonly secret?: true;
}

/** Thrown by a rule; {@link check} makes the surface's error of it. */
export class Unfit extends Error {
  constructor(readonly kind: 'type' | 'value') {
    super(kind);
  }
}

/**
 * Read a value by its rule.
 * @throws TypeError: a wrong type
 * @throws ConfigurationError or ValueError, as the surface has it: the right type, but a wrong value
 */
export function check<T>(name: string, rule: Rule<T>, value: unknown, errors: Policy['optionErrors']): T {
  try {
    return rule.read(value);
  } catch (error) {
    if (!(error instanceof Unfit)) throw error;
    const message = `${name} must be ${rule.says}, not ${rule.secret ? kindOf(value) : shown(value)}`;
    if (error.kind === 'type') throw new TypeError(message);
    throw errors === 'ConfigurationError' ? new ConfigurationError(message) : new ValueError(message);
  }
}

/** The fields of a plain object, or of an ordered map with string keys; `null` for anything else. */
export function fieldsOf(value: unknown): Record<string, unknown> | null {
  if (value instanceof Map) return Object.fromEntries(value) as Record<string, unknown>;
  if (typeof value !== 'object' || value === null) return null;
  const prototype: unknown = Object.getPrototypeOf(value);
  // Also of another realm, whose Object.prototype is not ours.
  const isPlain = prototype === null || Object.getPrototypeOf(prototype) === null;
  return isPlain ? (value as Record<string, unknown>) : null;
}

export const boolean: Rule<boolean> = {
  says: 'true or false',
  read(value) {
    if (typeof value === 'boolean') return value;
    if (value === 'true') return true;
    if (value === 'false') return false;
    throw new Unfit(typeof value === 'string' ? 'value' : 'type');
  },
};

export const text: Rule<string> = {
  says: 'a string that is not empty',
  read(value) {
    if (typeof value !== 'string') throw new Unfit('type');
    if (value === '') throw new Unfit('value');
    return value;
  },
};

/** An integer, or its digits in a string. The largest that is taken is the largest of 32 bits, as the server's. */
export function integer(least: number, most = 0x7fffffff): Rule<number> {
  const upTo = most === 0x7fffffff ? `of at least ${least}` : `from ${least} to ${most}`;
  return {
    says: `an integer ${upTo}`,
    read(value) {
      if (typeof value === 'string' && !/^-?\d+$/.test(value)) throw new Unfit('value');
      const number = typeof value === 'string' ? Number(value) : value;
      if (typeof number !== 'number' || !Number.isInteger(number)) throw new Unfit('type');
      if (number < least || number > most) throw new Unfit('value');
      return number;
    },
  };
}

/** A length of time, or its digits in a string; not above 1e9 ms, which is what the original takes at most. */
export function duration(unit: 'milliseconds' | 'seconds' = 'milliseconds', zero = false): Rule<number> {
  const most = unit === 'seconds' ? 1e6 : 1e9;
  return {
    says: `a number of ${unit} ${zero ? 'from 0 to' : 'between 0 and'} ${most}`,
    read(value) {
      if (typeof value === 'string' && !/^-?\d+(\.\d+)?$/.test(value)) throw new Unfit('value');
      const number = typeof value === 'string' ? Number(value) : value;
      if (typeof number !== 'number') throw new Unfit('type');
      if (!((zero ? number >= 0 : number > 0) && number < most)) throw new Unfit('value');
      return number;
    },
  };
}

export function oneOf<T extends string>(names: readonly T[]): Rule<T> {
  return {
    says: names.join(', ').replace(/, ([^,]*)$/, ' or $1'),
    read(value) {
      const name = names.find((candidate) => candidate === value);
      if (name === undefined) throw new Unfit('value');
      return name;
    },
  };
}

/** The same rule, or `null`. */
export function orNull<T>(rule: Rule<T>): Rule<T | null> {
  return { ...rule, says: `${rule.says}, or null`, read: (value) => (value === null ? null : rule.read(value)) };
}

/** The same rule, with every refusal counted as a wrong value, whatever the type. */
export function anyType<T>(rule: Rule<T>): Rule<T> {
  return {
    ...rule,
    read(value) {
      try {
        return rule.read(value);
      } catch (error) {
        throw error instanceof Unfit ? new Unfit('value') : error;
      }
    },
  };
}

function shown(value: unknown): string {
  // An unescaped @ in a connection string can make a piece of a password look like an option's value.
  if (typeof value === 'string' && value.length <= 40 && !value.includes('@')) return `'${value}'`;
  if (typeof value === 'number' || typeof value === 'boolean' || value === undefined) return String(value);
  return kindOf(value);
}

function kindOf(value: unknown): string {
  if (value === null) return 'null';
  if (Array.isArray(value)) return 'an array';
  return typeof value === 'object' ? 'an object' : `a ${typeof value}`;
}

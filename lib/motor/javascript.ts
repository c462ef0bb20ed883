/**
 * JavaScript that servers used to run, run here. It is the application's own code: the context gives it the same
 * surroundings as on a server and is no sandbox. Code that loops for ever blocks the process.
 */

import { types } from 'node:util';
import { type Context, createContext, Script } from 'node:vm';
import { Code, type Document, Int32, Long, ObjectId, Timestamp, UUID } from 'bson';
import { encode } from '../core/encode';
import type { Engine } from '../core/engine';
import { OperationFailure } from '../core/errors';
import { decodeBody } from '../core/message';
import type { Call } from './goneCommands';
import { isExpression, isFunctionText } from './scopeFolding';

/** What servers answered when JavaScript failed. */
const JAVASCRIPT_FAILED = 139;

/** A number of 64 bits that takes part in sums, as it did in the shell. */
class ShellLong extends Long {
  override valueOf(): number {
    return this.toNumber();
  }
}

class ShellObjectId extends ObjectId {
  /** The digits. */
  get str(): string {
    return this.toHexString();
  }
}

/** What the legacy shell defined, so far as it needs objects of the context itself. Its value makes such objects. */
const PRELUDE = new Script(`
  Array.sum = (numbers) => (numbers.length === 0 ? null : numbers.reduce((sum, number) => sum + number));
  Array.avg = (numbers) => (numbers.length === 0 ? null : Array.sum(numbers) / numbers.length);
  globalThis.ISODate = function ISODate(text) {
    if (text === undefined) return new Date();
    const found = /^(\\d{4})-?(\\d\\d)-?(\\d\\d)(?:[T ](\\d\\d)(?::?(\\d\\d)(?::?(\\d\\d(?:\\.\\d+)?))?)?)?(Z|[+-]\\d\\d(?::?\\d\\d)?)?$/.exec(text);
    if (found === null) throw new Error('invalid ISO date');
    const [, year, month, day, hour = 0, minute = 0, second = 0, zone = 'Z'] = found;
    const [, sign = '+', hours = 0, minutes = 0] = /^([+-])(\\d\\d):?(\\d\\d)?$/.exec(zone) ?? [];
    const offset = (sign === '-' ? -1 : 1) * (Number(hours) * 60 + Number(minutes ?? 0));
    return new Date(Date.UTC(year, month - 1, day, hour, minute, 0, Math.round(second * 1000)) - offset * 60000);
  };
  globalThis.print = function print() {};
  globalThis.printjson = function printjson() {};
  globalThis.tojson = function tojson(value, indent = '') {
    if (value === null || value === undefined) return String(value);
    if (typeof value === 'string') return JSON.stringify(value);
    if (value instanceof Date) return 'ISODate("' + value.toISOString() + '")';
    switch (value._bsontype) {
      case 'ObjectId': return 'ObjectId("' + value.toHexString() + '")';
      case 'Int32': return 'NumberInt(' + value + ')';
      case 'Long': return 'NumberLong(' + value + ')';
      case 'Timestamp': return 'Timestamp(' + value.t + ', ' + value.i + ')';
      case 'Binary': return value.sub_type === 4 ? 'UUID("' + value.toUUID() + '")' : 'BinData(' + value.sub_type + ',"' + value.toString('base64') + '")';
    }
    if (typeof value !== 'object' || value instanceof RegExp || value._bsontype) return String(value);
    const [open, close] = Array.isArray(value) ? '[]' : '{}';
    const inner = indent + '\\t';
    const parts = Object.keys(value).map((key) =>
      inner + (open === '[' ? '' : JSON.stringify(key) + ' : ') + tojson(value[key], inner));
    if (parts.length === 0) return open + ' ' + close;
    const text = open + '\\n' + parts.join(',\\n') + '\\n' + indent + close;
    return indent === '' && text.length < 80 ? text.replace(/\\s*\\n\\s*/g, ' ') : text;
  };
  ({
    object: () => ({}),
    array: (length) => new Array(length),
    date: (time) => new Date(time),
    regExp: (source, flags) => new RegExp(source, flags),
  });
`);

interface Makers {
  object(): Document;
  array(length: number): unknown[];
  date(time: number): Date;
  regExp(source: string, flags: string): RegExp;
}

/** The types of the shell, which are called with `new` or without. */
const SHELL_TYPES = {
  ObjectId: shellType(ObjectId, (digits?: string) =>
    digits === undefined ? new ShellObjectId() : new ShellObjectId(digits),
  ),
  NumberInt: shellType(Int32, (value: unknown = 0) => new Int32(Number(value))),
  NumberLong: shellType(Long, (value: unknown = 0) => shellLong(Long.fromString(String(value)))),
  Timestamp: shellType(Timestamp, (t: unknown = 0, i: unknown = 0) => new Timestamp({ t: Number(t), i: Number(i) })),
  UUID: shellType(UUID, (digits?: string) => (digits === undefined ? new UUID() : new UUID(digits))),
};

function shellType<A extends unknown[]>(Class: { prototype: object }, make: (...args: A) => object) {
  const callable = (...args: A): object => make(...args);
  callable.prototype = Class.prototype;
  return callable;
}

function shellLong(long: Long): ShellLong {
  return new ShellLong(long.low, long.high, long.unsigned);
}

/** A function of the application's, run in its context. */
export type Callee = (self: unknown, ...args: unknown[]) => unknown;

/** The surroundings of one operation's code: a fresh context with its scope as variables. */
export class JavaScript {
  readonly #description: string;
  readonly #context: Context;
  readonly #make: Makers;

  /** @param description command and namespace, for errors */
  constructor(description: string, scope: Document = {}) {
    this.#description = description;
    this.#context = createContext({ ...SHELL_TYPES }, { name: description });
    this.#make = PRELUDE.runInContext(this.#context) as Makers;
    this.addScope(scope);
  }

  /** Define variables. */
  addScope(scope: Document): void {
    const variables = scope instanceof Map ? scope : Object.entries(scope);
    for (const [name, value] of variables) this.#context[name] = this.enter(value);
  }

  /** A function that the code may call; its arguments come as they are outside. */
  define(name: string, fn: (...args: unknown[]) => void): void {
    this.#context[name] = (...args: unknown[]) => fn(...args.map((value) => this.leave(value)));
  }

  /**
   * The function that a code stands for; its scope becomes variables of the context.
   * @param part what the code is of the operation, such as `reduce`
   * @throws OperationFailure, code 139: it does not compile; from the function: the code throws
   */
  compile(part: string, code: Code): Callee {
    if (code.scope !== null && code.scope !== undefined) this.addScope(code.scope);
    const text = String(code.code);
    const fn = this.#attempt('does not compile', part, () => {
      const script = new Script(isFunctionText(text) ? `(${text}\n)` : `(function () { ${bodyOf(text)}\n})`, {
        filename: part,
      });
      return script.runInContext(this.#context) as unknown;
    });
    if (typeof fn !== 'function') throw this.#failure(part, 'is no function');
    return (self, ...args) => this.#attempt('failed', part, () => Reflect.apply(fn, self, args));
  }

  /** The same value as an object of the context, deeply. */
  enter(value: unknown): unknown {
    if (typeof value !== 'object' || value === null) return value;
    if (Array.isArray(value)) {
      const array = this.#make.array(value.length);
      for (const [index, item] of value.entries()) array[index] = this.enter(item);
      return array;
    }
    if (types.isDate(value)) return this.#make.date(value.getTime());
    if (types.isRegExp(value)) return this.#make.regExp(value.source, value.flags);
    if (ArrayBuffer.isView(value)) return value;
    if (value instanceof UUID) return value.toBinary(); // as UUIDs in documents are read here
    switch ((value as { _bsontype?: string })._bsontype) {
      case undefined:
        break;
      case 'Long':
        return shellLong(value as Long);
      case 'ObjectId':
        return new ShellObjectId((value as ObjectId).id);
      case 'Int32':
      case 'Double':
        return Number(value);
      case 'Code':
        return this.#functionOf(value as Code);
      default:
        return value;
    }
    const object = this.#make.object();
    for (const [key, inner] of value instanceof Map ? value : Object.entries(value))
      set(object, key, this.enter(inner));
    return object;
  }

  /** The same value as an object of ours, deeply: nothing that the code does afterwards changes it. */
  leave(value: unknown): unknown {
    if (typeof value === 'function') return new Code(String(value));
    if (typeof value !== 'object' || value === null) return value;
    if (Array.isArray(value)) return Array.from(value, (item) => this.leave(item));
    if (types.isDate(value)) return new Date(value.getTime());
    if (types.isRegExp(value)) return new RegExp(value.source, value.flags);
    if ((value as { _bsontype?: string })._bsontype !== undefined || ArrayBuffer.isView(value)) return value;
    const object: Document = {};
    for (const [key, inner] of Object.entries(value)) set(object, key, this.leave(inner));
    return object;
  }

  #functionOf(code: Code): unknown {
    const callee = this.compile('scope', code);
    return function (this: unknown, ...args: unknown[]) {
      return callee(this, ...args);
    };
  }

  #attempt<T>(what: string, part: string, step: () => T): T {
    try {
      return step();
    } catch (error) {
      // What one function throws may come through another.
      if (error instanceof OperationFailure) throw error;
      throw this.#failure(part, what, error);
    }
  }

  #failure(part: string, what: string, cause?: unknown): OperationFailure {
    // Another realm's error is no instance of ours. Its text may hold what stands in documents, but not where it is
    // about the code.
    const kind = !types.isNativeError(cause) ? typeof cause : cause.name === 'SyntaxError' ? String(cause) : cause.name;
    const why = cause === undefined ? '' : `: ${kind}; the error is in 'cause'`;
    return new OperationFailure(`the JavaScript of '${part}' ${what}${why} (${this.#description}, in the driver)`, {
      code: JAVASCRIPT_FAILED,
      cause,
    });
  }
}

function bodyOf(text: string): string {
  return isExpression(text) ? `return (${text}\n);` : text;
}

/** A key of a document may be called anything. */
function set(object: Document, key: string, value: unknown): void {
  if (key === '__proto__') {
    Object.defineProperty(object, key, { value, writable: true, enumerable: true, configurable: true });
  } else object[key] = value;
}

/** The value as it would be in a server's reply: encoded, decoded, and of the class that was asked for. */
export function asReceived(value: unknown, { engine, run }: Call): unknown {
  const { uuids = engine.options.connection.uuids } = run;
  const bytes = Buffer.from(encode({ value }));
  return decodeBody(bytes, 0, run, uuids, true).value;
}

const warned = new WeakMap<Engine, Set<string>>();

/** Once per client and command: whose processor runs the code, and with which surroundings, is worth knowing. */
export function warnOfJavaScript(engine: Engine, command: string): void {
  const names = warned.get(engine) ?? new Set();
  if (names.has(command)) return;
  warned.set(engine, names.add(command));
  process.emitWarning(
    `${command}: the server cannot run it, so the driver does: every document comes here, and the JavaScript runs in ` +
      'this process. An aggregation pipeline runs on the server',
    { code: 'MOTOR_JAVASCRIPT' },
  );
}

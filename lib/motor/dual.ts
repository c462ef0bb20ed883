/**
 * The one place that knows callbacks. A class is written with promise-returning methods; `dual()` makes each of them
 * take a callback as well, binds every public method to its object and adds the camelCase aliases.
 *
 * What a method calls on itself, or on another object, is the dual method. Without a callback that is the method as
 * it was written, and adds no Promise to it.
 */

import type { Callback, Dual, DualClass, PromiseMethod, TakesKeywords } from '../../typings/dual';
import { isPlainObject, REFUSED, refusal, unknownKeyword } from './keywords';

/** Marks a dual method, so that `gen.Task` can tell it from any other function. */
export const DUAL: unique symbol = Symbol.for('motor-mongo.dual');

/** How a method takes its arguments. */
export interface Positions {
  /** How many arguments are taken by position, required and optional ones. */
  readonly positional: number;
  /** `false`: no keywords but `callback`. */
  readonly keywords?: false;
  /** So many leading arguments may themselves be functions; a callback stands after them. Default 0. */
  readonly functions?: number;
  /** Any number of arguments, of which only a function in the last place, or `{ callback }` there, is none. */
  readonly rest?: true;
  /** From this position on a plain object in the last place is the keywords. Default: after all positions. */
  readonly keywordsFrom?: number;
  /** Whether a plain object at such a position is the keywords. Default: it always is. */
  readonly isKeywords?: (candidate: Record<string, unknown>) => boolean;
}

/**
 * For every promise-returning method the number of arguments by position, when keywords follow them;
 * `only(number)` when none do; `Positions` where there is more to say.
 */
export type DualTable<T> = {
  readonly [K in PromiseMethod<T>]: TakesKeywords<T[K]> extends true
    ? number | (Positions & { readonly keywords?: never })
    : Positions & { readonly keywords: false };
};

/** Arguments by position, and no keywords but `callback`. */
export function only(
  positional: number,
  more: Omit<Positions, 'positional' | 'keywords'> = {},
): Positions & { readonly keywords: false } {
  return { ...more, positional, keywords: false };
}

export interface DualSettings {
  /** What the class calls itself, where that differs from its declaration. */
  readonly name?: string;
  /** Keywords that every dual method refuses at once. */
  readonly refused?: readonly string[];
}

type Implementation = (this: unknown, ...args: unknown[]) => unknown;
type AnyCallback = Callback<unknown>;
type Arguments = Required<Omit<Positions, 'keywords' | 'rest'>> & {
  readonly keywords: boolean;
  readonly rest: boolean;
};

interface Method {
  readonly name: string;
  readonly implementation: Implementation;
  /** `null`: a synchronous method, which is bound and nothing else. */
  readonly positions: Arguments | null;
  readonly refused: ReadonlySet<string>;
  /** The method as it is called, of whatever object it is called on. */
  readonly unbound: Implementation;
}

/** A method bound to an object, and the next one: of most objects one or two methods are ever used. */
interface BoundMethod {
  readonly method: Method;
  readonly bound: Implementation;
  readonly next: BoundMethod | null;
}

/** What another face of a class, such as the blocking one, has to know of a public member. */
export interface Member {
  readonly kind: 'asynchronous' | 'synchronous' | 'readable' | 'writable';
  /** Of an asynchronous method: whether these arguments hold a callback. */
  hasCallback(args: readonly unknown[]): boolean;
}

/** Every class that is dual, by its name. */
export const dualClasses = new Map<string, abstract new (...args: never[]) => Bound>();

const membersOfLevel = new WeakMap<object, Map<string, Member>>();

/** The public members of a dual class, inherited ones too, by their snake_case names. */
export function membersOf(Class: abstract new (...args: never[]) => Bound): ReadonlyMap<string, Member> {
  const all = new Map<string, Member>();
  for (let level: object = Class.prototype; level !== Bound.prototype; level = Object.getPrototypeOf(level)) {
    for (const [name, member] of membersOfLevel.get(level) ?? []) if (!all.has(name)) all.set(name, member);
  }
  return all;
}

let boundTo: (self: object, method: Method) => Implementation;

/** The base of every class given to `dual()`: it remembers which methods were taken off the object. */
export abstract class Bound {
  #methods: BoundMethod | null = null;

  static {
    boundTo = (self, method) => {
      // Such as the prototype itself.
      if (!(#methods in self)) return method.unbound;
      for (let known = self.#methods; known !== null; known = known.next) {
        if (known.method === method) return known.bound;
      }
      const bound = bind(self, method);
      self.#methods = { method, bound, next: self.#methods };
      return bound;
    };
  }
}

/**
 * Make a class dual. It stays the same class: `instanceof`, statics and subclasses are as before.
 * - Promise-returning methods take a callback, as the last argument or as the keyword `callback`.
 * - Every public method stays with its object when it is taken off; assigning to it replaces it on that object.
 * - snake_case members have camelCase aliases.
 * - Assigning to a property without setter is a TypeError, also in sloppy mode.
 *
 * Public properties must be accessors, since only these can be found on a class. Methods whose names begin with
 * `_` are left alone. A subclass with methods of its own is given to `dual()` too.
 *
 * @param table every promise-returning method, inherited ones too
 */
export function dual<
  C extends abstract new (
    ...args: never[]
  ) => Bound,
  I extends Dual<InstanceType<C>> = Dual<InstanceType<C>>,
>(Class: C, table: DualTable<InstanceType<C>>, { name, refused = REFUSED }: DualSettings = {}): DualClass<C, I> {
  if (name !== undefined) Object.defineProperty(Class, 'name', { value: name });
  const positions = new Map(Object.entries<number | Positions>(table));
  for (let level: object = Class.prototype; level !== Bound.prototype; level = Object.getPrototypeOf(level)) {
    // Several classes may share a base, which is done once.
    if (!finished.has(level)) finish(level, positions, new Set(refused));
  }
  dualClasses.set(Class.name, Class);
  return Class as unknown as DualClass<C, I>;
}

const finished = new WeakSet<object>();

function finish(prototype: object, table: ReadonlyMap<string, number | Positions>, refused: ReadonlySet<string>): void {
  finished.add(prototype);
  const members = new Map<string, Member>();
  membersOfLevel.set(prototype, members);
  for (const [name, member] of Object.entries(Object.getOwnPropertyDescriptors(prototype))) {
    if (name in Object.prototype) continue;
    if (typeof member.value === 'function') {
      if (name.startsWith('_')) continue;
      const method = newMethod(name, member.value, table.get(name), refused);
      defineMethod(prototype, method);
      members.set(name, {
        kind: method.positions === null ? 'synchronous' : 'asynchronous',
        hasCallback: (args) => method.positions !== null && hasCallback(method.positions, args),
      });
    } else {
      if (member.get !== undefined && member.set === undefined) {
        Object.defineProperty(prototype, name, { ...member, set: readOnly(name) });
      }
      members.set(name, { kind: member.set === undefined ? 'readable' : 'writable', hasCallback: () => false });
    }
    defineAlias(prototype, name);
  }
}

function newMethod(
  name: string,
  implementation: Implementation,
  entry: number | Positions | undefined,
  refused: ReadonlySet<string>,
): Method {
  const given = typeof entry === 'number' ? { positional: entry } : entry;
  const positions = given && {
    positional: given.positional,
    keywords: given.keywords ?? true,
    functions: given.functions ?? 0,
    rest: given.rest ?? false,
    keywordsFrom: given.keywordsFrom ?? given.positional,
    isKeywords: given.isKeywords ?? (() => true),
  };
  if (positions === undefined) return { name, implementation, positions: null, refused, unbound: implementation };
  const unbound: Implementation = function (...args) {
    return call(this, method, args);
  };
  Object.defineProperty(unbound, 'name', { value: name });
  const method: Method = { name, implementation, positions, refused, unbound: mark(unbound) };
  return method;
}

/** By the language's own means, which are a third of a closure in memory and in time. */
function bind(self: object, { positions, unbound }: Method): Implementation {
  const bound = unbound.bind(self) as Implementation;
  return positions === null ? bound : mark(bound);
}

/** Say that a function gives a Promise when it is called without a callback. */
export function mark(fn: Implementation): Implementation {
  (fn as Implementation & { [DUAL]?: boolean })[DUAL] = true;
  return fn;
}

function defineMethod(prototype: object, method: Method): void {
  const { name } = method;
  Object.defineProperty(prototype, name, {
    configurable: true,
    enumerable: false,
    get(this: object) {
      return boundTo(this, method);
    },
    set(this: object, value: unknown) {
      Object.defineProperty(this, name, { value, writable: true, enumerable: true, configurable: true });
    },
  });
}

function readOnly(name: string): (this: object) => void {
  return function () {
    throw new TypeError(`${name} of ${this.constructor.name} is read-only`);
  };
}

/** An alias goes by the name it stands for, so that what replaces the one replaces the other. */
function defineAlias(prototype: object, name: string): void {
  const alias = name.replace(/(?<=.)_+(.)/g, (_, letter: string) => letter.toUpperCase());
  if (alias === name || alias in prototype) return;
  Object.defineProperty(prototype, alias, {
    configurable: true,
    enumerable: false,
    get(this: Record<string, unknown>) {
      return this[name];
    },
    set(this: Record<string, unknown>, value: unknown) {
      this[name] = value;
    },
  });
}

/**
 * One call of a dual method; `args` is an array of its own.
 * @throws TypeError, ConfigurationError: see `takeKeywords`. Everything else fails the Promise, or goes to the callback.
 */
function call(self: unknown, method: Method, args: unknown[]): unknown {
  const { functions, keywordsFrom } = method.positions as Arguments;
  const trailing =
    args.length > functions && isCallback(args[args.length - 1]) ? (args.pop() as AnyCallback) : undefined;
  const keywords = args.length > keywordsFrom ? takeKeywords(method, args, trailing !== undefined) : undefined;
  const callback = trailing ?? (keywords?.callback as AnyCallback | undefined) ?? undefined;
  let promise: Promise<unknown>;
  try {
    if (args.length > keywordsFrom || keywords !== undefined) checkArguments(method, args, keywords, trailing);
    promise = method.implementation.apply(self, args) as Promise<unknown>;
  } catch (error) {
    if (callback === undefined) return Promise.reject(error);
    process.nextTick(callback, null, error as Error);
    return undefined;
  }
  if (callback === undefined) return promise;
  deliver(promise, callback);
  return undefined;
}

/** Hand the outcome to a callback. */
export function deliver<R>(promise: Promise<R>, callback: Callback<R>): void {
  // A tick later no promise is around the callback: what it throws is the application's uncaught exception, cannot
  // reject anything, and cannot call it again.
  promise.then(
    (result) => process.nextTick(callback, result, null),
    (error: Error) => process.nextTick(callback, null, error),
  );
}

function isCallback(value: unknown): value is AnyCallback {
  return typeof value === 'function';
}

/**
 * The keyword object, if the last argument is one: put where the implementation expects it, or taken away from one
 * that has no keywords. Nothing is left of a `null` behind the positions: it stands for no keywords, or no callback.
 * @throws TypeError: what stands where the callback belongs is none
 * @throws ConfigurationError: a keyword that is refused
 */
function takeKeywords(method: Method, args: unknown[], called: boolean): Record<string, unknown> | undefined {
  const { positional, keywords, rest, keywordsFrom } = method.positions as Arguments;
  if (!rest) while (args.length > positional && (args[args.length - 1] ?? null) === null) args.pop();
  const at = args.length - 1;
  if (at < keywordsFrom) return undefined;

  const last = args[at];
  if (!isPlainObject(last) || !isKeywordsAt(at, last, method.positions as Arguments)) {
    const inItsPlace = at === positional + 1 || (at === positional && typeof last !== 'object');
    if (inItsPlace && !rest && !called) throw notCallable();
    return undefined;
  }
  for (const name in last) if (method.refused.has(name)) throw refusal(method.name, name);
  if ((last.callback ?? null) !== null && !isCallback(last.callback)) throw notCallable();
  args.pop();
  if (keywords) {
    while (args.length < positional) args.push(undefined);
    args.push(last);
  }
  return last;
}

function hasCallback(positions: Arguments, args: readonly unknown[]): boolean {
  const at = args.length - 1;
  const last = args[at];
  if (args.length > positions.functions && isCallback(last)) return true;
  const isKeywords = at >= positions.keywordsFrom && isPlainObject(last) && isKeywordsAt(at, last, positions);
  return isKeywords && (last.callback ?? null) !== null;
}

function isKeywordsAt(
  at: number,
  candidate: Record<string, unknown>,
  { positional, rest, isKeywords }: Arguments,
): boolean {
  if (rest) return Object.keys(candidate).join() === 'callback';
  return at === positional || (at < positional && isKeywords(candidate));
}

function notCallable(): TypeError {
  return new TypeError('callback must be a callable');
}

/** What is wrong with the number of arguments, or with keywords that the implementation will not see. */
function checkArguments(
  { name, positions }: Method,
  args: unknown[],
  given: Record<string, unknown> | undefined,
  trailing: AnyCallback | undefined,
): void {
  const { positional, keywords, rest } = positions as Arguments;
  if (trailing !== undefined && (given?.callback ?? null) !== null) {
    throw new TypeError(`${name}: the callback is given twice, last and as a keyword`);
  }
  if (!keywords && given !== undefined) {
    for (const keyword of Object.keys(given)) if (keyword !== 'callback') throw unknownKeyword(name, keyword);
  }
  if (!rest && args.length > positional + (keywords ? 1 : 0)) {
    const most = `${positional} by position${keywords ? ', then keywords' : ''}, then a callback`;
    throw new TypeError(`${name}: too many arguments (${args.length}); it takes at most ${most}`);
  }
}

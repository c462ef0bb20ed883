/** How the types of dual methods, and of their camelCase aliases, follow from a class of promise-returning methods. */

/** `if (error)` narrows `result`. A plain `(result: R | null, error: Error | null) => void` fits it too. */
export type Callback<R> = (...outcome: [result: R, error: null] | [result: null, error: Error]) => void;

/**
 * A callback that does not look at the error. It needs a form of its own: a function of fewer parameters fits no
 * union of argument lists.
 */
export type ResultCallback<R> = (result: R | null) => void;

/**
 * What every type of a keyword object extends: the last parameter is known for keywords by this member.
 * `null` and `undefined` are no callback; the form with one is derived.
 */
export interface Keywords {
  readonly callback?: null | undefined;
}

/** The keyword form of a callback. */
export interface KeywordCallback<C> {
  readonly callback: C;
}

type IsKeywords<T> = [T] extends [never]
  ? false
  : [T] extends [Keywords | undefined]
    ? 'callback' extends keyof NonNullable<T>
      ? true
      : false
    : false;

/** The parameters before the keyword object, and that object's type (`never`: the method takes no keywords). */
type Split<P extends unknown[]> =
  Required<P> extends [...infer Init, infer Last]
    ? IsKeywords<Last> extends true
      ? [init: Init, keywords: Last]
      : [init: Required<P>, keywords: never]
    : [init: Required<P>, keywords: never];

type WithCallback<Kw, C> = [Kw] extends [never] ? KeywordCallback<C> : Omit<Kw, 'callback'> & KeywordCallback<C>;

/** Before a callback nothing can be left out, but `undefined` can stand for it. */
type Spelled<Prefix extends unknown[], P extends unknown[]> = { [I in keyof Prefix]: P[I & keyof P] };

/** The callback last, alone or among the keywords. */
type CallbackForm<Args extends unknown[], Kw, R> = ((
  ...args: [...Args, callback: Callback<R> | WithCallback<Kw, Callback<R>>]
) => void) &
  ((...args: [...Args, callback: ResultCallback<R> | WithCallback<Kw, ResultCallback<R>>]) => void);

/** One form for every prefix of the arguments that is long enough, the shortest first. */
type CallbackForms<P extends unknown[], Prefix extends unknown[], Kw, R> = Prefix['length'] extends P['length']
  ? (Prefix extends [...infer Shorter, unknown] ? CallbackForms<P, Shorter, Kw, R> : unknown) &
      CallbackForm<Spelled<Prefix, P>, Kw, R>
  : unknown;

/** The form with all arguments: after the keyword object only a function can be the callback. */
type FullForm<P extends unknown[], Kw, R> = [Kw] extends [never]
  ? unknown
  : ((...args: [...Spelled<Required<P>, P>, callback: Callback<R>]) => void) &
      ((...args: [...Spelled<Required<P>, P>, callback: ResultCallback<R>]) => void);

/**
 * Where an argument may be anything, a function would be taken for it. So these forms come before the Promise form; an
 * argument of type `any` or `unknown` still finds the latter, since `any` is a subtype of `unknown` alone.
 */
type InPlaceOfAnything<
  P extends unknown[],
  Prefix extends unknown[],
  R,
> = Prefix['length'] extends Required<P>['length']
  ? unknown
  : (unknown extends P[Prefix['length'] & keyof P] ? CallbackForm<Prefix, never, R> : unknown) &
      InPlaceOfAnything<P, [...Prefix, P[Prefix['length'] & keyof P]], R>;

/** `First` is the Promise form: the method's own type where that can be, since editors find the docstring there. */
type Forms<First, P extends unknown[], R> = number extends P['length']
  ? First & CallbackForm<P, never, R>
  : InPlaceOfAnything<P, [], R> &
      First &
      CallbackForms<P, Split<P>[0], Split<P>[1], R> &
      FullForm<P, Split<P>[1], R> &
      // The Promise form once more at the end: there inference (`ReturnType`, a function handed on) and the compiler's
      // messages look. It says besides that `null` is no callback.
      ((...args: [...P, callback?: null]) => Promise<R>);

/** A method that returns its own object (`this`), or a Promise of it, gives the dual object. */
type Member<F, T> = F extends (...args: infer P) => infer Result
  ? Result extends Promise<infer R>
    ? Same<R, T> extends true
      ? Forms<(...args: P) => Promise<Dual<T>>, P, Dual<T>>
      : Forms<F, P, R>
    : Same<Result, T> extends true
      ? (...args: P) => Dual<T>
      : F
  : F;

type Same<A, B> = [A, B] extends [B, A] ? true : false;

/** `CamelCase<'find_one'>` is `'findOne'`; a leading `_` stays. */
export type CamelCase<S extends string> = S extends `_${infer Rest}` ? `_${Humps<Rest>}` : Humps<S>;
type Humps<S extends string> = S extends `${infer Head}_${infer Tail}` ? `${Head}${Capitalize<Humps<Tail>>}` : S;

/** The alias of a member, where it has one that does not exist already. */
type Alias<K, T> = K extends string ? (CamelCase<K> extends keyof T ? never : CamelCase<K>) : never;

/**
 * What users see of a class whose methods `dual()` has wrapped: every promise-returning method in all its forms,
 * everything else as it is, and a camelCase alias of every public snake_case member.
 */
export type Dual<T> = { [K in keyof T]: Member<T[K], T> } & { [K in keyof T as Alias<K, T>]: Member<T[K], T> };

/** The names of the methods that a table of `dual()` must have. */
export type PromiseMethod<T> = {
  [K in keyof T & string]: T[K] extends (...args: never[]) => Promise<unknown> ? K : never;
}[keyof T & string];

/** Whether a method takes a keyword object. */
export type TakesKeywords<F> = F extends (...args: infer P) => unknown
  ? number extends P['length']
    ? false
    : [Split<P>[1]] extends [never]
      ? false
      : true
  : false;

/** A class as its users see it: it makes dual objects, which may have children besides, and keeps its statics. */
export type DualClass<C extends abstract new (...args: never[]) => unknown, I = Dual<InstanceType<C>>> = {
  new (...args: ConstructorParameters<C>): I;
  readonly prototype: I;
} & Omit<C, 'prototype'>;

/**
 * Property access to what an object contains: `client.shop.orders`. Intersected with a class's own type, a known
 * member stays what it is and any other name is a child. (An interface, so that a type may name itself in it.)
 *
 * With `noUncheckedIndexedAccess` the compiler adds `undefined` to every name it reads through an index signature,
 * and no type can prevent that: write `get_collection('orders')`, or name what is used,
 * `client.get_database('shop') as MotorDatabase & Named<'orders', MotorCollection>`.
 */
export interface Children<T> {
  readonly [name: string]: T;
}

/** Children that are known by name: `Named<'orders' | 'users', MotorCollection>`. */
export type Named<Names extends string, T> = { readonly [K in Names]: T };

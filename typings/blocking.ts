/** How the types of blocking classes follow from those of promise-returning methods. */

import type { CamelCase } from './dual';

/** What blocking objects do not have. */
export type Missing = 'open' | 'open_sync' | 'sync_client' | 'fetch_next' | 'each' | 'events' | 'add_son_manipulator';

type Same<A, B> = [A, B] extends [B, A] ? true : false;
type IsAny<T> = 0 extends 1 & T ? true : false;

/** The blocking type in the one pair whose asynchronous type this is. */
type Partner<T, Pairs> = Pairs extends readonly [infer Asynchronous, infer Face]
  ? Same<T, Asynchronous> extends true
    ? Face
    : never
  : never;

/** The type with blocking objects in place of asynchronous ones, alone, in unions and in lists. */
type Replaced<T, Pairs> =
  IsAny<T> extends true
    ? T
    : T extends readonly (infer Item)[]
      ? [Partner<Item, Pairs>] extends [never]
        ? T
        : Partner<Item, Pairs>[]
      : [Partner<T, Pairs>] extends [never]
        ? T
        : Partner<T, Pairs>;

type Arguments<P extends unknown[], Pairs> = { [I in keyof P]: Replaced<P[I], Pairs> };

type Result<R, Pairs> = R extends Promise<infer Value> ? Replaced<Value, Pairs> : Replaced<R, Pairs>;

type Member<F, Pairs> = F extends {
  (...args: infer P1): infer R1;
  (...args: infer P2): infer R2;
}
  ? ((...args: Arguments<P1, Pairs>) => Result<R1, Pairs>) & ((...args: Arguments<P2, Pairs>) => Result<R2, Pairs>)
  : F extends (...args: infer P) => infer R
    ? (...args: Arguments<P, Pairs>) => Result<R, Pairs>
    : Replaced<F, Pairs>;

type Name<K> = K extends string ? Exclude<K, Missing> : never;
type Alias<K, T> =
  Name<K> extends infer N extends string ? (CamelCase<N> extends keyof T ? never : CamelCase<N>) : never;

/**
 * The blocking form of a class: every asynchronous method returns its result. The rest, aliases included, is as it is.
 * @typeParam Pairs union of `[asynchronous type, blocking type]` for the objects that methods take and give
 */
export type Blocking<T, Pairs> = { [K in keyof T as Name<K>]: Member<T[K], Pairs> } & {
  [K in keyof T as Alias<K, T>]: Member<T[K], Pairs>;
};

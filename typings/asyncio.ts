/** How filters, updates and projections follow from the type of a collection's documents. Types only. */

import type { Binary, Document, ObjectId } from 'bson';
import type { Doc } from './documents';

/** Nothing is said about the documents. */
type IsUntyped<T> = string extends keyof T ? true : false;

/** A path into a document, of which nothing is checked. */
interface Paths {
  readonly [path: `${string}.${string}`]: unknown;
}

/** What stands in an array, or the value itself. */
type Item<V> = V extends readonly (infer I)[] ? I : never;

/** What a field may be compared with. */
export interface Operators<V> {
  readonly $eq?: V | Item<V> | null;
  readonly $ne?: V | Item<V> | null;
  readonly $gt?: V;
  readonly $gte?: V;
  readonly $lt?: V;
  readonly $lte?: V;
  readonly $in?: readonly (V | Item<V> | RegExp | null)[];
  readonly $nin?: readonly (V | Item<V> | RegExp | null)[];
  readonly $not?: Operators<V> | RegExp;
  readonly $exists?: boolean;
  readonly $type?: string | number | readonly (string | number)[];
  readonly $regex?: string | RegExp;
  readonly $options?: string;
  readonly $mod?: readonly [divisor: number, remainder: number];
  readonly $size?: number;
  readonly $all?: readonly unknown[];
  readonly $elemMatch?: Doc;
  readonly $geoWithin?: Doc;
  readonly $geoIntersects?: Doc;
  readonly $near?: Doc;
  readonly $nearSphere?: Doc;
  readonly $bitsAllClear?: number | Binary | readonly number[];
  readonly $bitsAllSet?: number | Binary | readonly number[];
  readonly $bitsAnyClear?: number | Binary | readonly number[];
  readonly $bitsAnySet?: number | Binary | readonly number[];
}

export type Condition<V> = V | Item<V> | (V extends string ? RegExp : never) | null | Operators<NonNullable<V>>;

/** Operators that stand beside the fields of a filter. */
interface TopLevel<T> {
  readonly $and?: readonly TypedFilter<T>[];
  readonly $or?: readonly TypedFilter<T>[];
  readonly $nor?: readonly TypedFilter<T>[];
  readonly $expr?: unknown;
  readonly $text?: Doc;
  readonly $where?: unknown;
  readonly $comment?: unknown;
  readonly $jsonSchema?: Doc;
}

export type TypedFilter<T> = { readonly [K in keyof WithId<T>]?: Condition<WithId<T>[K]> } & TopLevel<T> & Paths;

/** A query for documents of this type. */
export type Filter<T> = IsUntyped<T> extends true ? Doc : TypedFilter<T> | Map<string, unknown>;

/** The type of a collection's `_id`s: `ObjectId` if its documents' type does not say. */
export type IdOf<T> =
  IsUntyped<T> extends true
    ? unknown
    : T extends { _id: infer Id }
      ? Id
      : T extends { _id?: infer Id }
        ? IdOr<Id>
        : ObjectId;
/** `_id?: X`; of a type without an `_id` nothing was inferred. */
type IdOr<Id> = unknown extends Id ? ObjectId : Exclude<Id, undefined>;

/** A stored document: it has an `_id`. */
export type WithId<T> = IsUntyped<T> extends true ? T : Omit<T, '_id'> & { _id: IdOf<T> };

/** A document to be stored: the `_id` may be missing. */
export type Insertable<T> =
  IsUntyped<T> extends true ? Doc : (Omit<T, '_id'> & { _id?: IdOf<T> }) | Map<string, unknown>;

/** The values of fields, as `$set` takes them. */
type Values<T> = { readonly [K in keyof T]?: T[K] } & Paths;
/** For every field that can hold it. */
type ForFields<T, Kind, V> = { readonly [K in keyof T as NonNullable<T[K]> extends Kind ? K : never]?: V } & Paths;
type Arrays<T, Each extends string> = {
  readonly [K in keyof T as NonNullable<T[K]> extends readonly unknown[] ? K : never]?:
    | Item<NonNullable<T[K]>>
    | ({ readonly [E in Each]: readonly Item<NonNullable<T[K]>>[] } & {
        readonly $position?: number;
        readonly $slice?: number;
        readonly $sort?: unknown;
      });
} & Paths;

interface UpdateOperators<T> {
  readonly $set?: Values<T>;
  readonly $setOnInsert?: Values<WithId<T>>;
  readonly $unset?: { readonly [K in keyof T]?: unknown } & Paths;
  readonly $inc?: ForFields<T, number | bigint | object, number | bigint | object>;
  readonly $mul?: ForFields<T, number | bigint | object, number | bigint | object>;
  readonly $min?: Values<T>;
  readonly $max?: Values<T>;
  readonly $rename?: { readonly [K in keyof T]?: string } & Paths;
  readonly $currentDate?: ForFields<T, object, true | { readonly $type: 'date' | 'timestamp' }>;
  readonly $push?: Arrays<T, '$each'>;
  readonly $addToSet?: Arrays<T, '$each'>;
  readonly $pull?: ForFields<T, readonly unknown[], unknown>;
  readonly $pullAll?: ForFields<T, readonly unknown[], readonly unknown[]>;
  readonly $pop?: ForFields<T, readonly unknown[], 1 | -1>;
  readonly $bit?: ForFields<T, number | bigint | object, Doc>;
}

/** Operators, or a pipeline. */
export type Update<T> =
  IsUntyped<T> extends true
    ? Doc | readonly Doc[]
    : (UpdateOperators<T> & { readonly [operator: `$${string}`]: unknown }) | Map<string, unknown> | readonly Doc[];

/** A document without operators; the `_id` stays. */
export type Replacement<T> = Insertable<T>;

/** Fields of a result: names, or a projection document. */
export type Projection<T> =
  IsUntyped<T> extends true
    ? readonly string[] | ReadonlySet<string> | Doc
    :
        | readonly ((keyof WithId<T> & string) | `${string}.${string}`)[]
        | ReadonlySet<string>
        | ({ readonly [K in keyof WithId<T>]?: unknown } & Paths)
        | Map<string, unknown>;

type Only<D, Names> = Pick<D, Extract<keyof D, Names>>;
type On = 1 | true;
type Off = 0 | false;
type Chosen<P> = { [K in keyof P]: P[K] extends On ? K : never }[keyof P];
type Dropped<P> = { [K in keyof P]: P[K] extends Off ? K : never }[keyof P];
/** Nothing but 0, 1, true and false, so that it can be told what is left. */
type IsPlain<P> = [P[keyof P]] extends [On | Off] ? true : false;
type HasPaths<P> = Extract<keyof P, `${string}.${string}`> extends never ? false : true;

/** What is left of documents by a projection, as far as it can be told. */
export type Projected<T, P> =
  IsUntyped<T> extends true
    ? Document
    : P extends readonly (infer Name)[]
      ? Extract<Name, `${string}.${string}`> extends never
        ? Only<WithId<T>, Name | '_id'>
        : Document
      : P extends ReadonlySet<string> | Map<string, unknown>
        ? Document
        : HasPaths<P> extends true
          ? Document
          : IsPlain<P> extends true
            ? Exclude<Chosen<P>, '_id'> extends never
              ? '_id' extends Chosen<P>
                ? Only<WithId<T>, '_id'>
                : Omit<WithId<T>, Dropped<P> & string>
              : Only<WithId<T>, Exclude<Chosen<P> | '_id', Dropped<P>>>
            : Document;

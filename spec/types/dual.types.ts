/**
 * The types of dual methods. This file only has to compile.
 */

import { Bound, dual, only } from '../../lib/motor/dual';
import {
  bool,
  fieldSpec,
  type Given,
  integer,
  keywords,
  type Options,
  oneOf,
  orNull,
  string,
  whole,
} from '../../lib/motor/keywords';
import type { Doc, Fields } from '../../typings/documents';
import type { Callback, CamelCase, Children, Dual, Named } from '../../typings/dual';

type Equal<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false;
/** Only compiles when the type is `true`. */
function same<T extends true>(...proof: T[]): void {
  void proof;
}

const FIND = keywords({ fields: [null, orNull(fieldSpec)], skip: [0, whole], timeout: [true, bool] });
const CREATE = keywords({ name: [undefined, string], kind: ['a', oneOf('a', 'b')] }, { rest: true });
type FindKw = Given<typeof FIND>;

class Base extends Bound {
  equals(other: unknown): boolean {
    return other === this;
  }
}

class Sample extends Base {
  static readonly kind = 'sample';
  #preference = 1;

  constructor(
    readonly database: string,
    options?: { size: number },
  ) {
    super();
    void options;
  }
  /** One document. */
  find_one(_spec_or_id: Doc | number | null = null, _kw: FindKw = {}): Promise<Doc | null> {
    return Promise.resolve(null);
  }
  insert(_doc: Doc, _kw: FindKw = {}): Promise<number> {
    return Promise.resolve(1);
  }
  create_index(_key: string, _kw: Given<typeof CREATE> = {}): Promise<string> {
    return Promise.resolve('');
  }
  count(): Promise<number> {
    return Promise.resolve(0);
  }
  drop(): Promise<null> {
    return Promise.resolve(null);
  }
  eval(_code: string, ..._args: (number | string)[]): Promise<unknown> {
    return Promise.resolve(1);
  }
  open(): Promise<this> {
    return Promise.resolve(this);
  }
  sort_by(_key: string): this {
    return this;
  }
  get full_name(): string {
    return '';
  }
  get read_preference(): number {
    return this.#preference;
  }
  set read_preference(value: number) {
    this.#preference = value;
  }
}

const TABLE = {
  find_one: 1,
  insert: 1,
  create_index: 1,
  count: only(0),
  drop: only(0),
  eval: only(1, { rest: true }),
  open: only(0),
} as const;
const MotorSample = dual(Sample, TABLE);
type MotorSample = Dual<Sample>;
type Parent = MotorSample & Children<MotorSample>;

export function promiseForms(sample: MotorSample): void {
  const doc = sample.find_one();
  same<Equal<typeof doc, Promise<Doc | null>>>();
  sample.find_one({ a: 1 }, { skip: 1 }).then((result) => result?.toString());
  sample.find_one({}, {}, null).then(() => {});
  sample.find_one({}, { skip: 1, callback: null }).then(() => {});
  sample.count(undefined).then((n) => n.toFixed());
  sample.eval('x', 1, 'y').then(() => {});

  // An argument of type `any` picks the Promise form.
  // biome-ignore lint/suspicious/noExplicitAny: the point of this line
  const something: any = {};
  const picked = sample.find_one(something);
  same<Equal<typeof picked, Promise<Doc | null>>>();

  // What asks for one signature gets the Promise form.
  same<Equal<ReturnType<MotorSample['find_one']>, Promise<Doc | null>>>();
  same<Equal<Awaited<ReturnType<MotorSample['count']>>, number>>();
}

export function callbackForms(sample: MotorSample): void {
  const nothing = sample.find_one((result, error) => {
    same<Equal<typeof result, Doc | null>>();
    same<Equal<typeof error, Error | null>>();
  });
  same<Equal<typeof nothing, void>>();
  sample.insert({ a: 1 }, (result, error) => {
    if (error) {
      same<Equal<typeof result, null>>();
      same<Equal<typeof error, Error>>();
    } else {
      same<Equal<typeof result, number>>();
      same<Equal<typeof error, null>>();
    }
  });
  sample.find_one({ a: 1 }, { skip: 1 }, (result, error) => [result, error]);
  sample.find_one(undefined, undefined, () => {});
  sample.find_one({}, { skip: 1, callback: (result, error) => error ?? result?.toString() });
  sample.find_one({}, { callback: (result) => result?.toString() });
  sample.count((n, error) => !error && n.toFixed());
  sample.count((n) => n?.toFixed());
  sample.count(() => {});
  sample.count({ callback: (n, error) => !error && n.toFixed() });
  sample.drop((result, error) => [result, error]);
  sample.create_index('a', { unique: true }, (name, error) => !error && name.trim());
  sample.create_index('a', { unique: true, callback: (name, error) => !error && name.trim() });
  sample.eval('x', 1, 'y', (result, error) => [result, error]);
  sample.eval('x', (result, error) => [result, error]);

  const plain = (result: number | null, error: Error | null): void => void [result, error];
  const typed: Callback<number> = plain;
  sample.count(plain);
  sample.count(typed);
  sample.insert({}, {}, typed);
  sample.insert({}, { callback: plain });
}

export function wrongCalls(sample: MotorSample): void {
  // @ts-expect-error a keyword that find_one does not know
  sample.find_one({}, { name: 1 });
  // @ts-expect-error neither with a callback
  sample.find_one({}, { name: 1 }, (result, error) => [result, error]);
  // @ts-expect-error a keyword of the wrong type
  sample.find_one({}, { skip: 'x' });
  // @ts-expect-error the document is missing
  sample.insert();
  // @ts-expect-error also before a callback
  sample.insert(() => {});
  // @ts-expect-error a callback for something else
  sample.count((n: string) => n);
  // @ts-expect-error no callback
  sample.count('f');
  // @ts-expect-error after the callback comes nothing
  sample.find_one(() => {}, {});
  // @ts-expect-error no such method
  sample.find_two();
  // @ts-expect-error of what the server takes only the keywords of the driver have types
  sample.create_index('a', { kind: 'c' });
}

/** What hands a method on sees its Promise form, as `Op` and `gen.Task` do. */
export function handedOn(sample: MotorSample): void {
  function op<A extends unknown[], R>(fn: (...args: A) => Promise<R>, ...args: A): Promise<R> {
    return fn(...args);
  }
  op(sample.find_one, { a: 1 }).then((result: Doc | null) => result);
  op(sample.insert, { a: 1 }, { skip: 1 }).then((result: number) => result);
  op(sample.count).then((result: number) => result);
}

export async function chaining(sample: MotorSample): Promise<void> {
  sample
    .sort_by('a')
    .sortBy('b')
    .find_one((result, error) => [result, error]);
  (await sample.open()).count((n) => n);
  sample.open((self) => self?.count((n) => n));
}

export function aliases(sample: MotorSample): void {
  same<
    Equal<
      CamelCase<'find_one' | 'max_time_ms' | 'drop' | '_id' | 'a_b_c_d'>,
      'findOne' | 'maxTimeMs' | 'drop' | '_id' | 'aBCD'
    >
  >();
  same<Equal<MotorSample['findOne'], MotorSample['find_one']>>();
  sample.createIndex('a', (name, error) => !error && name.trim());
  const name: string = sample.fullName;
  void name;
  sample.readPreference = 2;
  // @ts-expect-error read-only, as the original is
  sample.full_name = '';
  // @ts-expect-error the alias too
  sample.fullName = '';
  // @ts-expect-error a name without underscores has no alias
  sample.Count;
}

export function children(parent: Parent): void {
  same<Equal<Parent['find_one'], MotorSample['find_one']>>();
  parent.find_one((result, error) => [result, error]);
  // noUncheckedIndexedAccess adds `undefined` to children; names that are declared are free of it.
  same<Equal<typeof parent.things, MotorSample | undefined>>();
  parent.things?.find_one();
  const shop: Parent & Named<'orders', MotorSample> = parent as Parent & Named<'orders', MotorSample>;
  shop.orders.find_one((result, error) => [result, error]);
  // @ts-expect-error nothing can be put there
  parent.things = parent;
}

/** No thenable, for the compiler either. */
export async function awaited(parent: Parent): Promise<void> {
  const same_one = await parent;
  same<Equal<typeof same_one, Parent>>();
}

export function classes(): void {
  const sample = new MotorSample('db', { size: 1 });
  same<Equal<typeof sample, MotorSample>>();
  same<Equal<typeof MotorSample.kind, 'sample'>>();
  const value: unknown = sample;
  if (value instanceof MotorSample) value.count((n) => n);
  class Sub extends MotorSample {
    more(): number {
      return this.full_name.length;
    }
  }
  new Sub('db').count((n) => n);
  // @ts-expect-error the constructor's arguments are checked
  new MotorSample();

  const { count, ...others } = TABLE;
  void count;
  // @ts-expect-error a promise-returning method is forgotten
  dual(Sample, others);
  // @ts-expect-error no promise-returning method
  dual(Sample, { ...TABLE, sort_by: 1 });
  // @ts-expect-error no method at all
  dual(Sample, { ...TABLE, gone: 1 });
  // @ts-expect-error count has no keywords: only(0)
  dual(Sample, { ...TABLE, count: 0 });
  // @ts-expect-error find_one has keywords
  dual(Sample, { ...TABLE, find_one: only(1) });
}

export function keywordTypes(): void {
  same<Equal<FindKw['skip'], number | undefined>>();
  same<Equal<FindKw['fields'], Fields | null | undefined>>();
  const options = FIND.read('find', { skip: 1 });
  same<Equal<typeof options, Options<typeof FIND>>>();
  same<Equal<typeof options.skip, number>>();
  same<Equal<typeof options.fields, Fields | null>>();
  same<Equal<typeof options.timeout, boolean>>();
  // @ts-expect-error options are not changed
  options.skip = 2;
  const { name, kind, server } = CREATE.read('create_index', { unique: true });
  same<Equal<typeof name, string | undefined>>();
  same<Equal<typeof kind, 'a' | 'b'>>();
  same<Equal<typeof server, Readonly<Record<string, unknown>>>>();
  const integers = keywords({ n: [null, integer] }).read('m', null);
  same<Equal<typeof integers.n, number | null>>();
}

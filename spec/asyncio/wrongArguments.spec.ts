/** Wrong arguments of every method: the error that is promised, before anything is sent, in both forms. */

import { type Document, ObjectId } from 'bson';
import { expect } from 'chai';
import {
  ConfigurationError,
  IndexModel,
  InvalidDocument,
  InvalidName,
  InvalidOperation,
  OperationFailure,
  SearchIndexModel,
  UpdateOne,
  ValueError,
} from '../../lib/asyncio/index';
import { countsOf, eachForm, freshAsyncIOCollection, newAsyncIOClient } from '../support/clients';
import { rejection } from '../support/rejection';

type ErrorClass = abstract new (...args: never[]) => Error;
/** Values that are wrong, each with the error that they are. */
type Wrong = readonly (readonly [value: unknown, error: ErrorClass])[];

const wrong = (error: ErrorClass, ...values: unknown[]): Wrong => values.map((value) => [value, error] as const);
const fn = () => 1;
const symbol = Symbol('s');
/** What no argument is, unless it takes everything. */
const ODD = [Number.NaN, Number.POSITIVE_INFINITY, 1.5, 1e300, true, symbol, 1n, /x/, new Date(0), Buffer.from('x')];

const aDocument = [
  ...wrong(
    TypeError,
    ...ODD,
    null,
    undefined,
    0,
    -1,
    '',
    'x',
    [],
    [{}],
    new Set(),
    new ObjectId(),
    Promise.resolve({}),
  ),
  ...wrong(InvalidDocument, { a: fn }, { a: [symbol] }, { a: { b: 2n ** 64n } }, { a: new Date(Number.NaN) }),
  ...wrong(InvalidDocument, new Map([[1, 1]]), circular(), { a: new (class Odd extends WeakMap {})() }),
];
const aDocumentKeyword = aDocument.filter(([value]) => value !== undefined);
const aString = wrong(TypeError, ...ODD, null, undefined, 0, [], {});
const bool = wrong(TypeError, ...ODD.filter((value) => value !== true), null, 0, 1, 'true', [], {}, fn);
const whole = [...wrong(TypeError, ...ODD, 2 ** 53, '5', '', [], {}, fn), ...wrong(ValueError, -1)];
const wholeNotNull = [...whole, ...wrong(TypeError, null)];
const integer = wrong(TypeError, ...ODD, null, 2 ** 53, '5', [], {}, fn);
const pairs = [
  ...wrong(ValueError, [], [[]], [['a', 1, 2]], [5]),
  ...wrong(TypeError, [[1, 1]], [['a', Number.NaN]], [['a', null]], [['a', 1.5]]),
  ...wrong(InvalidDocument, [['a', fn]]),
];
const sort = [
  ...wrong(TypeError, ...ODD, 0, fn),
  ...pairs,
  ...wrong(ValueError, {}, new Map()),
  ...wrong(TypeError, { a: null }, { a: Number.NaN }, { a: true }, { a: [] }),
];
const projection = [
  ...wrong(TypeError, ...ODD, 0, 'x', [1], ['a', null], new Set([1]), fn),
  ...wrong(InvalidDocument, { a: fn }, { a: symbol }),
];
const collation = wrong(TypeError, ...ODD, 0, 'de', [], fn);
const comment = wrong(InvalidDocument, fn, symbol, 2n ** 64n, new Date(Number.NaN), { a: [fn] });
const session = wrong(TypeError, ...ODD, 0, 'x', {}, [], fn);
const filters = wrong(TypeError, ...ODD, 0, 'x', {}, [1], [null], fn);
const pipeline = [
  ...wrong(TypeError, ...ODD, null, undefined, 0, 'x', {}, { $match: {} }, [1], [null], [[]], new Set()),
  ...wrong(InvalidDocument, [{ $match: { a: fn } }], [{ $match: { a: symbol } }]),
];
const update = [
  ...wrong(TypeError, ...ODD, null, undefined, 0, 'x', [1], new Set()),
  ...wrong(ValueError, {}, [], { a: 1 }, new Map(), new Map([['a', 1]])),
  ...wrong(InvalidDocument, { $set: { a: fn } }, [{ $set: { a: symbol } }]),
];
const replacement = [...aDocument, ...wrong(ValueError, { $set: {} }, new Map([['$set', {}]]))];
const keys = sort.filter(([value]) => value !== undefined);
const databaseName = [
  ...aString,
  ...wrong(InvalidName, '', 'a b', 'a.b', 'a/b', 'a\\b', '$a', 'a$', 'a\0b', '.', '..', ' '),
];
const collectionName = [
  ...aString,
  ...wrong(InvalidName, '', '.', '..', 'a..b', '.a', 'a.', 'a$b', '$a', 'a\0b', '\0'),
];
const readPreference = wrong(TypeError, ...ODD, -1, 5, 'x', '', [], {}, fn);
const codecOptions = [
  ...wrong(TypeError, ...ODD, 0, 'x', [], fn, { nonsense: 1 }, { uuid_representation: 9 }, { document_class: 5 }),
  ...wrong(ValueError, { unicode_decode_error_handler: 'x' }),
  ...wrong(TypeError, { datetime_conversion: 9 }, { tz_aware: 1 }),
];
const writeConcern = [
  ...wrong(TypeError, ...ODD, 0, 'x', [], fn, { nonsense: 1 }, { w: 1.5 }, { w: [] }, { wtimeout: '5' }),
  ...wrong(ValueError, { w: -1 }, { wtimeout: -1 }),
  ...wrong(ConfigurationError, { w: 0, j: true }, { j: true, fsync: true }),
];
const readConcern = wrong(TypeError, ...ODD, 0, [], {}, fn);
const OPTIONS = {
  codec_options: codecOptions,
  read_preference: readPreference,
  write_concern: writeConcern,
  read_concern: readConcern,
};

function circular(): Document {
  const document: Document = {};
  document.self = document;
  return document;
}

/** One method: its right arguments, what is wrong at each place, and what is wrong of its keywords. */
interface Case {
  readonly args?: readonly unknown[];
  readonly wrong?: readonly Wrong[];
  readonly kw?: Readonly<Record<string, Wrong>>;
}

const K = { comment, session };
const FIND = {
  ...K,
  projection,
  skip: wholeNotNull,
  limit: integer,
  no_cursor_timeout: bool,
  cursor_type: [...integer, ...wrong(ValueError, 1, 5, -1)],
  sort,
  allow_partial_results: bool,
  batch_size: wholeNotNull,
  collation,
  hint: sort,
  max_time_ms: whole,
  max_scan: whole,
  min: [...wrong(TypeError, ...ODD, 0, 'x', fn), ...wrong(ValueError, [], [[]])],
  max: [...wrong(TypeError, ...ODD, 0, 'x', fn), ...wrong(ValueError, [], [[]])],
  return_key: bool,
  show_record_id: bool,
  snapshot: bool,
  oplog_replay: bool,
  allow_disk_use: bool,
  let: aDocumentKeyword,
};
const WRITE = { ...K, let: aDocumentKeyword, collation, hint: sort };
const UPDATE = { ...WRITE, upsert: bool, bypass_document_validation: bool, array_filters: filters };
const MODIFY = { ...WRITE, projection, sort };
const RETURN = { upsert: bool, return_document: wrong(ValueError, ...ODD.slice(0, 4), 1, 'after', [], {}) };
const AGGREGATE = {
  ...K,
  let: aDocumentKeyword,
  batchSize: wholeNotNull,
  allowDiskUse: bool,
  maxTimeMS: whole,
  bypassDocumentValidation: bool,
  collation,
  hint: sort,
  cursor: wrong(TypeError, ...ODD, 0, 'x', [], fn),
};

const METHODS: Readonly<Record<string, Readonly<Record<string, Case>>>> = {
  AsyncIOMotorClient: {
    server_info: { kw: K },
    list_database_names: { kw: K },
    list_databases: { kw: { ...K, filter: aDocumentKeyword, nameOnly: bool, authorizedDatabases: bool } },
    drop_database: { args: ['d'], wrong: [databaseName], kw: K },
    bulk_write: {
      args: [[new UpdateOne({}, { $set: { a: 1 } }, { namespace: 'd.c' })]],
      wrong: [
        [
          ...wrong(TypeError, ...ODD, null, undefined, 0, 'x', {}, [{}], [null], [UpdateOne], new Set()),
          ...wrong(InvalidOperation, [], [new UpdateOne({}, { $set: { a: 1 } })]),
          ...wrong(ValueError, [new UpdateOne({}, {}, { namespace: 'd.c' })]),
          ...wrong(ValueError, [new UpdateOne({}, { $set: { a: 1 } }, { namespace: 'd' })]),
          ...wrong(InvalidName, [new UpdateOne({}, { $set: { a: 1 } }, { namespace: 'd d.c' })]),
          ...wrong(InvalidDocument, [new UpdateOne({ a: fn }, { $set: { a: 1 } }, { namespace: 'd.c' })]),
        ],
      ],
      kw: {
        ...K,
        ordered: bool,
        verbose_results: bool,
        bypass_document_validation: bool,
        let: aDocumentKeyword,
        write_concern: writeConcern,
      },
    },
  },
  AsyncIOMotorDatabase: {
    command: {
      args: ['ping', 1],
      wrong: [[...aDocument.filter(([value]) => value !== 'x' && value !== ''), ...wrong(TypeError, '', {})], []],
      kw: {
        ...K,
        check: bool,
        allowable_errors: wrong(TypeError, ...ODD, 0, 'x', {}, [null]),
        read_preference: readPreference,
        codec_options: codecOptions,
      },
    },
    cursor_command: {
      args: ['find', 'c'],
      wrong: [[...aDocument.filter(([value]) => value !== 'x' && value !== ''), ...wrong(TypeError, '', {})], []],
      kw: { ...K, read_preference: readPreference, codec_options: codecOptions, max_await_time_ms: whole },
    },
    create_collection: {
      args: ['c'],
      wrong: [collectionName],
      kw: { ...K, ...OPTIONS, check_exists: bool, collation },
    },
    drop_collection: { args: ['c'], wrong: [collectionName], kw: K },
    list_collection_names: { kw: { ...K, filter: aDocumentKeyword } },
    list_collections: { kw: { ...K, filter: aDocumentKeyword } },
    validate_collection: {
      args: ['c'],
      wrong: [collectionName],
      kw: { ...K, scandata: bool, full: bool, background: bool },
    },
    dereference: {
      wrong: [wrong(TypeError, ...ODD, null, undefined, 0, 'x', {}, { $ref: 'c', $id: 1 })],
      args: [null],
    },
  },
  AsyncIOMotorCollection: {
    find_one: { args: [{}], kw: FIND },
    count_documents: {
      args: [{}],
      wrong: [aDocument],
      kw: { ...K, skip: wholeNotNull, limit: wholeNotNull, maxTimeMS: whole, hint: sort, collation },
    },
    estimated_document_count: {
      kw: { comment, maxTimeMS: whole, session: wrong(ConfigurationError, 0, 'x', {}, null) },
    },
    distinct: {
      args: ['a'],
      wrong: [aString],
      kw: { ...K, filter: aDocumentKeyword, maxTimeMS: whole, collation, hint: sort },
    },
    insert_one: { args: [{}], wrong: [aDocument], kw: { ...K, bypass_document_validation: bool } },
    insert_many: {
      args: [[{}]],
      wrong: [
        [
          ...wrong(TypeError, ...ODD.slice(0, -1), null, undefined, 0, 'x', {}, [], [{}, null], [1], [[]], ['x']),
          ...wrong(InvalidOperation, new Set(), new Map().values()),
          ...wrong(InvalidDocument, [{}, { a: fn }], [{ a: symbol }]),
        ],
      ],
      kw: { ...K, ordered: bool, bypass_document_validation: bool },
    },
    replace_one: {
      args: [{}, {}],
      wrong: [aDocument, replacement],
      kw: { ...WRITE, upsert: bool, bypass_document_validation: bool },
    },
    update_one: { args: [{}, { $set: { a: 1 } }], wrong: [aDocument, update], kw: UPDATE },
    update_many: { args: [{}, { $set: { a: 1 } }], wrong: [aDocument, update], kw: UPDATE },
    delete_one: { args: [{}], wrong: [aDocument], kw: WRITE },
    delete_many: { args: [{}], wrong: [aDocument], kw: WRITE },
    bulk_write: {
      args: [[new UpdateOne({}, { $set: { a: 1 } })]],
      wrong: [
        [
          ...wrong(TypeError, ...ODD, null, undefined, 0, 'x', {}, [{}], [null], [UpdateOne], new Set()),
          ...wrong(InvalidOperation, []),
          ...wrong(ValueError, [new UpdateOne({}, {})], [new UpdateOne({}, { a: 1 })]),
          ...wrong(InvalidDocument, [new UpdateOne({ a: fn }, { $set: { a: 1 } })]),
        ],
      ],
      kw: { ...K, ordered: bool, bypass_document_validation: bool, let: aDocumentKeyword },
    },
    find_one_and_delete: { args: [{}], wrong: [aDocument], kw: MODIFY },
    find_one_and_replace: { args: [{}, {}], wrong: [aDocument, replacement], kw: { ...MODIFY, ...RETURN } },
    find_one_and_update: {
      args: [{}, { $set: { a: 1 } }],
      wrong: [aDocument, update],
      kw: { ...MODIFY, ...RETURN, array_filters: filters },
    },
    drop: { kw: K },
    rename: { args: ['c'], wrong: [collectionName], kw: K },
    options: { kw: K },
    create_index: {
      args: ['a'],
      // A function would be the callback.
      wrong: [[...keys.filter(([value]) => typeof value !== 'function'), ...wrong(TypeError, null, undefined)]],
      kw: {
        ...K,
        name: wrong(TypeError, ...ODD, 0, [], {}),
        unique: bool,
        sparse: bool,
        background: bool,
        expireAfterSeconds: wrong(TypeError, Number.NaN, '5', true, [], {}),
        partialFilterExpression: aDocumentKeyword,
        collation,
        hidden: bool,
        maxTimeMS: whole,
      },
    },
    create_indexes: {
      args: [[]],
      wrong: [wrong(TypeError, ...ODD, null, undefined, 0, 'x', {}, [{}], ['a'], [null])],
      kw: { ...K, maxTimeMS: whole },
    },
    drop_index: {
      args: ['a_1'],
      wrong: [[...wrong(TypeError, ...ODD, null, undefined, 0), ...wrong(ValueError, [], [[]])]],
      kw: K,
    },
    drop_indexes: { kw: K },
    index_information: { kw: K },
    create_search_index: {
      args: [{ definition: {} }],
      wrong: [
        [
          ...wrong(TypeError, ...ODD, null, undefined, 0, 'x', {}, [], { definition: null }, new Map()),
          ...wrong(TypeError, { definition: {}, name: 5 }, { definition: {}, type: 5 }, { definition: {}, x: 1 }),
          ...wrong(InvalidDocument, { definition: { a: fn } }),
        ],
      ],
      kw: K,
    },
    create_search_indexes: {
      args: [[]],
      wrong: [
        [
          ...wrong(TypeError, ...ODD, null, undefined, 0, 'x', {}, [{ definition: {} }], [new IndexModel('a')], [null]),
          ...wrong(InvalidDocument, [new SearchIndexModel({ a: fn })]),
        ],
      ],
      kw: K,
    },
    update_search_index: { args: ['a', {}], wrong: [aString, aDocument], kw: K },
    drop_search_index: { args: ['a'], wrong: [aString], kw: K },
  },
  AsyncIOMotorCursor: {
    to_list: { wrong: [[...wrong(TypeError, ...ODD, '5', []), ...wrong(ValueError, -1)]], args: [null] },
    distinct: { args: ['a'], wrong: [aString] },
  },
  AsyncIOMotorLatentCommandCursor: {
    to_list: { wrong: [[...wrong(TypeError, ...ODD, '5', []), ...wrong(ValueError, -1)]], args: [null] },
  },
};

/** The same of methods that do no I/O: they throw. */
const SYNCHRONOUS: typeof METHODS = {
  AsyncIOMotorClient: {
    get_database: { args: ['d'], wrong: [databaseName.filter(([value]) => (value ?? null) !== null)], kw: OPTIONS },
    get_default_database: {
      args: ['d'],
      wrong: [databaseName.filter(([value]) => (value ?? null) !== null)],
      kw: OPTIONS,
    },
  },
  AsyncIOMotorDatabase: {
    get_collection: { args: ['c'], wrong: [collectionName], kw: OPTIONS },
    with_options: { kw: OPTIONS },
    aggregate: { args: [[]], wrong: [pipeline], kw: AGGREGATE },
  },
  AsyncIOMotorCollection: {
    get_collection: {
      args: ['c'],
      wrong: [[...aString, ...wrong(InvalidName, '', '.', '.a', 'a.', 'a..b', 'a$b', 'a\0b')]],
    },
    with_options: { kw: OPTIONS },
    find: {
      args: [{}],
      wrong: [aDocument.filter(([value, error]) => error === TypeError && value !== undefined)],
      kw: findKw(),
    },
    aggregate: { args: [[]], wrong: [pipeline], kw: AGGREGATE },
    list_indexes: { kw: K },
    list_search_indexes: {
      args: ['a'],
      wrong: [wrong(TypeError, ...ODD, 0, [], { name: 'a' })],
      kw: K,
    },
  },
  AsyncIOMotorCursor: {
    sort: {
      args: ['a'],
      wrong: [
        keys,
        [
          ...wrong(TypeError, Number.NaN, 1.5, true, 1n, /x/, []),
          ...wrong(InvalidDocument, symbol, fn, new Date(Number.NaN)),
        ],
      ],
    },
    limit: { args: [1], wrong: [[...integer, ...wrong(TypeError, undefined)]] },
    skip: { args: [1], wrong: [[...wholeNotNull, ...wrong(TypeError, undefined)]] },
    batch_size: { args: [1], wrong: [[...wholeNotNull, ...wrong(TypeError, undefined)]] },
    hint: { args: ['a_1'], wrong: [keys] },
    max_time_ms: {
      args: [1],
      wrong: [[...integer.filter(([value]) => value !== null), ...wrong(TypeError, undefined)]],
    },
    max_scan: { args: [1], wrong: [[...whole, ...wrong(TypeError, undefined)]] },
    max_await_time_ms: { args: [1], wrong: [[...whole, ...wrong(TypeError, undefined)]] },
    min: { args: [{ a: 1 }], wrong: [FIND.min] },
    max: { args: [{ a: 1 }], wrong: [FIND.max] },
    where: { args: ['1'], wrong: [wrong(TypeError, ...ODD, null, undefined, 0, [], {})] },
    collation: { args: [null], wrong: [collation] },
    allow_disk_use: { args: [true], wrong: [[...bool, ...wrong(TypeError, undefined)]] },
    add_option: { args: [0], wrong: [[...integer, ...wrong(TypeError, undefined)]] },
    remove_option: { args: [0], wrong: [[...integer, ...wrong(TypeError, undefined)]] },
    at: { args: [0], wrong: [[...integer, ...wrong(RangeError, -1)]] },
    slice: {
      args: [0, 1],
      wrong: [[...integer.filter(([value]) => value !== null), ...wrong(RangeError, -1)], wrong(RangeError, -1)],
    },
    each: { args: [fn], wrong: [wrong(TypeError, ...ODD, null, undefined, 0, 'x', {}, [])] },
  },
  AsyncIOMotorLatentCommandCursor: {
    batch_size: { args: [1], wrong: [[...wholeNotNull, ...wrong(TypeError, undefined)]] },
    each: { args: [fn], wrong: [wrong(TypeError, ...ODD, null, undefined, 0, 'x', {}, [])] },
  },
};

/** What is left for the encoder is found when the query is sent. */
function findKw(): Record<string, Wrong> {
  const { comment: _, ...kw } = FIND;
  return Object.fromEntries(
    Object.entries(kw).map(([name, list]) => [name, list.filter(([, error]) => error !== InvalidDocument)]),
  );
}

interface Call {
  readonly what: string;
  readonly args: readonly unknown[];
  readonly ErrorClass: ErrorClass;
  /** What the message has to name. */
  readonly names: string;
}

/** Every wrong call of a method. */
function* calls({ args = [], wrong: places = [], kw = {} }: Case): Iterable<Call> {
  for (const [place, list] of places.entries()) {
    for (const [value, ErrorClass] of list) {
      const changed = [...args];
      changed[place] = value;
      yield { what: `argument ${place + 1}: ${picture(value)}`, args: changed, ErrorClass, names: '' };
    }
  }
  for (const [name, list] of Object.entries(kw)) {
    for (const [value, ErrorClass] of list) {
      if (value === undefined) continue; // absent
      const isPlain = ErrorClass === TypeError && !(value instanceof Object);
      yield {
        what: `${name}: ${picture(value)}`,
        args: [...args, { [name]: value }],
        ErrorClass,
        names: isPlain ? name : '',
      };
    }
  }
}

/** What is wrong with the outcome of a wrong call; null: nothing. */
function faultOf({ what, ErrorClass, names }: Call, outcome: unknown): string | null {
  if (outcome instanceof ErrorClass && outcome.message.includes(names)) return null;
  return `${what}: ${outcome}, not a ${ErrorClass.name} that names ${names}`;
}

function picture(value: unknown): string {
  if (typeof value === 'symbol' || typeof value === 'function' || typeof value === 'bigint') return String(value);
  if (value instanceof Object && !Array.isArray(value)) return `${value.constructor.name} ${Object.keys(value)}`;
  return (
    JSON.stringify(value, (_, inner) =>
      typeof inner === 'symbol' || typeof inner === 'function' ? String(inner) : inner,
    ) ?? String(value)
  );
}

function thrownBy(run: () => unknown): unknown {
  try {
    return run();
  } catch (error) {
    return error;
  }
}

describe('Wrong arguments', () => {
  /** Of a client that cannot reach any server: what is not refused fails otherwise. */
  function newObject(className: string): Record<string, (...args: unknown[]) => unknown> {
    const client = newAsyncIOClient('mongodb://127.0.0.1:1', { serverSelectionTimeoutMS: 0 });
    const database = client.get_database('d');
    const collection = database.get_collection('c');
    const objects = {
      AsyncIOMotorClient: client,
      AsyncIOMotorDatabase: database,
      AsyncIOMotorCollection: collection,
      AsyncIOMotorCursor: collection.find(),
      AsyncIOMotorLatentCommandCursor: collection.aggregate([]),
    };
    return objects[className as keyof typeof objects] as unknown as Record<string, (...args: unknown[]) => unknown>;
  }

  for (const [className, methods] of Object.entries(METHODS)) {
    describe(`of ${className}`, () => {
      eachForm((call) => {
        for (const [method, one] of Object.entries(methods)) {
          it(method, async () => {
            const faults: (string | null)[] = [];
            for (const wrongCall of calls(one)) {
              const outcome = await call(newObject(className), method, ...wrongCall.args).catch(
                (error: unknown) => error,
              );
              faults.push(faultOf(wrongCall, outcome));
            }
            expect(faults.filter((fault) => fault !== null)).to.deep.equal([]);
          });
        }
      });
    });
  }

  for (const [className, methods] of Object.entries(SYNCHRONOUS)) {
    describe(`of ${className}, thrown at once`, () => {
      for (const [method, one] of Object.entries(methods)) {
        it(method, () => {
          const faults = [...calls(one)].map((wrongCall) =>
            faultOf(
              wrongCall,
              thrownBy(() => newObject(className)[method]?.(...wrongCall.args)),
            ),
          );
          expect(faults.filter((fault) => fault !== null)).to.deep.equal([]);
        });
      }
    });
  }

  describe('that only the server can judge', () => {
    const things = freshAsyncIOCollection();

    eachForm((call) => {
      it('names that are too long: its error, and the connection stays', async () => {
        const { database } = things();
        const long = database.get_collection('c'.repeat(300));
        for (const [method, ...args] of [
          ['insert_one', {}],
          ['rename', 'r'],
          ['create_index', 'a'],
        ] as const) {
          expect(await rejection(call(long, method, ...args)), method).to.be.instanceOf(OperationFailure);
        }
        expect(await rejection(call(things(), 'rename', 'c'.repeat(300)))).to.be.instanceOf(OperationFailure);
        const elsewhere = database.client.get_database('d'.repeat(100)).get_collection('c');
        expect(await rejection(call(elsewhere, 'insert_one', {}))).to.be.instanceOf(OperationFailure);
        expect(countsOf(database.client).open).to.equal(1);
      });

      it('huge numbers arrive as they are', async () => {
        expect(await call(things().find({}, { skip: Number.MAX_SAFE_INTEGER }), 'to_list')).to.deep.equal([]);
        expect(await call(things(), 'count_documents', {}, { limit: Number.MAX_SAFE_INTEGER })).to.equal(0);
        expect(await call(things().find().limit(Number.MAX_SAFE_INTEGER), 'to_list')).to.deep.equal([]);
        const tooMuch = call(things().find({}, { batch_size: Number.MAX_SAFE_INTEGER }), 'to_list');
        await tooMuch.catch((error: unknown) => expect(error).to.be.instanceOf(OperationFailure));
      });
    });
  });
});

/**
 * The members of the classes, by the tables 5.1 and 7 to 11 of the surface: each is there and of its kind, and nothing
 * else is. What each does is tested beside it.
 */

import { expect } from 'chai';
import {
  ConfigurationError,
  DBRef,
  MotorBulkOperationBuilder,
  MotorClient,
  MotorCollection,
  MotorCommandCursor,
  MotorCursor,
  MotorDatabase,
  ObjectId,
} from '../../lib/index';
import { freshCollection, newClient } from '../support/clients';
import { rejection } from '../support/rejection';
import { camelCase, expectMember, membersOf, type Table } from '../support/surface';

const INHERITED: Table = {
  read_preference: 'RW',
  tag_sets: 'RW',
  secondary_acceptable_latency_ms: 'RW',
  write_concern: 'RW',
  get_io_loop: 'S',
  equals: 'S',
};

const BATCHES: Table = {
  fetch_next: 'R',
  next_object: 'S',
  each: 'S',
  to_list: 'A',
  close: 'A',
  alive: 'R',
  cursor_id: 'R',
  started: 'R',
  closed: 'R',
  collection: 'R',
  get_io_loop: 'S',
  equals: 'S',
  batch_size: 'C',
};

const TABLES: Readonly<Record<string, Table>> = {
  MotorClient: {
    ...INHERITED,
    open: 'A',
    open_sync: 'S',
    sync_client: 'S',
    connected: 'R',
    get_database: 'S',
    get_default_database: 'S',
    alive: 'A',
    server_info: 'A',
    database_names: 'A',
    drop_database: 'A',
    copy_database: 'A',
    close_cursor: 'A',
    kill_cursors: 'A',
    fsync: 'A',
    unlock: 'A',
    disconnect: 'S',
    close: 'S',
    get_document_class: 'S',
    set_document_class: 'S',
    document_class: 'RW',
    tz_aware: 'R',
    host: 'R',
    port: 'R',
    nodes: 'R',
    is_primary: 'R',
    is_mongos: 'R',
    max_bson_size: 'R',
    max_message_size: 'R',
    min_wire_version: 'R',
    max_wire_version: 'R',
    max_pool_size: 'R',
  },
  MotorDatabase: {
    ...INHERITED,
    get_collection: 'S',
    name: 'R',
    connection: 'R',
    command: 'A',
    create_collection: 'A',
    drop_collection: 'A',
    validate_collection: 'A',
    collection_names: 'A',
    current_op: 'A',
    profiling_level: 'A',
    set_profiling_level: 'A',
    profiling_info: 'A',
    error: 'A',
    last_status: 'A',
    previous_error: 'A',
    reset_error_history: 'A',
    dereference: 'A',
    eval: 'A',
    add_user: 'A',
    remove_user: 'A',
    authenticate: 'A',
    logout: 'A',
    add_son_manipulator: 'S',
    incoming_manipulators: 'R',
    incoming_copying_manipulators: 'R',
    outgoing_manipulators: 'R',
    outgoing_copying_manipulators: 'R',
  },
  MotorCollection: {
    ...INHERITED,
    get_collection: 'S',
    name: 'R',
    full_name: 'R',
    database: 'R',
    uuid_subtype: 'RW',
    find: 'S',
    initialize_ordered_bulk_op: 'S',
    initialize_unordered_bulk_op: 'S',
    find_one: 'A',
    insert: 'A',
    save: 'A',
    update: 'A',
    remove: 'A',
    find_and_modify: 'A',
    count: 'A',
    distinct: 'A',
    aggregate: 'A',
    group: 'A',
    map_reduce: 'A',
    inline_map_reduce: 'A',
    parallel_scan: 'A',
    rename: 'A',
    drop: 'A',
    options: 'A',
    create_index: 'A',
    ensure_index: 'A',
    drop_index: 'A',
    drop_indexes: 'A',
    reindex: 'A',
    index_information: 'A',
  },
  MotorCursor: {
    ...BATCHES,
    count: 'A',
    distinct: 'A',
    explain: 'A',
    limit: 'C',
    skip: 'C',
    sort: 'C',
    hint: 'C',
    min: 'C',
    max: 'C',
    max_time_ms: 'C',
    max_scan: 'C',
    comment: 'C',
    where: 'C',
    add_option: 'C',
    remove_option: 'C',
    at: 'C',
    slice: 'C',
    rewind: 'C',
    clone: 'S',
  },
  MotorCommandCursor: BATCHES,
  MotorBulkOperationBuilder: {
    insert: 'S',
    find: 'S',
    execute: 'A',
    get_io_loop: 'S',
    equals: 'S',
  },
};

/** Members that are not there yet. One that has come must leave this list. */
const PENDING: Readonly<Record<string, readonly string[]>> = {};

/** Members that the original does not have. */
const ADDED: Readonly<Record<string, readonly string[]>> = { MotorClient: ['events'] };

/** Names that every object of the language has. */
const OF_ANY_OBJECT = Object.getOwnPropertyNames(Object.prototype);

/** Arguments that are right, for methods that need some; of those that have keywords, all that stand before these. */
const ARGUMENTS: Readonly<Record<string, readonly unknown[]>> = {
  drop_database: ['motor_spec_nothing'],
  close_cursor: [0],
  kill_cursors: [[]],
  command: ['ping', 1],
  create_collection: ['motor_spec_surface'],
  drop_collection: ['nothing'],
  validate_collection: ['nothing'],
  set_profiling_level: [0],
  find_one: [{}],
  insert: [{}],
  save: [{}],
  update: [{}, {}],
  remove: [{}],
  find_and_modify: [{}, { $set: { a: 1 } }],
  distinct: ['a'],
  aggregate: [[]],
  create_index: ['a'],
  ensure_index: ['a'],
  drop_index: ['a_1'],
  dereference: [new DBRef('nothing', new ObjectId())],
  rename: ['renamed'],
  to_list: [1],
  copy_database: ['motor_spec_nothing', 'motor_spec_nothing_else'],
  eval: ['1'],
  add_user: ['nobody', 'nothing'],
  remove_user: ['nobody'],
  authenticate: ['nobody', 'nothing'],
  group: [null, {}, {}, 'function () {}', null],
  map_reduce: ['function () {}', 'function () {}', { inline: 1 }],
  inline_map_reduce: ['function () {}', 'function () {}'],
  parallel_scan: [1],
  execute: [{ w: 1 }],
};

/** Methods without keywords of their own: what looks like one is an argument. */
const NO_KEYWORDS = new Set(['eval']);

/** Methods that pass unknown keywords on to the server. */
const PASS_ON = new Set([
  'command',
  'create_collection',
  'find_and_modify',
  'aggregate',
  'create_index',
  'ensure_index',
  'rename',
  'fsync',
  'add_user',
  'map_reduce',
  'inline_map_reduce',
  'parallel_scan',
]);

const REFUSED = ['safe', 'slave_okay', 'slaveok', 'auto_start_request'];

type Loose = Record<string, (...args: unknown[]) => unknown>;

const CLASSES = {
  MotorClient,
  MotorDatabase,
  MotorCollection,
  MotorCursor,
  MotorCommandCursor,
  MotorBulkOperationBuilder,
};

for (const [className, Class] of Object.entries(CLASSES)) {
  describe(`The surface of ${className}`, () => {
    const things = freshCollection();
    const table = Object.entries(TABLES[className] as Table);
    const pending = new Set(PENDING[className]);
    const present = table.filter(([name]) => !pending.has(name));
    const members = membersOf(Class as unknown as { prototype: object });

    async function newObject(): Promise<object> {
      const collection = things();
      switch (className) {
        case 'MotorClient':
          return collection.database.connection;
        case 'MotorDatabase':
          return collection.database;
        case 'MotorCollection':
          return collection;
        case 'MotorCursor':
          return collection.find();
        case 'MotorBulkOperationBuilder': {
          const bulk = collection.initialize_ordered_bulk_op();
          bulk.insert({});
          return bulk;
        }
        default:
          return (await collection.aggregate([], { cursor: {} })) as unknown as object;
      }
    }

    it('is called by its name', () => expect((Class as { name: string }).name).to.equal(className));

    it('has nothing that is no member by the tables, camelCase aliases apart', () => {
      const known = new Set([...table.map(([name]) => name), ...(ADDED[className] ?? [])]);
      for (const name of [...known]) known.add(camelCase(name));
      const unknown = [...members.keys()].filter((name) => !known.has(name) && !OF_ANY_OBJECT.includes(name));
      expect(unknown).to.deep.equal([]);
    });

    it('lacks what is still to come', () => {
      expect([...pending].filter((name) => members.has(name))).to.deep.equal([]);
      expect([...pending].filter((name) => !table.some(([other]) => other === name))).to.deep.equal([]);
    });

    for (const [name, kind] of present) {
      it(`${name} is of the kind ${kind}, and goes by its camelCase name too`, async () => {
        expectMember(members, await newObject(), name, kind);
      });
    }

    for (const [name, kind] of present) {
      if (kind !== 'A') continue;
      const args = ARGUMENTS[name] ?? [];

      it(`${name} refuses a callback that is none at once, last and as keyword`, async () => {
        const object = (await newObject()) as Loose;
        // Positions before the callback are filled, or it would be one of the arguments.
        for (const bad of ['foo', 1, 0, '', false]) {
          expect(() => object[name]?.(...args, { callback: bad }), `callback: ${bad}`).to.throw(
            TypeError,
            'callback must be a callable',
          );
        }
      });

      it(`${name} takes null for no callback`, async () => {
        const object = (await newObject()) as Loose;
        const promise = object[name]?.(...args, { callback: null });
        expect(promise).to.be.instanceOf(Promise);
        await settled(promise);
      });

      it(`${name} calls back once, in either place, with what the Promise would give`, async () => {
        const object = (await newObject()) as Loose;
        const last = await outcome((callback) => object[name]?.(...args, callback));
        expect([last.result, last.error]).to.include(null);
        const keyword = await outcome((callback) => object[name]?.(...args, { callback }));
        expect([keyword.result, keyword.error]).to.include(null);
      });

      it(`${name} works when it is taken off its object`, async () => {
        const object = (await newObject()) as Loose;
        const method = object[name] as (...args: unknown[]) => unknown;
        const error = await settled(method(...args));
        expect(String(error)).not.to.match(/undefined|private member/);
      });

      if (NO_KEYWORDS.has(name)) continue;

      it(`${name} names a keyword that it does not know${PASS_ON.has(name) ? ', or leaves it to the server' : ''}`, async () => {
        const object = (await newObject()) as Loose;
        const error = await settled(object[name]?.(...args, { no_such_keyword: 1 }));
        if (PASS_ON.has(name)) expect(error ?? null).to.satisfy((it: unknown) => it === null || it instanceof Error);
        else
          expect(error)
            .to.be.instanceOf(TypeError)
            .with.property('message')
            .that.includes(`${name}: unknown keyword 'no_such_keyword'`);
      });

      for (const refused of REFUSED) {
        it(`${name} refuses ${refused} at once, whatever its value`, async () => {
          const object = (await newObject()) as Loose;
          for (const value of [true, false, null]) {
            expect(() => object[name]?.(...args, { [refused]: value })).to.throw(ConfigurationError, refused);
          }
        });
      }

      it(`${name} takes no callback both last and as keyword`, async () => {
        const object = (await newObject()) as Loose;
        const none = () => expect.fail('the wrong one was called');
        const { error } = await outcome((callback) => object[name]?.(...args, { callback: none }, callback));
        expect(error).to.be.instanceOf(TypeError).with.property('message').that.includes('callback');
      });
    }
  });
}

/** What a call came to: its error, or null. */
async function settled(promise: unknown): Promise<Error | null> {
  expect(promise).to.be.instanceOf(Promise);
  return (promise as Promise<unknown>).then(
    () => null,
    (error: Error) => error,
  );
}

function outcome(
  run: (callback: (result: unknown, error: Error | null) => void) => unknown,
): Promise<{ result: unknown; error: Error | null }> {
  return new Promise((resolve, reject) => {
    let calls = 0;
    const returned = run((result, error) => {
      calls++;
      if (calls > 1) throw new Error('called back twice');
      resolve({ result, error });
    });
    if (returned !== undefined) reject(new Error(`it returned ${String(returned)}`));
  });
}

describe('What is deliberately absent', () => {
  const NAMES = [
    'start_request',
    'in_request',
    'end_request',
    'is_locked',
    'system_js',
    'set_cursor_manager',
    'set_lasterror_options',
    'max_write_batch_size',
    'use_greenlets',
    'refresh',
    'safe',
    'slave_okay',
  ];

  it('is a database of a client, and a collection of a database or collection', () => {
    const client = newClient();
    for (const name of NAMES) {
      expect(client[name]).to.be.instanceOf(MotorDatabase);
      expect(client.get_database('d')[name]).to.be.instanceOf(MotorCollection);
      expect(client.get_database('d').get_collection('c')[name]).to.be.instanceOf(MotorCollection);
    }
  });

  it('is nothing on a cursor', () => {
    const cursor = newClient().get_database('d').get_collection('c').find() as unknown as Loose;
    for (const name of ['conn_id', 'retrieved', 'tail', 'next']) expect(cursor[name]).to.equal(undefined);
  });

  it('cannot be called: the language says so', async () => {
    const client = newClient() as unknown as Loose;
    expect(() => client.start_request?.()).to.throw(TypeError, 'not a function');
    const error = await rejection((async () => client.in_request?.())());
    expect(error).to.be.instanceOf(TypeError);
  });
});

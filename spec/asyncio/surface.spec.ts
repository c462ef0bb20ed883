/** The members of the classes that there are by now, each of its kind, and nothing else. What each does is tested beside it. */

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { DBRef, ObjectId } from 'bson';
import { expect } from 'chai';
import {
  AsyncIOMotorClient,
  AsyncIOMotorCollection,
  AsyncIOMotorCommandCursor,
  AsyncIOMotorCursor,
  AsyncIOMotorDatabase,
  AsyncIOMotorLatentCommandCursor,
  motor_asyncio,
} from '../../lib/asyncio/index';
import * as values from '../../lib/asyncio/values';
import { eachForm, freshAsyncIOCollection } from '../support/clients';
import { rejection } from '../support/rejection';
import { camelCase, expectMember, membersOf, type Table } from '../support/surface';

const SETTINGS: Table = {
  codec_options: 'R',
  read_preference: 'R',
  write_concern: 'R',
  read_concern: 'R',
  get_io_loop: 'S',
  equals: 'S',
};

const CURSOR: Table = {
  to_list: 'A',
  next: 'A',
  batch_size: 'C',
  fetch_next: 'R',
  next_object: 'S',
  each: 'S',
  close: 'A',
  alive: 'R',
  cursor_id: 'R',
  started: 'R',
  closed: 'R',
  collection: 'R',
  address: 'R',
  get_io_loop: 'S',
  equals: 'S',
};

const TABLES: Readonly<Record<string, Table>> = {
  AsyncIOMotorClient: {
    ...SETTINGS,
    get_database: 'S',
    get_default_database: 'S',
    server_info: 'A',
    list_database_names: 'A',
    list_databases: 'A',
    drop_database: 'A',
    bulk_write: 'A',
    close: 'S',
    address: 'R',
    primary: 'R',
    secondaries: 'R',
    arbiters: 'R',
    nodes: 'R',
    is_primary: 'R',
    is_mongos: 'R',
    topology_description: 'R',
    options: 'R',
    HOST: 'R',
    PORT: 'R',
    io_loop: 'R',
  },
  AsyncIOMotorDatabase: {
    ...SETTINGS,
    name: 'R',
    client: 'R',
    get_collection: 'S',
    with_options: 'S',
    command: 'A',
    cursor_command: 'A',
    create_collection: 'A',
    drop_collection: 'A',
    list_collection_names: 'A',
    list_collections: 'A',
    validate_collection: 'A',
    aggregate: 'S',
    dereference: 'A',
  },
  AsyncIOMotorCollection: {
    ...SETTINGS,
    name: 'R',
    full_name: 'R',
    database: 'R',
    get_collection: 'S',
    with_options: 'S',
    find: 'S',
    find_one: 'A',
    count_documents: 'A',
    estimated_document_count: 'A',
    distinct: 'A',
    aggregate: 'S',
    insert_one: 'A',
    insert_many: 'A',
    replace_one: 'A',
    update_one: 'A',
    update_many: 'A',
    delete_one: 'A',
    delete_many: 'A',
    bulk_write: 'A',
    find_one_and_delete: 'A',
    find_one_and_replace: 'A',
    find_one_and_update: 'A',
    drop: 'A',
    rename: 'A',
    options: 'A',
    create_index: 'A',
    create_indexes: 'A',
    drop_index: 'A',
    drop_indexes: 'A',
    list_indexes: 'S',
    index_information: 'A',
    create_search_index: 'A',
    create_search_indexes: 'A',
    update_search_index: 'A',
    drop_search_index: 'A',
    list_search_indexes: 'S',
  },
  AsyncIOMotorCursor: {
    ...CURSOR,
    sort: 'C',
    limit: 'C',
    skip: 'C',
    hint: 'C',
    comment: 'C',
    where: 'C',
    max_time_ms: 'C',
    min: 'C',
    max: 'C',
    max_scan: 'C',
    add_option: 'C',
    remove_option: 'C',
    collation: 'C',
    allow_disk_use: 'C',
    max_await_time_ms: 'C',
    at: 'C',
    slice: 'C',
    distinct: 'A',
    explain: 'A',
    rewind: 'C',
    clone: 'S',
  },
  AsyncIOMotorCommandCursor: { ...CURSOR, try_next: 'A' },
  AsyncIOMotorLatentCommandCursor: { ...CURSOR, try_next: 'A' },
};

const CLASSES = {
  AsyncIOMotorClient,
  AsyncIOMotorDatabase,
  AsyncIOMotorCollection,
  AsyncIOMotorCursor,
  AsyncIOMotorCommandCursor,
  AsyncIOMotorLatentCommandCursor,
};

/** Names of the older surface, and of later tiers, are children here. */
const ABSENT = ['insert', 'update', 'remove', 'save', 'count', 'group', 'map_reduce', 'ensure_index', 'delegate'];

for (const [className, Class] of Object.entries(CLASSES)) {
  describe(`The surface of ${className}`, () => {
    const things = freshAsyncIOCollection();
    const table = Object.entries(TABLES[className] as Table);
    const members = membersOf(Class as unknown as { prototype: object });

    async function newObject(): Promise<object> {
      const collection = things();
      switch (className) {
        case 'AsyncIOMotorClient':
          return collection.database.client;
        case 'AsyncIOMotorDatabase':
          return collection.database;
        case 'AsyncIOMotorCollection':
          return collection;
        case 'AsyncIOMotorCursor':
          return collection.find();
        case 'AsyncIOMotorCommandCursor':
          return collection.database.client.list_databases();
        default:
          return collection.aggregate([]);
      }
    }

    it('is called by its name', () => expect((Class as { name: string }).name).to.equal(className));

    it('has nothing that is no member by the tables, camelCase aliases apart', () => {
      const known = new Set(['constructor', 'toString', ...table.flatMap(([name]) => [name, camelCase(name)])]);
      expect([...members.keys()].filter((name) => !known.has(name))).to.deep.equal([]);
    });

    for (const [name, kind] of table) {
      it(`${name} is of the kind ${kind}, and goes by its camelCase name too`, async () => {
        expectMember(members, await newObject(), name, kind);
      });
    }

    eachForm((call) => {
      for (const [name, kind] of table) {
        if (kind !== 'A') continue;
        it(`${name} names a keyword it does not know, or passes it to the server`, async () => {
          const object = (await newObject()) as Record<string, () => Promise<unknown>>;
          const args = ARGUMENTS[name] ?? [];
          const error = await rejection(call(object, name, ...args, { no_such_keyword: 1 }));
          expect(error.message).to.match(/no_such_keyword|unknown (field|option)|not a valid|BSON field/i);
        });
      }
    });
  });
}

/** Right arguments by position. */
const ARGUMENTS: Readonly<Record<string, readonly unknown[]>> = {
  command: ['ping', 1],
  cursor_command: ['find', 'nothing'],
  create_collection: ['surface_spec'],
  drop_collection: ['nothing'],
  drop_database: ['nothing'],
  validate_collection: ['nothing'],
  dereference: [new DBRef('nothing', new ObjectId())],
  find_one: [{}],
  count_documents: [{}],
  distinct: ['a'],
  insert_one: [{}],
  insert_many: [[{}]],
  replace_one: [{}, {}],
  update_one: [{}, { $set: { a: 1 } }],
  update_many: [{}, { $set: { a: 1 } }],
  delete_one: [{}],
  delete_many: [{}],
  bulk_write: [[]],
  find_one_and_delete: [{}],
  find_one_and_replace: [{}, {}],
  find_one_and_update: [{}, { $set: { a: 1 } }],
  rename: ['renamed'],
  create_index: ['a'],
  create_indexes: [[]],
  drop_index: ['a_1'],
  create_search_index: [{ definition: {} }],
  create_search_indexes: [[]],
  update_search_index: ['a', {}],
  drop_search_index: ['a'],
};

describe('docs/porting.md', () => {
  const text = readFileSync(join(__dirname, '../../../docs/porting.md'), 'utf8');
  const chapter = text.slice(text.indexOf('\n## From Motor for asyncio'));

  for (const [className, table] of Object.entries(TABLES)) {
    it(`tells of each member of ${className}`, () => {
      const heading = new RegExp(`\\n### .*\`${className}\``);
      const [, section = ''] = chapter.split(heading);
      const told = new Set(section.split('\n### ')[0]?.match(/\w+/g));
      expect(Object.keys(table).filter((name) => !told.has(name))).to.deep.equal([]);
    });
  }

  it('tells of each class and value', () => {
    const told = new Set(chapter.match(/\w+/g));
    const exported = Object.keys({ ...motor_asyncio, ...values });
    expect(exported.filter((name) => !told.has(name))).to.deep.equal([]);
  });
});

describe('Names that are absent', () => {
  const things = freshAsyncIOCollection();

  it('are children, as in the original', () => {
    for (const name of ABSENT) expect(things()[name]).to.be.instanceOf(AsyncIOMotorCollection);
  });
});

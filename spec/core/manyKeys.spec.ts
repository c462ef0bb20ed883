/** Documents of so many keys that these are listed only once: the check keeps them for the encoder. */

import type { Document } from 'bson';
import { expect } from 'chai';
import { type AsyncIOMotorCollection, ClientBulkWriteException, InsertOne } from '../../lib/asyncio/index';
import {
  BulkWriteError,
  DocumentTooLarge,
  DuplicateKeyError,
  InvalidDocument,
  type MotorCollection,
} from '../../lib/index';
import {
  type Call,
  DATABASE,
  eachForm,
  freshAsyncIOCollection,
  freshCollection,
  newAsyncIOClient,
  newClient,
  newProxy,
} from '../support/clients';
import { record } from '../support/record';
import { rejection } from '../support/rejection';

const KEYS = Array.from({ length: 1500 }, (_, i) => `key ${i}`);
/** The first of its kind is checked as all others are, those behind it otherwise. */
const big = (more: Document = {}): Document => ({
  ...Object.fromEntries(KEYS.map((key, i) => [key, i % 3 === 0 ? key : i % 3 === 1 ? i : { i: [i, null] }])),
  ...more,
});

interface Collections {
  motor: MotorCollection;
  asyncio: AsyncIOMotorCollection;
}

const WAYS: readonly [
  name: string,
  /** What tells of a duplicate. */
  told: new (
    ...args: never[]
  ) => Error,
  write: (call: Call, to: Collections, documents: Document[]) => Promise<unknown>,
][] = [
  [
    'insert of one',
    DuplicateKeyError,
    async (call, { motor }, documents) => {
      for (const document of documents) await call(motor, 'insert', document);
    },
  ],
  [
    'save',
    DuplicateKeyError,
    async (call, { motor }, documents) => {
      for (const document of documents) await call(motor, 'save', document);
    },
  ],
  ['insert of many', DuplicateKeyError, (call, { motor }, documents) => call(motor, 'insert', documents)],
  [
    'a bulk',
    BulkWriteError,
    (call, { motor }, documents) => {
      const bulk = motor.initialize_ordered_bulk_op();
      for (const document of documents) bulk.insert(document);
      return call(bulk, 'execute');
    },
  ],
  [
    'insert_one',
    DuplicateKeyError,
    async (call, { asyncio }, documents) => {
      for (const document of documents) await call(asyncio, 'insert_one', document);
    },
  ],
  ['insert_many', BulkWriteError, (call, { asyncio }, documents) => call(asyncio, 'insert_many', documents)],
  [
    'bulk_write',
    BulkWriteError,
    (call, { asyncio }, documents) =>
      call(
        asyncio,
        'bulk_write',
        documents.map((document) => new InsertOne(document)),
      ),
  ],
  [
    'bulk_write of the client',
    ClientBulkWriteException,
    (call, { asyncio }, documents) =>
      call(
        asyncio.database.client,
        'bulk_write',
        documents.map((document) => new InsertOne(document, { namespace: asyncio.full_name })),
      ),
  ],
];

describe('documents of very many keys', () => {
  const things = freshCollection();
  freshAsyncIOCollection();

  async function collections() {
    const proxy = await newProxy();
    const motor = newClient(proxy).get_database(DATABASE).get_collection(things().name);
    const asyncio = newAsyncIOClient(proxy).get_database(DATABASE).get_collection(things().name);
    const sent = () =>
      proxy.operations.flatMap(
        ({ document }): Document[] =>
          document.documents ??
          (document.ops as Document[] | undefined)?.map((op) => op.document) ??
          (document.updates as Document[] | undefined)?.map(({ u }) => u) ??
          [],
      );
    return { motor, asyncio, sent };
  }

  eachForm((call) => {
    for (const [name, told, write] of WAYS) {
      it(`${name} sends all of them in their order, and an added _id first`, async () => {
        const to = await collections();
        const documents = [big(), big(), { small: 1 }, big(), big({ _id: 5 }), big({ _id: undefined, last: 1 })];
        await write(call, to, documents);
        for (const document of documents) expect(document).to.have.property('_id').that.is.not.oneOf([undefined, null]);
        const stored = await call(things().find().sort('$natural'), 'to_list', null);
        expect(stored).to.have.deep.members(documents);
        const keys = to.sent().map((document) => Object.keys(document).filter((key) => key !== '_id'));
        expect(keys).to.deep.equal(documents.map((document) => Object.keys(document).filter((key) => key !== '_id')));
        // A bulk leaves it to the server to move what was added.
        const added = name === 'a bulk' ? [] : [0, 1, 2, 3, 5];
        for (const index of added) expect(Object.keys(to.sent()[index] as Document)[0]).to.equal('_id');
      });

      // Saved twice a document replaces itself.
      if (name !== 'save') {
        it(`${name} tells of a duplicate`, async () => {
          const documents = [big({ _id: 1 }), big({ _id: 2 }), big({ _id: 2 })];
          const error = await rejection(write(call, await collections(), documents));
          expect(error).to.be.instanceOf(told);
          expect(await call(things().find(), 'count')).to.equal(2);
        });
      }

      it(`${name} refuses what is too long, and says how long it is`, async () => {
        const to = await collections();
        await write(call, to, [big(), big()]);
        const before = to.sent().length;
        const error = await rejection(write(call, to, [big({ last: 'x'.repeat(18_000_000) })]));
        expect(error).to.be.instanceOf(DocumentTooLarge);
        expect(error.message).to.match(/has 180\d{5} bytes/);
        expect(to.sent().length).to.equal(before);
      });

      it(`${name} refuses what cannot be encoded, and sends nothing`, async () => {
        const to = await collections();
        await write(call, to, [big(), big()]);
        const before = to.sent().length;
        expect(await rejection(write(call, to, [big({ last: () => 1 })]))).to.be.instanceOf(InvalidDocument);
        expect(to.sent().length).to.equal(before);
      });
    }
  });

  it('are documents for listeners', async () => {
    const { motor } = await collections();
    const told = record(motor.database.connection, ['commandStarted']);
    const document = big();
    for (let time = 0; time < 3; time++) await motor.insert({ ...document, _id: time });
    const shown = told.map(({ command }) => (command as Document).documents[0]);
    expect(shown).to.deep.equal([0, 1, 2].map((_id) => ({ ...document, _id })));
    for (const one of shown) expect(Object.getPrototypeOf(one)).to.equal(Object.prototype);
  });

  it('are refused with a key that must not be', async () => {
    const { motor, sent } = await collections();
    await motor.insert([big(), big()]);
    expect(await rejection(motor.insert(big({ 'a.b': 1 })))).to.be.instanceOf(InvalidDocument);
    expect(await rejection(motor.insert([big(), big({ $a: 1 })]))).to.be.instanceOf(InvalidDocument);
    expect(sent()).to.have.length(2);
  });

  it('are written without a reply with w: 0', async () => {
    const { motor } = await collections();
    for (let _id = 0; _id < 3; _id++) await motor.insert(big({ _id }), { w: 0 });
    await motor.database.command('ping');
    expect(await motor.count()).to.equal(3);
  });
});

import { Binary, type Document, Long } from 'bson';
import { expect } from 'chai';
import {
  Code,
  ConfigurationError,
  DBRef,
  DocumentTooLarge,
  DuplicateKeyError,
  ExecutionTimeout,
  InvalidDocument,
  InvalidName,
  InvalidOperation,
  MotorCollection,
  MotorCommandCursor,
  type MotorDatabase,
  ObjectId,
  OperationFailure,
  SON,
  UUID,
  ValueError,
} from '../../lib/index';
import { countsOf, DATABASE, eachForm, freshCollection, newClient, newProxy } from '../support/clients';
import { answer, delayReply } from '../support/faults';
import { server } from '../support/hooks';
import type { SeenCommand } from '../support/proxy';
import { runRaw } from '../support/rawClient';
import { rejection } from '../support/rejection';
import { warningsOf } from '../support/warnings';

/** What stands in the collection, seen from outside. */
async function stored({ name }: { name: string }): Promise<Document[]> {
  const { cursor } = await runRaw(server(), DATABASE, { find: name, sort: { _id: 1 }, batchSize: 10_000 });
  return cursor.firstBatch;
}

const numbers = (count: number) => Array.from({ length: count }, (_, _id) => ({ _id }));

/** What is no document, and cannot be taken for a list of some either. */
const NO_DOCUMENTS = [5, null, undefined, Number.NaN, true, 'text', 7n, new Date(), /a/, new ObjectId(), Symbol('a')];

/** Values that BSON does not know: the encoder would leave them out, or make them into something else. */
const NOT_ENCODABLE: [string, unknown][] = [
  ['a function', () => 1],
  ['a class', class A {}],
  ['a symbol', Symbol('a')],
  ['a large bigint', 2n ** 63n],
  ['an invalid date', new Date(Number.NaN)],
  ['a set', new Set([1])],
  ['a promise', Promise.resolve(1)],
  ['an error', new Error('x')],
  ['a buffer without a view', new ArrayBuffer(4)],
  ['a boxed number', Object(5)],
];

/** A collection behind a proxy that notes the commands of a name. */
async function noted(
  name: string,
  things: MotorCollection,
): Promise<{ collection: MotorCollection; seen: Document[] }> {
  const proxy = await newProxy();
  const seen: Document[] = [];
  proxy.on((command: SeenCommand) => {
    if (command.name === name) seen.push(command.document);
    return false;
  }, answer({}));
  return { collection: newClient(proxy).get_database(DATABASE).get_collection(things.name), seen };
}

describe('A MotorCollection', () => {
  it('is made of a database and a name, and of nothing else', () => {
    const database = newClient('mongodb://127.0.0.1:1').get_database('d');
    const collection = new MotorCollection(database, 'a.b') as MotorCollection;
    expect(collection).to.include({ name: 'a.b', full_name: 'd.a.b', database });
    for (const wrong of [null, undefined, 'd', {}, database.connection]) {
      expect(() => new MotorCollection(wrong as unknown as MotorDatabase, 'c')).to.throw(
        TypeError,
        'must be a MotorDatabase',
      );
    }
    for (const options of [{}, { capped: true }, null]) {
      expect(() => new MotorCollection(database, 'c', options)).to.throw(TypeError, 'create_collection');
    }
    expect(() => new MotorCollection(database, 'a..b')).to.throw(InvalidName, "must not contain '..'");
  });

  it('gives sub-collections that inherit from the database', () => {
    const database = newClient().get_database('d');
    const parent = database.get_collection('a');
    parent.write_concern = { w: 0 };
    expect(parent.b?.full_name).to.equal('d.a.b');
    expect(parent.b?.write_concern).to.deep.equal({});
    expect(parent.b?.database).to.equal(database);
    expect(parent.get_collection('find').full_name).to.equal('d.a.find');
  });
});

eachForm((call) => {
  describe('MotorCollection.insert', () => {
    const things = freshCollection();

    it('gives the _id of one document, and puts it into that document, first when stored', async () => {
      const document: Document = { a: 1 };
      const id = await call(things(), 'insert', document);
      expect(id).to.be.instanceOf(ObjectId);
      expect(document._id).to.equal(id);
      const [found] = await stored(things());
      expect(Object.keys(found as Document)).to.deep.equal(['_id', 'a']);
      expect(await call(things(), 'insert', { _id: 7 })).to.equal(7);
      expect(await call(things(), 'insert', { b: 1, _id: 'x' })).to.equal('x');
    });

    it('inserts what it has gone through of a list that is shortened meanwhile', async () => {
      const list: Document[] = Array.from({ length: 40 }, (_, _id) => ({ _id }));
      const shortening = { toBSON: () => ({ left: list.splice(30).length }) };
      (list[0] as Document).a = shortening;
      const expected = Array.from({ length: 30 }, (_, _id) => _id);
      const proxy = await newProxy();
      const collection = newClient(proxy).get_database(DATABASE).get_collection(things().name);
      expect(await call(collection, 'insert', list)).to.deep.equal(expected);
      expect((await stored(things())).map(({ _id }) => _id)).to.deep.equal(expected);
      // The server passes over what is no document: only the wire shows that there was nothing else.
      const sent = proxy.commands.find(({ name }) => name === 'insert');
      expect(sent?.document.documents).to.have.length(30);
    });

    // The server would move it there in any case: only the wire shows who did.
    it('sends an _id that it added before all else, alone, in a command, and beside one', async () => {
      const proxy = await newProxy();
      const collection = newClient(proxy).get_database(DATABASE).get_collection(things().name);
      const keysSent = () => {
        const seen = proxy.commands.findLast(({ name }) => name === 'insert') as SeenCommand;
        return (seen.document.documents as Document[]).map((document) => Object.keys(document).join());
      };
      const fresh = (count: number): Document[] => Array.from({ length: count }, (_, a) => ({ a, b: 'x' }));

      await call(collection, 'insert', { a: 1, b: 'x' });
      expect(keysSent()).to.deep.equal(['_id,a,b']);
      await call(collection, 'insert', new SON([['z', 1]]));
      expect(keysSent()).to.deep.equal(['_id,z']);
      for (const count of [3, 40]) {
        await call(collection, 'insert', [...fresh(count), { b: 1, _id: `own ${count}` }]);
        expect(keysSent()).to.deep.equal([...Array(count).fill('_id,a,b'), 'b,_id']);
      }
    });

    it('gives the list of _ids of a list, also of one', async () => {
      expect(await call(things(), 'insert', [{ _id: 1 }])).to.deep.equal([1]);
      const list: Document[] = [{ _id: 2 }, { a: 1 }];
      const ids = (await call(things(), 'insert', list)) as unknown[];
      expect(ids).to.deep.equal([2, list[1]?._id]);
      expect(ids[1]).to.be.instanceOf(ObjectId);
    });

    it('takes any iterable, also an asynchronous one', async () => {
      expect(await call(things(), 'insert', new Set([{ _id: 1 }]))).to.deep.equal([1]);
      const generator = (function* () {
        yield { _id: 2 };
        yield { _id: 3 };
      })();
      expect(await call(things(), 'insert', generator)).to.deep.equal([2, 3]);
      const later = (async function* () {
        yield { _id: 4 };
      })();
      expect(await call(things(), 'insert', later)).to.deep.equal([4]);
      expect(await stored(things())).to.deep.equal([{ _id: 1 }, { _id: 2 }, { _id: 3 }, { _id: 4 }]);
    });

    it('takes ordered documents, objects of classes, and those that encode themselves', async () => {
      class Person {
        readonly _id = 2;
        constructor(readonly name: string) {}
        greet(): string {
          return this.name;
        }
      }
      class Coded {
        toBSON(): Document {
          return { _id: 3, coded: true };
        }
      }
      const son = new SON([
        ['_id', 1],
        ['9', 'nine'],
        ['1', new Map([['k', 1]])],
      ]);
      await call(things(), 'insert', son);
      await call(things(), 'insert', new Person('Ada'));
      await call(things(), 'insert', new Coded(), { manipulate: false });
      expect(await stored(things())).to.deep.equal([
        { _id: 1, 9: 'nine', 1: { k: 1 } },
        { _id: 2, name: 'Ada' },
        { _id: 3, coded: true },
      ]);
      const found = (await things().find_one(1, { as_class: SON })) as SON;
      expect([...found.keys()]).to.deep.equal(['_id', '9', '1']);
      const bare = new SON([['a', 1]]);
      const id = await call(things(), 'insert', bare);
      expect(bare.get('_id')).to.equal(id);
    });

    it('adds nothing without manipulate', async () => {
      const document: Document = { a: 1 };
      expect(await call(things(), 'insert', document, { manipulate: false })).to.equal(null);
      expect(document).to.deep.equal({ a: 1 });
      expect(await call(things(), 'insert', [{ a: 2 }, { _id: 5 }], { manipulate: false })).to.deep.equal([null, 5]);
      const [, first] = await stored(things());
      expect(first?._id).to.be.instanceOf(ObjectId);
    });

    it('stores undefined as null', async () => {
      await call(things(), 'insert', { _id: 1, a: undefined });
      expect(await stored(things())).to.deep.equal([{ _id: 1, a: null }]);
    });

    it('refuses what is no document, alone and in a list', async () => {
      for (const wrong of NO_DOCUMENTS) {
        const alone = await rejection(call(things(), 'insert', wrong));
        expect(alone, String(wrong))
          .to.be.instanceOf(TypeError)
          .with.property('message')
          .that.includes('insert: expected a document');
        const inList = await rejection(call(things(), 'insert', [{ _id: 1 }, wrong]));
        expect(inList, String(wrong))
          .to.be.instanceOf(TypeError)
          .with.property('message')
          .that.includes('document 2 must be');
      }
      expect(await stored(things())).to.deep.equal([]);
    });

    it('refuses an empty list of any kind', async () => {
      for (const nothing of [[], new Set(), (function* () {})(), (async function* () {})()]) {
        expect(await rejection(call(things(), 'insert', nothing))).to.be.instanceOf(InvalidOperation);
      }
    });

    it('refuses keys that begin with $ or contain a dot, at any depth', async () => {
      const bad: Document[] = [
        { $a: 1 },
        { 'a.b': 1 },
        { a: { $b: 1 } },
        { a: [{ 'b.c': 1 }] },
        { a: new Map([['$b', 1]]) },
        { a: { $ref: 'c', $id: 1 } },
        new SON([['$a', 1]]),
      ];
      for (const document of bad) {
        for (const argument of [document, [{ _id: 1 }, document]]) {
          const error = await rejection(call(things(), 'insert', argument));
          expect(error)
            .to.be.instanceOf(InvalidDocument)
            .with.property('message')
            .that.matches(/key '.*' must not/);
        }
      }
      expect(await stored(things())).to.deep.equal([]);
      const reference = new DBRef('c', new ObjectId());
      await call(things(), 'insert', { _id: 1, reference });
      expect((await things().find_one(1))?.reference).to.deep.equal(reference);
    });

    it('leaves these keys to the server without check_keys', async () => {
      await call(things(), 'insert', { _id: 1, a: { 'b.c': 1 } }, { check_keys: false });
      expect(await stored(things())).to.deep.equal([{ _id: 1, a: { 'b.c': 1 } }]);
    });

    it('refuses NUL in keys, and keys of maps that are no strings', async () => {
      for (const bad of [
        { 'a\0b': 1 },
        { a: { 'b\0': 1 } },
        { a: new Map([[5, 1]]) },
        { a: new Map([[Symbol('x'), 1]]) },
      ]) {
        for (const argument of [bad, [bad]]) {
          expect(await rejection(call(things(), 'insert', argument))).to.be.instanceOf(InvalidDocument);
        }
      }
    });

    for (const [what, value] of NOT_ENCODABLE) {
      it(`refuses ${what} as a value`, async () => {
        for (const bad of [{ a: value }, { a: { b: [value] } }, { a: new Map([['b', value]]) }]) {
          for (const kw of [{}, { check_keys: false }]) {
            const error = await rejection(call(things(), 'insert', bad, kw));
            expect(error)
              .to.be.instanceOf(InvalidDocument)
              .with.property('message')
              .that.matches(/key '[ab]'/);
          }
        }
      });
    }

    it('refuses circular documents', async () => {
      const circular: Document = { _id: 1 };
      circular.self = circular;
      const list: unknown[] = [];
      list.push(list);
      const map = new SON();
      map.set('self', map);
      for (const bad of [circular, { list }, map]) {
        for (const argument of [bad, [bad]]) {
          const error = await rejection(call(things(), 'insert', argument));
          expect(error).to.be.instanceOf(InvalidDocument).with.property('message').that.includes('circular');
        }
      }
      expect(await things().count()).to.equal(0);
    });

    it('refuses a document that is too large, with both sizes, before sending', async () => {
      const large = { _id: 1, text: 'x'.repeat(17 * 1024 * 1024) };
      for (const argument of [large, [large]]) {
        const error = await rejection(call(things(), 'insert', argument));
        expect(error).to.be.instanceOf(DocumentTooLarge).and.instanceOf(InvalidDocument);
        expect(error.message)
          .to.match(/17825\d{3} bytes.*takes 16777216/)
          .and.include(`insert on ${DATABASE}.`);
        expect(error.message).not.to.include('xxx');
      }
      // Servers would let it pass, as they allow 16 kB for what is around it.
      const little = { _id: 1, text: 'x'.repeat(16 * 1024 * 1024 - 20) };
      expect(await rejection(call(things(), 'insert', little))).to.be.instanceOf(DocumentTooLarge);
      expect(await things().count()).to.equal(0);
      await call(things(), 'insert', { _id: 2, text: 'x'.repeat(16 * 1024 * 1024 - 40) });
      expect(await things().count()).to.equal(1);
    });

    it('stops at the first error, and the documents before it stay', async () => {
      const error = await rejection(call(things(), 'insert', [{ _id: 1 }, { _id: 1 }, { _id: 2 }]));
      expect(error).to.be.instanceOf(DuplicateKeyError).with.property('code', 11000);
      expect((error as DuplicateKeyError).details).to.include({ index: 1 });
      expect(error.message).to.include(`insert on ${things().full_name}`).and.not.include('dup key: {');
      expect(await stored(things())).to.deep.equal([{ _id: 1 }]);
    });

    it('goes on after an error if wished, and fails with the last one', async () => {
      const documents = [{ _id: 1 }, { _id: 1 }, { _id: 2 }, { _id: 2 }, { _id: 3 }];
      const error = await rejection(call(things(), 'insert', documents, { continue_on_error: true }));
      expect((error as DuplicateKeyError).details).to.include({ index: 3 });
      expect(await stored(things())).to.deep.equal([{ _id: 1 }, { _id: 2 }, { _id: 3 }]);
    });

    it('takes booleans only for its switches', async () => {
      for (const name of ['manipulate', 'check_keys', 'continue_on_error']) {
        for (const wrong of [0, 1, 'true', null, {}]) {
          const error = await rejection(call(things(), 'insert', {}, { [name]: wrong }));
          expect(error).to.be.instanceOf(TypeError).with.property('message').that.includes(`${name} must be a boolean`);
        }
      }
    });
  });

  describe('MotorCollection.save', () => {
    const things = freshCollection();

    it('inserts what has no _id, and replaces by _id', async () => {
      const document: Document = { a: 1 };
      const id = await call(things(), 'save', document);
      expect(document._id).to.equal(id);
      document.a = 2;
      expect(await call(things(), 'save', document)).to.equal(id);
      expect(await call(things(), 'save', { _id: 5 })).to.equal(5);
      expect(await call(things(), 'save', { _id: 5, b: 1 })).to.equal(5);
      expect(await stored(things())).to.deep.equal([
        { _id: 5, b: 1 },
        { _id: id, a: 2 },
      ]);
    });

    it('takes SON, and null without manipulate and _id', async () => {
      const son = new SON([['_id', 6]]);
      expect(await call(things(), 'save', son)).to.equal(6);
      expect(await call(things(), 'save', { a: 1 }, { manipulate: false })).to.equal(null);
      expect(await things().count()).to.equal(2);
    });

    it('gives the _id also for w: 0', async () => {
      expect(await call(things(), 'save', { _id: 7 }, { w: 0 })).to.equal(7);
      expect(await call(things(), 'save', {}, { w: 0 })).to.be.instanceOf(ObjectId);
    });

    it('refuses what is no document, and bad keys and values', async () => {
      for (const wrong of [...NO_DOCUMENTS, [], [{}]]) {
        const error = await rejection(call(things(), 'save', wrong));
        expect(error).to.be.instanceOf(TypeError).with.property('message').that.includes('to_save must be a document');
      }
      for (const _id of [undefined, 5]) {
        expect(await rejection(call(things(), 'save', { _id, 'a.b': 1 }))).to.be.instanceOf(InvalidDocument);
        expect(await rejection(call(things(), 'save', { _id, a: Symbol('a') }))).to.be.instanceOf(InvalidDocument);
        const large = { _id, text: 'x'.repeat(17 * 1024 * 1024) };
        expect(await rejection(call(things(), 'save', large))).to.be.instanceOf(DocumentTooLarge);
      }
      await call(things(), 'save', { _id: 5, a: { 'b.c': 1 } }, { check_keys: false });
      expect(await things().count()).to.equal(1);
    });
  });

  describe('MotorCollection.update', () => {
    const things = freshCollection();
    beforeEach(
      async () =>
        void (await things().insert([
          { _id: 1, a: 1 },
          { _id: 2, a: 1 },
        ])),
    );

    it('tells what it did', async () => {
      const one = await call(things(), 'update', { a: 1 }, { $set: { b: 1 } });
      expect(one).to.deep.equal({ n: 1, nModified: 1, updatedExisting: true, ok: 1 });
      const all = await call(things(), 'update', { a: 1 }, { $set: { b: 1 } }, { multi: true });
      expect(all).to.deep.equal({ n: 2, nModified: 1, updatedExisting: true, ok: 1 });
      const none = await call(things(), 'update', { a: 9 }, { $set: { b: 1 } });
      expect(none).to.deep.equal({ n: 0, nModified: 0, updatedExisting: false, ok: 1 });
    });

    it('upserts', async () => {
      const result = await call(things(), 'update', { _id: 7 }, { $set: { b: 1 } }, { upsert: true });
      expect(result).to.deep.equal({
        n: 1,
        nModified: 0,
        updatedExisting: false,
        ok: 1,
        upserted: [{ index: 0, _id: 7 }],
      });
    });

    it('replaces, also by an empty document', async () => {
      await call(things(), 'update', { _id: 1 }, { c: 1 });
      await call(things(), 'update', { _id: 2 }, {});
      expect(await stored(things())).to.deep.equal([{ _id: 1, c: 1 }, { _id: 2 }]);
      const error = await rejection(call(things(), 'update', {}, { c: 1 }, { multi: true }));
      expect(error).to.be.instanceOf(OperationFailure);
    });

    it('gives null for w: 0', async () => {
      expect(await call(things(), 'update', { _id: 1 }, { $set: { a: 2 } }, { w: 0 })).to.equal(null);
    });

    it('checks the keys of replacements, not of operators', async () => {
      for (const bad of [{ a: 1, $b: 1 }, { 'a.b': 1 }, { a: { $b: 1 } }]) {
        expect(await rejection(call(things(), 'update', { _id: 1 }, bad))).to.be.instanceOf(InvalidDocument);
      }
      await call(things(), 'update', { _id: 1 }, { a: { 'b.c': 1 } }, { check_keys: false });
      await call(things(), 'update', { _id: 2 }, { $set: { 'a.b': 1 } }).catch((error: Error) => {
        expect(error).to.be.instanceOf(OperationFailure);
      });
    });

    for (const [what, value] of NOT_ENCODABLE) {
      it(`refuses ${what} in the spec, in operators and in replacements`, async () => {
        for (const args of [
          [{ a: value }, { $set: { b: 1 } }],
          [{ _id: 1 }, { $set: { b: value } }],
          [{ _id: 1 }, { b: value }],
        ]) {
          expect(await rejection(call(things(), 'update', ...args, { multi: false }))).to.be.instanceOf(
            InvalidDocument,
          );
        }
        expect(await stored(things())).to.deep.equal([
          { _id: 1, a: 1 },
          { _id: 2, a: 1 },
        ]);
      });
    }

    it('refuses what is no document', async () => {
      for (const wrong of [...NO_DOCUMENTS, []]) {
        const spec = await rejection(call(things(), 'update', wrong, {}));
        expect(spec).to.be.instanceOf(TypeError).with.property('message').that.includes('spec must be a document');
        const document = await rejection(call(things(), 'update', {}, wrong));
        expect(document)
          .to.be.instanceOf(TypeError)
          .with.property('message')
          .that.includes('document must be a document');
      }
      for (const name of ['upsert', 'multi', 'manipulate', 'check_keys']) {
        for (const wrong of [1, 0, 'true', null]) {
          const error = await rejection(call(things(), 'update', {}, {}, { [name]: wrong }));
          expect(error).to.be.instanceOf(TypeError).with.property('message').that.includes(`${name} must be a boolean`);
        }
      }
    });

    it('fails with what the server says', async () => {
      await things()
        .create_index('a', { unique: true, sparse: true })
        .catch(() => null);
      const error = await rejection(call(things(), 'update', {}, { $nonsense: { a: 1 } }));
      expect(error)
        .to.be.instanceOf(OperationFailure)
        .with.property('message')
        .that.includes(`update on ${things().full_name}`);
      const large = { text: 'x'.repeat(17 * 1024 * 1024) };
      expect(await rejection(call(things(), 'update', {}, large))).to.be.instanceOf(DocumentTooLarge);
    });
  });

  describe('MotorCollection.remove', () => {
    const things = freshCollection();
    beforeEach(async () => void (await things().insert(numbers(5))));

    it('removes what matches, or the first of it', async () => {
      expect(await call(things(), 'remove', { _id: { $lt: 2 } })).to.deep.equal({ n: 2, ok: 1 });
      expect(await call(things(), 'remove', { _id: { $gt: 2 } }, { multi: false })).to.deep.equal({ n: 1, ok: 1 });
      expect(await things().count()).to.equal(2);
    });

    it('takes what is no document for an _id, and removing nothing is no error', async () => {
      expect(await call(things(), 'remove', 3)).to.deep.equal({ n: 1, ok: 1 });
      expect(await call(things(), 'remove', 3)).to.deep.equal({ n: 0, ok: 1 });
      const id = new ObjectId();
      await things().insert({ _id: id });
      expect(await call(things(), 'remove', id)).to.deep.equal({ n: 1, ok: 1 });
    });

    it('removes everything for null or nothing, and keeps the indexes', async () => {
      await things().create_index('a');
      expect(await call(things(), 'remove')).to.deep.equal({ n: 5, ok: 1 });
      await things().insert({ _id: 1 });
      expect(await call(things(), 'remove', null)).to.deep.equal({ n: 1, ok: 1 });
      expect(await things().index_information()).to.have.keys('_id_', 'a_1');
    });

    it('gives null for w: 0', async () => {
      expect(await call(things(), 'remove', 1, { w: 0 })).to.equal(null);
    });

    for (const [what, value] of NOT_ENCODABLE) {
      it(`refuses ${what} in the spec, and removes nothing`, async () => {
        const error = await rejection(call(things(), 'remove', { a: value }));
        expect(error).to.be.instanceOf(InvalidDocument).with.property('message').that.includes("key 'a'");
        expect(await things().count()).to.equal(5);
      });
    }

    it('looks for null where undefined is given, and for nothing else', async () => {
      await things().update({ _id: 0 }, { $set: { a: 1 } });
      expect(await call(things(), 'remove', { a: undefined })).to.deep.equal({ n: 4, ok: 1 });
    });

    it('refuses multi that is no boolean', async () => {
      for (const multi of [0, 1, null, 'x']) {
        expect(await rejection(call(things(), 'remove', {}, { multi }))).to.be.instanceOf(TypeError);
      }
      expect(await things().count()).to.equal(5);
    });
  });

  describe('The write concern of a call', () => {
    const things = freshCollection();

    it('w: 0 silences a duplicate, and nothing else does', async () => {
      await things().insert({ _id: 1 });
      for (const kw of [{}, { w: 1 }, { fsync: true }, { j: true }, { wtimeout: 100 }]) {
        expect(await rejection(call(things(), 'insert', { _id: 1 }, kw))).to.be.instanceOf(DuplicateKeyError);
      }
      expect(await call(things(), 'insert', { _id: 1 }, { w: 0 })).to.equal(1);
      things().write_concern = { w: 0 };
      expect(await call(things(), 'insert', { _id: 1 })).to.equal(1);
      expect(await call(things(), 'insert', [{ _id: 1 }, {}], { manipulate: false })).to.deep.equal([1, null]);
      // What is given replaces what is inherited as a whole.
      expect(await rejection(call(things(), 'insert', { _id: 1 }, { fsync: true }))).to.be.instanceOf(
        DuplicateKeyError,
      );
    });

    it('w: 0 does not silence wrong arguments', async () => {
      expect(await rejection(call(things(), 'insert', 5, { w: 0 }))).to.be.instanceOf(TypeError);
      expect(await rejection(call(things(), 'insert', { 'a.b': 1 }, { w: 0 }))).to.be.instanceOf(InvalidDocument);
      const large = { text: 'x'.repeat(17 * 1024 * 1024) };
      expect(await rejection(call(things(), 'insert', large, { w: 0 }))).to.be.instanceOf(DocumentTooLarge);
    });

    it('w: 2 fails on a standalone', async () => {
      for (const [method, ...args] of [
        ['insert', { a: 1 }],
        ['save', { _id: 1 }],
        ['update', {}, { $set: { a: 1 } }],
        ['remove', {}],
      ] as const) {
        const error = await rejection(call(things(), method, ...args, { w: 2 }));
        expect(error, method).to.be.instanceOf(OperationFailure);
      }
    });

    it('is refused when it is none', async () => {
      for (const kw of [
        { w: -1 },
        { w: {} },
        { w: Number.NaN },
        { wtimeout: 'x' },
        { j: 1 },
        { fsync: 'x' },
        { w: 1.5 },
      ]) {
        const error = await rejection(call(things(), 'insert', {}, kw));
        expect(error.constructor, JSON.stringify(kw)).to.be.oneOf([TypeError, ConfigurationError]);
        expect(error.message).to.match(/^(w|wtimeout|j|fsync) must be/);
      }
    });
  });

  describe('MotorCollection.find_one', () => {
    const things = freshCollection();

    it('takes what is no document for the _id, and null for any', async () => {
      const ids = [
        7,
        'x',
        new ObjectId(),
        true,
        new Date(5),
        Long.fromNumber(2 ** 53),
        new Binary(Buffer.from('b')),
        new UUID(),
      ];
      for (const _id of ids) {
        await things().insert({ _id });
        expect(await call(things(), 'find_one', _id), String(_id)).to.have.property('_id');
        await things().remove(_id);
      }
      expect(await call(things(), 'find_one', null)).to.equal(null);
      await things().insert({ _id: 1 });
      expect(await call(things(), 'find_one')).to.deep.equal({ _id: 1 });
      expect(await call(things(), 'find_one', null)).to.deep.equal({ _id: 1 });
      expect(await call(things(), 'find_one', 2)).to.equal(null);
    });

    it('has the keywords of find', async () => {
      await things().insert([
        { _id: 1, a: 1, b: 1 },
        { _id: 2, a: 2, b: 2 },
      ]);
      expect(await call(things(), 'find_one', {}, { sort: [['a', -1]] })).to.include({ _id: 2 });
      expect(await call(things(), 'find_one', {}, { skip: 1 })).to.include({ _id: 2 });
      expect(await call(things(), 'find_one', {}, { fields: ['a'] })).to.deep.equal({ _id: 1, a: 1 });
      expect(await call(things(), 'find_one', {}, { fields: { a: 1, _id: 0 } })).to.deep.equal({ a: 1 });
      for (const fields of [[], {}]) expect(await call(things(), 'find_one', {}, { fields })).to.deep.equal({ _id: 1 });
      expect(await call(things(), 'find_one', {}, { fields: null })).to.deep.equal({ _id: 1, a: 1, b: 1 });
      for (const limit of [0, 5, -5]) expect(await call(things(), 'find_one', 2, { limit })).to.include({ a: 2 });
      expect(await call(things(), 'find_one', {}, { as_class: SON })).to.be.instanceOf(SON);
    });

    it('leaves no cursor on the server', async () => {
      await things().insert(numbers(300));
      const { collection, seen } = await noted('find', things());
      await call(collection, 'find_one');
      expect(seen[0]).to.include({ singleBatch: true, limit: 1 });
    });

    it('fails with ExecutionTimeout over max_time_ms', async () => {
      const proxy = await newProxy();
      const seen: unknown[] = [];
      const tooLong = (command: SeenCommand) => {
        seen.push(command.document.maxTimeMS);
        return { ok: 0, code: 50, errmsg: 'operation exceeded time limit' };
      };
      proxy.on('find', answer(tooLong));
      const collection = newClient(proxy).get_database(DATABASE).get_collection('c');
      const error = await rejection(call(collection, 'find_one', {}, { max_time_ms: 5 }));
      expect(error).to.be.instanceOf(ExecutionTimeout);
      expect(seen).to.deep.equal([5]);
      expect(await call(things(), 'find_one', {}, { max_time_ms: null })).to.equal(null);
    });

    it('refuses keywords of a wrong type', async () => {
      const wrong: [object, typeof TypeError | typeof ValueError | typeof ConfigurationError][] = [
        [{ skip: '1' }, TypeError],
        [{ skip: 1.5 }, TypeError],
        [{ skip: Number.NaN }, TypeError],
        [{ skip: 2 ** 60 }, TypeError],
        [{ skip: -1 }, ValueError],
        [{ skip: null }, TypeError],
        [{ limit: 'x' }, TypeError],
        [{ limit: Number.POSITIVE_INFINITY }, TypeError],
        [{ fields: 'a' }, TypeError],
        [{ fields: [1] }, TypeError],
        [{ fields: 5 }, TypeError],
        [{ sort: { a: 1 } }, TypeError],
        [{ sort: 'a' }, TypeError],
        [{ sort: 5 }, TypeError],
        [{ sort: ['a'] }, ValueError],
        [{ sort: [['a']] }, ValueError],
        [{ sort: [[1, 1]] }, ValueError],
        [{ sort: [['a', null]] }, TypeError],
        [{ sort: [['a', 1.5]] }, TypeError],
        [{ timeout: 1 }, TypeError],
        [{ tailable: 'x' }, TypeError],
        [{ partial: null }, TypeError],
        [{ as_class: 'SON' }, TypeError],
        [{ compile_re: 1 }, TypeError],
        [{ manipulate: 1 }, TypeError],
        [{ max_time_ms: 'x' }, TypeError],
        [{ max_time_ms: 1.5 }, TypeError],
        [{ max_scan: 'x' }, TypeError],
        [{ network_timeout: 'x' }, TypeError],
        [{ network_timeout: 0 }, ValueError],
        [{ read_preference: 9 }, ConfigurationError],
        [{ read_preference: 'first' }, ConfigurationError],
        [{ tag_sets: 'x' }, ConfigurationError],
        [{ read_preference: 1, tag_sets: [] }, ConfigurationError],
        [{ read_preference: 0, tag_sets: [{ dc: 'ny' }] }, ConfigurationError],
        [{ secondary_acceptable_latency_ms: -1 }, ConfigurationError],
        [{ secondary_acceptable_latency_ms: 'x' }, ConfigurationError],
      ];
      for (const [kw, Class] of wrong) {
        const error = await rejection(call(things(), 'find_one', {}, kw));
        expect(error.constructor, JSON.stringify(kw)).to.equal(Class);
        expect(
          Object.keys(kw).some((name) => error.message.includes(name)),
          error.message,
        ).to.equal(true);
        // `find` throws the same at once; it has no max_time_ms.
        expect(() => things().find({}, kw as { skip: number }), JSON.stringify(kw)).to.throw(
          'max_time_ms' in kw ? TypeError : Class,
        );
      }
    });

    it('refuses values that cannot be encoded, though the encoder would leave them out', async () => {
      await things().insert({ _id: 1 });
      for (const [, value] of NOT_ENCODABLE) {
        expect(await rejection(call(things(), 'find_one', { a: value }))).to.be.instanceOf(InvalidDocument);
        expect(await rejection(call(things(), 'find_one', {}, { fields: { a: value } }))).to.be.instanceOf(
          InvalidDocument,
        );
      }
      const circular: Document = {};
      circular.a = circular;
      expect(await rejection(call(things(), 'find_one', circular))).to.be.instanceOf(InvalidDocument);
      expect(await rejection(call(things(), 'find_one', { $where: () => true })))
        .to.have.property('message')
        .that.includes('new Code');
      expect(await rejection(call(things(), 'find_one', { 'a\0': 1 }))).to.be.instanceOf(InvalidDocument);
    });

    it('closes the connection after network_timeout seconds', async () => {
      const proxy = await newProxy();
      proxy.on('find', delayReply(300));
      const collection = newClient(proxy).get_database(DATABASE).get_collection('c');
      const error = await rejection(call(collection, 'find_one', {}, { network_timeout: 0.05 }));
      expect(error.message).to.include(`find on ${DATABASE}.c`);
    });
  });

  describe('MotorCollection.find_and_modify', () => {
    const things = freshCollection();
    beforeEach(
      async () =>
        void (await things().insert([
          { _id: 1, a: 1 },
          { _id: 2, a: 2 },
        ])),
    );

    it('inherits no write concern, but sends the one that it is given', async () => {
      const { collection, seen } = await noted('findAndModify', things());
      for (const inherited of [{ w: 1, wtimeout: 5 }, { w: 0 }]) {
        collection.write_concern = inherited;
        const changed = await call(collection, 'find_and_modify', { _id: 1 }, { $set: { b: 1 } }, { new: true });
        expect(changed).to.deep.equal({ _id: 1, a: 1, b: 1 });
      }
      await call(collection, 'find_and_modify', { _id: 1 }, { remove: true, writeConcern: { w: 1, wtimeout: 9 } });
      expect(seen.map(({ writeConcern }) => writeConcern)).to.deep.equal([undefined, undefined, { w: 1, wtimeout: 9 }]);
    });

    it('gives the document before, or after', async () => {
      expect(await call(things(), 'find_and_modify', { _id: 1 }, { $inc: { a: 1 } })).to.deep.equal({ _id: 1, a: 1 });
      expect(await call(things(), 'find_and_modify', { _id: 1 }, { $inc: { a: 1 } }, { new: true })).to.include({
        a: 3,
      });
      expect(await call(things(), 'find_and_modify', { _id: 9 }, { $inc: { a: 1 } })).to.equal(null);
      expect(await call(things(), 'find_and_modify', { _id: 9 }, { $inc: { a: 1 } }, { upsert: true })).to.equal(null);
      const created = await call(things(), 'find_and_modify', { _id: 8 }, { b: 1 }, { upsert: true, new: true });
      expect(created).to.deep.equal({ _id: 8, b: 1 });
    });

    it('tells an update from keywords', async () => {
      expect(await call(things(), 'find_and_modify', { _id: 1 }, { remove: true })).to.deep.equal({ _id: 1, a: 1 });
      expect(await things().count()).to.equal(1);
      expect(await call(things(), 'find_and_modify', { _id: 2 }, null, { remove: true })).to.deep.equal({
        _id: 2,
        a: 2,
      });
      await things().insert({ _id: 3 });
      await call(things(), 'find_and_modify', { _id: 3 }, [{ $set: { a: 1 } }]);
      await call(things(), 'find_and_modify', { _id: 3 }, { remove: true }, {});
      expect(await stored(things())).to.deep.equal([{ _id: 3, remove: true }]);
    });

    it('takes fields, a class, and sort as pairs, SON, or a document of one key', async () => {
      const set = { $set: { b: 1 } };
      const options = (more: object) => ({ new: true, ...more });
      expect(await call(things(), 'find_and_modify', {}, set, options({ sort: [['a', -1]] }))).to.include({ _id: 2 });
      expect(await call(things(), 'find_and_modify', {}, set, options({ sort: new SON([['a', -1]]) }))).to.include({
        _id: 2,
      });
      expect(await call(things(), 'find_and_modify', {}, set, { fields: ['a'] })).to.deep.equal({ _id: 1, a: 1 });
      expect(await call(things(), 'find_and_modify', {}, set, { as_class: SON })).to.be.instanceOf(SON);
      let done: Promise<Document | null> | null = null;
      const warnings = warningsOf(() => {
        done = things().find_and_modify({}, set, { sort: { a: -1 } });
      });
      expect(await done).to.include({ _id: 2 });
      expect(warnings).to.have.length(1);
      for (const sort of ['a', 5, { a: 1, b: 1 }, true]) {
        const error = await rejection(call(things(), 'find_and_modify', {}, set, { sort }));
        expect(error).to.be.instanceOf(TypeError).with.property('message').that.includes('sort must be');
      }
    });

    it('gives the whole reply if wished', async () => {
      const reply = await call(things(), 'find_and_modify', { _id: 1 }, { $set: { a: 5 } }, { full_response: true });
      expect(reply).to.deep.include({ ok: 1, value: { _id: 1, a: 1 } });
      expect(reply?.lastErrorObject).to.include({ n: 1, updatedExisting: true });
    });

    it('needs either an update or remove', async () => {
      for (const args of [
        [{}],
        [{}, {}],
        [{}, null],
        [{}, {}, {}],
        [{}, []],
        [{}, { $set: { a: 1 } }, { remove: true }],
        [],
        [{}, { new: true }],
      ]) {
        const error = await rejection(call(things(), 'find_and_modify', ...args));
        expect(error)
          .to.be.instanceOf(ValueError)
          .with.property('message')
          .that.includes('either an update or remove: true');
      }
      expect(await things().count()).to.equal(2);
    });

    it('refuses arguments of a wrong type', async () => {
      for (const wrong of [5, 'x', true, null, []]) {
        expect(await rejection(call(things(), 'find_and_modify', wrong, { $set: { a: 1 } }))).to.be.instanceOf(
          TypeError,
        );
      }
      for (const wrong of [5, 'x', true, new Date()]) {
        const error = await rejection(call(things(), 'find_and_modify', {}, wrong, {}));
        expect(error).to.be.instanceOf(TypeError).with.property('message').that.includes('update must be');
      }
      for (const kw of [{ query: {} }, { update: {} }]) {
        const error = await rejection(call(things(), 'find_and_modify', {}, { $set: { a: 1 } }, kw));
        expect(error).to.be.instanceOf(TypeError).with.property('message').that.includes('by position');
      }
      for (const kw of [
        { upsert: 1 },
        { new: 'x' },
        { remove: 1 },
        { full_response: null },
        { fields: 5 },
        { as_class: 5 },
      ]) {
        expect(await rejection(call(things(), 'find_and_modify', {}, { $set: { a: 1 } }, kw))).to.be.instanceOf(
          TypeError,
        );
      }
      for (const [, value] of NOT_ENCODABLE) {
        for (const args of [
          [{ a: value }, { $set: { a: 1 } }],
          [{}, { $set: { a: value } }],
        ]) {
          expect(await rejection(call(things(), 'find_and_modify', ...args))).to.be.instanceOf(InvalidDocument);
        }
      }
    });

    it('fails with what the server says', async () => {
      await things().create_index('a', { unique: true });
      const taken = await rejection(call(things(), 'find_and_modify', { _id: 1 }, { $set: { a: 2 } }));
      expect(taken).to.be.instanceOf(DuplicateKeyError);
      const unknown = await rejection(call(things(), 'find_and_modify', {}, { $set: { a: 1 } }, { nonsense: 1 }));
      expect(unknown).to.be.instanceOf(OperationFailure).with.property('message').that.includes(things().full_name);
    });
  });

  describe('MotorCollection.count and distinct', () => {
    const things = freshCollection();

    it('look at the whole collection', async () => {
      expect(await call(things(), 'count')).to.equal(0);
      expect(await call(things(), 'distinct', 'a')).to.deep.equal([]);
      await things().insert([{ a: 2 }, { a: 1 }, { a: 2 }, { a: [3, 4] }]);
      expect(await call(things(), 'count')).to.equal(4);
      expect(await call(things(), 'distinct', 'a')).to.have.members([1, 2, 3, 4]);
    });

    it('take a string for the key', async () => {
      for (const wrong of [5, null, undefined, [], {}, true, Number.NaN]) {
        const error = await rejection(call(things(), 'distinct', wrong));
        expect(error).to.be.instanceOf(TypeError).with.property('message').that.includes('key must be a string');
      }
    });
  });

  describe('MotorCollection.aggregate', () => {
    const things = freshCollection();

    it('gives all documents, of a list of stages or a single one', async () => {
      await things().insert(numbers(1000));
      for (const count of [10, 1000]) {
        const stage = { $match: { _id: { $lt: count } } };
        for (const pipeline of [stage, [stage], new SON(Object.entries(stage))]) {
          const { result, ok } = (await call(things(), 'aggregate', pipeline)) as Document;
          expect(result).to.have.length(count);
          expect(ok).to.equal(1);
        }
        const cursor = (await call(things(), 'aggregate', [stage], { cursor: {} })) as unknown as MotorCommandCursor;
        expect(cursor).to.be.instanceOf(MotorCommandCursor);
        expect(await cursor.to_list(null)).to.have.length(count);
      }
      expect((await call(things(), 'aggregate', [])).result).to.have.length(1000);
    });

    it('explains', async () => {
      expect(await call(things(), 'aggregate', [{ $match: {} }], { explain: true }))
        .to.include({ ok: 1 })
        .and.not.have.property('result');
    });

    it('refuses what is no pipeline', async () => {
      for (const wrong of NO_DOCUMENTS) {
        const error = await rejection(call(things(), 'aggregate', wrong));
        expect(error).to.be.instanceOf(TypeError).with.property('message').that.includes('pipeline must be');
      }
      for (const kw of [{ cursor: 5 }, { cursor: [] }, { compile_re: 1 }]) {
        expect(await rejection(call(things(), 'aggregate', [], kw))).to.be.instanceOf(TypeError);
      }
      expect(await rejection(call(things(), 'aggregate', [{ $match: { a: Symbol('a') } }]))).to.be.instanceOf(
        InvalidDocument,
      );
      expect(await rejection(call(things(), 'aggregate', [5]))).to.be.instanceOf(OperationFailure);
      const error = await rejection(call(things(), 'aggregate', [{ $nonsense: 1 }]));
      expect(error)
        .to.be.instanceOf(OperationFailure)
        .with.property('message')
        .that.includes(`aggregate on ${things().full_name}`);
    });

    it('takes code for the server where it is said to be code', async () => {
      const { collection, seen } = await noted('aggregate', things());
      const body = new Code(() => 1);
      await call(collection, 'aggregate', [{ $match: { $expr: { $function: { body, args: [], lang: 'js' } } } }]).catch(
        () => null,
      );
      expect(String(seen[0]?.pipeline[0].$match.$expr.$function.body.code ?? body.code)).to.include('=> 1');
    });
  });

  describe('MotorCollection.rename, drop and options', () => {
    const things = freshCollection();

    it('rename within the database, and this object keeps its name', async () => {
      const { database, name } = things();
      await things().insert({ _id: 1 });
      const other = database.get_collection(`${name}.renamed`);
      expect(await call(things(), 'rename', other.name)).to.equal(null);
      expect(things().name).to.equal(name);
      expect(await other.find_one()).to.deep.equal({ _id: 1 });
      await things().insert({ _id: 2 });
      expect(await rejection(call(things(), 'rename', other.name))).to.be.instanceOf(OperationFailure);
      expect(await call(things(), 'rename', other.name, { dropTarget: true })).to.equal(null);
      expect(await other.find_one()).to.deep.equal({ _id: 2 });
      await other.drop();
      expect(await rejection(call(things(), 'rename', other.name))).to.be.instanceOf(OperationFailure);
    });

    it('drop, and find nothing missing', async () => {
      await things().insert({ _id: 1 });
      for (let turn = 0; turn < 2; turn++) expect(await call(things(), 'drop')).to.equal(null);
      expect(await things().count()).to.equal(0);
    });

    it('tell the options, {} if there are none', async () => {
      expect(await call(things(), 'options')).to.deep.equal({});
      await things().insert({ _id: 1 });
      expect(await call(things(), 'options')).to.deep.equal({});
      await things().drop();
      await things().database.create_collection(things().name, { capped: true, size: 4096 });
      expect(await call(things(), 'options')).to.deep.equal({ capped: true, size: 4096 });
    });
  });

  describe('Dotted names of collections', () => {
    const things = freshCollection();

    it('work for insert, find_one and remove', async () => {
      const dotted = things().get_collection('with.dots');
      await call(dotted, 'insert', { _id: 1 });
      expect(await call(dotted, 'find_one', 1)).to.deep.equal({ _id: 1 });
      expect(await call(dotted, 'remove', 1)).to.include({ n: 1 });
      await dotted.drop();
    });
  });

  describe('A slow find_one', () => {
    it('that began first ends after a fast one', async () => {
      const proxy = await newProxy();
      proxy.on('find', delayReply(150));
      const collection = newClient(proxy).get_database(DATABASE).get_collection('c');
      const order: string[] = [];
      await Promise.all([
        call(collection, 'find_one', { slow: 1 }).then(() => order.push('slow')),
        call(collection, 'find_one', { fast: 1 }).then(() => order.push('fast')),
      ]);
      expect(order).to.deep.equal(['fast', 'slow']);
    });
  });
});

describe('MotorCollection.find', () => {
  const things = freshCollection();

  it('does no I/O', () => {
    const collection = newClient('mongodb://127.0.0.1:1').get_database('d').get_collection('c');
    const cursor = collection.find({ a: 1 }).sort('a').limit(5);
    expect(cursor).to.include({ alive: true, started: false, cursor_id: null, collection });
    expect(countsOf(collection.database.connection).open).to.equal(0);
  });

  it('takes a document, null, or nothing', async () => {
    await things().insert(numbers(3));
    for (const cursor of [things().find(), things().find(null), things().find({}), things().find(new SON())]) {
      expect(await cursor.to_list(null)).to.have.length(3);
    }
    for (const wrong of [5, 'x', true, [], new ObjectId(), new Date()]) {
      expect(() => things().find(wrong as unknown as Document)).to.throw(TypeError, 'spec must be a document');
    }
  });

  it('takes no callback in any place, and null is none', () => {
    const find = things().find as unknown as (...args: unknown[]) => unknown;
    const callback = () => undefined;
    for (const args of [
      [callback],
      [{}, callback],
      [{}, {}, callback],
      [{}, { callback }],
      [{}, { callback: 'foo' }],
    ]) {
      expect(() => find(...args)).to.throw(InvalidOperation, 'find takes no callback');
    }
    for (const args of [
      [{}, null],
      [{}, {}, null],
      [{}, { callback: null }],
      [null, undefined, undefined],
    ]) {
      expect(() => find(...args)).not.to.throw();
    }
    expect(() => find({}, {}, {})).to.throw(TypeError, 'too many arguments');
    expect(() => find({}, 5)).to.throw(TypeError, 'keywords must be a plain object');
  });

  it('refuses keywords it does not know, and says what to write', () => {
    const find = things().find as (spec: object, kw: object) => unknown;
    expect(() => find({}, { name: 1 })).to.throw(TypeError, 'fields are chosen with { fields: { name: 1 } }');
    expect(() => find({}, { hint: 1 })).to.throw(TypeError, 'write find(...).hint(...)');
    for (const refused of ['safe', 'slave_okay', 'slaveok', 'auto_start_request']) {
      for (const value of [true, false])
        expect(() => find({}, { [refused]: value })).to.throw(ConfigurationError, refused);
    }
    expect(() => find({}, { exhaust: true, limit: 5 })).to.throw(InvalidOperation, 'exhaust');
  });

  it('never changes the spec', async () => {
    const spec = Object.freeze({ a: Object.freeze({ $gt: 1 }) });
    await things()
      .find(spec)
      .where('true')
      .to_list(1)
      .catch(() => null);
    await things().find(spec).count();
    expect(spec).to.deep.equal({ a: { $gt: 1 } });
  });

  it('takes a spec of the old form apart, and a field called query for a field', async () => {
    await things().insert([{ _id: 1, query: 5 }, { _id: 2, query: 6 }, { _id: 3 }]);
    expect(await things().find({ query: 5 }).to_list(null)).to.deep.equal([{ _id: 1, query: 5 }]);
    const old = { $query: { _id: { $lt: 3 } }, $orderby: { _id: -1 } };
    expect((await things().find(old).to_list(null)).map(({ _id }) => _id as number)).to.deep.equal([2, 1]);
    expect(await things().find_one(old)).to.include({ _id: 2 });
  });

  it("takes a query's own read preference before the client's", async () => {
    const proxy = await newProxy();
    const seen: unknown[] = [];
    proxy.on((command) => {
      if (command.name === 'find') seen.push(command.document.$readPreference);
      return false;
    }, answer({}));
    const collection = newClient(proxy).get_database(DATABASE).get_collection('c');
    await collection.find().to_list(1);
    await collection.find({}, { read_preference: 'secondary' }).to_list(1);
    await collection.find_one({}, { read_preference: 4 });
    collection.read_preference = 2;
    await collection.find({}, { read_preference: 0 }).to_list(1);
    expect(seen).to.deep.equal([undefined, { mode: 'primaryPreferred' }, { mode: 'primaryPreferred' }, undefined]);
  });
});

describe('A callback that throws', () => {
  const things = freshCollection();

  it('is an uncaught exception once, and does not harm the connection', async () => {
    const listeners = process.listeners('uncaughtException');
    process.removeAllListeners('uncaughtException');
    const caught: Error[] = [];
    try {
      for (const method of ['find_one', 'insert', 'count'] as const) {
        await new Promise<void>((resolve) => {
          process.once('uncaughtException', (error) => {
            caught.push(error);
            resolve();
          });
          const boom = () => {
            throw new Error(`from the callback of ${method}`);
          };
          if (method === 'insert') things().insert({ _id: 1 }, boom);
          else things()[method](boom);
        });
      }
    } finally {
      for (const listener of listeners) process.on('uncaughtException', listener);
    }
    expect(caught.map(({ message }) => message)).to.deep.equal([
      'from the callback of find_one',
      'from the callback of insert',
      'from the callback of count',
    ]);
    expect(await things().find_one(1)).to.deep.equal({ _id: 1 });
    expect(countsOf(things().database.connection)).to.include({ open: 1, checkedOut: 0 });
  });
});

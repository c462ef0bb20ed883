import { DBRef, type Document, ObjectId } from 'bson';
import { expect } from 'chai';
import {
  AutoReference,
  type MotorCollection,
  NamespaceInjector,
  ObjectIdInjector,
  ObjectIdShuffler,
  SON,
  SONManipulator,
  ValueError,
} from '../../lib/index';
import { type Call, DATABASE, eachForm, freshCollection, newClient, newProxy, uniqueName } from '../support/clients';
import { eventually } from '../support/eventually';
import { server } from '../support/hooks';
import { runRaw } from '../support/rawClient';
import { rejection } from '../support/rejection';

/** Counts in the documents how often they passed. */
class Counter extends SONManipulator {
  override transform_incoming(son: Document): Document {
    son.in = (son.in ?? 0) + 1;
    return son;
  }

  override async transform_outgoing(son: Document): Promise<Document> {
    await null;
    son.out = (son.out ?? 0) + 1;
    return son;
  }
}

/** Writes its name into the documents. */
class Writer extends SONManipulator {
  constructor(
    readonly label: string,
    readonly copies = false,
  ) {
    super();
  }

  override will_copy(): boolean {
    return this.copies;
  }

  override transform_incoming(son: Document): Document {
    return { ...son, in: `${son.in ?? ''}${this.label}` };
  }

  override transform_outgoing(son: Document): Document {
    return { ...son, out: `${son.out ?? ''}${this.label}` };
  }
}

class Failing extends SONManipulator {
  constructor(readonly direction: 'incoming' | 'outgoing') {
    super();
  }

  override transform_incoming(son: Document): Document {
    if (this.direction === 'incoming') throw new Error('no way in');
    return son;
  }

  override async transform_outgoing(son: Document): Promise<Document> {
    if (this.direction === 'outgoing') throw new Error('no way out');
    return son;
  }
}

async function raw(collection: MotorCollection): Promise<Document[]> {
  return (await runRaw(server(), DATABASE, { find: collection.name, sort: { _id: 1 } })).cursor.firstBatch;
}

function eachDocument(cursor: ReturnType<MotorCollection['find']>): Promise<Document[]> {
  return new Promise((resolve, reject) => {
    const documents: Document[] = [];
    cursor.each((document, error) => {
      if (error !== null) reject(error);
      else if (document !== null) documents.push(document);
      else resolve(documents);
    });
  });
}

describe('SON manipulators', () => {
  const things = freshCollection();

  eachForm((call: Call) => {
    it('pass each stored document once', async () => {
      things().database.add_son_manipulator(new Counter());
      await call(things(), 'insert', { _id: 1 });
      await call(things(), 'insert', [{ _id: 2 }, { _id: 3 }]);
      await call(things(), 'insert', new Set([{ _id: 4 }]));
      await call(things(), 'save', { _id: 5 });
      const id = await call(things(), 'save', { x: 1 });
      await call(things(), 'update', { _id: 1 }, { _id: 1, y: 1 }, { manipulate: true });
      expect((await raw(things())).map((document) => document.in)).to.deep.equal([1, 1, 1, 1, 1, 1]);
      expect(id).to.be.instanceOf(ObjectId);
    });

    it('leave alone what is stored without them', async () => {
      things().database.add_son_manipulator(new Counter());
      await call(things(), 'insert', { _id: 1 }, { manipulate: false });
      await call(things(), 'insert', [{ _id: 2 }], { manipulate: false });
      await call(things(), 'save', { _id: 3 }, { manipulate: false });
      await call(things(), 'update', { _id: 1 }, { y: 1 });
      await call(things(), 'find_and_modify', { _id: 2 }, { $set: { y: 1 } });
      expect((await raw(things())).map((document) => document.in)).to.deep.equal([undefined, undefined, undefined]);
    });

    it('pass each document that is read once', async () => {
      await things().insert([{ _id: 1 }, { _id: 2 }, { _id: 3 }]);
      const { database } = things();
      database.add_son_manipulator(new Counter());
      expect(await call(things(), 'find_one', 1)).to.deep.equal({ _id: 1, out: 1 });
      expect(await call(things(), 'find_one', 9)).to.equal(null);
      expect(await call(database, 'dereference', new DBRef(things().name, 2 as never))).to.include({ out: 1 });
      const expected = [1, 2, 3].map((_id) => ({ _id, out: 1 }));
      expect(await call(things().find().batch_size(2), 'to_list', null)).to.deep.equal(expected);
      const cursor = await call(things(), 'aggregate', [{ $sort: { _id: 1 } }], { cursor: { batchSize: 2 } });
      expect(await call(cursor as ReturnType<MotorCollection['find']>, 'to_list', null)).to.deep.equal(expected);
    });

    it('leave alone what is read without them', async () => {
      await things().insert({ _id: 1 });
      things().database.add_son_manipulator(new Counter());
      const plain = { _id: 1 };
      expect(await call(things(), 'find_one', 1, { manipulate: false })).to.deep.equal(plain);
      expect(await call(things().find({}, { manipulate: false }), 'to_list', null)).to.deep.equal([plain]);
      expect(await call(things(), 'aggregate', [])).to.deep.include({ result: [plain] });
      expect(await call(things(), 'find_and_modify', { _id: 1 }, { $set: { x: 1 } })).to.deep.equal(plain);
      const reply = await call(things().database, 'command', 'find', things().name);
      expect(reply.cursor.firstBatch).to.deep.equal([{ _id: 1, x: 1 }]);
    });

    it('fail the operation with their own error', async () => {
      await things().insert([{ _id: 1 }, { _id: 2 }]);
      const { database } = things();
      database.add_son_manipulator(new Failing('outgoing'));
      expect((await rejection(call(things(), 'find_one'))).message).to.equal('no way out');
      expect((await rejection(call(things().find(), 'to_list', 1))).message).to.equal('no way out');
      expect((await rejection(call(things(), 'aggregate', [], { cursor: {} }))).message).to.equal('no way out');
      database.add_son_manipulator(new Failing('incoming'));
      expect((await rejection(call(things(), 'insert', {}))).message).to.equal('no way in');
      expect((await rejection(call(things(), 'insert', [{}, {}]))).message).to.equal('no way in');
      expect((await rejection(call(things(), 'save', { _id: 1, x: 1 }))).message).to.equal('no way in');
      expect(await raw(things())).to.deep.equal([{ _id: 1 }, { _id: 2 }]);
    });
  });

  it('pass each document of a cursor once, however it is read', async () => {
    await things().insert(Array.from({ length: 250 }, (_, _id) => ({ _id })));
    things().database.add_son_manipulator(new Counter());
    const find = () => things().find().sort('_id', 1);
    const aggregate = () => things().aggregate([{ $sort: { _id: 1 } }], { cursor: { batchSize: 100 } });

    for (const open of [find, aggregate]) {
      const byFetching: Document[] = [];
      const cursor = await open();
      while (await cursor.fetch_next) {
        for (let next = cursor.next_object(); next !== null; next = cursor.next_object()) byFetching.push(next);
      }
      const byIteration: Document[] = [];
      for await (const document of await open()) byIteration.push(document);
      const byEach = await eachDocument((await open()) as ReturnType<MotorCollection['find']>);
      const bySteps: Document[] = [];
      const stepped = await open();
      for (const length of [0, 10, 100, null]) bySteps.push(...(await stepped.to_list(length)));
      for (const documents of [byFetching, byIteration, byEach, bySteps]) {
        expect(documents.map(({ _id }) => _id)).to.deep.equal(Array.from({ length: 250 }, (_, id) => id));
        expect(documents.every(({ out }) => out === 1)).to.equal(true);
      }
    }
  });

  it('see only the batches that arrive after they were added', async () => {
    await things().insert(Array.from({ length: 6 }, (_, _id) => ({ _id })));
    const cursor = things().find().sort('_id', 1).batch_size(3);
    expect(await cursor.fetch_next).to.equal(true);
    things().database.add_son_manipulator(new Counter());
    expect((await cursor.to_list(null)).map(({ out }) => out)).to.deep.equal([
      undefined,
      undefined,
      undefined,
      1,
      1,
      1,
    ]);
  });

  it('belong to one database object', async () => {
    const { database } = things();
    database.add_son_manipulator(new Counter());
    const other = database.connection.get_database(database.name).get_collection(things().name);
    await other.insert({ _id: 1 });
    expect(await other.find_one()).to.deep.equal({ _id: 1 });
    expect(await database.get_collection(things().name).find_one()).to.deep.equal({ _id: 1, out: 1 });
  });

  it('run incoming newest first, outgoing oldest first, those that copy last', async () => {
    const { database } = things();
    for (const [label, copies] of [
      ['A', true],
      ['b', false],
      ['C', true],
      ['d', false],
    ] as const) {
      database.add_son_manipulator(new Writer(label, copies));
    }
    await things().insert({ _id: 1 });
    expect(await things().find_one()).to.deep.equal({ _id: 1, in: 'dbCA', out: 'bdAC' });
  });

  it('are installed for the directions that they override', () => {
    const { database } = things();
    database.add_son_manipulator(new SONManipulator());
    database.add_son_manipulator(new NamespaceInjector());
    database.add_son_manipulator(new ObjectIdInjector());
    database.add_son_manipulator(new ObjectIdShuffler());
    database.add_son_manipulator(new AutoReference(database));
    expect(database.incoming_manipulators).to.deep.equal(['ObjectIdInjector', 'NamespaceInjector']);
    expect(database.incoming_copying_manipulators).to.deep.equal(['AutoReference', 'ObjectIdShuffler']);
    expect(database.outgoing_manipulators).to.deep.equal([]);
    expect(database.outgoing_copying_manipulators).to.deep.equal(['AutoReference']);
    expect(() => Object.assign(database, { outgoing_manipulators: [] })).to.throw(TypeError, 'read-only');
  });

  it('must be SON manipulators', () => {
    const { database } = things();
    for (const wrong of [null, undefined, {}, NamespaceInjector, 'x', { transform_incoming: (son: Document) => son }]) {
      expect(() => database.add_son_manipulator(wrong as never)).to.throw(TypeError, 'add_son_manipulator');
    }
    expect(database.incoming_manipulators).to.deep.equal([]);
    expect(() => new AutoReference({} as never)).to.throw(TypeError, 'AutoReference');
  });

  it('are given the collection, and the _id that the driver added', async () => {
    const seen: unknown[] = [];
    class Spy extends SONManipulator {
      override transform_incoming(son: Document, collection: MotorCollection): Document {
        seen.push(son._id, collection);
        return son;
      }
    }
    things().database.add_son_manipulator(new Spy());
    const document: Document = { x: 1 };
    const id = await things().insert(document);
    expect(document._id).to.equal(id);
    expect(seen[0]).to.equal(id);
    expect(seen[1]).to.equal(things());
  });

  it('have their keys checked', async () => {
    class Spoiler extends SONManipulator {
      override transform_incoming(son: Document): Document {
        return { ...son, $bad: 1 };
      }
    }
    things().database.add_son_manipulator(new Spoiler());
    expect((await rejection(things().insert({}))).message).to.include('$bad');
    expect((await rejection(things().insert([{}]))).message).to.include('$bad');
  });

  it('leave no cursor behind when they fail', async () => {
    await things().insert(Array.from({ length: 10 }, (_, _id) => ({ _id })));
    const proxy = await newProxy();
    const database = newClient(proxy, { max_pool_size: 1 }).get_database(DATABASE);
    const cursor = database.get_collection(things().name).find().batch_size(3);
    await cursor.fetch_next;
    database.add_son_manipulator(new Failing('outgoing'));
    expect(await cursor.to_list(3)).to.have.length(3);
    const error = await rejection(cursor.to_list(3));
    expect(error.message).to.equal('no way out');
    expect(cursor.alive).to.equal(false);
    expect(cursor.cursor_id).to.equal(0n);
    await eventually(() => proxy.names.includes('killCursors'), 'the cursor is killed');
  });

  it('cost no command of their own', async () => {
    await things().insert([{ _id: 1 }, { _id: 2 }]);
    const proxy = await newProxy();
    const database = newClient(proxy).get_database(DATABASE);
    database.add_son_manipulator(new Counter());
    await database.get_collection(things().name).find().to_list(null);
    expect(proxy.names).to.deep.equal(['find']);
  });

  describe('of the driver', () => {
    it('inject an _id, move it to the front, and name the collection', async () => {
      const { name } = things();
      const injected = new ObjectIdInjector().transform_incoming({ x: 1 }, things());
      expect(injected._id).to.be.instanceOf(ObjectId);
      expect(new ObjectIdInjector().transform_incoming({ _id: 1 }, things())).to.deep.equal({ _id: 1 });
      const given = { x: 1, _id: 2 };
      expect(Object.keys(new ObjectIdShuffler().transform_incoming(given, things()))).to.deep.equal(['_id', 'x']);
      expect(Object.keys(given)).to.deep.equal(['x', '_id']);
      const shuffled = new ObjectIdShuffler().transform_incoming(
        new SON([
          ['x', 1],
          ['_id', 2],
        ]),
        things(),
      );
      expect([...(shuffled as SON).keys()]).to.deep.equal(['_id', 'x']);
      expect(new ObjectIdShuffler().transform_incoming({ x: 1 }, things())).to.deep.equal({ x: 1 });
      things().database.add_son_manipulator(new NamespaceInjector());
      const document: Document = { _id: 1 };
      await things().insert(document);
      expect(document._ns).to.equal(name);
      expect(await things().find_one()).to.deep.equal({ _id: 1, _ns: name });
    });

    it('refer to embedded documents, and put them back, three levels deep', async () => {
      const { database } = things();
      const others = database.get_collection(uniqueName());
      database.add_son_manipulator(new NamespaceInjector());
      database.add_son_manipulator(new AutoReference(database));
      try {
        const first: Document = { _id: 1, name: 'first' };
        await things().save(first);
        const second: Document = { _id: 2, deep: { down: [first] } };
        await others.save(second);
        const third: Document = new SON([
          ['_id', 3],
          ['list', [1, [second], new SON([['inner', first]])]],
          ['own', { _id: 9, unnamed: true }],
        ]);
        await things().save(third);

        const [, stored] = await raw(things());
        expect(stored?.list[1]).to.deep.equal([new DBRef(others.name, 2 as never)]);
        expect(stored?.list[2].inner).to.deep.equal(new DBRef(things().name, 1 as never));
        expect(first).to.deep.equal({ _id: 1, name: 'first', _ns: things().name });

        const back = await things().find_one(3);
        expect(back).to.deep.equal({
          _id: 3,
          _ns: things().name,
          list: [1, [{ ...second, _ns: others.name }], { inner: first }],
          own: { _id: 9, unnamed: true },
        });
        expect(await things().find({ _id: 3 }).to_list(1)).to.deep.equal([back]);
        await things().insert({ _id: 4, gone: new DBRef(others.name, 99 as never) });
        expect(await things().find_one(4)).to.include({ gone: null });
      } finally {
        await others.drop();
      }
    });

    it('keep the class of documents', async () => {
      const { database } = things();
      database.connection.document_class = SON;
      database.add_son_manipulator(new AutoReference(database));
      await things().insert({ _id: 1, inner: { x: 1 } });
      const found = (await things().find_one()) as SON;
      expect(found).to.be.instanceOf(SON);
      expect(found.get('inner')).to.be.instanceOf(SON);
    });
  });
});

describe('MotorDatabase.dereference', () => {
  const things = freshCollection();

  eachForm((call: Call) => {
    it('finds what a reference points to', async () => {
      await things().insert({ _id: 1, x: 1 });
      const { database, name } = things();
      expect(await call(database, 'dereference', new DBRef(name, 1 as never))).to.deep.equal({ _id: 1, x: 1 });
      expect(await call(database, 'dereference', new DBRef(name, 1 as never, DATABASE))).to.include({ x: 1 });
      expect(await call(database, 'dereference', new DBRef(name, 2 as never))).to.equal(null);
    });

    it('refuses what is no reference, or one to another database', async () => {
      const { database, name } = things();
      for (const wrong of [null, 1, 'x', {}, new ObjectId()]) {
        expect(await rejection(call(database, 'dereference', wrong))).to.be.instanceOf(TypeError);
      }
      const error = await rejection(call(database, 'dereference', new DBRef(name, 1 as never, 'elsewhere')));
      expect(error).to.be.instanceOf(ValueError).with.property('message').that.includes("'elsewhere'");
    });
  });
});

import { Binary, Decimal128, Double, Int32, Long, MinKey, Timestamp } from 'bson';
import { expect } from 'chai';
import { Code, type MotorCollection, ObjectId, OperationFailure, SON } from '../../lib/index';
import { foldScope } from '../../lib/motor/scopeFolding';
import { DATABASE, eachForm, freshCollection, newClient, newProxy } from '../support/clients';
import { answer } from '../support/faults';
import { needing } from '../support/needs';
import type { FaultProxy } from '../support/proxy';
import { rejection } from '../support/rejection';

const things = freshCollection();

/** The collection through a proxy, which sees the commands. */
async function watched(): Promise<{ collection: MotorCollection; proxy: FaultProxy }> {
  const proxy = await newProxy();
  return { collection: newClient(proxy).get_database(DATABASE).get_collection(things().name), proxy };
}

describe('A cursor with settings that servers no longer have', () => {
  beforeEach(() => things().insert([3, 1, 2, 4].map((n) => ({ _id: n, a: n, b: -n }))));

  const ids = async (cursor: { to_list(length: null): Promise<{ _id?: unknown }[]> }) =>
    (await cursor.to_list(null)).map(({ _id }) => _id);

  it('finds the index for min and max', async () => {
    const { collection, proxy } = await watched();
    await collection.create_index([
      ['a', 1],
      ['b', -1],
    ]);
    await collection.create_index('a');
    await collection.create_index([['a', -1]]);
    expect(
      await ids(
        collection
          .find()
          .min([['a', 2]])
          .max([['a', 4]]),
      ),
    ).to.deep.equal([2, 3]);
    expect(await ids(collection.find().max([['a', 3]]))).to.have.members([1, 2]);
    const [first] = proxy.commands.filter(({ name }) => name === 'find');
    expect(first?.document)
      .to.deep.include({ hint: { a: 1 } })
      .and.not.have.property('snapshot');
    expect(
      await ids(
        collection.find().min([
          ['a', 3],
          ['b', -3],
        ]),
      ),
    ).to.have.members([3, 4]);
    const explained = await collection
      .find()
      .min([['a', 2]])
      .explain();
    expect(explained).to.have.property('queryPlanner');
  });

  it('leaves bounds to the server that no index has, and takes the hint that is given', async () => {
    expect(
      await rejection(
        things()
          .find()
          .min([['none', 2]])
          .to_list(null),
      ),
    ).to.include({ code: 291 });
    await things().create_index('a');
    expect(
      await rejection(
        things()
          .find()
          .min([['a', 2]])
          .hint([['_id', 1]])
          .to_list(null),
      ),
    ).to.be.instanceOf(OperationFailure);
    const query = new SON([
      ['$query', {}],
      ['$max', { a: 3 }],
    ]);
    expect(await things().find_one(query))
      .to.have.property('a')
      .that.is.below(3);
  });

  eachForm((call) => {
    it('reads a snapshot in the order of _id', async () => {
      const cursor = things().find({}, { snapshot: true });
      expect((await call(cursor, 'to_list', null)).map(({ _id }) => _id)).to.deep.equal([1, 2, 3, 4]);
      expect(await call(things(), 'find_one', {}, { snapshot: true })).to.include({ _id: 1 });
    });

    it('refuses snapshot with a sort or a hint as old servers did', async () => {
      const sorted = things().find({}, { snapshot: true }).sort('a');
      expect(await rejection(call(sorted, 'to_list', null)))
        .to.be.instanceOf(OperationFailure)
        .with.property('code', 12001);
      const hinted = things()
        .find({}, { snapshot: true })
        .hint([['_id', 1]]);
      expect(await rejection(call(hinted, 'to_list', null)))
        .to.be.instanceOf(OperationFailure)
        .with.property('code', 12002);
    });

    it('hands on what the server says to max_scan', async () => {
      expect(await rejection(call(things().find().max_scan(3), 'to_list', null))).to.include({ code: 40415 });
      expect(await rejection(call(things(), 'find_one', {}, { max_scan: 3 }))).to.include({ code: 40415 });
      expect(await call(things().find().max_scan(3).max_scan(null), 'to_list', null)).to.have.length(4);
    });

    it('gives the plan for $explain', async () => {
      const explained = things().find({ $query: { a: 1 }, $explain: true });
      const results = await call(explained, 'to_list', null);
      expect(results).to.have.length(1);
      expect(results[0]).to.have.property('queryPlanner');
      expect(await call(things(), 'find_one', { $query: {}, $explain: 1 })).to.have.property('queryPlanner');
    });
  });

  it('takes a wrapped query apart', async () => {
    const { collection, proxy } = await watched();
    const query = {
      $orderby: { a: -1 },
      $query: { a: { $gt: 1 } },
      $hint: { _id: 1 },
      $comment: 'why',
      $maxTimeMS: 5000,
      $returnKey: false,
      $showDiskLoc: true,
      $readPreference: { mode: 'primary' },
    };
    const found = await collection.find(query).to_list(null);
    expect(found.map(({ a }) => a)).to.deep.equal([4, 3, 2]);
    expect(found[0]).to.have.property('$recordId');
    expect(proxy.commands.find(({ name }) => name === 'find')?.document).to.deep.include({
      filter: { a: { $gt: 1 } },
      sort: { a: -1 },
      hint: { _id: 1 },
      comment: 'why',
      maxTimeMS: 5000,
      returnKey: false,
      showRecordId: true,
    });
    expect(await collection.find_one({ $query: { a: { $gt: 2 } }, $orderby: { a: 1 } })).to.include({ a: 3 });
    expect(await ids(collection.find({ $query: {}, $snapshot: true }))).to.deep.equal([1, 2, 3, 4]);
  });

  it('matches a field that is called query', async () => {
    await things().insert({ _id: 9, query: { x: 1 } });
    expect(await things().find_one({ query: { x: 1 } })).to.include({ _id: 9 });
  });

  it('sends its comment with count and distinct, and lets any member answer', async () => {
    const { collection, proxy } = await watched();
    const cursor = collection.find({}, { read_preference: 'secondary' }).comment('why');
    await cursor.count();
    await cursor.distinct('a');
    await cursor.to_list(null);
    for (const command of ['count', 'distinct', 'find']) {
      const sent = proxy.commands.find(({ name }) => name === command)?.document;
      expect(sent).to.deep.include({ comment: 'why', $readPreference: { mode: 'primaryPreferred' } });
    }
  });

  it('refuses exhaust on a known mongos', async () => {
    const proxy = await newProxy();
    proxy.on(
      'hello',
      answer({ ok: 1, ismaster: true, msg: 'isdbgrid', minWireVersion: 0, maxWireVersion: 21, helloOk: false }),
      Number.POSITIVE_INFINITY,
    );
    const client = newClient(proxy);
    await client.open();
    const collection = client.get_database(DATABASE).get_collection(things().name);
    expect(() => collection.find({}, { exhaust: true })).to.throw('mongos');
    expect(() => collection.find().add_option(64)).to.throw('mongos');
  });
});

describe('Code with a scope', () => {
  /** What a server makes of the text: a function, called with the document as `this`. */
  const run = (code: Code, self: unknown, ...args: unknown[]): unknown => {
    const names = 'NumberLong, NumberInt, NumberDecimal, ObjectId, Timestamp, BinData, MinKey';
    const make = new Function(names, `return (${code.code}\n)`);
    const kinds = [Long.fromString, Number, Decimal128.fromString, ObjectId, Timestamp, Binary, MinKey];
    const called = kinds.map((kind, i) => (i < 3 ? kind : (...values: unknown[]) => [i, ...values]));
    return make(...called).apply(self, args);
  };

  it('becomes code without, that does the same', () => {
    const scope = { limit: 5, name: 'a"b\u2028', list: [1, { x: null }], at: new Date(7), pattern: /a\/b/i, on: true };
    for (const text of [
      'this.n > limit && name.length === 4 && list[1].x === null && at.getTime() === 7 && pattern.test("A/B") && on',
      'return this.n > limit && on;',
      'function () { return this.n > limit; }',
      '/* why */ function () { return this.n > limit; }',
      'var doubled = limit * 2; return this.n * 2 > doubled;',
      '() => this.n > limit // a comment',
    ]) {
      const folded = foldScope(new Code(text, scope));
      expect(folded.scope).to.equal(null);
      expect(run(folded, { n: 6 }), text).to.equal(true);
      expect(run(folded, { n: 5 }), text).to.equal(false);
    }
    expect(run(foldScope(new Code('function (a, b) { return a + b + c; }', { c: 4 })), null, 1, 2)).to.equal(7);
  });

  it('writes values of BSON as the shell does', () => {
    const id = new ObjectId();
    const scope = {
      long: Long.fromString('9007199254740993'),
      int: new Int32(5),
      double: new Double(1.5),
      zero: -0,
      id,
    };
    const folded = foldScope(new Code('[long, int, double, zero, id]', scope));
    expect(run(folded, null)).to.deep.equal([Long.fromString('9007199254740993'), 5, 1.5, -0, [3, id.toHexString()]]);
    expect(foldScope(new Code('x', { x: new MinKey() })).code).to.include('var x = MinKey;');
    expect(foldScope(new Code('x', { x: new Timestamp({ t: 1, i: 2 }) })).code).to.include('Timestamp(1, 2)');
    expect(foldScope(new Code('x', { x: new Binary(Buffer.from('a')) })).code).to.include('BinData(0, "YQ==")');
  });

  it('must have names that can be variables', () => {
    for (const name of ['a b', '', 'var', '1', 'a;b']) {
      expect(() => foldScope(new Code('1', { [name]: 1 }))).to.throw(TypeError, 'no name');
    }
    const code = new Code('1');
    expect(foldScope(code)).to.equal(code);
  });

  it('is sent without it, from where() and from the spec', async () => {
    const { collection, proxy } = await watched();
    const code = new Code('this.a > limit', { limit: 2 });
    const seen = answer({ ok: 1, cursor: { id: 0, ns: things().full_name, firstBatch: [] } });
    proxy.on('find', seen, 4);
    await collection.find({ a: 1 }).where(code).to_list(null);
    await collection.find({ $where: code }).to_list(null);
    await collection.find({ $or: [{ a: 1 }, { $and: [{ $where: code }] }] }).to_list(null);
    await collection.find_one({ $where: code });
    const filters = proxy.commands.filter(({ name }) => name === 'find').map(({ document }) => document.filter);
    expect(filters).to.have.length(4);
    for (const { $where } of [filters[0], filters[1], filters[2].$or[1].$and[0], filters[3]]) {
      expect($where.scope ?? null).to.equal(null);
      expect($where.code).to.include('var limit = 2;');
    }
    expect(filters[0].a).to.equal(1);
    expect(code.scope).to.deep.equal({ limit: 2 });
  });

  it(
    'is evaluated by the server',
    needing('javascript', async () => {
      await things().insert([{ a: 1 }, { a: 3 }]);
      expect(
        await things()
          .find()
          .where(new Code('this.a > limit', { limit: 2 }))
          .count(),
      ).to.equal(1);
    }),
  );
});

describe('Pseudo-collections', () => {
  it('$cmd runs a query of find_one as a command', async () => {
    const { database, name } = things();
    await things().insert([{}, {}]);
    expect(await database.get_collection('$cmd').find_one({ count: name })).to.include({ n: 2, ok: 1 });
    expect(await database.get_collection('$cmd').find_one({ nothing: 1 })).to.include({ ok: 0, code: 59 });
    expect(await rejection(database.get_collection('$cmd').find().to_list(null))).to.be.instanceOf(OperationFailure);
  });

  it('the others ask for operations, unlock, and end operations', async () => {
    const { collection, proxy } = await watched();
    const found = await collection.database.get_collection('$cmd.sys.inprog').find_one({ $all: true });
    expect(found).to.have.property('inprog').that.is.an('array');
    proxy.on('fsyncUnlock', answer({ ok: 1, lockCount: 0 }));
    expect(await collection.database.get_collection('$cmd.sys.unlock').find_one()).to.include({ ok: 1 });
    proxy.on('killOp', answer({ ok: 1, info: 'attempting to kill op' }));
    expect(await collection.database.get_collection('$cmd.sys.killop').find_one({ op: 123 })).to.include({ ok: 1 });
    const [current, , kill] = proxy.operations;
    expect(current?.document).to.include({ currentOp: 1, $all: true, $db: 'admin' });
    expect(kill?.document).to.include({ killOp: 1, op: 123, $db: 'admin' });
  });
});

describe('Other commands that are gone', () => {
  eachForm((call) => {
    it('geoNear is an aggregation', async () => {
      const places = things();
      await places.create_index([['loc', '2d']]);
      await places.insert([
        { _id: 1, loc: [0, 3], kind: 'a' },
        { _id: 2, loc: [0, 1], kind: 'a' },
        { _id: 3, loc: [0, 2], kind: 'b' },
      ]);
      const near = { near: [0, 0] };
      const reply = await call(places.database, 'command', 'geoNear', places.name, {
        ...near,
        num: 2,
        includeLocs: true,
      });
      expect(reply).to.deep.equal({
        results: [
          { dis: 1, loc: [0, 1], obj: { _id: 2, loc: [0, 1], kind: 'a' } },
          { dis: 2, loc: [0, 2], obj: { _id: 3, loc: [0, 2], kind: 'b' } },
        ],
        stats: { objectsLoaded: 2, avgDistance: 1.5, maxDistance: 2 },
        ok: 1,
      });
      const filtered = { ...near, query: { kind: 'a' }, maxDistance: 2, distanceMultiplier: 10 };
      const { results } = await call(places.database, 'command', 'geonear', places.name, filtered);
      expect(results).to.deep.equal([{ dis: 10, obj: { _id: 2, loc: [0, 1], kind: 'a' } }]);
      const nothing = await call(places.database, 'command', 'geoNear', places.name, { ...near, query: { kind: 'c' } });
      expect(nothing).to.deep.include({ results: [], stats: { objectsLoaded: 0, avgDistance: 0, maxDistance: 0 } });
    });

    it('filemd5 reads the chunks', async () => {
      const { database, name } = things();
      const chunks = database.get_collection(`${name}.chunks`);
      try {
        const parts = ['world', 'hello '].map((text, i) => ({
          files_id: 7,
          n: 1 - i,
          data: new Binary(Buffer.from(text)),
        }));
        await chunks.insert([...parts, { files_id: 8, n: 1, data: new Binary(Buffer.from('x')) }]);
        expect(await call(database, 'command', 'filemd5', 7, { root: name })).to.deep.equal({
          numChunks: 2,
          md5: '5eb63bbbe01eeed093cb22bb8f5acdc3',
          ok: 1,
        });
        const error = await rejection(call(database, 'command', 'filemd5', 8, { root: name }));
        expect(error).to.be.instanceOf(OperationFailure).with.property('message').that.includes('chunk 0 is missing');
      } finally {
        await chunks.drop();
      }
    });

    it('eval is the server’s, which has none', async () => {
      const error = await rejection(call(things().database, 'eval', 'function (x) { return x; }', 5));
      expect(error).to.be.instanceOf(OperationFailure).with.property('code', 59);
    });
  });

  it('eval sends code and arguments, and refuses anything else', async () => {
    const proxy = await newProxy();
    const database = newClient(proxy).get_database(DATABASE);
    proxy.on('$eval', answer({ retval: 6, ok: 1 }));
    expect(await database.eval((a: number, b: number) => a + b, 2, 4)).to.equal(6);
    expect(proxy.commands.at(-1)?.document).to.deep.include({ args: [2, 4] });
    proxy.on('$eval', answer({ ok: 1 }));
    expect(await new Promise((resolve) => database.eval('1', (result: unknown) => resolve(result)))).to.equal(null);
    for (const bad of [5, null, {}, []]) {
      expect(await rejection((database.eval as (code: unknown) => Promise<unknown>)(bad))).to.be.instanceOf(TypeError);
    }
  });
});

import { expect } from 'chai';
import { Code, MaxKey, MotorCollection, ObjectId, OperationFailure, SON, UUID } from '../../lib/index';
import { DATABASE, eachForm, freshCollection, newClient, newProxy, uniqueName } from '../support/clients';
import { answer, closeFirst } from '../support/faults';
import { rejection } from '../support/rejection';
import { collectWarnings } from '../support/warnings';

const MAP = 'function () { this.tags.forEach(function (tag) { emit(tag, 1); }); }';
const REDUCE = 'function (key, values) { return Array.sum(values); }';

describe('MotorCollection.map_reduce', () => {
  collectWarnings();
  const things = freshCollection();
  let out = '';

  beforeEach(async () => {
    out = uniqueName();
    await things().insert([
      { _id: 1, tags: ['dog', 'cat'] },
      { _id: 2, tags: ['cat'] },
      { _id: 3, tags: ['mouse', 'cat', 'dog'] },
      { _id: 4, tags: [] },
    ]);
  });
  afterEach(async () => {
    for (const name of [out, `${out}_2`]) await newClient().get_database(DATABASE).drop_collection(name);
  });

  const contents = (collection: MotorCollection) => collection.find().sort('_id').to_list(null);

  eachForm((call) => {
    it('gives the collection of the results', async () => {
      const found = (await call(things(), 'map_reduce', MAP, REDUCE, out)) as MotorCollection;
      expect(found).to.be.instanceOf(MotorCollection).with.property('full_name', `${DATABASE}.${out}`);
      expect(await contents(found)).to.deep.equal([
        { _id: 'cat', value: 3 },
        { _id: 'dog', value: 2 },
        { _id: 'mouse', value: 1 },
      ]);
    });

    it('gives the whole reply when asked to', async () => {
      const reply = await call(things(), 'map_reduce', MAP, REDUCE, out, { full_response: true });
      expect(reply).to.deep.include({ result: out, ok: 1 });
      const inline = await call(things(), 'map_reduce', MAP, REDUCE, { inline: 1 });
      expect(inline).to.have.property('results').with.length(3);
    });

    it('gives the results themselves, inline', async () => {
      const results = await call(things(), 'inline_map_reduce', MAP, REDUCE, { query: { _id: { $lt: 3 } } });
      expect(results).to.have.deep.members([
        { _id: 'cat', value: 2 },
        { _id: 'dog', value: 1 },
      ]);
      const reply = await call(things(), 'inline_map_reduce', MAP, REDUCE, { full_response: true });
      expect(reply).to.have.property('results').with.length(3);
      expect(reply).to.have.property('ok', 1);
    });
  });

  it('has functions and codes, a scope, and finalize', async () => {
    const map = new Code('function () { emit(this._id % two, this._id); }', { two: 2 });
    const reduce = (_key: number, values: number[]) => (Array as unknown as { sum(of: number[]): number }).sum(values);
    const finalize = 'function (key, value) { return { key: key, value: value * factor }; }';
    const results = await things().inline_map_reduce(map, reduce, { finalize, scope: { factor: 10 } });
    expect(results).to.have.deep.members([
      { _id: 0, value: { key: 0, value: 60 } },
      { _id: 1, value: { key: 1, value: 40 } },
    ]);
  });

  it('reads what query, sort and limit leave', async () => {
    const map = 'function () { emit(null, [this._id]); }';
    const reduce = 'function (key, values) { return { all: values.map(function (one) { return one[0]; }) }; }';
    const kw = { query: { _id: { $ne: 4 } }, sort: { _id: -1 }, limit: 2 };
    expect(await things().inline_map_reduce(map, reduce, kw)).to.deep.equal([{ _id: null, value: { all: [3, 2] } }]);
  });

  it('writes to another database', async () => {
    const database = `${DATABASE}_other`;
    try {
      const found = await things().map_reduce(
        MAP,
        REDUCE,
        new SON([
          ['replace', out],
          ['db', database],
        ]),
      );
      expect(found).to.be.instanceOf(MotorCollection).with.property('full_name', `${database}.${out}`);
      expect(await (found as MotorCollection).count()).to.equal(3);
    } finally {
      await newClient().drop_database(database);
    }
  });

  it('merges, or reduces, into what is there', async () => {
    const target = things().database.get_collection(out);
    await target.insert([
      { _id: 'cat', value: 100 },
      { _id: 'cow', value: 5 },
    ]);
    await things().map_reduce(MAP, REDUCE, { reduce: out });
    expect(await contents(target)).to.deep.equal([
      { _id: 'cat', value: 103 },
      { _id: 'cow', value: 5 },
      { _id: 'dog', value: 2 },
      { _id: 'mouse', value: 1 },
    ]);
    await things().map_reduce(MAP, REDUCE, { merge: out }, { query: { _id: 2 } });
    expect(await target.find_one('cat')).to.deep.equal({ _id: 'cat', value: 1 });
    expect(await target.count()).to.equal(4);
    await things().map_reduce(MAP, REDUCE, { replace: out }, { query: { _id: 2 } });
    expect(await contents(target)).to.deep.equal([{ _id: 'cat', value: 1 }]);
  });

  it('finalizes again what it reduces with what is there', async () => {
    const target = things().database.get_collection(out);
    await target.insert({ _id: 'cat', value: 100 });
    await things().map_reduce(
      MAP,
      REDUCE,
      { reduce: out },
      { finalize: 'function (key, value) { return value * 2; }' },
    );
    // (3 × 2 + 100) × 2
    expect(await target.find_one('cat')).to.deep.equal({ _id: 'cat', value: 212 });
    expect(await target.find_one('dog')).to.deep.equal({ _id: 'dog', value: 4 });
  });

  it('writes UUIDs as they were stored, and gives them as UUIDs', async () => {
    const id = new UUID();
    const { database } = things();
    const target = database.get_collection(out);
    await target.insert({ _id: id, value: 1 }); // of the subtype that the client writes
    const map = 'function () { emit(this._id, 1); }';
    await target.map_reduce(map, REDUCE, `${out}_2`);
    expect(await database.get_collection(`${out}_2`).find_one(id)).to.deep.equal({ _id: id, value: 1 });
    const [found] = (await target.inline_map_reduce(map, REDUCE)) as { _id: UUID }[];
    expect(found?._id).to.be.instanceOf(UUID);
    expect(found?._id.equals(id)).to.equal(true);
  });

  it('keeps the indexes of what it replaces, and leaves nothing else behind', async () => {
    const { database } = things();
    const target = database.get_collection(out);
    await target.create_index('value');
    await things().map_reduce(MAP, REDUCE, out);
    expect(await target.index_information()).to.have.all.keys('_id_', 'value_1');
    expect((await database.collection_names()).filter((name) => name.startsWith('tmp.mr'))).to.deep.equal([]);
  });

  it('calls reduce only for keys with several values, in pieces if there are many', async () => {
    const many = Array.from({ length: 2500 }, (_, i) => ({ _id: 100 + i, n: 1 }));
    await things().insert(many);
    const map = 'function () { if (this.n) emit("many", 1); else emit(this._id, { once: true }); }';
    const reduce = 'function (key, values) { if (key !== "many") throw "why"; return Array.sum(values); }';
    const results = (await things().inline_map_reduce(map, reduce)) as { _id: unknown; value: unknown }[];
    expect(results.find(({ _id }) => _id === 'many')?.value).to.equal(2500);
    expect(results.find(({ _id }) => _id === 4)?.value).to.deep.equal({ once: true });
  });

  it('refuses an out of another type, and code that is none', async () => {
    const run = things().map_reduce as (...args: unknown[]) => Promise<unknown>;
    for (const bad of [5, null, undefined, [], true]) {
      expect(await rejection(run(MAP, REDUCE, bad))).to.be.instanceOf(TypeError);
    }
    expect(await rejection(run(5, REDUCE, out))).to.be.instanceOf(TypeError);
    expect(await rejection(run(MAP, null, out))).to.be.instanceOf(TypeError);
    expect(await rejection(run(MAP, REDUCE, out, { finalize: 5 }))).to.be.instanceOf(TypeError);
    expect(await rejection(run(MAP, REDUCE, { elsewhere: out }))).to.be.instanceOf(OperationFailure);
  });

  it('writes nothing when the code fails, at whatever point', async () => {
    const target = things().database.get_collection(out);
    await target.insert({ _id: 'cat', value: 100 });
    const fails = 'function (key, value) { if (key === "mouse") throw new Error("no"); return value; }';
    const afterwards = 'function (key, values) { if (values.indexOf(100) !== -1) throw new Error("no"); return 1; }';
    for (const mode of ['replace', 'merge', 'reduce']) {
      for (const [map, reduce, finalize] of [
        ['function () { nothing(); }', REDUCE, null],
        ['function () {', REDUCE, null],
        [MAP, 'function () { throw 1; }', null],
        [MAP, REDUCE, fails],
        ...(mode === 'reduce' ? [[MAP, afterwards, null]] : []),
      ] as const) {
        const error = await rejection(
          things().map_reduce(map as string, reduce as string, { [mode]: out }, finalize ? { finalize } : {}),
        );
        expect(error, `${mode} ${map} ${reduce}`).to.be.instanceOf(OperationFailure).with.property('code', 139);
        expect(error.cause).not.to.equal(undefined);
        expect(await contents(target)).to.deep.equal([{ _id: 'cat', value: 100 }]);
      }
    }
  });

  it('leaves the old collection and no other when it cannot write', async () => {
    const proxy = await newProxy();
    const { database } = things();
    const collection = newClient(proxy).get_database(DATABASE).get_collection(things().name);
    await database.get_collection(out).insert({ _id: 'old' });
    proxy.on('renameCollection', closeFirst());
    await rejection(collection.map_reduce(MAP, REDUCE, out));
    expect(await contents(database.get_collection(out))).to.deep.equal([{ _id: 'old' }]);
    expect((await database.collection_names()).filter((name) => name.startsWith('tmp.mr'))).to.deep.equal([]);
  });

  it('is the server that runs it, if it can', async () => {
    const proxy = await newProxy();
    const collection = newClient(proxy).get_database(DATABASE).get_collection(things().name);
    proxy.on('mapReduce', answer({ result: out, ok: 1 }));
    await collection.map_reduce(
      MAP,
      REDUCE,
      new SON([
        ['merge', out],
        ['nonAtomic', true],
      ]),
      { jsMode: true, limit: 3 },
    );
    const sent = proxy.commands.find(({ name }) => name === 'mapReduce')?.document;
    expect(sent).to.include({ mapReduce: things().name, jsMode: true, limit: 3 });
    expect(Object.keys(sent?.out)).to.deep.equal(['merge', 'nonAtomic']);
    for (const code of [31264, 6108304]) {
      proxy.clear();
      proxy.on('mapReduce', answer({ ok: 0, code, errmsg: 'no JavaScript' }));
      const other = newClient(proxy).get_database(DATABASE).get_collection(things().name);
      expect(await other.inline_map_reduce(MAP, REDUCE)).to.have.length(3);
    }
  });

  it('hands any other failure of the server on', async () => {
    const proxy = await newProxy();
    const collection = newClient(proxy).get_database(DATABASE).get_collection(things().name);
    proxy.on('mapReduce', answer({ ok: 0, code: 13, errmsg: 'not authorized' }));
    expect(await rejection(collection.inline_map_reduce(MAP, REDUCE))).to.have.property('code', 13);
  });
});

describe("command('mapReduce')", () => {
  collectWarnings();
  const things = freshCollection();

  eachForm((call) => {
    it('gives results in the order of their keys, and counts, in whatever spelling', async () => {
      const id = new ObjectId();
      const keys = [new MaxKey(), true, id, [1], { b: 1 }, { a: 2 }, 'b', 'B', 2.5, -1, null, new Date(5)];
      await things().insert(keys.map((key, _id) => ({ _id, key })));
      const command = new SON([
        ['mapreduce', things().name],
        ['map', 'function () { emit(this.key, this._id); }'],
        ['reduce', REDUCE],
        ['out', { inline: 1 }],
      ]);
      const reply = await call(things().database, 'command', command);
      expect(reply).to.have.property('ok', 1);
      expect((reply.results as { value: number }[]).map(({ value }) => value)).to.deep.equal([
        10, 9, 8, 7, 6, 5, 4, 3, 2, 1, 11, 0,
      ]);
      if (reply.counts !== undefined) expect(reply.counts).to.include({ input: 12, emit: 12, output: 12 });
    });
  });
});

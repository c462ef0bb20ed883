import { expect } from 'chai';
import { Code, DuplicateKeyError, type MotorCollection, ObjectId, OperationFailure, SON } from '../../lib/index';
import { DATABASE, eachForm, freshCollection, newClient, newProxy } from '../support/clients';
import { answer } from '../support/faults';
import { rejection } from '../support/rejection';
import { collectWarnings } from '../support/warnings';

/** Run on the server they would be given back by it; the tests look at what the driver makes of them. */
const SUM = 'function (doc, group) { group.total += doc.price; }';

describe('MotorCollection.group', () => {
  const orders = freshCollection();
  const warnings = collectWarnings();

  async function fill(): Promise<MotorCollection> {
    await orders().insert([
      { _id: 1, who: 'ann', price: 3, at: { city: 'Rome' } },
      { _id: 2, who: 'bob', price: 5 },
      { _id: 3, who: 'ann', price: 7, at: { city: 'Oslo' } },
      { _id: 4, price: 11, at: { city: 'Rome' } },
    ]);
    return orders();
  }

  eachForm((call) => {
    it('groups by fields, in order of first appearance; a missing one is null', async () => {
      const found = await call(await fill(), 'group', ['who'], {}, { total: 0 }, SUM, null);
      expect(found).to.deep.equal([
        { who: 'ann', total: 10 },
        { who: 'bob', total: 5 },
        { who: null, total: 11 },
      ]);
    });

    it('finalizes, and reads a callback behind that', async () => {
      const collection = await fill();
      const average = 'function (group) { group.mean = group.total / 4; }';
      expect(await call(collection, 'group', null, {}, { total: 0 }, SUM, average)).to.deep.equal([
        { total: 26, mean: 6.5 },
      ]);
      const replaced = (group: { total: number }) => ({ sum: group.total });
      expect(await call(collection, 'group', [], { price: { $gt: 5 } }, { total: 0 }, SUM, replaced)).to.deep.equal([
        { sum: 18 },
      ]);
    });
  });

  it('takes a function, a string or a Code for each part; a function is only its text', async () => {
    const collection = await fill();
    const reduce = (doc: { price: number }, group: { total: number }) => {
      group.total += doc.price;
    };
    const key = (doc: { price: number }) => ({ dear: doc.price > 4 });
    const expected = [
      { dear: false, total: 3 },
      { dear: true, total: 23 },
    ];
    expect(await collection.group(key, {}, { total: 0 }, reduce)).to.deep.equal(expected);
    const text = 'function (doc) { return { dear: doc.price > limit }; }';
    expect(await collection.group(new Code(text, { limit: 4 }), {}, { total: 0 }, new Code(SUM))).to.deep.equal(
      expected,
    );
    const methods = {
      reduce(doc: { price: number }, group: { total: number }) {
        group.total += doc.price;
      },
    };
    expect(await collection.group(key, {}, { total: 0 }, methods.reduce)).to.deep.equal(expected);
    const outside = 4;
    const error = await rejection(
      collection.group((doc: { price: number }) => ({ dear: doc.price > outside }), {}, {}, reduce),
    );
    expect((error.cause as Error).name).to.equal('ReferenceError');
  });

  it('gives nothing where there is nothing', async () => {
    expect(await orders().group(['who'], {}, { total: 0 }, SUM)).to.deep.equal([]);
    await fill();
    expect(await orders().group(['who'], { _id: 99 }, { total: 0 }, SUM)).to.deep.equal([]);
  });

  it('reads fields by dotted names', async () => {
    const found = await (await fill()).group(['at.city'], {}, { total: 0 }, SUM);
    expect(found).to.deep.equal([
      { 'at.city': 'Rome', total: 14 },
      { 'at.city': null, total: 5 },
      { 'at.city': 'Oslo', total: 7 },
    ]);
  });

  it('takes keys for the same when their BSON values are', async () => {
    const id = new ObjectId();
    const date = new Date(5);
    await orders().insert([
      { key: id },
      { key: new ObjectId(id.toHexString()) },
      { key: date },
      { key: new Date(5) },
      { key: { a: 1, b: 2 } },
      { key: { b: 2, a: 1 } },
      { key: '1' },
      { key: 1 },
    ]);
    const found = await orders().group(['key'], {}, { n: 0 }, 'function (doc, group) { group.n++; }');
    expect(found.map(({ n }) => n)).to.deep.equal([2, 2, 1, 1, 1, 1]);
    expect(found[0]?.key).to.be.instanceOf(ObjectId);
    expect(found[1]?.key).to.deep.equal(date);
  });

  it('starts each group with a copy of its own', async () => {
    const found = await (await fill()).group(
      ['who'],
      {},
      { all: [] },
      (doc: { price: number }, group: { all: unknown[] }) => {
        group.all.push(doc.price);
      },
    );
    expect(found.map(({ all }) => all)).to.deep.equal([[3, 7], [5], [11]]);
  });

  it('gives the documents of the class that the client gives', async () => {
    await fill();
    const collection = newClient(undefined, { document_class: SON })
      .get_database(DATABASE)
      .get_collection(orders().name);
    const [first] = await collection.group(['who'], {}, { total: 0 }, SUM);
    expect(first)
      .to.be.instanceOf(SON)
      .and.deep.equal(
        new SON([
          ['who', 'ann'],
          ['total', 10],
        ]),
      );
  });

  it('has the words of the shell, and nothing of the process', async () => {
    await orders().insert({ _id: new ObjectId('0123456789abcdef01234567'), at: new Date(0), tags: [1, 2, 3] });
    const [found] = await orders().group(null, {}, {}, (doc: never, out: Record<string, unknown>) => {
      const shell = globalThis as unknown as Record<string, CallableFunction>;
      const arrays = Array as unknown as Record<string, CallableFunction>;
      const { _id, at, tags } = doc as { _id: { str: string }; at: Date; tags: number[] };
      out.str = _id.str;
      out.json = shell.tojson?.({ _id, at, n: [1, null] });
      out.sum = arrays.sum?.(tags);
      out.mean = arrays.avg?.(tags);
      out.long = shell.NumberLong?.('5') + 1;
      out.int = shell.NumberInt?.(7) + 1;
      out.date = shell.ISODate?.('2014-03-01T12:00:00+01:00');
      // biome-ignore lint/suspicious/useIsArray: whether it is an array of that context
      out.own = [_id instanceof (shell.ObjectId as never), at instanceof Date, tags instanceof Array];
      out.missing = ['db', 'require', 'process', 'setTimeout'].map((name) => typeof shell[name]);
      shell.print?.('nothing');
      shell.printjson?.({});
    });
    expect(found).to.deep.equal({
      str: '0123456789abcdef01234567',
      json:
        '{\n\t"_id" : ObjectId("0123456789abcdef01234567"),\n\t"at" : ISODate("1970-01-01T00:00:00.000Z"),\n' +
        '\t"n" : [\n\t\t1,\n\t\tnull\n\t]\n}',
      sum: 6,
      mean: 2,
      long: 6,
      int: 8,
      date: new Date('2014-03-01T11:00:00Z'),
      own: [true, true, true],
      missing: ['undefined', 'undefined', 'undefined', 'undefined'],
    });
  });

  it('fails with code 139 where the code does not compile or throws, with its error as the cause', async () => {
    await fill();
    const cases = {
      'function ( {': 'SyntaxError',
      'function (doc, group) { throw new TypeError("no"); }': 'TypeError',
      'function (doc, group) { return doc.none.none; }': 'TypeError',
    };
    for (const [code, name] of Object.entries(cases)) {
      const error = (await rejection(orders().group(null, {}, {}, code))) as OperationFailure;
      expect(error).to.be.instanceOf(OperationFailure).with.property('code', 139);
      expect((error.cause as Error).name).to.equal(name);
      expect(error.message).to.include("'reduce'").and.include(`group on ${orders().full_name}`);
    }
    const text = await rejection(orders().group(null, {}, {}, 'function () { throw "a text"; }'));
    expect(text.cause).to.equal('a text');
  });

  it('refuses arguments of other types before anything is sent', async () => {
    const collection = newClient('mongodb://127.0.0.1:1').get_database('d').get_collection('c');
    const group = collection.group as (...args: unknown[]) => Promise<unknown>;
    for (const args of [
      [5, {}, {}, SUM],
      [[5], {}, {}, SUM],
      [null, 5, {}, SUM],
      [null, {}, null, SUM],
      [null, {}, {}, 5],
      [null, {}, {}, SUM, 5],
    ]) {
      expect(await rejection(group(...args))).to.be.instanceOf(TypeError);
    }
  });

  it('asks a server once whether it knows the command, and lets one that does answer', async () => {
    const proxy = await newProxy();
    await fill();
    const collection = newClient(proxy).get_database(DATABASE).get_collection(orders().name);
    proxy.on('group', answer({ retval: [{ from: 'the server' }], count: 1, keys: 1, ok: 1 }));
    const code = new Code('function (doc, group) { group.n += step; }', { step: 2 });
    expect(await collection.group(['who'], {}, { n: 0 }, code)).to.deep.equal([{ from: 'the server' }]);
    const sent = proxy.commands.find(({ name }) => name === 'group')?.document.group;
    expect(sent)
      .to.include({ ns: orders().name })
      .and.deep.include({ key: { who: 1 }, initial: { n: 0 } });
    // Servers since 4.4 refuse code with a scope.
    expect(sent.$reduce.scope ?? null).to.equal(null);
    expect(String(sent.$reduce.code)).to.include('var step = 2;');

    expect(await collection.group(['who'], {}, { n: 0 }, code)).to.have.length(3);
    expect(await collection.group(null, {}, { n: 0 }, code)).to.deep.equal([{ n: 8 }]);
    expect(proxy.count('group')).to.equal(2);
  });

  it('warns once per client', async () => {
    const collection = await fill();
    const before = warnings().length;
    await collection.group(null, {}, { total: 0 }, SUM);
    await collection.group(null, {}, { total: 0 }, SUM);
    expect(warnings().slice(before))
      .to.have.length(1)
      .and.satisfy(([text]: string[]) => text?.startsWith('group: '));
  });
});

describe("command('group')", () => {
  collectWarnings();
  const things = freshCollection();

  eachForm((call) => {
    it('is served in any spelling, and gives the whole reply', async () => {
      await things().insert([{ a: 1 }, { a: 1 }, { a: 2 }]);
      const group = {
        ns: things().name,
        key: { a: 1 },
        initial: { n: 0 },
        $reduce: 'function (doc, group) { group.n++; }',
      };
      expect(await call(things().database, 'command', { GROUP: group })).to.deep.equal({
        retval: [
          { a: 1, n: 2 },
          { a: 2, n: 1 },
        ],
        count: 3,
        keys: 2,
        ok: 1,
      });
    });

    it('gives a failure as the reply, or lets it pass, when it is told so', async () => {
      await things().insert({ a: 1 });
      const group = { ns: things().name, key: {}, initial: {}, $reduce: 'function () { throw 1; }' };
      const { database } = things();
      expect(await call(database, 'command', { group }, 1, { check: false })).to.include({ ok: 0, code: 139 });
      expect(await call(database, 'command', { group }, 1, { allowable_errors: [139] })).to.include({ code: 139 });
      const error = await rejection(call(database, 'command', { group }));
      expect(error).to.be.instanceOf(OperationFailure).and.not.instanceOf(DuplicateKeyError);
    });
  });
});

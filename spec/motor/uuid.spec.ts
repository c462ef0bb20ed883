import { Binary, DBRef, type Document, UUID } from 'bson';
import { expect } from 'chai';
import { ConfigurationError, type MotorCollection, type MotorCommandCursor, SON } from '../../lib/index';
import { type Call, DATABASE, eachForm, freshCollection, newClient } from '../support/clients';
import { server } from '../support/hooks';
import { runRaw } from '../support/rawClient';
import { rejection } from '../support/rejection';

const ID = new UUID('00112233-4455-6677-8899-aabbccddeeff');

/** What is stored for `ID`, by `uuid_subtype`. */
const STORED = {
  3: [3, '00112233445566778899aabbccddeeff'],
  4: [4, '00112233445566778899aabbccddeeff'],
  5: [3, '7766554433221100ffeeddccbbaa9988'],
  6: [3, '33221100554477668899aabbccddeeff'],
} as const;

const SUBTYPES = [3, 4, 5, 6] as const;

function storedAs(value: unknown): unknown {
  const { sub_type, buffer } = value as Binary;
  return [sub_type, Buffer.from(buffer).toString('hex')];
}

async function raw(collection: MotorCollection): Promise<Document[]> {
  return (await runRaw(server(), DATABASE, { find: collection.name, sort: { n: 1 } })).cursor.firstBatch;
}

describe('UUIDs', () => {
  const things = freshCollection();

  eachForm((call: Call) => {
    for (const subtype of SUBTYPES) {
      it(`are written, found and read by uuid_subtype ${subtype}`, async () => {
        const collection = things();
        collection.uuid_subtype = subtype;
        expect(collection.uuid_subtype).to.equal(subtype);
        const document = { _id: ID, n: 1, deep: { list: [ID, { id: ID }], son: new SON([['id', ID]]) } };
        expect(await call(collection, 'insert', document)).to.equal(ID);
        const [found] = await raw(collection);
        for (const value of [found?._id, found?.deep.list[0], found?.deep.list[1].id, found?.deep.son.id]) {
          expect(storedAs(value)).to.deep.equal(STORED[subtype]);
        }
        expect(document._id).to.equal(ID); // the caller's document stays as it is

        const expected = { _id: ID, n: 1, deep: { list: [ID, { id: ID }], son: { id: ID } } };
        expect(await call(collection, 'find_one', ID)).to.deep.equal(expected);
        expect(await call(collection, 'find_one', { 'deep.son.id': { $in: [ID] } })).to.deep.equal(expected);
        expect(await call(collection.find({ _id: ID }), 'to_list', null)).to.deep.equal([expected]);
        expect(await call(collection.find({ _id: ID }), 'count')).to.equal(1);
        expect(await call(collection.find({ _id: ID }), 'distinct', '_id')).to.deep.equal([ID]);
        expect(await call(collection, 'distinct', '_id')).to.deep.equal([ID]);
        expect(await call(collection, 'aggregate', [{ $match: { _id: ID } }])).to.deep.include({ result: [expected] });
        const changed = await call(collection, 'find_and_modify', { _id: ID }, { $set: { x: ID } }, { new: true });
        expect(changed).to.deep.equal({ ...expected, x: ID });
        expect(await call(collection, 'update', { _id: ID }, { $set: { y: ID } })).to.include({ n: 1 });
        expect(await call(collection, 'update', { _id: ID }, { n: 1, y: ID })).to.include({ n: 1 });
        expect(await call(collection, 'save', { _id: ID, n: 1, z: ID })).to.equal(ID);
        const [saved] = await raw(collection);
        expect(storedAs(saved?._id)).to.deep.equal(STORED[subtype]);
        expect(storedAs(saved?.z)).to.deep.equal(STORED[subtype]);
        expect(await call(collection, 'insert', [{ n: 2, id: ID }, { n: 3 }])).to.have.length(2);
        expect(storedAs((await raw(collection))[1]?.id)).to.deep.equal(STORED[subtype]);
        expect(await call(collection, 'remove', ID)).to.include({ n: 1 });
      });
    }
  });

  eachForm((call) => {
    for (const subtype of SUBTYPES) {
      it(`are written and read as uuid_subtype ${subtype} says in bulk, by group, map_reduce and parallel_scan`, async () => {
        const collection = things();
        collection.uuid_subtype = subtype;
        const bulk = collection.initialize_ordered_bulk_op();
        bulk.insert({ _id: 1, id: ID, n: 1 });
        bulk.insert({ _id: 2, id: ID, n: 2 });
        bulk.insert({ _id: 3, id: new UUID(), n: 3 });
        bulk.find({ id: ID }).update({ $set: { other: ID } });
        expect(await call(bulk, 'execute')).to.include({ nInserted: 3, nMatched: 2 });
        const [first] = await raw(collection);
        for (const value of [first?.id, first?.other]) expect(storedAs(value)).to.deep.equal(STORED[subtype]);

        const count = 'function (document, group) { group.n += document.n; }';
        const groups = await call(collection, 'group', ['id'], { other: ID }, { n: 0 }, count, null);
        expect(groups).to.deep.equal([{ id: ID, n: 3 }]);

        const map = 'function () { emit(this.id, this.id.toString() === wanted.toString() ? this.n : 0); }';
        const reduce = 'function (key, values) { return Array.sum(values); }';
        const kw = { query: { other: ID }, scope: { wanted: ID } };
        const reduced = [{ _id: ID, value: 3 }];
        expect(await call(collection, 'inline_map_reduce', map, reduce, kw)).to.deep.equal(reduced);

        const [part] = (await call(collection, 'parallel_scan', 1)) as MotorCommandCursor[];
        const found = (await part?.to_list(null)) as Document[];
        expect(found.filter(({ id }) => ID.equals(id)).map(({ _id }) => _id)).to.have.members([1, 2]);
      });
    }
  });

  it('are subtype 3 by default, and what the client says', async () => {
    expect(things().uuid_subtype).to.equal(3);
    for (const [representation, subtype] of [
      ['standard', 4],
      ['javaLegacy', 5],
      ['csharpLegacy', 6],
    ] as const) {
      const client = newClient(server(), { uuidRepresentation: representation });
      const collection = client.get_database(DATABASE).get_collection(things().name);
      expect(collection.uuid_subtype).to.equal(subtype);
      await collection.insert({ _id: representation, id: ID });
      const [found] = (await raw(things())).filter(({ _id }) => _id === representation);
      expect(storedAs(found?.id)).to.deep.equal(STORED[subtype]);
      expect(await collection.find_one(representation)).to.deep.equal({ _id: representation, id: ID });
    }
  });

  it('of both subtypes are read, whatever the setting', async () => {
    for (const [n, subtype] of SUBTYPES.entries()) {
      const collection = things().database.get_collection(things().name);
      collection.uuid_subtype = subtype;
      await collection.insert({ n, id: ID });
    }
    const read = async (subtype: 3 | 4 | 5 | 6) => {
      const collection = things().database.get_collection(things().name);
      collection.uuid_subtype = subtype;
      const documents = await collection.find().sort('n', 1).to_list(null);
      return documents.map(({ id }) => (id instanceof UUID ? id.equals(ID) : `no UUID: ${id}`));
    };
    expect(await read(3)).to.deep.equal([true, true, false, false]);
    expect(await read(4)).to.deep.equal([true, true, false, false]);
    expect(await read(5)).to.deep.equal([false, true, true, false]);
    expect(await read(6)).to.deep.equal([false, true, false, true]);
  });

  it('that are Binary values are stored as they are', async () => {
    const bytes = Buffer.alloc(16, 1);
    await things().insert({
      n: 1,
      four: new Binary(bytes, 4),
      three: new Binary(bytes, 3),
      zero: new Binary(bytes, 0),
    });
    const [found] = await raw(things());
    expect(storedAs(found?.four)).to.deep.equal([4, bytes.toString('hex')]);
    expect(storedAs(found?.three)).to.deep.equal([3, bytes.toString('hex')]);
    const read = (await things().find_one()) as Document;
    expect(read.four).to.be.instanceOf(UUID);
    expect(read.three).to.be.instanceOf(UUID);
    expect(read.zero).to.be.instanceOf(Binary).and.not.instanceOf(UUID);
  });

  it('leave alone what only looks like one', async () => {
    const document = {
      _id: 1,
      text: Buffer.from([16, 0, 0, 0, 3]).toString('latin1'),
      short: new Binary(Buffer.alloc(15, 1), 3),
      long: new Binary(Buffer.alloc(17, 1), 3),
      bytes: new Binary(Buffer.from([16, 0, 0, 0, 3])),
    };
    await things().insert(document);
    expect(await things().find_one()).to.deep.equal(document);
  });

  it('are read in references, and in documents of a class', async () => {
    await things().insert({ _id: 1, ref: new DBRef('c', ID as never), id: { inner: [ID] } });
    const [stored] = await raw(things());
    expect(storedAs(stored?.ref.oid)).to.deep.equal(STORED[3]);
    expect(await things().find_one()).to.deep.equal({ _id: 1, ref: new DBRef('c', ID as never), id: { inner: [ID] } });
    const son = (await things().find_one({}, { as_class: SON })) as SON;
    expect((son.get('id') as SON).get('inner')).to.deep.equal([ID]);
  });

  it('of a cursor are read in every batch', async () => {
    await things().insert(Array.from({ length: 7 }, (_, n) => ({ n, id: ID })));
    const documents = await things().find().batch_size(3).to_list(null);
    expect(documents.every(({ id }) => id instanceof UUID && id.equals(ID))).to.equal(true);
  });

  it('of a command are written and read by its keyword', async () => {
    const { database, name } = things();
    for (const subtype of SUBTYPES) {
      const documents = [{ _id: subtype, n: subtype, id: ID }];
      await database.command('insert', name, { documents, uuid_subtype: subtype });
      const reply = await database.command('find', name, { filter: { id: ID, n: subtype }, uuid_subtype: subtype });
      expect(reply.cursor.firstBatch).to.deep.equal(documents);
    }
    expect((await raw(things())).map(({ id }) => storedAs(id))).to.deep.equal(SUBTYPES.map((one) => STORED[one]));
    for (const wrong of [0, 7, '3', null, true]) {
      const error = await rejection(database.command('ping', 1, { uuid_subtype: wrong as never }));
      expect(error).to.be.instanceOf(ConfigurationError).with.property('message').that.includes('uuid_subtype');
    }
  });

  it('have no other subtypes', () => {
    const collection = things();
    for (const wrong of [0, 2, 7, 3.5, '4', null, undefined, Number.NaN]) {
      expect(() => Object.assign(collection, { uuid_subtype: wrong }), String(wrong)).to.throw(
        ConfigurationError,
        'uuid_subtype must be 3',
      );
    }
    expect(collection.uuid_subtype).to.equal(3);
  });

  it('are a setting of one collection object', () => {
    const collection = things();
    collection.uuid_subtype = 4;
    expect(collection.database.get_collection(collection.name).uuid_subtype).to.equal(3);
    expect(collection.get_collection('sub').uuid_subtype).to.equal(3);
  });
});

import { type Document, Long } from 'bson';
import { expect } from 'chai';
import {
  CollectionInvalid,
  DBRef,
  InvalidDocument,
  InvalidName,
  type MotorClient,
  MotorCollection,
  MotorDatabase,
  OperationFailure,
  SON,
  ValueError,
} from '../../lib/index';
import { DATABASE, eachForm, freshCollection, newClient, newProxy, uniqueName } from '../support/clients';
import { answer } from '../support/faults';
import type { SeenCommand } from '../support/proxy';
import { rejection } from '../support/rejection';
import { warningsOf } from '../support/warnings';

/** No name and no collection. */
const NO_NAMES = [5, null, undefined, Number.NaN, true, [], {}, new Date()];

/** A database behind a proxy that answers a command itself, and what it was asked. */
async function answered(name: string, reply: Document): Promise<{ database: MotorDatabase; seen: SeenCommand[] }> {
  const proxy = await newProxy();
  const seen: SeenCommand[] = [];
  const note = (command: SeenCommand) => {
    seen.push(command);
    return reply;
  };
  proxy.on(name, answer(note), 20);
  return { database: newClient(proxy).get_database(DATABASE), seen };
}

describe('A MotorDatabase', () => {
  it('is made of a client and a name, without I/O', () => {
    const client = newClient('mongodb://127.0.0.1:1');
    const database = new MotorDatabase(client, 'd') as MotorDatabase;
    expect(database).to.include({ name: 'd', connection: client });
    for (const wrong of [null, undefined, 'localhost', {}, 5, database]) {
      expect(() => new MotorDatabase(wrong as unknown as MotorClient, 'd')).to.throw(
        TypeError,
        'must be a MotorClient',
      );
    }
    expect(() => new MotorDatabase(client, 'a.b')).to.throw(InvalidName, "'a.b' must not contain '.'");
    expect(() => new MotorDatabase(client, 5 as unknown as string)).to.throw(TypeError, 'must be a string');
  });

  it('gives collections of any name', () => {
    const database = newClient().get_database('d');
    expect(database.a?.b?.c?.full_name).to.equal('d.a.b.c');
    expect(database.get_collection('name').full_name).to.equal('d.name');
    expect(database._hidden?.full_name).to.equal('d._hidden');
    expect(database.a).not.to.equal(database.a);
    expect(database.a?.database).to.equal(database);
    expect(database.a?.b?.database).to.equal(database);
  });
});

eachForm((call) => {
  describe('MotorDatabase.command', () => {
    const things = freshCollection();
    const database = () => things().database;

    it('takes a name, a name with a value, or the whole document', async () => {
      await things().insert([{ _id: 1 }, { _id: 2 }]);
      const { name } = things();
      expect(await call(database(), 'command', 'ping')).to.include({ ok: 1 });
      expect(await call(database(), 'command', 'count', name)).to.include({ n: 2 });
      expect(await call(database(), 'command', 'count', name, { query: { _id: 2 } })).to.include({ n: 1 });
      expect(await call(database(), 'command', { count: name, query: { _id: 2 } })).to.include({ n: 1 });
      expect(await call(database(), 'command', { count: name }, 1, { limit: 1 })).to.include({ n: 1 });
      const son = new SON([
        ['distinct', name],
        ['key', '_id'],
      ]);
      expect((await call(database(), 'command', son)).values).to.deep.equal([1, 2]);
      expect((await call(database(), 'command', son, { query: { _id: 1 } })).values).to.deep.equal([1]);
      expect([...son.keys()]).to.deep.equal(['distinct', 'key']);
    });

    it('takes a plain object in the place of the value for keywords', async () => {
      expect(await call(database(), 'command', 'buildInfo', { check: true })).to.have.property('version');
    });

    it('makes a document of a list in fields', async () => {
      const { database, seen } = await answered('count', { ok: 1 });
      await call(database, 'command', 'count', 'c', { fields: ['a', 'b'] });
      expect(seen[0]?.document.fields).to.deep.equal({ a: 1, b: 1 });
    });

    it('fails with what the server says, unless it is not to check', async () => {
      const error = await rejection(call(database(), 'command', 'noSuchCommand'));
      expect(error).to.be.instanceOf(OperationFailure).with.property('code', 59);
      expect(error.message).to.include('noSuchCommand');
      const { ok, code } = await call(database(), 'command', 'noSuchCommand', { check: false });
      expect({ ok, code }).to.deep.equal({ ok: 0, code: 59 });
    });

    it('lets failures pass that are allowed, by code or by message', async () => {
      const { errmsg } = await call(database(), 'command', 'noSuchCommand', { check: false });
      for (const allowed of [59, errmsg]) {
        expect(await call(database(), 'command', 'noSuchCommand', { allowable_errors: [1, allowed] })).to.include({
          ok: 0,
        });
      }
      for (const allowable_errors of [[], [58], ['no such'], null]) {
        const error = await rejection(call(database(), 'command', 'noSuchCommand', { allowable_errors }));
        expect(error).to.be.instanceOf(OperationFailure);
      }
    });

    it('refuses what is no command, and keywords of a wrong type', async () => {
      for (const wrong of [null, undefined, 5, Number.NaN, true, [], ['ping'], new Date(), {}, '', new SON()]) {
        const error = await rejection(call(database(), 'command', wrong));
        expect(error, String(wrong)).to.be.instanceOf(TypeError).with.property('message').that.includes('command: ');
      }
      for (const kw of [
        { check: 1 },
        { check: null },
        { allowable_errors: 59 },
        { allowable_errors: 'no such' },
        { allowable_errors: [{}] },
        { compile_re: 'no' },
        { as_class: 'SON' },
      ]) {
        expect(await rejection(call(database(), 'command', 'ping', kw))).to.be.instanceOf(TypeError);
      }
    });

    it('refuses values that cannot be encoded', async () => {
      for (const value of [Symbol('a'), 2n ** 70n, new Date(Number.NaN), new Set([1]), () => 1]) {
        const error = await rejection(call(database(), 'command', 'ping', 1, { comment: [value] }));
        expect(error).to.be.instanceOf(InvalidDocument).with.property('message').that.includes('comment');
      }
    });

    it('gives the reply, and all documents in it, in the class that was asked for', async () => {
      await things().insert({ _id: 1, a: { 9: 'nine', 1: 'one' } });
      for (const asClass of [SON, Map]) {
        const reply = (await call(database(), 'command', 'find', things().name, { as_class: asClass })) as Map<
          string,
          unknown
        >;
        expect(reply).to.be.instanceOf(asClass);
        expect(reply.get('ok')).to.equal(1);
        const cursor = reply.get('cursor') as Map<string, unknown>;
        expect(cursor).to.be.instanceOf(asClass);
        expect(cursor.get('ns')).to.equal(things().full_name);
        const [document] = cursor.get('firstBatch') as Map<string, unknown>[];
        expect(document).to.be.instanceOf(asClass);
        expect(document?.get('a')).to.be.instanceOf(asClass);
      }
      things().database.connection.document_class = SON;
      const reply = await call(database(), 'command', 'ping');
      expect(reply).to.be.instanceOf(SON).with.property('size').that.is.above(0);
      expect(reply.get('ok')).to.equal(1);
      const failed = await call(database(), 'command', 'noSuchCommand', { check: false });
      expect(failed.get('code')).to.equal(59);
    });

    it('gives regular expressions uncompiled if wished', async () => {
      await things().insert({ _id: 1, r: /a/i });
      const found = async (kw: object) =>
        (await call(database(), 'command', 'find', things().name, kw)).cursor.firstBatch[0].r as unknown;
      expect(await found({})).to.be.instanceOf(RegExp);
      expect(await found({ compile_re: false })).to.include({ pattern: 'a', options: 'i' });
    });
  });

  describe('MotorDatabase.create_collection', () => {
    const things = freshCollection();

    it('gives the new collection, and CollectionInvalid the second time', async () => {
      const { database, name } = things();
      const collection = await call(database, 'create_collection', name);
      expect(collection).to.be.instanceOf(MotorCollection).with.property('name', name);
      expect(collection.database).to.equal(database);
      const error = await rejection(call(database, 'create_collection', name));
      expect(error)
        .to.be.instanceOf(CollectionInvalid)
        .with.property('message')
        .that.includes(`${DATABASE}.${name} already`);
    });

    it('passes options on, which can be read back exactly', async () => {
      const { database, name } = things();
      const collection = await call(database, 'create_collection', name, { capped: true, size: 4096 });
      expect(await call(collection, 'options')).to.deep.equal({ capped: true, size: 4096 });
      await collection.drop();
      const other = await call(database, 'create_collection', name, { validator: { a: 1 } });
      expect(await other.options()).to.deep.include({ validator: { a: 1 } });
    });

    it('drops autoIndexId: true, and sends false', async () => {
      const { database, name } = things();
      await call(database, 'create_collection', name, { autoIndexId: true });
      const error = await rejection(call(database, 'create_collection', uniqueName(), { autoIndexId: false }));
      expect(error).to.be.instanceOf(OperationFailure);
    });

    it('refuses options of a wrong type before sending, and the server refuses the others', async () => {
      const { database, name } = things();
      for (const kw of [{ size: '4096' }, { size: Number.NaN }, { capped: 1 }, { max: 'x' }, { capped: null }]) {
        expect(await rejection(call(database, 'create_collection', name, kw))).to.be.instanceOf(TypeError);
      }
      for (const kw of [{ capped: true }, { capped: true, size: -1 }, { no_such_option: 1 }]) {
        expect(await rejection(call(database, 'create_collection', name, kw))).to.be.instanceOf(OperationFailure);
      }
      expect(await database.collection_names()).not.to.include(name);
    });

    it('reads the code 48 as CollectionInvalid, where another client was faster', async () => {
      const { database } = await answered('create', { ok: 0, code: 48, errmsg: 'already exists' });
      expect(await rejection(call(database, 'create_collection', uniqueName()))).to.be.instanceOf(CollectionInvalid);
    });
  });

  describe('MotorDatabase.drop_collection', () => {
    const things = freshCollection();

    it('drops by name or collection, and finds nothing missing', async () => {
      for (const by of ['name', 'collection'] as const) {
        await things().insert({ a: 1 });
        const argument = by === 'name' ? things().name : things();
        expect(await call(things().database, 'drop_collection', argument)).to.equal(null);
        expect(await things().database.collection_names()).not.to.include(things().name);
        expect(await call(things().database, 'drop_collection', argument)).to.equal(null);
      }
    });

    it('refuses anything else', async () => {
      for (const wrong of NO_NAMES) {
        const error = await rejection(call(things().database, 'drop_collection', wrong));
        expect(error)
          .to.be.instanceOf(TypeError)
          .with.property('message')
          .that.includes('expected a name or a MotorColl');
      }
    });
  });

  describe('MotorDatabase.validate_collection', () => {
    const things = freshCollection();

    it('gives the reply, by name or by collection', async () => {
      await things().insert({ a: 1 });
      const { database } = things();
      for (const argument of [things().name, things()]) {
        expect(await call(database, 'validate_collection', argument)).to.include({ ok: 1, valid: true });
        expect(await call(database, 'validate_collection', argument, { full: true })).to.include({ valid: true });
      }
    });

    it('sends scandata only when it is true', async () => {
      const { database, seen } = await answered('validate', { ok: 1, valid: true });
      await call(database, 'validate_collection', 'c');
      await call(database, 'validate_collection', 'c', { scandata: true, full: true });
      expect(seen.map(({ document }) => [document.scandata, document.full])).to.deep.equal([
        [undefined, false],
        [true, true],
      ]);
    });

    it('fails for a missing collection, and for damage, on any shard', async () => {
      expect(await rejection(call(things().database, 'validate_collection', 'nothing'))).to.be.instanceOf(
        OperationFailure,
      );
      for (const reply of [
        { ok: 1, valid: false },
        { ok: 1, raw: { a: { valid: true }, b: { valid: false } } },
      ]) {
        const { database } = await answered('validate', reply);
        const error = await rejection(call(database, 'validate_collection', 'c'));
        expect(error).to.be.instanceOf(CollectionInvalid).with.property('message').that.includes(`${DATABASE}.c`);
      }
    });

    it('refuses what is neither a name nor a collection, and wrong keywords', async () => {
      for (const wrong of NO_NAMES) {
        expect(await rejection(call(things().database, 'validate_collection', wrong))).to.be.instanceOf(TypeError);
      }
      expect(await rejection(call(things().database, 'validate_collection', 'c', { full: 1 }))).to.be.instanceOf(
        TypeError,
      );
    });
  });

  describe('MotorDatabase.collection_names', () => {
    it('gives all collections and views, and those of the system if wished', async () => {
      const database = newClient().get_database(uniqueName());
      await database.get_collection('a.b').insert({ a: 1 });
      await database.create_collection('seen', { viewOn: 'a.b', pipeline: [] });
      expect(await call(database, 'collection_names')).to.have.members(['a.b', 'seen', 'system.views']);
      expect(await call(database, 'collection_names', true)).to.include('system.views');
      expect(await call(database, 'collection_names', false)).to.have.members(['a.b', 'seen']);
      await database.connection.drop_database(database);
    });

    it('leaves out names with $, and takes booleans only', async () => {
      const firstBatch = [{ name: 'a' }, { name: 'a.$b' }];
      const reply = { ok: 1, cursor: { id: Long.ZERO, ns: `${DATABASE}.$cmd.listCollections`, firstBatch } };
      const { database } = await answered('listCollections', reply);
      expect(await call(database, 'collection_names')).to.deep.equal(['a']);
      for (const wrong of [1, 'true', null]) {
        expect(await rejection(call(database, 'collection_names', wrong))).to.be.instanceOf(TypeError);
      }
      expect(await rejection(call(database, 'collection_names', { no_such: 1 }))).to.be.instanceOf(TypeError);
    });

    it('is empty for a database that does not exist', async () => {
      expect(await call(newClient().get_database(uniqueName()), 'collection_names')).to.deep.equal([]);
    });
  });

  describe('MotorDatabase.current_op', () => {
    it('asks admin, whatever the database', async () => {
      const reply = await call(newClient().get_database('d'), 'current_op');
      expect(reply.inprog).to.be.an('array');
      const { database, seen } = await answered('currentOp', { ok: 1, inprog: [] });
      await call(database, 'current_op');
      await call(database, 'current_op', true);
      expect(seen.map(({ db, document }) => [db, document.$all])).to.deep.equal([
        ['admin', undefined],
        ['admin', true],
      ]);
      expect(await rejection(call(database, 'current_op', 1))).to.be.instanceOf(TypeError);
    });
  });

  describe('MotorDatabase, profiling', () => {
    it('reads the level', async () => {
      const { database, seen } = await answered('profile', { ok: 1, was: 1, slowms: 100 });
      expect(await call(database, 'profiling_level')).to.equal(1);
      expect(seen[0]).to.deep.include({ db: DATABASE });
      expect(seen[0]?.document.profile).to.equal(-1);
    });

    it('sets the level', async () => {
      const { database, seen } = await answered('profile', { ok: 1, was: 0 });
      for (const level of [0, 1, 2]) expect(await call(database, 'set_profiling_level', level)).to.equal(null);
      expect(await call(database, 'set_profiling_level', 1, 250)).to.equal(null);
      expect(await call(database, 'set_profiling_level', 1, null)).to.equal(null);
      expect(seen.map(({ document }) => [document.profile, document.slowms])).to.deep.equal([
        [0, undefined],
        [1, undefined],
        [2, undefined],
        [1, 250],
        [1, undefined],
      ]);
    });

    it('refuses other levels, and slow_ms that is no integer', async () => {
      const { database, seen } = await answered('profile', { ok: 1 });
      for (const level of [5.5, null, undefined, 3, -1, '1', Number.NaN, true, [], {}]) {
        const error = await rejection(call(database, 'set_profiling_level', level));
        expect(error, String(level))
          .to.be.instanceOf(ValueError)
          .with.property('message')
          .that.includes('level must be 0');
      }
      for (const slow of ['100', 1.5, Number.NaN, true, []]) {
        expect(await rejection(call(database, 'set_profiling_level', 1, slow))).to.be.instanceOf(TypeError);
      }
      expect(seen).to.deep.equal([]);
    });

    it('gives what was profiled', async () => {
      expect(await call(newClient().get_database(uniqueName()), 'profiling_info')).to.deep.equal([]);
      const firstBatch = [{ op: 'query' }];
      const reply = { ok: 1, cursor: { id: Long.ZERO, ns: `${DATABASE}.system.profile`, firstBatch } };
      const { database } = await answered('find', reply);
      expect(await call(database, 'profiling_info')).to.deep.equal(firstBatch);
    });
  });

  describe('MotorDatabase.dereference', () => {
    const things = freshCollection();
    const reference = (id: unknown, database?: string) => new DBRef(things().name, id as DBRef['oid'], database);

    it('gives the document, or null', async () => {
      await things().insert({ _id: 5, a: 1 });
      const { database } = things();
      expect(await call(database, 'dereference', reference(5))).to.deep.equal({ _id: 5, a: 1 });
      expect(await call(database, 'dereference', reference(5, DATABASE))).to.deep.equal({ _id: 5, a: 1 });
      expect(await call(database, 'dereference', reference(6))).to.equal(null);
    });

    it('works with a reference that was read', async () => {
      await things().insert([{ _id: 1, to: reference(2) }, { _id: 2 }]);
      const { to } = (await things().find_one(1)) as Document;
      expect(await call(things().database, 'dereference', to)).to.deep.equal({ _id: 2 });
    });

    it('refuses what is none, and one to another database', async () => {
      for (const wrong of [5, null, undefined, 'a', {}, { $ref: 'c', $id: 1 }, []]) {
        const error = await rejection(call(things().database, 'dereference', wrong));
        expect(error).to.be.instanceOf(TypeError).with.property('message').that.includes('must be a DBRef');
      }
      const error = await rejection(call(things().database, 'dereference', reference(5, 'other')));
      expect(error).to.be.instanceOf(ValueError).with.property('message').that.includes("'other'");
    });
  });
});

describe('The read preference of a command', () => {
  const preferenceSent = async (...args: [string | Document, unknown, Record<string, unknown>?]) => {
    const { database, seen } = await answered(String(typeof args[0] === 'string' ? args[0] : Object.keys(args[0])[0]), {
      ok: 1,
    });
    let done: Promise<Document> | null = null;
    const warnings = warningsOf(() => {
      done = database.command(args[0] as string, args[1], { read_preference: 2, ...args[2] });
    });
    await done;
    return { sent: seen[0]?.document.$readPreference as unknown, warnings };
  };

  it('is sent with the commands that read', async () => {
    for (const name of ['count', 'CollStats', 'dbStats', 'distinct', 'group', 'geoNear']) {
      expect(await preferenceSent(name, 'c'), name).to.deep.equal({ sent: { mode: 'primaryPreferred' }, warnings: [] });
    }
    expect((await preferenceSent('aggregate', 'c', { pipeline: [] })).sent).to.deep.equal({ mode: 'primaryPreferred' });
    expect((await preferenceSent('mapReduce', 'c', { out: { inline: 1 } })).sent).to.deep.equal({
      mode: 'primaryPreferred',
    });
  });

  it('is not sent with others, with a warning', async () => {
    for (const [name, kw] of [
      ['ping', {}],
      ['drop', {}],
      ['aggregate', { pipeline: [{ $match: {} }, { $out: 'd' }] }],
      ['aggregate', { pipeline: [{ $merge: 'd' }] }],
      ['mapReduce', { out: 'd' }],
      ['mapReduce', { out: { replace: 'd' } }],
    ] as const) {
      const { sent, warnings } = await preferenceSent(name, 'c', kw);
      expect(sent, name).to.equal(undefined);
      expect(warnings).to.have.length(1);
      expect(warnings[0]).to.include(`'${name.toLowerCase()}' always goes to the primary`);
    }
  });
});

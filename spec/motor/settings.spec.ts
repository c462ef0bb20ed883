import { expect } from 'chai';
import {
  ConfigurationError,
  DuplicateKeyError,
  MotorClient,
  type MotorCollection,
  type MotorDatabase,
} from '../../lib/index';
import { newClient } from '../support/clients';
import { rejection } from '../support/rejection';

type Settable = Record<string, unknown>;

const clientWith = (kw: Record<string, unknown>): MotorClient => new MotorClient('localhost', null, kw) as MotorClient;

describe('The settings that client, database and collection have in common', () => {
  /** The three, each made from the one before. */
  function family(kw: Record<string, unknown> = {}): [MotorClient, MotorDatabase, MotorCollection] {
    const client = clientWith(kw);
    const database = client.get_database('d');
    return [client, database, database.get_collection('c')];
  }

  it('have their defaults', () => {
    for (const one of family()) {
      expect(one).to.include({ read_preference: 0, secondary_acceptable_latency_ms: 15 });
      expect(one.tag_sets).to.deep.equal([{}]);
      expect(one.write_concern).to.deep.equal({});
    }
  });

  it('are read back as they were given to the client', () => {
    const kw = {
      read_preference: 'nearest',
      tag_sets: [{ dc: 'ny' }, {}],
      secondary_acceptable_latency_ms: 77,
      w: 2,
      wtimeout: 5,
    };
    for (const one of family(kw)) {
      expect(one).to.include({ read_preference: 4, secondary_acceptable_latency_ms: 77 });
      expect(one.tag_sets).to.deep.equal([{ dc: 'ny' }, {}]);
      expect(one.write_concern).to.deep.equal({ w: 2, wtimeout: 5 });
    }
    expect(clientWith({ j: true }).write_concern).to.deep.equal({ j: true });
    const { write_concern } = new MotorClient(
      'mongodb://localhost/?w=majority&journal=true&wtimeoutMS=9',
    ) as MotorClient;
    expect(write_concern).to.deep.equal({ w: 'majority', j: true, wtimeout: 9 });
  });

  it('are copied when a child is made, and not later', () => {
    const [client, database, collection] = family();
    client.read_preference = 3;
    client.write_concern = { w: 2 };
    client.secondary_acceptable_latency_ms = 5;
    expect(database).to.include({ read_preference: 0, secondary_acceptable_latency_ms: 15 });
    expect(database.write_concern).to.deep.equal({});
    expect(client.get_database('d')).to.include({ read_preference: 3, secondary_acceptable_latency_ms: 5 });
    expect(client.get_database('d').write_concern).to.deep.equal({ w: 2 });
    database.write_concern.w = 3;
    expect(collection.write_concern).to.deep.equal({});
    expect(client.write_concern).to.deep.equal({ w: 2 });
    expect(database.get_collection('c').write_concern).to.deep.equal({ w: 3 });
  });

  it('read_preference takes numbers and names, and reads back as the number', () => {
    for (const one of family()) {
      for (const [given, read] of [
        [1, 1],
        ['primaryPreferred', 1],
        ['secondary', 2],
        ['secondaryPreferred', 3],
        ['nearest', 4],
        ['primary', 0],
      ] as const) {
        one.read_preference = given;
        expect(one.read_preference).to.equal(read);
      }
      for (const wrong of [5, -1, 1.5, 'first', null, undefined, {}, true, Number.NaN]) {
        expect(() => Reflect.set(one, 'read_preference', wrong, one), String(wrong)).to.throw(
          ConfigurationError,
          'read_preference',
        );
      }
      expect(one.read_preference).to.equal(0);
    }
  });

  it('tag_sets take a list of documents, and null for any member', () => {
    for (const one of family({ read_preference: 2 })) {
      one.tag_sets = [{ dc: 'ny' }];
      expect(one.tag_sets).to.deep.equal([{ dc: 'ny' }]);
      (one as unknown as Settable).tag_sets = null;
      expect(one.tag_sets).to.deep.equal([{}]);
      for (const wrong of [[], {}, 'dc', 5, [5], [null], true]) {
        expect(() => Reflect.set(one, 'tag_sets', wrong, one), String(wrong)).to.throw(ConfigurationError, 'tag_sets');
      }
    }
  });

  it('PRIMARY with tags is refused when it is made so, and when it is to be read', async () => {
    expect(() => clientWith({ read_preference: 'secret' })).to.throw(ConfigurationError, /not a string$/);
    expect(() => clientWith({ read_preference: 0, tag_sets: [{ dc: 'ny' }] })).to.throw(ConfigurationError);
    const client = newClient('mongodb://127.0.0.1:1');
    const collection = client.get_database('d').get_collection('c');
    collection.tag_sets = [{ dc: 'ny' }];
    for (const read of [
      () => collection.find_one(),
      () => collection.count(),
      () => collection.distinct('a'),
      () => collection.aggregate([]),
    ]) {
      expect(await rejection(read()))
        .to.be.instanceOf(ConfigurationError)
        .with.property('message')
        .that.includes('PRIMARY');
    }
    expect(() => collection.find()).to.throw(ConfigurationError, 'PRIMARY');
    collection.read_preference = 2;
    expect(() => collection.find()).not.to.throw();
  });

  it('secondary_acceptable_latency_ms is a number between 0 and 1e9', () => {
    for (const one of family()) {
      one.secondary_acceptable_latency_ms = 0.5;
      expect(one.secondary_acceptable_latency_ms).to.equal(0.5);
      for (const wrong of [0, -1, 1e9, Number.NaN, Number.POSITIVE_INFINITY, 'x', null, undefined, {}]) {
        expect(() => Reflect.set(one, 'secondary_acceptable_latency_ms', wrong, one), String(wrong)).to.throw(
          Error,
          'secondary_acc',
        );
      }
    }
  });

  it('write_concern is live when read, and copied when assigned', () => {
    for (const one of family()) {
      one.write_concern.w = 2;
      expect(one.write_concern).to.deep.equal({ w: 2 });
      one.write_concern.j = true;
      delete one.write_concern.w;
      expect(one.write_concern).to.deep.equal({ j: true });
      const given = { w: 1, wtimeout: 5 };
      one.write_concern = given;
      given.w = 7;
      expect(one.write_concern).to.deep.equal({ w: 1, wtimeout: 5 });
      one.write_concern = { wtimeoutMS: 3, journal: true } as object;
      expect(one.write_concern).to.deep.equal({ wtimeout: 3, j: true });
      one.write_concern = {};
      for (const wrong of [null, undefined, 5, 'majority', [], true]) {
        expect(() => Reflect.set(one, 'write_concern', wrong, one), String(wrong)).to.throw(
          ConfigurationError,
          'write_concern',
        );
      }
      expect(() => Reflect.set(one, 'write_concern', { nonsense: 1 }, one)).to.throw(ConfigurationError, 'nonsense');
      for (const wrong of [{ w: {} }, { w: -1 }, { wtimeout: 'x' }, { j: 'x' }, { fsync: 5 }]) {
        expect(() => Reflect.set(one, 'write_concern', wrong, one), JSON.stringify(wrong)).to.throw(
          Error,
          Object.keys(wrong)[0],
        );
      }
      expect(one.write_concern).to.deep.equal({});
    }
  });

  it('a duplicate fails by all of them but w: 0', async () => {
    const things = newClient().get_database('motor_spec').get_collection('settings_w0');
    await things.insert({ _id: 1 });
    for (const concern of [{}, { w: 1 }, { j: true }, { fsync: true }, { wtimeout: 100 }, { w: 'majority' }]) {
      things.write_concern = concern;
      expect(await rejection(things.insert({ _id: 1 })), JSON.stringify(concern)).to.be.instanceOf(DuplicateKeyError);
    }
    things.write_concern = { w: 0 };
    expect(await things.insert({ _id: 1 })).to.equal(1);
    expect(await rejection(things.insert({ _id: 1 }, { w: 1 }))).to.be.instanceOf(DuplicateKeyError);
    await things.drop();
  });
});

import { DuplicateKeyError, MotorClient, type MotorCollection, type MotorDatabase, SON } from 'motor-mongo';
import { gen } from 'motor-mongo/compat/tornado';
import type { Place, Title } from './steps';

/** The tutorial with Tornado's coroutines: `yield` waits for a Promise, as Python's `yield` waits for a Future. */
export function coroutines(place: Place): Record<Title, () => Promise<unknown>> {
  let client: MotorClient;
  let db: MotorDatabase;
  let collection: MotorCollection;

  return {
    'Create a client': gen.coroutine(() => {
      client = new MotorClient(place.uri, { max_pool_size: 10 });
      return client.max_pool_size;
    }),

    'Get a database': gen.coroutine(() => {
      db = client.get_database(place.database);
      return db.name;
    }),

    'Get a collection': gen.coroutine(() => {
      collection = db.get_collection(place.collection);
      return collection.database.equals(db);
    }),

    'Insert a document': gen.coroutine(function* () {
      const id = yield collection.insert({ key: 'value' });
      return id;
    }),

    'Insert 2000 documents': gen.coroutine(function* () {
      const documents = Array.from({ length: 2000 }, (_, i) => ({ i }));
      const ids = yield collection.insert(documents);
      return ids.length;
    }),

    'Insert the same _id twice': gen.coroutine(function* () {
      yield collection.insert({ _id: 'twice' });
      try {
        return yield collection.insert({ _id: 'twice' });
      } catch (error) {
        if (error instanceof DuplicateKeyError) return `${error.name}, code ${error.code}`;
        throw error;
      }
    }),

    'Find one document': gen.coroutine(function* () {
      const document = yield collection.find_one({ i: { $lt: 1 } });
      return document;
    }),

    'Find many: to_list': gen.coroutine(function* () {
      const cursor = collection.find({ i: { $lt: 5 } }, { fields: ['i'] }).sort('i');
      const documents = yield cursor.to_list(100);
      return documents;
    }),

    'Find many: each': gen.coroutine(function* () {
      let sum = 0;
      const done = yield gen.Callback('end');
      collection.find({ i: { $lt: 5 } }).each((document, error) => {
        if (document) sum += document.i;
        else done(error);
      });
      const error = yield gen.Wait('end');
      if (error) throw error;
      return sum;
    }),

    'Find many: fetch_next': gen.coroutine(function* () {
      let sum = 0;
      const cursor = collection.find({ i: { $lt: 5 } });
      while (yield cursor.fetch_next) {
        sum += cursor.next_object()?.i;
      }
      return sum;
    }),

    'Find many: stop in the middle': gen.coroutine(function* () {
      const seen: number[] = [];
      const cursor = collection.find({ i: { $gte: 0 } }).sort('i');
      while (seen.length < 3 && (yield cursor.fetch_next)) {
        seen.push(cursor.next_object()?.i);
      }
      yield cursor.close();
      return seen;
    }),

    'Sort, skip and limit': gen.coroutine(function* () {
      const cursor = collection
        .find({ i: { $gte: 0 } }, { fields: { _id: false } })
        .sort([['i', -1]])
        .skip(10)
        .limit(3);
      return yield cursor.to_list(null);
    }),

    Count: gen.coroutine(function* () {
      // What is yielded together is asked together.
      const [all, few] = yield [collection.count(), collection.find({ i: { $gt: 1000 } }).count()];
      return { all, few };
    }),

    'Replace a document': gen.coroutine(function* () {
      const before = yield collection.find_one({ i: 50 });
      const { n } = yield collection.update({ i: 50 }, { key: 'value 2' });
      const after = yield collection.find_one(before._id);
      return { n, after };
    }),

    'Change a document': gen.coroutine(function* () {
      const result = yield collection.update({ i: 51 }, { $set: { key: 'value 3' } });
      return { result, after: yield collection.find_one({ i: 51 }) };
    }),

    'Change many documents': gen.coroutine(function* () {
      const result = yield collection.update({ i: { $gte: 1990 } }, { $set: { key: 'last' } }, { multi: true });
      return result.n;
    }),

    'Save a document': gen.coroutine(function* () {
      const document = { count: 1 };
      const id = yield collection.save(document);
      yield collection.save({ ...document, _id: id, count: 2 });
      return yield collection.find_one(id);
    }),

    'Remove documents': gen.coroutine(function* () {
      const result = yield collection.remove({ i: { $gte: 1000 } });
      return result;
    }),

    'Run a command: count': gen.coroutine(function* () {
      const command = new SON([
        ['count', collection.name],
        ['query', { i: { $lt: 10 } }],
      ]);
      const reply = yield db.command(command);
      return reply.n;
    }),

    'Run a command: distinct': gen.coroutine(function* () {
      const reply = yield db.command('distinct', collection.name, { key: 'key' });
      return reply.values;
    }),

    'Close the client': gen.coroutine(() => {
      client.close();
      return client.nodes;
    }),
  };
}

import { DuplicateKeyError, MotorClient, type MotorCollection, type MotorDatabase, SON } from 'motor-mongo';
import type { Place, Title } from './steps';

/** The tutorial with promises: a method that is called without a callback returns a Promise. */
export function promises(place: Place): Record<Title, () => Promise<unknown>> {
  let client: MotorClient;
  let db: MotorDatabase;
  let collection: MotorCollection;

  return {
    'Create a client': async () => {
      client = new MotorClient(place.uri, { max_pool_size: 10 });
      return client.max_pool_size;
    },

    'Get a database': async () => {
      db = client.get_database(place.database);
      return db.name;
    },

    'Get a collection': async () => {
      collection = db.get_collection(place.collection);
      return collection.database.equals(db);
    },

    'Insert a document': async () => {
      const id = await collection.insert({ key: 'value' });
      return id;
    },

    'Insert 2000 documents': async () => {
      const documents = Array.from({ length: 2000 }, (_, i) => ({ i }));
      const ids = await collection.insert(documents);
      return (ids as unknown[]).length;
    },

    'Insert the same _id twice': async () => {
      await collection.insert({ _id: 'twice' });
      try {
        return await collection.insert({ _id: 'twice' });
      } catch (error) {
        if (error instanceof DuplicateKeyError) return `${error.name}, code ${error.code}`;
        throw error;
      }
    },

    'Find one document': async () => {
      const document = await collection.find_one({ i: { $lt: 1 } });
      return document;
    },

    'Find many: to_list': async () => {
      const cursor = collection.find({ i: { $lt: 5 } }, { fields: ['i'] }).sort('i');
      const documents = await cursor.to_list(100);
      return documents;
    },

    'Find many: each': async () => {
      let sum = 0;
      await new Promise<void>((resolve, reject) => {
        collection.find({ i: { $lt: 5 } }).each((document, error) => {
          if (error) reject(error);
          else if (document) sum += document.i;
          else resolve();
        });
      });
      return sum;
    },

    'Find many: fetch_next': async () => {
      let sum = 0;
      const cursor = collection.find({ i: { $lt: 5 } });
      while (await cursor.fetch_next) {
        sum += cursor.next_object()?.i;
      }
      return sum;
    },

    'Find many: stop in the middle': async () => {
      const seen: number[] = [];
      for await (const document of collection.find({ i: { $gte: 0 } }).sort('i')) {
        seen.push(document.i);
        if (seen.length === 3) break;
      }
      return seen;
    },

    'Sort, skip and limit': async () => {
      const cursor = collection
        .find({ i: { $gte: 0 } }, { fields: { _id: false } })
        .sort([['i', -1]])
        .skip(10)
        .limit(3);
      return await cursor.to_list(null);
    },

    Count: async () => {
      const all = await collection.count();
      const few = await collection.find({ i: { $gt: 1000 } }).count();
      return { all, few };
    },

    'Replace a document': async () => {
      const before = await collection.find_one({ i: 50 });
      const { n } = (await collection.update({ i: 50 }, { key: 'value 2' })) ?? {};
      const after = await collection.find_one(before?._id);
      return { n, after };
    },

    'Change a document': async () => {
      const result = await collection.update({ i: 51 }, { $set: { key: 'value 3' } });
      return { result, after: await collection.find_one({ i: 51 }) };
    },

    'Change many documents': async () => {
      const result = await collection.update({ i: { $gte: 1990 } }, { $set: { key: 'last' } }, { multi: true });
      return result?.n;
    },

    'Save a document': async () => {
      const document = { count: 1 };
      const id = await collection.save(document);
      await collection.save({ ...document, _id: id, count: 2 });
      return await collection.find_one(id);
    },

    'Remove documents': async () => {
      const result = await collection.remove({ i: { $gte: 1000 } });
      return result;
    },

    'Run a command: count': async () => {
      const command = new SON([
        ['count', collection.name],
        ['query', { i: { $lt: 10 } }],
      ]);
      const reply = await db.command(command);
      return reply.n;
    },

    'Run a command: distinct': async () => {
      const reply = await db.command('distinct', collection.name, { key: 'key' });
      return reply.values;
    },

    'Close the client': async () => {
      client.close();
      return client.nodes;
    },
  };
}

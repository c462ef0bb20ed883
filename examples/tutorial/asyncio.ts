import { AsyncIOMotorClient, type AsyncIOMotorCollection, type AsyncIOMotorDatabase, SON } from 'motor-mongo/asyncio';
import type { Place } from './steps';

/** What the tutorial of the asyncio surface does, in order, and what there is to know about it. */
export const ASYNCIO_STEPS = {
  'Create an asyncio client': 'The surface of later Motors: other names and results, the same engine below.',
  'Get its database and collection': 'As properties, or by name.',
  'Insert one document': 'The result holds the new `_id`.',
  'Insert many documents': '2000 of them travel in one message. The result holds their ids.',
  'Find one': 'The first that matches, or null. What is no document is taken for an `_id`.',
  'Find many: a list': '`find` does no I/O; `to_list` reads at most so many documents, or all.',
  'Find many: for await': 'The next batch is asked for when it is needed.',
  'Sort, skip, limit': 'Each returns the cursor itself.',
  'Count documents': 'All, or those that match.',
  'Replace one': 'The document keeps its `_id` and nothing else.',
  'Update one': '`$set` changes what it names; the rest stays.',
  'Update many': 'All documents that match.',
  'Delete many': 'All documents that match; a filter is required.',
  'Run a command': 'Any command of the server; `SON` keeps the order of its keys for sure.',
  'Close it': 'For good: this client does not open again.',
} as const;

export type AsyncIOTitle = keyof typeof ASYNCIO_STEPS;

/** The tutorial of the asyncio surface. */
export function asyncio(place: Place): Record<AsyncIOTitle, () => Promise<unknown>> {
  let client: AsyncIOMotorClient;
  let db: AsyncIOMotorDatabase;
  let collection: AsyncIOMotorCollection<{ i?: number; key?: string }>;

  return {
    'Create an asyncio client': async () => {
      client = new AsyncIOMotorClient(place.uri);
      return client.options.retry_reads;
    },

    'Get its database and collection': async () => {
      db = client.get_database(place.database);
      collection = db.get_collection(place.collection);
      return client[place.database]?.[place.collection]?.equals(collection);
    },

    'Insert one document': async () => {
      const result = await collection.insert_one({ key: 'value' });
      return result.inserted_id;
    },

    'Insert many documents': async () => {
      const documents = Array.from({ length: 2000 }, (_, i) => ({ i }));
      const result = await collection.insert_many(documents);
      return result.inserted_ids.length;
    },

    'Find one': async () => {
      const document = await collection.find_one({ i: { $lt: 1 } });
      return document;
    },

    'Find many: a list': async () => {
      const cursor = collection.find({ i: { $lt: 5 } }, { projection: { _id: 0 } }).sort('i');
      return await cursor.to_list({ length: 100 });
    },

    'Find many: for await': async () => {
      let sum = 0;
      for await (const document of collection.find({ i: { $lt: 5 } })) sum += document.i ?? 0;
      return sum;
    },

    'Sort, skip, limit': async () => {
      const cursor = collection.find({ i: { $lt: 4 } }, { projection: { i: 1, _id: 0 } });
      return await cursor.sort('i', -1).skip(1).limit(2).to_list();
    },

    'Count documents': async () => {
      const all = await collection.count_documents({});
      const above = await collection.count_documents({ i: { $gt: 1000 } });
      return [all, above];
    },

    'Replace one': async () => {
      const old = await collection.find_one({ i: 50 });
      const result = await collection.replace_one({ i: 50 }, { key: 'value' });
      const document = await collection.find_one(old?._id ?? null);
      return { modified: result.modified_count, keys: Object.keys(document ?? {}) };
    },

    'Update one': async () => {
      const result = await collection.update_one({ i: 51 }, { $set: { key: 'value' } });
      const document = await collection.find_one({ i: 51 }, { projection: { _id: 0 } });
      return { modified: result.modified_count, document };
    },

    'Update many': async () => {
      const result = await collection.update_many({ i: { $gt: 100 } }, { $set: { key: 'value' } });
      return result.modified_count;
    },

    'Delete many': async () => {
      const before = await collection.count_documents({});
      await collection.delete_many({ i: { $gte: 1000 } });
      const after = await collection.count_documents({});
      return [before, after];
    },

    'Run a command': async () => {
      const command = new SON([
        ['distinct', place.collection],
        ['key', 'i'],
      ]);
      const response = await db.command(command);
      return response.values.length;
    },

    'Close it': async () => {
      client.close();
      return await collection.find_one().catch((error: Error) => error.message);
    },
  };
}

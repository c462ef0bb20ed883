import type { BulkOperation } from '../../lib/asyncio/operations';
import { BULK_CHANGES, type Contestant, DATABASE } from '../contestant';

/** The asyncio surface, as far as it has operations of its own. */
export async function connect(uri: string): Promise<Contestant> {
  const { AsyncIOMotorClient, pymongo } = await import('../../lib/asyncio/index.js');
  const { DeleteOne, InsertOne, UpdateOne } = pymongo;
  const client = new AsyncIOMotorClient(uri);
  const database = client.get_database(DATABASE);

  return {
    form: 'promise',
    operations(name) {
      const collection = database.get_collection(name);
      return {
        findOne: async (_id) => ((await collection.find_one({ _id })) === null ? 0 : 1),
        insert: async (document) => ((await collection.insert_one(document)).acknowledged ? 1 : 0),
        insertMany: async (documents) => (await collection.insert_many(documents)).inserted_ids.length,
        bulk: async (documents) => {
          const some = documents.slice(0, BULK_CHANGES);
          const requests: BulkOperation[] = documents.map((document) => new InsertOne(document));
          for (const { _id } of some) requests.push(new UpdateOne({ _id }, { $inc: { size: 1 } }));
          for (const { _id } of some) requests.push(new DeleteOne({ _id }));
          const result = await collection.bulk_write(requests);
          return result.inserted_count + result.modified_count + result.deleted_count;
        },
        list: async () => (await collection.find().to_list(null)).length,
        iterate: async () => {
          let count = 0;
          for await (const _ of collection.find()) count++;
          return count;
        },
      };
    },
    close: async () => client.close(),
  };
}

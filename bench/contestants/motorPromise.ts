import { BULK_CHANGES, type Contestant, DATABASE } from '../contestant';
import { motorClient } from '../motor';

export async function connect(uri: string): Promise<Contestant> {
  const client = await motorClient(uri);
  const database = client.get_database(DATABASE);

  return {
    form: 'promise',
    operations(name) {
      const collection = database.get_collection(name);
      return {
        ping: async () => (await database.command('ping')).ok,
        findOne: async (_id) => ((await collection.find_one({ _id })) === null ? 0 : 1),
        insert: async (document) => ((await collection.insert(document)) === null ? 0 : 1),
        insertMany: async (documents) => ((await collection.insert(documents)) as unknown[]).length,
        update: async (_id) => (await collection.update({ _id }, { $set: { size: 1 } }))?.n ?? 0,
        save: async (document) => ((await collection.save(document)) === document._id ? 1 : 0),
        findAndModify: async (_id) =>
          (await collection.find_and_modify({ _id }, { $set: { size: 1 } })) === null ? 0 : 1,
        count: () => collection.count(),
        bulk: async (documents) => {
          const bulk = collection.initialize_ordered_bulk_op();
          for (const document of documents) bulk.insert(document);
          const some = documents.slice(0, BULK_CHANGES);
          for (const { _id } of some) bulk.find({ _id }).update_one({ $inc: { size: 1 } });
          for (const { _id } of some) bulk.find({ _id }).remove_one();
          const result = await bulk.execute();
          return result === null ? 0 : result.nInserted + (result.nModified ?? 0) + result.nRemoved;
        },
        list: async () => (await collection.find().to_list(null)).length,
        iterate: async () => {
          let count = 0;
          for await (const _ of collection.find()) count++;
          return count;
        },
        // No `each`: it takes a callback in every program.
      };
    },
    close: async () => client.close(),
  };
}

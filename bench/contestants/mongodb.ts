import type { Document } from 'bson';
import { MongoClient } from 'mongodb';
import { BULK_CHANGES, byId, type Contestant, DATABASE } from '../contestant';

export async function connect(uri: string): Promise<Contestant> {
  const client = await new MongoClient(uri).connect();
  const database = client.db(DATABASE);

  return {
    form: 'promise',
    operations(name) {
      const collection = database.collection<Document>(name);
      return {
        ping: async () => (await database.command({ ping: 1 })).ok,
        findOne: async (_id) => ((await collection.findOne(byId(_id))) === null ? 0 : 1),
        insert: async (document) => ((await collection.insertOne(document)).acknowledged ? 1 : 0),
        insertMany: async (documents) => (await collection.insertMany(documents)).insertedCount,
        update: async (_id) => (await collection.updateOne(byId(_id), { $set: { size: 1 } })).matchedCount,
        save: async (document) =>
          (await collection.replaceOne({ _id: document._id }, document, { upsert: true })).matchedCount,
        findAndModify: async (_id) =>
          (await collection.findOneAndUpdate(byId(_id), { $set: { size: 1 } })) === null ? 0 : 1,
        count: () => collection.estimatedDocumentCount(),
        bulk: async (documents) => {
          const bulk = collection.initializeOrderedBulkOp();
          for (const document of documents) bulk.insert(document);
          const some = documents.slice(0, BULK_CHANGES);
          for (const { _id } of some) bulk.find({ _id }).updateOne({ $inc: { size: 1 } });
          for (const { _id } of some) bulk.find({ _id }).deleteOne();
          const result = await bulk.execute();
          return result.insertedCount + result.modifiedCount + result.deletedCount;
        },
        list: async () => (await collection.find().toArray()).length,
        iterate: async () => {
          let count = 0;
          for await (const _ of collection.find()) count++;
          return count;
        },
        each: async () => {
          let count = 0;
          await collection.find().forEach(() => {
            count++;
          });
          return count;
        },
      };
    },
    close: () => client.close(),
  };
}

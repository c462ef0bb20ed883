import type { Document } from 'bson';
import { MongoClient } from 'mongodb-legacy';
import { BULK_CHANGES, byId, type Contestant, DATABASE } from '../contestant';

export async function connect(uri: string): Promise<Contestant> {
  const client = await new MongoClient(uri).connect();
  const database = client.db(DATABASE);

  return {
    form: 'callback',
    operations(name) {
      const collection = database.collection<Document>(name);
      return {
        ping: (_, done) => database.command({ ping: 1 }, (error, reply) => done(error, reply?.ok)),
        findOne: (_id, done) => collection.findOne(byId(_id), (error, document) => done(error, document ? 1 : 0)),
        insert: (document, done) =>
          collection.insertOne(document, (error, result) => done(error, result?.acknowledged ? 1 : 0)),
        insertMany: (documents, done) =>
          collection.insertMany(documents, (error, result) => done(error, result?.insertedCount ?? 0)),
        update: (_id, done) =>
          collection.updateOne(byId(_id), { $set: { size: 1 } }, (error, result) =>
            done(error, result?.matchedCount ?? 0),
          ),
        save: (document, done) =>
          collection.replaceOne({ _id: document._id }, document, { upsert: true }, (error, result) =>
            done(error, result && 'matchedCount' in result ? result.matchedCount : 0),
          ),
        findAndModify: (_id, done) =>
          collection.findOneAndUpdate(byId(_id), { $set: { size: 1 } }, (error, result) => done(error, result ? 1 : 0)),
        count: (_, done) => collection.estimatedDocumentCount((error, count) => done(error, count ?? 0)),
        bulk: (documents, done) => {
          const bulk = collection.initializeOrderedBulkOp();
          for (const document of documents) bulk.insert(document);
          const some = documents.slice(0, BULK_CHANGES);
          for (const { _id } of some) bulk.find({ _id }).updateOne({ $inc: { size: 1 } });
          for (const { _id } of some) bulk.find({ _id }).deleteOne();
          bulk.execute((error, result) =>
            done(error, result ? result.insertedCount + result.modifiedCount + result.deletedCount : 0),
          );
        },
        list: (_, done) => collection.find().toArray((error, documents) => done(error, documents?.length ?? 0)),
        each: (_, done) => {
          let count = 0;
          collection.find().forEach(
            () => {
              count++;
            },
            (error) => done(error, count),
          );
        },
      };
    },
    close: () => client.close(),
  };
}

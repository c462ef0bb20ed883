import { BULK_CHANGES, type Contestant, DATABASE } from '../contestant';
import { motorClient } from '../motor';

export async function connect(uri: string): Promise<Contestant> {
  const client = await motorClient(uri);
  const database = client.get_database(DATABASE);

  return {
    form: 'callback',
    operations(name) {
      const collection = database.get_collection(name);
      return {
        ping: (_, done) => database.command('ping', 1, (reply, error) => done(error, reply?.ok ?? 0)),
        findOne: (_id, done) => collection.find_one({ _id }, (document, error) => done(error, document ? 1 : 0)),
        insert: (document, done) => collection.insert(document, (id, error) => done(error, id ? 1 : 0)),
        insertMany: (documents, done) =>
          collection.insert(documents, (ids, error) => done(error, (ids as unknown[] | null)?.length ?? 0)),
        update: (_id, done) =>
          collection.update({ _id }, { $set: { size: 1 } }, (result, error) => done(error, result?.n ?? 0)),
        save: (document, done) => collection.save(document, (id, error) => done(error, id === document._id ? 1 : 0)),
        findAndModify: (_id, done) =>
          collection.find_and_modify({ _id }, { $set: { size: 1 } }, (document, error) =>
            done(error, document ? 1 : 0),
          ),
        count: (_, done) => collection.count((count, error) => done(error, count ?? 0)),
        bulk: (documents, done) => {
          const bulk = collection.initialize_ordered_bulk_op();
          for (const document of documents) bulk.insert(document);
          const some = documents.slice(0, BULK_CHANGES);
          for (const { _id } of some) bulk.find({ _id }).update_one({ $inc: { size: 1 } });
          for (const { _id } of some) bulk.find({ _id }).remove_one();
          bulk.execute((result, error) =>
            done(error, result ? result.nInserted + (result.nModified ?? 0) + result.nRemoved : 0),
          );
        },
        list: (_, done) => collection.find().to_list(null, (documents, error) => done(error, documents?.length ?? 0)),
        each: (_, done) => {
          let count = 0;
          collection.find().each((document, error) => {
            if (document) count++;
            else done(error, count);
          });
        },
      };
    },
    close: async () => client.close(),
  };
}

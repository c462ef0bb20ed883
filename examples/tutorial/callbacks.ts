import {
  type Callback,
  DuplicateKeyError,
  MotorClient,
  type MotorCollection,
  type MotorDatabase,
  SON,
} from 'motor-mongo';
import type { Place, Title } from './steps';

type Done = Callback<unknown>;

/** The tutorial with callbacks: the last argument of a method, called with `(result, error)`. */
export function callbacks(place: Place): Record<Title, (done: Done) => void> {
  let client: MotorClient;
  let db: MotorDatabase;
  let collection: MotorCollection;

  return {
    'Create a client': (done) => {
      client = new MotorClient(place.uri, { max_pool_size: 10 });
      done(client.max_pool_size, null);
    },

    'Get a database': (done) => {
      db = client.get_database(place.database);
      done(db.name, null);
    },

    'Get a collection': (done) => {
      collection = db.get_collection(place.collection);
      done(collection.database.equals(db), null);
    },

    'Insert a document': (done) => {
      collection.insert({ key: 'value' }, (id, error) => {
        if (error) done(null, error);
        else done(id, null);
      });
    },

    'Insert 2000 documents': (done) => {
      const documents = Array.from({ length: 2000 }, (_, i) => ({ i }));
      collection.insert(documents, (ids, error) => {
        if (error) done(null, error);
        else done((ids as unknown[]).length, null);
      });
    },

    'Insert the same _id twice': (done) => {
      collection.insert({ _id: 'twice' }, (_, error) => {
        if (error) return done(null, error);
        collection.insert({ _id: 'twice' }, (id, error) => {
          if (error instanceof DuplicateKeyError) done(`${error.name}, code ${error.code}`, null);
          else if (error) done(null, error);
          else done(id, null);
        });
      });
    },

    'Find one document': (done) => {
      collection.find_one({ i: { $lt: 1 } }, (document, error) => {
        if (error) done(null, error);
        else done(document, null);
      });
    },

    'Find many: to_list': (done) => {
      const cursor = collection.find({ i: { $lt: 5 } }, { fields: ['i'] }).sort('i');
      cursor.to_list(100, (documents, error) => {
        if (error) done(null, error);
        else done(documents, null);
      });
    },

    'Find many: each': (done) => {
      let sum = 0;
      collection.find({ i: { $lt: 5 } }).each((document, error) => {
        if (error) done(null, error);
        else if (document) sum += document.i;
        else done(sum, null);
      });
    },

    'Find many: fetch_next': (done) => {
      let sum = 0;
      const cursor = collection.find({ i: { $lt: 5 } });
      const more = (there: boolean) => {
        if (!there) return done(sum, null);
        sum += cursor.next_object()?.i;
        cursor.fetch_next.then(more, failed);
      };
      const failed = (error: Error) => done(null, error);
      // It is a property, so that it cannot take a callback: a Promise it is here as well.
      cursor.fetch_next.then(more, failed);
    },

    'Find many: stop in the middle': (done) => {
      const seen: number[] = [];
      const cursor = collection.find({ i: { $gte: 0 } }).sort('i');
      cursor.each((document, error) => {
        if (error) return done(null, error);
        if (document && seen.push(document.i) < 3) return true;
        cursor.close(() => done(seen, null));
        return false;
      });
    },

    'Sort, skip and limit': (done) => {
      const cursor = collection
        .find({ i: { $gte: 0 } }, { fields: { _id: false } })
        .sort([['i', -1]])
        .skip(10)
        .limit(3);
      cursor.to_list(null, done);
    },

    Count: (done) => {
      collection.count((all, error) => {
        if (error) return done(null, error);
        collection.find({ i: { $gt: 1000 } }).count((few, error) => {
          if (error) done(null, error);
          else done({ all, few }, null);
        });
      });
    },

    'Replace a document': (done) => {
      collection.find_one({ i: 50 }, (before, error) => {
        if (error) return done(null, error);
        collection.update({ i: 50 }, { key: 'value 2' }, (result, error) => {
          if (error) return done(null, error);
          collection.find_one(before?._id, (after, error) => {
            if (error) done(null, error);
            else done({ n: result?.n, after }, null);
          });
        });
      });
    },

    'Change a document': (done) => {
      collection.update({ i: 51 }, { $set: { key: 'value 3' } }, (result, error) => {
        if (error) return done(null, error);
        collection.find_one({ i: 51 }, (after, error) => {
          if (error) done(null, error);
          else done({ result, after }, null);
        });
      });
    },

    'Change many documents': (done) => {
      collection.update({ i: { $gte: 1990 } }, { $set: { key: 'last' } }, { multi: true }, (result, error) => {
        if (error) done(null, error);
        else done(result?.n, null);
      });
    },

    'Save a document': (done) => {
      const document = { count: 1 };
      collection.save(document, (id, error) => {
        if (error) return done(null, error);
        collection.save({ ...document, _id: id, count: 2 }, (_, error) => {
          if (error) done(null, error);
          else collection.find_one(id, done);
        });
      });
    },

    'Remove documents': (done) => {
      collection.remove({ i: { $gte: 1000 } }, (result, error) => {
        if (error) done(null, error);
        else done(result, null);
      });
    },

    'Run a command: count': (done) => {
      const command = new SON([
        ['count', collection.name],
        ['query', { i: { $lt: 10 } }],
      ]);
      db.command(command, (reply, error) => {
        if (error) done(null, error);
        else done(reply.n, null);
      });
    },

    'Run a command: distinct': (done) => {
      db.command('distinct', collection.name, { key: 'key' }, (reply, error) => {
        if (error) done(null, error);
        else done(reply.values, null);
      });
    },

    'Close the client': (done) => {
      client.close();
      done(client.nodes, null);
    },
  };
}

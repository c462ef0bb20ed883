import { readFileSync } from 'node:fs';
import { ObjectId as BsonObjectId } from 'bson';
import { expect } from 'chai';
import * as motor from '../../lib/index';
import { eachForm, newClient } from '../support/clients';
import { rejection } from '../support/rejection';

/** Names and values of section 2.2 of the surface; those of the defaults are properties of a client. */
const CONSTANTS = {
  ASCENDING: 1,
  DESCENDING: -1,
  GEO2D: '2d',
  GEOHAYSTACK: 'geoHaystack',
  GEOSPHERE: '2dsphere',
  HASHED: 'hashed',
  TEXT: 'text',
  OFF: 0,
  SLOW_ONLY: 1,
  ALL: 2,
  ReadPreference: {
    PRIMARY: 0,
    PRIMARY_PREFERRED: 1,
    SECONDARY: 2,
    SECONDARY_ONLY: 2,
    SECONDARY_PREFERRED: 3,
    NEAREST: 4,
  },
  OLD_UUID_SUBTYPE: 3,
  UUID_SUBTYPE: 4,
  JAVA_LEGACY: 5,
  CSHARP_LEGACY: 6,
  OLD_BINARY_SUBTYPE: 2,
  BINARY_SUBTYPE: 0,
  FUNCTION_SUBTYPE: 1,
  MD5_SUBTYPE: 5,
  USER_DEFINED_SUBTYPE: 128,
  CERT_NONE: 0,
  CERT_OPTIONAL: 1,
  CERT_REQUIRED: 2,
  SEEK_SET: 0,
  SEEK_CUR: 1,
  SEEK_END: 2,
  DEFAULT_CHUNK_SIZE: 261120,
  MECHANISMS: ['GSSAPI', 'MONGODB-CR', 'MONGODB-X509', 'PLAIN', 'SCRAM-SHA-1', 'SCRAM-SHA-256', 'DEFAULT'],
};

/** Each exception of section 2.3 with its parent. */
const PARENTS = {
  PyMongoError: 'Error',
  ConnectionFailure: 'PyMongoError',
  AutoReconnect: 'ConnectionFailure',
  MotorPoolTimeout: 'ConnectionFailure',
  ConfigurationError: 'PyMongoError',
  InvalidURI: 'ConfigurationError',
  UnsupportedOption: 'ConfigurationError',
  OperationFailure: 'PyMongoError',
  CursorNotFound: 'OperationFailure',
  ExecutionTimeout: 'OperationFailure',
  DuplicateKeyError: 'OperationFailure',
  TimeoutError: 'OperationFailure',
  WTimeoutError: 'TimeoutError',
  BulkWriteError: 'OperationFailure',
  InvalidOperation: 'PyMongoError',
  InvalidName: 'PyMongoError',
  CollectionInvalid: 'PyMongoError',
  CertificateError: 'Error',
  ExceededMaxWaiters: 'Error',
  BSONError: 'Error',
  InvalidBSON: 'BSONError',
  InvalidStringData: 'BSONError',
  InvalidDocument: 'BSONError',
  InvalidId: 'BSONError',
  DocumentTooLarge: 'InvalidDocument',
  GridFSError: 'PyMongoError',
  CorruptGridFile: 'GridFSError',
  NoFile: 'GridFSError',
  FileExists: 'GridFSError',
  UnsupportedAPI: 'GridFSError',
  ValueError: 'RangeError',
  IndexError: 'RangeError',
  IOError: 'Error',
};

type ErrorClass = new (message: string, ...more: unknown[]) => Error;
const exported = motor as unknown as Record<string, unknown>;
const classOf = (name: string) => (exported[name] ?? { Error, RangeError }[name]) as ErrorClass;

describe('The constants', () => {
  for (const [name, value] of Object.entries(CONSTANTS)) {
    it(`${name} is ${JSON.stringify(value)}`, () => expect(exported[name]).to.deep.equal(value));
  }

  it('cannot be changed', () => {
    expect(motor.ReadPreference).to.satisfy(Object.isFrozen);
    expect(motor.MECHANISMS).to.satisfy(Object.isFrozen);
  });

  it('are the defaults of a client before it connects', () => {
    expect(newClient()).to.include({
      max_bson_size: 16777216,
      max_message_size: 33554432,
      min_wire_version: 0,
      max_wire_version: 0,
      read_preference: motor.ReadPreference.PRIMARY,
    });
  });
});

describe('The exceptions', () => {
  for (const [name, parent] of Object.entries(PARENTS)) {
    it(`${name} is a ${parent} and goes by its name`, () => {
      const error = new (classOf(name))('what happened', {});
      expect(error).to.be.instanceOf(classOf(parent));
      expect(error).to.be.instanceOf(Error);
      expect(String(error)).to.equal(`${name}: what happened`);
    });
  }

  it('of the pool is called as Motor calls it', async () => {
    const client = newClient(undefined, { max_pool_size: 1, waitQueueMultiple: 0 });
    const outcomes = await Promise.allSettled([client.server_info(), client.server_info(), client.server_info()]);
    const [error] = outcomes.flatMap((outcome) => (outcome.status === 'rejected' ? [outcome.reason as Error] : []));
    expect(error).to.be.instanceOf(motor.MotorPoolTimeout).and.not.instanceOf(motor.OperationFailure);
    expect(String(error)).to.match(/^MotorPoolTimeout: no connection to .*max_pool_size.*waitQueueTimeoutMS/);
  });

  it('of the encoder and of certificates are no PyMongoErrors', () => {
    for (const name of ['BSONError', 'InvalidDocument', 'DocumentTooLarge', 'CertificateError', 'ExceededMaxWaiters']) {
      expect(new (classOf(name))(''), name).not.to.be.instanceOf(motor.PyMongoError);
    }
  });

  it('have the fields of the original', () => {
    expect(new motor.OperationFailure('')).to.include({ code: null, details: null });
    expect(new motor.AutoReconnect('').errors).to.deep.equal([]);
    expect(new motor.BulkWriteError('', { writeErrors: [] })).to.deep.include({
      code: 65,
      details: { writeErrors: [] },
    });
    expect(new motor.IOError('')).to.include({ errno: 22, code: 'EINVAL' });
  });
});

describe('The namespaces', () => {
  it('pymongo has the constants and the errors', () => {
    expect(motor.pymongo).to.include({
      ASCENDING: 1,
      DESCENDING: -1,
      GEOSPHERE: '2dsphere',
      OFF: 0,
      SLOW_ONLY: 1,
      ALL: 2,
    });
    expect(motor.pymongo.ReadPreference).to.equal(motor.ReadPreference);
    expect(motor.pymongo.errors.DuplicateKeyError).to.equal(motor.DuplicateKeyError);
    expect(motor.pymongo.errors.AutoReconnect).to.equal(motor.AutoReconnect);
  });

  it('bson has the types and their errors', () => {
    expect(motor.bson.SON).to.equal(motor.SON);
    expect(motor.bson.ObjectId).to.equal(motor.ObjectId);
    expect(motor.bson.InvalidId).to.equal(motor.InvalidId);
    expect(motor.bson).to.include({ OLD_UUID_SUBTYPE: 3, USER_DEFINED_SUBTYPE: 128 });
  });

  it('gridfs has its errors and constants', () => {
    expect(motor.gridfs.NoFile).to.equal(motor.NoFile);
    expect(motor.gridfs.DEFAULT_CHUNK_SIZE).to.equal(261120);
  });
});

describe('The version', () => {
  it('is that of the package, in three forms', () => {
    const { version } = JSON.parse(readFileSync('package.json', 'utf8')) as { version: string };
    expect(motor.version).to.equal(version);
    expect(motor.get_version_string()).to.equal(version);
    expect(motor.version_tuple.slice(0, 3).join('.')).to.equal(version.split('-')[0]);
    for (const part of motor.version_tuple.slice(0, 3)) expect(part).to.be.a('number');
  });
});

describe('ObjectId', () => {
  it('is the class of the ids that the driver makes and reads', () => {
    const id = new motor.ObjectId();
    expect(id).to.be.instanceOf(motor.ObjectId).and.instanceOf(BsonObjectId);
    expect(new BsonObjectId()).to.be.instanceOf(motor.ObjectId);
    expect(new motor.ObjectId(id.toHexString()).equals(id)).to.equal(true);
    expect(motor.ObjectId.isValid('nonsense')).to.equal(false);
  });

  it('refuses what is none with InvalidId', () => {
    for (const bad of ['nonsense', '', 'g'.repeat(24), new Uint8Array(5), {}, true]) {
      expect(() => new motor.ObjectId(bad as string), String(bad)).to.throw(motor.InvalidId, /^ObjectId: .* is no id/);
    }
  });
});

eachForm((call) => {
  describe('Names of databases and collections', () => {
    it('are checked before anything is sent', async () => {
      const client = newClient('mongodb://127.0.0.1:1');
      const database = client.get_database('d');
      for (const name of ['', 'a b', 'a.b', '$a', 'a/b', 'a\\b', 'a\0b']) {
        expect(() => client.get_database(name), name).to.throw(motor.InvalidName);
        expect(await rejection(call(client, 'drop_database', name)), name).to.be.instanceOf(motor.InvalidName);
      }
      for (const name of ['', 'a..b', '.a', 'a.', 'a\0b', 'a$b', '$a', 'oplog.$other']) {
        expect(() => database.get_collection(name), name).to.throw(motor.InvalidName);
        expect(await rejection(call(database, 'create_collection', name)), name).to.be.instanceOf(motor.InvalidName);
        expect(await rejection(call(database, 'drop_collection', name)), name).to.be.instanceOf(motor.InvalidName);
        expect(await rejection(call(database, 'validate_collection', name)), name).to.be.instanceOf(motor.InvalidName);
        expect(await rejection(call(database.get_collection('c'), 'rename', name)), name).to.be.instanceOf(
          motor.InvalidName,
        );
      }
      for (const name of [null, undefined, 5, Number.NaN, true, {}, [], Symbol('a')]) {
        const wrong = name as unknown as string;
        expect(() => client.get_database(wrong)).to.throw(TypeError, /string/);
        expect(() => database.get_collection(wrong)).to.throw(TypeError, /string/);
        expect(() => database.get_collection('c').get_collection(wrong)).to.throw(TypeError, /string/);
        if (name === null || name === undefined || (typeof name === 'object' && !Array.isArray(name))) continue;
        expect(await rejection(call(client, 'drop_database', wrong))).to.be.instanceOf(TypeError);
        expect(await rejection(call(database, 'create_collection', wrong))).to.be.instanceOf(TypeError);
        expect(await rejection(call(database, 'drop_collection', wrong))).to.be.instanceOf(TypeError);
        expect(await rejection(call(database.get_collection('c'), 'rename', wrong))).to.be.instanceOf(TypeError);
      }
      expect(client.connected).to.equal(false);
    });

    it('that are too long are refused by the server, with the name of the operation', async () => {
      const long = newClient().get_database('d'.repeat(64)).get_collection('c');
      const error = await rejection(call(long, 'insert', { a: 1 }));
      expect(error).to.be.instanceOf(motor.OperationFailure).with.property('message').that.includes('insert on ddd');
      const things = newClient().get_database('d').get_collection('c'.repeat(300));
      expect(await rejection(call(things, 'insert', { a: 1 }))).to.be.instanceOf(motor.OperationFailure);
    });
  });
});

it('The names $external, oplog.$main and $cmd are allowed', () => {
  const client = newClient();
  expect(client.get_database('$external').name).to.equal('$external');
  for (const name of ['oplog.$main', '$cmd', '$cmd.sys.inprog']) {
    expect(client.get_database('d').get_collection(name).name).to.equal(name);
  }
});

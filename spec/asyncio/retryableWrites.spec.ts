import type { Document } from 'bson';
import { expect } from 'chai';
import {
  type AsyncIOMotorCollection,
  AutoReconnect,
  BulkWriteError,
  DeleteMany,
  DeleteOne,
  DuplicateKeyError,
  InsertOne,
  NotPrimaryError,
  OperationFailure,
  ReplaceOne,
  UpdateMany,
  UpdateOne,
  WriteConcernError,
} from '../../lib/asyncio/index';
import { ENGINE } from '../../lib/motor/settings';
import { checkOften } from '../support/checkOften';
import {
  connectedToPrimary,
  DATABASE,
  freshAsyncIOCollection,
  newAsyncIOClient,
  newClient,
  newReplicaSet,
  newStandalone,
} from '../support/clients';
import { answer, closeFirst, delayReply, loseReply, rewriteReply } from '../support/faults';
import { lsidOf } from '../support/playedServer';
import type { Action, SeenCommand } from '../support/proxy';
import { rejection } from '../support/rejection';

const LABEL = 'RetryableWriteError';
const OLD = { maxWireVersion: 8 };
/** A server that is made to fail has nothing to tell its monitors by itself; they ask it after a failure. */
const ASKED = { serverMonitoringMode: 'poll' };

type Write = (coll: AsyncIOMotorCollection) => Promise<unknown>;
const notPrimary = { ok: 0, code: 10107, errmsg: 'not primary', errorLabels: [LABEL] };

describe('retryable writes', () => {
  checkOften();
  const things = freshAsyncIOCollection();
  const connected = (options = {}, says = {}) => connectedToPrimary(things(), { ...ASKED, ...options }, says);

  const numbers = (commands: readonly SeenCommand[]) => commands.map(({ document }) => document.txnNumber ?? null);
  const twice = ([first, second, ...more]: readonly SeenCommand[]) => {
    expect(more).to.deep.equal([]);
    expect(first?.document.txnNumber).to.be.a('number').greaterThan(0);
    expect(second?.document.txnNumber).to.equal(first?.document.txnNumber);
    expect(lsidOf(second as SeenCommand))
      .to.be.a('string')
      .that.equals(lsidOf(first as SeenCommand));
  };

  const ONE = { _id: 1, a: 0 };
  const TWO = { _id: 2, a: 0 };
  const MANY = Array.from({ length: 40 }, (_, i) => ({ _id: 3 + i }));
  const increase = { $inc: { a: 1 } };
  const increased = { _id: 1, a: 1 };
  const replaced = { _id: 1, b: 1 };

  const WRITES: readonly [name: string, command: string, write: Write, left: Document[]][] = [
    ['insert_one', 'insert', (coll) => coll.insert_one({ _id: 3 }), [ONE, TWO, { _id: 3 }]],
    ['insert_many', 'insert', (coll) => coll.insert_many([{ _id: 3 }]), [ONE, TWO, { _id: 3 }]],
    ['replace_one', 'update', (coll) => coll.replace_one({ _id: 1 }, { b: 1 }), [replaced, TWO]],
    ['update_one', 'update', (coll) => coll.update_one({ _id: 1 }, increase), [increased, TWO]],
    ['delete_one', 'delete', (coll) => coll.delete_one({}), [TWO]],
    ['find_one_and_delete', 'findAndModify', (coll) => coll.find_one_and_delete({}), [TWO]],
    [
      'find_one_and_replace',
      'findAndModify',
      (coll) => coll.find_one_and_replace({ _id: 1 }, { b: 1 }),
      [replaced, TWO],
    ],
    [
      'find_one_and_update',
      'findAndModify',
      (coll) => coll.find_one_and_update({ _id: 1 }, increase),
      [increased, TWO],
    ],
    [
      'bulk_write',
      'update',
      (coll) => coll.bulk_write([new UpdateOne({ _id: 1 }, increase), new ReplaceOne({ _id: 2 }, { b: 1 })]),
      [increased, { _id: 2, b: 1 }],
    ],
    [
      'bulk_write, unordered',
      'delete',
      (coll) => coll.bulk_write([new DeleteOne({}), new DeleteOne({})], { ordered: false }),
      [],
    ],
    [
      'bulk_write of very many',
      'insert',
      (coll) => coll.bulk_write(MANY.map((document) => new InsertOne(document))),
      [ONE, TWO, ...MANY],
    ],
  ];

  const FAULTS: readonly [what: string, fault: Action][] = [
    ['its reply is lost', loseReply()],
    ['the server is no primary any more', answer(notPrimary)],
  ];
  const MORE_FAULTS: typeof FAULTS = [
    ...FAULTS,
    ['the connection closes before it is heard', closeFirst()],
    ['the server says that it may be', answer({ ok: 0, code: 112, errmsg: 'conflict', errorLabels: [LABEL] })],
    [
      'its write concern is not met on a server that goes away',
      rewriteReply((reply) => ({
        ...reply,
        writeConcernError: { code: 91, errmsg: 'shutting down' },
        errorLabels: [LABEL],
      })),
    ],
  ];

  for (const [name, command, write, left] of WRITES) {
    describe(name, () => {
      beforeEach(() => things().insert_many([ONE, TWO]));

      for (const [what, fault] of ['insert_one', 'bulk_write'].includes(name) ? MORE_FAULTS : FAULTS) {
        it(`is sent once more when ${what}, and done once`, async () => {
          const { primary, client, coll } = await connected();
          const rule = primary.on(command, fault);
          await write(coll);
          expect(rule.hits).to.equal(1);
          twice(primary.operations);
          expect(await things().find().sort('_id').to_list()).to.deep.equal(left);
          expect(client[ENGINE].sessions?.pool.size).to.be.within(0, 1);
          expect(client[ENGINE].counts).to.include({ checkedOut: 0, waiting: 0 });
        });
      }
    });
  }

  it('each has a number of its own in its server session; other commands have none', async () => {
    const { primary, coll } = await connected();
    await coll.insert_one({ _id: 1 });
    await coll.find_one();
    await coll.update_one({ _id: 1 }, { $set: { a: 1 } });
    await coll.update_many({}, { $set: { a: 2 } });
    await coll.delete_one({ _id: 1 });
    expect(numbers(primary.operations)).to.deep.equal([1, null, 2, null, 3]);
  });

  it('a bulk has a number for each batch that changes single documents', async () => {
    const { primary, coll } = await connected();
    await coll.bulk_write([
      new InsertOne({ _id: 1 }),
      new UpdateOne({ _id: 1 }, { $set: { a: 1 } }),
      new UpdateMany({}, { $set: { a: 2 } }),
      new DeleteOne({ _id: 2 }),
      new InsertOne({ _id: 3 }),
      new DeleteMany({}),
    ]);
    expect(primary.names).to.deep.equal(['insert', 'update', 'delete', 'insert', 'delete']);
    expect(numbers(primary.operations)).to.deep.equal([1, null, 2, 3, null]);
  });

  it('of many batches the one that failed is repeated', async () => {
    const { primary, coll } = await connected({}, { maxWriteBatchSize: 2 });
    primary.on(({ document }) => document.documents?.[0]._id === 2, loseReply());
    const result = await coll.insert_many(Array.from({ length: 5 }, (_, _id) => ({ _id })));
    expect(result.inserted_ids).to.deep.equal([0, 1, 2, 3, 4]);
    expect(numbers(primary.operations)).to.deep.equal([1, 2, 2, 1]);
    expect(await things().count_documents({})).to.equal(5);
  });

  describe('not repeated', () => {
    const loses: readonly [what: string, command: string, write: Write][] = [
      ['update_many', 'update', (coll) => coll.update_many({}, { $set: { a: 1 } })],
      ['delete_many', 'delete', (coll) => coll.delete_many({})],
      ['bulk_write with UpdateMany', 'update', (coll) => coll.bulk_write([new UpdateMany({}, { $set: { a: 1 } })])],
      ['aggregate with $out', 'aggregate', (coll) => coll.aggregate([{ $out: `${coll.name}_out` }]).to_list()],
      ['a command of the user', 'insert', (coll) => coll.database.command({ insert: coll.name, documents: [{}] })],
      ['create_index', 'createIndexes', (coll) => coll.create_index('a')],
    ];
    for (const [what, command, write] of loses) {
      it(what, async () => {
        const { primary, coll } = await connected();
        primary.on(command, closeFirst());
        const error = await rejection(write(coll));
        expect(error).to.be.instanceOf(AutoReconnect);
        expect((error as AutoReconnect).has_error_label(LABEL)).to.equal(false);
        expect(numbers(primary.operations)).to.deep.equal([null]);
      });
    }

    it('getMore', async () => {
      await things().insert_many([{}, {}, {}]);
      const { primary, coll } = await connected();
      primary.on('getMore', closeFirst());
      expect(await rejection(coll.find({}, { batch_size: 2 }).to_list())).to.be.instanceOf(AutoReconnect);
      expect(primary.count('getMore')).to.equal(1);
    });

    it('with w: 0', async () => {
      const { primary, client, coll } = await connected();
      primary.on('insert', closeFirst());
      const careless = coll.with_options({ write_concern: { w: 0 } });
      expect((await careless.insert_one({})).acknowledged).to.equal(false);
      await client.server_info();
      expect(primary.count('insert')).to.equal(1);
      expect(numbers(primary.operations)).to.deep.equal([null, ...primary.operations.slice(1).map(() => null)]);
    });

    it('with retryWrites: false', async () => {
      const { primary, coll } = await connected({ retryWrites: false });
      primary.on('insert', closeFirst());
      const error = (await rejection(coll.insert_one({}))) as AutoReconnect;
      expect(error).to.be.instanceOf(AutoReconnect);
      expect(error.error_labels).to.deep.equal([]);
      expect(numbers(primary.operations)).to.deep.equal([null]);
      expect(lsidOf(primary.operations[0] as SeenCommand)).to.be.a('string');
    });

    it('on a standalone, though it has sessions', async () => {
      const played = await newStandalone();
      const coll = newAsyncIOClient(played).get_database(DATABASE).get_collection(things().name);
      played.on('insert', closeFirst());
      expect(await rejection(coll.insert_one({}))).to.be.instanceOf(AutoReconnect);
      expect(numbers(played.operations)).to.deep.equal([null]);
    });

    it("on Motor's surface", async () => {
      const set = await newReplicaSet(1);
      const primary = set.member(0);
      const coll = newClient(set).get_database(DATABASE).get_collection(things().name);
      primary.on('insert', closeFirst());
      expect(await rejection(coll.insert({}))).to.be.instanceOf(AutoReconnect);
      primary.on('find', closeFirst());
      expect(await rejection(coll.find_one())).to.be.instanceOf(AutoReconnect);
      expect(numbers(primary.operations)).to.deep.equal([null, null]);
    });

    it('after a failure that a repetition does not mend', async () => {
      const { primary, coll } = await connected();
      await coll.insert_one({ _id: 1 });
      expect(await rejection(coll.insert_one({ _id: 1 }))).to.be.instanceOf(DuplicateKeyError);
      expect(primary.operations).to.have.length(2);
    });

    it('where a server from 4.4 on does not say so', async () => {
      const { primary, coll } = await connected();
      primary.on('insert', answer({ ...notPrimary, errorLabels: [] }));
      const error = (await rejection(coll.insert_one({}))) as NotPrimaryError;
      expect(error).to.be.instanceOf(NotPrimaryError);
      expect(error.has_error_label(LABEL)).to.equal(false);
      expect(primary.operations).to.have.length(1);
    });
  });

  describe('a server before 4.4 gives no labels, so the driver does', () => {
    const shutdown = { ok: 0, code: 91, errmsg: 'shutting down' };
    const unmet = (code: number) => ({ ok: 1, n: 1, writeConcernError: { code, errmsg: 'shutting down' } });

    it('by the code of the failure', async () => {
      const { primary, coll } = await connected({}, OLD);
      primary.on('insert', answer(shutdown));
      await coll.insert_one({});
      twice(primary.operations);
      primary.on('insert', answer(shutdown), 2);
      const error = (await rejection(coll.insert_one({}))) as NotPrimaryError;
      expect(error.error_labels).to.deep.equal([LABEL]);
      expect(primary.operations).to.have.length(4);
    });

    it('by the code of the write concern', async () => {
      const { primary, coll } = await connected({}, OLD);
      primary.on('insert', answer(unmet(91)), 2);
      const error = (await rejection(coll.insert_one({}))) as WriteConcernError;
      expect(error).to.be.instanceOf(WriteConcernError);
      expect(error.error_labels).to.deep.equal([LABEL]);
      twice(primary.operations);
      primary.on('insert', answer(unmet(64)));
      expect(((await rejection(coll.insert_one({}))) as WriteConcernError).error_labels).to.deep.equal([]);
      expect(primary.operations).to.have.length(3);
    });

    it('but not so for what a mongos says of the write concern', async () => {
      const router = await newStandalone();
      router.says({ ...OLD, msg: 'isdbgrid' });
      const coll = newAsyncIOClient(router).get_database(DATABASE).get_collection(things().name);
      router.on('insert', answer(unmet(91)));
      const error = (await rejection(coll.insert_one({}))) as WriteConcernError;
      expect(error.error_labels).to.deep.equal([]);
      expect(numbers(router.operations)).to.deep.equal([1]);
    });
  });

  describe('when the repetition fails too', () => {
    it('its own failure is told, with the label', async () => {
      const { primary, client, coll } = await connected();
      primary.on('insert', closeFirst(), 3);
      const error = (await rejection(coll.insert_one({}))) as AutoReconnect;
      expect(error).to.be.instanceOf(AutoReconnect);
      expect(error.has_error_label(LABEL)).to.equal(true);
      expect(error.message).to.include(`connection`).and.include('insert on');
      twice(primary.operations);
      expect(client[ENGINE].sessions?.pool.size).to.equal(0);
    });

    it('a bulk fails as a whole', async () => {
      const { primary, coll } = await connected();
      primary.on('insert', closeFirst(), 2);
      const error = (await rejection(coll.insert_many([{}, {}]))) as AutoReconnect;
      expect(error.has_error_label(LABEL)).to.equal(true);
      primary.on(
        'insert',
        rewriteReply((reply) => ({
          ...reply,
          writeConcernError: { code: 91, errmsg: 'shutting down' },
          errorLabels: [LABEL],
        })),
        2,
      );
      const unmet = (await rejection(coll.insert_many([{ _id: 1 }, { _id: 2 }]))) as BulkWriteError;
      expect(unmet).to.be.instanceOf(BulkWriteError);
      expect(unmet.has_error_label(LABEL)).to.equal(true);
      expect(unmet.details).to.include({ nInserted: 2 });
    });

    it('a failure that says that nothing was written gives way to the first one', async () => {
      const { primary, coll } = await connected();
      primary.on('insert', answer({ ...notPrimary, code: 91, errmsg: 'shutting down' }));
      primary.on('insert', answer({ ...notPrimary, errorLabels: [LABEL, 'NoWritesPerformed'] }));
      const error = (await rejection(coll.insert_one({}))) as NotPrimaryError;
      expect(error.code).to.equal(91);
      twice(primary.operations);
    });

    it('so does that there is no server any more', async () => {
      const { primary, coll } = await connected({ serverSelectionTimeoutMS: 200 });
      await coll.find_one();
      primary.on('insert', (exchange) => {
        primary.refuse();
        exchange.close();
      });
      const error = (await rejection(coll.insert_one({}))) as AutoReconnect;
      expect(error.message).to.include('during insert on');
      expect(error.has_error_label(LABEL)).to.equal(true);
    });

    it('or that the server found does not know repetitions', async () => {
      const { primary, coll } = await connected();
      await coll.find_one();
      primary.on('insert', (exchange) => {
        primary.says({ logicalSessionTimeoutMinutes: undefined });
        exchange.close();
      });
      const error = (await rejection(coll.insert_one({}))) as AutoReconnect;
      expect(error.message).to.include('during insert on');
      expect(primary.count('insert')).to.equal(1);
    });
  });

  it('what never reached the server may be sent again', async () => {
    const { primary, coll } = await connected();
    await coll.find_one();
    primary.on('find', delayReply(100));
    const busy = coll.find_one();
    // Its connection is the second, which does not come about.
    const refused = primary.on('hello', answer({ ok: 0, errmsg: 'shutting down', code: 91 }));
    await coll.insert_one({ _id: 1 });
    await busy;
    expect(refused.hits).to.equal(1);
    expect(numbers(primary.operations.filter(({ name }) => name === 'insert'))).to.deep.equal([1]);
  });

  it('a storage engine that cannot count them is explained', async () => {
    const { primary, coll } = await connected();
    const errmsg = 'Transaction numbers are only allowed on a replica set member or mongos';
    primary.on('insert', answer({ ok: 0, code: 20, errmsg }));
    const error = (await rejection(coll.insert_one({}))) as OperationFailure;
    expect(error).to.be.instanceOf(OperationFailure).with.property('code', 20);
    expect(error.message).to.match(
      /^This MongoDB deployment does not support retryable writes\. Please add retryWrites=false to your connection string\. /,
    );
    expect(error.details).to.deep.include({ errmsg });
  });

  it('the number is an integer of 64 bits', async () => {
    const { client, coll } = await connected();
    const types: unknown[] = [];
    client[ENGINE].events.on('commandStarted', ({ command }) => types.push(command.txnNumber?._bsontype));
    await coll.insert_one({});
    expect(types).to.deep.equal(['Long']);
  });
});

describe('retryable reads', () => {
  checkOften();
  const things = freshAsyncIOCollection();
  const connected = () => connectedToPrimary(things(), ASKED);

  it('go on in the same server session, which is not used again', async () => {
    const { primary, client, coll } = await connected();
    primary.on('find', loseReply());
    expect(await coll.find().to_list()).to.deep.equal([]);
    const [first, second] = primary.operations.map(lsidOf);
    expect(first).to.be.a('string').that.equals(second);
    expect(primary.operations.map(({ document }) => document.txnNumber)).to.deep.equal([undefined, undefined]);
    expect(client[ENGINE].sessions?.pool.size).to.equal(0);
  });

  it('also begin anew where a connection does not come about', async () => {
    const { primary, coll } = await connected();
    await coll.find_one();
    primary.on('find', delayReply(100));
    const busy = coll.find_one();
    const refused = primary.on('hello', answer({ ok: 0, errmsg: 'shutting down', code: 91 }));
    expect(await coll.distinct('a')).to.deep.equal([]);
    await busy;
    expect(refused.hits).to.equal(1);
    expect(primary.count('distinct')).to.equal(1);
  });

  it('have no labels', async () => {
    const { primary, coll } = await connected();
    primary.on('find', closeFirst(), 2);
    const error = (await rejection(coll.find_one())) as AutoReconnect;
    expect(error.error_labels).to.deep.equal([]);
    expect(primary.operations).to.have.length(2);
  });
});

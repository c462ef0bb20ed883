import { type Document, Long, Timestamp, UUID } from 'bson';
import { expect } from 'chai';
import { eventually } from './eventually';
import { loseReply } from './faults';
import { server } from './hooks';
import { EXHAUST_ALLOWED, replyOf } from './message';
import { CommandError, RawClient, runRaw } from './rawClient';
import { rejection } from './rejection';
import { type Member, playReplicaSet, type ReplicaSet } from './replicaSet';

const DB = 'spec_replica_set';
const HELLO = { hello: 1 };
const SECONDARY = { $readPreference: { mode: 'secondary' } };

describe('the played replica set', () => {
  let set: ReplicaSet;
  let first: Member;
  let second: Member;
  beforeEach(async () => {
    set = await playReplicaSet(server(), 3);
    [first, second] = set.members as [Member, Member];
  });
  afterEach(async () => {
    await runRaw(server(), DB, { dropDatabase: 1 });
    await set.close();
  });

  const hello = (member: Member) => runRaw(member, 'admin', HELLO);
  const failure = async (member: Member, command: Document): Promise<Document> => {
    const error = await rejection(runRaw(member, DB, command));
    expect(error).to.be.instanceOf(CommandError);
    return (error as CommandError).reply;
  };

  describe('tells by hello', () => {
    it('who is what', async () => {
      const hosts = set.members.map((member) => member.address);
      const common = { hosts, setName: 'rs', primary: first.address, logicalSessionTimeoutMinutes: 30 };
      const primary = await hello(first);
      expect(primary).to.deep.include({ ...common, isWritablePrimary: true, secondary: false, me: first.address });
      expect(primary.electionId.toHexString()).to.equal('7fffffff0000000000000001');
      expect(primary.lastWrite.lastWriteDate).to.be.instanceOf(Date);
      const secondary = await hello(second);
      expect(secondary).to.deep.include({ ...common, isWritablePrimary: false, secondary: true, me: second.address });
      expect(secondary).to.not.have.property('electionId');
      expect(secondary.setVersion).to.equal(primary.setVersion);
      expect(secondary.maxWireVersion).to.equal((await runRaw(server(), 'admin', HELLO)).maxWireVersion);
    });

    it('the same the old way', async () => {
      const client = await RawClient.connect(second);
      const reply = await client.runLegacy('admin', { isMaster: 1, helloOk: true });
      expect(reply).to.include({ ismaster: false, secondary: true, setName: 'rs', helloOk: true });
      expect(reply).to.not.have.property('isWritablePrimary');
      await client.close();
    });

    it('of arbiters, passive and hidden members, tags and lag', async () => {
      const arbiter = await set.add({ arbiter: true });
      const passive = await set.add({ priority: 0, tags: { dc: 'ny' }, lag: 60_000 });
      const hidden = await set.add({ priority: 0, hidden: true });
      expect(await hello(arbiter)).to.deep.include({ arbiterOnly: true, secondary: false });
      const reply = await hello(passive);
      expect(reply).to.deep.include({ passive: true, secondary: true, tags: { dc: 'ny' } });
      expect(reply).to.deep.include({ passives: [passive.address], arbiters: [arbiter.address] });
      expect(reply.hosts).to.deep.equal([first, second, set.members[2]].map((member) => member?.address));
      expect(reply.lastWrite.lastWriteDate.getTime()).to.be.lessThan(Date.now() - 59_000);
      expect(await hello(hidden)).to.include({ hidden: true, secondary: true });
      passive.retag({ dc: 'sf' });
      expect((await hello(passive)).tags).to.deep.equal({ dc: 'sf' });
    });

    it('at once of an election, to those who wait for it', async () => {
      const client = await RawClient.connect(second);
      const { topologyVersion } = await client.run('admin', HELLO);
      client.send('admin', { ...HELLO, topologyVersion, maxAwaitTimeMS: 60_000 }, EXHAUST_ALLOWED);
      set.stepDown();
      expect(replyOf(await client.read()))
        .to.include({ secondary: true })
        .and.not.have.property('primary');
      set.elect(second);
      const reply = replyOf(await client.read());
      expect(reply).to.include({ isWritablePrimary: true, primary: second.address });
      expect(reply.electionId.toHexString()).to.equal('7fffffff0000000000000002');
      await client.close();
      expect(await hello(first)).to.include({ isWritablePrimary: false, secondary: true });
    });

    it('a member that was removed that it is in no set', async () => {
      set.remove(second);
      const reply = await hello(second);
      expect(reply).to.include({ isreplicaset: true, secondary: false }).and.not.have.property('setName');
      expect((await hello(first)).hosts).to.have.length(2);
    });
  });

  describe('runs', () => {
    it('writes on the primary only', async () => {
      const insert = { insert: 'things', documents: [{ _id: 1 }], writeConcern: { w: 3 } };
      const refused = await failure(second, insert);
      expect(refused).to.include({ code: 10107, codeName: 'NotWritablePrimary' });
      expect(refused.topologyVersion).to.deep.equal((await hello(second)).topologyVersion);
      expect(await runRaw(first, DB, insert)).to.include({ n: 1, ok: 1 });
    });

    it('reads on a secondary if it may', async () => {
      const count = { count: 'things', readConcern: { level: 'majority' } };
      expect((await failure(second, count)).code).to.equal(13435);
      expect((await runRaw(second, DB, { ...count, ...SECONDARY })).n).to.equal(0);
      second.options.recovering = true;
      expect((await failure(second, { ...count, ...SECONDARY })).code).to.equal(13436);
      const arbiter = await set.add({ arbiter: true });
      expect((await failure(arbiter, { ...count, ...SECONDARY })).code).to.equal(13436);
    });

    it('nothing on a member that is dead', async () => {
      const client = await RawClient.connect(first);
      const { topologyVersion } = await hello(first);
      await set.kill(first);
      expect(await rejection(client.read())).to.be.instanceOf(Error);
      expect(await rejection(hello(first))).to.have.property('code', 'ECONNREFUSED');
      expect(await hello(second)).to.not.have.property('primary');
      set.elect(second);
      await set.restart(first);
      const reply = await hello(first);
      expect(reply).to.include({ secondary: true, primary: second.address });
      expect(reply.topologyVersion.processId.equals(topologyVersion.processId)).to.equal(false);
    });

    it('replSetStepDown, and elects another', async () => {
      const client = await RawClient.connect(first);
      const { topologyVersion } = await client.run('admin', HELLO);
      await client.run('admin', { replSetStepDown: 30 });
      const reply = await client.run('admin', { ...HELLO, topologyVersion, maxAwaitTimeMS: 5000 });
      const next = await client.run('admin', {
        ...HELLO,
        topologyVersion: { ...reply.topologyVersion, counter: Long.fromNumber(reply.topologyVersion.counter) },
        maxAwaitTimeMS: 5000,
      });
      expect(next).to.include({ isWritablePrimary: false, primary: second.address });
      await client.close();
    });
  });

  it('tells a write concern that it cannot promise', async () => {
    const insert = (w: number | string) =>
      runRaw(first, DB, { insert: 'things', documents: [{}], writeConcern: { w } });
    expect(await insert('majority')).to.not.have.property('writeConcernError');
    expect((await insert(4)).writeConcernError).to.include({ code: 100 });
    expect((await insert('everywhere')).writeConcernError).to.include({ code: 79 });
  });

  it('counts its time with every write, and with what clients know', async () => {
    const time = async (command: Document) => {
      const { $clusterTime, operationTime } = await runRaw(first, DB, command);
      expect($clusterTime.clusterTime.equals(operationTime)).to.equal(true);
      expect($clusterTime.signature.keyId).to.equal(0);
      return operationTime as Timestamp;
    };
    const before = await time({ ping: 1 });
    const after = await time({ insert: 'things', documents: [{}] });
    expect(after.greaterThan(before)).to.equal(true);
    expect((await time({ count: 'things', readConcern: { afterClusterTime: after } })).equals(after)).to.equal(true);
    const later = new Timestamp({ t: after.t + 10, i: 1 });
    expect((await failure(first, { count: 'things', readConcern: { afterClusterTime: later } })).code).to.equal(72);
    const $clusterTime = { clusterTime: later, signature: {} };
    expect((await time({ ping: 1, $clusterTime })).equals(later)).to.equal(true);
  });

  describe('of a retryable write', () => {
    const lsid = { id: new UUID() };
    let txnNumber = 0;
    let write: Document;
    beforeEach(() => {
      txnNumber += 1;
      write = { lsid, txnNumber: Long.fromNumber(txnNumber) };
    });

    const contents = async () => (await runRaw(server(), DB, { find: 'things' })).cursor.firstBatch;

    it('remembers what came of it, on every member', async () => {
      const insert = { insert: 'things', documents: [{ _id: 1 }, { _id: 2 }], ...write };
      first.on('insert', loseReply());
      await rejection(runRaw(first, DB, insert));
      set.elect(second);
      expect(await runRaw(second, DB, insert)).to.deep.include({ n: 2, retriedStmtIds: [0, 1], ok: 1 });
      expect(await contents()).to.deep.equal([{ _id: 1 }, { _id: 2 }]);
      const modify = { findAndModify: 'things', query: { _id: 1 }, update: { $inc: { x: 1 } }, new: true };
      const again = { ...modify, lsid, txnNumber: Long.fromNumber(++txnNumber) };
      for (let i = 0; i < 2; i++) expect((await runRaw(second, DB, again)).value).to.deep.equal({ _id: 1, x: 1 });
    });

    it('does it once although it comes again while it is under way, or its client is gone', async () => {
      const update = { update: 'things', updates: [{ q: { _id: 1 }, u: { $inc: { x: 1 } }, upsert: true }], ...write };
      await Promise.all([runRaw(first, DB, update), runRaw(first, DB, update)]);
      expect(await contents()).to.deep.equal([{ _id: 1, x: 1 }]);
      const again = { ...update, txnNumber: Long.fromNumber(++txnNumber) };
      const client = await RawClient.connect(first);
      const lost = client.run(DB, again).catch(() => null);
      await eventually(() => first.commands.at(-1)?.document.txnNumber === txnNumber, 'it has arrived');
      first.drop(true);
      await lost;
      await runRaw(first, DB, again);
      expect(await contents()).to.deep.equal([{ _id: 1, x: 2 }]);
    });

    it('does what was not done before', async () => {
      await runRaw(first, DB, { insert: 'things', documents: [{ _id: 2 }] });
      const insert = { insert: 'things', ordered: false, documents: [{ _id: 1 }, { _id: 2 }, { _id: 3 }], ...write };
      const reply = await runRaw(first, DB, insert);
      expect(reply.n).to.equal(2);
      expect(reply.writeErrors[0]).to.include({ index: 1, code: 11000 });
      await runRaw(first, DB, { delete: 'things', deletes: [{ q: { _id: 2 }, limit: 1 }] });
      const again = await runRaw(first, DB, insert);
      expect(again)
        .to.deep.include({ n: 3, retriedStmtIds: [0, 2] })
        .and.not.have.property('writeErrors');
      expect(await contents()).to.have.length(3);
    });

    it('refuses old ones, and what is none', async () => {
      await runRaw(first, DB, { insert: 'things', documents: [{ _id: 1 }], ...write });
      const old = { insert: 'things', documents: [{ _id: 2 }], lsid, txnNumber: Long.fromNumber(txnNumber - 1) };
      expect((await failure(first, old)).code).to.equal(225);
      const { lsid: _, ...without } = write;
      expect((await failure(first, { insert: 'things', documents: [{}], ...without })).code).to.equal(72);
      expect((await failure(first, { count: 'things', ...write })).code).to.equal(50768);
      const update = { update: 'things', updates: [{ q: {}, u: { $set: { x: 1 } }, multi: true }], ...write };
      expect((await failure(first, update)).code).to.equal(72);
      expect((await failure(first, { delete: 'things', deletes: [{ q: {}, limit: 0 }], ...write })).code).to.equal(72);
    });

    it('labels an error after which it may be tried again', async () => {
      const fail = (data: Document) =>
        runRaw(first, 'admin', { configureFailPoint: 'failCommand', mode: { times: 1 }, data });
      const insert = { insert: 'things', documents: [{ _id: 1 }] };
      await fail({ failCommands: ['insert'], errorCode: 189 });
      expect((await failure(first, { ...insert, ...write })).errorLabels).to.deep.equal(['RetryableWriteError']);
      await fail({ failCommands: ['insert'], errorCode: 189 });
      expect(await failure(first, insert)).to.not.have.property('errorLabels');
      await fail({ failCommands: ['insert'], errorCode: 11601 });
      expect(await failure(first, { ...insert, ...write })).to.not.have.property('errorLabels');
      await fail({ failCommands: ['insert'], errorCode: 189, errorLabels: [] });
      expect(await failure(first, { ...insert, ...write })).to.not.have.property('errorLabels');
      await fail({ failCommands: ['insert'], writeConcernError: { code: 91, errmsg: 'shutting down' } });
      const reply = await runRaw(first, DB, { ...insert, ...write });
      expect(reply).to.deep.include({ n: 1, errorLabels: ['RetryableWriteError'] });
      first.says({ maxWireVersion: 8 }); // before 4.4
      await fail({ failCommands: ['insert'], errorCode: 189 });
      expect(await failure(first, { ...insert, ...write })).to.not.have.property('errorLabels');
    });

    it('fails at a statement by onPrimaryTransactionalWrite, after it was done or before', async () => {
      const fail = (mode: Document, data: Document = {}) =>
        runRaw(first, 'admin', { configureFailPoint: 'onPrimaryTransactionalWrite', mode, data });
      await runRaw(first, DB, { insert: 'things', documents: [{ _id: 1 }] });
      const increase = (upsert: number) => ({ q: { _id: upsert }, u: { $inc: { x: 1 } }, upsert: true });
      const update = { update: 'things', updates: [increase(1), increase(2), increase(3)], ...write };
      await fail({ skip: 1 });
      await rejection(runRaw(first, DB, update));
      expect(await contents()).to.deep.equal([
        { _id: 1, x: 1 },
        { _id: 2, x: 1 },
      ]);
      await fail({ times: 1 }, { failBeforeCommitExceptionCode: 1 });
      await rejection(runRaw(first, DB, update));
      expect(await contents()).to.have.length(2);
      expect(await runRaw(first, DB, update)).to.deep.include({
        n: 3,
        nModified: 1,
        upserted: [
          { index: 1, _id: 2 },
          { index: 2, _id: 3 },
        ],
        retriedStmtIds: [0, 1],
      });
      expect(await contents()).to.deep.equal([1, 2, 3].map((_id) => ({ _id, x: 1 })));
    });
  });
});

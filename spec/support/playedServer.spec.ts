import { UUID } from 'bson';
import { expect } from 'chai';
import { loseReply } from './faults';
import { server } from './hooks';
import { EXHAUST_ALLOWED, flagsOf, MORE_TO_COME, replyOf, requestIdOf, responseToOf } from './message';
import { type PlayedServer, playStandalone } from './playedServer';
import { CommandError, RawClient } from './rawClient';
import { rejection } from './rejection';

const DB = 'spec_played';
const PING = { ping: 1 };

describe('the played standalone', () => {
  let played: PlayedServer;
  let client: RawClient;
  beforeEach(async () => {
    played = await playStandalone(server());
    client = await RawClient.connect(played);
  });
  afterEach(async () => {
    await client.close();
    await played.close();
  });

  const failPoint = (mode: unknown, data: object, name = 'failCommand') =>
    client.run('admin', { configureFailPoint: name, mode, data });
  const failure = async (command: object, db = DB) => {
    const error = await rejection(client.run(db, command));
    expect(error).to.be.instanceOf(CommandError);
    return (error as CommandError).reply;
  };

  describe('sessions', () => {
    it('are begun, kept up and ended by it', async () => {
      const { id, timeoutMinutes } = await client.run('admin', { startSession: 1 });
      expect(id.id).to.be.instanceOf(UUID);
      expect(timeoutMinutes).to.equal(30);
      expect(await client.run('admin', { ...PING, lsid: id })).to.deep.equal({ ok: 1 });
      for (const name of ['refreshSessions', 'killSessions', 'endSessions']) {
        expect((await client.run('admin', { [name]: [id] })).ok).to.equal(1);
      }
      expect((await client.run('admin', { hello: 1 })).logicalSessionTimeoutMinutes).to.equal(30);
    });

    it('are listed', async () => {
      const lsid = { id: new UUID() };
      const list = { aggregate: 1, pipeline: [{ $listLocalSessions: {} }], cursor: {} };
      expect((await client.run('admin', list)).cursor.firstBatch).to.deep.equal([]);
      await client.run(DB, { ...PING, lsid });
      expect((await client.run('admin', list)).cursor.firstBatch).to.deep.equal([{ _id: lsid }]);
      await client.run('admin', { endSessions: [lsid] });
      expect((await client.run('admin', list)).cursor.firstBatch).to.deep.equal([]);
    });

    it('have no retryable writes', async () => {
      const insert = { insert: 'things', documents: [{ _id: 1 }], lsid: { id: new UUID() }, txnNumber: 1 };
      expect(await failure(insert)).to.include({ code: 20, codeName: 'IllegalOperation' });
    });
  });

  describe('hello', () => {
    it('waits for a change, if it is told what is known', async () => {
      const { topologyVersion } = await client.run('admin', { hello: 1 });
      expect(topologyVersion.counter).to.equal(0);
      const begun = Date.now();
      await client.run('admin', { hello: 1, topologyVersion, maxAwaitTimeMS: 60 });
      expect(Date.now() - begun).to.be.at.least(50);

      client.send('admin', { hello: 1, topologyVersion, maxAwaitTimeMS: 60_000 });
      setTimeout(() => played.changed(), 20);
      const changed = replyOf(await client.read()).topologyVersion;
      expect(changed.counter).to.equal(1);
      expect(changed.processId.equals(topologyVersion.processId)).to.equal(true);
      await client.run('admin', { hello: 1, topologyVersion, maxAwaitTimeMS: 60_000 }); // which is old by now
    });

    it('goes on telling, if it may', async () => {
      const { topologyVersion } = await client.runLegacy('admin', { isMaster: 1, helloOk: true });
      const requestId = client.send('admin', { hello: 1, topologyVersion, maxAwaitTimeMS: 20 }, EXHAUST_ALLOWED);
      const first = await client.read();
      const second = await client.read();
      expect(responseToOf(first)).to.equal(requestId);
      expect(responseToOf(second)).to.equal(requestIdOf(first));
      for (const reply of [first, second]) {
        expect(flagsOf(reply) & MORE_TO_COME).to.not.equal(0);
        expect(replyOf(reply).isWritablePrimary).to.equal(true);
      }
    });

    it('stops telling by a failure', async () => {
      const { topologyVersion } = await client.run('admin', { hello: 1 });
      await failPoint({ skip: 1 }, { failCommands: ['hello'], errorCode: 91 });
      client.send('admin', { hello: 1, topologyVersion, maxAwaitTimeMS: 20 }, EXHAUST_ALLOWED);
      await client.read();
      const last = await client.read();
      expect(flagsOf(last) & MORE_TO_COME).to.equal(0);
      expect(replyOf(last)).to.include({ ok: 0, code: 91 });
    });
  });

  it('says other things of itself', async () => {
    played.says({ msg: 'isdbgrid' });
    played.says({ logicalSessionTimeoutMinutes: undefined });
    for (const reply of [
      await client.run('admin', { hello: 1 }),
      await client.runLegacy('admin', { isMaster: 1, helloOk: true }),
    ]) {
      expect(reply).to.have.property('msg', 'isdbgrid');
      expect(reply).to.not.have.property('logicalSessionTimeoutMinutes');
      expect(reply.topologyVersion.counter).to.equal(2); // who waits for a change has been told
    }
  });

  describe('the fail point failCommand', () => {
    it('fails some commands so many times', async () => {
      await failPoint({ times: 2 }, { failCommands: ['ping', 'find'], errorCode: 91, errorLabels: ['Label'] });
      expect((await client.run(DB, { count: 'things' })).ok).to.equal(1);
      expect(await failure(PING)).to.deep.equal({
        ok: 0,
        code: 91,
        codeName: 'ShutdownInProgress',
        errmsg: "Failing command via 'failCommand' failpoint",
        errorLabels: ['Label'],
      });
      expect((await failure({ find: 'things' })).code).to.equal(91);
      expect((await client.run(DB, PING)).ok).to.equal(1);
    });

    it('fails always, from then on, and no more', async () => {
      await failPoint('alwaysOn', { failCommands: ['ping'], errorCode: 8 });
      for (let i = 0; i < 3; i++) expect((await failure(PING)).codeName).to.equal('UnknownError');
      await failPoint({ skip: 1 }, { failCommands: ['ping'], errorCode: 8 });
      await client.run(DB, PING);
      for (let i = 0; i < 2; i++) await failure(PING);
      expect((await failPoint('off', {})).count).to.equal(5);
      await client.run(DB, PING);
    });

    it('acts before the command, or adds a write concern error to what was done', async () => {
      await failPoint({ times: 1 }, { failCommands: ['insert'], errorCode: 10107 });
      await failure({ insert: 'things', documents: [{ _id: 1 }] });
      const writeConcernError = { code: 91, errmsg: 'shutting down' };
      await failPoint({ times: 1 }, { failCommands: ['insert'], writeConcernError });
      const reply = await client.run(DB, { insert: 'things', documents: [{ _id: 1 }] });
      expect(reply).to.deep.include({ n: 1, ok: 1, writeConcernError });
      await client.run(DB, { dropDatabase: 1 });
    });

    it('closes the connection, or lets it wait', async () => {
      await failPoint({ times: 1 }, { failCommands: ['ping'], blockConnection: true, blockTimeMS: 60 });
      const begun = Date.now();
      await client.run(DB, PING);
      expect(Date.now() - begun).to.be.at.least(50);
      await failPoint({ times: 1 }, { failCommands: ['ping'], closeConnection: true });
      expect(await rejection(client.run(DB, PING))).to.have.property('message', 'the connection was closed');
    });

    it('is for one application, if it says so', async () => {
      const named = await RawClient.connect(played);
      await named.run('admin', { hello: 1, client: { application: { name: 'one' } } });
      await failPoint('alwaysOn', { failCommands: ['ping', 'hello'], errorCode: 8, appName: 'one' });
      await client.run(DB, PING);
      expect(await rejection(named.run(DB, PING))).to.have.property('code', 8);
      expect((await failure({ hello: 1, client: { application: { name: 'one' } } })).code).to.equal(8);
      await named.close();
    });

    it('is none of a name or mode that there is not', async () => {
      expect(await rejection(failPoint('off', {}, 'failEverything'))).to.have.property('code', 165);
      expect(await rejection(failPoint('sometimes', {}))).to.have.property('code', 2);
    });
  });

  it('answers nothing while it pauses, and late if told to', async () => {
    played.delay = 60;
    const begun = Date.now();
    await client.run(DB, PING);
    expect(Date.now() - begun).to.be.at.least(50);
    played.delay = 0;
    played.pause();
    client.send(DB, PING);
    const early = await Promise.race([client.read(), new Promise((resolve) => setTimeout(resolve, 50, 'nothing'))]);
    expect(early).to.equal('nothing');
    played.resume();
    await client.run(DB, PING);
  });

  it('takes faults as any proxy does', async () => {
    const lsid = { id: new UUID() };
    played.on('insert', loseReply());
    await rejection(client.run(DB, { insert: 'things', documents: [{ _id: 7 }], lsid }));
    const other = await RawClient.connect(played);
    expect((await other.run(DB, { count: 'things', lsid })).n).to.equal(1);
    await other.run(DB, { dropDatabase: 1 });
    await other.close();
  });
});

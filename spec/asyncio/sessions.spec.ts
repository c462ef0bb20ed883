import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { Binary, type Document, Long, Timestamp } from 'bson';
import { expect } from 'chai';
import {
  type AsyncIOMotorClient,
  type AsyncIOMotorCollection,
  AutoReconnect,
  OperationFailure,
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
  uniqueName,
} from '../support/clients';
import { eventually } from '../support/eventually';
import { answer, closeFirst, delayReply, hang, loseReply, rewriteReply } from '../support/faults';
import { lsidOf, type PlayedServer } from '../support/playedServer';
import { isHello, type SeenCommand } from '../support/proxy';
import { rejection } from '../support/rejection';

describe('implicit sessions', () => {
  checkOften();
  const things = freshAsyncIOCollection();
  const connected = (options = {}) => connectedToPrimary(things(), options);

  const idle = (client: AsyncIOMotorClient): number => client[ENGINE].sessions?.pool.size ?? -1;
  const lsids = (primary: PlayedServer): (string | null)[] => primary.operations.map(lsidOf);

  it('every command carries an lsid, and those that come one after the other the same one', async () => {
    const { primary, client, coll } = await connected();
    await coll.insert_one({ _id: 1 });
    await coll.insert_many([{ _id: 2 }, { _id: 3 }]);
    await coll.update_many({}, { $set: { a: 1 } });
    await coll.find_one_and_delete({ _id: 3 });
    await coll.find_one();
    expect(await coll.find().to_list()).to.have.length(2);
    await coll.aggregate([]).to_list();
    await coll.distinct('a');
    await coll.index_information();
    await coll.database.command('ping');
    await coll.drop();
    await client.list_database_names();
    const [lsid] = lsids(primary);
    expect(primary.names).to.deep.equal([
      ...['insert', 'insert', 'update', 'findAndModify', 'find', 'find', 'aggregate', 'distinct', 'listIndexes'],
      ...['ping', 'drop', 'listDatabases'],
    ]);
    expect(lsids(primary)).to.deep.equal(primary.operations.map(() => lsid));
    const id = primary.operations[0]?.document.lsid.id as Binary;
    expect([id.sub_type, id.length()]).to.deep.equal([4, 16]);
    expect(lsid).to.match(/^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
    expect(idle(client)).to.equal(1);
  });

  it('handshakes carry none', async () => {
    const { primary, coll } = await connected();
    await Promise.all([coll.find_one(), coll.find_one(), coll.find_one()]);
    const handshakes = primary.commands.filter(({ name }) => isHello(name));
    expect(handshakes.length).to.be.greaterThan(0);
    for (const { document } of handshakes) expect(document).to.not.have.any.keys('lsid', '$clusterTime');
  });

  it('commands at the same time carry different ones; the one given back last is used next', async () => {
    const { primary, client, coll } = await connected();
    await coll.find_one();
    const first = lsids(primary)[0];
    primary.on('find', delayReply(50), 3);
    await Promise.all([coll.find_one(), coll.find_one(), coll.find_one()]);
    expect(new Set(lsids(primary).slice(1)).size).to.equal(3);
    expect(lsids(primary).slice(1)).to.include(first);
    expect(idle(client)).to.equal(3);
    await coll.find_one();
    await coll.find_one();
    expect(new Set(lsids(primary)).size).to.equal(3);
    expect(lsids(primary)[4]).to.equal(lsids(primary)[5]);
  });

  it('is taken with the connection: as many as there are connections', async () => {
    const { primary, client, coll } = await connected({ maxPoolSize: 2 });
    await Promise.all(Array.from({ length: 20 }, () => coll.find_one()));
    expect(lsids(primary)).to.have.length(20);
    expect(new Set(lsids(primary)).size).to.be.within(1, 2);
    expect(idle(client)).to.equal(new Set(lsids(primary)).size);
  });

  it('goes back after a failure as well', async () => {
    const { primary, client, coll } = await connected();
    primary.on('find', answer({ ok: 0, code: 2, errmsg: 'bad value' }));
    await rejection(coll.find_one());
    await coll.insert_one({ _id: 1 });
    await rejection(coll.insert_one({ _id: 1 }));
    await rejection(coll.database.command({ ping: 1, x: Symbol('not for BSON') } as Document));
    expect(new Set(lsids(primary)).size).to.equal(1);
    expect(idle(client)).to.equal(1);
  });

  it('is not used again after the connection broke', async () => {
    const { primary, client, coll } = await connected({ retryReads: false });
    primary.on('find', loseReply());
    expect(await rejection(coll.find_one())).to.be.instanceOf(AutoReconnect);
    expect(idle(client)).to.equal(0);
    await coll.find_one();
    const [lost, next] = lsids(primary);
    expect(next).to.be.a('string').that.does.not.equal(lost);
  });

  it('the command of the user stays as it was, and keeps an lsid of its own', async () => {
    const { primary, client, coll } = await connected();
    const command = { ping: 1 };
    await coll.database.command(command);
    expect(command).to.deep.equal({ ping: 1 });
    const own = new Binary(Buffer.from('00112233445546678899aabbccddeeff', 'hex'), Binary.SUBTYPE_UUID);
    await coll.database.command({ ping: 1, lsid: { id: own } });
    expect(lsids(primary).at(-1)).to.equal('00112233-4455-4667-8899-aabbccddeeff');
    expect(lsids(primary)[0]).to.not.equal(lsids(primary)[1]);
    expect(idle(client)).to.equal(1);
  });

  it('unacknowledged writes carry none', async () => {
    const { primary, client, coll } = await connected();
    const careless = coll.with_options({ write_concern: { w: 0 } });
    await careless.insert_one({});
    await careless.insert_many([{}, {}], { ordered: false });
    await careless.update_one({}, { $set: { a: 1 } });
    await careless.delete_one({});
    await coll.find_one();
    expect(lsids(primary).slice(0, -1)).to.deep.equal([null, null, null, null]);
    expect(lsids(primary).at(-1)).to.be.a('string');
    expect(idle(client)).to.equal(1);
  });

  describe('of a cursor', () => {
    beforeEach(() => things().insert_many(Array.from({ length: 6 }, (_, _id) => ({ _id }))));

    for (const [name, open] of [
      ['find', (coll: AsyncIOMotorCollection) => coll.find({}, { batch_size: 2 })],
      ['aggregate', (coll: AsyncIOMotorCollection) => coll.aggregate([], { batchSize: 2 })],
    ] as const) {
      it(`${name}: all its commands belong to the same, until the server has no more`, async () => {
        const { primary, client, coll } = await connected();
        const cursor = open(coll);
        await cursor.next();
        await cursor.next();
        await cursor.next();
        await coll.distinct('a');
        expect(idle(client)).to.equal(1);
        await cursor.to_list();
        expect(primary.names).to.include.members([name, 'getMore', 'distinct']);
        const own = new Set(primary.operations.filter((command) => command.name !== 'distinct').map(lsidOf));
        expect(own.size).to.equal(1);
        expect(own).to.not.include(primary.operations.filter((command) => command.name === 'distinct').map(lsidOf)[0]);
        expect(idle(client)).to.equal(2);
      });
    }

    it('it goes back with the last batch, though the documents are still to be taken', async () => {
      const { client, coll } = await connected();
      const cursor = coll.find();
      await cursor.next();
      expect(idle(client)).to.equal(1);
      expect(await cursor.to_list()).to.have.length(5);
    });

    it('closing takes it along', async () => {
      const { primary, client, coll } = await connected();
      const cursor = coll.find({}, { batch_size: 2 });
      await cursor.next();
      expect(idle(client)).to.equal(0);
      await cursor.close();
      expect(primary.names).to.deep.equal(['find', 'killCursors']);
      expect(new Set(lsids(primary)).size).to.equal(1);
      expect(idle(client)).to.equal(1);
    });

    it('closing while the server is asked gives it back with the answer', async () => {
      const { primary, client, coll } = await connected();
      const cursor = coll.find({}, { batch_size: 2 });
      await cursor.next();
      await cursor.next();
      const rule = primary.on('getMore', delayReply(100));
      const asked = cursor.next().catch(() => null);
      await eventually(() => rule.hits === 1, 'the server is asked');
      await cursor.close();
      await coll.find_one();
      const [own] = lsids(primary);
      expect(lsids(primary).at(-1)).to.not.equal(own);
      await asked;
      const all = new Set(lsids(primary)).size;
      await eventually(() => idle(client) === all, 'all server sessions are back');
    });

    it('a server that fails ends it; a connection that breaks makes it useless', async () => {
      const { primary, client, coll } = await connected();
      primary.on('getMore', answer({ ok: 0, code: 43, errmsg: 'no such cursor' }));
      expect(await rejection(coll.find({}, { batch_size: 2 }).to_list())).to.be.instanceOf(OperationFailure);
      expect(idle(client)).to.equal(1);
      const rule = primary.on('getMore', closeFirst());
      expect(await rejection(coll.find({}, { batch_size: 2 }).to_list())).to.be.instanceOf(AutoReconnect);
      expect(rule.hits).to.equal(1);
      await eventually(() => primary.count('killCursors') > 0, 'it is killed');
      await sleep(20);
      expect(idle(client)).to.equal(0);
    });

    it('a cursor that nobody holds gives it back', async () => {
      setFlagsFromString('--expose-gc');
      const collect = runInNewContext('gc') as () => void;
      const { primary, client, coll } = await connected();
      await (async () => coll.find({}, { batch_size: 2 }).next())();
      await eventually(() => {
        collect();
        return idle(client) === 1;
      }, 'it is back');
      expect(primary.names).to.deep.equal(['find', 'killCursors']);
      expect(new Set(lsids(primary)).size).to.equal(1);
    });

    it('cursor_command', async () => {
      const { primary, client, coll } = await connected();
      const open = () => coll.database.cursor_command({ find: coll.name, batchSize: 2 });
      expect(await (await open()).to_list()).to.have.length(6);
      expect(new Set(lsids(primary)).size).to.equal(1);
      expect(idle(client)).to.equal(1);
      const closed = await open();
      expect(idle(client)).to.equal(0);
      await closed.close();
      expect(idle(client)).to.equal(1);
      await coll.database.cursor_command({ find: coll.name });
      expect(idle(client)).to.equal(1);
    });
  });

  describe('close', () => {
    const ended = (primary: PlayedServer) => primary.operations.filter(({ name }) => name === 'endSessions');

    it('tells the server which sessions are at an end', async () => {
      const { primary, client, coll } = await connected();
      primary.on('find', delayReply(30), 2);
      await Promise.all([coll.find_one(), coll.find_one()]);
      const used = new Set(lsids(primary));
      client.close();
      await eventually(() => ended(primary).length > 0, 'endSessions arrives');
      const [command] = ended(primary);
      expect(command).to.include({ db: 'admin', moreToCome: true });
      expect(command?.document).to.not.have.property('lsid');
      expect(new Set(command?.document.endSessions.map(({ id }: Document) => id.toHexString()))).to.deep.equal(used);
      expect(ended(primary)).to.have.length(1);
    });

    it('also on a connection that was idle for long, and once', async () => {
      const { primary, client, coll } = await connected();
      await coll.find_one();
      await sleep(1100);
      client.close();
      client.close();
      await eventually(() => ended(primary).length > 0, 'endSessions arrives');
      await sleep(20);
      expect(ended(primary)).to.have.length(1);
    });

    it('in as many commands as it takes, and though the socket does not take them at once', async () => {
      const path = join(tmpdir(), `${uniqueName()}.sock`); // takes some 200 kB
      const primary = await newStandalone({ path });
      const client = newAsyncIOClient(primary);
      const coll = client.get_database(DATABASE).get_collection(things().name);
      primary.on('find', delayReply(30), 2);
      await Promise.all([coll.find_one(), coll.find_one()]);
      const pool = client[ENGINE].sessions?.pool as NonNullable<(typeof client)[typeof ENGINE]['sessions']>['pool'];
      const lent = Array.from({ length: 10_001 }, () => pool.lend(30 * 60_000));
      for (const session of lent) session.giveBack();
      client.close();
      await eventually(() => ended(primary).length === 2, 'both arrive');
      expect(
        ended(primary)
          .map(({ document }) => document.endSessions.length)
          .sort(),
      ).to.deep.equal([1, 10_000]);
    });

    it('waits for nothing, and says nothing where there was no session', async () => {
      const { primary, client, coll } = await connected();
      client.close();
      const second = newAsyncIOClient(primary);
      const other = second.get_database(DATABASE).get_collection(coll.name);
      const rule = primary.on('find', hang());
      const waiting = rejection(other.find_one());
      await eventually(() => rule.hits === 1, 'the server is asked');
      second.close();
      expect(await waiting).to.be.instanceOf(AutoReconnect);
      expect(ended(primary)).to.deep.equal([]);
      expect(idle(second)).to.equal(0);
    });
  });

  describe('cluster time', () => {
    const time = (t: number, i: number) => ({
      clusterTime: new Timestamp({ t, i }),
      signature: { hash: Buffer.alloc(20, 7), keyId: Long.fromString('7000000000000000001') },
    });
    const telling = (t: number, i: number) => rewriteReply((reply) => ({ ...reply, $clusterTime: time(t, i) }));
    const told = (primary: PlayedServer) =>
      primary.operations.map(({ document }) => {
        const known = document.$clusterTime?.clusterTime as Timestamp | undefined;
        return known === undefined ? null : [known.t, known.i];
      });

    it('the highest that was heard is passed on, as it came', async () => {
      const { primary, coll } = await connected();
      for (const [t, i] of [
        [5, 1],
        [5, 3],
        [4, 9],
        [5, 2],
        [6, 0],
      ] as const) {
        primary.on('find', telling(t, i));
        await coll.find_one();
      }
      await coll.with_options({ write_concern: { w: 0 } }).insert_one({});
      await coll.distinct('a');
      expect(told(primary)).to.deep.equal([null, [5, 1], [5, 3], [5, 3], [5, 3], [6, 0], [6, 0]]);
      const [last] = primary.commands.slice(-1) as [SeenCommand];
      const { signature } = last.document.$clusterTime;
      expect(signature.hash.buffer).to.deep.equal(Buffer.alloc(20, 7));
      expect(String(signature.keyId)).to.equal('7000000000000000001');
    });

    it('failures and replies of a class of the user tell it too', async () => {
      const { primary, coll } = await connected();
      primary.on('find', answer({ ok: 0, code: 2, errmsg: 'bad value', $clusterTime: time(9, 1) }));
      await rejection(coll.find_one());
      primary.on('ping', telling(9, 2));
      await coll.database.command('ping', 1, { codec_options: { document_class: Map } });
      await coll.find_one();
      expect(told(primary)).to.deep.equal([null, [9, 1], [9, 2]]);
    });

    it('a standalone does not hear of it, but of sessions', async () => {
      const played = await newStandalone();
      const coll = newAsyncIOClient(played).get_database(DATABASE).get_collection(things().name);
      played.on('find', telling(5, 1));
      await coll.find_one();
      await coll.find_one();
      expect(told(played)).to.deep.equal([null, null]);
      expect(lsids(played)).to.not.include(null);
    });
  });

  it('a server that has no sessions hears of none', async () => {
    const played = await newStandalone();
    played.says({ logicalSessionTimeoutMinutes: undefined });
    const client = newAsyncIOClient(played);
    const coll = client.get_database(DATABASE).get_collection(things().name);
    await coll.insert_one({});
    await coll.find({}, { batch_size: 2 }).to_list();
    for (const { document } of played.commands)
      expect(document).to.not.have.any.keys('lsid', '$clusterTime', 'txnNumber');
    expect(idle(client)).to.equal(0);
  });

  it("Motor's surface has none", async () => {
    const set = await newReplicaSet(1);
    const primary = set.member(0);
    const client = newClient(set);
    const coll = client.get_database(DATABASE).get_collection(uniqueName());
    await coll.insert({ _id: 1 });
    await coll.update({ _id: 1 }, { $set: { a: 1 } });
    await coll.find().to_list(null);
    await coll.drop();
    expect(primary.operations).to.have.length(4);
    for (const { document } of primary.operations) {
      expect(document).to.not.have.any.keys('lsid', '$clusterTime', 'txnNumber');
    }
    client.close();
    await sleep(20);
    expect(primary.operations).to.have.length(4);
  });
});

/** Servers that are found, watched, lost, and chosen among. */

import { expect } from 'chai';
import {
  AsyncIOMotorClient,
  ConfigurationError,
  NotPrimaryError,
  ServerSelectionTimeoutError,
} from '../../lib/asyncio/index';
import type { ClientEvents } from '../../lib/core/events';
import { ENGINE } from '../../lib/motor/settings';
import { checkOften } from '../support/checkOften';
import {
  countsOf,
  freshAsyncIOCollection,
  newAsyncIOClient,
  newReplicaSet,
  newStandalone,
  ping,
} from '../support/clients';
import { eventually } from '../support/eventually';
import { answer, closeFirst } from '../support/faults';
import type { PlayedServer } from '../support/playedServer';
import { rejection } from '../support/rejection';
import type { Member, ReplicaSet } from '../support/replicaSet';

type Client = ReturnType<typeof newAsyncIOClient>;
const addr = ({ host, port }: PlayedServer) => [host, port];

/** The servers do not tell by themselves what has changed, and it is long until they are asked. */
const UNTOLD = { heartbeatFrequencyMS: 60_000, serverMonitoringMode: 'poll' };

describe('AsyncIOMotorClient and a replica set', () => {
  checkOften();
  const things = freshAsyncIOCollection();
  const sameIn = (client: Client, kw = {}) =>
    client.get_database(things().database.name).get_collection(things().name, kw);

  it('finds all members from one of them, whichever that is', async () => {
    const set = await newReplicaSet([{}, {}, { arbiter: true }]);
    set.elect(set.member(1));
    const client = newAsyncIOClient(set.member(0));
    expect(client.topology_description.topology_type_name).to.equal('Unknown');
    expect([client.primary, client.nodes, client.address]).to.deep.equal([null, [], null]);
    await sameIn(client).insert_one({});
    await eventually(() => client.nodes.length === 3, 'all have answered');
    expect(client.topology_description.topology_type_name).to.equal('ReplicaSetWithPrimary');
    expect(client.topology_description.replica_set_name).to.equal('rs');
    expect(client.primary).to.deep.equal(addr(set.member(1)));
    expect(client.address).to.deep.equal(addr(set.member(1)));
    expect(client.secondaries).to.deep.equal([addr(set.member(0))]);
    expect(client.arbiters).to.deep.equal([addr(set.member(2))]);
    expect([client.is_primary, client.is_mongos]).to.deep.equal([true, false]);
    expect(set.counts('insert')).to.deep.equal([0, 1, 0]);
  });

  it('a direct connection stays with its member, which may be read', async () => {
    const set = await newReplicaSet(2);
    const client = newAsyncIOClient(set.member(1), { directConnection: true });
    await sameIn(client).find_one();
    expect(client.topology_description.topology_type_name).to.equal('Single');
    expect([client.nodes, client.primary, client.secondaries]).to.deep.equal([[addr(set.member(1))], null, []]);
    expect(set.counts('find')).to.deep.equal([0, 1]);
    const seen = set.member(1).commands.find(({ name }) => name === 'find');
    expect(seen?.document.$readPreference).to.deep.equal({ mode: 'primaryPreferred' });
  });

  it('follows the primary', async () => {
    const set = await newReplicaSet(2);
    const client = newAsyncIOClient(set.seeds);
    await sameIn(client).insert_one({});
    set.elect(set.member(1));
    await eventually(() => String(client.primary) === String(addr(set.member(1))), 'the new primary is known');
    await sameIn(client).insert_one({});
    expect(set.counts('insert')).to.deep.equal([1, 1]);
  });

  it('asks at once when a server says that it is no primary any more', async () => {
    const set = await newReplicaSet(2);
    const client = newAsyncIOClient(set.seeds, { ...UNTOLD, retryWrites: false });
    await sameIn(client).insert_one({});
    await eventually(() => client.nodes.length === 2, 'both have answered');
    set.elect(set.member(1));
    expect(await rejection(sameIn(client).insert_one({}))).to.be.instanceOf(NotPrimaryError);
    // Nothing is wrong with its connections: they stay.
    expect(countsOf(client).open).to.equal(1);
    await sameIn(client).insert_one({});
    expect(client.primary).to.deep.equal(addr(set.member(1)));
  });

  it('gives up the connections of a server that shuts down, and waits for a new primary', async () => {
    const set = await newReplicaSet(2);
    const client = newAsyncIOClient(set.seeds, UNTOLD);
    await sameIn(client).insert_one({});
    set.stepDown();
    set.member(0).on('find', answer({ ok: 0, code: 91, errmsg: 'shutdown in progress' }));
    setTimeout(() => set.elect(set.member(1)), 100);
    expect(await sameIn(client).find_one()).to.be.an('object');
    expect(set.counts('find')).to.deep.equal([1, 1]);
    expect(countsOf(client).open).to.equal(1);
  });

  it('takes a write concern that failed for a shutdown as word of it', async () => {
    const set = await newReplicaSet(2);
    const client = newAsyncIOClient(set.seeds, UNTOLD);
    await sameIn(client).insert_one({});
    set.stepDown();
    const failed = { code: 91, errmsg: 'shutdown in progress' };
    set.member(0).on('delete', answer({ ok: 1, n: 1, writeConcernError: failed }));
    expect(await rejection(sameIn(client).delete_one({})))
      .to.be.an('error')
      .with.property('code', 91);
    expect(client.primary).to.equal(null);
    expect(countsOf(client).open).to.equal(0);
  });

  it('retries a read elsewhere when its member is lost', async () => {
    const set = await newReplicaSet(3);
    const client = newAsyncIOClient(set.seeds);
    await ping(client);
    await eventually(() => client.nodes.length === 3, 'all have answered');
    const rules = set.members.map((member) => member.on('find', closeFirst()));
    // The first that is asked is lost, the other would be as well.
    const nearest = sameIn(client, { read_preference: 'secondary' });
    await rejection(nearest.find_one());
    expect(rules.map(({ hits }) => hits)).to.deep.equal([0, 1, 1]);
  });

  describe('reads go where their preference says', () => {
    const readBy = async (client: Client, read_preference: string, set: ReplicaSet, kw: object = {}) => {
      const before = set.counts('find');
      for (let turn = 0; turn < 20; turn++) {
        await sameIn(client, { read_preference }).find_one({}, kw);
      }
      return set.counts('find').map((count, index) => count - (before[index] as number));
    };

    const ready = async (set: ReplicaSet, options = {}) => {
      const client = newAsyncIOClient(set.seeds, { localThresholdMS: 1000, ...options });
      await ping(client);
      await eventually(() => client.nodes.length === set.members.length, 'all have answered');
      return client;
    };

    it('by mode, spread over all that are near', async () => {
      const set = await newReplicaSet(3);
      const client = await ready(set);
      expect(await readBy(client, 'primary', set)).to.deep.equal([20, 0, 0]);
      expect(await readBy(client, 'primaryPreferred', set)).to.deep.equal([20, 0, 0]);
      for (const mode of ['secondary', 'secondaryPreferred']) {
        const [ofPrimary, one, other] = await readBy(client, mode, set);
        expect(ofPrimary).to.equal(0);
        expect(
          [one, other].every((count) => (count as number) > 0),
          `${one} and ${other}`,
        ).to.equal(true);
      }
      expect((await readBy(client, 'nearest', set)).every((count) => count > 0)).to.equal(true);
      const told = set.member(1).commands.findLast(({ name }) => name === 'find');
      expect(told?.document.$readPreference.mode).to.be.oneOf(['secondary', 'secondaryPreferred', 'nearest']);
    });

    it('by tags, in their order', async () => {
      const set = await newReplicaSet([{}, { tags: { dc: 'ny' } }, { tags: { dc: 'sf' } }]);
      const tagged = await ready(set, {
        readPreference: 'secondary',
        readPreferenceTags: [{ dc: 'no' }, { dc: 'sf' }],
      });
      for (let turn = 0; turn < 5; turn++) await sameIn(tagged).find_one();
      expect(set.counts('find')).to.deep.equal([0, 0, 5]);
    });

    it('writes and what follows a cursor stay where they belong', async () => {
      await things().insert_many(Array.from({ length: 10 }, () => ({})));
      const set = await newReplicaSet(3);
      const client = await ready(set, { readPreference: 'secondary' });
      await sameIn(client).insert_one({});
      for (let turn = 0; turn < 10; turn++) {
        expect(await sameIn(client).find({}, { batch_size: 4 }).to_list()).to.have.length(11);
      }
      expect(set.counts('insert')).to.deep.equal([1, 0, 0]);
      const served = set.members.map((member) => [member.count('find'), member.count('getMore')] as const);
      expect(served[0]).to.deep.equal([0, 0]);
      for (const [finds, mores] of served) expect(mores).to.equal(finds * 2);
    });

    it('not to members that lag behind; a limit too short to be told is refused', async () => {
      const set = await newReplicaSet([{}, { lag: 200_000 }, {}]);
      const client = await ready(set, { readPreference: 'secondary', maxStalenessSeconds: 100 });
      for (let turn = 0; turn < 5; turn++) await sameIn(client).find_one();
      expect(set.counts('find')).to.deep.equal([0, 0, 5]);

      const hasty = await ready(set, { readPreference: 'secondary', maxStalenessSeconds: 10 });
      const error = await rejection(sameIn(hasty).find_one());
      expect(error).to.be.instanceOf(ConfigurationError);
      expect(error.message).to.include('at least 90');
    });

    it('to secondaries also while there is no primary', async () => {
      const set = await newReplicaSet(2);
      set.stepDown();
      const client = newAsyncIOClient(set.seeds, { serverSelectionTimeoutMS: 300 });
      expect(await sameIn(client, { read_preference: 'secondaryPreferred' }).find_one()).to.equal(null);
      const error = await rejection(sameIn(client).insert_one({}));
      expect(error).to.be.instanceOf(ServerSelectionTimeoutError);
      expect(error.message).to.match(
        /^no server that takes writes within 300 ms .*topology ReplicaSetNoPrimary 'rs': \S+ RSSecondary, \S+ RSSecondary/,
      );
      expect(client.topology_description.topology_type_name).to.equal('ReplicaSetNoPrimary');
    });
  });

  it('drops a member that the primary no longer names, and takes one that it does', async () => {
    const set = await newReplicaSet(2);
    const client = newAsyncIOClient(set.seeds);
    await sameIn(client, { read_preference: 'secondary' }).find_one();
    const left = set.member(1);
    set.remove(left);
    const joined = await set.add();
    await eventually(() => String(client.secondaries) === String([addr(joined)]), 'the new member is known');
    await eventually(() => left.connections.open === 0, 'the old one is left in peace');
    expect(client.nodes).to.deep.equal([addr(set.member(0)), addr(joined)]);
  });

  it('what a member was at when it left is done by another', async () => {
    const set = await newReplicaSet(3);
    const client = newAsyncIOClient(set.uri, { minPoolSize: 3, serverMonitoringMode: 'poll' });
    await sameIn(client).insert_one({ _id: 1, n: 0 });
    await eventually(() => countsOf(client).idle >= 3, 'the primary has its connections');
    const [left, next] = set.members as [Member, Member];
    // It does not say itself that it was removed: the others do.
    left.pause();
    const under = [
      sameIn(client).update_one({ _id: 1 }, { $inc: { n: 1 } }),
      sameIn(client).find_one_and_update({ _id: 1 }, { $inc: { n: 1 } }),
      sameIn(client).find_one({ _id: 1 }),
    ];
    await eventually(() => countsOf(client).checkedOut === 3, 'they are under way');
    set.elect(next);
    set.remove(left);
    await Promise.all(under);
    left.resume();
    expect(await sameIn(client).find_one()).to.deep.equal({ _id: 1, n: 2 });
  });

  it('tells what it finds out', async () => {
    const set = await newReplicaSet(2);
    const client = newAsyncIOClient(set.member(0));
    const told: string[] = [];
    const listen = <Name extends keyof ClientEvents>(name: Name, text: (event: ClientEvents[Name][0]) => string) =>
      client[ENGINE].events.on(name, ((event: ClientEvents[Name][0]) => told.push(`${name} ${text(event)}`)) as never);
    listen('topologyOpening', () => '');
    listen('topologyClosed', () => '');
    listen('serverOpening', ({ address }) => address);
    listen('serverClosed', ({ address }) => address);
    listen('serverDescriptionChanged', ({ address, newDescription }) => `${address} ${newDescription.type}`);
    listen('topologyDescriptionChanged', ({ newDescription }) => newDescription.type);
    await ping(client);
    await eventually(() => client.nodes.length === 2, 'both have answered');
    client.close();
    const [one, other] = set.members.map(({ address }) => address);
    expect(told).to.deep.equal([
      'topologyOpening ',
      'topologyDescriptionChanged Unknown',
      `serverOpening ${one}`,
      `serverDescriptionChanged ${one} RSPrimary`,
      'topologyDescriptionChanged ReplicaSetWithPrimary',
      `serverOpening ${other}`,
      `serverDescriptionChanged ${other} RSSecondary`,
      'topologyDescriptionChanged ReplicaSetWithPrimary',
      `serverClosed ${one}`,
      `serverClosed ${other}`,
      'topologyDescriptionChanged Unknown',
      'topologyClosed ',
    ]);
  });

  it('prints what it knows', () => {
    const { topology_description } = new AsyncIOMotorClient(['a', 'b'], { replicaSet: 'rs' });
    expect(topology_description).to.include({ topology_type_name: 'ReplicaSetNoPrimary', replica_set_name: 'rs' });
    const servers = topology_description.server_descriptions();
    expect([...servers.keys()]).to.deep.equal(['a:27017', 'b:27017']);
    expect(servers.get('a:27017')).to.deep.include({
      address: ['a', 27017],
      server_type_name: 'Unknown',
      round_trip_time: null,
      error: null,
    });
  });
});

describe('AsyncIOMotorClient and several mongoses', () => {
  checkOften();

  const played = async () => {
    const routers = [await newStandalone(), await newStandalone()] as const;
    for (const router of routers) router.says({ msg: 'isdbgrid' });
    const seeds = `mongodb://${routers.map(({ address }) => address)}/`;
    const client = newAsyncIOClient(seeds, { localThresholdMS: 1000 });
    await ping(client);
    await eventually(() => client.nodes.length === 2, 'both have answered');
    return { routers, client };
  };

  it('spreads operations over them, by how much they have to do', async () => {
    const { routers, client } = await played();
    expect(client.topology_description.topology_type_name).to.equal('Sharded');
    expect([client.is_mongos, client.is_primary]).to.deep.equal([true, false]);
    expect(() => client.address).to.throw('several mongoses');
    for (let turn = 0; turn < 40; turn++) await ping(client);
    for (const router of routers) expect(router.names.length).to.be.above(5);
  });

  it('goes on with one when the other is lost', async () => {
    const { routers, client } = await played();
    const [one, other] = routers;
    await one.close();
    await eventually(() => client.nodes.length === 1, 'one is lost');
    await ping(client);
    expect(client.nodes).to.deep.equal([addr(other)]);
  });
});

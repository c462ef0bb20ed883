import { expect } from 'chai';
import { AutoReconnect, type ClientEvents, ConfigurationError } from '../../lib/index';
import { countsOf, newClient, newProxy } from '../support/clients';
import { answer } from '../support/faults';
import { PlayedSet } from '../support/playedSet';
import { rejection } from '../support/rejection';

type Client = ReturnType<typeof newClient>;

const ping = (client: Client) => client.get_database('admin').command('ping');
const pingsOf = (set: PlayedSet) => set.members.map(({ proxy }) => proxy.names.length);

describe('MotorClient with several hosts', () => {
  it('asks them in their order until one is primary, and then no more', async () => {
    const set = await PlayedSet.of('secondary', 'primary', 'secondary');
    const client = newClient(set.uri());
    await ping(client);
    await ping(client);
    expect(pingsOf(set)).to.deep.equal([0, 2, 0]);
    expect(set.members.map(({ proxy }) => proxy.connections.accepted)).to.deep.equal([1, 1, 0]);
    expect([client.host, client.port]).to.deep.equal([set.member(1).proxy.host, set.member(1).proxy.port]);
  });

  it('goes where a secondary says that the primary is', async () => {
    const set = await PlayedSet.of('secondary', 'primary');
    const client = newClient(set.uri(1), { replicaSet: 'played' });
    await ping(client);
    expect(pingsOf(set)).to.deep.equal([0, 1]);
  });

  it('does not stay with a primary that stepped down, nor with what the others said before', async () => {
    const set = await PlayedSet.of('secondary', 'primary');
    const client = newClient(set.uri());
    await ping(client);
    set.elect(0);
    set.member(1).proxy.on('ping', answer({ ok: 0, code: 10107, errmsg: 'not primary' }));
    expect(await rejection(ping(client))).to.be.instanceOf(AutoReconnect);
    await ping(client);
    expect(pingsOf(set)).to.deep.equal([1, 2]);
  });

  it('looks for another when the primary is lost', async () => {
    const set = await PlayedSet.of('primary', 'secondary');
    const client = newClient(set.uri());
    await ping(client);
    set.member(0).proxy.refuse();
    set.member(0).proxy.drop();
    await rejection(ping(client));
    set.elect(1);
    await ping(client);
    expect(pingsOf(set)).to.deep.equal([1, 1]);
  });

  it('says who is what when there is no primary', async () => {
    const set = await PlayedSet.of('secondary', 'arbiter');
    const closed = await newProxy();
    closed.refuse();
    const client = newClient(`${set.uri().slice(0, -1)},${closed.address}/`);
    const error = await rejection(ping(client));
    expect(error).to.be.instanceOf(AutoReconnect);
    expect(error.message).to.match(/^no primary found .*RSSecondary; .*RSArbiter; cannot connect to .*refused$/);
    expect(countsOf(client)).to.include({ checkedOut: 0, waiting: 0 });
  });

  it('refuses a member of another set', async () => {
    const set = await PlayedSet.of('primary');
    const error = await rejection(ping(newClient(set.uri(), { replicaSet: 'other' })));
    expect(error).to.be.instanceOf(ConfigurationError);
    expect(error.message).to.include("of the replica set 'played', not of 'other'");
  });

  it('tells what it finds out', async () => {
    const set = await PlayedSet.of('secondary', 'primary');
    const client = newClient(set.uri());
    const told: string[] = [];
    const names: (keyof ClientEvents)[] = ['topologyOpening', 'serverDescriptionChanged', 'topologyClosed'];
    for (const name of names) client.events.on(name, () => void told.push(name));
    await ping(client);
    client.close();
    const changed = 'serverDescriptionChanged';
    expect(told).to.deep.equal(['topologyOpening', changed, changed, 'topologyClosed']);
  });
});

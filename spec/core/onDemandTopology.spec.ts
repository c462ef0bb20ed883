import { expect } from 'chai';
import { AutoReconnect, ConfigurationError } from '../../lib/index';
import { countsOf, newClient, newReplicaSet, ping } from '../support/clients';
import { answer } from '../support/faults';
import { record } from '../support/record';
import { rejection } from '../support/rejection';
import type { ReplicaSet } from '../support/replicaSet';

const operationsOf = (set: ReplicaSet) => set.members.map(({ operations }) => operations.length);

describe('MotorClient with several hosts', () => {
  it('asks them in their order until one is primary, and then no more', async () => {
    const set = await newReplicaSet(3);
    set.elect(set.member(1));
    const client = newClient(set.seeds);
    await ping(client);
    await ping(client);
    expect(operationsOf(set)).to.deep.equal([0, 2, 0]);
    expect(set.members.map(({ connections }) => connections.accepted)).to.deep.equal([1, 1, 0]);
    expect([client.host, client.port]).to.deep.equal([set.member(1).host, set.member(1).port]);
  });

  it('goes where a secondary says that the primary is', async () => {
    const set = await newReplicaSet(2);
    set.elect(set.member(1));
    const client = newClient(set.member(0), { replicaSet: set.name });
    await ping(client);
    expect(operationsOf(set)).to.deep.equal([0, 1]);
  });

  it('does not stay with a primary that stepped down, nor with what the others said before', async () => {
    const set = await newReplicaSet(2);
    set.elect(set.member(1));
    const client = newClient(set.seeds);
    await ping(client);
    set.elect(set.member(0));
    set.member(1).on('ping', answer({ ok: 0, code: 10107, errmsg: 'not primary' }));
    expect(await rejection(ping(client))).to.be.instanceOf(AutoReconnect);
    await ping(client);
    expect(operationsOf(set)).to.deep.equal([1, 2]);
  });

  it('looks for another when the primary is lost', async () => {
    const set = await newReplicaSet(2);
    const client = newClient(set.seeds);
    await ping(client);
    await set.kill(set.member(0));
    await rejection(ping(client));
    set.elect(set.member(1));
    await ping(client);
    expect(operationsOf(set)).to.deep.equal([1, 1]);
  });

  it('says who is what when there is no primary', async () => {
    const set = await newReplicaSet([{}, { arbiter: true }, {}]);
    set.stepDown();
    await set.kill(set.member(2));
    const client = newClient(set.seeds);
    const error = await rejection(ping(client));
    expect(error).to.be.instanceOf(AutoReconnect);
    expect(error.message).to.match(/^no primary found .*RSSecondary; .*RSArbiter; cannot connect to .*refused$/);
    expect(countsOf(client)).to.include({ checkedOut: 0, waiting: 0 });
  });

  it('refuses a member of another set', async () => {
    const set = await newReplicaSet(1);
    const error = await rejection(ping(newClient(set.seeds, { replicaSet: 'other' })));
    expect(error).to.be.instanceOf(ConfigurationError);
    expect(error.message).to.include("of the replica set 'rs', not of 'other'");
  });

  it('tells what it finds out', async () => {
    const set = await newReplicaSet(2);
    set.elect(set.member(1));
    const client = newClient(set.seeds);
    const told = record(client, ['topologyOpening', 'serverDescriptionChanged', 'topologyClosed']);
    await ping(client);
    client.close();
    const changed = 'serverDescriptionChanged';
    expect(told.map(({ name }) => name)).to.deep.equal(['topologyOpening', changed, changed, 'topologyClosed']);
  });
});

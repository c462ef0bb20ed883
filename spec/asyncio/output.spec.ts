import { expect } from 'chai';
import { Secondary } from '../../lib/asyncio';
import { DATABASE, newAsyncIOClient, newReplicaSet, uniqueName } from '../support/clients';
import { server } from '../support/hooks';
import { runRaw } from '../support/rawClient';
import type { ReplicaSet } from '../support/replicaSet';

describe('An aggregation that writes', () => {
  const names: string[] = [];
  afterEach(async () => {
    for (const name of names.splice(0)) await runRaw(server(), DATABASE, { drop: name });
  });

  /** Write a copy of nothing by a preference for secondaries. */
  async function writeThrough(set: ReplicaSet): Promise<void> {
    const name = uniqueName();
    names.push(name);
    const things = newAsyncIOClient(set)
      .get_database(DATABASE)
      .get_collection(uniqueName(), { read_preference: new Secondary() });
    await things.aggregate([{ $out: name }]).to_list(null);
  }

  const aggregateOn = (set: ReplicaSet) => set.commands.find(({ name }) => name === 'aggregate');

  it('runs on a secondary if the preference says so', async () => {
    const set = await newReplicaSet(2);
    await writeThrough(set);
    expect(aggregateOn(set)?.document.$readPreference).to.deep.equal({ mode: 'secondary' });
    expect(set.primary?.names).to.not.include('aggregate');
  });

  it('runs on the primary while there is a server before 5.0', async () => {
    const set = await newReplicaSet(2);
    for (const member of set.members) member.says({ maxWireVersion: 12 });
    await writeThrough(set);
    expect(set.primary?.names).to.include('aggregate');
    expect(aggregateOn(set)?.document).to.not.have.property('$readPreference');
  });
});

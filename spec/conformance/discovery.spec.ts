/** The tests of the specification "server discovery and monitoring". */

import type { Document, ObjectId } from 'bson';
import { expect } from 'chai';
import { Address } from '../../lib/core/address';
import { readOptions } from '../../lib/core/options';
import {
  compareVersions,
  describeServer,
  type ServerDescription,
  topologyVersionOf,
  unknownServer,
} from '../../lib/core/serverDescription';
import { initialTopology, type TopologyDescription, withServer } from '../../lib/core/topologyDescription';
import { asyncioLike } from '../support/policies';
import { specificationFiles } from './specifications';

interface ExpectedServer {
  readonly type: string;
  readonly setName?: string | null;
  readonly setVersion?: number | null;
  readonly electionId?: ObjectId | null;
  readonly error?: string;
  readonly topologyVersion?: Document | null;
  readonly pool?: { readonly generation: number };
  readonly logicalSessionTimeoutMinutes?: number | null;
  readonly minWireVersion?: number;
  readonly maxWireVersion?: number;
}

interface Phase {
  readonly responses?: readonly (readonly [string, Document])[];
  readonly outcome: {
    readonly topologyType: string;
    readonly setName?: string | null;
    readonly servers: Readonly<Record<string, ExpectedServer>>;
    readonly logicalSessionTimeoutMinutes?: number | null;
    readonly maxSetVersion?: number | null;
    readonly maxElectionId?: ObjectId | null;
    readonly compatible?: boolean;
  };
}

interface Scenario {
  readonly description: string;
  readonly uri: string;
  readonly phases: readonly Phase[];
}

/** Minutes of a number of milliseconds. */
const minutes = (duration: number | null) => (duration === null ? null : duration / 60_000);

function expectOutcome(topology: TopologyDescription, { servers, ...outcome }: Phase['outcome']): void {
  expect([...topology.servers.keys()].sort()).to.deep.equal(Object.keys(servers).sort());
  for (const [name, expected] of Object.entries(servers)) {
    expectServer(topology.servers.get(name) as ServerDescription, expected);
  }
  const told = {
    topologyType: topology.type,
    setName: topology.setName,
    logicalSessionTimeoutMinutes: minutes(topology.logicalSessionTimeout),
    maxSetVersion: topology.maxSetVersion,
    maxElectionId: topology.maxElectionId,
    compatible: topology.compatibilityError === null,
  };
  expectFields(told, outcome);
}

function expectServer(server: ServerDescription, expected: ExpectedServer): void {
  const { error, pool: _, topologyVersion, type: wanted, ...fields } = expected;
  // A type for drivers that ask one server after the other: ours asks all at once.
  expect(server.type).to.equal(wanted === 'PossiblePrimary' ? 'Unknown' : wanted);
  expectFields({ ...server, logicalSessionTimeoutMinutes: minutes(server.logicalSessionTimeout) }, fields);
  if (error !== undefined) expect(server.error?.message).to.include(error);
  if (topologyVersion === null) expect(server.topologyVersion).to.equal(null);
  else if (topologyVersion !== undefined) {
    expect(compareVersions(server.topologyVersion, topologyVersionOf({ topologyVersion }))).to.equal(0);
  }
}

/** What a file leaves out is not looked at. */
function expectFields(told: object, expected: object): void {
  for (const [field, value] of Object.entries(expected)) expect(told, field).to.have.deep.property(field, value);
}

function run({ uri, phases }: Scenario): void {
  let topology = initialTopology(readOptions({ caller: 'Client', host: uri }, asyncioLike));
  for (const { responses = [], outcome } of phases) {
    for (const [name, hello] of responses) {
      const address = Address.parse(name);
      const failed = Object.keys(hello).length === 0;
      topology = withServer(topology, failed ? unknownServer(address) : describeServer(address, hello));
    }
    expectOutcome(topology, outcome);
  }
}

for (const [folder, count] of [
  ['rs', 62],
  ['single', 14],
  ['sharded', 5],
] as const) {
  describe(`specification server-discovery-and-monitoring/tests/${folder}`, () => {
    const files = specificationFiles<Scenario>(`server-discovery-and-monitoring/tests/${folder}`);
    for (const { name, contents } of files) it(`${name}: ${contents.description}`, () => run(contents));

    it(`has ${count} cases`, function () {
      if (files.length === 0) this.skip();
      expect(files).to.have.length(count);
    });
  });
}

/** The tests of the specification "server discovery and monitoring". */

import type { Document, ObjectId } from 'bson';
import { expect } from 'chai';
import { Address } from '../../lib/core/address';
import { AutoReconnect, NetworkTimeout } from '../../lib/core/errors';
import { type ClientEvents, newEvents } from '../../lib/core/events';
import { MonitoredTopology } from '../../lib/core/monitoredTopology';
import { Operation } from '../../lib/core/operation';
import { readOptions } from '../../lib/core/options';
import type { Server } from '../../lib/core/server';
import {
  compareVersions,
  describeServer,
  type ServerDescription,
  topologyVersionOf,
  unknownServer,
} from '../../lib/core/serverDescription';
import type { Topology } from '../../lib/core/topology';
import type { TopologyDescription } from '../../lib/core/topologyDescription';
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

type Response = readonly [string, Document];

interface ApplicationError {
  readonly when: 'beforeHandshakeCompletes' | 'afterHandshakeCompletes';
  readonly address: string;
  readonly generation?: number;
  readonly type: 'command' | 'network' | 'timeout';
  readonly response?: Document;
}

interface Phase {
  readonly responses?: readonly Response[];
  readonly applicationErrors?: readonly ApplicationError[];
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

function expectOutcome(of: Topology, { servers, ...outcome }: Phase['outcome']): void {
  const topology = of.description;
  expect([...topology.servers.keys()].sort()).to.deep.equal(Object.keys(servers).sort());
  for (const [name, expected] of Object.entries(servers)) {
    expectServer(topology.servers.get(name) as ServerDescription, expected);
    const generation = of.serverAt(Address.parse(name))?.pool.generation;
    if (expected.pool !== undefined) expect(generation, name).to.equal(expected.pool.generation);
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

/** One type is for drivers that ask one server after the other: ours asks all at once. */
const typeOf = (type: string) => (type === 'PossiblePrimary' ? 'Unknown' : type);

function expectServer(server: ServerDescription, expected: ExpectedServer): void {
  const { error, pool: _, topologyVersion, type, ...fields } = expected;
  expect(server.type).to.equal(typeOf(type));
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

/** A client's topology whose monitors say what a file has them say. */
function newTopology(uri: string, events = newEvents()) {
  const options = readOptions({ caller: 'Client', host: uri }, asyncioLike);
  const reports = new Map<string, (description: ServerDescription) => void>();
  const topology = new MonitoredTopology(options, events, (server, _options, _events, report) => {
    reports.set(String(server.address), report);
    return { start: noop, requestCheck: noop, cancelCheck: noop, close: noop };
  });
  const hear = ([name, hello]: Response) => {
    const address = Address.parse(name);
    const failed = Object.keys(hello).length === 0;
    const description = failed
      ? unknownServer(address, new AutoReconnect('the network was cut'))
      : describeServer(address, hello);
    reports.get(name)?.(description);
  };
  return { topology, hear };
}

const noop = (): void => undefined;

function applyError(topology: Topology, { address, generation, when, type, response = {} }: ApplicationError): void {
  // The pool keeps a late reply to itself, as its own tests show.
  if (type === 'timeout' && when === 'afterHandshakeCompletes') return;
  const server = topology.serverAt(Address.parse(address)) as Server;
  const operation = new Operation({ ping: 1, $db: 'admin' }, {}, null, noop, noop, noop) as Operation;
  operation.address = server.address;
  operation.generation = generation ?? server.pool.generation;
  if (type === 'command') {
    if (response.ok !== 1) topology.operationFailed(operation, operation.failure(response));
  } else {
    const error = type === 'timeout' ? new NetworkTimeout('too late') : new AutoReconnect('the network was cut');
    topology.broken(server, error, operation.generation, when === 'afterHandshakeCompletes');
  }
}

function run({ uri, phases }: Scenario): void {
  const { topology, hear } = newTopology(uri);
  try {
    for (const { responses = [], applicationErrors = [], outcome } of phases) {
      for (const response of responses) hear(response);
      for (const error of applicationErrors) applyError(topology, error);
      expectOutcome(topology, outcome);
    }
  } finally {
    topology.close(new AutoReconnect('the test is over'));
  }
}

for (const [folder, count] of [
  ['rs', 62],
  ['single', 14],
  ['sharded', 5],
  ['errors', 55],
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

/** Events by the names of the files, and ours. */
const EVENTS: Readonly<Record<string, keyof ClientEvents>> = {
  topology_opening_event: 'topologyOpening',
  topology_closed_event: 'topologyClosed',
  topology_description_changed_event: 'topologyDescriptionChanged',
  server_opening_event: 'serverOpening',
  server_closed_event: 'serverClosed',
  server_description_changed_event: 'serverDescriptionChanged',
};

interface ToldScenario {
  readonly description: string;
  readonly uri: string;
  readonly phases: readonly {
    readonly responses: readonly Response[];
    readonly outcome: { readonly events: readonly Readonly<Record<string, Document>>[] };
  }[];
}

type Told = { readonly name: string; readonly event: Document };

function expectEvent({ name, event }: Told, expected: Readonly<Record<string, Document>>): void {
  const [[written, fields]] = Object.entries(expected) as [[string, Document]];
  expect(name).to.equal(EVENTS[written]);
  for (const [field, value] of Object.entries(fields)) {
    if (field === 'topologyId') expect(event.topologyId).to.be.a('string');
    else if (typeof value !== 'object') expect(event[field], field).to.equal(value);
    else if (name === 'serverDescriptionChanged') expectPicture(event[field], value);
    else expectTopologyPicture(event[field], value);
  }
}

function expectPicture(description: ServerDescription, expected: Document): void {
  expectFields({ ...description, address: String(description.address) }, { ...expected, type: typeOf(expected.type) });
}

function expectTopologyPicture({ type, servers, setName }: TopologyDescription, expected: Document): void {
  const { topologyType, servers: expectedServers, ...others } = expected;
  expect(type).to.equal(topologyType);
  expectFields({ setName }, others);
  expect(servers.size).to.equal(expectedServers.length);
  for (const server of expectedServers) expectPicture(servers.get(server.address) as ServerDescription, server);
}

describe('specification server-discovery-and-monitoring/tests/monitoring', () => {
  const files = specificationFiles<ToldScenario>('server-discovery-and-monitoring/tests/monitoring');
  for (const { name, contents } of files) {
    if (name === 'load_balancer') {
      it(`${contents.description} (skipped: load balancers are out of scope)`, function () {
        this.skip();
      });
      continue;
    }
    it(contents.description, () => {
      let told: Told[] = [];
      const events = newEvents();
      for (const event of Object.values(EVENTS))
        events.on(event, (it: Document) => told.push({ name: event, event: it }));
      const { topology, hear } = newTopology(contents.uri, events);
      try {
        for (const { responses, outcome } of contents.phases) {
          for (const response of responses) hear(response);
          expect(told.map(({ name }) => name)).to.deep.equal(
            outcome.events.map((event) => EVENTS[Object.keys(event)[0] as string]),
          );
          for (const [index, expected] of outcome.events.entries()) expectEvent(told[index] as Told, expected);
          told = [];
        }
      } finally {
        topology.close(new AutoReconnect('the test is over'));
      }
    });
  }

  it('has 8 cases, one of which is skipped', function () {
    if (files.length === 0) this.skip();
    expect(files).to.have.length(8);
  });
});

describe('specification server-discovery-and-monitoring/tests/load-balanced', () => {
  for (const { contents } of specificationFiles<Scenario>('server-discovery-and-monitoring/tests/load-balanced')) {
    it(`${contents.description} (skipped: load balancers are out of scope)`, function () {
      this.skip();
    });
  }
});

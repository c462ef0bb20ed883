/** The tests of the specifications "server selection" and "max staleness". */

import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import type { Long } from 'bson';
import { expect } from 'chai';
import { Address } from '../../lib/core/address';
import { ConfigurationError } from '../../lib/core/errors';
import { MODE_NAMES, type Mode, ReadPreference, type TagSet } from '../../lib/core/readPreference';
import { type ServerDescription, type ServerType, unknownServer } from '../../lib/core/serverDescription';
import {
  averageRoundTrip,
  leastBusy,
  suitableServers,
  type Wanted,
  withinWindow,
} from '../../lib/core/serverSelection';
import { emptyTopology, type TopologyDescription, type TopologyType } from '../../lib/core/topologyDescription';
import { SPECIFICATIONS, specificationFiles } from './specifications';

interface GivenServer {
  readonly address: string;
  readonly type: string;
  readonly avg_rtt_ms?: number;
  readonly tags?: Record<string, string>;
  readonly lastUpdateTime?: number;
  readonly lastWrite?: { readonly lastWriteDate: Long | number };
  readonly maxWireVersion?: number;
}

interface GivenTopology {
  readonly type: string;
  readonly servers: readonly GivenServer[];
}

interface GivenPreference {
  readonly mode?: string;
  readonly tag_sets?: readonly TagSet[];
  readonly maxStalenessSeconds?: number;
}

interface Selection {
  readonly topology_description: GivenTopology;
  readonly operation?: 'read' | 'write';
  readonly read_preference: GivenPreference;
  readonly heartbeatFrequencyMS?: number;
  readonly deprioritized_servers?: readonly GivenServer[];
  readonly suitable_servers: readonly GivenServer[];
  readonly in_latency_window: readonly GivenServer[];
  readonly error?: true;
}

function serverOf(given: GivenServer): ServerDescription {
  const date = given.lastWrite?.lastWriteDate;
  return {
    ...unknownServer(Address.parse(given.address)),
    // What only drivers with one thread and no monitors know as a type of its own.
    type: given.type === 'PossiblePrimary' ? 'Unknown' : (given.type as ServerType),
    roundTripTime: given.avg_rtt_ms ?? null,
    tags: given.tags ?? {},
    lastUpdate: given.lastUpdateTime ?? 0,
    lastWriteDate: date === undefined ? null : Number(date),
    maxWireVersion: given.maxWireVersion ?? 21,
  };
}

function topologyOf({ type, servers }: GivenTopology): TopologyDescription {
  return {
    ...emptyTopology(),
    type: type as TopologyType,
    servers: new Map(servers.map((server) => [server.address, serverOf(server)])),
  };
}

function preferenceOf({ mode = 'primary', tag_sets, maxStalenessSeconds }: GivenPreference): ReadPreference {
  const number = MODE_NAMES.findIndex((name) => name.toLowerCase() === mode.toLowerCase()) as Mode;
  return new ReadPreference(number, tag_sets, {
    maxStaleness: maxStalenessSeconds === undefined ? null : maxStalenessSeconds * 1000,
  });
}

const names = (servers: readonly { readonly address: unknown }[]) =>
  servers.map(({ address }) => String(address)).sort();

function run(test: Selection): void {
  const topology = topologyOf(test.topology_description);
  const wanted: Wanted = test.operation === 'write' ? 'writable' : preferenceOf(test.read_preference);
  const avoid = new Set(names(test.deprioritized_servers ?? []));
  const select = () => suitableServers(topology, wanted, test.heartbeatFrequencyMS ?? 10_000, avoid);
  if (test.error === true) {
    expect(select).to.throw(ConfigurationError, 'maxStalenessSeconds');
    return;
  }
  expect(names(select())).to.deep.equal(names(test.suitable_servers));
  expect(names(withinWindow(select(), 15))).to.deep.equal(names(test.in_latency_window));
}

/** A folder and all folders in it. */
function foldersOf(folder: string): string[] {
  const within = readdirSync(join(SPECIFICATIONS, folder), { withFileTypes: true }).filter((entry) =>
    entry.isDirectory(),
  );
  return [folder, ...within.flatMap(({ name }) => foldersOf(`${folder}/${name}`))];
}

/** @param skip why files of a folder are not run */
function selections(root: string, expected: object, skip: (folder: string) => string | null = () => null): void {
  describe(`specification ${root}`, () => {
    const counted = { passed: 0, skipped: 0 };
    const all = specificationFolders(root);
    for (const folder of all) {
      for (const { name, contents } of specificationFiles<Selection>(folder)) {
        const reason = skip(folder);
        const title = `${folder.slice(root.length + 1)}/${name}`;
        if (reason === null) {
          it(title, () => {
            run(contents);
            counted.passed += 1;
          });
        } else {
          it(`${title} (skipped: ${reason})`, function () {
            counted.skipped += 1;
            this.skip();
          });
        }
      }
    }
    describe('as a whole', () => {
      it(`has ${JSON.stringify(expected)}`, function () {
        if (all.length === 0) this.skip();
        expect(counted).to.deep.equal(expected);
      });
    });
  });
}

/** None where the specifications are not there. */
function specificationFolders(root: string): string[] {
  try {
    return foldersOf(root);
  } catch {
    return [];
  }
}

selections('server-selection/tests/server_selection', { passed: 66, skipped: 8 }, (folder) =>
  folder.includes('LoadBalanced') ? 'load balancers are out of scope' : null,
);
selections('max-staleness/tests', { passed: 24, skipped: 0 });

describe('specification server-selection/tests/rtt', () => {
  const files = specificationFiles<{ avg_rtt_ms: number | 'NULL'; new_rtt_ms: number; new_avg_rtt: number }>(
    'server-selection/tests/rtt',
  );
  for (const { name, contents } of files) {
    it(name, () => {
      const { avg_rtt_ms: before, new_rtt_ms: sample, new_avg_rtt: after } = contents;
      expect(averageRoundTrip(before === 'NULL' ? null : before, sample)).to.be.closeTo(after, 1e-9);
    });
  }

  it('has 5 cases', function () {
    if (files.length === 0) this.skip();
    expect(files).to.have.length(5);
  });
});

interface InWindow {
  readonly description: string;
  readonly topology_description: GivenTopology;
  readonly mocked_topology_state: readonly { address: string; operation_count: number }[];
  readonly iterations: number;
  readonly outcome: { readonly tolerance: number; readonly expected_frequencies: Record<string, number> };
}

describe('specification server-selection/tests/in_window', () => {
  const files = specificationFiles<InWindow>('server-selection/tests/in_window');
  for (const { contents } of files) {
    it(contents.description, () => {
      const operations = new Map(contents.mocked_topology_state.map((state) => [state.address, state.operation_count]));
      const nearest = new ReadPreference(4);
      const found = new Map<string, number>();
      const topology = topologyOf(contents.topology_description);
      for (let turn = 0; turn < contents.iterations; turn++) {
        const candidates = withinWindow(suitableServers(topology, nearest, 10_000), nearest.latencyWindow);
        const chosen = leastBusy(candidates, ({ address }) => operations.get(String(address)) as number);
        const name = String(chosen?.address);
        found.set(name, (found.get(name) ?? 0) + 1);
      }
      const { tolerance, expected_frequencies } = contents.outcome;
      for (const [name, expected] of Object.entries(expected_frequencies)) {
        const frequency = (found.get(name) ?? 0) / contents.iterations;
        if (expected === 0 || expected === 1) expect(frequency, name).to.equal(expected);
        else expect(frequency, name).to.be.closeTo(expected, tolerance);
      }
    });
  }

  it('has 8 cases', function () {
    if (files.length === 0) this.skip();
    expect(files).to.have.length(8);
  });
});

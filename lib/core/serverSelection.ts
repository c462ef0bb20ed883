/**
 * Which servers may serve an operation. Nothing here does I/O.
 * @see Specifications "server selection" and "max staleness"
 */

import { ConfigurationError } from './errors';
import {
  MODE_NAMES,
  NEAREST,
  PRIMARY,
  PRIMARY_PREFERRED,
  type ReadPreference,
  SECONDARY,
  SECONDARY_OUTPUT,
  type TagSet,
} from './readPreference';
import { bearsData, isKnown, type ServerDescription } from './serverDescription';
import type { TopologyDescription } from './topologyDescription';

/** A server that has nothing else to do writes something after so many milliseconds. */
const IDLE_WRITE_PERIOD = 10_000;
const SMALLEST_MAX_STALENESS = 90_000;
/** Weight of a new sample in the average of the round trip times. */
const ALPHA = 0.2;

/** A server that takes writes, or those that a read preference names. */
export type Wanted = 'writable' | ReadPreference;

/**
 * The servers that may serve it, whatever their distance.
 * @param avoid addresses that serve only where no other does
 * @throws ConfigurationError: `maxStaleness` is too short to be told from the time between two looks at a server
 */
export function suitableServers(
  topology: TopologyDescription,
  wanted: Wanted,
  heartbeatFrequency: number,
  avoid: ReadonlySet<string> | null = null,
): ServerDescription[] {
  const servers = [...topology.servers.values()];
  if (wanted !== 'writable') checkStaleness(topology, wanted, heartbeatFrequency);
  if (avoid !== null && avoid.size > 0) {
    const others = servers.filter(({ address }) => !avoid.has(String(address)));
    const suitable = among(others, topology, wanted, heartbeatFrequency);
    if (suitable.length > 0) return suitable;
  }
  return among(servers, topology, wanted, heartbeatFrequency);
}

function among(
  servers: readonly ServerDescription[],
  { type }: TopologyDescription,
  wanted: Wanted,
  heartbeatFrequency: number,
): ServerDescription[] {
  if (type === 'Unknown') return [];
  if (type === 'Single') return servers.filter((server) => isKnown(server.type));
  if (type === 'Sharded') return ofType(servers, 'Mongos');
  const primary = ofType(servers, 'RSPrimary');
  if (wanted === 'writable' || wanted.mode === PRIMARY) return primary;
  if (wanted.outputs && servers.some(isTooOldForOutput)) return primary;
  if (wanted.mode === PRIMARY_PREFERRED && primary.length > 0) return primary;

  const secondaries = ofType(servers, 'RSSecondary');
  const fresh = freshEnough(secondaries, primary[0], wanted.maxStaleness, heartbeatFrequency);
  if (wanted.mode === NEAREST) return tagged([...primary, ...fresh], wanted.tagSets);
  const suitable = tagged(fresh, wanted.tagSets);
  return suitable.length > 0 || wanted.mode === SECONDARY ? suitable : primary;
}

function isTooOldForOutput({ type, maxWireVersion }: ServerDescription): boolean {
  return bearsData(type) && maxWireVersion < SECONDARY_OUTPUT;
}

function ofType(servers: readonly ServerDescription[], wanted: ServerDescription['type']): ServerDescription[] {
  return servers.filter(({ type }) => type === wanted);
}

function checkStaleness(topology: TopologyDescription, wanted: ReadPreference, heartbeatFrequency: number): void {
  const { maxStaleness, mode } = wanted;
  if (maxStaleness === null) return;
  if (mode === PRIMARY) throw new ConfigurationError(`maxStalenessSeconds is of no use with ${MODE_NAMES[mode]}`);
  if (topology.type !== 'ReplicaSetNoPrimary' && topology.type !== 'ReplicaSetWithPrimary') return;
  const least = Math.max(SMALLEST_MAX_STALENESS, heartbeatFrequency + IDLE_WRITE_PERIOD);
  if (maxStaleness >= least) return;
  throw new ConfigurationError(
    `maxStalenessSeconds must be at least ${least / 1000} with a heartbeatFrequencyMS of ${heartbeatFrequency}, ` +
      `not ${maxStaleness / 1000}`,
  );
}

/** The secondaries that lag behind the primary, or behind the best of themselves, by no more than is allowed. */
function freshEnough(
  secondaries: ServerDescription[],
  primary: ServerDescription | undefined,
  maxStaleness: number | null,
  heartbeatFrequency: number,
): ServerDescription[] {
  if (maxStaleness === null) return secondaries;
  const written = (server: ServerDescription) => server.lastWriteDate ?? 0;
  const newest = Math.max(...secondaries.map(written));
  return secondaries.filter((server) => {
    const lag =
      primary === undefined
        ? newest - written(server)
        : server.lastUpdate - written(server) - (primary.lastUpdate - written(primary));
    return lag + heartbeatFrequency <= maxStaleness;
  });
}

/** Those with the tags of the first set that anybody has. */
function tagged(servers: ServerDescription[], tagSets: readonly TagSet[]): ServerDescription[] {
  if (tagSets.length === 0) return servers;
  for (const wanted of tagSets) {
    const matching = servers.filter(({ tags }) =>
      Object.entries(wanted).every(([name, value]) => tags[name] === value),
    );
    if (matching.length > 0) return matching;
  }
  return [];
}

/** Those that are no farther from the nearest than the window, in milliseconds. */
export function withinWindow(servers: readonly ServerDescription[], window: number): ServerDescription[] {
  const nearest = Math.min(...servers.map(distance));
  return servers.filter((server) => distance(server) <= nearest + window);
}

/** A server in reach that was not measured yet is as near as can be. */
function distance({ roundTripTime }: ServerDescription): number {
  return roundTripTime ?? 0;
}

/** Of two taken at random, the one with fewer operations in progress. */
export function leastBusy<T>(candidates: readonly T[], operations: (candidate: T) => number): T | null {
  const count = candidates.length;
  if (count < 2) return candidates[0] ?? null;
  const first = Math.floor(Math.random() * count);
  const second = (first + 1 + Math.floor(Math.random() * (count - 1))) % count;
  const [one, other] = [candidates[first] as T, candidates[second] as T];
  return operations(one) <= operations(other) ? one : other;
}

/** The moving average of round trip times after one more; all in milliseconds. */
export function averageRoundTrip(average: number | null, sample: number): number {
  return average === null ? sample : ALPHA * sample + (1 - ALPHA) * average;
}

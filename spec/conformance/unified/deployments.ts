/** What a case can run on: the server itself, or what is played in front of it. */

import type { Document } from 'bson';
import { server } from '../../support/hooks';
import { requireLogin } from '../../support/login';
import { playStandalone } from '../../support/playedServer';
import { proxyTo } from '../../support/proxy';
import { CommandError, runRaw, type Where } from '../../support/rawClient';
import { playReplicaSet } from '../../support/replicaSet';
import { OutOfScope, type Requirement } from './format';

/** A deployment that was started for one case. */
export interface Deployment {
  readonly uri: string;
  /** For clients that ask for a direct connection: one host of it. */
  readonly directUri: string;
  close(): Promise<void>;
}

/** What a case uses, beside what it says in `runOnRequirements`. */
export interface Needs {
  readonly failPoints: boolean;
  readonly sessions: boolean;
}

/** A kind of deployment, of which none was started yet. */
interface Kind extends Needs {
  readonly topology: 'single' | 'replicaset' | 'sharded';
  readonly auth: boolean;
  start(): Promise<Deployment>;
}

const ABLE = { failPoints: true, sessions: true };

const PLAYED: readonly Kind[] = [
  { ...ABLE, topology: 'single', auth: false, start: () => standalone(server()) },
  { ...ABLE, topology: 'replicaset', auth: false, start: () => replicaSet(server()) },
  { ...ABLE, topology: 'single', auth: true, start: () => withLogin(standalone) },
  { ...ABLE, topology: 'replicaset', auth: true, start: () => withLogin(replicaSet) },
];

async function standalone(behind: Where): Promise<Deployment> {
  const played = await playStandalone(behind);
  return { uri: played.uri, directUri: played.uri, close: () => played.close() };
}

async function replicaSet(behind: Where): Promise<Deployment> {
  const set = await playReplicaSet(behind);
  return { uri: set.uri, directUri: set.member(0).uri, close: () => set.close() };
}

/** The server behind what is played lets nobody work who has not logged in. */
async function withLogin(start: (behind: Where) => Promise<Deployment>): Promise<Deployment> {
  const guarded = await proxyTo(server());
  requireLogin(guarded, [{ name: 'user', password: 'password', db: 'admin' }]);
  const played = await start(guarded);
  const asUser = (location: string) => location.replace('mongodb://', 'mongodb://user:password@');
  return {
    uri: asUser(played.uri),
    directUri: asUser(played.directUri),
    close: async () => {
      await played.close();
      await guarded.close();
    },
  };
}

/** The server itself, and what can be played with a standalone. */
function kinds(): readonly Kind[] {
  const { capabilities, uri } = server();
  const real: Kind = {
    topology: capabilities.has('mongos') ? 'sharded' : capabilities.has('replicaSet') ? 'replicaset' : 'single',
    auth: false,
    failPoints: capabilities.has('failCommand'),
    sessions: capabilities.has('sessions'),
    start: async () => ({
      uri,
      directUri: uri,
      close: async () => {
        if (!capabilities.has('failCommand')) return;
        for (const name of ['failCommand', 'onPrimaryTransactionalWrite', 'failGetMoreAfterCursorCheckout']) {
          await runRaw(server(), 'admin', { configureFailPoint: name, mode: 'off' });
        }
      },
    }),
  };
  return real.topology === 'single' ? [real, ...PLAYED] : [real];
}

/**
 * Start the first kind that meets what a case requires and needs: the server itself, if it does.
 * @throws OutOfScope: none does
 */
export async function deploymentFor(
  requirements: readonly (readonly Requirement[] | undefined)[],
  needs: Needs,
): Promise<Deployment> {
  let reason = 'runOnRequirements';
  for (const kind of kinds()) {
    const meets = await Promise.all(requirements.map((alternatives) => holds(alternatives, kind)));
    if (meets.includes(false)) continue;
    if (needs.failPoints && !kind.failPoints) reason = 'needs fail points';
    else if (needs.sessions && !kind.sessions) reason = 'needs sessions';
    else return kind.start();
  }
  throw new OutOfScope(reason);
}

/** One of the alternatives must hold as a whole. */
async function holds(alternatives: readonly Requirement[] | undefined, kind: Kind): Promise<boolean> {
  if (alternatives === undefined) return true;
  for (const requirement of alternatives) if (await holdsWhole(requirement, kind)) return true;
  return false;
}

async function holdsWhole(requirement: Requirement, { topology, auth }: Kind): Promise<boolean> {
  const { minServerVersion, maxServerVersion, topologies, serverless, serverParameters } = requirement;
  if (topologies !== undefined && !topologies.map(modernName).includes(topology)) return false;
  if (serverless === 'require') return false;
  if ((requirement.auth ?? auth) !== auth || requirement.authMechanism !== undefined) return false;
  if (requirement.csfle !== undefined && requirement.csfle !== false) return false;
  if (minServerVersion !== undefined && compare(await version(), numbers(minServerVersion)) < 0) return false;
  if (maxServerVersion !== undefined && compare(await version(), numbers(maxServerVersion)) > 0) return false;
  for (const [name, value] of Object.entries(serverParameters ?? ({} as Document))) {
    if ((await parameter(name)) !== value) return false;
  }
  return true;
}

function modernName(topology: string): string {
  return topology === 'sharded-replicaset' ? 'sharded' : topology;
}

let asked: Promise<readonly number[]> | null = null;

/** The server's version, asked once. */
function version(): Promise<readonly number[]> {
  asked ??= runRaw(server(), 'admin', { buildInfo: 1 }).then((reply) => numbers(reply.version));
  return asked;
}

/** A server parameter, or undefined where there is none of that name. */
async function parameter(name: string): Promise<unknown> {
  try {
    return (await runRaw(server(), 'admin', { getParameter: 1, [name]: 1 }))[name];
  } catch (error) {
    if (error instanceof CommandError) return undefined;
    throw error;
  }
}

const numbers = (text: string): number[] => text.split('-', 1)[0]?.split('.').map(Number) ?? [];

function compare(left: readonly number[], right: readonly number[]): number {
  for (let place = 0; place < 3; place++) {
    const difference = (left[place] ?? 0) - (right[place] ?? 0);
    if (difference !== 0) return difference;
  }
  return 0;
}

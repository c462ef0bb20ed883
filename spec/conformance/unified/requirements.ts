/** Whether the server is one that a case is for. */

import type { Document } from 'bson';
import { server } from '../../support/hooks';
import { CommandError, RawClient } from '../../support/rawClient';
import type { Requirement } from './format';

/** What the server is, asked once. */
interface Deployment {
  readonly version: readonly number[];
  readonly topology: 'single' | 'replicaset' | 'sharded';
  /** A server parameter, or undefined where it has none of that name. */
  parameter(name: string): Promise<unknown>;
}

let known: Promise<Deployment> | null = null;

async function ask(): Promise<Deployment> {
  const client = await RawClient.connect(server());
  try {
    const { version } = await client.run('admin', { buildInfo: 1 });
    const hello = await client.run('admin', { hello: 1 });
    const topology = hello.msg === 'isdbgrid' ? 'sharded' : hello.setName === undefined ? 'single' : 'replicaset';
    return { version: numbers(version), topology, parameter };
  } finally {
    client.close();
  }
}

async function parameter(name: string): Promise<unknown> {
  const client = await RawClient.connect(server());
  try {
    return (await client.run('admin', { getParameter: 1, [name]: 1 }))[name];
  } catch (error) {
    if (error instanceof CommandError) return undefined;
    throw error;
  } finally {
    client.close();
  }
}

const numbers = (version: string): number[] => version.split('-', 1)[0]?.split('.').map(Number) ?? [];

function compare(left: readonly number[], right: readonly number[]): number {
  for (let place = 0; place < 3; place++) {
    const difference = (left[place] ?? 0) - (right[place] ?? 0);
    if (difference !== 0) return difference;
  }
  return 0;
}

/** One of the alternatives must hold as a whole. */
export async function holds(requirements: readonly Requirement[] | undefined): Promise<boolean> {
  if (requirements === undefined) return true;
  known ??= ask();
  const deployment = await known;
  for (const requirement of requirements) if (await holdsWhole(requirement, deployment)) return true;
  return false;
}

async function holdsWhole(requirement: Requirement, { version, topology, parameter }: Deployment): Promise<boolean> {
  const { minServerVersion, maxServerVersion, topologies, serverless, serverParameters } = requirement;
  if (minServerVersion !== undefined && compare(version, numbers(minServerVersion)) < 0) return false;
  if (maxServerVersion !== undefined && compare(version, numbers(maxServerVersion)) > 0) return false;
  if (topologies !== undefined && !topologies.map(modernName).includes(topology)) return false;
  if (serverless === 'require') return false;
  if (requirement.auth === true || requirement.authMechanism !== undefined) return false;
  if (requirement.csfle !== undefined && requirement.csfle !== false) return false;
  for (const [name, value] of Object.entries(serverParameters ?? ({} as Document))) {
    if ((await parameter(name)) !== value) return false;
  }
  return true;
}

function modernName(topology: string): string {
  return topology === 'sharded-replicaset' ? 'sharded' : topology;
}

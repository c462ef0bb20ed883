import type { AsyncIOMotorClient } from '../../lib/asyncio/index';
import type { ClientEvents } from '../../lib/core/events';
import type { MotorClient } from '../../lib/index';
import { ENGINE } from '../../lib/motor/settings';

/** An event with its name. */
export type Told = { name: keyof ClientEvents } & Record<string, unknown>;

/** Everything of these names that a client tells from now on. */
export function record(client: MotorClient | AsyncIOMotorClient, names: readonly (keyof ClientEvents)[]): Told[] {
  const told: Told[] = [];
  for (const name of names) client[ENGINE].events.on(name, (event: object) => told.push({ name, ...event }));
  return told;
}

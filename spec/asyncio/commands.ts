import type { Document } from 'bson';
import type { AsyncIOMotorClient, AsyncIOMotorCollection } from '../../lib/asyncio/index';
import { ENGINE } from '../../lib/motor/settings';

/** The commands that a client sends from now on. */
export function commandsOf(owner: AsyncIOMotorClient | AsyncIOMotorCollection): Document[] {
  const commands: Document[] = [];
  owner[ENGINE].events.on('commandStarted', ({ command }) => commands.push(command));
  return commands;
}

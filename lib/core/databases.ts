/** What is asked of a server as a whole. */

import type { Document } from 'bson';
import type { Engine, RunOptions } from './engine';

/** Further fields of a command: what the caller asked for, and its comment. */
export type More = Readonly<Record<string, unknown>>;

/** The reply of `buildInfo`. */
export function serverInfo(engine: Engine, more: More = {}): Promise<Document> {
  return engine.run({ buildInfo: 1, ...more, $db: 'admin' }, (reply) => reply, { retryable: true });
}

/** All databases, in the server's order: name, size on disk, and whether it is empty. */
function listDatabases(engine: Engine, more: More = {}, run: RunOptions = {}): Promise<Document[]> {
  const command = { listDatabases: 1, ...more, $db: 'admin' };
  return engine.run(command, (reply) => reply.databases as Document[], { ...run, retryable: true });
}

export async function databaseNames(engine: Engine, more: More = {}): Promise<string[]> {
  return (await listDatabases(engine, { nameOnly: true, ...more })).map(({ name }) => name as string);
}

/** A missing one is no error. */
export function dropDatabase(engine: Engine, name: string, more: More = {}): Promise<null> {
  return engine.run({ dropDatabase: 1, ...more, $db: name }, () => null);
}

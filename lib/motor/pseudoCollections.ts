/** Collections that never were any: `find_one` on them was how commands were sent. */

import type { Document } from 'bson';
import { SON } from '../core/son';

/** A database, of either surface. */
interface Database {
  command(command: Document, value: 1, kw: { readonly check: false }): Promise<Document>;
}

/** What a query on the collection asks for: a command of `admin` that takes the query's fields; null: of this database. */
const COMMANDS: Readonly<Record<string, string | null>> = {
  $cmd: null,
  '$cmd.sys.inprog': 'currentOp',
  '$cmd.sys.unlock': 'fsyncUnlock',
  '$cmd.sys.killop': 'killOp',
};

export function isPseudoCollection(name: string): boolean {
  return name.charCodeAt(0) === 36 && Object.hasOwn(COMMANDS, name);
}

/**
 * Run the query as the command that it stands for.
 * @returns the reply, also one that tells of a failure: so it was
 */
export function runPseudoQuery(database: Database, admin: Database, name: string, filter: Document): Promise<Document> {
  const verb = COMMANDS[name] ?? null;
  if (verb === null) return database.command(filter, 1, { check: false });
  const command = new SON([[verb, 1], ...new SON(filter)]);
  return admin.command(command, 1, { check: false });
}

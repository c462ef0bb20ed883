/** Ending cursors by their numbers, as people do who stored them. */

import { Long } from 'bson';
import { killCursorsCommand, type Namespace } from '../core/commands';
import type { Engine } from '../core/engine';
import type { Server } from '../core/server';
import { picture } from './keywords';

/** The number of a cursor, as `cursor_id` gives it or as a reply holds it. */
export type AnyCursorId = bigint | number | Long;

/** Where a cursor is killed that this client did not open: the server looks at the number alone. */
const ANYWHERE: Namespace = Object.freeze({ database: 'admin', collection: '$cmd.aggregate' });

/** @throws TypeError: no number of a cursor */
export function cursorIdOf(method: string, name: string, id: unknown): Long {
  if (typeof id === 'bigint' && BigInt.asIntN(64, id) === id) return Long.fromBigInt(id);
  if (Number.isSafeInteger(id)) return Long.fromNumber(id as number);
  if (Long.isLong(id)) return id as Long;
  throw new TypeError(`${method}: ${name} must be a bigint, an integer or a Long of 64 bits, not ${picture(id)}`);
}

/** Kill cursors where they are; those that no longer exist are no error. */
export async function killCursors(engine: Engine, ids: readonly Long[]): Promise<null> {
  const groups = new Map<string, { namespace: Namespace; server: Server | null; ids: Long[] }>();
  for (const id of ids) {
    if (id.isZero()) continue; // exhausted: the server has forgotten it
    const { namespace, server } = engine.cursors.get(id.toString()) ?? { namespace: ANYWHERE, server: null };
    const key = `${server?.address ?? ''} ${namespace.database}.${namespace.collection}`;
    const group = groups.get(key);
    if (group === undefined) groups.set(key, { namespace, server, ids: [id] });
    else group.ids.push(id);
  }
  await Promise.all(
    [...groups.values()].map((group) =>
      engine.run(
        killCursorsCommand(group.namespace, group.ids),
        () => null,
        group.server === null ? {} : { server: group.server },
      ),
    ),
  );
  return null;
}

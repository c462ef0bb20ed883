/** What the two kinds of cursors of this surface add alike to those of the other. */

import type { Document } from 'bson';
import type { Addr } from '../../typings/documents';
import { StopAsyncIteration } from '../core/errors';
import { type BatchCursor, CORE, type CursorOwner, FETCH } from '../motor/batchCursor';

/** How `to_list` takes its arguments. */
export const TO_LIST = { positional: 1, keywordsFrom: 0 } as const;

/** The next document; waits for it. */
export async function nextOf<T extends Document>(cursor: BatchCursor<CursorOwner, T>): Promise<T> {
  while (!(await cursor[FETCH]())) {
    if (cursor[CORE]?.tailable !== true || !cursor.alive) {
      throw new StopAsyncIteration(`${String(cursor)} has no more documents`);
    }
    if (!cursor[CORE].awaitsData) await new Promise((resolve) => setTimeout(resolve, TAIL_PAUSE));
  }
  return cursor[CORE]?.next() as T;
}

/** Milliseconds between two looks at a tailable cursor whose server does not wait for data. */
const TAIL_PAUSE = 100;

/** The server that holds an open cursor. */
export function addressOf(cursor: BatchCursor<CursorOwner>): Addr | null {
  const server = cursor[CORE]?.server ?? null;
  return server === null ? null : [server.address.host, server.address.port];
}

const warned = new Set<string>();

/** Say once per process that there is something newer. */
export function warnOnce(member: string, instead: string): void {
  if (warned.has(member)) return;
  warned.add(member);
  process.emitWarning(`${member} is deprecated; ${instead}`, 'DeprecationWarning');
}

export const LOOP_INSTEAD = 'write `for await (const document of cursor)`, or use next()';

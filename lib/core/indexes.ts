/** Indexes: their making, listing and dropping. */

import type { Document } from 'bson';
import { unlessNoSuchCollection } from './collections';
import type { Namespace } from './commands';
import { Cursor, type CursorOptions } from './cursor';
import type { More } from './databases';
import type { Engine } from './engine';
import { SON } from './son';
import { checkedWrite } from './writeReply';

/** `hello_-1_world_1`: the name that an index gets if it is given none. */
export function indexName(keys: ReadonlyMap<string, unknown>): string {
  return [...keys].map(([key, direction]) => `${key}_${String(direction)}`).join('_');
}

export async function createIndexes(
  engine: Engine,
  { database, collection }: Namespace,
  indexes: readonly Document[],
  more: More = {},
): Promise<void> {
  await engine.run({ createIndexes: collection, indexes, ...more, $db: database }, checkedWrite);
}

/** @param index its name, or `*` for all but that of `_id`; a missing collection is no error */
export async function dropIndexes(
  engine: Engine,
  { database, collection }: Namespace,
  index: string,
  more: More = {},
): Promise<null> {
  const dropped = engine.run({ dropIndexes: collection, index, ...more, $db: database }, checkedWrite);
  await unlessNoSuchCollection(dropped, () => null);
  return null;
}

/** A cursor over the descriptions of the indexes; empty if there is no such collection. */
export function listIndexes(
  engine: Engine,
  namespace: Namespace,
  more: More = {},
  options: CursorOptions = {},
): Cursor {
  const { database, collection } = namespace;
  const command = { listIndexes: collection, cursor: {}, ...more, $db: database };
  return new Cursor(engine, command, namespace, {
    ...options,
    run: { ...options.run, retryable: true },
    missingIsEmpty: true,
  });
}

/** What indexes there are: by name, each with `key` as pairs, and its options; `{}` if there is no such collection. */
export async function indexInformation(
  engine: Engine,
  namespace: Namespace,
  more: More = {},
): Promise<Record<string, Document & { key: [string, unknown][] }>> {
  // As ordered documents: keys that look like integers must keep their place.
  const cursor = listIndexes(engine, namespace, more, { run: { documentClass: SON } });
  const indexes = (await cursor.toList(null)) as SON[];
  return Object.fromEntries(
    indexes.map((index) => {
      const { name, ns: _, ...options } = index.to_dict();
      return [name, { ...options, key: [...(index.get('key') as SON)] as [string, unknown][] }];
    }),
  );
}

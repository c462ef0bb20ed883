/** Search indexes, which only Atlas has: their making, changing, dropping and listing. */

import type { Document } from 'bson';
import { unlessNoSuchCollection } from './collections';
import type { Namespace } from './commands';
import { Cursor, type CursorOptions } from './cursor';
import type { More } from './databases';
import type { Engine } from './engine';

/** @returns the names of the indexes */
export function createSearchIndexes(
  engine: Engine,
  { database, collection }: Namespace,
  indexes: readonly Document[],
  more: More = {},
): Promise<string[]> {
  const command = { createSearchIndexes: collection, indexes, ...more, $db: database };
  return engine.run(command, (reply) => (reply.indexesCreated as Document[]).map(({ name }) => name as string));
}

export function updateSearchIndex(
  engine: Engine,
  { database, collection }: Namespace,
  name: string,
  definition: Document,
  more: More = {},
): Promise<null> {
  return engine.run({ updateSearchIndex: collection, name, definition, ...more, $db: database }, () => null);
}

/** A missing collection is no error. */
export function dropSearchIndex(
  engine: Engine,
  { database, collection }: Namespace,
  name: string,
  more: More = {},
): Promise<null> {
  const dropped = engine.run({ dropSearchIndex: collection, name, ...more, $db: database }, () => null);
  return unlessNoSuchCollection(dropped, () => null);
}

/** A cursor over the descriptions of the search indexes. @param name of the only one that is wanted; null: all */
export function listSearchIndexes(
  engine: Engine,
  namespace: Namespace,
  name: string | null,
  more: More = {},
  options: CursorOptions = {},
): Cursor {
  const { database, collection } = namespace;
  const pipeline = [{ $listSearchIndexes: name === null ? {} : { name } }];
  const command = { aggregate: collection, pipeline, cursor: {}, ...more, $db: database };
  return new Cursor(engine, command, namespace, { ...options, run: { ...options.run, retryable: true } });
}

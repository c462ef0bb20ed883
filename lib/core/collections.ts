/** What is asked about collections as wholes: which there are, and their making, renaming, checking and dropping. */

import type { Document } from 'bson';
import type { Namespace } from './commands';
import { Cursor, type CursorOptions } from './cursor';
import type { More } from './databases';
import type { Engine } from './engine';
import { CollectionInvalid, OperationFailure } from './errors';
import { checkedWrite } from './writeReply';

/** A cursor over the descriptions of a database's collections. */
export function listCollections(
  engine: Engine,
  database: string,
  more: More = {},
  options: CursorOptions = {},
): Cursor {
  const command = { listCollections: 1, cursor: {}, ...more, $db: database };
  const namespace = { database, collection: '$cmd.listCollections' };
  return new Cursor(engine, command, namespace, { ...options, run: { ...options.run, retryable: true } });
}

/** @throws CollectionInvalid: there is such a collection, or view */
export async function checkAbsent(engine: Engine, { database, collection }: Namespace): Promise<void> {
  const found = await listCollections(engine, database, { filter: { name: collection } }).toList(null);
  if (found.length > 0) throw new CollectionInvalid(`collection ${database}.${collection} already exists`);
}

/** Servers accept a repetition with the same options. */
export function createCollection(engine: Engine, { database, collection }: Namespace, more: More = {}): Promise<null> {
  const { autoIndexId, ...fields } = more;
  const command: Document = { create: collection, ...fields, $db: database };
  // Servers no longer know it and always make that index.
  if (autoIndexId !== undefined && autoIndexId !== true) command.autoIndexId = autoIndexId;
  return engine.run(command, (reply, operation) => {
    checkedWrite(reply, operation);
    return null;
  });
}

/** @returns the reply; a missing collection is no error */
export function dropCollection(engine: Engine, namespace: Namespace, more: More = {}): Promise<Document> {
  const { database, collection } = namespace;
  return unlessNoSuchCollection(
    engine.run({ drop: collection, ...more, $db: database }, checkedWrite),
    (reply) => reply,
  );
}

/** @returns the reply */
export function renameCollection(engine: Engine, from: Namespace, to: string, more: More = {}): Promise<Document> {
  const { database, collection } = from;
  const command = { renameCollection: `${database}.${collection}`, to: `${database}.${to}`, ...more, $db: 'admin' };
  return engine.run(command, checkedWrite);
}

/** The options that it was created with; `{}` if there are none, or no such collection. */
export async function collectionOptions(engine: Engine, namespace: Namespace, more: More = {}): Promise<Document> {
  const { database, collection } = namespace;
  const [found] = await listCollections(engine, database, { filter: { name: collection }, ...more }).toList(null);
  const { create: _, ...options } = (found?.options as Document | undefined) ?? {};
  return options;
}

/**
 * Check data and indexes.
 * @returns the reply
 * @throws CollectionInvalid: damage was found, on any shard
 */
export async function validateCollection(engine: Engine, namespace: Namespace, more: More = {}): Promise<Document> {
  const { database, collection } = namespace;
  const reply = await engine.run({ validate: collection, ...more, $db: database }, (found) => found);
  const shards = reply.raw === undefined ? [reply] : Object.values(reply.raw as Document);
  if (shards.some((shard) => shard.valid === false)) {
    throw new CollectionInvalid(
      `${database}.${collection} is damaged; details are in the reply of the command 'validate'`,
    );
  }
  return reply;
}

const NAMESPACE_NOT_FOUND = 26;

/** The result, or what stands for it where there is no such collection: the server's answer, or `[]`. */
export async function unlessNoSuchCollection<T, R>(
  result: Promise<T>,
  otherwise: (reply: Document) => R,
): Promise<T | R> {
  try {
    return await result;
  } catch (error) {
    if (!(error instanceof OperationFailure) || error.code !== NAMESPACE_NOT_FOUND) throw error;
    return otherwise(error.details ?? {});
  }
}

/** Parts of copying a collection from one place to another. */

import type { Document } from 'bson';
import type { Namespace } from '../core/commands';
import { Cursor } from '../core/cursor';
import type { Engine } from '../core/engine';
import { OperationFailure } from '../core/errors';
import { SON } from '../core/son';
import { checkedWrite } from '../core/writeReply';
import { insertBytes } from './writing';

/** A collection, and who reaches it. */
export interface Place {
  readonly engine: Engine;
  readonly namespace: Namespace;
}

/** Batches that arrive as the bytes of their documents: they are not read, so they cannot change. */
const AS_BYTES = { decoding: { fieldsAsRaw: { firstBatch: true, nextBatch: true } } };

/** Copy all documents. Those of a capped collection keep their order, all others come by `_id`. */
export async function copyDocuments(from: Place, to: Place, capped: boolean): Promise<void> {
  const { database, collection } = from.namespace;
  const find: Document = { find: collection, filter: {}, $db: database };
  // By the index: where there is none (a time series), the order is of no concern.
  if (capped) find.hint = { $natural: 1 };
  else if (await hasIdIndex(from)) find.hint = { _id: 1 };
  const cursor = new Cursor(from.engine, find, from.namespace, { run: AS_BYTES });
  await insertBytes(to.engine, to.namespace, bytesOf(cursor));
}

async function* bytesOf(cursor: Cursor): AsyncGenerator<Uint8Array> {
  try {
    while (await cursor.fetch()) {
      for (let bytes = cursor.next(); bytes !== null; bytes = cursor.next()) yield bytes as Uint8Array;
    }
  } finally {
    await cursor.close();
  }
}

/** Build the indexes of one collection on another. A collection that does not exist has none. */
export async function copyIndexes(from: Place, to: Place): Promise<void> {
  const indexes = (await listIndexes(from))
    .filter((index) => index.get('name') !== '_id_' && index.get('clustered') !== true)
    .map((index) => new SON([...index].filter(([name]) => name !== 'ns')));
  if (indexes.length === 0) return;
  const { database, collection } = to.namespace;
  await to.engine.run({ createIndexes: collection, indexes, $db: database }, checkedWrite);
}

async function hasIdIndex(place: Place): Promise<boolean> {
  return (await listIndexes(place)).some((index) => index.get('name') === '_id_');
}

/** As ordered documents: the keys of an index must keep their order, whatever they are called. */
export async function listIndexes({ engine, namespace }: Place): Promise<SON[]> {
  const command = { listIndexes: namespace.collection, cursor: {}, $db: namespace.database };
  try {
    return (await new Cursor(engine, command, namespace, { run: { documentClass: SON } }).toList(null)) as SON[];
  } catch (error) {
    // There is no such collection, or it is a view.
    if (error instanceof OperationFailure && (error.code === 26 || error.code === 166)) return [];
    throw error;
  }
}

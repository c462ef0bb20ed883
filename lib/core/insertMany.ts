import type { Document } from 'bson';
import type { Namespace } from './commands';
import type { Engine } from './engine';
import type { ComingStatements, Statements } from './sequence';
import { sendWrites } from './writeBatches';
import type { WriteConcern } from './writeConcern';
import { writeFailure } from './writeReply';

export interface InsertManyOptions {
  readonly ordered: boolean;
  readonly writeConcern: WriteConcern;
  /** Further fields of each command. */
  readonly extra?: Document;
}

/**
 * Insert any number of documents, and have the last failure thrown, as a single write does. For the whole story there
 * is `bulkWrite`.
 * @throws DuplicateKeyError, WriteError: the last document that failed; ordered: those behind it were not sent
 * @throws WTimeoutError, WriteConcernError: all were sent, but not written as widely as asked
 * @throws DocumentTooLarge, InvalidDocument: what stands before it was sent
 */
export async function insertMany(
  engine: Engine,
  namespace: Namespace,
  documents: Statements | ComingStatements,
  { ordered, writeConcern, extra }: InsertManyOptions,
): Promise<void> {
  let failure: Error | null = null;
  await sendWrites(engine, namespace, 'insert', documents, {
    ordered,
    writeConcern,
    extra,
    nameOf: (n) => `document ${n + 1}`,
    received(reply, operation, first) {
      failure = writeFailure(reply, operation, first) ?? failure;
      return !ordered || reply.writeErrors === undefined;
    },
  });
  if (failure !== null) throw failure;
}

import type { Document } from 'bson';
import { insertCommand, type Namespace } from './commands';
import type { Engine } from './engine';
import { type Finish, RETRYABLE_ID_LAST, RETRYABLE_WRITE } from './operation';
import type { ComingStatements, Statements } from './sequence';
import { runWrite } from './write';
import { sendWrites } from './writeBatches';
import type { WriteConcern } from './writeConcern';
import { checkedWrite, writeFailure } from './writeReply';

export interface InsertOptions {
  readonly writeConcern: WriteConcern;
  /** Further fields of each command. */
  readonly extra?: Document | undefined;
}

export interface InsertManyOptions extends InsertOptions {
  readonly ordered: boolean;
}

/**
 * Insert one document.
 * @param statements nothing but that
 * @param result what the promise then gives
 * @throws as {@link insertMany}
 */
export function insertOne<T>(
  engine: Engine,
  namespace: Namespace,
  statements: Statements,
  result: T,
  { writeConcern, extra }: InsertOptions,
): Promise<T> {
  // Only a section of documents takes it so.
  if (statements.areListed) {
    return insertMany(engine, namespace, statements, { ordered: true, writeConcern, extra }).then(() => result);
  }
  const command = insertCommand(namespace, statements.documents);
  if (extra !== undefined) Object.assign(command, extra);
  const finish: Finish<T> = (reply, operation) => {
    checkedWrite(reply, operation);
    return result;
  };
  const options = statements.isIdLast(0) ? RETRYABLE_ID_LAST : RETRYABLE_WRITE;
  return runWrite(engine, command, writeConcern, finish, options);
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

import type { Document } from 'bson';
import type { Namespace } from './commands';
import type { Engine, RunOptions } from './engine';
import type { Finish } from './operation';
import type { WriteConcern } from './writeConcern';
import { checkedWrite } from './writeReply';

const UNACKNOWLEDGED: RunOptions = Object.freeze({ acknowledged: false });

/** Send a write command as widely as asked for. For `w: 0` it is done when its bytes are handed to the socket. */
export function runWrite<T>(
  engine: Engine,
  command: Document,
  concern: WriteConcern,
  finish: Finish<T>,
  options?: RunOptions,
): Promise<T> {
  if (concern.toSend !== null) command.writeConcern = concern.toSend;
  return engine.run(command, finish, concern.acknowledged ? options : { ...options, ...UNACKNOWLEDGED });
}

/** What an update tells of itself, in the form that `getLastError` gave it; what it upserted is each surface's affair. */
export function updateOutcome(reply: Document) {
  const { n, nModified, ok } = reply as { n: number; nModified: number; ok: number };
  return { n, nModified, updatedExisting: n > 0 && reply.upserted === undefined, ok };
}

/**
 * Change or remove one document.
 * @param fields the command's: `query`, `update` or `remove`, ...
 * @param concern null: none is sent
 * @returns the reply, with the document as `value`
 */
export function findAndModify(
  engine: Engine,
  { database, collection }: Namespace,
  fields: Document,
  concern: WriteConcern | null,
  options: RunOptions,
): Promise<Document> {
  const command: Document = { findAndModify: collection, ...fields };
  const toSend = concern?.toSend ?? null;
  if (toSend !== null) command.writeConcern ??= toSend;
  command.$db = database;
  return engine.run(
    command,
    checkedWrite,
    concern?.acknowledged === false ? { ...options, ...UNACKNOWLEDGED } : options,
  );
}

import type { Document } from 'bson';
import { type Failed, writeConcernFailureOf, writeFailureOf } from './failure';

/**
 * The reply of a write command, if every write in it was done as asked.
 * @throws DuplicateKeyError, WriteError: of the last write that failed
 * @throws WTimeoutError, WriteConcernError: written, but not as widely as asked
 */
export function checkedWrite(reply: Document, operation: Failed): Document {
  const errors = reply.writeErrors as Document[] | undefined;
  const last = errors?.[errors.length - 1];
  if (last !== undefined) throw writeFailureOf(last, operation);
  if (reply.writeConcernError !== undefined) throw writeConcernFailureOf(reply, operation);
  return reply;
}

import type { Document } from 'bson';
import { type Failed, writeConcernFailureOf, writeFailureOf } from './failure';

/**
 * The reply of a write command, if every write in it was done as asked.
 * @throws DuplicateKeyError, WriteError: of the last write that failed
 * @throws WTimeoutError, WriteConcernError: written, but not as widely as asked
 */
export function checkedWrite(reply: Document, operation: Failed): Document {
  const failure = writeFailure(reply, operation);
  if (failure !== null) throw failure;
  return reply;
}

/**
 * What a reply with `ok: 1` tells of a write that failed, or of a write concern that was not met.
 * @param first the place of the command's first write among all
 */
export function writeFailure(reply: Document, operation: Failed, first = 0): Error | null {
  const errors = reply.writeErrors as Document[] | undefined;
  const last = errors?.[errors.length - 1];
  if (last !== undefined) {
    return writeFailureOf(first === 0 ? last : { ...last, index: last.index + first }, operation);
  }
  return reply.writeConcernError === undefined ? null : writeConcernFailureOf(reply, operation);
}

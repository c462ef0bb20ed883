/**
 * Which failures are worth a second attempt, and which of two failures is told.
 * @see Specifications "retryable reads" and "retryable writes"
 */

import type { Document } from 'bson';
import {
  AutoReconnect,
  addErrorLabel,
  ConfigurationError,
  ConnectionFailure,
  NotPrimaryError,
  OperationFailure,
  type PyMongoError,
  ServerSelectionTimeoutError,
} from './errors';
import type { Operation } from './operation';
import type { ServerDescription } from './serverDescription';

const RETRYABLE_WRITE = 'RetryableWriteError';
const NO_WRITES = 'NoWritesPerformed';

/** Wire version of MongoDB 4.4, the first that says by itself which writes may be sent again. */
const LABELS_ERRORS = 9;

/** The server, or the way to it, is out of order just now; another attempt may succeed. */
const RETRYABLE_CODES: ReadonlySet<unknown> = new Set([
  6, 7, 89, 91, 189, 262, 9001, 10107, 11600, 11602, 13435, 13436,
]);
/** A majority read came too early. */
const READ_CONCERN_NOT_AVAILABLE_YET = 134;

/** The connection broke, or could not be made, or the reply did not come. */
export function isNetworkError(error: Error): error is AutoReconnect {
  return (
    error instanceof AutoReconnect &&
    !(error instanceof NotPrimaryError) &&
    !(error instanceof ServerSelectionTimeoutError)
  );
}

/** Whether a read that failed like this may be sent again. */
export function isRetryableRead(error: Error): boolean {
  if (error instanceof OperationFailure) {
    return RETRYABLE_CODES.has(error.code) || error.code === READ_CONCERN_NOT_AVAILABLE_YET;
  }
  return error instanceof NotPrimaryError || isNetworkError(error);
}

/** Whether it can tell a write that comes a second time, so that it does it once. */
export function knowsRepeatedWrites({ type, logicalSessionTimeout }: ServerDescription): boolean {
  return logicalSessionTimeout !== null && type !== 'Standalone' && type !== 'Unknown';
}

/** Whether a write that failed like this may be sent again. */
export function isRetryableWrite(error: Error): boolean {
  return hasLabel(error, RETRYABLE_WRITE);
}

/** Label the failure of a write that may be sent again, if the write was lost on its way there or back. */
export function labelLost(error: Error, { address }: Operation): void {
  // Without an address it never got a connection: what failed then is a handshake, of which no server labels the errors.
  const isLost = isNetworkError(error) || (address === null && isRetryableRead(error));
  if (isLost) addErrorLabel(error as PyMongoError, RETRYABLE_WRITE);
}

/** Give a reply to a write that may be sent again the label that servers before 4.4 do not give. */
export function labelReply(reply: Document, { maxWireVersion, type }: ServerDescription): void {
  if (maxWireVersion >= LABELS_ERRORS) return;
  const unmet = type === 'Mongos' ? undefined : reply.writeConcernError?.code;
  const code: unknown = reply.ok === 1 ? unmet : reply.code;
  if (RETRYABLE_CODES.has(code)) reply.errorLabels = [...(reply.errorLabels ?? []), RETRYABLE_WRITE];
}

/** Of the failures of both attempts the one that tells more. */
export function tellingError(first: Error, second: Error): Error {
  const saysNothing =
    hasLabel(second, NO_WRITES) ||
    second instanceof ConfigurationError ||
    second instanceof ServerSelectionTimeoutError ||
    (second instanceof ConnectionFailure && !(second instanceof AutoReconnect));
  return saysNothing ? first : second;
}

/** The failure of a write, in words that help where the server has no means to tell repeated writes. */
export function explained(operation: Operation, error: Error): Error {
  if (!(error instanceof OperationFailure) || error.code !== 20 || operation.txnNumber === null) return error;
  if (!String(error.details?.errmsg).startsWith('Transaction numbers')) return error;
  return new OperationFailure(
    'This MongoDB deployment does not support retryable writes. Please add retryWrites=false to your connection ' +
      `string. (${operation.description} at ${operation.address}, code 20)`,
    { code: error.code, details: error.details, errorLabels: error.error_labels, cause: error },
  );
}

function hasLabel(error: Error, label: string): boolean {
  return (error as Partial<PyMongoError>).has_error_label?.(label) === true;
}

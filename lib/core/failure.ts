/**
 * From a server's answer to an error: the class from one table, the text from one function.
 */

import type { Document } from 'bson';
import type { Address } from './address';
import {
  CollectionInvalid,
  CursorNotFound,
  DuplicateKeyError,
  ExecutionTimeout,
  type Failure,
  InvalidBSON,
  NotPrimaryError,
  OperationFailure,
  WriteConcernError,
  WriteError,
  WTimeoutError,
} from './errors';

/** What is known of the operation that failed. */
export interface Failed {
  /** The command's name. */
  readonly name: string;
  /** Name and namespace: `find on shop.orders`. */
  readonly description: string;
  /** The server that answered. */
  readonly address: Address | null;
}

/** The server goes down: its connections are of no use any more. */
const SHUTDOWN_CODES: ReadonlySet<number | null> = new Set([91, 11600]);

/** What may say that a server is no longer what it was: in a reply with `ok: 0`, or of a write that was done. */
type StateChange = NotPrimaryError | WriteConcernError;

/**
 * Whether the error says so. Its text counts only where there is no code.
 * @see Specification "server discovery and monitoring", not writable primary and node is recovering
 */
export function isStateChange(error: Error): error is StateChange {
  if (error instanceof NotPrimaryError && error.code === null) return true;
  if (!(error instanceof NotPrimaryError || error instanceof WriteConcernError)) return false;
  return error.code !== null && CLASS_OF_CODE.get(error.code) === NotPrimaryError;
}

export function isShutdown(error: StateChange): boolean {
  return SHUTDOWN_CODES.has(error.code);
}

type FailureClass = new (message: string, failure: Failure) => Error;

const CLASS_OF_CODE = new Map<number, FailureClass>([
  [11000, DuplicateKeyError],
  [11001, DuplicateKeyError],
  [12582, DuplicateKeyError],
  [43, CursorNotFound],
  [50, ExecutionTimeout],
  // The server is not primary, or is on its way up or down.
  [91, NotPrimaryError],
  [189, NotPrimaryError],
  [10058, NotPrimaryError],
  [10107, NotPrimaryError],
  [11600, NotPrimaryError],
  [11602, NotPrimaryError],
  [13435, NotPrimaryError],
  [13436, NotPrimaryError],
]);

const NOT_PRIMARY_TEXT = /^(not master|node is recovering)/i;

/** The duplicate key itself is a part of the document; it stands in `details`. */
const DUPLICATE_KEY = / dup key: \{.*\}$/s;

/** Commands whose failures the server likes to explain by what is stored, or by what was to be stored or found. */
const ON_DOCUMENTS: ReadonlySet<string> = new Set([
  'aggregate',
  'bulkWrite',
  'count',
  'delete',
  'distinct',
  'find',
  'findAndModify',
  'getMore',
  'insert',
  'update',
]);

/** The server's words without what they quote of documents; its own stand in `details`. */
function withoutDocuments(errmsg: string): string {
  return errmsg
    .replace(DUPLICATE_KEY, '')
    .replace(/\{.*\}/s, '{…}')
    .replace(/: ".*"/s, ': "…"')
    .replace(/\b_id: [^"\s]+/, '_id: …');
}

/** `unknown operator: $foo (find on shop.orders at db1:27017, code 2)` */
function text(errmsg: string, code: number | null, operation: Failed): string {
  const words = ON_DOCUMENTS.has(operation.name) ? withoutDocuments(errmsg) : errmsg.replace(DUPLICATE_KEY, '');
  const where = operation.address === null ? '' : ` at ${operation.address}`;
  return `${words} (${operation.description}${where}${code === null ? '' : `, code ${code}`})`;
}

/** The first failed shard of a sharded reply says more than the reply itself. */
function speaker(reply: Document): Document {
  if (reply.raw === undefined || reply.raw === null) return reply;
  for (const shard of Object.values(reply.raw as Document)) {
    if (typeof shard?.errmsg === 'string' && shard.ok !== 1) return shard as Document;
  }
  return reply;
}

/** The error that a reply with `ok: 0` stands for. */
export function failureOf(reply: Document, operation: Failed): Error {
  const source = speaker(reply);
  const code = typeof source.code === 'number' ? source.code : null;
  const errmsg = String(source.errmsg ?? source.$err ?? 'the server gave no reason');
  let FailureClass = (code === null ? undefined : CLASS_OF_CODE.get(code)) ?? OperationFailure;
  if (NOT_PRIMARY_TEXT.test(errmsg)) FailureClass = NotPrimaryError;
  if (code === 48 && operation.name === 'create') {
    return new CollectionInvalid(text(errmsg, code, operation));
  }
  return new FailureClass(text(errmsg, code, operation), {
    code,
    details: reply,
    errorLabels: labels(reply),
  });
}

/** The error of one failed write in a reply with `ok: 1`. */
export function writeFailureOf(writeError: Document, operation: Failed): Error {
  const code = typeof writeError.code === 'number' ? writeError.code : null;
  const known = code === null ? undefined : CLASS_OF_CODE.get(code);
  const FailureClass = known === DuplicateKeyError ? DuplicateKeyError : WriteError;
  return new FailureClass(text(String(writeError.errmsg), code, operation), {
    code,
    details: writeError,
  });
}

/** The error of a write that was done without its write concern being met. */
export function writeConcernFailureOf(reply: Document, operation: Failed): Error {
  const failure = reply.writeConcernError as Document;
  const code = typeof failure.code === 'number' ? failure.code : null;
  const ran = failure.errInfo?.wtimeout === true || code === 64;
  const FailureClass = ran ? WTimeoutError : WriteConcernError;
  return new FailureClass(text(String(failure.errmsg), code, operation), {
    code,
    details: failure,
    errorLabels: labels(reply),
  });
}

/** What the reply to a write, which was done, tells of the server by its write concern: that it is no longer what it was. */
export function lostPrimaryOf(reply: Document, operation: Failed): NotPrimaryError | null {
  const { code = null, errmsg } = reply.writeConcernError as Document;
  if (CLASS_OF_CODE.get(code) !== NotPrimaryError) return null;
  return new NotPrimaryError(text(String(errmsg), code, operation), { code, details: reply });
}

/** The error of an operation whose reply holds a value that cannot be read. */
export function unreadable({ message, cause }: InvalidBSON, { description, address }: Failed): InvalidBSON {
  return new InvalidBSON(`${message} (${description}${address === null ? '' : ` at ${address}`})`, { cause });
}

function labels(reply: Document): string[] {
  return Array.isArray(reply.errorLabels) ? reply.errorLabels : [];
}

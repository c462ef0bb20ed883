/**
 * The errors of every surface: `pymongo.errors` of PyMongo 2.7, with the classes of 4.9 put between them,
 * so that code which catches an old class still does.
 */

import type { Document } from 'bson';

/** What every error of the driver takes besides its message. */
export interface ErrorContext {
  /** The error that led to this one. */
  cause?: unknown;
  /** Labels that the server or the driver attached, such as `RetryableWriteError`. */
  errorLabels?: readonly string[];
}

/** Root of the driver's errors. `cause` holds the error that led to it, if there is one. */
export class PyMongoError extends Error {
  /** Labels that the server or the driver attached, such as `RetryableWriteError`. */
  readonly error_labels: string[];

  /**
   * An error of this class.
   * @param message what happened, where, and what to do
   * @param context `cause`, `errorLabels`, and what else the class has fields for; default nothing
   */
  constructor(message: string, context: ErrorContext = {}) {
    super(message, context.cause === undefined ? undefined : { cause: context.cause });
    this.error_labels = [...(context.errorLabels ?? [])];
    // Not shown with the error unless there are some.
    Object.defineProperty(this, 'error_labels', { enumerable: this.error_labels.length > 0 });
  }

  /** True when time ran out: for the server, a connection, or a place in the pool. */
  get timeout(): boolean {
    return false;
  }

  /** Whether the server or the driver attached this label. */
  has_error_label(label: string): boolean {
    return this.error_labels.includes(label);
  }

  // One definition for the whole tree.
  /** The name of its class. */
  override get name(): string {
    return this.constructor.name;
  }
}

/** The driver attaches a label to an error that it has made. */
export function addErrorLabel(error: PyMongoError, label: string): void {
  if (error.error_labels.includes(label)) return;
  error.error_labels.push(label);
  Object.defineProperty(error, 'error_labels', { enumerable: true });
}

/** No server can be reached, or the pool gave no connection in time. */
export class ConnectionFailure extends PyMongoError {}

/** A connection broke, timed out, or met a server that is not primary; the next operation connects anew. */
export class AutoReconnect extends ConnectionFailure {
  /** The error of each server that was tried; empty where only one was. */
  readonly errors: string[];

  /** As for {@link PyMongoError}; `context` may have the `errors` of the servers that were tried besides. */
  constructor(message: string, context: ErrorContext & { errors?: readonly string[] } = {}) {
    super(message, context);
    this.errors = [...(context.errors ?? [])];
  }
}

/** No reply came within `socketTimeoutMS`. */
export class NetworkTimeout extends AutoReconnect {
  override get timeout(): boolean {
    return true;
  }
}

/** The server is not primary, or is shutting down. */
export class NotPrimaryError extends AutoReconnect {
  /** The server's error code, or `null` where it gave none. */
  readonly code: number | null;
  /** The server's reply, or `null`. Not shown when the error is printed. */
  readonly details: Document | null;

  /** As for {@link PyMongoError}; `context` may have the server's `code` and its reply, `details`, besides. */
  constructor(message: string, context: ErrorContext & { code?: number | null; details?: Document | null } = {}) {
    super(message, context);
    this.code = context.code ?? null;
    this.details = hidden(this, 'details', context.details ?? null);
  }
}

/** No suitable server was found in time. */
export class ServerSelectionTimeoutError extends AutoReconnect {
  override get timeout(): boolean {
    return true;
  }
}

/** Waiting for a pooled connection took longer than `waitQueueTimeoutMS`, or too many were already waiting. */
export class MotorPoolTimeout extends ConnectionFailure {
  override get timeout(): boolean {
    return true;
  }
}

export { MotorPoolTimeout as WaitQueueTimeoutError };

/** A reply that is no reply: a bad length, an unknown opcode, truncated BSON, an answer to another request. */
export class ProtocolError extends AutoReconnect {}

/** A wrong option, a wrong combination of options, or a keyword that is refused. */
export class ConfigurationError extends PyMongoError {}

/** A malformed connection string. */
export class InvalidURI extends ConfigurationError {}

/** Exported for `instanceof` only; never raised. */
export class UnsupportedOption extends ConfigurationError {}

/** The object's state forbids the call. */
export class InvalidOperation extends PyMongoError {}

/** A bad database or collection name. */
export class InvalidName extends PyMongoError {}

/** The collection exists already, or validation found damage. */
export class CollectionInvalid extends PyMongoError {}

/** What the server said of a failed operation. */
export interface Failure extends ErrorContext {
  /** The server's error code, if it gave one. */
  code?: number | null;
  /** The reply, or the part of it that tells of the failure. */
  details?: Document | null;
}

/** The server refused or failed an operation. */
export class OperationFailure extends PyMongoError {
  /** The server's error code, or `null` where it gave none. */
  readonly code: number | null;
  /** The server's reply, or the write error in it. Not shown when the error is printed: it may hold documents. */
  readonly details: Document | null;

  /** As for {@link PyMongoError}; `failure` may have the server's `code` and its reply, `details`, besides. */
  constructor(message: string, failure: Failure = {}) {
    super(message, failure);
    this.code = failure.code ?? null;
    this.details = hidden(this, 'details', failure.details ?? null);
  }

  override get timeout(): boolean {
    return this.code === 50 || this.code === 262;
  }
}

/** The server no longer knows the cursor. */
export class CursorNotFound extends OperationFailure {}

/** The server took longer than the operation's time limit. */
export class ExecutionTimeout extends OperationFailure {}

/** A single write failed. */
export class WriteError extends OperationFailure {}

/** A unique index holds the key already. */
export class DuplicateKeyError extends WriteError {}

/** The write was done, but its write concern was not met. */
export class WriteConcernError extends OperationFailure {}

/** Never raised itself: the deprecated name by which to catch {@link WTimeoutError}. */
export class TimeoutError extends OperationFailure {}

/** Replication did not finish within `wtimeout`. It counts as a {@link WriteConcernError} too. */
export class WTimeoutError extends TimeoutError {
  override get timeout(): boolean {
    return true;
  }
}

// The one place where two parents are needed: 0.2 has it under TimeoutError, 4.9 under WriteConcernError.
Object.defineProperty(WriteConcernError, Symbol.hasInstance, {
  value(this: object, error: unknown): boolean {
    const inherited = Function.prototype[Symbol.hasInstance].call(this, error) as boolean;
    return inherited || (this === WriteConcernError && error instanceof WTimeoutError);
  },
});

/** Some operations of a bulk failed; `details` holds the whole result, `code` is always 65. */
export class BulkWriteError extends OperationFailure {
  /** As for {@link PyMongoError}; `details` is the result of the whole bulk. */
  constructor(message: string, details: Document, context: ErrorContext = {}) {
    super(message, { ...context, code: 65, details });
  }
}

/** What a bulk over several namespaces had done before it failed: the members of `ClientBulkWriteResult`. */
export interface PartialResult {
  /** Always true. */
  readonly acknowledged: boolean;
  /** Whether it tells of each operation. */
  readonly has_verbose_results: boolean;
  /** Documents that were inserted. */
  readonly inserted_count: number;
  /** Documents that were inserted because none matched. */
  readonly upserted_count: number;
  /** Documents that matched; upserted ones do not count. */
  readonly matched_count: number;
  /** Documents that changed. */
  readonly modified_count: number;
  /** Documents that are gone. */
  readonly deleted_count: number;
  /** From the index of each insert that was done to its result. @throws InvalidOperation: not verbose */
  readonly insert_results: ReadonlyMap<number, { readonly inserted_id: unknown }>;
  /** From the index of each update that was done to its result. @throws InvalidOperation: not verbose */
  readonly update_results: ReadonlyMap<
    number,
    { readonly matched_count: number; readonly modified_count: number; readonly upserted_id: unknown }
  >;
  /** From the index of each delete that was done to its result. @throws InvalidOperation: not verbose */
  readonly delete_results: ReadonlyMap<number, { readonly deleted_count: number }>;
}

/** Some operations of a client's `bulk_write` failed, or it broke off; `code` is always 65. */
export class ClientBulkWriteException extends OperationFailure {
  /** What ended the bulk as a whole, such as a broken connection; null where only single operations failed. */
  readonly error: Error | null;
  /**
   * The operations that failed, in order: `idx` counts as they were given, `code`, `errmsg`, perhaps `errInfo`, and the
   * operation as `op`. Not shown when the error is printed: they hold documents.
   */
  readonly write_errors: Document[];
  /** As the server gives them, one for each command whose write concern was not met. */
  readonly write_concern_errors: Document[];
  /** What was done, a `ClientBulkWriteResult`; null where nothing is known to have been done. */
  readonly partial_result: PartialResult | null;

  /** As for {@link PyMongoError}; `details` has `error`, `writeErrors`, `writeConcernErrors`, and the counts. */
  constructor(message: string, details: Document, partial_result: PartialResult | null, context: ErrorContext = {}) {
    super(message, { ...context, code: 65, details });
    this.error = hidden(this, 'error', details.error as Error | null);
    this.write_errors = hidden(this, 'write_errors', details.writeErrors as Document[]);
    this.write_concern_errors = hidden(this, 'write_concern_errors', details.writeConcernErrors as Document[]);
    this.partial_result = hidden(this, 'partial_result', partial_result);
  }

  override get timeout(): boolean {
    return this.error instanceof PyMongoError && this.error.timeout;
  }
}

/** A host name does not match the server's certificate. */
export class CertificateError extends Error {
  /** The name of its class. */
  override get name(): string {
    return 'CertificateError';
  }
}

/** Exported for `instanceof` only; {@link WaitQueueTimeoutError} is raised instead. */
export class ExceededMaxWaiters extends Error {
  /** The name of its class. */
  override get name(): string {
    return 'ExceededMaxWaiters';
  }
}

/** Root of the encoding errors. `cause` holds what the encoder said. */
export class BSONError extends Error {
  /** The name of its class. */
  override get name(): string {
    return this.constructor.name;
  }
}

/** Bytes that are no BSON. */
export class InvalidBSON extends BSONError {}

/** A string that BSON cannot hold. */
export class InvalidStringData extends BSONError {}

/** A value that cannot be encoded, or a key that is forbidden. */
export class InvalidDocument extends BSONError {}

/** Text that is no ObjectId. */
export class InvalidId extends BSONError {}

/** An encoded document is larger than the server takes; found before anything is sent. */
export class DocumentTooLarge extends InvalidDocument {}

/** Root of the errors of GridFS. */
export class GridFSError extends PyMongoError {}

/** A chunk of a file is missing, or is not what it should be. */
export class CorruptGridFile extends GridFSError {}

/** There is no such file. */
export class NoFile extends GridFSError {}

/** The `_id` of a new file is taken. */
export class FileExists extends GridFSError {}

/** A call of GridFS as it was before version 1.6. */
export class UnsupportedAPI extends GridFSError {}

/** Bad arguments to `seek` (Python's `IOError`). */
export class IOError extends Error {
  /** The number of `EINVAL`. */
  readonly errno = 22;
  /** The name that Node gives it. */
  readonly code = 'EINVAL';

  /** The name of its class. */
  override get name(): string {
    return 'IOError';
  }
}

/** A value of the right type that is out of range (Python's `ValueError`). */
export class ValueError extends RangeError {
  /** The name of its class. */
  override get name(): string {
    return this.constructor.name;
  }
}

/** An index out of range (Python's `IndexError`). */
export class IndexError extends RangeError {
  /** The name of its class. */
  override get name(): string {
    return this.constructor.name;
  }
}

/** There are no more documents (Python's `StopAsyncIteration`). */
export class StopAsyncIteration extends Error {
  /** The name of its class. */
  override get name(): string {
    return 'StopAsyncIteration';
  }
}

/** Set a field that is there to be read but is not printed with the error, for it may hold documents. */
function hidden<T>(error: Error, field: string, value: T): T {
  Object.defineProperty(error, field, { value, enumerable: false, writable: true, configurable: true });
  return value;
}

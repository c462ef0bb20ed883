import type { Document } from 'bson';
import type { Operation } from '../core/operation';

/** What is known of the writes to one database. */
interface Memory {
  /** Writes whose outcome was noted. */
  operations: number;
  last: Document;
  /** The status of the last write that failed, and the number that it had. */
  error: Document | null;
  errorAt: number;
}

const NOTHING_WRITTEN: Document = Object.freeze({ err: null, n: 0, ok: 1 });

/**
 * The outcome of each write that a client sent, by database: what `getLastError` and its relatives told of a
 * connection. Writes without acknowledgement count as ones without error, and those whose reply was lost are not
 * counted: nobody knows better.
 */
export class RememberedErrors {
  readonly #databases = new Map<string, Memory>();

  /** Take note of a reply, if it is one to a write. It runs for every reply of the client: it must cost nothing. */
  note(operation: Operation, reply: Document): void {
    switch (operation.name) {
      case 'insert':
      case 'update':
      case 'delete':
      case 'findAndModify':
      case 'findandmodify':
        this.#remember(operation.database, statusOf(operation.name, reply));
    }
  }

  #remember(database: string, status: Document): void {
    let memory = this.#databases.get(database);
    if (memory === undefined) {
      memory = { operations: 0, last: status, error: null, errorAt: 0 };
      this.#databases.set(database, memory);
    }
    memory.operations++;
    memory.last = status;
    if (status.err === null) return;
    memory.error = status;
    memory.errorAt = memory.operations;
  }

  /** The reply of `getLastError`: `err`, `n`, `ok`, and `updatedExisting`, `upserted`, `code` where they apply. */
  lastStatus(database: string): Document {
    return { ...(this.#databases.get(database)?.last ?? NOTHING_WRITTEN) };
  }

  /** The reply of `getPrevError`: the last error, and `nPrev`: 1 if the last write brought it, -1 if there was none. */
  previous(database: string): Document {
    const memory = this.#databases.get(database);
    if (memory === undefined || memory.error === null) return { err: null, n: 0, nPrev: -1, ok: 1 };
    return { ...memory.error, nPrev: memory.operations - memory.errorAt + 1, ok: 1 };
  }

  /** The reply of `resetError`: all is forgotten. */
  reset(database: string): Document {
    this.#databases.delete(database);
    return { ok: 1 };
  }
}

/** A write command's reply in the words of `getLastError`, without any document. */
function statusOf(name: string, reply: Document): Document {
  const status: Document = { err: null, n: 0, ok: 1 };
  const found = (reply.lastErrorObject ?? reply) as Document;
  // The old command told the number of documents that were changed or removed, not of those that were inserted.
  if (name !== 'insert' && typeof found.n === 'number') status.n = found.n;
  const upserted = Array.isArray(found.upserted) ? found.upserted[found.upserted.length - 1]?._id : found.upserted;
  if (name === 'update') status.updatedExisting = status.n > 0 && upserted === undefined;
  else if (typeof found.updatedExisting === 'boolean') status.updatedExisting = found.updatedExisting;
  if (upserted !== undefined) status.upserted = upserted;

  const errors = reply.writeErrors as Document[] | undefined;
  const failure = reply.ok === 1 ? (errors?.[errors.length - 1] ?? reply.writeConcernError) : reply;
  if (failure === undefined || failure === null) return status;
  status.err = String(failure.errmsg);
  if (typeof failure.code === 'number') status.code = failure.code;
  if (failure === reply.writeConcernError && failure.errInfo?.wtimeout === true) status.wtimeout = true;
  return status;
}

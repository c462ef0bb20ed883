import { inspect } from 'node:util';
import type { Document } from 'bson';
import type { Doc } from '../../typings/documents';
import type { Dual } from '../../typings/dual';
import { type BulkWriteResult, bulkWrite, Writes } from '../core/bulkWrite';
import { addId, firstKey } from '../core/documents';
import { InvalidOperation, ValueError } from '../core/errors';
import { insertable, sendable } from '../core/uuids';
import type { WriteKind } from '../core/writeBatches';
import { WriteConcern, type WriteConcernFields } from '../core/writeConcern';
import { documentOf } from './arguments';
import type { MotorCollection } from './collection';
import { Bound, dual } from './dual';
import type { Loop } from './ioLoop';
import { document, expect, type Given, keywords, orNull } from './keywords';
import { ENGINE, UUIDS, WRITE_CONCERN } from './settings';

const EXECUTE = keywords({ write_concern: [null, orNull(document)] });
export type ExecuteKw = Given<typeof EXECUTE>;

export type { BulkWriteResult };

/**
 * A list of writes that are sent together. Nothing happens before `execute`.
 * @see Motor 0.2, MotorBulkOperationBuilder
 */
export class BulkOperationBuilder extends Bound {
  readonly #collection: MotorCollection;
  readonly #writes: Writes;
  #executed = false;

  /** Made by `MotorCollection.initialize_ordered_bulk_op` and `initialize_unordered_bulk_op`. */
  constructor(collection: MotorCollection, ordered: boolean) {
    super();
    this.#collection = collection;
    this.#writes = new Writes(ordered);
  }

  /**
   * Queue a document to be stored. A missing `_id` is put into it.
   * @throws TypeError: not one document
   * @see Motor 0.2, MotorBulkOperationBuilder.insert
   */
  insert(document: Doc): void {
    const statement = documentOf('insert', 'document', document);
    addId(statement);
    this.#writes.add('insert', statement);
  }

  /**
   * Choose the documents to change or remove; what is to be done with them is asked of the result.
   * @param selector a query document; `{}`: all
   * @throws TypeError: no document
   * @example bulk.find({ active: false }).remove();
   * @see Motor 0.2, MotorBulkOperationBuilder.find
   */
  find(selector: Doc): BulkWriteOperation {
    return new BulkWriteOperation(this.#writes, documentOf('find', 'selector', selector)) as BulkWriteOperation;
  }

  /**
   * Run what was queued, in batches as large as the server takes. Ordered: one after the other, up to the first that
   * fails. Unordered: all inserts, then updates, then removals, whatever fails.
   * @param write_concern in place of the collection's; also as keyword: `{ write_concern: { w: 1 } }`
   * @returns counts and upserted `_id`s; null for `w: 0`. All indexes count in the order of the calls
   * @throws InvalidOperation: nothing was queued, or it was executed before; TypeError: `write_concern` is no object
   * @throws BulkWriteError: some operations failed, or were not done as widely as asked; `details` has the result
   * @throws InvalidDocument: a key or value that is refused; nothing was sent. DocumentTooLarge: what was to be sent
   *   before it was sent
   * @throws OperationFailure, AutoReconnect: a whole batch failed, which ends the bulk
   * @see Motor 0.2, MotorBulkOperationBuilder.execute
   */
  async execute(write_concern?: WriteConcernFields | null, kw?: ExecuteKw): Promise<BulkWriteResult | null> {
    const options = EXECUTE.read('execute', kw);
    const given = expect('execute', 'write_concern', orNull(document), write_concern ?? options.write_concern);
    const collection = this.#collection;
    // As in the original, an empty one says nothing.
    const concern =
      given === null || firstKey(given) === null
        ? collection[WRITE_CONCERN]
        : WriteConcern.from(given, 'ConfigurationError');
    if (this.#writes.length === 0) throw new InvalidOperation('execute: no operations to execute');
    if (this.#executed) throw new InvalidOperation('execute: bulk operations can only be executed once');
    this.#executed = true;
    const { representation } = collection[UUIDS];
    this.#writes.prepare((statement, kind) =>
      kind === 'insert'
        ? insertable(statement, representation, 'execute', true)
        : sendable(statement, representation, 'execute'),
    );
    return bulkWrite(
      collection[ENGINE],
      { database: collection.database.name, collection: collection.name },
      this.#writes,
      { writeConcern: concern, shown },
    );
  }

  /** The `io_loop` given to the client, else the current loop. */
  get_io_loop(): Loop {
    return this.#collection.get_io_loop();
  }

  /** Builders are equal only when they are the same. */
  equals(other: unknown): boolean {
    return other === this;
  }

  override toString(): string {
    return `${this.constructor.name}(${this.#collection.full_name})`;
  }

  [inspect.custom](): string {
    return this.toString();
  }
}

/** Writes that are sent together, by `execute`. */
export const MotorBulkOperationBuilder = dual(
  BulkOperationBuilder,
  {
    execute: {
      positional: 1,
      keywordsFrom: 0,
      isKeywords: (candidate) => 'write_concern' in candidate || 'callback' in candidate,
    },
  },
  { name: 'MotorBulkOperationBuilder' },
);
export type MotorBulkOperationBuilder = Dual<BulkOperationBuilder>;

/** What is false goes without saying when it is sent. */
function shown(statement: Document, kind: WriteKind): Document {
  return kind === 'update' ? { q: statement.q, u: statement.u, multi: false, upsert: false, ...statement } : statement;
}

const WRITES = Symbol('writes');
const SELECTOR = Symbol('selector');

/** What updates and upserts have in common. */
class Updates extends Bound {
  readonly [WRITES]: Writes;
  readonly [SELECTOR]: Document;
  readonly #upsert: boolean;

  /** Made by `upsert`. */
  constructor(writes: Writes, selector: Document, upsert: boolean) {
    super();
    this[WRITES] = writes;
    this[SELECTOR] = selector;
    this.#upsert = upsert;
  }

  #update(u: Document, multi: boolean): void {
    const q = this[SELECTOR];
    const upsert = this.#upsert;
    this[WRITES].add('update', multi || upsert ? { q, u, multi, upsert } : { q, u });
  }

  /**
   * Queue a change of the first document that matches.
   * @param update operators such as `$set`
   * @throws TypeError: no document; ValueError: its first key does not begin with `$`
   */
  update_one(update: Doc): void {
    this.#update(operators('update_one', update), false);
  }

  /**
   * Queue a change of all documents that match.
   * @param update operators such as `$set`
   * @throws TypeError: no document; ValueError: its first key does not begin with `$`
   */
  update(update: Doc): void {
    this.#update(operators('update', update), true);
  }

  /**
   * Queue the replacement of the first document that matches.
   * @param replacement a document; it may be empty
   * @throws TypeError: no document; ValueError: its first key begins with `$`
   */
  replace_one(replacement: Doc): void {
    const replacing = documentOf('replace_one', 'replacement', replacement);
    if (firstKey(replacing)?.startsWith('$')) {
      throw new ValueError('replace_one: replacement must not begin with an operator; use update_one');
    }
    this.#update(replacing, false);
  }
}

/** What can be done with the documents that `find` of a bulk selects. Nothing happens before `execute`. */
export class WriteOperation extends Updates {
  /** Made by `MotorBulkOperationBuilder.find`. */
  constructor(writes: Writes, selector: Document) {
    super(writes, selector, false);
  }

  /** Queue the removal of the first document that matches. */
  remove_one(): void {
    this[WRITES].add('delete', { q: this[SELECTOR], limit: 1 });
  }

  /** Queue the removal of all documents that match. */
  remove(): void {
    this[WRITES].add('delete', { q: this[SELECTOR], limit: 0 });
  }

  /** The same updates, but where nothing matches they insert. */
  upsert(): BulkUpsertOperation {
    return new BulkUpsertOperation(this[WRITES], this[SELECTOR], true) as BulkUpsertOperation;
  }
}

function operators(method: string, update: unknown): Document {
  const changing = documentOf(method, 'update', update);
  if (!firstKey(changing)?.startsWith('$')) {
    throw new ValueError(`${method}: update must begin with an operator such as $set; use replace_one to replace`);
  }
  return changing;
}

/** Updates that insert a document where nothing matches. Nothing happens before `execute`. */
export class UpsertOperation extends Updates {}

export const BulkUpsertOperation = dual(UpsertOperation, {}, { name: 'BulkUpsertOperation' });
export type BulkUpsertOperation = Dual<UpsertOperation>;

export const BulkWriteOperation = dual(WriteOperation, {}, { name: 'BulkWriteOperation' });
export type BulkWriteOperation = Dual<WriteOperation>;

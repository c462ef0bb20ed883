import { inspect } from 'node:util';
import type { Document } from 'bson';
import { InvalidOperation } from '../core/errors';

/** What a write tells. Of one with `w: 0` nothing is known: all but `acknowledged`, the ids and the raw result throw. */
abstract class Result {
  readonly #acknowledged: boolean;

  constructor(acknowledged: boolean) {
    this.#acknowledged = acknowledged;
  }

  /** False after a write with `w: 0`. */
  get acknowledged(): boolean {
    return this.#acknowledged;
  }

  [inspect.custom](): string {
    return this.toString();
  }

  /** As the original prints it. */
  toString(): string {
    const shown: Document = {};
    for (const [name, { get }] of Object.entries(Object.getOwnPropertyDescriptors(Object.getPrototypeOf(this)))) {
      if (get === undefined || (!this.#acknowledged && !KNOWN_ANYWAY.has(name))) continue;
      shown[name] = get.call(this);
    }
    return `${this.constructor.name}(${inspect({ ...shown, acknowledged: this.#acknowledged })})`;
  }
}

/** What is known of a write that nobody acknowledged. */
const KNOWN_ANYWAY = new Set(['inserted_id', 'inserted_ids', 'raw_result', 'bulk_api_result']);

function known<T>(name: string, result: T | null): T {
  if (result !== null) return result;
  throw new InvalidOperation(`${name} is not known of a write that was not acknowledged (w: 0)`);
}

/** What `insert_one` tells. */
export class InsertOneResult<Id = unknown> extends Result {
  readonly #id: Id;

  /** Made by `insert_one`. */
  constructor(inserted_id: Id, acknowledged: boolean) {
    super(acknowledged);
    this.#id = inserted_id;
  }

  /** The `_id` of the document. */
  get inserted_id(): Id {
    return this.#id;
  }
}

/** What `insert_many` tells. */
export class InsertManyResult<Id = unknown> extends Result {
  readonly #ids: Id[];

  /** Made by `insert_many`. */
  constructor(inserted_ids: Id[], acknowledged: boolean) {
    super(acknowledged);
    this.#ids = inserted_ids;
  }

  /** The `_id`s in the order in which the documents were given. */
  get inserted_ids(): Id[] {
    return this.#ids;
  }
}

/** What `replace_one`, `update_one` and `update_many` tell. */
export class UpdateResult<Id = unknown> extends Result {
  readonly #raw: Document | null;

  /** Made by `replace_one`, `update_one` and `update_many`. */
  constructor(raw_result: Document | null) {
    super(raw_result !== null);
    this.#raw = raw_result;
  }

  /** The server's answer: `n`, `nModified`, `ok`, `updatedExisting`, and `upserted`, an `_id`; null for `w: 0`. */
  get raw_result(): Document | null {
    return this.#raw;
  }

  /** Documents that matched; 0 after an upsert. @throws InvalidOperation: `w: 0` */
  get matched_count(): number {
    const raw = known('matched_count', this.#raw);
    return 'upserted' in raw ? 0 : (raw.n as number);
  }

  /** Documents that changed. @throws InvalidOperation: `w: 0` */
  get modified_count(): number {
    return known('modified_count', this.#raw).nModified as number;
  }

  /** The `_id` of the document that was inserted because none matched, or null. @throws InvalidOperation: `w: 0` */
  get upserted_id(): Id | null {
    return (known('upserted_id', this.#raw).upserted as Id | undefined) ?? null;
  }

  /** Whether a document was inserted because none matched. @throws InvalidOperation: `w: 0` */
  get did_upsert(): boolean {
    return 'upserted' in known('did_upsert', this.#raw);
  }
}

/** What `delete_one` and `delete_many` tell. */
export class DeleteResult extends Result {
  readonly #raw: Document | null;

  /** Made by `delete_one` and `delete_many`. */
  constructor(raw_result: Document | null) {
    super(raw_result !== null);
    this.#raw = raw_result;
  }

  /** The server's answer, `n` and `ok`; null for `w: 0`. */
  get raw_result(): Document | null {
    return this.#raw;
  }

  /** Documents that are gone. @throws InvalidOperation: `w: 0` */
  get deleted_count(): number {
    return known('deleted_count', this.#raw).n as number;
  }
}

/** What `bulk_write` tells. */
export class BulkWriteResult extends Result {
  readonly #result: Document;

  /** Made by `bulk_write`. */
  constructor(bulk_api_result: Document, acknowledged: boolean) {
    super(acknowledged);
    this.#result = bulk_api_result;
  }

  /** All of it: `nInserted`, `nUpserted`, `nMatched`, `nModified`, `nRemoved`, `upserted`, and no errors. */
  get bulk_api_result(): Document {
    return this.#result;
  }

  get #known(): Document | null {
    return this.acknowledged ? this.#result : null;
  }

  /** Documents that were inserted. @throws InvalidOperation: `w: 0` */
  get inserted_count(): number {
    return known('inserted_count', this.#known).nInserted as number;
  }

  /** Documents that matched; upserted ones do not count. @throws InvalidOperation: `w: 0` */
  get matched_count(): number {
    return known('matched_count', this.#known).nMatched as number;
  }

  /** Documents that changed. @throws InvalidOperation: `w: 0` */
  get modified_count(): number {
    return known('modified_count', this.#known).nModified as number;
  }

  /** Documents that are gone. @throws InvalidOperation: `w: 0` */
  get deleted_count(): number {
    return known('deleted_count', this.#known).nRemoved as number;
  }

  /** Documents that were inserted because none matched. @throws InvalidOperation: `w: 0` */
  get upserted_count(): number {
    return known('upserted_count', this.#known).nUpserted as number;
  }

  /** From the operation's index to the `_id` of the document that it inserted. @throws InvalidOperation: `w: 0` */
  get upserted_ids(): Map<number, unknown> {
    const { upserted } = known('upserted_ids', this.#known) as { upserted: { index: number; _id: unknown }[] };
    return new Map(upserted.map(({ index, _id }) => [index, _id]));
  }
}

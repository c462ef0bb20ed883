import { inspect } from 'node:util';
import type { Document } from 'bson';
import { InvalidOperation } from '../core/errors';

const TELLS: unique symbol = Symbol('tells');

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

  /** Whether the member of this name can be read. */
  [TELLS](name: string): boolean {
    return this.#acknowledged || KNOWN_ANYWAY.has(name);
  }

  /** As the original prints it. */
  toString(): string {
    const shown: Document = {};
    for (const [name, { get }] of Object.entries(Object.getOwnPropertyDescriptors(Object.getPrototypeOf(this)))) {
      if (get === undefined || !this[TELLS](name)) continue;
      shown[name] = get.call(this);
    }
    return `${this.constructor.name}(${inspect({ ...shown, acknowledged: this.#acknowledged })})`;
  }
}

/** What is known of a write that nobody acknowledged. */
const KNOWN_ANYWAY = new Set(['inserted_id', 'inserted_ids', 'raw_result', 'bulk_api_result', 'has_verbose_results']);

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
  readonly #inClientBulk: boolean;

  /** Made by `replace_one`, `update_one`, `update_many`, and the `bulk_write` of a client, which counts otherwise. */
  constructor(raw_result: Document | null, in_client_bulk = false) {
    super(raw_result !== null);
    this.#raw = raw_result;
    this.#inClientBulk = in_client_bulk;
  }

  /** The server's answer: `n`, `nModified`, `ok`, `updatedExisting`, and `upserted`, an `_id`; null for `w: 0`. */
  get raw_result(): Document | null {
    return this.#raw;
  }

  /** Documents that matched; after an upsert 0, in the `bulk_write` of a client 1. @throws InvalidOperation: `w: 0` */
  get matched_count(): number {
    const raw = known('matched_count', this.#raw);
    return 'upserted' in raw && !this.#inClientBulk ? 0 : (raw.n as number);
  }

  /** Documents that changed. @throws InvalidOperation: `w: 0` */
  get modified_count(): number {
    return known('modified_count', this.#raw).nModified as number;
  }

  /** The `_id` of the document that was inserted because none matched, or null. @throws InvalidOperation: `w: 0` */
  get upserted_id(): Id | null {
    const { upserted } = known('upserted_id', this.#raw);
    return ((this.#inClientBulk ? upserted?._id : upserted) as Id | undefined) ?? null;
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

/** What became of each operation that was done, by its index. */
export interface VerboseResults {
  readonly insert: Map<number, InsertOneResult>;
  readonly update: Map<number, UpdateResult>;
  readonly delete: Map<number, DeleteResult>;
}

/** What the `bulk_write` of a client tells. */
export class ClientBulkWriteResult extends Result {
  readonly #counts: Document | null;
  readonly #results: VerboseResults | null;

  /** Made by the `bulk_write` of a client. */
  constructor(counts: Document | null, results: VerboseResults | null) {
    super(counts !== null);
    this.#counts = counts;
    this.#results = results;
  }

  /** Whether it tells of each operation, as `verbose_results` asks for. */
  get has_verbose_results(): boolean {
    return this.#results !== null;
  }

  /** Documents that were inserted. @throws InvalidOperation: `w: 0` */
  get inserted_count(): number {
    return known('inserted_count', this.#counts).nInserted as number;
  }

  /** Documents that were inserted because none matched. @throws InvalidOperation: `w: 0` */
  get upserted_count(): number {
    return known('upserted_count', this.#counts).nUpserted as number;
  }

  /** Documents that matched; upserted ones do not count. @throws InvalidOperation: `w: 0` */
  get matched_count(): number {
    return known('matched_count', this.#counts).nMatched as number;
  }

  /** Documents that changed. @throws InvalidOperation: `w: 0` */
  get modified_count(): number {
    return known('modified_count', this.#counts).nModified as number;
  }

  /** Documents that are gone. @throws InvalidOperation: `w: 0` */
  get deleted_count(): number {
    return known('deleted_count', this.#counts).nDeleted as number;
  }

  /** From the index of each insert that was done to its result. @throws InvalidOperation: not verbose, or `w: 0` */
  get insert_results(): Map<number, InsertOneResult> {
    return this.#verbose('insert_results').insert;
  }

  /** From the index of each update that was done to its result. @throws InvalidOperation: not verbose, or `w: 0` */
  get update_results(): Map<number, UpdateResult> {
    return this.#verbose('update_results').update;
  }

  /** From the index of each delete that was done to its result. @throws InvalidOperation: not verbose, or `w: 0` */
  get delete_results(): Map<number, DeleteResult> {
    return this.#verbose('delete_results').delete;
  }

  override [TELLS](name: string): boolean {
    return super[TELLS](name) && (this.#results !== null || !name.endsWith('_results') || KNOWN_ANYWAY.has(name));
  }

  #verbose(name: string): VerboseResults {
    known(name, this.#counts);
    if (this.#results !== null) return this.#results;
    throw new InvalidOperation(`${name} is told only where bulk_write is called with verbose_results: true`);
  }
}

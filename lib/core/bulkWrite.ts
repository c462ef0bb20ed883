import type { Document } from 'bson';
import type { Namespace } from './commands';
import type { Engine } from './engine';
import { BulkWriteError, OperationFailure } from './errors';
import { type Failed, writeFailureOf } from './failure';
import { Statements } from './sequence';
import { sendWrites, type WriteKind } from './writeBatches';
import { DEFAULT_WRITE_CONCERN, type WriteConcern } from './writeConcern';

/** One write of a bulk. */
export interface Write {
  readonly kind: WriteKind;
  /**
   * The document to insert; or `{ q, u, multi, upsert }` or `{ q, limit }`, with whatever else the command knows:
   * `collation`, `hint`, `arrayFilters`.
   */
  readonly statement: Document;
  /** What is sent in its place; errors show the statement itself. */
  readonly sent?: Document;
  /** The `_id` of a document to insert was added by the driver: see `moveIdFirst`. */
  readonly idLast?: boolean;
}

export interface BulkWriteOptions {
  readonly ordered: boolean;
  readonly writeConcern: WriteConcern;
  /**
   * Ordered with `w: 0`: the last command may be sent without asking for a reply, since nothing comes behind it. Default:
   * every command is acknowledged.
   */
  readonly lastUnanswered?: boolean;
  /** Further fields of the commands of each kind, such as `let`, `comment`, `bypassDocumentValidation`. */
  readonly extra?: Partial<Readonly<Record<WriteKind, Document>>>;
}

/** A document that an upsert inserted. */
export interface Upserted {
  /** Of the write, in the order in which they were given. */
  index: number;
  /** The document's. */
  _id: unknown;
}

/** What became of a bulk. All indexes count in the order in which the writes were given. */
export interface BulkWriteResult {
  /** Sorted by index; each with `code`, `errmsg`, `errInfo` if the server gives it, and the statement as `op`. */
  writeErrors: Document[];
  /** As the server gives them. */
  writeConcernErrors: Document[];
  /** Documents that were inserted. */
  nInserted: number;
  /** Documents that were inserted because an upsert found none. */
  nUpserted: number;
  /** Documents that an update found; upserted ones do not count. */
  nMatched: number;
  /** Documents that an update changed. Absent if a server did not tell. */
  nModified?: number;
  /** Documents that were removed. */
  nRemoved: number;
  /** What upserts inserted. */
  upserted: Upserted[];
}

/**
 * Run writes of all kinds in batches. Ordered: in the order given, up to the first that fails. Unordered: all inserts,
 * then all updates, then all deletes, whatever fails.
 * @returns null for a write concern of `w: 0`: nothing is known
 * @throws BulkWriteError: a write failed, or was not done as widely as asked; `details` is the result
 * @throws DocumentTooLarge, InvalidDocument: what was to be sent before it was sent
 * @throws OperationFailure, AutoReconnect: a command failed as a whole, which ends the bulk
 */
export async function bulkWrite(
  engine: Engine,
  namespace: Namespace,
  writes: readonly Write[],
  { ordered, writeConcern, lastUnanswered = false, extra = {} }: BulkWriteOptions,
): Promise<BulkWriteResult | null> {
  const { acknowledged } = writeConcern;
  // Without a reply there would be no stopping at the first failure.
  const concern = acknowledged || !ordered ? writeConcern : DEFAULT_WRITE_CONCERN;
  const merger = new Merger(writes);
  const groups = ordered ? consecutive(writes) : sorted(writes);
  try {
    for (const [place, { kind, indexes, statements }] of groups.entries()) {
      await sendWrites(engine, namespace, kind, statements, {
        ordered,
        writeConcern: concern,
        lastConcern: lastUnanswered && place === groups.length - 1 ? writeConcern : concern,
        extra: extra[kind],
        nameOf: (n) => `operation ${indexAt(indexes, n) + 1} of ${writes.length}`,
        received(reply, operation, first) {
          if (concern.acknowledged && reply.n !== undefined) merger.merge(kind, indexes, first, reply, operation);
          return !ordered || !merger.failed;
        },
      });
      if (ordered && merger.failed) break;
    }
  } catch (error) {
    if (acknowledged || !(error instanceof OperationFailure)) throw error;
  }
  return acknowledged ? merger.finish() : null;
}

/** Writes of one kind, and which ones these are. */
class Group {
  readonly kind: WriteKind;
  readonly indexes: number[] = [];
  readonly statements = new Statements();

  constructor(kind: WriteKind) {
    this.kind = kind;
  }

  add(index: number, { statement, sent = statement, idLast }: Write): void {
    this.indexes.push(index);
    this.statements.push(sent, idLast);
  }
}

function consecutive(writes: readonly Write[]): Group[] {
  const groups: Group[] = [];
  let group: Group | undefined;
  for (let index = 0; index < writes.length; index++) {
    const write = writes[index] as Write;
    if (group?.kind !== write.kind) {
      group = new Group(write.kind);
      groups.push(group);
    }
    group.add(index, write);
  }
  return groups;
}

function sorted(writes: readonly Write[]): Group[] {
  const groups = { insert: new Group('insert'), update: new Group('update'), delete: new Group('delete') };
  for (let index = 0; index < writes.length; index++) {
    const write = writes[index] as Write;
    groups[write.kind].add(index, write);
  }
  return Object.values(groups).filter(({ statements }) => statements.length > 0);
}

function indexAt(indexes: readonly number[], place: number): number {
  return indexes[place] as number;
}

/** What a bulk tells of a failed write. Whatever else the server gives stands in the details of the `cause`. */
function told({ code, errmsg, errInfo }: Document, index: number): Document {
  return errInfo === undefined ? { index, code, errmsg } : { index, code, errmsg, errInfo };
}

/** Makes one result of the replies to all batches. */
class Merger {
  readonly #writes: readonly Write[];
  readonly #result: Required<BulkWriteResult> = {
    writeErrors: [],
    writeConcernErrors: [],
    nInserted: 0,
    nUpserted: 0,
    nMatched: 0,
    nModified: 0,
    nRemoved: 0,
    upserted: [],
  };
  #modifiedIsKnown = true;
  readonly #labels = new Set<string>();
  /** The error that the first failure alone would have been. */
  #first: Error | null = null;

  constructor(writes: readonly Write[]) {
    this.#writes = writes;
  }

  /** Whether a write failed. */
  get failed(): boolean {
    return this.#result.writeErrors.length > 0;
  }

  /** The reply to the batch that begins at the place `first` of `indexes`. */
  merge(kind: WriteKind, indexes: readonly number[], first: number, reply: Document, operation: Failed): void {
    const result = this.#result;
    if (kind === 'insert') result.nInserted += reply.n;
    else if (kind === 'delete') result.nRemoved += reply.n;
    else this.#mergeUpdate(indexes, first, reply);

    for (const error of (reply.writeErrors ?? []) as Document[]) {
      const index = indexAt(indexes, first + error.index);
      this.#first ??= writeFailureOf({ ...error, index }, operation);
      result.writeErrors.push({ ...told(error, index), op: (this.#writes[index] as Write).statement });
    }
    if (reply.writeConcernError !== undefined) result.writeConcernErrors.push(reply.writeConcernError);
    for (const label of (reply.errorLabels ?? []) as string[]) this.#labels.add(label);
  }

  #mergeUpdate(indexes: readonly number[], first: number, reply: Document): void {
    const result = this.#result;
    const upserted = (reply.upserted ?? []) as { index: number; _id: unknown }[];
    for (const { index, _id } of upserted) result.upserted.push({ index: indexAt(indexes, first + index), _id });
    result.nUpserted += upserted.length;
    result.nMatched += reply.n - upserted.length;
    if (typeof reply.nModified === 'number') result.nModified += reply.nModified;
    else this.#modifiedIsKnown = false;
  }

  finish(): BulkWriteResult {
    const { nModified, ...known } = this.#result;
    const result: BulkWriteResult = this.#modifiedIsKnown ? this.#result : known;
    const { writeErrors, writeConcernErrors } = result;
    writeErrors.sort((one, other) => one.index - other.index);
    if (writeErrors.length === 0 && writeConcernErrors.length === 0) return result;
    throw new BulkWriteError(this.#message(), result, {
      cause: this.#first ?? undefined,
      errorLabels: [...this.#labels],
    });
  }

  #message(): string {
    const { writeErrors, writeConcernErrors } = this.#result;
    return bulkMessage({ writeErrors, writeConcernErrors, first: this.#first, count: this.#writes.length });
  }
}

/** What the error of a bulk says. */
export function bulkMessage({
  writeErrors,
  writeConcernErrors: [unmet],
  first,
  count,
  broken = null,
}: {
  readonly writeErrors: readonly Document[];
  readonly writeConcernErrors: readonly Document[];
  /** The error that the first failed write alone would have been. */
  readonly first: Error | null;
  /** How many writes there are. */
  readonly count: number;
  /** What ended the bulk as a whole. */
  readonly broken?: Error | null;
}): string {
  const parts: string[] = [];
  if (first !== null) parts.push(`${writeErrors.length} of ${count} operations failed: ${first.message}`);
  if (unmet !== undefined) parts.push(`the write concern was not met: ${unmet.errmsg} (code ${unmet.code})`);
  if (broken !== null) parts.push(broken.message);
  return `batch op errors occurred: ${parts.join('; ')}`;
}

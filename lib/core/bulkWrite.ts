import type { Document } from 'bson';
import type { Namespace } from './commands';
import type { Engine } from './engine';
import { BulkWriteError, OperationFailure } from './errors';
import { type Failed, writeFailureOf } from './failure';
import { Statements } from './sequence';
import { sendWrites, WRITE_KINDS, type WriteKind } from './writeBatches';
import { DEFAULT_WRITE_CONCERN, type WriteConcern } from './writeConcern';

/** Writes of one kind that are sent one behind the other. */
class Group {
  readonly statements: Statements;
  /** What was given for those of which something else is sent. */
  readonly #given = new Map<number, Document>();
  /** Which writes these are; null: one behind the other from `#first` on. */
  readonly #indexes: number[] | null;
  readonly #first: number;

  constructor(
    readonly kind: WriteKind,
    ordered: boolean,
    first: number,
    expected = 0,
  ) {
    this.statements = new Statements(expected);
    this.#indexes = ordered ? null : [];
    this.#first = first;
  }

  add(index: number, given: Document, sent: Document, idLast: boolean): void {
    this.#indexes?.push(index);
    if (sent !== given) this.#given.set(this.statements.length, given);
    this.statements.push(sent, idLast);
  }

  /** What is to be sent in the place of each that was given. */
  prepare(sentOf: (statement: Document, kind: WriteKind) => Document): void {
    for (let place = 0; place < this.statements.length; place++) {
      const given = this.given(place);
      const sent = sentOf(given, this.kind);
      if (sent === given) continue;
      this.#given.set(place, given);
      this.statements.replace(place, sent);
    }
  }

  /** The index, among all writes, of the one at this place. */
  index(place: number): number {
    return this.#indexes === null ? this.#first + place : (this.#indexes[place] as number);
  }

  given(place: number): Document {
    return this.#given.get(place) ?? (this.statements.documents[place] as Document);
  }
}

/** The writes of a bulk, by the groups in which they are sent. */
export class Writes {
  readonly ordered: boolean;
  readonly #groups: Group[] = [];
  #length = 0;

  /**
   * @param ordered in the order in which they are added; else all inserts, then all updates, then all deletes
   * @param inserts about so many will be added before all else
   */
  constructor(ordered: boolean, inserts = 0) {
    this.ordered = ordered;
    if (inserts > 0 || !ordered) this.#groups.push(new Group('insert', ordered, 0, inserts));
    if (!ordered) this.#groups.push(new Group('update', false, 0), new Group('delete', false, 0));
  }

  get length(): number {
    return this.#length;
  }

  /** None of them is empty. */
  get groups(): readonly Group[] {
    return this.#groups.filter(({ statements }) => statements.length > 0);
  }

  /**
   * @param statement the document to insert; or `{ q, u, multi, upsert }` or `{ q, limit }`, with whatever else the
   *   command knows: `collation`, `hint`, `arrayFilters`
   * @param sent what is sent in its place; errors show the statement itself
   * @param idLast the `_id` of a document to insert was added by the driver: see `moveIdFirst`
   */
  add(kind: WriteKind, statement: Document, sent = statement, idLast = false): void {
    const index = this.#length++;
    this.#groupFor(kind, index).add(index, statement, sent, idLast);
  }

  #groupFor(kind: WriteKind, index: number): Group {
    if (!this.ordered) return this.#groups[WRITE_KINDS.indexOf(kind)] as Group;
    const last = this.#groups[this.#groups.length - 1];
    if (last !== undefined && last.kind === kind) return last;
    const next = new Group(kind, true, index);
    this.#groups.push(next);
    return next;
  }

  /**
   * Decide what is sent of each statement that was added.
   * @throws what `sentOf` throws
   */
  prepare(sentOf: (statement: Document, kind: WriteKind) => Document): void {
    for (const group of this.#groups) group.prepare(sentOf);
  }
}

export interface BulkWriteOptions {
  readonly writeConcern: WriteConcern;
  /**
   * Ordered with `w: 0`: the last command may be sent without asking for a reply, since nothing comes behind it. Default:
   * every command is acknowledged.
   */
  readonly lastUnanswered?: boolean;
  /** Further fields of the commands of each kind, such as `let`, `comment`, `bypassDocumentValidation`. */
  readonly extra?: Partial<Readonly<Record<WriteKind, Document>>>;
  /** How errors show a statement; default: as it was given. */
  readonly shown?: (statement: Document, kind: WriteKind) => Document;
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
 * Run writes of all kinds in batches. Ordered: up to the first that fails. Unordered: all of them, whatever fails.
 * @returns null for a write concern of `w: 0`: nothing is known
 * @throws BulkWriteError: a write failed, or was not done as widely as asked; `details` is the result
 * @throws DocumentTooLarge, InvalidDocument: what was to be sent before it was sent
 * @throws OperationFailure, AutoReconnect: a command failed as a whole, which ends the bulk
 */
export async function bulkWrite(
  engine: Engine,
  namespace: Namespace,
  writes: Writes,
  { writeConcern, lastUnanswered = false, extra = {}, shown = (statement) => statement }: BulkWriteOptions,
): Promise<BulkWriteResult | null> {
  const { ordered, groups } = writes;
  const { acknowledged } = writeConcern;
  // Without a reply there would be no stopping at the first failure.
  const concern = acknowledged || !ordered ? writeConcern : DEFAULT_WRITE_CONCERN;
  const merger = new Merger(writes.length, shown);
  try {
    for (const [place, group] of groups.entries()) {
      const { kind, statements } = group;
      await sendWrites(engine, namespace, kind, statements, {
        ordered,
        writeConcern: concern,
        lastConcern: lastUnanswered && place === groups.length - 1 ? writeConcern : concern,
        extra: extra[kind],
        nameOf: (n) => `operation ${group.index(n) + 1} of ${writes.length}`,
        received(reply, operation, first) {
          if (concern.acknowledged && reply.n !== undefined) merger.merge(group, first, reply, operation);
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

/** What a bulk tells of a failed write. Whatever else the server gives stands in the details of the `cause`. */
function told({ code, errmsg, errInfo }: Document, index: number): Document {
  return errInfo === undefined ? { index, code, errmsg } : { index, code, errmsg, errInfo };
}

/** Makes one result of the replies to all batches. */
class Merger {
  readonly #count: number;
  readonly #shown: NonNullable<BulkWriteOptions['shown']>;
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

  /** @param count how many writes there are */
  constructor(count: number, shown: NonNullable<BulkWriteOptions['shown']>) {
    this.#count = count;
    this.#shown = shown;
  }

  /** Whether a write failed. */
  get failed(): boolean {
    return this.#result.writeErrors.length > 0;
  }

  /** The reply to the batch of the group that begins at the place `first`. */
  merge(group: Group, first: number, reply: Document, operation: Failed): void {
    const { kind } = group;
    const result = this.#result;
    if (kind === 'insert') result.nInserted += reply.n;
    else if (kind === 'delete') result.nRemoved += reply.n;
    else this.#mergeUpdate(group, first, reply);

    for (const error of (reply.writeErrors ?? []) as Document[]) {
      const place: number = first + error.index;
      const index = group.index(place);
      this.#first ??= writeFailureOf({ ...error, index }, operation);
      result.writeErrors.push({ ...told(error, index), op: this.#shown(group.given(place), kind) });
    }
    if (reply.writeConcernError !== undefined) result.writeConcernErrors.push(reply.writeConcernError);
    for (const label of (reply.errorLabels ?? []) as string[]) this.#labels.add(label);
  }

  #mergeUpdate(group: Group, first: number, reply: Document): void {
    const result = this.#result;
    const upserted = (reply.upserted ?? []) as { index: number; _id: unknown }[];
    for (const { index, _id } of upserted) result.upserted.push({ index: group.index(first + index), _id });
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
    return bulkMessage({ writeErrors, writeConcernErrors, first: this.#first, count: this.#count });
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

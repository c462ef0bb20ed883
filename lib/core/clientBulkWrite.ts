import type { Document } from 'bson';
import type { Address } from './address';
import { bulkMessage } from './bulkWrite';
import { Cursor } from './cursor';
import type { Engine } from './engine';
import { BSONError, InvalidOperation, PyMongoError } from './errors';
import { writeFailureOf } from './failure';
import { OpsBuilder } from './opsSequence';
import { Statements } from './sequence';
import { sizeOf } from './sizes';
import type { WriteKind } from './writeBatches';
import type { WriteConcern } from './writeConcern';

/** One write of a bulk over several namespaces; see `Writes.add`. */
export interface ClientWrite {
  readonly kind: WriteKind;
  readonly statement: Document;
  readonly sent: Document;
  readonly idLast: boolean;
  /** `database.collection` */
  readonly namespace: string;
}

export interface ClientBulkWriteOptions {
  readonly ordered: boolean;
  /** Whether the server tells of each write that was done, too. */
  readonly verbose: boolean;
  readonly writeConcern: WriteConcern;
  /** Further fields of each command: `let`, `comment`, `bypassDocumentValidation`. */
  readonly extra?: Document;
}

/** What is known of a bulk. All indexes count in the order in which the writes were given. */
export interface ClientBulkOutcome {
  /** Documents that were inserted; by upserts; that updates found; that these changed; that were removed. */
  nInserted: number;
  nUpserted: number;
  nMatched: number;
  nModified: number;
  nDeleted: number;
  /** What the server tells of each write that was done, by its index; empty unless that was asked for. */
  results: Map<number, Document>;
  /** As the server gives them, by `idx`, each with the write as `op`. */
  writeErrors: Document[];
  /** As the server gives them. */
  writeConcernErrors: Document[];
  /** Whether a write is known to have been done. */
  anySuccessful: boolean;
  /** What ended the bulk as a whole. */
  error: Error | null;
}

/** What went wrong in a bulk, for the error that is thrown. */
export interface ClientBulkFailure {
  readonly message: string;
  readonly cause: Error | undefined;
  readonly errorLabels: readonly string[];
}

/** Wire version of MongoDB 8.0, the first with the command. */
const KNOWS_BULK_WRITE = 25;

/** What a message holds besides the command, the operations and the namespaces. */
const MESSAGE_OVERHEAD = 1000;

/** Where the server keeps the results until they are read. */
const RESULTS = { database: 'admin', collection: '$cmd.bulkWrite' };

/**
 * Run writes over any number of namespaces in as few commands as the server's limits allow. Ordered: up to the first
 * that fails.
 * @returns what became of it; `null` with `w: 0`: nothing is known
 * @throws InvalidOperation: the server is older than MongoDB 8.0
 * @throws DocumentTooLarge, InvalidDocument: before anything was sent; later it is the `error` of the outcome
 * @throws AutoReconnect: no server was found; with `w: 0` whatever goes wrong
 * @see Specification "bulk write"
 */
export async function clientBulkWrite(
  engine: Engine,
  writes: readonly ClientWrite[],
  { ordered, verbose, writeConcern, extra = {} }: ClientBulkWriteOptions,
): Promise<{ outcome: ClientBulkOutcome; failure: ClientBulkFailure | null } | null> {
  const { description } = engine.server ?? (await engine.connect());
  if (description.maxWireVersion < KNOWS_BULK_WRITE) {
    throw new InvalidOperation(
      `the bulkWrite of a client needs MongoDB 8.0 (wire version ${KNOWS_BULK_WRITE}), ${description.address} has wire ` +
        `version ${description.maxWireVersion}: use the bulk writes of the collections`,
    );
  }
  const { toSend, acknowledged } = writeConcern;
  const command: Document = { bulkWrite: 1, errorsOnly: !verbose, ordered };
  if (toSend !== null) command.writeConcern = toSend;
  Object.assign(command, extra);
  const room = description.maxMessageSize - MESSAGE_OVERHEAD - sizeOf(command);
  command.$db = 'admin';

  const statements = new Statements(writes.length);
  for (const write of writes) statements.push(opOf(write), write.idLast);
  const namespaces = writes.map(({ namespace }) => namespace);
  const nameOf = (n: number) => `bulkWrite: operation ${n + 1} of ${writes.length} (${pictureOf(writes, n)})`;
  const ops = new OpsBuilder(namespaces, nameOf, description, room);
  const merger = new Merger(writes, ordered);
  let first = 0;

  const send = async (): Promise<boolean> => {
    const batch = ops.take();
    const place = first;
    first += batch.count;
    const results = await engine.run(
      // A command is not to be changed, and is in the hands of listeners, once it was sent.
      { ...command },
      (reply, operation) => {
        if (!acknowledged) return null;
        merger.mergeCounts(reply, batch.count);
        merger.address = operation.address;
        return Cursor.opened(engine, reply, engine.serverAt(operation.address), RESULTS, {
          session: operation.keepSession(),
          comment: extra.comment,
          killFailed: true,
        });
      },
      {
        sequence: batch,
        acknowledged,
        retryableWrite: engine.retriesWrites && statements.areSingle(place, batch.count),
      },
    );
    if (results === null) return true;
    ops.reuse(batch);
    while (await results.fetch()) {
      for (let result = results.next(); result !== null; result = results.next()) merger.merge(result, place);
    }
    return !ordered || !merger.failed;
  };

  try {
    if ((await ops.addAll(statements, send)) && ops.count > 0) await send();
  } catch (error) {
    if (!acknowledged || (error instanceof BSONError && !merger.begun)) throw error;
    merger.outcome.error = error as Error;
  }
  return acknowledged ? merger.finish() : null;
}

/** The operation as the command has it; the number of its namespace is put in when it is encoded. */
function opOf({ kind, sent }: Pick<ClientWrite, 'kind' | 'sent'>, namespace: number | string = 0): Document {
  if (kind === 'insert') return { insert: namespace, document: sent };
  const { q, u, limit, multi = limit === 0, ...wishes } = sent;
  if (kind === 'delete') return { delete: namespace, filter: q, multi, ...wishes };
  return { update: namespace, filter: q, updateMods: u, multi, ...wishes };
}

/** `insert on shop.orders` */
function pictureOf(writes: readonly ClientWrite[], index: number): string {
  const { kind, namespace } = writes[index] as ClientWrite;
  return `${kind} on ${namespace}`;
}

/** Makes one outcome of the replies to all batches, and of the results that are read behind them. */
class Merger {
  readonly outcome: ClientBulkOutcome = {
    nInserted: 0,
    nUpserted: 0,
    nMatched: 0,
    nModified: 0,
    nDeleted: 0,
    results: new Map(),
    writeErrors: [],
    writeConcernErrors: [],
    anySuccessful: false,
    error: null,
  };
  /** Whether there was a reply. */
  begun = false;
  /** Of the server that gave the last one. */
  address: Address | null = null;
  readonly #writes: readonly ClientWrite[];
  readonly #ordered: boolean;
  readonly #labels = new Set<string>();
  /** The error that the first failure alone would have been. */
  #first: Error | null = null;

  constructor(writes: readonly ClientWrite[], ordered: boolean) {
    this.#writes = writes;
    this.#ordered = ordered;
  }

  /** Whether a write failed. */
  get failed(): boolean {
    return this.outcome.writeErrors.length > 0;
  }

  /** The reply to a batch of so many writes. */
  mergeCounts(reply: Document, count: number): void {
    const { outcome } = this;
    this.begun = true;
    for (const name of ['nInserted', 'nUpserted', 'nMatched', 'nModified', 'nDeleted'] as const) {
      outcome[name] += reply[name] ?? 0;
    }
    // Ordered, what stood before the failure was done; that is told by the failure itself.
    if (reply.nErrors === 0 || (!this.#ordered && reply.nErrors < count)) outcome.anySuccessful = true;
    if (reply.writeConcernError !== undefined) outcome.writeConcernErrors.push(reply.writeConcernError);
    for (const label of (reply.errorLabels ?? []) as string[]) this.#labels.add(label);
  }

  /** What the server tells of one write of the batch that begins with the write `first`. */
  merge(result: Document, first: number): void {
    const { outcome } = this;
    const idx: number = first + result.idx;
    const told: Document = { ...result, idx };
    if (result.ok === 1) {
      outcome.anySuccessful = true;
      outcome.results.set(idx, told);
      return;
    }
    if (this.#ordered && result.idx > 0) outcome.anySuccessful = true;
    const { kind, statement, namespace } = this.#writes[idx] as ClientWrite;
    const operation = { name: 'bulkWrite', description: pictureOf(this.#writes, idx), address: this.address };
    this.#first ??= writeFailureOf(told, operation);
    outcome.writeErrors.push({ ...told, op: opOf({ kind, sent: statement }, namespace) });
  }

  finish(): { outcome: ClientBulkOutcome; failure: ClientBulkFailure | null } {
    const { outcome } = this;
    const { writeErrors, writeConcernErrors, error } = outcome;
    writeErrors.sort((one, other) => one.idx - other.idx);
    if (error === null && writeErrors.length === 0 && writeConcernErrors.length === 0)
      return { outcome, failure: null };
    if (error instanceof PyMongoError) for (const label of error.error_labels) this.#labels.add(label);
    const count = this.#writes.length;
    const message = bulkMessage({ writeErrors, writeConcernErrors, first: this.#first, count, broken: error });
    return { outcome, failure: { message, cause: error ?? this.#first ?? undefined, errorLabels: [...this.#labels] } };
  }
}

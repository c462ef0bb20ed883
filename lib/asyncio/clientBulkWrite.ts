import { type ClientBulkOutcome, type ClientWrite, clientBulkWrite } from '../core/clientBulkWrite';
import { field } from '../core/documents';
import type { Engine } from '../core/engine';
import { ClientBulkWriteException, InvalidOperation, ValueError } from '../core/errors';
import { bool, type Given, keywords, unchecked } from '../motor/keywords';
import { checkCollectionName, checkDatabaseName } from '../motor/names';
import { type BulkOperation, TARGET } from './operations';
import { ClientBulkWriteResult, DeleteResult, InsertOneResult, UpdateResult, type VerboseResults } from './results';
import { COMMON, encodedBy, type GivenWriteConcern, more, type Settings, withOptions } from './settings';
import { SENT } from './writeConcern';
import { addWrites, BYPASS, LET } from './writes';

const BULK_WRITE = keywords({
  ordered: [true, bool],
  verbose_results: [false, bool],
  ...BYPASS,
  ...LET,
  write_concern: [null, unchecked<GivenWriteConcern | null>()],
  ...COMMON,
});
export type ClientBulkWriteKw = Given<typeof BULK_WRITE>;

/** The `bulk_write` of a client. */
export async function bulkWriteOf(
  engine: Engine,
  settings: Settings,
  models: readonly BulkOperation[],
  kw: ClientBulkWriteKw | undefined,
): Promise<ClientBulkWriteResult> {
  const options = BULK_WRITE.read('bulk_write', kw);
  const { ordered, verbose_results: verbose, write_concern } = options;
  const writeConcern = withOptions('bulk_write', settings, { write_concern }).writeConcern[SENT];
  const { acknowledged } = writeConcern;
  if (!acknowledged && (verbose || ordered)) {
    throw new InvalidOperation(
      `bulk_write: Cannot request unacknowledged write concern and ${verbose ? 'verbose results' : 'ordered writes'}`,
    );
  }
  const checked = new Set<string>();
  const writes: ClientWrite[] = [];
  addWrites('models', settings, acknowledged, models, (kind, statement, sent, idLast, operation) => {
    writes.push({ kind, statement, sent, idLast, namespace: namespaceOf(operation, checked) });
  });
  const extra = more(options);
  if (options.bypass_document_validation !== undefined) {
    extra.bypassDocumentValidation = options.bypass_document_validation;
  }
  if (options.let !== undefined) extra.let = encodedBy(settings, options.let);
  const done = await clientBulkWrite(engine, writes, { ordered, verbose, writeConcern, extra });
  if (done === null) return new ClientBulkWriteResult(null, null);
  const { outcome, failure } = done;
  if (failure === null) return resultOf(outcome, writes, verbose);
  const partialResult = outcome.anySuccessful ? resultOf(outcome, writes, verbose) : null;
  throw new ClientBulkWriteException(failure.message, outcome, partialResult, failure);
}

/**
 * Where the operation writes.
 * @param checked those that are known to be right
 */
function namespaceOf(operation: BulkOperation, checked: Set<string>): string {
  const namespace = operation[TARGET] ?? '';
  if (checked.has(namespace)) return namespace;
  const { name } = operation.constructor;
  if (namespace === '') {
    throw new InvalidOperation(`bulk_write: this ${name} has no namespace; new ${name}(..., { namespace: 'db.coll' })`);
  }
  const dot = namespace.indexOf('.');
  if (dot < 0) throw new ValueError(`bulk_write: the namespace of this ${name} must be 'db.coll', it has no '.'`);
  checkDatabaseName(namespace.slice(0, dot));
  checkCollectionName(namespace.slice(dot + 1));
  checked.add(namespace);
  return namespace;
}

function resultOf(outcome: ClientBulkOutcome, writes: readonly ClientWrite[], verbose: boolean): ClientBulkWriteResult {
  if (!verbose) return new ClientBulkWriteResult(outcome, null);
  const results: VerboseResults = { insert: new Map(), update: new Map(), delete: new Map() };
  for (const [index, raw] of outcome.results) {
    const { kind, statement } = writes[index] as ClientWrite;
    if (kind === 'insert') results.insert.set(index, new InsertOneResult(field(statement, '_id'), true));
    else if (kind === 'update') results.update.set(index, new UpdateResult(raw, true));
    else results.delete.set(index, new DeleteResult(raw));
  }
  return new ClientBulkWriteResult(outcome, results);
}

/** What the methods that write documents have in common. */

import type { Document } from 'bson';
import { addId } from '../core/documents';
import { ConfigurationError, InvalidOperation } from '../core/errors';
import { insertable, sendable } from '../core/uuids';
import type { WriteKind } from '../core/writeBatches';
import { bool, document, picture } from '../motor/keywords';
import { uuidName } from './codecOptions';
import { BulkOperation, KIND, STATEMENT } from './operations';
import type { Settings } from './settings';

/** Whether the server leaves out the collection's validation; sent when given. */
export const BYPASS = { bypass_document_validation: [undefined, bool] } as const;
/** Variables that the command may use. */
export const LET = { let: [undefined, document] } as const;

/** What an unacknowledged write cannot have. */
export function checkAcknowledged(method: string, acknowledged: boolean, options: object): void {
  if (acknowledged) return;
  for (const [name, value] of Object.entries(options)) {
    if (!['collation', 'array_filters', 'arrayFilters'].includes(name) || (value ?? null) === null) continue;
    throw new ConfigurationError(`${method}: ${name} needs an acknowledged write, not w: 0`);
  }
}

/**
 * Take apart the operations of a `bulk_write`.
 * @param argument its name
 * @param add takes what is to be written: see `Writes.add`
 * @throws TypeError: no list of operations; InvalidOperation: an empty one; and what the operations refuse
 */
export function addWrites(
  argument: string,
  { codecOptions }: Settings,
  acknowledged: boolean,
  given: unknown,
  add: (kind: WriteKind, statement: Document, sent: Document, idLast: boolean, operation: BulkOperation) => void,
): void {
  if (!Array.isArray(given)) {
    throw new TypeError(`bulk_write: ${argument} must be a list of operations, not ${picture(given)}`);
  }
  const uuids = uuidName(codecOptions);
  for (const operation of given as unknown[]) {
    if (!(operation instanceof BulkOperation)) {
      throw new TypeError(`bulk_write: ${argument} are InsertOne, UpdateOne, ..., not ${picture(operation)}`);
    }
    const kind = operation[KIND];
    const statement = operation[STATEMENT]();
    if (kind === 'insert') {
      const idLast = addId(statement);
      add(kind, statement, insertable(statement, uuids), idLast, operation);
    } else {
      checkAcknowledged('bulk_write', acknowledged, statement);
      add(kind, statement, sendable(statement, uuids), false, operation);
    }
  }
  if (given.length === 0) throw new InvalidOperation('bulk_write: there is nothing to do');
}

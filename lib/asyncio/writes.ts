/** What the methods that write documents have in common. */

import type { Document } from 'bson';
import type { Write } from '../core/bulkWrite';
import { addId } from '../core/documents';
import { ConfigurationError, InvalidOperation } from '../core/errors';
import { insertable } from '../core/uuids';
import { bool, document, picture } from '../motor/keywords';
import { uuidName } from './codecOptions';
import { BulkOperation, STATEMENT } from './operations';
import { encodedBy, type Settings } from './settings';

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

/** A document among several; a missing `_id` is put into it. */
export function insertOf({ codecOptions }: Settings, document: Document): Required<Write> {
  const idLast = addId(document);
  return { kind: 'insert', statement: document, sent: insertable(document, uuidName(codecOptions)), idLast };
}

/**
 * What is to be written by the operations of a `bulk_write`.
 * @param argument its name
 * @throws TypeError: no list of operations; InvalidOperation: an empty one; and what the operations refuse
 */
export function writesOf<W extends Write>(
  argument: string,
  settings: Settings,
  acknowledged: boolean,
  given: unknown,
  finish: (write: Write, operation: BulkOperation) => W,
): W[] {
  if (!Array.isArray(given)) {
    throw new TypeError(`bulk_write: ${argument} must be a list of operations, not ${picture(given)}`);
  }
  const writes = given.map((operation: unknown): W => {
    if (!(operation instanceof BulkOperation)) {
      throw new TypeError(`bulk_write: ${argument} are InsertOne, UpdateOne, ..., not ${picture(operation)}`);
    }
    const { kind, statement } = operation[STATEMENT]();
    if (kind === 'insert') return finish(insertOf(settings, statement), operation);
    checkAcknowledged('bulk_write', acknowledged, statement);
    return finish({ kind, statement, sent: encodedBy(settings, statement) }, operation);
  });
  if (writes.length === 0) throw new InvalidOperation('bulk_write: there is nothing to do');
  return writes;
}

/** The keywords of `find` and `find_one`, and what they become in a `find` command. */

import type { Document } from 'bson';
import type { Pairs } from '../../typings/documents';
import type { Namespace } from '../core/commands';
import { entries, field, isDocument } from '../core/documents';
import type { Engine } from '../core/engine';
import { InvalidOperation, ValueError } from '../core/errors';
import { pairsOf } from '../motor/arguments';
import type { Query } from '../motor/find';
import { checkExhaust, queryCommand, unwrapped } from '../motor/find';
import {
  bool,
  chooseFieldsWith,
  document,
  type Given,
  integer,
  keywords,
  type Options,
  orNull,
  unchecked,
  whole,
} from '../motor/keywords';
import { foldWhere } from '../motor/scopeFolding';
import { type Hint, hintOf, projection, projectionOf, type Sort, sortOf } from './arguments';
import { type Collation, collationOf } from './collation';
import { CursorType } from './constants';
import { COMMON } from './settings';

/** Bounds of an index: pairs, or a document. */
export type Bounds = Pairs | Document;

export const FIND = keywords(
  {
    projection: [null, orNull(projection)],
    skip: [0, whole],
    limit: [0, integer],
    no_cursor_timeout: [false, bool],
    cursor_type: [CursorType.NON_TAILABLE, integer],
    sort: [null, unchecked<Sort | null>()],
    allow_partial_results: [false, bool],
    oplog_replay: [false, bool],
    batch_size: [0, whole],
    collation: [null, unchecked<Collation | Document | null>()],
    hint: [null, unchecked<Hint | null>()],
    max_scan: [null, orNull(whole)],
    max_time_ms: [null, orNull(whole)],
    max: [null, unchecked<Bounds | null>()],
    min: [null, unchecked<Bounds | null>()],
    return_key: [false, bool],
    show_record_id: [false, bool],
    snapshot: [false, bool],
    allow_disk_use: [undefined, bool],
    let: [undefined, document],
    ...COMMON,
  },
  { hint: chooseFieldsWith('projection'), refused: [] },
);
export type FindKw = Given<typeof FIND>;
export type FindOptions = Options<typeof FIND>;

/** Nothing was given. */
const NO_FIND_OPTIONS = FIND.read('find', undefined);

/**
 * What goes into a `find` command; what was not asked for stays away.
 * @throws TypeError, ValueError: a value of a wrong kind
 * @throws InvalidOperation: an exhaust cursor with a limit
 */
export function findSettings(method: string, filter: Document, options: FindOptions): Query {
  const settings = unwrapped(filter);
  if (options === NO_FIND_OPTIONS) return settings;
  const { cursor_type } = options;
  if (!(Object.values(CursorType) as number[]).includes(cursor_type)) {
    throw new ValueError(`${method}: cursor_type must be a value of CursorType, not ${cursor_type}`);
  }
  checkExhaust(isExhaust(options), options.limit);
  if (options.projection !== null) settings.projection = projectionOf(options.projection);
  if (options.sort !== null) settings.sort = sortOf(method, 'sort', options.sort);
  if (options.skip !== 0) settings.skip = options.skip;
  if (options.limit !== 0) settings.limit = options.limit;
  if (options.batch_size !== 0) settings.batchSize = options.batch_size;
  const hint = hintOf(method, options.hint);
  if (hint !== undefined) settings.hint = hint;
  const collation = collationOf(method, options.collation);
  if (collation !== undefined) settings.collation = collation;
  if (options.min !== null) settings.min = boundsOf(method, 'min', options.min);
  if (options.max !== null) settings.max = boundsOf(method, 'max', options.max);
  if (options.max_time_ms !== null) settings.maxTimeMS = options.max_time_ms;
  if (options.comment !== undefined) settings.comment = options.comment;
  if ((cursor_type & CursorType.TAILABLE) !== 0) settings.tailable = true;
  if (cursor_type === CursorType.TAILABLE_AWAIT) settings.awaitData = true;
  if (options.no_cursor_timeout) {
    process.emitWarning(`${method}: with no_cursor_timeout the server may still end the cursor after 30 minutes`);
    settings.noCursorTimeout = true;
  }
  if (options.allow_partial_results) settings.allowPartialResults = true;
  if (options.oplog_replay) settings.oplogReplay = true;
  if (options.return_key) settings.returnKey = true;
  if (options.show_record_id) settings.showRecordId = true;
  if (options.allow_disk_use !== undefined) settings.allowDiskUse = options.allow_disk_use;
  if (options.let !== undefined) settings.let = options.let as Document;
  if (options.snapshot) settings.snapshot = true;
  if (options.max_scan !== null) settings.extra = { ...settings.extra, maxScan: options.max_scan };
  return settings;
}

/** The query of `find_one`; null: there is nothing but a filter, as nearly always. */
export function findOneQuery(filter: Document, options: FindOptions): Query | null {
  if (options === NO_FIND_OPTIONS && field(filter, '$query') === undefined) return null;
  const query = findSettings('find_one', filter, options);
  query.filter = foldWhere(query.filter);
  query.limit = -1;
  delete query.batchSize;
  return query;
}

export function isExhaust(options: FindOptions): boolean {
  return options.cursor_type === CursorType.EXHAUST;
}

/** Keys with values, in order. */
export function boundsOf(method: string, name: string, given: unknown): Map<string, unknown> {
  if (isDocument(given)) return new Map(entries(given));
  return pairsOf(method, name, given);
}

/**
 * The command of a query; all that the engine has to do with it is to be done.
 * @throws InvalidOperation: bounds without `hint`; OperationFailure: `snapshot` together with a sort or a hint
 */
export function commandOf(
  engine: Engine,
  namespace: Namespace,
  query: Query,
  finish: (command: Document) => Document,
): Document {
  checkBounds(query);
  return queryCommand(engine, namespace, query, finish);
}

/** @throws InvalidOperation: the server would refuse bounds without the index that they are of */
function checkBounds(settings: Query): void {
  if ((settings.min ?? settings.max) !== undefined && settings.hint === undefined) {
    throw new InvalidOperation('min and max need hint: the index whose bounds they are');
  }
}

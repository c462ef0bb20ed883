/** Command documents. Pure functions: what they are given has been checked. */

import type { Document, Long } from 'bson';

/** Where a command goes to. */
export interface Namespace {
  readonly database: string;
  readonly collection: string;
}

/** The settings of a query, by their names in the `find` command; what is absent is not sent. */
export interface FindSettings {
  filter: Document;
  projection?: Document;
  sort?: Document;
  skip?: number;
  /** Most documents in all; 0: no limit; negative: at most that many, in one batch. */
  limit?: number;
  /** Documents in a batch; 0: the server's choice. */
  batchSize?: number;
  hint?: Document | string;
  comment?: unknown;
  maxTimeMS?: number;
  tailable?: boolean;
  awaitData?: boolean;
  noCursorTimeout?: boolean;
  allowPartialResults?: boolean;
  min?: Document;
  max?: Document;
  collation?: Document;
  allowDiskUse?: boolean;
  returnKey?: boolean;
  showRecordId?: boolean;
  oplogReplay?: boolean;
  let?: Document;
  /** Further fields, as they are. */
  extra?: Document;
}

/**
 * @see Specification "find, getMore and killCursors commands"
 */
export function findCommand(namespace: Namespace, settings: FindSettings): Document {
  const { limit = 0, batchSize = 0, extra, ...sent } = settings;
  const command: Document = { find: namespace.collection, ...sent };
  if (limit !== 0) command.limit = Math.abs(limit);
  if (limit < 0) command.singleBatch = true;
  if (batchSize !== 0) command.batchSize = wantedBatch(batchSize, limit);
  if (extra !== undefined) Object.assign(command, extra);
  command.$db = namespace.database;
  return command;
}

/** The `find` that brings one document; the server closes the cursor by itself. */
export function findOneCommand(namespace: Namespace, filter: Document): Document {
  return { find: namespace.collection, filter, limit: 1, singleBatch: true, $db: namespace.database };
}

/** A batch that ends with the limit would leave the cursor open: one more, and the server sees that it is done. */
function wantedBatch(batchSize: number, limit: number): number {
  return limit > 0 && batchSize >= limit ? limit + 1 : batchSize;
}

export function getMoreCommand(namespace: Namespace, id: Long, batchSize: number): Document {
  const command: Document = { getMore: id, collection: namespace.collection };
  if (batchSize > 0) command.batchSize = batchSize;
  command.$db = namespace.database;
  return command;
}

export function killCursorsCommand(namespace: Namespace, ids: readonly Long[]): Document {
  return { killCursors: namespace.collection, cursors: ids, $db: namespace.database };
}

export function insertCommand(namespace: Namespace, documents: readonly Document[]): Document {
  return { insert: namespace.collection, documents, ordered: true, $db: namespace.database };
}

/** One statement of an `update` command. */
export interface UpdateStatement {
  q: Document;
  u: Document | readonly Document[];
  upsert?: boolean;
  multi?: boolean;
  [more: string]: unknown;
}

export function updateCommand(namespace: Namespace, updates: readonly UpdateStatement[]): Document {
  return { update: namespace.collection, updates, ordered: true, $db: namespace.database };
}

/** One statement of a `delete` command; `limit` 0: all that match, 1: the first. */
export interface DeleteStatement {
  q: Document;
  limit: 0 | 1;
  [more: string]: unknown;
}

export function deleteCommand(namespace: Namespace, deletes: readonly DeleteStatement[]): Document {
  return { delete: namespace.collection, deletes, ordered: true, $db: namespace.database };
}

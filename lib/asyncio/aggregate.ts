/** Aggregations of a collection or a database, which are sent when their cursor is first read. */

import type { Document } from 'bson';
import type { Namespace } from '../core/commands';
import { Cursor } from '../core/cursor';
import type { Engine, RunOptions } from '../core/engine';
import { ConfigurationError } from '../core/errors';
import { forOutput } from '../core/readPreference';
import { isWriting } from '../motor/arguments';
import { bool, document, type Given, keywords, orNull, unchecked, whole } from '../motor/keywords';
import { type Hint, hintOf, pipelineOf } from './arguments';
import { type Collation, collationOf } from './collation';
import type { AsyncIOMotorCollection } from './collection';
import { AsyncIOMotorLatentCommandCursor } from './commandCursor';
import { COMMON, encodedBy, readRun, type Settings, withReadConcern } from './settings';
import { SENT } from './writeConcern';

export const AGGREGATE = keywords(
  {
    let: [undefined, document],
    batchSize: [undefined, whole],
    allowDiskUse: [undefined, bool],
    maxTimeMS: [undefined, orNull(whole)],
    bypassDocumentValidation: [undefined, bool],
    collation: [null, unchecked<Collation | Document | null>()],
    hint: [null, unchecked<Hint | null>()],
    cursor: [null, orNull(document)],
    ...COMMON,
  },
  { rest: true },
);
export type AggregateKw = Given<typeof AGGREGATE>;

/**
 * @param target the name of the collection, or 1: the database
 * @param owner what the cursor is over
 */
export function aggregateCursor(
  engine: Engine,
  namespace: Namespace,
  target: string | 1,
  owner: AsyncIOMotorCollection,
  settings: Settings,
  pipeline: unknown,
  kw: AggregateKw | undefined,
): AsyncIOMotorLatentCommandCursor {
  const options = AGGREGATE.read('aggregate', kw);
  const stages = pipelineOf('aggregate', pipeline);
  if (options.server.explain !== undefined) {
    throw new ConfigurationError(
      "aggregate: explain gives no cursor; send db.command('explain', { aggregate, pipeline, cursor: {} })",
    );
  }
  const writes = isWriting(stages);
  const { batchSize: inCursor, ...cursor } = (options.cursor ?? {}) as Document;
  const command: Document = { aggregate: target, pipeline: stages, cursor };
  const collation = collationOf('aggregate', options.collation);
  const hint = hintOf('aggregate', options.hint);
  if (options.let !== undefined) command.let = options.let;
  if (options.allowDiskUse !== undefined) command.allowDiskUse = options.allowDiskUse;
  if (options.maxTimeMS !== undefined && options.maxTimeMS !== null) command.maxTimeMS = options.maxTimeMS;
  if (options.bypassDocumentValidation !== undefined) {
    command.bypassDocumentValidation = options.bypassDocumentValidation;
  }
  if (collation !== undefined) command.collation = collation;
  if (hint !== undefined) command.hint = hint;
  if (options.comment !== undefined) command.comment = options.comment;
  Object.assign(command, options.server);
  withReadConcern(command, settings);
  const run: RunOptions = { ...readRun(settings) };
  if (writes) {
    delete run.retryable; // it would write a second time
    if (run.readPreference !== undefined) run.readPreference = forOutput(run.readPreference);
    const { toSend } = settings.writeConcern[SENT];
    if (toSend !== null) command.writeConcern = toSend;
  }
  command.$db = namespace.database;
  const sent = encodedBy(settings, command);
  const make = (size: number): Cursor => {
    // A stage that writes gives no documents, and some servers refuse a batch size beside it.
    const opening = size === 0 || writes ? sent : { ...sent, cursor: { ...cursor, batchSize: size } };
    return new Cursor(engine, opening, namespace, { run, batchSize: size, comment: options.comment });
  };
  const size = options.batchSize ?? (typeof inCursor === 'number' ? inCursor : 0);
  return new AsyncIOMotorLatentCommandCursor(owner, make, size) as AsyncIOMotorLatentCommandCursor;
}

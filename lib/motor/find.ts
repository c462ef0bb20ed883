/** The keywords of `find` and `find_one`, and what they become in a `find` command. */

import type { Document } from 'bson';
import type { Mode } from '../../typings/documents';
import { type FindSettings, findCommand, type Namespace } from '../core/commands';
import type { MakeCommand } from '../core/cursor';
import { entries, field } from '../core/documents';
import type { Engine } from '../core/engine';
import { InvalidOperation, OperationFailure } from '../core/errors';
import type { OperationOptions } from '../core/operation';
import type { TagSet } from '../core/readPreference';
import type { SON } from '../core/son';
import type { UuidReading } from '../core/uuids';
import { directionsOf, projectionOf } from './arguments';
import { listIndexes } from './copying';
import {
  bool,
  chooseFieldsWith,
  fieldSpec,
  fn,
  type Given,
  integer,
  keywords,
  type Options,
  orNull,
  pairs,
  positiveNumber,
  unchecked,
  whole,
} from './keywords';
import { foldWhere } from './scopeFolding';

/** How one read is routed; what is absent is inherited. Checked where it is used. */
export const READ_KEYWORDS = {
  read_preference: [undefined, unchecked<Mode>()],
  tag_sets: [undefined, unchecked<readonly TagSet[]>()],
  secondary_acceptable_latency_ms: [undefined, unchecked<number>()],
} as const;

const FIND_KEYWORDS = {
  fields: [null, orNull(fieldSpec)],
  skip: [0, whole],
  limit: [0, integer],
  timeout: [true, bool],
  snapshot: [false, bool],
  tailable: [false, bool],
  await_data: [false, bool],
  partial: [false, bool],
  exhaust: [false, bool],
  sort: [null, orNull(pairs)],
  max_scan: [null, orNull(whole)],
  as_class: [null, orNull(fn)],
  manipulate: [true, bool],
  compile_re: [true, bool],
  network_timeout: [undefined, orNull(positiveNumber)], // seconds
  ...READ_KEYWORDS,
} as const;

/** Settings that are methods of the cursor, but no keywords of `find`. */
const CURSOR_METHODS = new Set(['max_time_ms', 'hint', 'batch_size', 'comment', 'min', 'max', 'where']);

const fields = chooseFieldsWith('fields');

export const FIND = keywords(FIND_KEYWORDS, {
  hint: (name) => (CURSOR_METHODS.has(name) ? `write find(...).${name}(...)` : fields(name)),
});
export type FindKw = Given<typeof FIND>;
export type FindOptions = Options<typeof FIND>;

export const FIND_ONE = keywords(
  { ...FIND_KEYWORDS, max_time_ms: [null, orNull(whole)] }, // milliseconds
  { hint: fields },
);
export type FindOneKw = Given<typeof FIND_ONE>;

/** Nothing was given: the defaults of `find_one` are one object. */
const NOTHING_GIVEN = FIND_ONE.read('find_one', undefined);

/** A query as the surface has it. */
export interface Query extends FindSettings {
  /** Each document once, whatever happens meanwhile. */
  snapshot?: true;
  /** The plan is the one result. */
  explain?: true;
}

/** The query of `find_one`; null: there is nothing but a filter, as nearly always. */
export function findOneQuery(filter: Document, options: Options<typeof FIND_ONE>): Query | null {
  if (options === NOTHING_GIVEN && field(filter, '$query') === undefined) return null;
  const query = findSettings(filter, options);
  query.filter = foldWhere(query.filter);
  if (options.max_time_ms !== null) query.maxTimeMS = options.max_time_ms;
  query.limit = -1;
  return query;
}

/**
 * The command of a query, or, where the server has to be asked for its indexes first, what makes it.
 * @param finish what remains to be done about a command before it is sent
 * @throws OperationFailure: `snapshot` together with a sort or a hint, in the words of old servers
 */
export function queryCommand(
  engine: Engine,
  namespace: Namespace,
  { explain, ...query }: Query,
  finish: (command: Document) => Document,
): Document | MakeCommand {
  const settings = withoutSnapshot(namespace, query);
  const finished = (): Document => {
    const command = findCommand(namespace, settings);
    return finish(explain === true ? explainCommand(command) : command);
  };
  const bounds = settings.min ?? settings.max;
  if (bounds === undefined || settings.hint !== undefined) return finished();
  return async () => {
    const index = await indexOver(engine, namespace, bounds);
    if (index !== null) settings.hint = index;
    return finished();
  };
}

/**
 * The settings of a query, with the hint that keeps the promise of `snapshot`, which servers no longer know.
 * @throws OperationFailure: `snapshot` together with a sort or a hint, in the words of old servers
 */
function withoutSnapshot({ database, collection }: Namespace, query: Query): FindSettings {
  const { snapshot, ...settings } = query;
  if (snapshot !== true) return settings;
  const { sort, hint } = settings;
  const [rival, code] = sort !== undefined ? ['sort', 12001] : hint !== undefined ? ['hint', 12002] : [];
  if (rival === undefined || code === undefined) return { ...settings, hint: { _id: 1 } };
  throw new OperationFailure(
    `a ${rival} cannot be combined with snapshot (find on ${database}.${collection}, code ${code})`,
    { code },
  );
}

function explainCommand({ $db, ...find }: Document): Document {
  return { explain: find, verbosity: 'allPlansExecution', $db };
}

/** The reply of `explain` as the first batch of a cursor that has nothing else. */
export function planAsResult(reply: Document): Document {
  return { cursor: { id: 0, ns: '.', firstBatch: [reply] } };
}

/** Servers since 4.2 want to be told the index that `min` and `max` are bounds of: one over just these fields. */
async function indexOver(engine: Engine, namespace: Namespace, bounds: Document): Promise<Document | null> {
  const names = entries(bounds).map(([name]) => name);
  const keys = (await listIndexes({ engine, namespace })).map((index) => index.get('key') as SON);
  return keys.find((key) => key.size === names.length && [...key.keys()].every((name, i) => name === names[i])) ?? null;
}

/** What goes into a `find` command; what was not asked for stays away. */
export function findSettings(spec: Document, options: FindOptions): Query {
  const settings: Query = unwrapped(spec);
  if (options.fields !== null) settings.projection = projectionOf(options.fields);
  if (options.sort !== null && options.sort.length > 0) settings.sort = directionsOf('find', 'sort', options.sort);
  if (options.skip !== 0) settings.skip = options.skip;
  if (options.limit !== 0) settings.limit = options.limit;
  if (options.tailable) settings.tailable = true;
  // Servers know it only together with tailable.
  if (options.tailable && options.await_data) settings.awaitData = true;
  if (!options.timeout) settings.noCursorTimeout = true;
  if (options.partial) settings.allowPartialResults = true;
  if (options.snapshot) settings.snapshot = true;
  if (options.max_scan !== null) settings.extra = { ...settings.extra, maxScan: options.max_scan };
  return settings;
}

/** How the commands of this query are run. */
export function findRunOptions(
  options: FindOptions,
  documentClass: unknown,
  uuids: UuidReading | null,
): OperationOptions {
  const { network_timeout, compile_re } = options;
  const run: OperationOptions = { uuids };
  if (network_timeout !== undefined && !options.exhaust) {
    run.socketTimeout = network_timeout === null ? null : network_timeout * 1000;
  }
  if (!compile_re) run.decoding = { bsonRegExp: true };
  const asClass = (options.as_class ?? documentClass) as new () => object;
  if (asClass !== Object) run.documentClass = asClass;
  return run;
}

/** @throws InvalidOperation: `exhaust` cannot be limited, for the server would not stop, and a mongos cannot do it */
export function checkExhaust(exhaust: boolean, limit: number, engine: Engine | null = null): void {
  if (!exhaust) return;
  if (engine?.server?.description.type === 'Mongos')
    throw new InvalidOperation('a mongos cannot serve exhaust cursors');
  if (limit !== 0) throw new InvalidOperation('exhaust cannot be combined with limit');
}

/** From the modifiers of the wrapped form to fields of the command. */
const MODIFIERS: Readonly<Record<string, string>> = {
  $orderby: 'sort',
  $hint: 'hint',
  $min: 'min',
  $max: 'max',
  $comment: 'comment',
  $maxTimeMS: 'maxTimeMS',
};

const EXTRA_MODIFIERS: Readonly<Record<string, string>> = {
  $maxScan: 'maxScan',
  $returnKey: 'returnKey',
  $showDiskLoc: 'showRecordId',
  $showRecordId: 'showRecordId',
  $readPreference: '$readPreference',
};

/**
 * A spec in the form `{ $query, $orderby, ... }`, which current servers refuse, taken apart; any other as it is.
 * @see MongoDB legacy OP_QUERY, query modifiers
 */
export function unwrapped(spec: Document): Query {
  const filter = field(spec, '$query');
  if (filter === undefined) return { filter: spec };
  const settings: Query = { filter: filter as Document };
  for (const [name, value] of entries(spec)) {
    if (name === '$snapshot' && value) settings.snapshot = true;
    if (name === '$explain' && value) settings.explain = true;
    const known = MODIFIERS[name];
    const extra = EXTRA_MODIFIERS[name];
    if (known !== undefined) Object.assign(settings, { [known]: value });
    else if (extra !== undefined) settings.extra = { ...settings.extra, [extra]: value };
  }
  return settings;
}

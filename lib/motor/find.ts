/** The keywords of `find` and `find_one`, and what they become in a `find` command. */

import type { Document } from 'bson';
import type { Mode } from '../../typings/documents';
import { type FindSettings, findOneCommand, type Namespace } from '../core/commands';
import { entries, field, firstKey } from '../core/documents';
import { InvalidOperation } from '../core/errors';
import type { OperationOptions } from '../core/operation';
import type { TagSet } from '../core/readPreference';
import type { UuidReading } from '../core/uuids';
import { directionsOf, projectionOf } from './arguments';
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

/** The command of `find_one`; nearly always only a filter was given. */
export function findOneCommandOf(namespace: Namespace, filter: Document, options: Options<typeof FIND_ONE>): Document {
  const command = findOneCommand(namespace, filter);
  if (options === NOTHING_GIVEN && firstKey(filter) !== '$query') return command;
  const settings = findSettings(filter, options);
  if (options.max_time_ms !== null) settings.maxTimeMS = options.max_time_ms;
  const { limit: _, batchSize: __, extra, ...sent } = settings;
  return { find: command.find, ...sent, limit: 1, singleBatch: true, ...extra, $db: command.$db };
}

/** What goes into a `find` command; what was not asked for stays away. */
export function findSettings(spec: Document, options: FindOptions): FindSettings {
  const settings: FindSettings = unwrapped(spec);
  if (options.fields !== null) settings.projection = projectionOf(options.fields);
  if (options.sort !== null && options.sort.length > 0) settings.sort = directionsOf('find', 'sort', options.sort);
  if (options.skip !== 0) settings.skip = options.skip;
  if (options.limit !== 0) settings.limit = options.limit;
  if (options.tailable) settings.tailable = true;
  // Servers know it only together with tailable.
  if (options.tailable && options.await_data) settings.awaitData = true;
  if (!options.timeout) settings.noCursorTimeout = true;
  if (options.partial) settings.allowPartialResults = true;
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

/** @throws InvalidOperation: `exhaust` cannot be limited, for the server would not stop */
export function checkExhaust(exhaust: boolean, limit: number): void {
  if (exhaust && limit !== 0) throw new InvalidOperation('exhaust cannot be combined with limit');
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
function unwrapped(spec: Document): FindSettings {
  if (firstKey(spec) !== '$query') return { filter: spec };
  const settings: FindSettings = { filter: field(spec, '$query') as Document };
  for (const [name, value] of entries(spec)) {
    const known = MODIFIERS[name];
    const extra = EXTRA_MODIFIERS[name];
    if (known !== undefined) Object.assign(settings, { [known]: value });
    else if (extra !== undefined) settings.extra = { ...settings.extra, [extra]: value };
  }
  return settings;
}

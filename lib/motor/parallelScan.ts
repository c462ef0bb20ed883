import type { Document } from 'bson';
import { Cursor } from '../core/cursor';
import type { Engine, RunOptions } from '../core/engine';
import { OperationFailure } from '../core/errors';
import { compareValues } from './bsonOrder';
import type { Call } from './goneCommands';
import { withPreference } from './settings';

const MOST_CURSORS = 10_000;
/** Samples for each part: the more, the more alike the parts are in size. */
const SAMPLES_PER_CURSOR = 20;

/**
 * The `parallelCollectionScan` command, which servers had up to 4.0: ranges of `_id`, each with a cursor of its own.
 * @returns `{ cursors: [{ cursor: { firstBatch, id, ns }, ok: true }], ok: 1 }`; the first batches are empty
 * @throws OperationFailure: `numCursors` is not from 1 to 10000
 */
export async function serveParallelScan(call: Call): Promise<Document> {
  const { engine, database, command } = call;
  const collection = Object.values(command)[0] as string;
  const wanted = Number(command.numCursors);
  if (!(Number.isInteger(wanted) && wanted >= 1 && wanted <= MOST_CURSORS)) {
    throw new OperationFailure(
      `parallelCollectionScan on ${database}.${collection}: numCursors must be from 1 to ${MOST_CURSORS}, not ${wanted}`,
      { code: 2 },
    );
  }
  // Each member would give other cut points.
  const server = call.run.server ?? (await engine.connect());
  const run: RunOptions = { ...call.run, server };
  const cuts = wanted === 1 ? [] : await cutPoints(call, collection, wanted, { server });
  const bounds = [undefined, ...cuts, undefined];
  const cursors = await Promise.all(
    bounds.slice(1).map(async (end, index) => {
      const find: Document = { find: collection, filter: {}, batchSize: 0 };
      const start = bounds[index];
      if (cuts.length > 0) find.hint = { _id: 1 };
      if (start !== undefined) find.min = start;
      if (end !== undefined) find.max = end;
      find.$db = database;
      withPreference(find, call.preference, engine);
      return { cursor: await engine.run(find, (reply) => reply.cursor as Document, run), ok: true };
    }),
  );
  return { cursors, ok: 1 };
}

/** Where one part ends and the next begins, as bounds of the index on `_id`; none where the whole is one part. */
async function cutPoints(
  { engine, database, preference }: Call,
  collection: string,
  parts: number,
  run: RunOptions,
): Promise<{ _id: unknown }[]> {
  if (!(await hasIdIndex(engine, database, collection, run))) return [];
  const size = SAMPLES_PER_CURSOR * parts;
  const pipeline = [{ $sample: { size } }, { $project: { _id: 1 } }, { $sort: { _id: 1 } }];
  const aggregate = withPreference({ aggregate: collection, pipeline, cursor: {}, $db: database }, preference, engine);
  const samples = await new Cursor(engine, aggregate, { database, collection }, { run }).toList(null);
  if (samples.length < size) return [];
  const cuts: { _id: unknown }[] = [];
  for (let part = 1; part < parts; part++) {
    const { _id } = samples[part * SAMPLES_PER_CURSOR] as Document;
    const last = cuts.at(-1);
    if (last === undefined || compareValues(last._id, _id) < 0) cuts.push({ _id });
  }
  return cuts;
}

/** Views, time series and clustered collections have none. */
async function hasIdIndex(engine: Engine, database: string, collection: string, run: RunOptions): Promise<boolean> {
  const command = { listIndexes: collection, cursor: {}, $db: database };
  try {
    const indexes = await new Cursor(engine, command, { database, collection }, { run }).toList(null);
    return indexes.some(({ name, clustered }) => name === '_id_' && clustered !== true);
  } catch (error) {
    if (error instanceof OperationFailure) return false;
    throw error;
  }
}

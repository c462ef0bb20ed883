import { type Document, ObjectId } from 'bson';
import { Cursor } from '../core/cursor';
import type { Call } from './goneCommands';
import { withPreference } from './settings';

/** How many documents the command gave when it was not told a number. */
const DEFAULT_NUMBER = 100;

/** Options that are the same in the stage. */
const SAME = ['near', 'spherical', 'query', 'maxDistance', 'minDistance', 'distanceMultiplier', 'key'] as const;

/**
 * The `geoNear` command, which servers had up to 4.0: an aggregation that begins with the stage of that name.
 * @returns `{ results: [{ dis, obj, loc? }], stats: { objectsLoaded, avgDistance, maxDistance }, ok: 1 }`
 */
export async function serveGeoNear({ engine, database, command, preference, run }: Call): Promise<Document> {
  const collection = Object.values(command)[0] as string;
  // Names that no document has, since the stage writes into the documents.
  const [distance, location] = [`distance_${new ObjectId()}`, `location_${new ObjectId()}`];
  const stage: Document = { distanceField: distance };
  for (const option of SAME) if (command[option] !== undefined) stage[option] = command[option];
  if (command.includeLocs === true) stage.includeLocs = location;
  const pipeline = [{ $geoNear: stage }, { $limit: Number(command.num ?? command.limit ?? DEFAULT_NUMBER) }];
  const aggregate = withPreference({ aggregate: collection, pipeline, cursor: {}, $db: database }, preference, engine);
  const found = await new Cursor(engine, aggregate, { database, collection }, { run }).toList(null);

  const results = found.map((obj) => {
    const dis = take(obj, distance) as number;
    const loc = take(obj, location);
    return loc === undefined ? { dis, obj } : { dis, loc, obj };
  });
  const distances = results.map(({ dis }) => dis);
  const stats = {
    objectsLoaded: results.length,
    avgDistance: results.length === 0 ? 0 : distances.reduce((sum, one) => sum + one, 0) / results.length,
    maxDistance: distances.reduce((most, one) => Math.max(most, one), 0),
  };
  return { results, stats, ok: 1 };
}

/** A field taken out of a document, of whatever class that is. */
function take(document: Document, name: string): unknown {
  if (document instanceof Map) {
    const value: unknown = document.get(name);
    document.delete(name);
    return value;
  }
  const value: unknown = document[name];
  delete document[name];
  return value;
}

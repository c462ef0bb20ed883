import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { type Document, EJSON } from 'bson';
import { BULK_CHANGES, type Inputs, MOST_LANES, type OperationName } from './contestant';

/** At most these multiples of the CPU time which the floor and `mongodb` take. */
export interface Target {
  floor: number;
  mongodb?: number;
}

const SINGLE: Target = { floor: 1.5, mongodb: 0.4 };
const LIST: Target = { floor: 1.1, mongodb: 0.25 };
const ITERATION: Target = { floor: 1.5 };
const BULK: Target = { floor: 1.3 };

type CollectionName = 'things' | 'changed' | 'tweets' | 'written';

interface TaskOf<K extends OperationName> {
  title: string;
  operation: K;
  input(index: number): Inputs[K];
  /** `written` is dropped before each measurement; the others are filled once, see `SEEDS`. */
  collection: CollectionName;
  /** What one operation finds or writes. */
  documents: number;
  /** At a time: enough for some tenths of a second. At least one for each lane is run. */
  operations: number;
  /** How many times per round (1). Where the garbage collector runs twice or thrice at a time, one is not like another. */
  times?: number;
  lanes: number[];
  target: Target;
  /** A file of the drivers' common benchmark which it needs. */
  data?: DataFile;
}
export type Task = { [K in OperationName]: TaskOf<K> }[OperationName];

type DataFile = 'tweet.json' | 'small_doc.json' | 'large_doc.json';

const dataDirectory = process.env.MOTOR_BENCHMARK_DATA ?? path.resolve(__dirname, '../../../shared/benchmark-data');
const files = new Map<DataFile, Document>();

/** A fresh copy, since drivers put an `_id` into what they insert. */
function data(name: DataFile): Document {
  let document = files.get(name);
  if (document === undefined) {
    document = EJSON.parse(readFileSync(path.join(dataDirectory, name), 'utf8')) as Document;
    files.set(name, document);
  }
  return { ...document };
}

/** Why the task cannot run, or null. */
export function obstacle({ data }: Task): string | null {
  if (data === undefined || existsSync(path.join(dataDirectory, data))) return null;
  return `no ${data} in ${dataDirectory} (MOTOR_BENCHMARK_DATA)`;
}

const THINGS = 10_000;
const CHANGED = 1_000;
const TWEETS = 10_000;

const thing = (index: number): Document => ({ name: `cog ${index}`, size: 1, price: 2.5, tags: ['small', 'round'] });
const many = (count: number, make: (index: number) => Document) => Array.from({ length: count }, (_, i) => make(i));
const nothing = () => null;

export const SEEDS: { collection: CollectionName; count: number; data?: DataFile; make(index: number): Document }[] = [
  { collection: 'things', count: THINGS, make: (_id) => ({ _id, ...thing(_id) }) },
  { collection: 'changed', count: CHANGED, make: (_id) => ({ _id, ...thing(_id) }) },
  { collection: 'tweets', count: TWEETS, data: 'tweet.json', make: (_id) => ({ _id, ...data('tweet.json') }) },
];

export const seedable = (seed: { data?: DataFile }): boolean =>
  seed.data === undefined || existsSync(path.join(dataDirectory, seed.data));

const ALONE = [1];
const BOTH = [1, MOST_LANES];

export const TASKS: Task[] = [
  {
    title: 'find_one by _id',
    operation: 'findOne',
    input: (index) => (index * 7) % THINGS,
    collection: 'things',
    documents: 1,
    operations: 2000,
    lanes: BOTH,
    target: SINGLE,
  },
  {
    title: 'insert of one small document',
    operation: 'insert',
    input: thing,
    collection: 'written',
    documents: 1,
    operations: 2000,
    lanes: BOTH,
    target: SINGLE,
  },
  {
    title: 'update',
    operation: 'update',
    input: (index) => index % CHANGED,
    collection: 'changed',
    documents: 1,
    operations: 2000,
    lanes: BOTH,
    target: SINGLE,
  },
  {
    title: 'save',
    operation: 'save',
    input: (index) => ({ _id: index % CHANGED, ...thing(index) }),
    collection: 'changed',
    documents: 1,
    operations: 2000,
    lanes: BOTH,
    target: SINGLE,
  },
  {
    title: 'find_and_modify',
    operation: 'findAndModify',
    input: (index) => index % CHANGED,
    collection: 'changed',
    documents: 1,
    operations: 2000,
    lanes: BOTH,
    target: SINGLE,
  },
  {
    title: 'count',
    operation: 'count',
    input: nothing,
    collection: 'things',
    documents: THINGS,
    operations: 2000,
    lanes: BOTH,
    target: SINGLE,
  },
  {
    title: 'list of 10,000',
    operation: 'list',
    input: nothing,
    collection: 'things',
    documents: THINGS,
    operations: 12,
    lanes: BOTH,
    target: LIST,
  },
  {
    title: 'for await over 10,000',
    operation: 'iterate',
    input: nothing,
    collection: 'things',
    documents: THINGS,
    operations: 12,
    lanes: ALONE,
    target: ITERATION,
  },
  {
    title: 'each over 10,000',
    operation: 'each',
    input: nothing,
    collection: 'things',
    documents: THINGS,
    operations: 12,
    lanes: ALONE,
    target: ITERATION,
  },
  {
    title: 'bulk insert of 1000',
    operation: 'insertMany',
    input: () => many(1000, thing),
    collection: 'written',
    documents: 1000,
    operations: 64,
    times: 4,
    lanes: BOTH,
    target: BULK,
  },
  {
    title: 'ordered bulk: 400 inserts, 300 updates, 300 removes',
    operation: 'bulk',
    input: (index) => many(400, (i) => ({ _id: index * 400 + i, ...thing(i) })),
    collection: 'written',
    documents: 400 + 2 * BULK_CHANGES,
    operations: 60,
    times: 2,
    lanes: ALONE,
    target: BULK,
  },
  {
    title: 'run command (ping)',
    operation: 'ping',
    input: nothing,
    collection: 'things',
    documents: 1,
    operations: 2000,
    lanes: BOTH,
    target: SINGLE,
  },
  {
    title: 'find one by _id (TWEET)',
    operation: 'findOne',
    input: (index) => (index * 7) % TWEETS,
    collection: 'tweets',
    documents: 1,
    operations: 2000,
    lanes: BOTH,
    target: SINGLE,
    data: 'tweet.json',
  },
  {
    title: 'small document insert',
    operation: 'insert',
    input: () => data('small_doc.json'),
    collection: 'written',
    documents: 1,
    operations: 2000,
    lanes: BOTH,
    target: SINGLE,
    data: 'small_doc.json',
  },
  {
    title: 'large document insert',
    operation: 'insert',
    input: () => data('large_doc.json'),
    collection: 'written',
    documents: 1,
    operations: 6,
    times: 3,
    lanes: ALONE,
    target: SINGLE,
    data: 'large_doc.json',
  },
  {
    title: 'find many and empty the cursor (TWEET)',
    operation: 'list',
    input: nothing,
    collection: 'tweets',
    documents: TWEETS,
    operations: 2,
    lanes: ALONE,
    target: LIST,
    data: 'tweet.json',
  },
  {
    title: 'small document bulk insert (10,000)',
    operation: 'insertMany',
    input: () => many(10_000, () => data('small_doc.json')),
    collection: 'written',
    documents: 10_000,
    operations: 6,
    times: 3,
    lanes: ALONE,
    target: BULK,
    data: 'small_doc.json',
  },
  {
    title: 'large document bulk insert (10)',
    operation: 'insertMany',
    input: () => many(10, () => data('large_doc.json')),
    collection: 'written',
    documents: 10,
    operations: 2,
    times: 2,
    lanes: ALONE,
    target: BULK,
    data: 'large_doc.json',
  },
];

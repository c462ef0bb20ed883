import type { Document } from 'bson';

/** What every operation is given; it is made before the clock starts. `findOne` and its like take an `_id`. */
export interface Inputs {
  ping: null;
  findOne: number;
  insert: Document;
  insertMany: Document[];
  update: number;
  save: Document;
  findAndModify: number;
  count: null;
  bulk: Document[];
  list: null;
  iterate: null;
  each: null;
}

export type OperationName = keyof Inputs;

/** How many documents were found or written; the client checks it, so that nobody is fast by doing less. */
export type Done = (error: unknown, documents: number) => void;

/** A lane is a unit of concurrency, counted from 0: it runs one operation at a time. */
export type Promises = { [K in OperationName]?: (input: Inputs[K], lane: number) => Promise<number> };
export type Callbacks = { [K in OperationName]?: (input: Inputs[K], done: Done) => void };

/** A driver as its users write it, connected. An operation which its form does not have is left out. */
export type Contestant = { close(): Promise<void> } & (
  | { form: 'promise'; operations(collection: string): Promises }
  | { form: 'callback'; operations(collection: string): Callbacks }
);

/** The modules in `contestants/`; each exports `connect`. */
export const CONTESTANTS = [
  'floor',
  'motorPromise',
  'motorCallback',
  'motorAsyncio',
  'mongodb',
  'mongodbLegacy',
] as const;
export type ContestantName = (typeof CONTESTANTS)[number];

export const DATABASE = 'bench';
export const MOST_LANES = 32;

/** Bulk operations insert all of their documents, then change and remove this many of them. */
export const BULK_CHANGES = 300;

/** For the typings of `mongodb`, which let only an ObjectId be an `_id` unless told more. */
export const byId = (_id: number): Document => ({ _id });

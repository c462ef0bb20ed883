/** What the caller's thread and the worker say to each other. */

import type { MessagePort } from 'node:worker_threads';
import type { Packed } from './codec';

/** What the worker is started with. */
export interface Start {
  readonly port: MessagePort;
  /** One number: where the worker stands. */
  readonly signal: Int32Array;
  /** The name of the client's class. */
  readonly client: string;
  /** The arguments of its constructor. */
  readonly args: Packed;
}

/** Where the worker stands. The caller sleeps while it reads `WORKING`. */
export const IDLE = 0;
export const WORKING = 1;
export const ENDED = 2;

export interface Request {
  /** `[target, member, arguments]`; null in place of the arguments reads a property. */
  readonly call: Packed;
}

/** Objects that nobody can ask for any more. No reply follows. */
export interface Release {
  readonly release: number;
}

export interface Reply {
  /** The result, or a `Failure` whose fields are packed with it. */
  readonly packed: Packed;
  readonly failed: boolean;
  /** `_id`s that were given to the caller's documents: `[argument, place in it or null, _id]`. */
  readonly ids: Packed | null;
}

export type Given = [argument: number, item: number | null, id: unknown];

/** A client, database or collection: it is made anew for each call, from its ancestors' names and settings. */
export interface Place {
  readonly levels: readonly Level[];
}

export interface Level {
  /** Null: the client. */
  readonly name: string | null;
  readonly settings: Readonly<Record<string, unknown>>;
}

/** An object that lives in the worker. */
export interface Handle {
  readonly handle: number;
  /** The name of its class. */
  readonly kind: string;
}

/** The object that the method was called on. */
export const SELF = 'self';

/** Stands for a member of cursors: all documents that are here, or those of the next batch. */
export const NEXT_BATCH = '*next batch';

/** Stands for a member of clients: `[host, port, description]` of the server in use, the address left out of the latter. */
export const SERVER = '*server';

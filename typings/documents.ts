/** The vocabulary of documents and arguments. Types only. */

import type { Code } from 'bson';

/** A document: a plain object, or a Map such as `SON` where integer-like keys must keep their order. */
export type Doc = Record<string, unknown> | Map<string, unknown>;

/** The direction, or kind, of one key of a sort or an index. */
export type Dir = 1 | -1 | string | Doc;

/** Keys with their directions, in order. */
export type Pairs = Array<[key: string, direction: Dir]>;

/** A string means `[[key, ASCENDING]]`. */
export type KeyOrList = string | Pairs;

/** The fields of a result: names, or a projection document. */
export type Fields = string[] | Doc;

/** JavaScript for the server; a function is sent as its source text. */
// biome-ignore lint/complexity/noBannedTypes: any function at all, for only its text is used
export type Js = string | Code | Function;

/** Where a server listens; the port of a Unix socket is `null`. */
export type Addr = [host: string, port: number | null];

/** Which members of a replica set may answer reads. */
export type Mode = 0 | 1 | 2 | 3 | 4 | 'primary' | 'primaryPreferred' | 'secondary' | 'secondaryPreferred' | 'nearest';

/** Write concern of one operation; it replaces the inherited one as a whole. */
export interface Write {
  /** How many members, or which (`'majority'`, a tag), must have done the write. 0: nobody is asked. */
  w?: number | string;
  /** Milliseconds to wait for `w`. */
  wtimeout?: number;
  /** Wait for the journal. */
  j?: boolean;
  /** Wait for the data files. */
  fsync?: boolean;
}

/** Read preference of one operation; what is absent is inherited. */
export interface Read {
  /** Which members may answer. */
  read_preference?: Mode;
  /** Tried in order; `{}` accepts any member. */
  tag_sets?: Doc[];
  /** Width in milliseconds of the latency window around the nearest member. */
  secondary_acceptable_latency_ms?: number;
}

/** `null`: not sent yet; `0n`: exhausted on the server; else open. */
export type CursorId = bigint | null;

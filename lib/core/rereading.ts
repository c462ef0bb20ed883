/**
 * Values that bson does not read as they are wished for are read a second time, from the bytes of the reply: dates
 * beyond the range of `Date`, and strings that are no UTF-8.
 */

import { Code, DBRef, type Document, onDemand } from 'bson';

/** How dates are read. */
export interface DateReading {
  /** Every date is read by it, or only those beyond the range of `Date`. */
  readonly every: boolean;
  /** What milliseconds since 1970 become; what it throws is the operation's failure. */
  readonly read: (milliseconds: bigint) => unknown;
}

/** What bytes become that are no UTF-8. */
export type TextReading = (bytes: Buffer) => string;

/** The last millisecond that a `Date` can be; the first one is its opposite. */
export const LAST_DATE = 8_640_000_000_000_000n;

const STRING = 2;
const DOCUMENT = 3;
const ARRAY = 4;
const DATE = 9;
const CODE = 13;
const SYMBOL = 14;
const CODE_WITH_SCOPE = 15;

/** A value that is read again; the same one, if there is nothing to change. */
type Reread = (type: number, bytes: Buffer, offset: number, value: unknown) => unknown;

/**
 * Read the dates of a decoded document, in place. Without `every` nearly every reply is left with a look at its bytes.
 * @param start where the document begins in `bytes`
 */
export function rereadDates(bytes: Buffer, start: number, document: Document, { every, read }: DateReading): void {
  if (!every && !holdsDateBeyond(bytes, start)) return;
  reread(bytes, start, document, (type, _, offset, value) => {
    if (type !== DATE) return value;
    return every || Number.isNaN((value as Date).getTime()) ? read(bytes.readBigInt64LE(offset)) : value;
  });
}

/** Read the strings of a decoded document, in place. */
export function rereadText(bytes: Buffer, start: number, document: Document, read: TextReading): void {
  reread(bytes, start, document, (type, _, offset, value) => {
    if (type === STRING || type === SYMBOL) return read(textAt(bytes, offset));
    if (type === CODE || type === CODE_WITH_SCOPE) {
      const code = value as Code;
      code.code = read(textAt(bytes, type === CODE ? offset : offset + 4));
    }
    return value;
  });
}

/** Without the NUL at its end. */
function textAt(bytes: Buffer, offset: number): Buffer {
  return bytes.subarray(offset + 4, offset + 4 + bytes.readInt32LE(offset) - 1);
}

function reread(bytes: Buffer, start: number, holder: Document, change: Reread): void {
  let index = 0;
  for (const [type, nameOffset, nameLength, offset] of onDemand.parseToElements(bytes, start)) {
    const name = Array.isArray(holder) ? index++ : bytes.toString('utf8', nameOffset, nameOffset + nameLength);
    const value: unknown = change(type, bytes, offset, holder[name]);
    holder[name] = value instanceof DBRef ? rereadReference(bytes, offset, value, change) : value;
    if (type === ARRAY || (type === DOCUMENT && isPlain(value))) {
      reread(bytes, offset, value as Document, change);
    } else if (type === CODE_WITH_SCOPE && value instanceof Code) {
      reread(bytes, offset + 8 + bytes.readInt32LE(offset + 4), value.scope as Document, change);
    }
  }
}

/** It was a document, until bson saw what it stands for. */
function rereadReference(bytes: Buffer, offset: number, reference: DBRef, change: Reread): DBRef {
  const parts: Document = { $ref: reference.collection, $id: reference.oid, $db: reference.db, ...reference.fields };
  reread(bytes, offset, parts, change);
  const { $ref, $id, $db, ...fields } = parts;
  return new DBRef($ref, $id, $db, fields);
}

/** Bytes that were asked for as such stay bytes. */
function isPlain(value: unknown): boolean {
  return typeof value === 'object' && value !== null && Object.getPrototypeOf(value) === Object.prototype;
}

const HIGHEST = Number(LAST_DATE >> 32n);
const LOWEST = Number(-LAST_DATE >> 32n);

/** A look at what follows each byte that may stand for the type of a date; of the documents only where that is suspect. */
function holdsDateBeyond(bytes: Buffer, start: number): boolean {
  const suspects = suspectsIn(bytes, start);
  return suspects.length > 0 && new DateSearch(bytes, suspects).isIn(start);
}

/** Where dates may stand that are beyond the range, in order. */
function suspectsIn(bytes: Buffer, start: number): number[] {
  const suspects: number[] = [];
  let at = bytes.indexOf(DATE, start + 4);
  while (at !== -1) {
    const offset = endOfName(bytes, at + 1) + 1;
    if (offset === 0 || offset + 8 >= bytes.length) break;
    const high = bytes.readInt32LE(offset + 4);
    if ((high >= HIGHEST || high <= LOWEST) && isType(bytes[offset + 8] as number)) suspects.push(offset);
    // Whatever looks like a date before it has the same end of its name, and so the same value.
    at = bytes.indexOf(DATE, offset);
  }
  return suspects;
}

/** Where the next NUL is, or -1. Most names are so short that looking costs less than calling. */
function endOfName(bytes: Buffer, start: number): number {
  const near = Math.min(start + 32, bytes.length);
  for (let at = start; at < near; at++) if (bytes[at] === 0) return at;
  return bytes.indexOf(0, near);
}

/** Whether a byte can be the type of an element, or the end of the document. */
function isType(byte: number): boolean {
  return byte <= 0x13 || byte === 0x7f || byte === 0xff;
}

/** Steps over the elements of a document in which there is no suspect. */
class DateSearch {
  readonly #bytes: Buffer;
  readonly #suspects: readonly number[];
  #next = 0;

  constructor(bytes: Buffer, suspects: readonly number[]) {
    this.#bytes = bytes;
    this.#suspects = suspects;
  }

  /** Whether one of the suspects is a date of the document that begins there. */
  isIn(start: number): boolean {
    const bytes = this.#bytes;
    const end = start + bytes.readInt32LE(start) - 1;
    for (let at = start + 4; at < end; ) {
      const type = bytes[at] as number;
      const offset = endOfName(bytes, at + 1) + 1;
      at = offset + sizeOfValue(bytes, type, offset);
      const suspect = this.#suspectFrom(offset);
      if (suspect >= end) return false;
      if (suspect >= at) continue;
      if (type === DATE) return true;
      if ((type === DOCUMENT || type === ARRAY) && this.isIn(offset)) return true;
      if (type === CODE_WITH_SCOPE && this.isIn(offset + 8 + bytes.readInt32LE(offset + 4))) return true;
    }
    return false;
  }

  #suspectFrom(offset: number): number {
    while ((this.#suspects[this.#next] as number) < offset) this.#next++;
    return this.#suspects[this.#next] ?? Number.POSITIVE_INFINITY;
  }
}

/** In bytes, of each type that has always the same. */
const SIZES: readonly (number | undefined)[] = Object.assign([], {
  1: 8, // double
  6: 0, // undefined
  7: 12, // ObjectId
  8: 1, // boolean
  [DATE]: 8,
  10: 0, // null
  16: 4, // int
  17: 8, // timestamp
  18: 8, // long
  19: 16, // decimal
  127: 0, // MaxKey
  255: 0, // MinKey
});

function sizeOfValue(bytes: Buffer, type: number, offset: number): number {
  const size = SIZES[type];
  if (size !== undefined) return size;
  if (type === 11) return bytes.indexOf(0, bytes.indexOf(0, offset) + 1) + 1 - offset; // regular expression
  const length = bytes.readInt32LE(offset);
  if (type === DOCUMENT || type === ARRAY || type === CODE_WITH_SCOPE) return length;
  if (type === 5) return 4 + 1 + length; // binary
  return type === 12 ? 4 + length + 12 : 4 + length; // DBPointer; string, code, symbol
}

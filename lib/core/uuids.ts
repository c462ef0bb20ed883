/**
 * UUIDs in documents. BSON has the subtype 4 for them; before it came, every language wrote subtype 3, and each in its
 * own order of bytes. bson's `UUID` is always written as subtype 4, and only that is read as one.
 *
 * @see Specification "Handling of Native UUID Types"
 */

import { Binary, DBRef, type Document, UUID } from 'bson';
import type { UuidRepresentation } from './clientOptions';
import { checkStorable, isDocument, listed } from './documents';
import { ValueError } from './errors';
import type { Policy } from './policy';

const LEGACY = 3;
const SIZE = 16;

/** From a UUID's bytes to the stored ones, and, since each is its own reverse, back. */
type ByteOrder = (bytes: Uint8Array) => Uint8Array;

const BYTE_ORDERS: Partial<Record<UuidRepresentation, ByteOrder>> = {
  pythonLegacy: (bytes) => bytes,
  javaLegacy: (bytes) => reversed(bytes, 8, 8),
  csharpLegacy: (bytes) => reversed(bytes, 4, 2, 2),
};

/** A copy with the first bytes reversed in groups of these sizes. */
function reversed(bytes: Uint8Array, ...sizes: number[]): Uint8Array {
  const copy = Buffer.from(bytes);
  let start = 0;
  for (const size of sizes) {
    copy.subarray(start, start + size).reverse();
    start += size;
  }
  return copy;
}

/**
 * A filter, an update, a stage or a command, checked and as it is to be sent: the same one if there is no UUID in it.
 * Of what is to be stored the keys can be checked as well.
 * @throws InvalidDocument: a value that cannot be encoded; see `checkStorable`
 * @throws ValueError: there is a UUID, and nobody said how it is to be written
 */
export function sendable<D extends Document>(
  document: D,
  representation: UuidRepresentation,
  where: string | null = null,
  checkKeys = false,
): D {
  return checkStorable(document, checkKeys, where) ? encodeUuids(document, representation) : document;
}

/** As {@link sendable}, of a document to insert, whose `_id` is there. */
export function insertable(
  document: Document,
  representation: UuidRepresentation,
  where: string | null = null,
  checkKeys = false,
): Document {
  return checkStorable(document, checkKeys, where) ? encodeUuids(document, representation) : listed(document);
}

/**
 * A copy of a checked document in which the UUIDs are what is to be stored.
 * @throws ValueError: nobody said what that is
 */
export function encodeUuids<D extends Document>(document: D, representation: UuidRepresentation): D {
  if (representation === 'standard') return document;
  const order = BYTE_ORDERS[representation];
  if (order === undefined) {
    throw new ValueError(
      'a UUID cannot be encoded: set uuidRepresentation to standard (subtype 4), or to pythonLegacy, javaLegacy or ' +
        'csharpLegacy where subtype 3 is needed',
    );
  }
  return encoded(document, (uuid) => new Binary(order(uuid.buffer), LEGACY)) as D;
}

function encoded(value: unknown, encode: (uuid: UUID) => Binary): unknown {
  if (typeof value !== 'object' || value === null) return value;
  if (value instanceof UUID) return encode(value);
  if (value instanceof DBRef) {
    const { collection, oid, db, fields } = value;
    return new DBRef(collection, encoded(oid, encode) as DBRef['oid'], db, fields);
  }
  if (Array.isArray(value)) return value.map((item) => encoded(item, encode));
  if (value instanceof Map) return new Map([...value].map(([key, inner]) => [key, encoded(inner, encode)]));
  if (!isDocument(value)) return value;
  const document = typeof value.toBSON === 'function' ? (value.toBSON() as Document) : value;
  return Object.fromEntries(Object.entries(document).map(([key, inner]) => [key, encoded(inner, encode)]));
}

/** Which binary values of a reply are UUIDs. */
export interface UuidReading {
  /** Order of the bytes in subtype 3; null: it stays binary. */
  readonly legacy: ByteOrder | null;
  /** Whether subtype 4 is read as UUID; otherwise it stays binary. */
  readonly standard: boolean;
}

/** How the reader of a representation reads; a constant object for each, null where bson itself reads so. */
export function uuidReading(representation: UuidRepresentation, reads: Policy['readsUuids']): UuidReading | null {
  return READINGS[reads][representation];
}

const standardOnly = null;
const READINGS = {
  'both subtypes': {
    unspecified: { legacy: null, standard: false },
    standard: { legacy: (bytes) => bytes, standard: true },
    pythonLegacy: { legacy: (bytes) => bytes, standard: true },
    javaLegacy: { legacy: BYTE_ORDERS.javaLegacy as ByteOrder, standard: true },
    csharpLegacy: { legacy: BYTE_ORDERS.csharpLegacy as ByteOrder, standard: true },
  },
  'the one it writes': {
    unspecified: { legacy: null, standard: false },
    standard: standardOnly,
    pythonLegacy: { legacy: (bytes) => bytes, standard: false },
    javaLegacy: { legacy: BYTE_ORDERS.javaLegacy as ByteOrder, standard: false },
    csharpLegacy: { legacy: BYTE_ORDERS.csharpLegacy as ByteOrder, standard: false },
  },
} satisfies Record<Policy['readsUuids'], Record<UuidRepresentation, UuidReading | null>>;

// Length and subtype of a binary value that may be a UUID. Where they do not occur, no reply is walked.
const LEGACY_MARK = Buffer.from([SIZE, 0, 0, 0, LEGACY]);
const STANDARD_MARK = Buffer.from([SIZE, 0, 0, 0, Binary.SUBTYPE_UUID]);

/** Bytes of a reply that is walked sooner than searched. */
const SHORT = 128;

/** Make the UUIDs of a decoded reply what they are to be, in place. Nearly every reply is left with one look at its bytes. */
export function decodeUuids(bytes: Buffer, reply: Document, reading: UuidReading): void {
  const { legacy, standard } = reading;
  if (bytes.length < SHORT) {
    decode(reply, reading);
    return;
  }
  // From behind, since that looks for the subtype first: 16 is also the type of every integer.
  if (legacy !== null && bytes.lastIndexOf(LEGACY_MARK) >= 0) decode(reply, reading);
  else if (!standard && bytes.lastIndexOf(STANDARD_MARK) >= 0) decode(reply, reading);
}

function decode(holder: Document, reading: UuidReading): void {
  for (const key in holder) {
    const value: unknown = holder[key];
    if (typeof value !== 'object' || value === null) continue;
    if (value instanceof Binary) holder[key] = decoded(value, reading);
    else if (value instanceof DBRef) decode(value, reading);
    else if (Array.isArray(value) || Object.getPrototypeOf(value) === Object.prototype) decode(value, reading);
  }
}

function decoded(value: Binary, { legacy, standard }: UuidReading): Binary {
  if (value instanceof UUID) return standard ? value : new Binary(value.buffer, Binary.SUBTYPE_UUID);
  if (legacy === null || value.sub_type !== LEGACY || value.length() !== SIZE) return value;
  return new UUID(legacy(value.buffer.subarray(0, SIZE)));
}

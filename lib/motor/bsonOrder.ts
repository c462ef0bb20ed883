/** How BSON values compare: the order of keys, and when two of them are the same. */

import { Decimal128, type Document, Long, serialize } from 'bson';

/** The order of the types; numbers of all kinds are one type. */
const RANKS: Readonly<Record<string, number>> = {
  MinKey: 1,
  Int32: 4,
  Double: 4,
  Long: 4,
  Decimal128: 4,
  BSONSymbol: 5,
  DBRef: 6,
  Binary: 8,
  ObjectId: 9,
  Timestamp: 12,
  BSONRegExp: 13,
  Code: 15,
  MaxKey: 17,
};

function rankOf(value: unknown): number {
  switch (typeof value) {
    case 'undefined':
      return 2;
    case 'number':
    case 'bigint':
      return 4;
    case 'string':
      return 5;
    case 'boolean':
      return 10;
  }
  if (value === null) return 3;
  if (Array.isArray(value)) return 7;
  if (value instanceof Date) return 11;
  if (value instanceof RegExp) return 13;
  if (value instanceof Uint8Array) return 8;
  return RANKS[(value as { _bsontype?: string })._bsontype ?? ''] ?? 6;
}

/**
 * Negative, 0 or positive: where `a` stands relative to `b` in an index.
 * @see MongoDB manual, comparison and sort order of BSON types
 */
export function compareValues(a: unknown, b: unknown): number {
  const rank = rankOf(a);
  const difference = rank - rankOf(b);
  if (difference !== 0) return difference;
  switch (rank) {
    case 1:
    case 2:
    case 3:
    case 17:
      return 0;
    case 4:
      return compareNumbers(a, b);
    case 5:
      return Buffer.compare(Buffer.from(String(a)), Buffer.from(String(b)));
    case 6:
      return compareFields(fieldsOf(a), fieldsOf(b));
    case 7:
      return compareFields(Object.entries(a as unknown[]), Object.entries(b as unknown[]));
    case 8:
      return compareBinaries(binaryOf(a), binaryOf(b));
    case 10:
    case 11:
      return Number(a) - Number(b);
    default:
      return Buffer.compare(orderBytes(a), orderBytes(b));
  }
}

/** Field by field: first the type of the value, then the name, then the value. */
function compareFields(a: [string, unknown][], b: [string, unknown][]): number {
  for (const [index, [name, value]] of a.entries()) {
    const other = b[index];
    if (other === undefined) return 1;
    const difference =
      rankOf(value) - rankOf(other[1]) ||
      Buffer.compare(Buffer.from(name), Buffer.from(other[0])) ||
      compareValues(value, other[1]);
    if (difference !== 0) return difference;
  }
  return a.length - b.length;
}

function fieldsOf(value: unknown): [string, unknown][] {
  if (value instanceof Map) return [...value];
  const plain = (value as { _bsontype?: string })._bsontype === 'DBRef' ? (value as Document).toJSON() : value;
  return Object.entries(plain as Document);
}

/** Not a number comes first. Doubles that look alike are told apart by their digits, of any length. */
function compareNumbers(a: unknown, b: unknown): number {
  const [one, other] = [Number(String(a)), Number(String(b))];
  if (Number.isNaN(one) || Number.isNaN(other)) return Number(Number.isNaN(other)) - Number(Number.isNaN(one));
  if (one !== other || !Number.isFinite(one)) return one < other ? -1 : Number(one > other);
  const [left, right] = [digitsOf(a), digitsOf(b)];
  const scale = Math.min(left.exponent, right.exponent);
  const difference =
    left.digits * 10n ** BigInt(left.exponent - scale) - right.digits * 10n ** BigInt(right.exponent - scale);
  return difference < 0n ? -1 : Number(difference > 0n);
}

/** A finite number as `digits × 10 ** exponent`. */
function digitsOf(value: unknown): { digits: bigint; exponent: number } {
  const [, sign = '', whole = '', fraction = '', power = '0'] =
    /^([+-]?)(\d*)\.?(\d*)(?:e([+-]?\d+))?$/i.exec(String(value)) ?? [];
  const digits = BigInt(`${whole}${fraction}` || '0');
  return { digits: sign === '-' ? -digits : digits, exponent: Number(power) - fraction.length };
}

/** Shorter ones first, then by subtype. */
function compareBinaries(a: BinaryValue, b: BinaryValue): number {
  return a.bytes.length - b.bytes.length || a.subtype - b.subtype || Buffer.compare(a.bytes, b.bytes);
}

interface BinaryValue {
  readonly bytes: Uint8Array;
  readonly subtype: number;
}

function binaryOf(value: unknown): BinaryValue {
  if (value instanceof Uint8Array) return { bytes: value, subtype: 0 };
  const { buffer, position, sub_type } = value as { buffer: Uint8Array; position: number; sub_type: number };
  return { bytes: buffer.subarray(0, position), subtype: sub_type };
}

/** Bytes that compare as the values do, for the types that are compared by their bytes or texts. */
function orderBytes(value: unknown): Buffer {
  if (value instanceof RegExp) return Buffer.from(`${value.source}\0${value.flags}`);
  const typed = value as Document;
  switch (typed._bsontype) {
    case 'ObjectId':
      return Buffer.from(typed.id as Uint8Array);
    case 'Timestamp': {
      const bytes = Buffer.alloc(8);
      bytes.writeBigUInt64BE((typed as Long).toBigInt());
      return bytes;
    }
    case 'BSONRegExp':
      return Buffer.from(`${typed.pattern}\0${typed.options}`);
    default:
      return Buffer.from(String(typed.code ?? typed));
  }
}

/** A text that two values have in common exactly if they are equal; 1, `Long` 1 and `Decimal128` 1 are. */
export function identityOf(value: unknown): string {
  return Buffer.from(serialize({ '': canonical(value) }, { ignoreUndefined: false })).toString('latin1');
}

function canonical(value: unknown): unknown {
  if (typeof value === 'number') return value === 0 ? 0 : value;
  if (typeof value !== 'object' || value === null || value instanceof Date || value instanceof RegExp) return value;
  if (Array.isArray(value)) return value.map(canonical);
  const type = (value as { _bsontype?: string })._bsontype;
  if (type === 'Int32' || type === 'Double') return canonical(Number(value));
  if (type === 'Long' || type === 'Decimal128') return canonicalNumber(value);
  if (type !== undefined || ArrayBuffer.isView(value)) return value;
  return new Map(fieldsOf(value).map(([name, inner]) => [name, canonical(inner)]));
}

function canonicalNumber(value: unknown): unknown {
  const near = Number(String(value));
  if (!Number.isFinite(near)) return near;
  if (compareNumbers(value, near) === 0 && Number.isSafeInteger(near)) return near === 0 ? 0 : near;
  if (value instanceof Long) return value;
  let { digits, exponent } = digitsOf(value);
  for (; digits % 10n === 0n; digits /= 10n) exponent++;
  return Decimal128.fromString(`${digits}E${exponent}`);
}

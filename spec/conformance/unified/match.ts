/** Matching by the rules of the unified test format. */

import type { Document } from 'bson';
import { Binary, Decimal128, Double, EJSON, Int32, Long, ObjectId, Timestamp, UUID } from 'bson';

/** Named values that a pattern may refer to. */
export type Lookup = (entity: string) => unknown;

/**
 * @param root at the root a document may have more keys than are expected
 * @throws Error: they do not match; the message says where and why
 */
export function match(expected: unknown, actual: unknown, lookup: Lookup, root = true, path = ''): void {
  const operator = operatorOf(expected);
  if (operator !== null) {
    matchOperator(operator, expected as Document, actual, lookup, root, path);
  } else if (Array.isArray(expected)) {
    if (!Array.isArray(actual)) throw mismatch(path, 'an array', actual);
    if (actual.length !== expected.length) throw mismatch(path, `${expected.length} items`, actual);
    for (const [index, item] of expected.entries())
      match(item, actual[index], lookup, root && isDocument(item), `${path}[${index}]`);
  } else if (isDocument(expected)) {
    matchDocument(expected, actual, lookup, root, path);
  } else if (!sameValue(expected, actual)) {
    throw mismatch(path, show(expected), actual);
  }
}

function matchDocument(expected: Document, given: unknown, lookup: Lookup, root: boolean, path: string): void {
  const actual = given instanceof Map ? Object.fromEntries(given) : given;
  if (!isDocument(actual)) throw mismatch(path, 'a document', actual);
  for (const [key, value] of Object.entries(expected)) {
    const at = `${path}.${key}`;
    const present = Object.hasOwn(actual, key) && actual[key] !== undefined;
    const operator = operatorOf(value);
    if (operator === '$$exists') {
      if (present !== value.$$exists) throw new Error(`${at}: must ${value.$$exists ? 'exist' : 'not exist'}`);
    } else if (operator === '$$unsetOrMatches' || operator === '$$matchesEntity' || present) {
      if (!present && operator === '$$unsetOrMatches') continue;
      match(value, actual[key], lookup, false, at);
    } else {
      throw new Error(`${at}: is missing`);
    }
  }
  if (root) return;
  for (const key of Object.keys(actual)) {
    if (!Object.hasOwn(expected, key)) throw new Error(`${path}.${key}: is not expected`);
  }
}

function operatorOf(value: unknown): string | null {
  if (!isDocument(value)) return null;
  const [key, ...others] = Object.keys(value);
  return others.length === 0 && key?.startsWith('$$') === true ? key : null;
}

function matchOperator(
  operator: string,
  expected: Document,
  actual: unknown,
  lookup: Lookup,
  root: boolean,
  path: string,
): void {
  const operand = expected[operator];
  switch (operator) {
    case '$$exists':
      if ((actual !== undefined) !== operand) throw mismatch(path, operand ? 'something' : 'nothing', actual);
      return;
    case '$$unsetOrMatches':
      if (actual !== undefined && actual !== null) match(operand, actual, lookup, root, path);
      return;
    case '$$type': {
      const types = Array.isArray(operand) ? operand : [operand];
      if (!types.some((type: string) => hasType(type, actual)))
        throw mismatch(path, `of type ${types.join(' or ')}`, actual);
      return;
    }
    case '$$matchesEntity':
      match(lookup(operand), actual, lookup, root, path);
      return;
    case '$$matchesHexBytes': {
      const hex = Buffer.isBuffer(actual) ? actual.toString('hex') : null;
      if (hex !== operand) throw mismatch(path, `the bytes ${operand}`, actual);
      return;
    }
    case '$$lte':
      if (!(Number(plainNumber(actual)) <= Number(plainNumber(operand))))
        throw mismatch(path, `at most ${operand}`, actual);
      return;
    case '$$matchAsDocument': {
      if (typeof actual !== 'string') throw mismatch(path, 'a JSON text', actual);
      match(operand, EJSON.parse(actual), lookup, false, path);
      return;
    }
    case '$$matchAsRoot':
      match(operand, actual, lookup, true, path);
      return;
    default:
      throw new Error(`${path}: the operator ${operator} is not known`);
  }
}

const TYPES: Readonly<Record<string, (value: unknown) => boolean>> = {
  double: (value) => typeof value === 'number' || value instanceof Double,
  string: (value) => typeof value === 'string',
  object: (value) => isDocument(value) || value instanceof Map,
  array: Array.isArray,
  binData: (value) => value instanceof Binary || value instanceof UUID,
  objectId: (value) => value instanceof ObjectId,
  bool: (value) => typeof value === 'boolean',
  date: (value) => value instanceof Date,
  null: (value) => value === null,
  regex: (value) => value instanceof RegExp,
  int: (value) => Number.isInteger(value) || value instanceof Int32,
  long: (value) => Number.isInteger(value) || value instanceof Long || typeof value === 'bigint',
  decimal: (value) => value instanceof Decimal128,
  timestamp: (value) => value instanceof Timestamp,
  number: (value) => plainNumber(value) !== null || value instanceof Decimal128,
};

function hasType(type: string, value: unknown): boolean {
  const is = TYPES[type];
  if (is === undefined) throw new Error(`the type ${type} is not known`);
  return is(value);
}

function isDocument(value: unknown): value is Document {
  return typeof value === 'object' && value !== null && Object.getPrototypeOf(value) === Object.prototype;
}

/** Numbers compare by value, whatever their width. */
function plainNumber(value: unknown): number | bigint | null {
  if (typeof value === 'number') return value;
  if (typeof value === 'bigint') return BigInt.asIntN(53, value) === value ? Number(value) : value;
  if (value instanceof Int32 || value instanceof Double) return value.valueOf();
  if (value instanceof Long && !(value instanceof Timestamp)) return plainNumber(value.toBigInt());
  return null;
}

function sameValue(expected: unknown, actual: unknown): boolean {
  const number = plainNumber(expected);
  if (number !== null) return plainNumber(actual) === number;
  if (expected === null || typeof expected !== 'object') return expected === actual;
  if (expected instanceof Date) return actual instanceof Date && actual.getTime() === expected.getTime();
  if (expected instanceof RegExp) return String(expected) === String(actual);
  const comparable = expected as { equals?(other: unknown): boolean };
  if (typeof comparable.equals === 'function') return comparable.equals(actual);
  return show(expected) === show(actual);
}

function mismatch(path: string, wanted: string, actual: unknown): Error {
  return new Error(`${path || 'the result'}: expected ${wanted}, got ${show(actual)}`);
}

function show(value: unknown): string {
  return JSON.stringify(value, (_, inner) => (typeof inner === 'bigint' ? `${inner}n` : inner)) ?? String(value);
}

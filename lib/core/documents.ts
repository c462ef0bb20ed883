/** What a document is, and what may stand in one that is to be stored. */

import { DBRef, type Document, ObjectId, UUID } from 'bson';
import { InvalidDocument } from './errors';

/** A plain object, an instance of a class of the application's, or an ordered map; not an array, not a BSON value. */
export function isDocument(value: unknown): value is Document {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return false;
  if ((value as { _bsontype?: unknown })._bsontype !== undefined) return false;
  const prototype: unknown = Object.getPrototypeOf(value);
  if (prototype === Object.prototype || prototype === null || value instanceof Map) return true;
  // A list of documents may be any iterable, such as a generator, a set, or a stream.
  if (Symbol.iterator in value || Symbol.asyncIterator in value) return false;
  return !(
    value instanceof Date ||
    value instanceof RegExp ||
    value instanceof Promise ||
    value instanceof Number ||
    value instanceof String ||
    value instanceof Boolean ||
    value instanceof Error ||
    value instanceof WeakMap ||
    value instanceof WeakSet ||
    ArrayBuffer.isView(value) ||
    value instanceof ArrayBuffer
  );
}

/** The key that a document begins with; null if it is empty. */
export function firstKey(document: Document): string | null {
  if (document instanceof Map) return (document.keys().next().value as string | undefined) ?? null;
  for (const key in document) return key;
  return null;
}

/** A field of a plain object or an ordered map. */
export function field(document: Document, name: string): unknown {
  return document instanceof Map ? document.get(name) : document[name];
}

/** The fields of a plain object or an ordered map, in order. */
export function entries(document: Document): [string, unknown][] {
  return document instanceof Map ? [...document] : Object.entries(document);
}

/**
 * Put a missing `_id` into the caller's document, so that the caller knows it.
 * @returns whether it was missing: then it stands last, and is to be sent first (see `moveIdFirst`)
 */
export function addId(document: Document): boolean {
  if (field(document, '_id') !== undefined) return false;
  const id = new ObjectId();
  if (document instanceof Map) {
    document.delete('_id');
    document.set('_id', id);
  } else {
    if ('_id' in document) delete document._id;
    document._id = id;
  }
  return true;
}

/** MongoDB nests no deeper than 100; what goes on beyond is circular, most likely. */
const DEEPEST = 200;
const DOLLAR = 36;

/** Whether the check under way has come upon a UUID. */
let uuidSeen = false;

/** From so many on, to list the keys takes longer than to encode what they stand for. */
const MANY_KEYS = 1000;
/** Whether the plain object that was checked last had so many: one like it seldom comes alone. */
let manyExpected = false;
/** Its keys, if that was expected. */
let manyKeys: string[] | null = null;

/**
 * A document together with its keys, so that the encoder, which takes this for a map, need not list them again. It is
 * sent in the document's place, in a section of documents: nobody else sees it.
 */
export class ListedDocument {
  readonly #document: Document;
  readonly #keys: readonly string[];

  constructor(document: Document, keys: readonly string[]) {
    this.#document = document;
    this.#keys = keys;
  }

  get [Symbol.toStringTag](): string {
    return 'Map';
  }

  /** As the encoder counts bytes. */
  [Symbol.iterator](): Iterator<readonly [string, unknown]> {
    return this.entries();
  }

  /** As it encodes. The pair that this gives is always the same, with other contents: the encoder keeps none. */
  entries(): Iterator<readonly [string, unknown]> {
    const keys = this.#keys;
    const document = this.#document;
    const pair: [string, unknown] = ['', null];
    const more = { done: false, value: pair } as const;
    let index = 0;
    return {
      next: () => {
        if (index === keys.length) return { done: true, value: undefined };
        pair[0] = keys[index++] as string;
        pair[1] = document[pair[0]];
        return more;
      },
    };
  }
}

/** What to send of a document to insert, its `_id` among its fields, that was checked just now. */
export function listed(document: Document): Document {
  if (manyKeys === null) return document;
  const keys = manyKeys;
  manyKeys = null;
  return new ListedDocument(document, keys);
}

/**
 * Check a document before it is encoded: the encoder leaves some values out in silence, so that a filter would match
 * everything, and makes others into something else. A document to be stored can have its keys checked as well: none
 * may begin with `$` or contain `.`, at any depth.
 * @returns whether there is a UUID in it, whose encoding is a matter of settings
 * @param where the method, for the error
 * @throws InvalidDocument naming the key, never a value
 */
export function checkStorable(document: Document, checkKeys: boolean, where: string | null = null): boolean {
  uuidSeen = false;
  manyKeys = null;
  try {
    checkFields(document, checkKeys, 0);
  } catch (error) {
    if (where === null || !(error instanceof InvalidDocument)) throw error;
    throw new InvalidDocument(`${where}: ${error.message}`);
  }
  return uuidSeen;
}

/**
 * Check a filter, an update, a stage, or a command before it is encoded, as {@link checkStorable} does without the keys.
 * @throws InvalidDocument naming the key, never a value
 */
export function checkEncodable<D extends Document>(document: D): D {
  checkFields(document, false, 0);
  return document;
}

function checkFields(given: Document, checkKeys: boolean, depth: number): void {
  if (depth > DEEPEST) throw new InvalidDocument('the document is circular, or nested too deeply');
  if (given instanceof Map) {
    for (const [key, value] of given as Map<unknown, unknown>) {
      if (typeof key !== 'string')
        throw new InvalidDocument(`a key of a document must be a string, not a ${typeof key}`);
      checkField(key, value, checkKeys, depth);
    }
    return;
  }
  // What is encoded of an object that encodes itself.
  const document = typeof given.toBSON === 'function' ? (given.toBSON() as Document) : given;
  if (depth === 0 && manyExpected && document === given) {
    checkMany(document, checkKeys);
    return;
  }
  let count = 0;
  for (const key in document) {
    count++;
    const value = document[key];
    if (isHarmlessValue(value) && (!checkKeys || isHarmless(key))) continue;
    if (Object.hasOwn(document, key)) checkField(key, value, checkKeys, depth);
  }
  if (depth === 0) manyExpected = count >= MANY_KEYS;
}

/** The same, and the keys are kept. */
function checkMany(document: Document, checkKeys: boolean): void {
  const keys = Object.keys(document);
  for (const key of keys) {
    const value = document[key];
    if (!isHarmlessValue(value) || (checkKeys && !isHarmless(key))) checkField(key, value, checkKeys, 0);
  }
  manyExpected = keys.length >= MANY_KEYS;
  if (manyExpected) manyKeys = keys;
}

/** Most values are, at a glance. */
function isHarmlessValue(value: unknown): boolean {
  return typeof value === 'string' || typeof value === 'number';
}

function isHarmless(key: string): boolean {
  return key.charCodeAt(0) !== DOLLAR && !key.includes('.');
}

function checkField(key: string, value: unknown, checkKeys: boolean, depth: number): void {
  if (checkKeys && !isHarmless(key)) {
    const fault = key.startsWith('$') ? "begin with '$'" : "contain '.'";
    throw new InvalidDocument(`key '${key}' must not ${fault}`);
  }
  checkValue(key, value, checkKeys, depth);
}

function checkValue(key: string, value: unknown, checkKeys: boolean, depth: number): void {
  switch (typeof value) {
    case 'object':
      if (value !== null) checkObject(key, value, checkKeys, depth);
      break;
    case 'function':
      throw new InvalidDocument(`key '${key}': a function cannot be encoded; write new Code(...) for code`);
    case 'symbol':
      throw new InvalidDocument(`key '${key}': a symbol cannot be encoded`);
    case 'bigint':
      if (BigInt.asIntN(64, value) !== value) {
        throw new InvalidDocument(`key '${key}': the bigint does not fit into 64 bits`);
      }
  }
}

function checkObject(key: string, value: object, checkKeys: boolean, depth: number): void {
  if (Array.isArray(value)) {
    if (depth > DEEPEST) throw new InvalidDocument(`key '${key}': the array is circular, or nested too deeply`);
    for (const item of value) if (!isHarmlessValue(item)) checkValue(key, item, checkKeys, depth + 1);
  } else if (isDocument(value)) {
    checkFields(value, checkKeys, depth + 1);
  } else if (value instanceof Date) {
    if (Number.isNaN(value.getTime())) throw new InvalidDocument(`key '${key}': an invalid Date cannot be encoded`);
  } else if (value instanceof RegExp && value.source.includes('\0')) {
    throw new InvalidDocument(`key '${key}': a regular expression cannot contain NUL`);
  } else if (!isEncodable(value)) {
    const name = value.constructor?.name ?? 'object';
    throw new InvalidDocument(`key '${key}': an object of class ${name} cannot be encoded`);
  }
}

/** Of what is no document: BSON values (a `DBRef` has `$` keys by right), regular expressions, bytes. */
function isEncodable(value: object): boolean {
  if ((value as { _bsontype?: unknown })._bsontype !== undefined) {
    if (value instanceof UUID || (value instanceof DBRef && value.oid instanceof UUID)) uuidSeen = true;
    return true;
  }
  return value instanceof RegExp || value instanceof Uint8Array;
}

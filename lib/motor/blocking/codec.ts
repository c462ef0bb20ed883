/**
 * Values between the caller's thread and the worker. Documents cross as BSON wherever they come out as they went in.
 * BSON alone would lose `undefined`, `SON`, the class of a number and the like, and a structured clone would make plain
 * objects of BSON's classes; so a value is a tree for the clone, whose arrays begin with a `Tag`, and beside it are the
 * parts that BSON holds.
 */

import {
  Binary,
  BSONError,
  Code,
  calculateObjectSize,
  DBRef,
  type DeserializeOptions,
  type Document,
  deserialize,
  ObjectId,
  serializeWithBufferAndIndex,
} from 'bson';
import { InvalidDocument } from '../../core/errors';
import { SON } from '../../core/son';

/** A value on its way. */
export interface Packed {
  readonly tree: unknown;
  /** Values of BSON's classes, to which the tree points. */
  readonly values: Uint8Array | null;
  /** Documents, and lists of documents. */
  readonly documents: Uint8Array | null;
}

/** What each of the two ends does in its own way. */
export interface End {
  /** What stands for an object that stays where it is, such as a cursor. `undefined`: it is none of these. */
  refer(object: object): object | undefined;
  resolve(reference: unknown): unknown;
  /** The number of a class of documents that only the caller's thread has; null: it has none. */
  numberOf(DocumentClass: unknown): number | null;
  classOf(number: number): unknown;
  /** The number of the class that a document is to be made an object of; null: it is one already. */
  dressAs(document: Map<string, unknown>): number | null;
  dress(number: number, entries: [string, unknown][]): object;
}

type Tag =
  | 'array'
  | 'value'
  | 'document'
  | 'code'
  | 'dbref'
  | 'map'
  | 'SON'
  | 'dressed'
  | 'buffer'
  | 'class'
  | 'function'
  | 'object';

const KNOWN_CLASSES: Readonly<Record<string, unknown>> = { Object, Map, SON };

/** Keywords and properties whose functions are classes of documents. */
const CLASS_NAMES = new Set(['as_class', 'document_class']);

/** Deeper is circular, most likely. */
const DEEPEST = 200;

/** @throws InvalidDocument: something that cannot be encoded; TypeError: something that cannot cross */
export function pack(value: unknown, end: End): Packed {
  try {
    return packed(value, end, true);
  } catch (error) {
    if (!(error instanceof BSONError)) throw error;
    // Something that only the engine is to refuse, with the right error: a key with a NUL, for instance.
    return packed(value, end, false);
  }
}

function packed(value: unknown, end: End, asBson: boolean): Packed {
  const values: unknown[] = [];
  const documents: unknown[] = [];
  const tag = (name: Tag, ...parts: unknown[]): unknown[] => [name, ...parts];

  const walk = (given: unknown, depth: number, name: string): unknown => {
    if (typeof given === 'function') return ofFunction(given, name);
    if (typeof given === 'symbol') throw new InvalidDocument('a symbol cannot be encoded');
    if (typeof given !== 'object' || given === null) return given;
    if (depth > DEEPEST) throw new InvalidDocument('the value is circular, or nested too deeply');
    const inner = (item: unknown) => walk(item, depth + 1, '');
    if (asBson && isExact(given, depth)) return tag('document', documents.push(given) - 1);
    if (Array.isArray(given)) return tag('array', given.map(inner));
    const bsontype = (given as { _bsontype?: unknown })._bsontype;
    // Numbers inside of these two would come back as BSON's own classes.
    if (given instanceof Code) return tag('code', given.code, inner(given.scope));
    if (given instanceof DBRef) {
      return tag('dbref', given.collection, inner(given.oid), given.db, inner(given.fields));
    }
    if (bsontype !== undefined) return tag('value', values.push(given) - 1);
    if (given instanceof Date || given instanceof RegExp) return given;
    if (Buffer.isBuffer(given)) return tag('buffer', Uint8Array.from(given));
    if (ArrayBuffer.isView(given) || given instanceof ArrayBuffer) return given;

    const reference = end.refer(given);
    if (reference !== undefined) return tag('object', inner(reference));
    if (given instanceof Map) {
      const entries = [...(given as Map<string, unknown>)].map(([key, item]) => [key, inner(item)]);
      const number = end.dressAs(given);
      if (number !== null) return tag('dressed', number, entries);
      return tag(given instanceof SON ? 'SON' : 'map', entries);
    }
    const { toBSON } = given as { toBSON?: unknown };
    if (typeof toBSON === 'function') return inner(toBSON.call(given));
    return Object.fromEntries(Object.entries(given).map(([key, item]) => [key, walk(item, depth + 1, key)]));
  };

  const ofFunction = (given: object, name: string): unknown => {
    for (const [known, Class] of Object.entries(KNOWN_CLASSES)) if (given === Class) return tag('class', known);
    const number = CLASS_NAMES.has(name) ? end.numberOf(given) : null;
    return tag('function', number, String(given));
  };

  const tree = walk(value, 0, '');
  return { tree, values: encode(values), documents: encode(documents) };
}

function encode(list: unknown[]): Uint8Array | null {
  if (list.length === 0) return null;
  const bytes = new Uint8Array(calculateObjectSize({ list }, { ignoreUndefined: false }));
  serializeWithBufferAndIndex({ list }, bytes, { ignoreUndefined: false });
  return bytes;
}

function decode(bytes: Uint8Array | null, options: DeserializeOptions): unknown[] {
  return bytes === null ? [] : (deserialize(bytes, options).list as unknown[]);
}

/** Whether a value comes out of BSON as it went in. */
function isExact(value: unknown, depth: number): boolean {
  switch (typeof value) {
    case 'string':
    case 'number':
    case 'boolean':
      return true;
    case 'object':
      break;
    default:
      return false;
  }
  if (value === null || value instanceof ObjectId) return true;
  if (value instanceof Date) return !Number.isNaN(value.getTime());
  if (depth > DEEPEST) return false;
  if (Array.isArray(value)) {
    for (const item of value) if (!isExact(item, depth + 1)) return false;
    return true;
  }
  if (Object.getPrototypeOf(value) !== Object.prototype) return value.constructor === Binary;
  // Such a document is not what it seems: it writes itself, or would come back as something else.
  if ('toBSON' in value || '_bsontype' in value || '$ref' in value) return false;
  for (const key in value) if (!isExact((value as Document)[key], depth + 1)) return false;
  return true;
}

export function unpack({ tree, values: valueBytes, documents: documentBytes }: Packed, end: End): unknown {
  const values = decode(valueBytes, { promoteValues: false, bsonRegExp: true });
  const documents = decode(documentBytes, {});

  const walk = (packed: unknown): unknown => {
    if (typeof packed !== 'object' || packed === null) return packed;
    if (packed instanceof Date || packed instanceof RegExp) return packed;
    if (ArrayBuffer.isView(packed) || packed instanceof ArrayBuffer) return packed;
    if (!Array.isArray(packed)) {
      return Object.fromEntries(Object.entries(packed).map(([key, item]) => [key, walk(item)]));
    }
    const [tag, first, ...rest] = packed as [Tag, ...unknown[]];
    const entries = (pairs: unknown) =>
      (pairs as [string, unknown][]).map(([key, item]): [string, unknown] => [key, walk(item)]);
    switch (tag) {
      case 'array':
        return (first as unknown[]).map(walk);
      case 'value':
        return values[first as number];
      case 'document':
        return documents[first as number];
      case 'code':
        return new Code(first as string, walk(rest[0]) as Document | null);
      case 'dbref': {
        const [oid, db, fields] = rest as [unknown, string | undefined, unknown];
        return new DBRef(first as string, walk(oid) as DBRef['oid'], db, walk(fields) as Document);
      }
      case 'map':
        return new Map(entries(first));
      case 'SON':
        return new SON(entries(first));
      case 'dressed':
        return end.dress(first as number, entries(rest[0]));
      case 'buffer':
        return Buffer.from((first as Uint8Array).buffer);
      case 'class':
        return KNOWN_CLASSES[first as string];
      case 'function':
        return first === null ? functionOf(rest[0] as string) : end.classOf(first as number);
      case 'object':
        return end.resolve(walk(first));
    }
  };
  return walk(tree);
}

/** Stands for a function of the other thread, of which only the text can cross: that is what a server would get. */
function functionOf(source: string): () => undefined {
  const standIn = () => undefined;
  return Object.assign(standIn, { toString: () => source });
}

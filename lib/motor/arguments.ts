/** Reading of arguments that several methods take. */

import { Code, DBRef, type Document } from 'bson';
import type { Dir, Doc, Fields, Js, KeyOrList } from '../../typings/documents';
import { checkEncodable, firstKey, isDocument } from '../core/documents';
import { ValueError } from '../core/errors';
import { picture } from './keywords';
import { sourceOf } from './scopeFolding';

/**
 * A query document; null stands for "any document" and anything that is no document for the `_id` to look for.
 * @see Motor 0.2, `spec_or_id`
 */
export function specOf(specOrId: unknown): Document {
  if (specOrId === null || specOrId === undefined) return {};
  return isDocument(specOrId) ? specOrId : { _id: specOrId };
}

/** @throws TypeError: no document */
export function documentOf(method: string, name: string, value: unknown): Document {
  if (!isDocument(value)) throw new TypeError(`${method}: ${name} must be a document, not ${picture(value)}`);
  return value;
}

/** As {@link documentOf}, for one of many, counted from 0: they are named only in errors. */
export function documentAt(method: string, index: number, value: unknown): Document {
  return isDocument(value) ? value : documentOf(method, `document ${index + 1}`, value);
}

/** Whether a pipeline writes what it finds, so that it must run on the primary. */
export function isWriting(pipeline: unknown): boolean {
  const last: unknown = Array.isArray(pipeline) ? pipeline[pipeline.length - 1] : pipeline;
  return isDocument(last) && ['$out', '$merge'].includes(firstKey(last) ?? '');
}

/** A projection: a list of names becomes a document, an empty one asks for `_id` alone. */
export function projectionOf(fields: Fields): Document {
  const projection: Document = Array.isArray(fields)
    ? Object.fromEntries(fields.map((name) => [name, 1]))
    : checkEncodable(fields);
  const empty = projection instanceof Map ? projection.size === 0 : Object.keys(projection).length === 0;
  return empty ? { _id: 1 } : projection;
}

/**
 * Keys with directions as an ordered document.
 * @throws TypeError: neither a string nor a list
 * @throws ValueError: an empty list, or one of anything but pairs
 */
export function keysOf(method: string, name: string, keyOrList: unknown): Map<string, Dir> {
  return directionsOf(method, name, typeof keyOrList === 'string' ? [[keyOrList, 1]] : keyOrList);
}

/** As {@link keysOf}, but a string will not do. */
export function directionsOf(method: string, name: string, list: unknown): Map<string, Dir> {
  const keys = pairsOf(method, name, list);
  for (const [key, direction] of keys) {
    if (Number.isInteger(direction) || typeof direction === 'string' || isDocument(direction)) continue;
    throw new TypeError(
      `${method}: the direction of '${key}' in ${name} must be 1, -1, or the name of a kind of index, not ${picture(direction)}`,
    );
  }
  return keys as Map<string, Dir>;
}

/** Keys with values of any kind, such as bounds. */
export function pairsOf(method: string, name: string, list: unknown): Map<string, unknown> {
  if (!Array.isArray(list)) {
    throw new TypeError(`${method}: ${name} must be a list of [key, direction] pairs, not ${picture(list)}`);
  }
  if (list.length === 0) throw new ValueError(`${method}: ${name} must not be empty`);
  const keys = new Map<string, unknown>();
  for (const pair of list as unknown[]) {
    if (!Array.isArray(pair) || pair.length !== 2) {
      throw new ValueError(`${method}: ${name} must hold [key, direction] pairs, not ${picture(pair)}`);
    }
    const [key, value]: unknown[] = pair;
    if (typeof key !== 'string')
      throw new TypeError(`${method}: a key of ${name} must be a string, not ${picture(key)}`);
    keys.set(key, value);
  }
  return checkEncodable(keys) as Map<string, unknown>;
}

/** @throws TypeError: no `DBRef`; ValueError: it names another database */
export function checkReference(dbref: unknown, database: string): void {
  if (!(dbref instanceof DBRef)) throw new TypeError(`dereference: dbref must be a DBRef, not ${picture(dbref)}`);
  if (dbref.db !== undefined && dbref.db !== database) {
    throw new ValueError(`dereference: the reference is to the database '${dbref.db}', this one is '${database}'`);
  }
}

/** @throws TypeError: neither a string, nor a `Code`, nor a function */
export function codeOf(method: string, name: string, code: unknown): Code {
  if (code instanceof Code) return code;
  if (typeof code === 'string') return new Code(code);
  if (typeof code === 'function') return new Code(sourceOf(code));
  throw new TypeError(`${method}: ${name} must be a string, a Code or a function, not ${picture(code)}`);
}

export type { Doc, Js, KeyOrList };

/** Reading of arguments that several methods of this surface take. */

import type { Document } from 'bson';
import type { Dir, Doc } from '../../typings/documents';
import { entries, firstKey, isDocument } from '../core/documents';
import { ValueError } from '../core/errors';
import { directionsOf } from '../motor/arguments';
import { type Check, picture } from '../motor/keywords';

/** Names are ascending, alone or in a list; or a document. */
export type Sort = string | readonly (string | readonly [string, Dir])[] | Doc;
/** An index's name, or its keys. */
export type Hint = string | Sort;

/**
 * Keys with directions as an ordered document.
 * @throws TypeError: neither a string, a list nor a document
 * @throws ValueError: an empty one, or a list of anything but names and pairs
 */
export function sortOf(method: string, name: string, given: unknown): Map<string, Dir> {
  if (typeof given === 'string') return new Map<string, Dir>([[given, 1]]);
  if (isDocument(given)) {
    return directionsOf(method, name, entries(given));
  }
  if (!Array.isArray(given)) {
    throw new TypeError(
      `${method}: ${name} must be a name, a list of names or [key, direction] pairs, or a document, not ${picture(given)}`,
    );
  }
  return directionsOf(
    method,
    name,
    given.map((item: unknown) => (typeof item === 'string' ? [item, 1] : item)),
  );
}

/** A name stays a name. */
export function hintOf(method: string, given: unknown): string | Document | undefined {
  if (given === null || given === undefined) return undefined;
  return typeof given === 'string' ? given : sortOf(method, 'hint', given);
}

/** A projection: names become a document, an empty one is sent as it is. */
export function projectionOf(given: string[] | ReadonlySet<string> | Doc): Document {
  if (Array.isArray(given) || given instanceof Set) {
    return Object.fromEntries([...(given as Iterable<string>)].map((name) => [name, 1]));
  }
  return given as Document;
}

export const projection: Check<string[] | ReadonlySet<string> | Doc> = {
  wanted: 'a list or a set of field names, or a document',
  is(value): value is string[] | ReadonlySet<string> | Doc {
    if (!Array.isArray(value) && !(value instanceof Set)) return isDocument(value);
    return [...(value as Iterable<unknown>)].every((name) => typeof name === 'string');
  },
};

/** @throws TypeError: no list, or a stage that is no document */
export function pipelineOf(method: string, given: unknown): Document[] {
  if (!Array.isArray(given)) throw new TypeError(`${method}: pipeline must be a list of stages, not ${picture(given)}`);
  for (const stage of given) {
    if (!isDocument(stage)) throw new TypeError(`${method}: a stage must be a document, not ${picture(stage)}`);
  }
  return given;
}

/**
 * @throws TypeError: neither a document nor a list
 * @throws ValueError: an empty one, or one without operators
 */
export function updateOf(method: string, given: unknown): Document | Document[] {
  if (Array.isArray(given)) {
    if (given.length === 0) throw new ValueError(`${method}: the update is an empty pipeline`);
    return pipelineOf(method, given);
  }
  if (!isDocument(given)) {
    throw new TypeError(`${method}: update must be a document or a pipeline, not ${picture(given)}`);
  }
  const first = firstKey(given);
  if (first === null) throw new ValueError(`${method}: the update is empty`);
  if (!isOperator(first)) {
    throw new ValueError(`${method}: an update begins with an operator such as $set; replace_one replaces documents`);
  }
  return given;
}

/**
 * @throws TypeError: no document
 * @throws ValueError: one that begins with an operator
 */
export function replacementOf(method: string, given: unknown): Document {
  if (!isDocument(given)) throw new TypeError(`${method}: replacement must be a document, not ${picture(given)}`);
  if (isOperator(firstKey(given))) {
    throw new ValueError(`${method}: a replacement has no operators; update_one and update_many take them`);
  }
  return given;
}

/** A key of a map may be anything but a string, too. */
function isOperator(key: unknown): boolean {
  return typeof key === 'string' && key.startsWith('$');
}

import type { Document } from 'bson';

/** What a {@link SON} can be made of. */
export type SONSource = Iterable<readonly [key: string, value: unknown]> | Document | null;

/**
 * An ordered document: needed where keys that look like integers must keep their place, which a plain object would
 * sort to the front. Everything else about it is a `Map`.
 *
 * @example new SON([['count', 'things'], ['query', { a: 1 }]])
 * @see PyMongo, bson.son.SON
 */
export class SON extends Map<string, unknown> {
  /**
   * An ordered document with these keys and values, or none.
   * @param source pairs of key and value, a plain object, or another ordered document; default null
   */
  constructor(source: SONSource = null) {
    super(
      source === null || Symbol.iterator in source ? (source as Iterable<[string, unknown]>) : Object.entries(source),
    );
  }

  /** A plain object with the same contents; ordered documents inside become plain objects too. */
  to_dict(): Document {
    return plain(this) as Document;
  }

  /** What `JSON.stringify` writes. */
  toJSON(): Document {
    return this.to_dict();
  }
}

function plain(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(plain);
  if (!(value instanceof Map)) return value;
  return Object.fromEntries([...value].map(([key, inner]) => [key, plain(inner)]));
}

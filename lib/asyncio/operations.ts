/** One write each of a `bulk_write`, and the descriptions of an index and of a search index. */

import type { Document } from 'bson';
import type { Doc } from '../../typings/documents';
import { isDocument } from '../core/documents';
import { indexName } from '../core/indexes';
import type { WriteKind } from '../core/writeBatches';
import { documentOf } from '../motor/arguments';
import {
  anything,
  arrayOf,
  bool,
  document,
  type Given,
  isPlainObject,
  keywords,
  number,
  type Options,
  orNull,
  picture,
  string,
  unchecked,
} from '../motor/keywords';
import { type Hint, hintOf, replacementOf, type Sort, sortOf, updateOf } from './arguments';
import { type Collation, collationOf } from './collation';
import { PARTS, Value } from './value';

const ANY_COLLATION = unchecked<Collation | Document | null>();
const ANY_HINT = unchecked<Hint | null>();
/** Which one, if several match; servers from 8.0 know it. */
export const SORT = { sort: [null, unchecked<Sort | null>()] } as const;
/** `database.collection`, of which only the client's `bulk_write` takes note. */
const NAMESPACE = { namespace: [null, orNull(string)] } as const;
export const DELETE_KEYWORDS = { collation: [null, ANY_COLLATION], hint: [null, ANY_HINT] } as const;
export const REPLACE_KEYWORDS = { upsert: [false, bool], ...DELETE_KEYWORDS } as const;
export const UPDATE_KEYWORDS = { ...REPLACE_KEYWORDS, array_filters: [null, orNull(arrayOf(document))] } as const;

const INSERT = keywords(NAMESPACE);
const DELETE = keywords({ ...DELETE_KEYWORDS, ...NAMESPACE });
const REPLACE = keywords({ ...REPLACE_KEYWORDS, ...SORT, ...NAMESPACE });
const UPDATE_ONE = keywords({ ...UPDATE_KEYWORDS, ...SORT, ...NAMESPACE });
const UPDATE_MANY = keywords({ ...UPDATE_KEYWORDS, ...NAMESPACE });

type InsertKw = Given<typeof INSERT>;
type DeleteKw = Given<typeof DELETE>;
type ReplaceKw = Given<typeof REPLACE>;
type UpdateOneKw = Given<typeof UPDATE_ONE>;
type UpdateManyKw = Given<typeof UPDATE_MANY>;

/** What the statements of updates and deletes may have in common. */
interface Wishes {
  readonly upsert?: boolean;
  readonly collation: Collation | Document | null;
  readonly hint: Hint | null;
  readonly array_filters?: Doc[] | null;
  readonly sort?: Sort | null;
}

/**
 * The statement with what was wished for, and nothing else.
 * @param wishes null: nothing
 */
export function wished<S extends Document>(method: string, statement: S, wishes: Wishes | null): S {
  if (wishes === null) return statement;
  const { upsert = false, array_filters = null, sort = null } = wishes;
  const collation = collationOf(method, wishes.collation);
  const hint = hintOf(method, wishes.hint);
  const sent: Document = statement;
  if (upsert) sent.upsert = true;
  if (collation !== undefined) sent.collation = collation;
  if (array_filters !== null) sent.arrayFilters = array_filters;
  if (hint !== undefined) sent.hint = hint;
  if (sort !== null) sent.sort = sortOf(method, 'sort', sort);
  return statement;
}

/** What `bulk_write` makes of an operation; arguments that are wrong only then are found then. */
export const STATEMENT: unique symbol = Symbol('statement');
/** The command that it belongs to. */
export const KIND: unique symbol = Symbol('kind');

/** The namespace that an operation names: where it writes in the `bulk_write` of a client. */
export const TARGET: unique symbol = Symbol('target');

/** One of the operations of a `bulk_write`. */
export abstract class BulkOperation extends Value {
  readonly [TARGET]: string | null;

  constructor({ namespace }: { readonly namespace: string | null }) {
    super();
    this[TARGET] = namespace;
  }

  abstract get [KIND](): WriteKind;

  abstract [STATEMENT](): Document;
}

function filterOf(operation: string, filter: unknown): Document {
  if (!isDocument(filter)) throw new TypeError(`${operation}: filter must be a document, not ${picture(filter)}`);
  return filter;
}

/** Only what was given, for printing. */
function given(kw: object | undefined): object[] {
  return kw === undefined ? [] : [kw];
}

/** Store a document. A missing `_id` is put into it when that is done. */
export class InsertOne extends BulkOperation {
  readonly #document: Document;
  readonly #kw: InsertKw | undefined;

  /**
   * An insert, for `bulk_write`.
   * @throws TypeError: a keyword is unknown or of a wrong type
   * @see PyMongo 4.9, InsertOne
   */
  constructor(document: Doc, kw?: InsertKw) {
    super(INSERT.read('InsertOne', kw));
    this.#document = document as Document;
    this.#kw = kw;
  }

  get [PARTS](): readonly unknown[] {
    return [this.#document, ...given(this.#kw)];
  }

  get [KIND]() {
    return 'insert' as const;
  }

  [STATEMENT](): Document {
    if (!isDocument(this.#document)) {
      throw new TypeError(`InsertOne: document must be a document, not ${picture(this.#document)}`);
    }
    return this.#document;
  }
}

/** Put a document in the place of the first that matches. */
export class ReplaceOne extends BulkOperation {
  readonly #filter: Document;
  readonly #replacement: Document;
  readonly #options: Options<typeof REPLACE> | null;
  readonly #kw: ReplaceKw | undefined;

  /** An operation for `bulk_write`. @throws TypeError: `filter` is no document, or a keyword is unknown or of a wrong type */
  constructor(filter: Doc, replacement: Doc, kw?: ReplaceKw) {
    const options = REPLACE.read('ReplaceOne', kw);
    super(options);
    this.#filter = filterOf('ReplaceOne', filter);
    this.#replacement = replacement as Document;
    this.#options = kw === undefined ? null : options;
    this.#kw = kw;
  }

  get [PARTS](): readonly unknown[] {
    return [this.#filter, this.#replacement, ...given(this.#kw)];
  }

  get [KIND]() {
    return 'update' as const;
  }

  [STATEMENT](): Document {
    const u = replacementOf('ReplaceOne', this.#replacement);
    return wished('ReplaceOne', { q: this.#filter, u, multi: false }, this.#options);
  }
}

abstract class UpdateOperation extends BulkOperation {
  readonly #filter: Document;
  readonly #update: Doc | readonly Doc[];
  readonly #options: Options<typeof UPDATE_ONE> | Options<typeof UPDATE_MANY> | null;
  readonly #kw: UpdateOneKw | UpdateManyKw | undefined;

  constructor(
    name: string,
    filter: Doc,
    update: Doc | readonly Doc[],
    options: Options<typeof UPDATE_ONE> | Options<typeof UPDATE_MANY>,
    kw: UpdateOneKw | UpdateManyKw | undefined,
  ) {
    super(options);
    this.#filter = filterOf(name, filter);
    this.#update = update;
    this.#options = kw === undefined ? null : options;
    this.#kw = kw;
  }

  /** Whether it changes all that match, or the first. */
  abstract get multi(): boolean;

  get [PARTS](): readonly unknown[] {
    return [this.#filter, this.#update, ...given(this.#kw)];
  }

  get [KIND]() {
    return 'update' as const;
  }

  [STATEMENT](): Document {
    const { multi } = this;
    const name = multi ? 'UpdateMany' : 'UpdateOne';
    return wished(name, { q: this.#filter, u: updateOf(name, this.#update), multi }, this.#options);
  }
}

/** Change the first document that matches, or the first by `sort`. */
export class UpdateOne extends UpdateOperation {
  /** @throws TypeError: `filter` is no document, or a keyword is unknown or of a wrong type */
  constructor(filter: Doc, update: Doc | readonly Doc[], kw?: UpdateOneKw) {
    super('UpdateOne', filter, update, UPDATE_ONE.read('UpdateOne', kw), kw);
  }

  get multi(): boolean {
    return false;
  }
}

/** Change all documents that match. */
export class UpdateMany extends UpdateOperation {
  /** @throws TypeError: `filter` is no document, or a keyword is unknown or of a wrong type */
  constructor(filter: Doc, update: Doc | readonly Doc[], kw?: UpdateManyKw) {
    super('UpdateMany', filter, update, UPDATE_MANY.read('UpdateMany', kw), kw);
  }

  get multi(): boolean {
    return true;
  }
}

abstract class DeleteOperation extends BulkOperation {
  readonly #filter: Document;
  readonly #options: Options<typeof DELETE> | null;
  readonly #kw: DeleteKw | undefined;

  constructor(name: string, filter: Doc, kw: DeleteKw | undefined) {
    const options = DELETE.read(name, kw);
    super(options);
    this.#filter = filterOf(name, filter);
    this.#options = kw === undefined ? null : options;
    this.#kw = kw;
  }

  /** 1: only the first that matches; 0: all. */
  abstract get limit(): 0 | 1;

  get [PARTS](): readonly unknown[] {
    return [this.#filter, ...given(this.#kw)];
  }

  get [KIND]() {
    return 'delete' as const;
  }

  [STATEMENT](): Document {
    const { limit } = this;
    return wished(limit === 1 ? 'DeleteOne' : 'DeleteMany', { q: this.#filter, limit }, this.#options);
  }
}

/** Remove the first document that matches. */
export class DeleteOne extends DeleteOperation {
  /** @throws TypeError: `filter` is no document, or a keyword is unknown or of a wrong type */
  constructor(filter: Doc, kw?: DeleteKw) {
    super('DeleteOne', filter, kw);
  }

  get limit(): 0 | 1 {
    return 1;
  }
}

/** Remove all documents that match. */
export class DeleteMany extends DeleteOperation {
  /** @throws TypeError: `filter` is no document, or a keyword is unknown or of a wrong type */
  constructor(filter: Doc, kw?: DeleteKw) {
    super('DeleteMany', filter, kw);
  }

  get limit(): 0 | 1 {
    return 0;
  }
}

export const INDEX_KEYWORDS = {
  name: [undefined, string],
  unique: [undefined, bool],
  sparse: [undefined, bool],
  background: [undefined, bool],
  expireAfterSeconds: [undefined, number],
  partialFilterExpression: [undefined, document],
  collation: [undefined, ANY_COLLATION],
  wildcardProjection: [undefined, document],
  hidden: [undefined, bool],
  bucketSize: [undefined, anything],
  min: [undefined, number],
  max: [undefined, number],
} as const;

const INDEX = keywords(INDEX_KEYWORDS, { rest: true });
export type IndexKw = Given<typeof INDEX>;

/** An index to be made, for `create_indexes`. */
export class IndexModel extends Value {
  readonly #document: Document;

  /**
   * @param keys a name, names and pairs of name and direction, or a document
   * @param kw `name` (default: keys and directions joined by `_`), `unique`, `sparse`, ...; others go to the server
   * @throws TypeError, ValueError: no keys; TypeError: a value of a wrong type
   * @see PyMongo 4.9, IndexModel
   */
  constructor(keys: Hint, kw?: IndexKw) {
    super();
    const { name, server, ...options } = INDEX.read('IndexModel', kw);
    const collation = collationOf('IndexModel', options.collation);
    const key = sortOf('IndexModel', 'keys', keys);
    const given = Object.entries({ ...options, collation }).filter(([, value]) => value !== undefined);
    this.#document = { name: name ?? indexName(key), key, ...Object.fromEntries(given), ...server };
  }

  get [PARTS](): readonly unknown[] {
    const { key, ...options } = this.#document;
    return [[...(key as Map<string, unknown>)], options];
  }

  /** What the server is told. */
  get document(): Document {
    return this.#document;
  }
}

const SEARCH_INDEX = keywords({ name: [null, orNull(string)], type: [null, orNull(string)] });
export type SearchIndexKw = Given<typeof SEARCH_INDEX>;
/** A search index to be made, as one document. */
export type SearchIndexDocument = { readonly definition: Doc; readonly name?: string; readonly type?: string };

/** A search index to be made, for `create_search_index` and `create_search_indexes`. */
export class SearchIndexModel extends Value {
  readonly #document: Document;

  /**
   * @param definition what is indexed, and how
   * @param kw `name` (default: the server's, `default`), `type` (`'search'` or `'vectorSearch'`; default: the server's)
   * @throws TypeError: `definition` is no document; a keyword is unknown or of a wrong type
   * @see PyMongo 4.9, SearchIndexModel
   */
  constructor(definition: Doc, kw?: SearchIndexKw) {
    super();
    const { name, type } = SEARCH_INDEX.read('SearchIndexModel', kw);
    this.#document = { definition: documentOf('SearchIndexModel', 'definition', definition) };
    if (name !== null) this.#document.name = name;
    if (type !== null) this.#document.type = type;
  }

  get [PARTS](): readonly unknown[] {
    const { definition, ...options } = this.#document;
    return Object.keys(options).length === 0 ? [definition] : [definition, options];
  }

  /** What the server is told. */
  get document(): Document {
    return this.#document;
  }
}

/** What `create_search_index` was given. */
export function searchIndexOf(given: unknown): SearchIndexModel {
  if (given instanceof SearchIndexModel) return given;
  if (!isPlainObject(given)) {
    throw new TypeError(`create_search_index: model must be a SearchIndexModel or a document, not ${picture(given)}`);
  }
  const { definition, ...kw } = given;
  return new SearchIndexModel(definition as Doc, kw);
}

/** What `create_search_indexes` was given. */
export function searchIndexesOf(given: unknown): readonly SearchIndexModel[] {
  if (!Array.isArray(given)) {
    throw new TypeError(`create_search_indexes: models must be a list of SearchIndexModels, not ${picture(given)}`);
  }
  for (const model of given as unknown[]) {
    if (model instanceof SearchIndexModel) continue;
    throw new TypeError(`create_search_indexes: a model must be a SearchIndexModel, not ${picture(model)}`);
  }
  return given;
}

import { DBRef, type Document, ObjectId } from 'bson';
import { field, isDocument } from '../core/documents';
import { SON } from '../core/son';
import type { MotorCollection } from './collection';
import type { MotorDatabase } from './database';
import { picture } from './keywords';

/**
 * Changes documents on their way to the server (incoming) and back (outgoing). A subclass overrides what it needs;
 * `MotorDatabase.add_son_manipulator` installs it.
 * @see PyMongo 2.7, pymongo.son_manipulator.SONManipulator
 */
export class SONManipulator {
  /** Whether the transforms return copies; those that do run after those that do not. Default false. */
  will_copy(): boolean {
    return false;
  }

  /**
   * Change a document that is to be stored.
   * @param son the document
   * @param _collection where it is to be stored
   * @returns the document to store instead, or a Promise of it; what it throws fails the operation
   */
  transform_incoming(son: Document, _collection: MotorCollection): Document | Promise<Document> {
    return this.will_copy() ? copyOf(son) : son;
  }

  /**
   * Change a document that was read.
   * @param son the document
   * @param _collection where it was found
   * @returns the document to give instead, or a Promise of it; what it throws fails the operation
   */
  transform_outgoing(son: Document, _collection: MotorCollection): Document | Promise<Document> {
    return this.will_copy() ? copyOf(son) : son;
  }
}

/** Adds a missing `_id`. The driver does so by itself. */
export class ObjectIdInjector extends SONManipulator {
  override transform_incoming(son: Document, _collection: MotorCollection): Document {
    if (field(son, '_id') === undefined) setField(son, '_id', new ObjectId());
    return son;
  }
}

/** Moves `_id` to the front. */
export class ObjectIdShuffler extends SONManipulator {
  override will_copy(): boolean {
    return true;
  }

  override transform_incoming(son: Document, _collection: MotorCollection): Document {
    const id = field(son, '_id');
    if (id === undefined) return son;
    if (son instanceof Map) return new SON([['_id', id], ...son]);
    return { _id: id, ...son };
  }
}

/** Sets `_ns` to the collection's name, in the document that was given. */
export class NamespaceInjector extends SONManipulator {
  override transform_incoming(son: Document, collection: MotorCollection): Document {
    setField(son, '_ns', collection.name);
    return son;
  }
}

/**
 * Stores embedded documents that have `_id` and `_ns` (see {@link NamespaceInjector}) as `DBRef`s, and puts the
 * documents back in their places when reading; in lists and at any depth. Circular references are not handled.
 */
export class AutoReference extends SONManipulator {
  readonly #database: MotorDatabase;

  /**
   * @param db where the references point
   * @throws TypeError: no database
   */
  constructor(db: MotorDatabase) {
    super();
    if (typeof db?.dereference !== 'function') {
      throw new TypeError(`AutoReference: db must be a MotorDatabase, not ${picture(db)}`);
    }
    this.#database = db;
  }

  override will_copy(): boolean {
    return true;
  }

  override transform_incoming(son: Document, _collection: MotorCollection): Document {
    return changed(son, referring);
  }

  override async transform_outgoing(son: Document, _collection: MotorCollection): Promise<Document> {
    return this.#resolved(son) as Promise<Document>;
  }

  /** One after the other, as the server would not find them sooner for being asked all at once. */
  async #resolved(value: unknown): Promise<unknown> {
    if (value instanceof DBRef) return this.#database.dereference(value);
    if (Array.isArray(value)) {
      const items: unknown[] = [];
      for (const item of value) items.push(await this.#resolved(item));
      return items;
    }
    if (!isDocument(value)) return value;
    const copy = copyOf(value);
    for (const key of keysOf(copy)) setField(copy, key, await this.#resolved(field(copy, key)));
    return copy;
  }
}

function referring(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(referring);
  if (!isDocument(value)) return value;
  const id = field(value, '_id');
  const collection = field(value, '_ns');
  if (id === undefined || typeof collection !== 'string') return changed(value, referring);
  return new DBRef(collection, referring(id) as ObjectId);
}

/** A copy of a document in which `change` was applied to every value. */
function changed(document: Document, change: (value: unknown) => unknown): Document {
  const copy = copyOf(document);
  for (const key of keysOf(copy)) setField(copy, key, change(field(copy, key)));
  return copy;
}

function keysOf(document: Document): string[] {
  return document instanceof Map ? [...document.keys()] : Object.keys(document);
}

function setField(document: Document, name: string, value: unknown): void {
  if (document instanceof Map) document.set(name, value);
  else document[name] = value;
}

/** Of the same class, so that a document class survives. */
function copyOf(document: Document): Document {
  if (document instanceof Map) return new SON([...document]);
  return Object.assign(Object.create(Object.getPrototypeOf(document)) as Document, document);
}

/** The manipulators of one database object. */
export class Manipulators {
  // Each list newest first, as they are shown.
  readonly #incoming: SONManipulator[] = [];
  readonly #incomingCopying: SONManipulator[] = [];
  readonly #outgoing: SONManipulator[] = [];
  readonly #outgoingCopying: SONManipulator[] = [];

  /** @throws TypeError: no SONManipulator */
  add(manipulator: SONManipulator): void {
    if (!(manipulator instanceof SONManipulator)) {
      throw new TypeError(`add_son_manipulator: expected a SONManipulator, not ${picture(manipulator)}`);
    }
    const copies = manipulator.will_copy();
    const { transform_incoming, transform_outgoing } = SONManipulator.prototype;
    if (manipulator.transform_incoming !== transform_incoming) {
      (copies ? this.#incomingCopying : this.#incoming).unshift(manipulator);
    }
    if (manipulator.transform_outgoing !== transform_outgoing) {
      (copies ? this.#outgoingCopying : this.#outgoing).unshift(manipulator);
    }
  }

  /** The class names of one of the four lists, newest first. */
  names(direction: 'incoming' | 'outgoing', copying: boolean): string[] {
    const [plain, copies] =
      direction === 'incoming' ? [this.#incoming, this.#incomingCopying] : [this.#outgoing, this.#outgoingCopying];
    return (copying ? copies : plain).map((manipulator) => manipulator.constructor.name);
  }

  /** A document on its way to the server: the newest manipulator comes first. */
  async incoming(document: Document, collection: MotorCollection): Promise<Document> {
    let son = document;
    for (const manipulator of [...this.#incoming, ...this.#incomingCopying]) {
      son = await manipulator.transform_incoming(son, collection);
    }
    return son;
  }

  /** A document that was read: the oldest manipulator comes first. */
  async outgoing(document: Document, collection: MotorCollection): Promise<Document> {
    let son = document;
    for (const manipulator of [...this.#outgoing.toReversed(), ...this.#outgoingCopying.toReversed()]) {
      son = await manipulator.transform_outgoing(son, collection);
    }
    return son;
  }

  /** The documents of a batch, one after the other. */
  async outgoingBatch(batch: Document[], collection: MotorCollection): Promise<Document[]> {
    const changed: Document[] = [];
    for (const document of batch) changed.push(await this.outgoing(document, collection));
    return changed;
  }
}

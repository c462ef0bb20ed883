import { type Document, onDemand } from 'bson';

/** A class whose objects documents become: `Map`, a kind of it, or one whose fields are assigned. */
export type DocumentClass = new () => object;

const DOCUMENT = 3;
const ARRAY = 4;

/** Where a reply holds the user's documents: in its batch, in `value`, or (a command of the user's) anywhere. */
const BATCHES = ['firstBatch', 'nextBatch'];

/**
 * The reply itself as an object of the class. The documents in it are that already.
 * @see dressReply
 */
export function dressedReply(reply: Document, DocumentClass: DocumentClass): Document {
  const made = new DocumentClass();
  for (const [name, value] of Object.entries(reply)) setField(made, name, value);
  return made;
}

/**
 * Make the user's documents in a decoded reply objects of a class, embedded documents too. A plain object sorts keys
 * that look like integers to the front, so the order comes from the bytes.
 * @param start where the reply's document begins in `bytes`
 * @param whole the reply is the user's: `cursor` is no more than any other field of it
 */
export function dressReply(
  bytes: Buffer,
  start: number,
  reply: Document,
  DocumentClass: DocumentClass,
  whole: boolean,
): void {
  for (const [name, offset] of embedded(bytes, start)) {
    if (whole || name !== 'cursor') {
      reply[name] = dress(bytes, offset, reply[name], DocumentClass);
      continue;
    }
    for (const [inner, innerOffset] of embedded(bytes, offset)) {
      if (!BATCHES.includes(inner)) continue;
      reply.cursor[inner] = dress(bytes, innerOffset, reply.cursor[inner], DocumentClass);
    }
  }
}

/** The same value, if it is no plain document or array. */
function dress(bytes: Buffer, start: number, value: unknown, DocumentClass: DocumentClass): unknown {
  if (Array.isArray(value)) {
    for (const [index, offset] of embedded(bytes, start)) {
      value[Number(index)] = dress(bytes, offset, value[Number(index)], DocumentClass);
    }
    return value;
  }
  // Some documents have become something else, such as a DBRef.
  if (typeof value !== 'object' || value === null || Object.getPrototypeOf(value) !== Object.prototype) return value;
  return build(bytes, start, value as Document, DocumentClass);
}

function build(bytes: Buffer, start: number, plain: Document, DocumentClass: DocumentClass): object {
  const made = new DocumentClass();
  for (const [type, nameOffset, nameLength, offset] of onDemand.parseToElements(bytes, start)) {
    const name = bytes.toString('utf8', nameOffset, nameOffset + nameLength);
    const value = type === DOCUMENT || type === ARRAY ? dress(bytes, offset, plain[name], DocumentClass) : plain[name];
    setField(made, name, value);
  }
  return made;
}

function setField(made: object, name: string, value: unknown): void {
  if (made instanceof Map) made.set(name, value);
  else (made as Document)[name] = value;
}

/** Names and places of the documents and arrays that a document holds. */
function* embedded(bytes: Buffer, start: number): Iterable<[name: string, offset: number]> {
  for (const [type, nameOffset, nameLength, offset] of onDemand.parseToElements(bytes, start)) {
    if (type === DOCUMENT || type === ARRAY)
      yield [bytes.toString('utf8', nameOffset, nameOffset + nameLength), offset];
  }
}

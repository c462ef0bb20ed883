import type { Document } from 'bson';
import { ListedDocument } from './documents';
import { encode, moveIdFirst } from './encode';
import { DocumentTooLarge, InvalidDocument } from './errors';
import type { DocumentSequence } from './message';
import type { ServerDescription } from './serverDescription';
import { OVERHEAD, sizeOf } from './sizes';

const FEWEST_MORE = 64;

/**
 * What is sent of many writes of one kind, in columns: the encoder wants them so, and of a thousand writes there are not
 * a thousand objects for the garbage collector.
 */
export class Statements {
  readonly #documents: Document[];
  #length = 0;
  #idsLast: Uint8Array | null = null;
  /** Whether there is a `ListedDocument` among them. */
  areListed = false;

  /** @param expected about so many will be added */
  constructor(expected = 0) {
    this.#documents = new Array(expected);
  }

  static of(documents: readonly Document[]): Statements {
    const statements = new Statements(documents.length);
    for (const document of documents) statements.push(document);
    return statements;
  }

  /** As many as there are. */
  get documents(): readonly Document[] {
    if (this.#documents.length !== this.#length) this.#documents.length = this.#length; // fewer than was expected
    return this.#documents;
  }

  get length(): number {
    return this.#length;
  }

  /** 1 for each whose `_id` the driver added; as many as there are, or none. */
  get idsLast(): Uint8Array | undefined {
    return this.#idsLast?.subarray(0, this.#length);
  }

  /**
   * @param document a document to insert, or a statement as the `update` and `delete` commands have them
   * @param idLast its `_id` was added by the driver: see `moveIdFirst`
   */
  push(document: Document, idLast = false): void {
    const index = this.#length++;
    this.#documents[index] = document;
    if (idLast) this.#idsLastUpTo(index)[index] = 1;
    if (document instanceof ListedDocument) this.areListed = true;
  }

  /** Send this in the place of what was added. */
  replace(index: number, document: Document): void {
    this.#documents[index] = document;
    if (document instanceof ListedDocument) this.areListed = true;
  }

  isIdLast(index: number): boolean {
    return this.#idsLast !== null && this.#idsLast[index] === 1;
  }

  #idsLastUpTo(index: number): Uint8Array {
    const known = this.#idsLast;
    if (known !== null && index < known.length) return known;
    const more = known === null ? 0 : Math.max(FEWEST_MORE, 2 * index);
    this.#idsLast = new Uint8Array(Math.max(more, this.#documents.length));
    if (known !== null) this.#idsLast.set(known);
    return this.#idsLast;
  }

  /** Whether each of these changes one document at most, so that a server knows it when it comes again. */
  areSingle(first: number, count: number): boolean {
    const { documents } = this;
    for (let index = first; index < first + count; index++) {
      const document = documents[index] as Document;
      if (document.multi === true || document.limit === 0) return false;
    }
    return true;
  }
}

/** Writes that come bit by bit. */
export interface ComingStatements<T = unknown> {
  readonly items: Iterable<T> | AsyncIterable<T>;
  /** Put what is to be sent of an item behind the others. */
  readonly add: (to: Statements, item: T) => void;
}

const FIRST_CAPACITY = 16 * 1024;
const NOTHING = Buffer.alloc(0);

/** Documents are handed to the encoder by the dozen: about so many bytes, and at most so many documents, at once. */
const CHUNK_SIZE = 256 * 1024;
const LONGEST_CHUNK = 256;

/** The field of a command that the documents stand for. */
export type SequenceField = 'documents' | 'updates' | 'deletes' | 'ops';

/** Encodes documents one behind the other, as many as one message may hold. */
export class SequenceBuilder {
  readonly #field: SequenceField;
  /** Names the nth (from 0) of all that were added, with command and namespace; for errors. */
  readonly #nameOf: (n: number) => string;
  readonly #limits: ServerDescription;
  /** How many documents are expected in all; 0: nobody knows. */
  readonly #expected: number;
  /** Bytes that a message has for its documents. */
  readonly #room: number;
  #bytes: Buffer = NOTHING;
  #size = 0;
  #count = 0;
  #total = 0;
  #chunk = 1;

  constructor(
    field: SequenceField,
    nameOf: (n: number) => string,
    limits: ServerDescription,
    expected: number,
    room = limits.maxMessageSize - OVERHEAD,
  ) {
    this.#field = field;
    this.#nameOf = nameOf;
    this.#limits = limits;
    this.#expected = expected;
    this.#room = room;
  }

  get count(): number {
    return this.#count;
  }

  /** How many statements are best added at once. */
  get chunk(): number {
    return this.#chunk;
  }

  /** Bytes that must go beside the documents with this statement among them. */
  protected sizeBeside(_index: number): number {
    return 0;
  }

  /** The encoded statement, which begins at `start`, is about to be put behind the others. */
  protected adding(encoded: Buffer, start: number, _index: number, idLast: boolean): void {
    if (idLast) moveIdFirst(encoded, start);
  }

  /** Bytes of what a server limits of the statement: the user's document in it. */
  protected ownSize(document: Document, size: number): number {
    if (this.#field === 'documents') return size;
    return this.#field === 'updates' ? Math.max(size - OVERHEAD, sizeOf(document.u)) : size - OVERHEAD;
  }

  /**
   * Add all statements.
   * @param full called when there is no room for more, to take what was added; false: nothing more is to be added
   * @returns whether all were added
   */
  async addAll(statements: Statements, full: () => Promise<boolean>): Promise<boolean> {
    for (let from = 0; from < statements.length; ) {
      const to = Math.min(from + this.#chunk, statements.length);
      from += this.add(statements, from, to);
      if (from < to && !(await full())) return false;
    }
    return true;
  }

  /**
   * Add the statements from `from` up to `to`, as many as fit.
   * @returns how many; when not all, those that were added must be taken before it goes on
   * @throws DocumentTooLarge, InvalidDocument: of the first one, when nothing is there that had to be taken before
   */
  add(statements: Statements, from: number, to: number): number {
    const documents = statements.documents.slice(from, to);
    let encoded: Uint8Array;
    try {
      encoded = encode({ '': documents });
    } catch (error) {
      if (documents.length > 1) return this.#addEach(statements, from, to);
      if (this.#count > 0) return 0;
      throw this.#unencodable(error as Error, documents[0] as Document);
    }
    return this.#addEncoded(statements, from, to, Buffer.from(encoded.buffer, encoded.byteOffset, encoded.length));
  }

  /** One of them cannot be encoded, or together they are too long for the encoder. */
  #addEach(statements: Statements, from: number, to: number): number {
    for (let index = from; index < to; index++) {
      try {
        if (this.add(statements, index, index + 1) === 0) return index - from;
      } catch (error) {
        if (index > from) return index - from;
        throw error;
      }
    }
    return to - from;
  }

  /** @param encoded the documents as the array in `{ '': [...] }` */
  #addEncoded(statements: Statements, from: number, to: number, encoded: Buffer): number {
    let at = ENCODED_ARRAY_START;
    for (let index = from; index < to; index++) {
      while (encoded[++at] !== 0); // its type, then its key
      at++;
      const size = encoded.readInt32LE(at);
      if (!this.#hasRoomFor(size, statements.documents[index] as Document, index)) return index - from;
      this.adding(encoded, at, index, statements.isIdLast(index));
      encoded.copy(this.#bytes, this.#size, at, at + size);
      at += size;
      this.#size += size;
      this.#count++;
      this.#total++;
    }
    this.#chunk = Math.max(1, Math.min(LONGEST_CHUNK, Math.floor((CHUNK_SIZE * this.#count) / this.#size)));
    return to - from;
  }

  /** @throws DocumentTooLarge, when nothing is there that had to be taken before */
  #hasRoomFor(size: number, document: Document, index: number): boolean {
    const { maxBsonSize, maxMessageSize, maxWriteBatchSize } = this.#limits;
    const end = this.#size + size;
    const isTooLarge = size > maxBsonSize && this.ownSize(document, size) > maxBsonSize;
    if (this.#count > 0) {
      if (isTooLarge || this.#count === maxWriteBatchSize) return false;
      if (end + this.sizeBeside(index) > this.#room) return false;
    } else if (isTooLarge || size > maxMessageSize) {
      throw this.#tooLarge(size);
    }
    if (end > this.#bytes.length) this.#grow(end, size);
    return true;
  }

  /** What was added, ready to be sent; the next is a new sequence. */
  take(): DocumentSequence {
    const sequence = { field: this.#field, bytes: this.#bytes.subarray(0, this.#size), count: this.#count };
    this.#bytes = NOTHING;
    this.#size = 0;
    this.#count = 0;
    return sequence;
  }

  /** What was taken is sent and answered: its place can be used again. */
  reuse({ bytes }: DocumentSequence): void {
    if (this.#size === 0) this.#bytes = Buffer.from(bytes.buffer, bytes.byteOffset);
  }

  #grow(needed: number, size: number): void {
    // Documents of one kind are about equally long.
    const guess = Math.max(FIRST_CAPACITY, 2 * this.#bytes.length, this.#expected * size * 1.1);
    const capacity = Math.max(needed, Math.min(Math.ceil(guess), this.#limits.maxMessageSize));
    const larger = Buffer.allocUnsafeSlow(capacity);
    this.#bytes.copy(larger, 0, 0, this.#size);
    this.#bytes = larger;
  }

  #unencodable(error: Error, document: Document): Error {
    if (error instanceof RangeError) return this.#tooLarge(sizeOf(document));
    return new InvalidDocument(`${this.#nameOf(this.#total)}: ${error.message}`, { cause: error });
  }

  #tooLarge(size: number): Error {
    const { address, maxBsonSize, maxMessageSize } = this.#limits;
    const most = Math.min(maxBsonSize, maxMessageSize);
    return new DocumentTooLarge(`${this.#nameOf(this.#total)} has ${size} bytes, ${address} takes ${most}`);
  }
}

/** Length, type, empty key; then the array's length. */
const ENCODED_ARRAY_START = 4 + 1 + 1 + 4;

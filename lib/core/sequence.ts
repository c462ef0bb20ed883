import { calculateObjectSize, type Document } from 'bson';
import { encode, moveIdFirst } from './encode';
import { DocumentTooLarge, InvalidDocument } from './errors';
import type { DocumentSequence } from './message';
import type { ServerDescription } from './serverDescription';

/** What is sent of one write. */
export interface Statement {
  /** A document to insert, or a statement as the `update` and `delete` commands have them. */
  readonly document: Document;
  /** Its `_id` was added by the driver: see `moveIdFirst`. */
  readonly idLast?: boolean;
}

/** What is sent of many writes of one kind, in columns, since the encoder wants them so. */
export class Statements {
  readonly documents: Document[] = [];
  /** 1 where the driver added the `_id`, else 0. */
  readonly idsLast: number[] = [];

  static of<T>(items: readonly T[], statementOf: (item: T) => Statement): Statements {
    const statements = new Statements();
    for (const item of items) {
      const { document, idLast } = statementOf(item);
      statements.push(document, idLast);
    }
    return statements;
  }

  get length(): number {
    return this.documents.length;
  }

  push(document: Document, idLast = false): void {
    this.documents.push(document);
    this.idsLast.push(idLast ? 1 : 0);
  }
}

/** What a message holds besides its documents, and what a server grants a statement besides its document. */
const OVERHEAD = 16 * 1024;
const FIRST_CAPACITY = 16 * 1024;
const NOTHING = Buffer.alloc(0);

/** Documents are handed to the encoder by the dozen: about so many bytes, and at most so many documents, at once. */
const CHUNK_SIZE = 256 * 1024;
const LONGEST_CHUNK = 256;

/** Encodes documents one behind the other, as many as one message may hold. */
export class SequenceBuilder {
  readonly #field: 'documents' | 'updates' | 'deletes';
  /** Names the nth (from 0) of all that were added, with command and namespace; for errors. */
  readonly #nameOf: (n: number) => string;
  readonly #limits: ServerDescription;
  /** How many documents are expected in all; 0: nobody knows. */
  readonly #expected: number;
  #bytes: Buffer = NOTHING;
  #size = 0;
  #count = 0;
  #total = 0;
  #chunk = 1;

  constructor(
    field: 'documents' | 'updates' | 'deletes',
    nameOf: (n: number) => string,
    limits: ServerDescription,
    expected: number,
  ) {
    this.#field = field;
    this.#nameOf = nameOf;
    this.#limits = limits;
    this.#expected = expected;
  }

  get count(): number {
    return this.#count;
  }

  /** How many statements are best added at once. */
  get chunk(): number {
    return this.#chunk;
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
  #addEncoded({ documents, idsLast }: Statements, from: number, to: number, encoded: Buffer): number {
    let at = ENCODED_ARRAY_START;
    for (let index = from; index < to; index++) {
      while (encoded[++at] !== 0); // its type, then its key
      at++;
      const size = encoded.readInt32LE(at);
      if (!this.#hasRoomFor(size, documents[index] as Document)) return index - from;
      if (idsLast[index] === 1) moveIdFirst(encoded, at);
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
  #hasRoomFor(size: number, document: Document): boolean {
    const { maxBsonSize, maxMessageSize, maxWriteBatchSize } = this.#limits;
    const end = this.#size + size;
    if (this.#count > 0) {
      if (this.#count === maxWriteBatchSize || end > maxMessageSize - OVERHEAD) return false;
      if (size > maxBsonSize && this.#isTooLarge(document, size)) return false;
    } else if (size > maxBsonSize && this.#isTooLarge(document, size)) {
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

  /** Whether the user's document in the statement is over the limit. */
  #isTooLarge(document: Document, size: number): boolean {
    let own = size;
    if (this.#field !== 'documents') own -= OVERHEAD;
    if (this.#field === 'updates') own = Math.max(own, sizeOf(document.u));
    return own > this.#limits.maxBsonSize;
  }

  #unencodable(error: Error, document: Document): Error {
    if (error instanceof RangeError) return this.#tooLarge(sizeOf(document));
    return new InvalidDocument(`${this.#nameOf(this.#total)}: ${error.message}`, { cause: error });
  }

  #tooLarge(size: number): Error {
    const { address, maxBsonSize } = this.#limits;
    return new DocumentTooLarge(`${this.#nameOf(this.#total)} has ${size} bytes, ${address} takes ${maxBsonSize}`);
  }
}

/** Length, type, empty key; then the array's length. */
const ENCODED_ARRAY_START = 4 + 1 + 1 + 4;

function sizeOf(document: Document): number {
  return calculateObjectSize(document, { ignoreUndefined: false });
}

import { calculateObjectSize, type Document } from 'bson';
import { encode, moveIdFirst } from './encode';
import { DocumentTooLarge, InvalidDocument } from './errors';
import type { DocumentSequence } from './message';
import type { ServerDescription } from './serverDescription';

/** What a message holds besides its documents, and what a server grants a statement besides its document. */
const OVERHEAD = 16 * 1024;
const FIRST_CAPACITY = 64 * 1024;

/** Encodes documents one behind the other, as many as one message may hold. */
export class SequenceBuilder {
  readonly #field: 'documents' | 'updates' | 'deletes';
  /** Names the nth (from 0) of all that were added, with command and namespace; for errors. */
  readonly #nameOf: (n: number) => string;
  readonly #limits: ServerDescription;
  #bytes = Buffer.allocUnsafe(FIRST_CAPACITY);
  #size = 0;
  #count = 0;
  #total = 0;

  constructor(field: 'documents' | 'updates' | 'deletes', nameOf: (n: number) => string, limits: ServerDescription) {
    this.#field = field;
    this.#nameOf = nameOf;
    this.#limits = limits;
  }

  get count(): number {
    return this.#count;
  }

  /**
   * Add one more.
   * @param idLast its `_id` was added by the driver: see `moveIdFirst`
   * @returns false: it does not fit beside the others, which must be taken first
   * @throws DocumentTooLarge, InvalidDocument
   */
  add(document: Document, idLast = false): boolean {
    if (this.#count === this.#limits.maxWriteBatchSize) return false;
    const bytes = this.#encode(document);
    if (bytes.length > this.#limits.maxBsonSize) this.#checkSize(document, bytes.length);
    if (idLast) moveIdFirst(bytes, 0);
    const end = this.#size + bytes.length;
    if (this.#count > 0 && end > this.#limits.maxMessageSize - OVERHEAD) return false;
    if (end > this.#bytes.length) this.#grow(end);
    this.#bytes.set(bytes, this.#size);
    this.#size = end;
    this.#count++;
    this.#total++;
    return true;
  }

  /** What was added, ready to be sent; the next is a new sequence. */
  take(): DocumentSequence {
    const sequence = { field: this.#field, bytes: this.#bytes.subarray(0, this.#size), count: this.#count };
    this.#bytes = Buffer.allocUnsafe(FIRST_CAPACITY);
    this.#size = 0;
    this.#count = 0;
    return sequence;
  }

  #encode(document: Document): Uint8Array {
    try {
      return encode(document);
    } catch (error) {
      if (error instanceof RangeError) throw this.#tooLarge(sizeOf(document));
      throw new InvalidDocument(`${this.#nameOf(this.#total)}: ${(error as Error).message}`, { cause: error });
    }
  }

  #grow(needed: number): void {
    const larger = Buffer.allocUnsafeSlow(Math.max(needed, 2 * this.#bytes.length));
    this.#bytes.copy(larger, 0, 0, this.#size);
    this.#bytes = larger;
  }

  /** @throws DocumentTooLarge: the user's document in it is over the limit */
  #checkSize(document: Document, size: number): void {
    let own = size;
    if (this.#field !== 'documents') own -= OVERHEAD;
    if (this.#field === 'updates') own = Math.max(own, sizeOf(document.u));
    if (own > this.#limits.maxBsonSize) throw this.#tooLarge(size);
  }

  #tooLarge(size: number): Error {
    const { address, maxBsonSize } = this.#limits;
    return new DocumentTooLarge(`${this.#nameOf(this.#total)} has ${size} bytes, ${address} takes ${maxBsonSize}`);
  }
}

function sizeOf(document: Document): number {
  return calculateObjectSize(document, { ignoreUndefined: false });
}

import { calculateObjectSize, type Document, serializeWithBufferAndIndex } from 'bson';
import { DocumentTooLarge, InvalidDocument } from './errors';
import type { DocumentSequence } from './message';
import type { ServerDescription } from './serverDescription';

/** What a message holds besides its documents. */
const MESSAGE_OVERHEAD = 16 * 1024;
const FIRST_CAPACITY = 64 * 1024;

/** Encodes documents one behind the other, as many as one message may hold. */
export class SequenceBuilder {
  readonly #field: string;
  /** Command and namespace, for errors. */
  readonly #description: string;
  readonly #limits: ServerDescription;
  readonly #encoding = { index: 0, ignoreUndefined: false };
  #bytes = Buffer.allocUnsafe(FIRST_CAPACITY);
  #size = 0;
  #count = 0;
  #total = 0;

  constructor(field: string, description: string, limits: ServerDescription) {
    this.#field = field;
    this.#description = description;
    this.#limits = limits;
  }

  get count(): number {
    return this.#count;
  }

  /**
   * Add one more.
   * @returns false: it does not fit beside the others, which must be taken first
   * @throws DocumentTooLarge, InvalidDocument
   */
  add(document: Document): boolean {
    if (this.#count === this.#limits.maxWriteBatchSize) return false;
    const end = this.#encode(document);
    const size = end - this.#size;
    if (size > this.#limits.maxBsonSize) throw this.#tooLarge(size);
    if (this.#count > 0 && end > this.#limits.maxMessageSize - MESSAGE_OVERHEAD) return false;
    this.#size = end;
    this.#count++;
    this.#total++;
    return true;
  }

  /** What was added, ready to be sent; the next is a new sequence. */
  take(): DocumentSequence {
    const sequence = { field: this.#field, bytes: this.#bytes.subarray(0, this.#size), count: this.#count };
    this.#bytes = Buffer.allocUnsafe(Math.max(FIRST_CAPACITY, Math.min(this.#bytes.length, 2 * this.#size)));
    this.#size = 0;
    this.#count = 0;
    return sequence;
  }

  /** Where the document ends that was encoded behind the others. */
  #encode(document: Document): number {
    for (;;) {
      this.#encoding.index = this.#size;
      try {
        return serializeWithBufferAndIndex(document, this.#bytes, this.#encoding) + 1;
      } catch (error) {
        if (!(error instanceof RangeError)) {
          const message = `${this.#description}: document ${this.#total + 1}: ${(error as Error).message}`;
          throw new InvalidDocument(message, { cause: error });
        }
      }
      const needed = this.#size + calculateObjectSize(document, { ignoreUndefined: false });
      // There was room enough: it was the encoder's own that did not suffice.
      if (needed <= this.#bytes.length || needed - this.#size > this.#limits.maxBsonSize) {
        throw this.#tooLarge(needed - this.#size);
      }
      const larger = Buffer.allocUnsafe(Math.max(needed, 2 * this.#bytes.length));
      this.#bytes.copy(larger, 0, 0, this.#size);
      this.#bytes = larger;
    }
  }

  #tooLarge(size: number): Error {
    return new DocumentTooLarge(
      `${this.#description}: document ${this.#total + 1} has ${size} bytes, ` +
        `${this.#limits.address} takes ${this.#limits.maxBsonSize}`,
    );
  }
}

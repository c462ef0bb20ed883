import { calculateObjectSize, type Document } from 'bson';
import { encode, moveIdFirst } from './encode';
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
   * Add one more; bytes are a document that is encoded already.
   * @param idLast its `_id` was added by the driver: see `moveIdFirst`
   * @returns false: it does not fit beside the others, which must be taken first
   * @throws DocumentTooLarge, InvalidDocument
   */
  add(document: Document | Uint8Array, idLast = false): boolean {
    if (this.#count === this.#limits.maxWriteBatchSize) return false;
    const bytes = this.#encode(document);
    if (bytes.length > this.#limits.maxBsonSize) throw this.#tooLarge(bytes.length);
    if (idLast) moveIdFirst(bytes, 0);
    const end = this.#size + bytes.length;
    if (this.#count > 0 && end > this.#limits.maxMessageSize - MESSAGE_OVERHEAD) return false;
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

  #encode(document: Document | Uint8Array): Uint8Array {
    if (document instanceof Uint8Array) return document;
    try {
      return encode(document);
    } catch (error) {
      if (error instanceof RangeError) throw this.#tooLarge(calculateObjectSize(document, { ignoreUndefined: false }));
      const message = `${this.#description}: document ${this.#total + 1}: ${(error as Error).message}`;
      throw new InvalidDocument(message, { cause: error });
    }
  }

  #grow(needed: number): void {
    const larger = Buffer.allocUnsafeSlow(Math.max(needed, 2 * this.#bytes.length));
    this.#bytes.copy(larger, 0, 0, this.#size);
    this.#bytes = larger;
  }

  #tooLarge(size: number): Error {
    return new DocumentTooLarge(
      `${this.#description}: document ${this.#total + 1} has ${size} bytes, ` +
        `${this.#limits.address} takes ${this.#limits.maxBsonSize}`,
    );
  }
}

import type { Document } from 'bson';
import { encode, moveIdFirst } from './encode';
import type { DocumentSequence } from './message';
import { SequenceBuilder } from './sequence';
import type { ServerDescription } from './serverDescription';
import { OVERHEAD, sizeOf } from './sizes';

/**
 * Where things lie in an encoded operation, which begins with `insert`, `update` or `delete`, of equal length: the number
 * of its namespace, and the document of an insert, which ends where the operation does, but for a byte.
 */
const NAMESPACE_AT = 4 + 1 + 'insert\0'.length;
const DOCUMENT_AT = NAMESPACE_AT + 4 + 1 + 'document\0'.length;

/** What lies around the name in an encoded `{ ns: name }`. */
const INFO_SIZE = 4 + 1 + 'ns\0'.length + 4 + 1 + 1;

/**
 * Encodes the operations of a `bulkWrite` command, and beside them their namespaces, each once. In the operations as they
 * are given the number of the namespace is 0.
 */
export class OpsBuilder extends SequenceBuilder {
  /** Of each operation. */
  readonly #namespaces: readonly string[];
  /** The number of each namespace in the command that is being put together. */
  readonly #numbers = new Map<string, number>();
  #infoSize = 0;

  constructor(
    namespaces: readonly string[],
    nameOf: (n: number) => string,
    limits: ServerDescription,
    /** Bytes that a message has for operations and namespaces. */
    room: number,
  ) {
    super('ops', nameOf, limits, namespaces.length, room);
    this.#namespaces = namespaces;
  }

  protected override sizeBeside(index: number): number {
    return this.#infoSize + this.#sizeOfNew(this.#namespaceOf(index));
  }

  protected override adding(encoded: Buffer, start: number, index: number, idLast: boolean): void {
    const namespace = this.#namespaceOf(index);
    this.#infoSize += this.#sizeOfNew(namespace);
    const number = this.#numbers.get(namespace) ?? this.#numbers.size;
    this.#numbers.set(namespace, number);
    encoded.writeInt32LE(number, start + NAMESPACE_AT);
    if (idLast) moveIdFirst(encoded, start + DOCUMENT_AT);
  }

  protected override ownSize(op: Document, size: number): number {
    if (op.insert !== undefined) return size - DOCUMENT_AT - 1;
    return op.update === undefined ? size - OVERHEAD : Math.max(size - OVERHEAD, sizeOf(op.updateMods));
  }

  override take(): DocumentSequence {
    const infos = [...this.#numbers.keys()].map((ns) => Buffer.from(encode({ ns })));
    const before: DocumentSequence = { field: 'nsInfo', bytes: Buffer.concat(infos), count: infos.length };
    this.#numbers.clear();
    this.#infoSize = 0;
    return { ...super.take(), before };
  }

  #namespaceOf(index: number): string {
    return this.#namespaces[index] as string;
  }

  /** Bytes for a namespace, unless it is there already. */
  #sizeOfNew(namespace: string): number {
    return this.#numbers.has(namespace) ? 0 : INFO_SIZE + Buffer.byteLength(namespace);
  }
}

import { type Document, onDemand, serializeWithBufferAndIndex } from 'bson';
import { LAST_DATE } from './rereading';

/**
 * Catches what the encoder copies out of its own buffer, so that the bytes can be put where they belong in one step,
 * however many they are; they need not be counted first.
 */
class Catcher extends Uint8Array {
  caught: Uint8Array = this;

  override set(bytes: ArrayLike<number>): void {
    this.caught = bytes as Uint8Array;
  }
}

const catcher = new Catcher(0);

/** Milliseconds beyond the range of `Date` that the encoder has come upon, in order. */
const beyond: bigint[] = [];

/** What the encoder takes for a `Date`, also beyond the range of these. */
export class EncodableDate {
  constructor(readonly milliseconds: bigint) {}

  get [Symbol.toStringTag](): string {
    return 'Date';
  }

  /** Beyond the range of `Date` it may be rounded, which {@link encode} puts right. */
  getTime(): number {
    if (isBeyond(this.milliseconds)) beyond.push(this.milliseconds);
    return Number(this.milliseconds);
  }
}

function isBeyond(milliseconds: bigint): boolean {
  return milliseconds > LAST_DATE || milliseconds < -LAST_DATE;
}

/** `undefined` becomes null: were it dropped, the filter `{ _id: undefined }` would match everything. */
const ENCODING = { ignoreUndefined: false };

/**
 * A document as BSON. The bytes are lent: the next call writes over them.
 * @throws BSONError of `bson`: a value or key that cannot be encoded
 * @throws RangeError: more than the encoder's 17 MB
 */
export function encode(document: Document): Uint8Array {
  if (beyond.length > 0) beyond.length = 0;
  const end = serializeWithBufferAndIndex(document, catcher, ENCODING);
  const bytes = catcher.caught;
  // Beyond its end the encoder's buffer swallows what is written.
  if (bytes.length !== end + 1) throw new RangeError(`the document has more than ${bytes.length} bytes`);
  if (beyond.length > 0) writeDates(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length), 0);
  return bytes;
}

const DOCUMENT = 3;
const ARRAY = 4;
const DATE = 9;
const CODE_WITH_SCOPE = 15;

/** The dates beyond the range of `Date`, in the order in which they were encoded: each gets all of its 64 bits. */
function writeDates(bytes: Buffer, start: number): void {
  for (const [type, , , offset] of onDemand.parseToElements(bytes, start)) {
    if (type === DATE && isBeyond(bytes.readBigInt64LE(offset)))
      bytes.writeBigInt64LE(beyond.shift() as bigint, offset);
    else if (type === DOCUMENT || type === ARRAY) writeDates(bytes, offset);
    else if (type === CODE_WITH_SCOPE) writeDates(bytes, offset + 8 + bytes.readInt32LE(offset + 4));
  }
}

/** Type byte, `_id`, NUL, and the twelve bytes of an ObjectId. */
const ID_SIZE = 1 + 4 + 12;
const OBJECT_ID = 7;

/** Of the encoder's buffer, which is always the same. */
let view: DataView = new DataView(new ArrayBuffer(0));

function viewOf({ buffer }: Uint8Array): DataView {
  if (view.buffer !== buffer) view = new DataView(buffer);
  return view;
}

/**
 * An `_id` that the driver added stands last in the document; bytes are cheaper to put in order than objects.
 * @param encoded what `encode` lent
 * @param start where the document begins in it
 */
export function moveIdFirst(encoded: Uint8Array, start: number): void {
  moveIdAt(viewOf(encoded), encoded.byteOffset + start);
}

/** Four bytes at a time: a call that moves them all takes longer, unless they are thousands. */
function moveIdAt(view: DataView, start: number): void {
  const first = start + 4;
  const idStart = start + view.getInt32(start, true) - 1 - ID_SIZE;
  // It may have none: what a `toBSON` gave instead of the document.
  if (idStart < first || view.getUint8(idStart) !== OBJECT_ID || view.getUint8(idStart + 1) !== 0x5f /* _ */) return;
  const name = view.getInt32(idStart + 1, true);
  const id0 = view.getInt32(idStart + 5, true);
  const id4 = view.getInt32(idStart + 9, true);
  const id8 = view.getInt32(idStart + 13, true);
  let at = idStart;
  while (at >= first + 4) {
    at -= 4;
    view.setInt32(at + ID_SIZE, view.getInt32(at, true), true);
  }
  while (at > first) view.setUint8(--at + ID_SIZE, view.getUint8(at));
  view.setUint8(first, OBJECT_ID);
  view.setInt32(first + 1, name, true);
  view.setInt32(first + 5, id0, true);
  view.setInt32(first + 9, id4, true);
  view.setInt32(first + 13, id8, true);
}

/**
 * The documents of an encoded `{ insert: name, documents: [...], ... }`, each with its `_id` first.
 * @param encoded what `encode` lent
 * @param idsLast 1 for each document whose `_id` the driver added; not more than there are
 */
export function moveIdsFirst(encoded: Uint8Array, idsLast: ArrayLike<number>): void {
  const view = viewOf(encoded);
  const name = encoded.byteOffset + 4 + 1 + 'insert\0'.length;
  // Behind the name: type and key of the array, and its length.
  let at = name + 4 + view.getInt32(name, true) + 1 + 'documents\0'.length + 4;
  for (let index = 0; index < idsLast.length; index++) {
    while (view.getUint8(++at) !== 0); // its type, then its key
    at++;
    if (idsLast[index] === 1) moveIdAt(view, at);
    at += view.getInt32(at, true);
  }
}

/**
 * Messages of the wire protocol: OP_MSG both ways, and the legacy OP_QUERY and OP_REPLY of the first handshake.
 * Pure functions over bytes; sockets are `connection.ts`.
 *
 * @see MongoDB wire protocol; specification "OP_MSG"
 */

import { BSONError, type DeserializeOptions, type Document, deserialize, serialize } from 'bson';
import { crc32c } from './crc32c';
import { type DocumentClass, dressReply } from './documentClass';
import { encode, moveIdsFirst } from './encode';
import { InvalidBSON, ProtocolError } from './errors';
import { type DateReading, rereadDates, rereadText, type TextReading } from './rereading';
import { decodeUuids, type UuidReading } from './uuids';

const OP_REPLY = 1;
const OP_QUERY = 2004;
const OP_MSG = 2013;

export const HEADER_SIZE = 16;
/** Header, flag bits, and the kind byte of the body section. */
const MSG_BODY_OFFSET = HEADER_SIZE + 4 + 1;
const REPLY_BODY_OFFSET = HEADER_SIZE + 20;
const CHECKSUM_SIZE = 4;
/** Flag bits that must be understood; those above may be ignored. */
const REQUIRED_FLAGS = 0xffff;

/** Flag bits of OP_MSG. */
const CHECKSUM_PRESENT = 1 << 0;
export const MORE_TO_COME = 1 << 1;
export const EXHAUST_ALLOWED = 1 << 16;

/** Flag bits of OP_REPLY. */
const QUERY_FAILURE = 1 << 1;

/** No server sends a longer message: its own limit is 48 000 000 bytes. */
export const LONGEST_MESSAGE = 64 * 1024 * 1024;

/** Documents that travel beside the command in a section of their own (kind 1). */
export interface DocumentSequence {
  /** The command's field that they stand for, such as `documents`. */
  readonly field: string;
  /** The documents, encoded, one behind the other. */
  readonly bytes: Uint8Array;
  readonly count: number;
  /** A short one, which goes before it. */
  readonly before?: DocumentSequence;
}

/** What a message says, taken apart. */
export interface Reply {
  readonly requestId: number;
  readonly responseTo: number;
  /** Another message follows without being asked for (exhaust cursors, streamed hello). */
  readonly moreToCome: boolean;
  readonly body: Document;
  /** The message is sound, but there is a value in it that cannot be read as it is to be. */
  readonly fault: InvalidBSON | null;
}

/** How a command is encoded. */
export interface EncodingOptions {
  /** Documents that travel in a section of their own. */
  sequence?: DocumentSequence;
  /** Tells by its index (1) which of the documents to insert got its `_id` from the driver: see `moveIdFirst`. */
  idsLast?: ArrayLike<number> | undefined;
}

const SLAB_SIZE = 1024 * 1024;
/** Where messages are put together; their place is used again as soon as they are sent, which spares fresh memory. */
let slab = Buffer.allocUnsafeSlow(SLAB_SIZE);
let slabUsed = 0;

/**
 * An OP_MSG with the command as its body. Where there are documents beside it, it ends where their bytes begin, which
 * follow as they are.
 */
export function encodeCommand(
  requestId: number,
  flags: number,
  command: Document,
  { sequence, idsLast }: EncodingOptions = DEFAULTS,
): Buffer {
  const body = encode(command);
  if (idsLast !== undefined) moveIdsFirst(body, idsLast);
  const end = MSG_BODY_OFFSET + body.length;
  const message = place(sequence === undefined ? end : end + headSize(sequence));
  writeHeader(message, requestId, OP_MSG, message.length + (sequence?.bytes.length ?? 0));
  message.writeInt32LE(flags, HEADER_SIZE);
  message[MSG_BODY_OFFSET - 1] = 0; // kind: body
  message.set(body, MSG_BODY_OFFSET);
  if (sequence !== undefined) writeHead(message, end, sequence);
  return message;
}

/** Bytes of a section up to its documents: its kind, size and name, and what goes before it. */
function headSize({ field, before }: DocumentSequence): number {
  const own = 1 + 4 + Buffer.byteLength(field) + 1;
  return before === undefined ? own : headSize(before) + before.bytes.length + own;
}

/** @returns where the documents of the section belong */
function writeHead(message: Buffer, start: number, { field, bytes, before }: DocumentSequence): number {
  let at = start;
  if (before !== undefined) {
    at = writeHead(message, start, before);
    message.set(before.bytes, at);
    at += before.bytes.length;
  }
  const nameSize = message.write(`${field}\0`, at + 5);
  message[at] = 1; // kind: document sequence
  message.writeInt32LE(4 + nameSize + bytes.length, at + 1);
  return at + 5 + nameSize;
}

/** Bytes for a message. */
function place(size: number): Buffer {
  if (size > SLAB_SIZE / 4) return Buffer.allocUnsafeSlow(size);
  if (slabUsed + size > SLAB_SIZE) {
    slab = Buffer.allocUnsafeSlow(SLAB_SIZE);
    slabUsed = 0;
  }
  const message = slab.subarray(slabUsed, slabUsed + size);
  slabUsed += size;
  return message;
}

/** The bytes of `message` are the kernel's by now, so that their place can be used again. */
export function recycle(message: Buffer): void {
  if (message.buffer === slab.buffer && message.byteOffset + message.length === slabUsed) slabUsed = message.byteOffset;
}

function writeHeader(message: Buffer, requestId: number, opcode: number, length: number): void {
  message.writeInt32LE(length, 0);
  message.writeInt32LE(requestId, 4);
  message.writeInt32LE(0, 8);
  message.writeInt32LE(opcode, 12);
}

/** The legacy OP_QUERY on `admin.$cmd`, by which every server can be greeted. */
export function encodeLegacyQuery(requestId: number, command: Document): Buffer {
  const namespace = 'admin.$cmd\0';
  const body = serialize(command);
  const bodyOffset = HEADER_SIZE + 4 + namespace.length + 8;
  const message = Buffer.alloc(bodyOffset + body.length);
  writeHeader(message, requestId, OP_QUERY, message.length);
  message.write(namespace, HEADER_SIZE + 4);
  message.writeInt32LE(-1, bodyOffset - 4); // one document, then close
  message.set(body, bodyOffset);
  return message;
}

/** How the reply to an operation is decoded. */
export interface DecodingOptions {
  /** Options of `bson`; default: its own. */
  decoding?: DeserializeOptions;
  /** Class of the user's documents in the reply; default: plain objects. */
  documentClass?: DocumentClass;
  /** The whole reply is the user's, since the command was: `cursor` in it is dressed as well. */
  wholeReply?: boolean;
  /** What is read as UUID, in place of the client's setting; null: what bson reads so. */
  uuids?: UuidReading | null;
  /** How dates are read, where the `Date` that bson makes of them is not what is wanted. */
  dates?: DateReading;
  /** What becomes of strings that are no UTF-8; default: they are a fault. */
  text?: TextReading;
}

const DEFAULTS: DecodingOptions & EncodingOptions = {};

/**
 * Take a whole message apart.
 * @param uuids what is read as UUID, unless the operation says otherwise
 * @throws ProtocolError: an unknown opcode or section, or BSON that cannot be read
 */
export function decodeReply(
  message: Buffer,
  options: DecodingOptions = DEFAULTS,
  uuids: UuidReading | null = null,
): Reply {
  const responseTo = message.readInt32LE(8);
  const opcode = message.readInt32LE(12);
  try {
    if (opcode === OP_MSG)
      return decodeMsg(message, responseTo, options, options.uuids === undefined ? uuids : options.uuids);
    if (opcode === OP_REPLY) return decodeLegacyReply(message, responseTo);
  } catch (error) {
    if (error instanceof ProtocolError) throw error;
    throw new ProtocolError('the reply holds malformed BSON', { cause: error });
  }
  throw new ProtocolError(`the reply has the unknown opcode ${opcode}`);
}

const DECODING = { index: MSG_BODY_OFFSET, allowObjectSmallerThanBufferSize: true };
/** What is sound can be read so, whatever the strings and the regular expressions hold. */
const LENIENT = { ...DECODING, validation: { utf8: false }, bsonRegExp: true };

function decodeMsg(message: Buffer, responseTo: number, options: DecodingOptions, uuids: UuidReading | null): Reply {
  const { decoding } = options;
  if (message.length < MSG_BODY_OFFSET + 5)
    throw new ProtocolError(`the reply is cut short at ${message.length} bytes`);
  const flags = message.readInt32LE(HEADER_SIZE);
  const unknown = flags & REQUIRED_FLAGS & ~(CHECKSUM_PRESENT | MORE_TO_COME);
  if (unknown !== 0) throw new ProtocolError(`the reply has the unknown flag bits 0x${unknown.toString(16)}`);
  const end = (flags & CHECKSUM_PRESENT) === 0 ? message.length : checkedEnd(message);
  const moreToCome = (flags & MORE_TO_COME) !== 0;
  if (message[MSG_BODY_OFFSET - 1] === 0 && message.readInt32LE(MSG_BODY_OFFSET) === end - MSG_BODY_OFFSET) {
    let body: Document;
    let fault: InvalidBSON | null = null;
    try {
      body = decodeBody(message, MSG_BODY_OFFSET, options, uuids);
    } catch (error) {
      // What the reply says beside that must be known: it may have opened a cursor.
      body = deserialize(message, LENIENT);
      fault = error instanceof InvalidBSON ? error : unreadable(error as Error);
    }
    return { requestId: message.readInt32LE(4), responseTo, moreToCome, body, fault };
  }
  const body = decodeSections(message, end, decoding);
  return { requestId: message.readInt32LE(4), responseTo, moreToCome, body, fault: null };
}

function unreadable(cause: Error): InvalidBSON {
  const isText = cause instanceof BSONError;
  return new InvalidBSON(isText ? 'a string is no UTF-8' : 'a regular expression is none of JavaScript', { cause });
}

/**
 * The document that begins at `start`, as the operation wants it.
 * @throws BSONError of `bson`, SyntaxError: it cannot be read; InvalidBSON: as it was asked for, at least
 */
export function decodeBody(
  bytes: Buffer,
  start: number,
  options: DecodingOptions,
  uuids: UuidReading | null,
  wholeReply = options.wholeReply ?? false,
): Document {
  const { decoding, documentClass, dates, text } = options;
  const plain = start === MSG_BODY_OFFSET ? DECODING : { ...DECODING, index: start };
  const wanted = decoding === undefined ? plain : { ...decoding, ...plain };
  const body = text === undefined ? deserialize(bytes, wanted) : decodeText(bytes, start, wanted, text);
  if (dates !== undefined) rereadDates(bytes, start, body, dates);
  if (uuids !== null) decodeUuids(bytes, body, uuids);
  if (documentClass !== undefined) dressReply(bytes, start, body, documentClass, wholeReply);
  return body;
}

function decodeText(bytes: Buffer, start: number, wanted: DeserializeOptions, text: TextReading): Document {
  try {
    return deserialize(bytes, wanted);
  } catch {
    const body = deserialize(bytes, { ...wanted, validation: { utf8: false } });
    rereadText(bytes, start, body, text);
    return body;
  }
}

/** Where the sections end, after the checksum behind them was verified. */
function checkedEnd(message: Buffer): number {
  const end = message.length - CHECKSUM_SIZE;
  if (message.readUInt32LE(end) !== crc32c(message.subarray(0, end))) {
    throw new ProtocolError('the reply does not have the checksum that it gives');
  }
  return end;
}

/** The general case: sections of both kinds in any order. */
function decodeSections(message: Buffer, end: number, decoding: DeserializeOptions | undefined): Document {
  let body: Document | null = null;
  const sequences: Document = {};
  let offset = HEADER_SIZE + 4;
  while (offset < end) {
    const kind = message[offset++];
    const size = offset + 4 <= end ? message.readInt32LE(offset) : 0;
    if (size < 5 || offset + size > end) throw new ProtocolError(`a section of the reply has a bad length, ${size}`);
    if (kind === 0) {
      if (body !== null) throw new ProtocolError('the reply has two bodies');
      body = deserialize(message.subarray(offset, offset + size), decoding);
    } else if (kind === 1) {
      const nameEnd = message.indexOf(0, offset + 4);
      if (nameEnd < 0 || nameEnd >= offset + size) throw new ProtocolError('a section of the reply has no name');
      const field = message.toString('utf8', offset + 4, nameEnd);
      sequences[field] = decodeDocuments(message.subarray(0, offset + size), nameEnd + 1, offset + size, decoding);
    } else {
      throw new ProtocolError(`the reply has a section of the unknown kind ${kind}`);
    }
    offset += size;
  }
  if (body === null) throw new ProtocolError('the reply has no body');
  return Object.assign(body, sequences);
}

/** The documents of a sequence that was made to be sent. */
export function decodeSequence(sequence: DocumentSequence): Document[] {
  const { buffer, byteOffset, length } = sequence.bytes;
  return decodeDocuments(Buffer.from(buffer, byteOffset, length), 0, length);
}

/** Documents that lie one behind the other. */
function decodeDocuments(bytes: Buffer, start: number, end: number, decoding?: DeserializeOptions): Document[] {
  const documents: Document[] = [];
  for (let offset = start; offset < end; ) {
    documents.push(deserialize(bytes, { ...decoding, index: offset, allowObjectSmallerThanBufferSize: true }));
    offset += bytes.readInt32LE(offset);
  }
  return documents;
}

function decodeLegacyReply(message: Buffer, responseTo: number): Reply {
  if (message.length < REPLY_BODY_OFFSET + 5)
    throw new ProtocolError(`the reply is cut short at ${message.length} bytes`);
  const flags = message.readInt32LE(HEADER_SIZE);
  const body = deserialize(message.subarray(REPLY_BODY_OFFSET));
  if ((flags & QUERY_FAILURE) !== 0) body.ok = 0;
  return { requestId: message.readInt32LE(4), responseTo, moreToCome: false, body, fault: null };
}

/**
 * Makes whole messages of the chunks that a socket gives. A message is copied once, out of the chunk into bytes of its
 * own, since what is decoded from it (binary values) goes on looking at them; of a long message only the beginning:
 * the rest is read straight into its place.
 */
export class MessageReader {
  readonly #onMessage: (message: Buffer) => void;
  /** The message under way, `#filled` of whose bytes are there; null between messages. */
  #message: Buffer | null = null;
  #filled = 0;
  /** The beginning of a message that is too short to tell its length. */
  #start: Buffer = Buffer.alloc(0);

  constructor(onMessage: (message: Buffer) => void) {
    this.#onMessage = onMessage;
  }

  /** Where the next bytes belong, if a message is under way; the caller may have them written there. */
  get place(): Buffer | null {
    return this.#message === null ? null : this.#message.subarray(this.#filled);
  }

  /** What is there of the message under way. */
  get begun(): Buffer {
    return this.#message === null ? this.#start : this.#message.subarray(0, this.#filled);
  }

  /** `count` bytes were written to `place`. */
  fill(count: number): void {
    this.#filled += count;
    if (this.#message === null || this.#filled < this.#message.length) return;
    const message = this.#message;
    this.#message = null;
    this.#onMessage(message);
  }

  /**
   * Take the next bytes in.
   * @param size so many of the chunk's
   * @throws ProtocolError: a message gives a length that no message has
   */
  push(chunk: Buffer, size = chunk.length): void {
    const isBetween = this.#message === null && this.#start.length === 0;
    // Most chunks are one whole message, which needs no views of parts.
    if (isBetween && size >= HEADER_SIZE && chunk.readInt32LE(0) === size) {
      const message = Buffer.allocUnsafe(size);
      chunk.copy(message, 0, 0, size);
      this.#onMessage(message);
      return;
    }
    this.#take(chunk.subarray(0, size));
  }

  #take(chunk: Buffer): void {
    let rest = chunk;
    const place = this.place;
    if (place !== null) {
      const count = chunk.copy(place);
      this.fill(count);
      if (count === chunk.length) return;
      rest = chunk.subarray(count);
    }
    if (this.#start.length > 0) {
      rest = Buffer.concat([this.#start, rest]);
      this.#start = Buffer.alloc(0);
    }
    while (rest.length >= 4) {
      const length = rest.readInt32LE(0);
      if (length < HEADER_SIZE || length > LONGEST_MESSAGE) {
        throw new ProtocolError(`the reply is no MongoDB message: it gives its length as ${length} bytes`);
      }
      const message = Buffer.allocUnsafe(length);
      const count = rest.copy(message);
      rest = rest.subarray(count);
      if (count < length) {
        this.#message = message;
        this.#filled = count;
        return;
      }
      this.#onMessage(message);
    }
    if (rest.length > 0) this.#start = Buffer.from(rest);
  }
}

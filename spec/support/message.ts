/**
 * Wire messages, as the listener, the proxy and the raw client of the tests read and write them. Written apart from
 * the driver's own code, so that a mistake there cannot hide itself here.
 */

import { type Document, deserialize, onDemand, serialize } from 'bson';

export const OP_REPLY = 1;
export const OP_QUERY = 2004;
export const OP_MSG = 2013;

export const CHECKSUM_PRESENT = 1;
export const MORE_TO_COME = 1 << 1;
export const EXHAUST_ALLOWED = 1 << 16;

const HEADER_LENGTH = 16;
// What any server takes; the embedded one takes less.
const MAX_MESSAGE_LENGTH = 48_000_000;

/** A command as it was sent. */
export interface Command {
  readonly requestId: number;
  readonly name: string;
  readonly db: string;
  /** The whole command, document sequences put in their places. */
  readonly document: Document;
  /** Whether it came as OP_QUERY and is answered by OP_REPLY. */
  readonly legacy: boolean;
  /** Whether the sender wants no reply. */
  readonly moreToCome: boolean;
  /** Whether the server may go on replying by itself. */
  readonly exhaustAllowed: boolean;
}

/** Cuts a stream of chunks into whole messages. */
export class MessageReader {
  #chunks: Buffer[] = [];
  #size = 0;

  /** @throws Error: the stream says a length that no message has */
  push(chunk: Buffer): Buffer[] {
    this.#chunks.push(chunk);
    this.#size += chunk.length;
    const messages: Buffer[] = [];
    for (;;) {
      if (this.#size < 4) return messages;
      if ((this.#chunks[0] as Buffer).length < 4) this.#join();
      const length = (this.#chunks[0] as Buffer).readInt32LE(0);
      if (length < HEADER_LENGTH || length > MAX_MESSAGE_LENGTH) throw new Error(`no message has ${length} bytes`);
      if (this.#size < length) return messages;
      this.#join();
      const all = this.#chunks[0] as Buffer;
      messages.push(all.subarray(0, length));
      this.#size -= length;
      this.#chunks = this.#size === 0 ? [] : [all.subarray(length)];
    }
  }

  #join(): void {
    if (this.#chunks.length > 1) this.#chunks = [Buffer.concat(this.#chunks)];
  }
}

interface Section {
  /** Name of a document sequence; null for the body. */
  readonly name: string | null;
  readonly documents: Buffer[];
}

/** The sections of an OP_MSG. Throws where its lengths lead out of it. */
function* sections(message: Buffer): Generator<Section> {
  const checksum = message.readUInt32LE(HEADER_LENGTH) & CHECKSUM_PRESENT ? 4 : 0;
  const end = message.length - checksum;
  let at = HEADER_LENGTH + 4;
  while (at < end) {
    const kind = message[at++];
    const length = message.readInt32LE(at);
    if (length < 5 || at + length > end)
      throw new Error(`section of ${length} bytes in a message of ${message.length}`);
    if (kind === 0) {
      yield { name: null, documents: [message.subarray(at, at + length)] };
    } else if (kind === 1) {
      const nameEnd = message.indexOf(0, at + 4);
      const documents: Buffer[] = [];
      for (let next = nameEnd + 1; next < at + length; next += message.readInt32LE(next)) {
        documents.push(message.subarray(next, next + message.readInt32LE(next)));
      }
      yield { name: message.toString('utf8', at + 4, nameEnd), documents };
    } else {
      throw new Error(`unknown section kind ${kind}`);
    }
    at += length;
  }
}

/** Where the body document of a message begins. */
function bodyOf(message: Buffer): Buffer {
  if (opcodeOf(message) === OP_QUERY) {
    const nameEnd = message.indexOf(0, HEADER_LENGTH + 4);
    return message.subarray(nameEnd + 9);
  }
  if (opcodeOf(message) === OP_REPLY) return message.subarray(HEADER_LENGTH + 20);
  for (const section of sections(message)) if (section.name === null) return section.documents[0] as Buffer;
  throw new Error('message has no body');
}

export function opcodeOf(message: Buffer): number {
  return message.readInt32LE(12);
}

export function requestIdOf(message: Buffer): number {
  return message.readInt32LE(4);
}

export function responseToOf(message: Buffer): number {
  return message.readInt32LE(8);
}

export function flagsOf(message: Buffer): number {
  return message.readUInt32LE(HEADER_LENGTH);
}

/** The command's name: the first key of the body, read without decoding the rest. */
export function commandNameOf(message: Buffer): string {
  const body = bodyOf(message);
  return body.toString('utf8', 5, body.indexOf(0, 5));
}

/** The command that a message carries. `exact` keeps its number types for writing it again. */
export function commandOf(message: Buffer, exact = false): Command {
  const legacy = opcodeOf(message) === OP_QUERY;
  const options = { promoteValues: !exact };
  const document = deserialize(bodyOf(message), options);
  if (!legacy) {
    for (const { name, documents } of sections(message)) {
      if (name !== null) document[name] = documents.map((one) => deserialize(one, options));
    }
  }
  const namespace = legacy ? message.toString('utf8', HEADER_LENGTH + 4, message.indexOf(0, HEADER_LENGTH + 4)) : '';
  return {
    requestId: requestIdOf(message),
    name: Object.keys(document)[0] ?? '',
    db: legacy ? namespace.slice(0, namespace.indexOf('.')) : String(document.$db),
    document,
    legacy,
    moreToCome: !legacy && (flagsOf(message) & MORE_TO_COME) !== 0,
    exhaustAllowed: !legacy && (flagsOf(message) & EXHAUST_ALLOWED) !== 0,
  };
}

/** The document that a reply carries. `exact` keeps the server's number types for writing it again. */
export function replyOf(message: Buffer, exact = false): Document {
  return deserialize(bodyOf(message), { promoteValues: !exact });
}

/** The same message, its body without some fields and with others at its end. What stays keeps its bytes. */
export function withBody(message: Buffer, without: ReadonlySet<string>, added: Document = {}): Buffer {
  const body = bodyOf(message);
  const start = body.byteOffset - message.byteOffset;
  const kept = [...onDemand.parseToElements(body)]
    .filter(([, nameAt, nameLength]) => !without.has(body.toString('utf8', nameAt, nameAt + nameLength)))
    .map(([, nameAt, , at, length]) => body.subarray(nameAt - 1, at + length));
  const more = serialize(added, { ignoreUndefined: true }).subarray(4); // with the zero that ends a document
  const fields = Buffer.concat([...kept, more]);
  const head = Buffer.from(message.subarray(0, start + 4));
  head.writeInt32LE(4 + fields.length, start);
  const changed = Buffer.concat([head, fields, message.subarray(start + body.readInt32LE(0))]);
  changed.writeInt32LE(changed.length, 0);
  return changed;
}

/** An OP_MSG with one body section. */
export function opMsg(requestId: number, responseTo: number, document: Document | Buffer, flags = 0): Buffer {
  const body = Buffer.isBuffer(document) ? document : serialize(document, { ignoreUndefined: true });
  const message = Buffer.allocUnsafe(HEADER_LENGTH + 5 + body.length);
  writeHeader(message, requestId, responseTo, OP_MSG);
  message.writeUInt32LE(flags, HEADER_LENGTH);
  message[HEADER_LENGTH + 4] = 0;
  message.set(body, HEADER_LENGTH + 5);
  return message;
}

/** An OP_REPLY with one document, which is what an OP_QUERY is answered by. */
export function opReply(requestId: number, responseTo: number, document: Document | Buffer): Buffer {
  const body = Buffer.isBuffer(document) ? document : serialize(document, { ignoreUndefined: true });
  const message = Buffer.alloc(HEADER_LENGTH + 20 + body.length);
  writeHeader(message, requestId, responseTo, OP_REPLY);
  message.writeInt32LE(1, HEADER_LENGTH + 16); // number of documents; flags, cursor id and starting point are 0
  message.set(body, HEADER_LENGTH + 20);
  return message;
}

/** An OP_QUERY of a command, the way handshakes with servers of unknown age begin. */
export function opQuery(requestId: number, db: string, document: Document): Buffer {
  const namespace = Buffer.from(`${db}.$cmd\0`);
  const body = serialize(document, { ignoreUndefined: true });
  const message = Buffer.alloc(HEADER_LENGTH + 4 + namespace.length + 8 + body.length);
  writeHeader(message, requestId, 0, OP_QUERY);
  message.set(namespace, HEADER_LENGTH + 4);
  message.writeInt32LE(-1, HEADER_LENGTH + 4 + namespace.length + 4);
  message.set(body, HEADER_LENGTH + 4 + namespace.length + 8);
  return message;
}

function writeHeader(message: Buffer, requestId: number, responseTo: number, opcode: number): void {
  message.writeInt32LE(message.length, 0);
  message.writeInt32LE(requestId, 4);
  message.writeInt32LE(responseTo, 8);
  message.writeInt32LE(opcode, 12);
}

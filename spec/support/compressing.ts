/** What a server does that compresses; apart from the driver's own code, as `message.ts`. */

import * as zlib from 'node:zlib';
import { commandOf, OP_MSG, opcodeOf, opMsg, opReply, replyOf, requestIdOf, responseToOf } from './message';

const OP_COMPRESSED = 2012;
const HEADER_LENGTH = 16;
/** Opcode and size of the message within, and the number of the compressor. */
const PREFIX_LENGTH = 9;

interface Method {
  readonly id: number;
  pack(bytes: Buffer): Buffer;
  unpack(bytes: Buffer): Buffer;
}

type Pack = (bytes: Buffer) => Buffer;
const { zstdCompressSync, zstdDecompressSync } = zlib as { zstdCompressSync?: Pack; zstdDecompressSync?: Pack };

/** By name; zstd where this Node has it. */
export const METHODS: Readonly<Record<string, Method>> = {
  zlib: { id: 2, pack: (bytes) => zlib.deflateSync(bytes), unpack: (bytes) => zlib.inflateSync(bytes) },
  ...(zstdCompressSync === undefined || zstdDecompressSync === undefined
    ? {}
    : { zstd: { id: 3, pack: zstdCompressSync, unpack: zstdDecompressSync } }),
};

/** A command that arrived, and how. */
export interface Arrived {
  readonly name: string;
  /** Null where it was not compressed. */
  readonly compressor: string | null;
  /** Bytes of the message as it came, and of what it holds. */
  readonly size: number;
  readonly unpacked: number;
}

/** The side of a server that has some compressors. One for all connections of a relay. */
export class Compressing {
  /** Everything that arrived, in order, handshakes included. */
  readonly arrived: Arrived[] = [];
  /** What each handshake offered, in its order; undefined where it offered nothing. */
  readonly offers: unknown[] = [];
  /** How often a reply was compressed. */
  replies = 0;
  /** Spoils compressed replies, where it is set. */
  spoil: ((reply: Buffer) => Buffer) | null = null;
  /** Compresses nothing by itself. */
  repliesPlain = false;
  readonly #names: readonly string[];

  /** @param names the compressors that it has, which it tells in this order */
  constructor(...names: string[]) {
    this.#names = names;
  }

  connection(): { request(message: Buffer): Buffer; reply(message: Buffer): Buffer } {
    const wanted = new Map<number, Method>();
    const handshakes = new Map<number, readonly string[]>();
    return {
      request: (message) => {
        const [name, whole] = unpacked(message);
        const command = commandOf(whole);
        this.arrived.push({ name: command.name, compressor: name, size: message.length, unpacked: whole.length });
        if (name !== null) wanted.set(command.requestId, METHODS[name] as Method);
        if (/^(hello|ismaster)$/i.test(command.name)) {
          const { compression } = command.document;
          this.offers.push(compression);
          handshakes.set(
            command.requestId,
            this.#names.filter((it) => Array.isArray(compression) && compression.includes(it)),
          );
        }
        return whole;
      },
      reply: (message) => {
        const to = responseToOf(message);
        const common = handshakes.get(to);
        if (common !== undefined && common.length > 0) {
          const frame = opcodeOf(message) === OP_MSG ? opMsg : opReply;
          return frame(requestIdOf(message), to, { ...replyOf(message, true), compression: [...common] });
        }
        const method = wanted.get(to);
        if (method === undefined || this.repliesPlain) return message;
        // The next reply of a stream answers this one.
        wanted.set(requestIdOf(message), method);
        this.replies += 1;
        const reply = packed(message, method);
        return this.spoil === null ? reply : this.spoil(reply);
      },
    };
  }
}

function unpacked(message: Buffer): [name: string | null, whole: Buffer] {
  if (opcodeOf(message) !== OP_COMPRESSED) return [null, message];
  const id = message[HEADER_LENGTH + 8];
  const found = Object.entries(METHODS).find(([, method]) => method.id === id);
  if (found === undefined) throw new Error(`there is no compressor ${id}`);
  const [name, method] = found;
  const body = method.unpack(message.subarray(HEADER_LENGTH + PREFIX_LENGTH));
  if (body.length !== message.readInt32LE(HEADER_LENGTH + 4)) throw new Error('the size of the message is a lie');
  const header = Buffer.from(message.subarray(0, HEADER_LENGTH));
  header.writeInt32LE(HEADER_LENGTH + body.length, 0);
  header.writeInt32LE(message.readInt32LE(HEADER_LENGTH), 12);
  return [name, Buffer.concat([header, body])];
}

function packed(message: Buffer, { id, pack }: Method): Buffer {
  const body = pack(message.subarray(HEADER_LENGTH));
  const start = Buffer.from(message.subarray(0, HEADER_LENGTH + PREFIX_LENGTH));
  start.writeInt32LE(HEADER_LENGTH + PREFIX_LENGTH + body.length, 0);
  start.writeInt32LE(OP_COMPRESSED, 12);
  start.writeInt32LE(opcodeOf(message), HEADER_LENGTH);
  start.writeInt32LE(message.length - HEADER_LENGTH, HEADER_LENGTH + 4);
  start[HEADER_LENGTH + 8] = id;
  return Buffer.concat([start, body]);
}

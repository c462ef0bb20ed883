/**
 * OP_COMPRESSED: what client and server agreed on, and messages into it and out of it.
 *
 * @see Specification "wire compression"
 */

import * as zlib from 'node:zlib';
import type { Document } from 'bson';
import type { Compressor, ConnectionOptions } from './clientOptions';
import { ProtocolError } from './errors';
import { SECRET_COMMANDS } from './events';
import { HEADER_SIZE, LONGEST_MESSAGE } from './message';

const OP_COMPRESSED = 2012;
/** Opcode and size of the message within, and the number of the compressor. */
const PREFIX_SIZE = HEADER_SIZE + 9;

/**
 * Messages from these sizes on, in bytes, go through the thread pool. That costs a tenth of a millisecond more, but they
 * would hold up the loop for half a millisecond and longer: 64 KiB to compress, ten times as much to decompress.
 */
const LONG_REQUEST = 64 * 1024;
const LONG_REPLY = 1024 * 1024;

type Done = (error: Error | null, result: Buffer) => void;
interface Limits {
  readonly maxOutputLength: number;
  readonly chunkSize: number;
}

interface Method {
  readonly id: number;
  packSync(bytes: Buffer, level: number): Buffer;
  pack(bytes: Buffer, level: number, done: Done): void;
  unpackSync(bytes: Buffer, limits: Limits): Buffer;
  unpack(bytes: Buffer, limits: Limits, done: Done): void;
}

/** What newer versions of Node have, and their types. */
interface Zstd {
  zstdCompressSync(bytes: Buffer): Buffer;
  zstdCompress(bytes: Buffer, done: Done): void;
  zstdDecompressSync(bytes: Buffer, limits: Limits): Buffer;
  zstdDecompress(bytes: Buffer, limits: Limits, done: Done): void;
}
const zstd = zlib as unknown as Zstd;

const METHODS: Readonly<Record<Compressor, Method>> = {
  zlib: {
    id: 2,
    packSync: (bytes, level) => zlib.deflateSync(bytes, { level }),
    pack: (bytes, level, done) => zlib.deflate(bytes, { level }, done),
    unpackSync: (bytes, limits) => zlib.inflateSync(bytes, limits),
    unpack: (bytes, limits, done) => zlib.inflate(bytes, limits, done),
  },
  zstd: {
    id: 3,
    packSync: (bytes) => zstd.zstdCompressSync(bytes),
    pack: (bytes, _, done) => zstd.zstdCompress(bytes, done),
    unpackSync: (bytes, limits) => zstd.zstdDecompressSync(bytes, limits),
    unpack: (bytes, limits, done) => zstd.zstdDecompress(bytes, limits, done),
  },
};

/** Not compressed: what an attacker could learn from their size would be secrets. */
const UNCOMPRESSED: ReadonlySet<string> = new Set([...SECRET_COMMANDS, 'hello', 'ismaster']);

/** What the client asks for in its handshake. */
export function offered({ compressors }: ConnectionOptions): Document {
  return compressors.length === 0 ? {} : { compression: compressors };
}

/** The compression of one connection. */
export class Compression {
  readonly #method: Method;
  readonly #level: number;

  private constructor(method: Method, level: number) {
    this.#method = method;
    this.#level = level;
  }

  /** What was offered first of all that the server has too; null: nothing. */
  static agreed({ compressors, zlibCompressionLevel }: ConnectionOptions, hello: Document): Compression | null {
    const theirs: unknown = hello.compression;
    const compressor = compressors.find((name) => Array.isArray(theirs) && theirs.includes(name));
    return compressor === undefined ? null : new Compression(METHODS[compressor], zlibCompressionLevel);
  }

  /** Whether this command is compressed. */
  takes(name: string): boolean {
    return !UNCOMPRESSED.has(name.toLowerCase());
  }

  /**
   * Compress a message.
   * @param beside the bytes of a document sequence that belong behind it
   * @returns a Promise where it is long
   */
  pack(message: Buffer, beside?: Uint8Array): Buffer | Promise<Buffer> {
    const body = message.subarray(HEADER_SIZE);
    const bytes = beside === undefined ? body : Buffer.concat([body, beside]);
    if (bytes.length < LONG_REQUEST)
      return this.#framed(message, bytes.length, this.#method.packSync(bytes, this.#level));
    // The place of the header may be used again meanwhile.
    const header = Buffer.from(message.subarray(0, HEADER_SIZE));
    return new Promise((resolve, reject) => {
      this.#method.pack(bytes, this.#level, (error, packed) => {
        if (error !== null) reject(error);
        // What cannot be compressed (pictures) may go as it is, within the limits of the server and without work for it.
        else if (packed.length >= bytes.length) resolve(Buffer.concat([header, bytes]));
        else resolve(this.#framed(header, bytes.length, packed));
      });
    });
  }

  #framed(header: Buffer, size: number, packed: Buffer): Buffer {
    const message = Buffer.allocUnsafe(PREFIX_SIZE + packed.length);
    header.copy(message, 0, 0, HEADER_SIZE);
    message.writeInt32LE(message.length, 0);
    message.writeInt32LE(OP_COMPRESSED, 12);
    message.writeInt32LE(header.readInt32LE(12), HEADER_SIZE);
    message.writeInt32LE(size, HEADER_SIZE + 4);
    message[HEADER_SIZE + 8] = this.#method.id;
    message.set(packed, PREFIX_SIZE);
    return message;
  }

  /**
   * The message within a compressed one; any other as it is.
   * @returns a Promise where it is long; it fails as this throws
   * @throws ProtocolError: it was compressed by other means, is damaged, or has another size than it gives
   */
  unpack(message: Buffer): Buffer | Promise<Buffer> {
    if (message.readInt32LE(12) !== OP_COMPRESSED) return message;
    if (message.length < PREFIX_SIZE) throw new ProtocolError(`the reply is cut short at ${message.length} bytes`);
    const size = message.readInt32LE(HEADER_SIZE + 4);
    const id = message[HEADER_SIZE + 8];
    if (id !== this.#method.id) throw new ProtocolError(`the reply was compressed by ${id}, which was not agreed on`);
    if (size < 0 || size > LONGEST_MESSAGE - HEADER_SIZE) {
      throw new ProtocolError(`the compressed reply gives its length as ${size} bytes`);
    }
    const packed = message.subarray(PREFIX_SIZE);
    // One piece, with room for a byte that must not come; zlib has a least size of its own.
    const limits = { maxOutputLength: Math.max(size, 1), chunkSize: Math.max(size + 1, 64) };
    if (size < LONG_REPLY) {
      let body: Buffer;
      try {
        body = this.#method.unpackSync(packed, limits);
      } catch (error) {
        throw damaged(error as Error, size);
      }
      return whole(message, body, size);
    }
    return new Promise((resolve, reject) => {
      this.#method.unpack(packed, limits, (error, body) => {
        if (error !== null) reject(damaged(error, size));
        else if (body.length !== size) reject(lied(size));
        else resolve(whole(message, body, size));
      });
    });
  }
}

function whole(message: Buffer, body: Buffer, size: number): Buffer {
  if (body.length !== size) throw lied(size);
  const result = Buffer.allocUnsafe(HEADER_SIZE + size);
  message.copy(result, 0, 0, HEADER_SIZE);
  result.writeInt32LE(result.length, 0);
  message.copy(result, 12, HEADER_SIZE, HEADER_SIZE + 4);
  result.set(body, HEADER_SIZE);
  return result;
}

function damaged(error: Error & { code?: string }, size: number): ProtocolError {
  if (error.code === 'ERR_BUFFER_TOO_LARGE') return lied(size);
  return new ProtocolError('the reply cannot be decompressed', { cause: error });
}

function lied(size: number): ProtocolError {
  return new ProtocolError(`the compressed reply does not have the ${size} bytes that it gives`);
}

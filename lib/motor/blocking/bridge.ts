/** The caller's side of the worker thread in which a blocking client has its engine. */

import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { MessageChannel, type MessagePort, receiveMessageOnPort, Worker } from 'node:worker_threads';
import type { Document } from 'bson';
import { isDocument } from '../../core/documents';
import { ConnectionFailure, InvalidOperation } from '../../core/errors';
import { type End, pack, unpack } from './codec';
import { errorOf, type Failure } from './failure';
import { type Given, IDLE, type Place, type Release, type Reply, type Request, type Start, WORKING } from './protocol';

const ENTRY = join(__dirname, 'worker.js');

/** How the objects of the caller's thread are told, and made, by those who know them. */
export type Objects = Pick<End, 'refer' | 'resolve'>;

/** The client of the worker itself, where no object of the caller's stands for it. No document is like it. */
const CLIENT = Object.create(null) as object;
const CLIENT_PLACE: Place = { levels: [{ name: null, settings: {} }] };

/** A worker thread with a client of its own. Every call stops the calling thread until the worker has answered. */
export class Bridge {
  readonly #worker: Worker;
  readonly #port: MessagePort;
  readonly #signal = new Int32Array(new SharedArrayBuffer(4));
  /** Classes of documents: those of the worker are objects of stand-ins, and become what they should be here. */
  readonly #classes: unknown[] = [];
  #closed = false;
  /** Why the worker ended, if it did so by itself and this thread has heard of it. */
  #failure: Error | null = null;
  #ended = false;

  /** @param args of the client's constructor; a loop stays here, as nothing in the worker would use it */
  constructor(client: string, [host, port, kw]: readonly unknown[]) {
    if (!existsSync(ENTRY)) {
      throw new InvalidOperation(
        `a blocking client needs the package's file ${ENTRY}; keep it beside the bundled code`,
      );
    }
    const { port1, port2 } = new MessageChannel();
    this.#port = port1;
    const args = [host, port, kw].map((arg) => (isDocument(arg) ? { ...arg, io_loop: undefined } : arg));
    const workerData: Start = {
      port: port2,
      signal: this.#signal,
      client,
      args: pack(args, this.#end({ refer: () => undefined, resolve: () => undefined })),
    };
    // Without the caller's `--import` and `--require`: these may set up anything, and wait for a thread that waits.
    const { NODE_OPTIONS: _, ...env } = process.env;
    this.#worker = new Worker(ENTRY, { workerData, transferList: [port2], execArgv: [], env, name: 'motor-mongo' });
    this.#worker.unref();
    this.#worker.on('error', (error) => {
      this.#failure = error;
    });
    this.#worker.on('exit', () => {
      this.#ended = true;
    });
  }

  /**
   * Call a method in the worker and wait for its result.
   * @param target null: the client
   * @param args null: `member` is a property
   * @param above the function where an error's stack begins
   */
  call(
    objects: Objects,
    target: object | null,
    member: string,
    args: readonly unknown[] | null,
    above: (...args: never[]) => unknown = this.call,
  ): unknown {
    const end = this.#end(objects);
    const given = args?.map((arg) => argument(member, arg)) ?? null;
    const reply = this.#request({ call: pack([target ?? CLIENT, member, given], end) });
    for (const [at, item, id] of reply.ids === null ? [] : (unpack(reply.ids, end) as Given[])) {
      const arg = given?.[at];
      setId((item === null ? arg : (arg as unknown[])[item]) as Document, id);
    }
    if (reply.failed) throw errorOf(unpack(reply.packed, end) as Failure, above);
    return unpack(reply.packed, end);
  }

  /** Nobody can ask for this object any more. */
  release(handle: number): void {
    const release: Release = { release: handle };
    if (!this.#closed) this.#port.postMessage(release);
  }

  /** End the worker. Repeatable. */
  close(): void {
    this.#closed = true;
    this.#port.close();
    void this.#worker.terminate();
  }

  /** End the worker when nobody has this object any more. */
  closeWith(object: object): void {
    forgotten.register(object, this.#worker);
  }

  #request(request: Request): Reply {
    if (this.#closed) {
      throw new InvalidOperation('the blocking client was closed; sync_client() of a MotorClient makes a new one');
    }
    if (!this.#ended && Atomics.compareExchange(this.#signal, 0, IDLE, WORKING) === IDLE) {
      this.#port.postMessage(request);
      // The worker may wake us up for its last reply after we have already seen it.
      while (Atomics.load(this.#signal, 0) === WORKING) Atomics.wait(this.#signal, 0, WORKING);
    }
    // An answer may have come before the end.
    const received = receiveMessageOnPort(this.#port);
    if (received !== undefined) return received.message as Reply;
    throw new ConnectionFailure('the worker thread of the blocking client has ended', {
      cause: this.#failure ?? undefined,
    });
  }

  #end({ refer, resolve }: Objects): End {
    return {
      refer: (object) => (object === CLIENT ? CLIENT_PLACE : refer(object)),
      resolve,
      numberOf: (DocumentClass) => {
        const known = this.#classes.indexOf(DocumentClass);
        return known < 0 ? this.#classes.push(DocumentClass) - 1 : known;
      },
      classOf: (number) => this.#classes[number],
      dressAs: () => null,
      dress: (number, entries) => {
        const made = new (this.#classes[number] as new () => object)();
        for (const [name, value] of entries) {
          if (made instanceof Map) made.set(name, value);
          else (made as Document)[name] = value;
        }
        return made;
      },
    };
  }
}

/** It must not know the object that it waits for. */
const forgotten = new FinalizationRegistry<Worker>((worker) => void worker.terminate());

/** An iterable crosses as the list of its items. */
function argument(member: string, arg: unknown): unknown {
  if (typeof arg !== 'object' || arg === null || Array.isArray(arg) || isDocument(arg)) return arg;
  if (Symbol.asyncIterator in arg) {
    throw new TypeError(
      `${member}: a blocking call cannot wait for an asynchronous iterable; give a list of documents`,
    );
  }
  if (ArrayBuffer.isView(arg) || !(Symbol.iterator in arg)) return arg;
  return [...(arg as Iterable<unknown>)];
}

function setId(document: Document, id: unknown): void {
  if (document instanceof Map) document.set('_id', id);
  else document._id = id;
}

import type { Document } from 'bson';
import type { Address } from './address';
import type { InvalidBSON } from './errors';
import { type Failed, failureOf, unreadable } from './failure';
import { type DecodingOptions, decodeSequence, type EncodingOptions } from './message';
import type { ReadPreference } from './readPreference';

/** Reads the result out of a successful reply; what it throws is the operation's failure. */
export type Finish<T> = (reply: Document, operation: Failed) => T;

/** Who is asked before an operation fails. */
export interface OperationOwner {
  /** A reply is here, of whatever kind. */
  replied(operation: Operation, reply: Document): void;
  /** True when the owner deals with the failure itself, by sending the operation again. */
  failed(operation: Operation, error: Error): boolean;
}

/** What an operation may ask for besides its command. */
export interface OperationOptions extends EncodingOptions, DecodingOptions {
  /** False: no reply is asked for, and the operation is done when its bytes are handed to the socket. */
  acknowledged?: boolean;
  /** The server may go on replying without being asked again (exhaust cursors). */
  exhaustAllowed?: boolean;
  /** Longest time without a byte from the server, in place of `socketTimeoutMS`; null: none. Milliseconds. */
  socketTimeout?: number | null;
  /** Which servers may answer; what must be said of it beside the command depends on the server that is found. */
  readPreference?: ReadPreference;
  /** It changes nothing, so that it may be sent a second time. */
  retryable?: boolean;
  /** The caller looks at `ok` itself: a reply that tells of a failure is a result like any other. */
  rawReply?: boolean;
}

/** The one document to insert got its `_id` from the driver. */
export const ID_LAST: OperationOptions = Object.freeze({ idsLast: Uint8Array.of(1) });

/** One command on its way: what to send, how to read the reply, whom to tell. Settled exactly once. */
export class Operation<T = unknown> implements Failed {
  /** The command document, its name first and `$db` in it. */
  readonly command: Document;
  readonly options: OperationOptions;
  readonly #owner: OperationOwner | null;
  readonly #finish: Finish<T>;
  readonly #resolve: (result: T) => void;
  readonly #reject: (error: Error) => void;
  /** The server that answers, once it is known. */
  address: Address | null = null;
  /** Of the connection that it was sent on. */
  generation = 0;
  /** How often it was sent before. */
  retries = 0;

  constructor(
    command: Document,
    options: OperationOptions,
    owner: OperationOwner | null,
    finish: Finish<T>,
    resolve: (result: T) => void,
    reject: (error: Error) => void,
  ) {
    this.command = command;
    this.options = options;
    this.#owner = owner;
    this.#finish = finish;
    this.#resolve = resolve;
    this.#reject = reject;
  }

  /** The command's name, which is its first key. */
  get name(): string {
    for (const name in this.command) return name;
    return '';
  }

  get database(): string {
    return this.command.$db as string;
  }

  /** `find on shop.orders`: what this is and where, without any of its contents. */
  get description(): string {
    const name = this.name;
    const target = name === 'getMore' ? this.command.collection : this.command[name];
    return `${name} on ${typeof target === 'string' ? `${this.database}.${target}` : this.database}`;
  }

  /** The command with the documents that travel beside it: what a listener is shown. */
  get wholeCommand(): Document {
    const { sequence } = this.options;
    if (sequence === undefined) return this.command;
    return { ...this.command, [sequence.field]: decodeSequence(sequence) };
  }

  /** The error that a reply with `ok: 0` to this operation stands for. */
  failure(reply: Document): Error {
    return failureOf(reply, this);
  }

  /** @param fault it was done, but the reply holds a value that cannot be read */
  settle(reply: Document, fault: InvalidBSON | null = null): void {
    let result: T;
    this.#owner?.replied(this as Operation, reply);
    try {
      if (reply.ok !== 1 && this.options.rawReply !== true) throw failureOf(reply, this);
      result = this.#finish(reply, this);
      // Not before: a cursor that was opened must be known, to be killed.
      if (fault !== null) throw unreadable(fault, this);
    } catch (error) {
      this.fail(error as Error);
      return;
    }
    this.#resolve(result);
  }

  fail(error: Error): void {
    if (this.#owner?.failed(this as Operation, error) !== true) this.#reject(error);
  }
}

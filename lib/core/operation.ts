import type { Document, Long } from 'bson';
import type { Address } from './address';
import type { InvalidBSON } from './errors';
import { type Failed, failureOf, unreadable } from './failure';
import { type DecodingOptions, decodeSequence, type EncodingOptions } from './message';
import type { ReadPreference } from './readPreference';
import type { ServerDescription } from './serverDescription';
import type { ServerSession } from './serverSession';

/** What is known of the operation whose reply is here. */
export interface Answered extends Failed {
  /** Whoever calls this answers for the server session that the operation took, and gives it back; null: it took none. */
  keepSession(): ServerSession | null;
}

/** Reads the result out of a successful reply; what it throws is the operation's failure. */
export type Finish<T> = (reply: Document, operation: Answered) => T;

/** Who is asked before an operation fails. */
export interface OperationOwner {
  /** It is about to be sent to a server that has sessions. */
  sending(operation: Operation, server: ServerDescription): void;
  /** A reply is here, of whatever kind. True when the owner sends the operation again because of what it says. */
  replied(operation: Operation, reply: Document): boolean;
  /**
   * What the operation fails with; null when the owner sends it again.
   * @param swept nothing was tried for it: it waited for a connection when all who did so were sent away
   */
  failed(operation: Operation, error: Error, swept: boolean): Error | null;
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
  /** It writes what the server can tell from a repetition, so that it may be sent a second time under the same number. */
  retryableWrite?: boolean;
  /** The server session to use, which stays the caller's. Null: none. Default: one of its own while it is under way. */
  session?: ServerSession | null;
  /** The caller looks at `ok` itself: a reply that tells of a failure is a result like any other. */
  rawReply?: boolean;
}

/** It changes one document. */
export const RETRYABLE_WRITE: OperationOptions = Object.freeze({ retryableWrite: true });
/** It inserts one document, which got its `_id` from the driver. */
export const RETRYABLE_ID_LAST: OperationOptions = Object.freeze({ idsLast: [1], retryableWrite: true });

/** One command on its way: what to send, how to read the reply, whom to tell. Settled exactly once. */
export class Operation<T = unknown> implements Answered {
  /** The command document, its name first and `$db` in it. */
  command: Document;
  readonly options: OperationOptions;
  readonly #owner: OperationOwner | null;
  readonly #finish: Finish<T>;
  readonly #resolve: (result: T) => void;
  readonly #reject: (error: Error) => void;
  /** The server that answers, once it is known. */
  address: Address | null = null;
  /** The server with sessions that it was sent to. */
  sentTo: ServerDescription | null = null;
  session: ServerSession | null = null;
  /** By which the server tells a write that comes a second time. */
  txnNumber: Long | null = null;
  /** What it failed with when it was sent for the first time. */
  firstError: Error | null = null;
  /** When it had waited for a connection in vain for the first time, `performance.now()`. */
  sweptSince: number | null = null;
  /** Of the connection that it was sent on. */
  generation = 0;

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
    // It goes to `admin`, and names the whole namespace.
    if (name === 'renameCollection') return `${name} on ${this.command[name]}`;
    const target = name === 'getMore' ? this.command.collection : this.command[name];
    return `${name} on ${typeof target === 'string' ? `${this.database}.${target}` : this.database}`;
  }

  /** The command with the documents that travel beside it: what a listener is shown. */
  get wholeCommand(): Document {
    let { sequence } = this.options;
    if (sequence === undefined) return this.command;
    const whole: Document = { ...this.command };
    for (; sequence !== undefined; sequence = sequence.before) whole[sequence.field] = decodeSequence(sequence);
    return whole;
  }

  /** The error that a reply with `ok: 0` to this operation stands for. */
  failure(reply: Document): Error {
    return failureOf(reply, this);
  }

  /** It is about to be sent to a server that has sessions. */
  sending(server: ServerDescription): void {
    this.#owner?.sending(this as Operation, server);
  }

  keepSession(): ServerSession | null {
    if (this.options.session !== undefined) return null;
    const { session } = this;
    this.session = null;
    return session;
  }

  /** @param fault it was done, but the reply holds a value that cannot be read */
  settle(reply: Document, fault: InvalidBSON | null = null): void {
    let result: T;
    if (this.#owner?.replied(this as Operation, reply) === true) return;
    try {
      if (reply.ok !== 1 && this.options.rawReply !== true) throw failureOf(reply, this);
      result = this.#finish(reply, this);
      // Not before: a cursor that was opened must be known, to be killed.
      if (fault !== null) throw unreadable(fault, this);
    } catch (error) {
      this.fail(error as Error);
      return;
    }
    if (this.session !== null) this.keepSession()?.giveBack();
    this.#resolve(result);
  }

  /** @param swept see `OperationOwner.failed` */
  fail(error: Error, swept = false): void {
    const failure = this.#owner === null ? error : this.#owner.failed(this as Operation, error, swept);
    if (failure === null) return;
    if (this.session !== null) this.keepSession()?.giveBack();
    this.#reject(failure);
  }
}

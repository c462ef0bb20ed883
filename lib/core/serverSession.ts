import { type Binary, Long, UUID } from 'bson';

const MINUTE = 60_000;

/**
 * What a server knows as a session: an id under which commands come one after the other.
 * @see Specification "driver sessions"
 */
export class ServerSession {
  readonly id: { readonly id: Binary } = { id: new UUID().toBinary() };
  /** When it was last sent, by `performance.now()`. */
  lastUse = performance.now();
  /** A command of it may still be running on the server, since its reply was lost. It stays so. */
  dirty = false;
  readonly #pool: ServerSessionPool;
  #txnNumber = 0;

  constructor(pool: ServerSessionPool) {
    this.#pool = pool;
  }

  /** The number of its next retryable write. */
  nextTxnNumber(): Long {
    return Long.fromNumber(++this.#txnNumber);
  }

  /** Whoever took it does not need it any more. */
  giveBack(): void {
    this.#pool.takeBack(this);
  }
}

/** The server sessions of one client that nobody uses at the moment. */
export class ServerSessionPool {
  /** The one used last at the end: it is the next to be used, so that the others can grow old. */
  readonly #idle: ServerSession[] = [];
  /** Milliseconds that a session may be unused and still be lent: a minute less than servers keep it. */
  #lifetime = 0;
  #closed = false;

  /** How many nobody uses. */
  get size(): number {
    return this.#idle.length;
  }

  /**
   * One for the caller alone, until it is given back.
   * @param timeout how long the server keeps one that is not used, in milliseconds
   */
  lend(timeout: number): ServerSession {
    this.#lifetime = timeout - MINUTE;
    for (let session = this.#idle.pop(); session !== undefined; session = this.#idle.pop()) {
      if (this.#isFresh(session)) return session;
    }
    return new ServerSession(this);
  }

  takeBack(session: ServerSession): void {
    if (this.#closed) return;
    let stale = 0;
    while (stale < this.#idle.length && !this.#isFresh(this.#idle[stale] as ServerSession)) stale++;
    if (stale > 0) this.#idle.splice(0, stale);
    if (!session.dirty && this.#isFresh(session)) this.#idle.push(session);
  }

  /** Lends none of those that are here any more, and takes none back. @returns those that are here */
  close(): readonly ServerSession[] {
    this.#closed = true;
    return this.#idle.splice(0);
  }

  #isFresh({ lastUse }: ServerSession): boolean {
    return performance.now() - lastUse < this.#lifetime;
  }
}

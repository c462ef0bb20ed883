import { type Document, Long, ObjectId, UUID } from 'bson';
import { FailPoints, type Failure } from './failPoints';
import { commandOf, MORE_TO_COME, opMsg, replyOf, requestIdOf, withBody } from './message';
import { type Exchange, FaultProxy, isHello, type ProxyOptions, type SeenCommand } from './proxy';
import type { Where } from './rawClient';
import { errorReply, Refusal } from './refusal';

export const SESSION_TIMEOUT_MINUTES = 30;

/** What the embedded server does not know of a command. */
const OF_SESSIONS: ReadonlySet<string> = new Set(['lsid', 'txnNumber', 'stmtId', 'stmtIds', '$clusterTime']);
const OF_AWAITING: ReadonlySet<string> = new Set([...OF_SESSIONS, 'topologyVersion', 'maxAwaitTimeMS']);
const NONE: ReadonlySet<string> = new Set();

/** With these codes a server calls a failed retryable write worth another attempt. */
const RETRYABLE = new Set([6, 7, 89, 91, 189, 262, 9001, 10107, 11600, 11602, 13435, 13436]);

/** Start a standalone with sessions and fail points, played in front of the server. */
export async function playStandalone(server: Where, options: ProxyOptions = {}): Promise<PlayedServer> {
  const played = new PlayedServer(server, options);
  await played.accept();
  return played;
}

/**
 * A proxy that plays what the server behind it lacks: sessions, fail points, `hello` that waits for a change. Rules and
 * faults work as with any proxy, their `forward` reaches the played server.
 */
export class PlayedServer extends FaultProxy {
  /** Milliseconds that every reply takes longer. */
  delay = 0;
  protected readonly failPoints = new FailPoints();
  #processId = new ObjectId();
  #counter = 0;
  #said: Document = {};
  /** By {@link keyOf}. */
  readonly #sessions = new Map<string, Document>();
  readonly #awaiting = new Set<() => void>();
  /** What applications call themselves, by the number of their connection. */
  readonly #applications = new Map<number, string>();
  #paused: { readonly over: Promise<void>; readonly end: () => void } | null = null;

  /** Answer nothing until `resume`. */
  pause(): void {
    let end = () => {};
    const over = new Promise<void>((resolve) => {
      end = resolve;
    });
    this.#paused ??= { over, end };
  }

  resume(): void {
    this.#paused?.end();
    this.#paused = null;
  }

  /** What `hello` tells has changed: the topology version counts on, and who waits for that is answered. */
  changed(): void {
    this.#counter += 1;
    for (const wake of this.#awaiting) wake();
  }

  /** Let it say this of itself from now on; undefined takes something out of what its `hello` tells. */
  says(words: Document): void {
    this.#said = { ...this.#said, ...words };
    this.changed();
  }

  protected get topologyVersion(): { processId: ObjectId; counter: Long } {
    return { processId: this.#processId, counter: Long.fromNumber(this.#counter) };
  }

  /** As after a restart: another process, which counts anew. */
  protected becomeNew(): void {
    this.#processId = new ObjectId();
    this.#counter = 0;
  }

  /** What `hello` tells beside the server's own words; undefined takes something out of them. */
  protected describe(_command: SeenCommand): Document {
    return { logicalSessionTimeoutMinutes: SESSION_TIMEOUT_MINUTES };
  }

  /**
   * A command that is no `hello`: what answers it.
   * @throws Refusal: it is refused
   */
  protected async play(exchange: Exchange): Promise<Buffer | Document | null> {
    const { name, document } = exchange.command;
    if (document.lsid !== undefined) this.#sessions.set(keyOf(document.lsid), document.lsid);
    const own = this.#ownReply(name, document);
    if (own !== null) return own;
    if (document.txnNumber !== undefined) {
      throw new Refusal(20, 'Transaction numbers are only allowed on a replica set member or mongos');
    }
    return this.passOn(exchange);
  }

  /** The server's answer to a command without what it does not know. */
  protected passOn(exchange: Exchange, without: ReadonlySet<string> = NONE): Promise<Buffer | null> {
    const message = listsSessions(exchange.command) ? this.#listingSessions(exchange.message) : exchange.message;
    return exchange.forward(withBody(message, new Set([...OF_SESSIONS, ...without])));
  }

  /** The command with the sessions themselves instead of `$listLocalSessions`. */
  #listingSessions(message: Buffer): Buffer {
    const { requestId, document } = commandOf(message, true);
    const sessions = [...this.#sessions.values()].map((session) => ({ _id: session }));
    const pipeline = [{ $documents: sessions }, ...document.pipeline.slice(1)];
    return opMsg(requestId, 0, { ...document, pipeline });
  }

  /** What a server adds to its reply, `code` being that of an error. */
  protected metadata(_command: SeenCommand, _code: number | undefined): Document {
    return {};
  }

  /** Sessions were ended. */
  protected forget(sessions: readonly Document[]): void {
    for (const session of sessions) this.#sessions.delete(keyOf(session));
  }

  #ownReply(name: string, document: Document): Document | null {
    switch (name) {
      case 'configureFailPoint':
        return this.failPoints.configure(document);
      case 'startSession':
        return { id: { id: new UUID() }, timeoutMinutes: SESSION_TIMEOUT_MINUTES, ok: 1 };
      case 'endSessions':
      case 'killSessions':
        this.forget(document[name]);
        return { ok: 1 };
      case 'refreshSessions':
      case 'killAllSessions':
      case 'killAllSessionsByPattern':
        return { ok: 1 };
      default:
        return null;
    }
  }

  protected override async execute(exchange: Exchange): Promise<Buffer | null> {
    const { command } = exchange;
    const application = command.document.client?.application?.name;
    if (application !== undefined) this.#applications.set(command.connection, application);

    let known = command.document.topologyVersion as Document | undefined;
    let reply = await this.#respond(exchange, known);
    if (!command.exhaustAllowed || !isHello(command.name) || known === undefined) return reply;
    // One reply after another, each an answer to the one before, until something goes wrong.
    while (reply !== null && replyOf(reply).ok === 1) {
      reply.writeUInt32LE(MORE_TO_COME, 16);
      await exchange.send(reply);
      const last = requestIdOf(reply);
      known = this.topologyVersion;
      reply = await this.#respond(exchange, known);
      reply?.writeInt32LE(last, 8);
    }
    return reply;
  }

  async #respond(exchange: Exchange, known: Document | undefined): Promise<Buffer | null> {
    const { command, closed } = exchange;
    await Promise.race([this.#paused?.over, closed]);
    if (this.delay > 0) await pass(this.delay, closed);
    const failure = this.failPoints.onCommand(command, this.#applications.get(command.connection));
    if (failure?.blockConnection === true) await pass(failure.blockTimeMS ?? 0, closed);
    if (failure?.closeConnection === true) {
      exchange.close();
      return null;
    }
    const outcome = await this.#outcome(exchange, known, failure);
    if (command.moreToCome || outcome === null) return null;
    const reply = Buffer.isBuffer(outcome) ? outcome : exchange.replyWith(outcome);
    const added = this.#additions(command, reply, failure);
    return withBody(reply, new Set(Object.keys(added)), added);
  }

  async #outcome(
    exchange: Exchange,
    known: Document | undefined,
    failure: Failure | null,
  ): Promise<Buffer | Document | null> {
    if (failure?.errorCode !== undefined) {
      return errorReply(failure.errorCode, "Failing command via 'failCommand' failpoint");
    }
    try {
      return await (isHello(exchange.command.name) ? this.#hello(exchange, known) : this.play(exchange));
    } catch (error) {
      if (error instanceof Refusal) return error.reply;
      throw error;
    }
  }

  async #hello(exchange: Exchange, known: Document | undefined): Promise<Document | null> {
    const { command, closed } = exchange;
    if (known !== undefined && this.#isCurrent(known)) {
      await this.#changedWithin(Number(command.document.maxAwaitTimeMS), closed);
    }
    const reply = await exchange.forward(withBody(exchange.message, OF_AWAITING));
    if (reply === null) return null;
    const { topologyVersion } = this;
    return { ...replyOf(reply, true), ...this.describe(command), topologyVersion, ...this.#said };
  }

  #isCurrent({ processId, counter }: Document): boolean {
    return this.#processId.equals(processId) && Number(counter) >= this.#counter;
  }

  #changedWithin(ms: number, closed: Promise<void>): Promise<void> {
    return new Promise((resolve) => {
      const done = () => {
        clearTimeout(timer);
        this.#awaiting.delete(done);
        resolve();
      };
      const timer = setTimeout(done, ms);
      this.#awaiting.add(done);
      void closed.then(done);
    });
  }

  /** Servers do from 4.4 on. */
  get #givesLabels(): boolean {
    return !(this.#said.maxWireVersion < 9);
  }

  /** Failures, labels and what else belongs to a reply. */
  #additions(command: SeenCommand, reply: Buffer, failure: Failure | null): Document {
    const { ok, code } = replyOf(reply);
    const failed = Number(ok) === 1 ? undefined : Number(code);
    const { writeConcernError: own, ...others } = this.metadata(command, failed);
    const writeConcernError = failure?.writeConcernError ?? own;
    const isRetryable = RETRYABLE.has(failed ?? 0) || RETRYABLE.has(Number(writeConcernError?.code));
    const labels =
      command.document.txnNumber !== undefined && isRetryable && this.#givesLabels ? ['RetryableWriteError'] : [];
    const errorLabels = failure?.errorLabels ?? labels;
    return {
      ...(writeConcernError === undefined ? {} : { writeConcernError }),
      ...(errorLabels.length === 0 ? {} : { errorLabels }),
      ...others,
    };
  }
}

/** What a session is known by. */
export function keyOf(session: Document): string {
  return session.id.toString('hex');
}

/** The session that a command belongs to; null: none. */
export function lsidOf({ document }: SeenCommand): string | null {
  return document.lsid === undefined ? null : document.lsid.id.toHexString();
}

function listsSessions({ name, document }: SeenCommand): boolean {
  return name === 'aggregate' && document.pipeline?.[0]?.$listLocalSessions !== undefined;
}

/** Wait, but not for a client that has gone. */
function pass(ms: number, closed: Promise<void>): Promise<void> {
  return new Promise((resolve) => {
    const done = () => {
      clearTimeout(timer);
      resolve();
    };
    const timer = setTimeout(done, ms);
    void closed.then(done);
  });
}

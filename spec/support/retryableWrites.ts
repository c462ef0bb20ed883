import { type Document, Int32 } from 'bson';
import type { FailPoints } from './failPoints';
import { commandOf, opMsg, replyOf } from './message';
import { keyOf } from './playedServer';
import type { Exchange } from './proxy';
import { Refusal } from './refusal';

/** Commands that may be tried again, and where their statements are. Null: the command is one statement. */
const STATEMENTS: Readonly<Record<string, string | null>> = {
  insert: 'documents',
  update: 'updates',
  delete: 'deletes',
  findAndModify: null,
  findandmodify: null,
  bulkWrite: null,
};

type PassOn = (message?: Buffer) => Promise<Buffer | null>;

/** The last retryable write of a session: which of its statements were done, and what came of them. */
interface Remembered {
  readonly txnNumber: number;
  readonly done: Set<number>;
  outcome: Document;
  /** Settled when nothing of it is under way: its repetition may come before it is done. */
  atRest: Promise<unknown>;
}

/**
 * What the members of a replica set remember of their retryable writes, so that none is done twice. As on a server it
 * is the last write of each session.
 */
export class RetryableWrites {
  readonly #sessions = new Map<string, Remembered>();

  forget(sessions: readonly Document[]): void {
    for (const session of sessions) this.#sessions.delete(keyOf(session));
  }

  /**
   * Do what was not done before, and answer as if all were done now.
   * @param passOn sends the server the command, or a message that stands for it, without the fields of sessions
   * @throws Refusal: it is no write that could be tried again, or an old one
   */
  run(exchange: Exchange, failPoints: FailPoints, passOn: PassOn): Promise<Buffer | Document | null> {
    const memory = this.#remember(exchange.command.document);
    const run = memory.atRest.then(() => this.#runIn(memory, exchange, failPoints, passOn));
    memory.atRest = run.catch(() => undefined);
    return run;
  }

  async #runIn(
    memory: Remembered,
    exchange: Exchange,
    failPoints: FailPoints,
    passOn: PassOn,
  ): Promise<Buffer | Document | null> {
    const field = statementsOf(exchange.command.name, exchange.command.document);
    const count = field === null ? 1 : exchange.command.document[field].length;
    if (memory.done.size === 0 && !failPoints.awaitsWrites) {
      const reply = await passOn();
      if (reply !== null) note(memory, replyOf(reply, true), count, exchange.command.document.ordered);
      return reply;
    }

    // Statement by statement, as each may be known or fail.
    const { document } = commandOf(exchange.message, true);
    const known = [...memory.done];
    const writeErrors: Document[] = [];
    for (let index = 0; index < count; index++) {
      if (memory.done.has(index)) continue;
      const failure = failPoints.onWrite();
      if (failure?.failBeforeCommitExceptionCode === undefined) {
        const statement = field === null ? document : { ...document, [field]: [document[field][index]] };
        const reply = await passOn(opMsg(exchange.command.requestId, 0, statement));
        const result = reply === null ? {} : replyOf(reply, true);
        if (Number(result.ok) !== 1) return reply;
        writeErrors.push(...(result.writeErrors ?? []).map((error: Document) => ({ ...error, index })));
        if (result.writeErrors === undefined) add(memory, result, index);
        else if (document.ordered !== false) break;
      }
      if (failure !== null) {
        exchange.close();
        return null;
      }
    }
    return {
      ...(field === null ? {} : { n: 0 }),
      ...memory.outcome,
      ...(writeErrors.length > 0 ? { writeErrors } : {}),
      ...(known.length > 0 ? { retriedStmtIds: known } : {}),
      ok: 1,
    };
  }

  #remember({ lsid, txnNumber }: Document): Remembered {
    if (lsid === undefined) throw new Refusal(72, 'Transaction number requires a session ID to also be specified');
    const key = keyOf(lsid);
    const last = this.#sessions.get(key);
    const number = Number(txnNumber);
    if (last?.txnNumber === number) return last;
    if (last !== undefined && last.txnNumber > number) {
      throw new Refusal(225, `Retryable write with txnNumber ${number} is prohibited: ${last.txnNumber} has started`);
    }
    const memory = { txnNumber: number, done: new Set<number>(), outcome: {}, atRest: Promise.resolve() };
    this.#sessions.set(key, memory);
    return memory;
  }
}

/** @throws Refusal: it cannot be tried again */
function statementsOf(name: string, document: Document): string | null {
  const field = STATEMENTS[name];
  if (field === undefined) {
    const cause = `autocommit:false was not provided, and ${name} is not a retryable write command`;
    throw new Refusal(
      50768,
      `txnNumber may only be provided for multi-document transactions and retryable write commands. ${cause}`,
    );
  }
  const has = (key: string, value: unknown) =>
    field !== null && document[field].some((one: Document) => one[key] === value);
  if (name === 'update' && has('multi', true)) throw new Refusal(72, 'Cannot use retryable writes with multi=true');
  if (name === 'delete' && has('limit', 0)) throw new Refusal(72, 'Cannot use retryable writes with limit=0');
  return field;
}

/** Remember a command that was done as a whole. */
function note(memory: Remembered, { writeErrors = [], ...outcome }: Document, count: number, ordered = true): void {
  if (Number(outcome.ok) !== 1 || Number(outcome.nErrors ?? 0) > 0) return;
  const failed: number[] = writeErrors.map((error: Document) => Number(error.index));
  const end = ordered ? (failed[0] ?? count) : count;
  for (let index = 0; index < end; index++) if (!failed.includes(index)) memory.done.add(index);
  memory.outcome = outcome;
}

/** Remember a statement that was done by itself. */
function add(memory: Remembered, { n, nModified, upserted, ...others }: Document, index: number): void {
  const before = memory.outcome;
  const sum = (left: unknown, right: unknown) => new Int32(Number(left ?? 0) + Number(right));
  memory.done.add(index);
  memory.outcome = {
    ...others,
    ...(n === undefined ? {} : { n: sum(before.n, n) }),
    ...(nModified === undefined ? {} : { nModified: sum(before.nModified, nModified) }),
    ...(before.upserted === undefined && upserted === undefined
      ? {}
      : { upserted: [...(before.upserted ?? []), ...(upserted ?? []).map((one: Document) => ({ ...one, index }))] }),
  };
}

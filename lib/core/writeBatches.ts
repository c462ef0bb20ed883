import type { Document } from 'bson';
import type { Namespace } from './commands';
import { encode } from './encode';
import type { Engine, RunOptions } from './engine';
import { InvalidDocument } from './errors';
import type { Failed } from './failure';
import { type ComingStatements, SequenceBuilder, Statements } from './sequence';
import type { ServerDescription } from './serverDescription';
import type { WriteConcern } from './writeConcern';

/** The kinds of writes, each by the name of its command, in the order in which an unordered bulk sends them. */
export const WRITE_KINDS = ['insert', 'update', 'delete'] as const;
export type WriteKind = (typeof WRITE_KINDS)[number];

/** So few are not worth the guess. */
const FEW = 16;

/** The field of each command that its statements stand for. */
const FIELDS = { insert: 'documents', update: 'updates', delete: 'deletes' } as const;

export interface WriteBatchesOptions {
  readonly ordered: boolean;
  readonly writeConcern: WriteConcern;
  /** Of the last command; default: the same. */
  readonly lastConcern?: WriteConcern;
  /** Further fields of each command, such as `let`, `comment`, `bypassDocumentValidation`. */
  readonly extra?: Document | undefined;
  /**
   * The reply to one batch is here.
   * @param first the place of its first statement among all
   * @returns false: nothing more is to be sent
   */
  readonly received: (reply: Document, operation: Failed, first: number) => boolean;
  /** Names the nth statement (from 0) in errors. */
  readonly nameOf: (n: number) => string;
}

/**
 * Send writes of one kind, in as many commands as the server's limits ask for, one after the other; no more of them are
 * encoded at once than one command holds.
 * @throws DocumentTooLarge, InvalidDocument: what stands before it was sent
 * @throws OperationFailure, AutoReconnect: a command failed as a whole; nothing more is sent
 */
export async function sendWrites(
  engine: Engine,
  namespace: Namespace,
  kind: WriteKind,
  statements: Statements | ComingStatements,
  { ordered, writeConcern, lastConcern = writeConcern, extra, received, nameOf }: WriteBatchesOptions,
): Promise<void> {
  // As long as nothing is awaited before the first batch is on its way, many bulks at once do not pile up in memory.
  const { description } = engine.server ?? (await engine.connect());
  const where = `${kind} on ${namespace.database}.${namespace.collection}`;
  const expected = statements instanceof Statements ? statements.length : 0;
  const sequence = new SequenceBuilder(FIELDS[kind], (n) => `${where}: ${nameOf(n)}`, description, expected);
  let first = 0;

  const commandWith = ({ toSend }: WriteConcern, documents?: readonly Document[]): Document => {
    const command: Document = { [kind]: namespace.collection };
    if (documents !== undefined) command[FIELDS[kind]] = documents;
    command.ordered = ordered;
    if (toSend !== null) command.writeConcern = toSend;
    if (extra !== undefined) Object.assign(command, extra);
    command.$db = namespace.database;
    return command;
  };

  const mayComeAgain = (from: number, count: number): boolean => {
    if (!engine.retriesWrites) return false;
    return kind === 'insert' || (statements instanceof Statements && statements.areSingle(from, count));
  };

  if (statements instanceof Statements && haveRoomInOneBody(statements, description)) {
    const command = commandWith(lastConcern, statements.documents);
    const options: RunOptions = {
      acknowledged: lastConcern.acknowledged,
      retryableWrite: mayComeAgain(0, statements.length),
    };
    if (kind === 'insert') options.idsLast = statements.idsLast;
    try {
      await engine.run(command, (reply, operation) => received(reply, operation, 0), options);
      return;
    } catch (error) {
      // Nothing was sent: one of them cannot be encoded, or they are longer than was guessed. Below it comes out which.
      if (!(error instanceof InvalidDocument)) throw error;
    }
  }

  const send = async (concern = writeConcern): Promise<boolean> => {
    const command = commandWith(concern);
    const { acknowledged } = concern;
    const batch = sequence.take();
    const place = first;
    first += batch.count;
    const goOn = await engine.run(command, (reply, operation) => received(reply, operation, place), {
      sequence: batch,
      acknowledged,
      retryableWrite: mayComeAgain(place, batch.count),
    });
    if (acknowledged) sequence.reuse(batch);
    return goOn;
  };

  let rest = new Statements();
  const storeRest = (): Promise<boolean> => {
    const given = rest;
    rest = new Statements();
    return sequence.addAll(given, () => send());
  };
  if (statements instanceof Statements) {
    rest = statements;
  } else if (Symbol.asyncIterator in statements.items) {
    for await (const item of statements.items) {
      statements.add(rest, item);
      if (rest.length >= sequence.chunk && !(await storeRest())) return;
    }
  } else {
    for (const item of statements.items) {
      statements.add(rest, item);
      if (rest.length >= sequence.chunk && !(await storeRest())) return;
    }
  }
  if ((await sequence.addAll(rest, () => send())) && sequence.count > 0) await send(lastConcern);
}

/**
 * Whether they fit into the command itself, where all of them are encoded at once; judged by one of them. A section of
 * their own has room for more.
 */
function haveRoomInOneBody({ documents, areListed }: Statements, limits: ServerDescription): boolean {
  const { length } = documents;
  if (areListed || length < FEW || length > limits.maxWriteBatchSize) return false;
  try {
    const size = encode(documents[length >> 1] as Document).length;
    return size * length < Math.min(limits.maxBsonSize, limits.maxMessageSize) / 2;
  } catch {
    return false;
  }
}

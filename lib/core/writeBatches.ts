import type { Document } from 'bson';
import type { Namespace } from './commands';
import type { Engine } from './engine';
import type { Failed } from './failure';
import { SequenceBuilder } from './sequence';
import type { WriteConcern } from './writeConcern';

/** The kinds of writes, each by the name of its command. */
export type WriteKind = 'insert' | 'update' | 'delete';

/** What is sent of one write. */
export interface Statement {
  /** A document to insert, or a statement as the `update` and `delete` commands have them. */
  readonly document: Document;
  /** Its `_id` was added by the driver: see `moveIdFirst`. */
  readonly idLast?: boolean;
}

/** The field of each command that its statements stand for. */
const FIELDS = { insert: 'documents', update: 'updates', delete: 'deletes' } as const;

export interface WriteBatchesOptions {
  readonly ordered: boolean;
  readonly writeConcern: WriteConcern;
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
  statements: Iterable<Statement> | AsyncIterable<Statement>,
  { ordered, writeConcern, extra, received, nameOf }: WriteBatchesOptions,
): Promise<void> {
  const { description } = await engine.connect();
  const where = `${kind} on ${namespace.database}.${namespace.collection}`;
  const sequence = new SequenceBuilder(FIELDS[kind], (n) => `${where}: ${nameOf(n)}`, description);
  const { acknowledged, toSend } = writeConcern;
  let first = 0;

  const send = async (): Promise<boolean> => {
    const command: Document = { [kind]: namespace.collection };
    if (!ordered) command.ordered = false;
    if (toSend !== null) command.writeConcern = toSend;
    if (extra !== undefined) Object.assign(command, extra);
    command.$db = namespace.database;
    const batch = sequence.take();
    const place = first;
    first += batch.count;
    return engine.run(command, (reply, operation) => received(reply, operation, place), {
      sequence: batch,
      acknowledged,
    });
  };

  const fits = ({ document, idLast }: Statement): boolean => {
    if (sequence.count === 0) return sequence.add(document, idLast);
    try {
      return sequence.add(document, idLast);
    } catch {
      return false; // those before it go out first; then it fails again
    }
  };

  if (Symbol.iterator in statements) {
    for (const statement of statements) {
      if (fits(statement)) continue;
      if (!(await send())) return;
      sequence.add(statement.document, statement.idLast);
    }
  } else {
    for await (const statement of statements) {
      if (fits(statement)) continue;
      if (!(await send())) return;
      sequence.add(statement.document, statement.idLast);
    }
  }
  if (sequence.count > 0) await send();
}

import type { Document } from 'bson';
import { insertCommand, type Namespace } from './commands';
import type { Engine } from './engine';
import type { Finish } from './operation';
import { SequenceBuilder } from './sequence';
import type { WriteConcern } from './writeConcern';

/** A document to insert. */
export interface Inserted {
  readonly document: Document;
  /** Its `_id` was added by the driver: see `moveIdFirst`. */
  readonly idLast: boolean;
}

export interface InsertManyOptions<T> {
  readonly ordered: boolean;
  readonly writeConcern: WriteConcern;
  /** Further fields of each command. */
  readonly extra?: Document;
  /** Reads the reply of one batch; what it throws ends an ordered insert. */
  readonly finish: Finish<T>;
}

/**
 * Insert any number of documents, in as many commands as the server's limits ask for; no more of them are encoded at
 * once than one command holds.
 * @returns what `finish` made of each reply
 * @throws DocumentTooLarge: what stands before it may have been inserted
 * @throws what `finish` throws: at once if ordered; else the last failure, after all batches were tried
 */
export async function insertMany<T>(
  engine: Engine,
  namespace: Namespace,
  documents: Iterable<Inserted> | AsyncIterable<Inserted>,
  options: InsertManyOptions<T>,
): Promise<T[]> {
  const { description } = await engine.connect();
  const { ordered, writeConcern, extra, finish } = options;
  const replies: T[] = [];
  let failure: unknown = null;
  const sequence = new SequenceBuilder(
    'documents',
    `insert on ${namespace.database}.${namespace.collection}`,
    description,
  );

  const send = async () => {
    const command = insertCommand(namespace, []);
    delete command.documents;
    if (!ordered) command.ordered = false;
    if (writeConcern.toSend !== null) command.writeConcern = writeConcern.toSend;
    Object.assign(command, extra);
    const run = { sequence: sequence.take(), acknowledged: writeConcern.acknowledged };
    try {
      replies.push(await engine.run(command, finish, run));
    } catch (error) {
      if (ordered) throw error;
      failure = error;
    }
  };

  const overflow = async ({ document, idLast }: Inserted) => {
    await send();
    sequence.add(document, idLast);
  };

  if (Symbol.iterator in documents) {
    for (const next of documents) if (!sequence.add(next.document, next.idLast)) await overflow(next);
  } else {
    for await (const next of documents) if (!sequence.add(next.document, next.idLast)) await overflow(next);
  }
  if (sequence.count > 0) await send();
  if (failure !== null) throw failure;
  return replies;
}

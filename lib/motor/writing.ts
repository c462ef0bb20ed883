import type { Document } from 'bson';
import type { Namespace } from '../core/commands';
import type { Engine } from '../core/engine';
import type { DocumentSequence } from '../core/message';
import { Statements } from '../core/sequence';
import { OVERHEAD } from '../core/sizes';
import { sendWrites } from '../core/writeBatches';
import { WriteConcern } from '../core/writeConcern';
import { checkedWrite } from '../core/writeReply';

const ACKNOWLEDGED = WriteConcern.from({}, 'ConfigurationError');

/**
 * Insert or upsert any number of documents, one after the other; it stops at the first that fails.
 * @throws DuplicateKeyError, WriteError, ...: what stood before it is written
 */
export function writeAll(
  engine: Engine,
  namespace: Namespace,
  kind: 'insert' | 'update',
  documents: readonly Document[],
): Promise<void> {
  return sendWrites(engine, namespace, kind, Statements.of(documents), {
    ordered: true,
    writeConcern: ACKNOWLEDGED,
    nameOf: (n) => `document ${n + 1}`,
    received: (reply, operation) => checkedWrite(reply, operation) === reply,
  });
}

/**
 * Insert documents that are encoded already, in as many commands as the server's limits ask for.
 * @throws DuplicateKeyError, WriteError, ...: what stood before it is written
 */
export async function insertBytes(
  engine: Engine,
  { database, collection }: Namespace,
  documents: AsyncIterable<Uint8Array>,
): Promise<void> {
  const { maxWriteBatchSize, maxMessageSize } = (await engine.connect()).description;
  let batch: Uint8Array[] = [];
  let size = 0;

  const send = async () => {
    const sequence: DocumentSequence = { field: 'documents', bytes: Buffer.concat(batch, size), count: batch.length };
    // What was valid there is valid here.
    const command = { insert: collection, bypassDocumentValidation: true, $db: database };
    batch = [];
    size = 0;
    await engine.run(command, checkedWrite, { sequence });
  };

  for await (const bytes of documents) {
    const full = batch.length === maxWriteBatchSize || size + bytes.length > maxMessageSize - OVERHEAD;
    if (full && batch.length > 0) await send();
    batch.push(bytes);
    size += bytes.length;
  }
  if (batch.length > 0) await send();
}

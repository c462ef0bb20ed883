import type { Document } from 'bson';
import type { Engine } from '../core/engine';
import { SequenceBuilder } from '../core/sequence';
import { checkedWrite } from '../core/writeReply';

/**
 * Send a write command in as many parts as the server's limits ask for; it stops at the first failure.
 * @param command without its statements: `{ insert: 'orders', $db: 'shop' }`
 * @param field the command's field for the statements
 * @param statements documents, or bytes of documents that are encoded already
 * @throws DuplicateKeyError, WriteError, ...: what stood before it is written
 */
export async function writeInBatches(
  engine: Engine,
  command: Document,
  field: 'documents' | 'updates',
  statements: Iterable<Document | Uint8Array> | AsyncIterable<Document | Uint8Array>,
): Promise<void> {
  const { description } = await engine.connect();
  const [name, collection] = Object.entries(command)[0] as [string, string];
  const sequence = new SequenceBuilder(field, `${name} on ${command.$db}.${collection}`, description);
  const send = () => engine.run(command, checkedWrite, { sequence: sequence.take() });
  for await (const statement of statements) {
    if (sequence.add(statement)) continue;
    await send();
    sequence.add(statement);
  }
  if (sequence.count > 0) await send();
}

import { createHash } from 'node:crypto';
import type { Binary, Document } from 'bson';
import { OperationFailure } from '../core/errors';
import type { Call } from './goneCommands';
import { readBatches } from './reading';

/**
 * The `filemd5` command, which some builds of current servers lack: the chunks of a GridFS file are read in order.
 * @returns `{ numChunks, md5, ok: 1 }`
 * @throws OperationFailure: a chunk is missing
 */
export async function serveFileMd5(call: Call): Promise<Document> {
  const { root = 'fs' } = call.command;
  const collection = `${root}.chunks`;
  const filter = { files_id: Object.values(call.command)[0] };
  const hash = createHash('md5');
  let numChunks = 0;
  for await (const batch of readBatches(call, collection, { filter, sort: { n: 1 } })) {
    for (const { n, data } of batch) {
      if (n !== numChunks++) {
        throw new OperationFailure(`filemd5 on ${call.database}.${collection}: chunk ${numChunks - 1} is missing`, {
          code: 10040,
        });
      }
      hash.update((data as Binary).value());
    }
  }
  return { numChunks, md5: hash.digest('hex'), ok: 1 };
}

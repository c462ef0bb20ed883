import { fork } from 'node:child_process';
import { once } from 'node:events';
import { DATABASE } from './contestant';
import type { BareConnection } from './contestants/floor';
import { motorClient } from './motor';

const COLLECTION = 'million';
const TOTAL = 1_000_000;
const STEP = 100_000;
const INSERTED_AT_ONCE = 10_000;

/** Fill a collection, iterate it in a process of its own, and print what is left on the heap at each step. */
export async function iterateMillion(uri: string, connection: BareConnection): Promise<void> {
  await connection.command({ drop: COLLECTION, $db: DATABASE }).catch(() => {}); // it may not exist yet
  for (let from = 0; from < TOTAL; from += INSERTED_AT_ONCE) {
    const documents = Array.from({ length: INSERTED_AT_ONCE }, (_, i) => ({ _id: from + i, name: `cog ${from + i}` }));
    await connection.command({ insert: COLLECTION, documents, $db: DATABASE });
  }
  const child = fork(__filename, [uri], { execArgv: ['--expose-gc'] });
  const [code] = await once(child, 'exit');
  if (code !== 0) throw new Error(`the iteration ended with code ${code}`);
}

async function iterate(uri: string): Promise<void> {
  const client = await motorClient(uri);
  const collection = client.get_database(DATABASE).get_collection(COLLECTION);
  const used: number[] = [];
  let count = 0;
  // Small batches: of the 16 MB that a reply may hold, a third of the collection would be on the heap at a time.
  for await (const _ of collection.find().batch_size(1000)) {
    if (++count % STEP !== 0) continue;
    globalThis.gc?.();
    const megabytes = process.memoryUsage().heapUsed / 2 ** 20;
    used.push(megabytes);
    console.log(`${count.toLocaleString('en-US').padStart(9)} documents: ${megabytes.toFixed(1)} MiB of heap in use`);
  }
  client.close();
  if (count !== TOTAL) throw new Error(`${count} documents instead of ${TOTAL}`);
  // The heap holds more or less of a batch; what grows shows in the later half.
  const half = used.length / 2;
  const flat = Math.max(...used.slice(half)) <= 1.2 * Math.max(...used.slice(0, half));
  console.log(flat ? 'the heap stays flat' : 'THE HEAP GROWS');
  if (!flat) process.exitCode = 1;
}

if (require.main === module) {
  iterate(process.argv[2] as string).catch((error) => {
    console.error(error);
    process.exit(1);
  });
}

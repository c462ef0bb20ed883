/**
 * The process of one contestant, so that its CPU time is its own. It is kept for the whole run, as an application
 * is: what it measures is warm.
 * Arguments: contestant, address. Then it measures what each `Order` says, one at a time.
 */
import type { Callbacks, Contestant, Promises } from './contestant';
import { TASKS } from './tasks';

export interface Order {
  title: string;
  lanes: number;
  operations: number;
  /** They begin with the input of this index. */
  first: number;
}

/** Microseconds, of the whole order. `absent`: the contestant has no such form. */
export type Report = { cpu: number; elapsed: number } | { absent: true } | { failure: string };

type Run = (inputs: unknown[], lanes: number) => Promise<number>;

function runPromises(operation: (input: unknown, lane: number) => Promise<number>): Run {
  return async (inputs, lanes) => {
    let next = 0;
    let documents = 0;
    const work = async (_: unknown, lane: number) => {
      while (next < inputs.length) {
        const found = await operation(inputs[next++], lane); // on a line of its own: lanes share the sum
        documents += found;
      }
    };
    await Promise.all(Array.from({ length: lanes }, work));
    return documents;
  };
}

function runCallbacks(operation: (input: unknown, done: (error: unknown, documents: number) => void) => void): Run {
  return (inputs, lanes) =>
    new Promise((resolve, reject) => {
      let next = 0;
      let running = lanes;
      let documents = 0;
      const done = (error: unknown, found: number) => {
        if (error) return reject(error);
        documents += found;
        work();
      };
      const work = () => {
        if (next < inputs.length) operation(inputs[next++], done);
        else if (--running === 0) resolve(documents);
      };
      for (let lane = 0; lane < lanes; lane++) work();
    });
}

function runOf(contestant: Contestant, operation: keyof Promises, collection: string): Run | null {
  // The table pairs each operation with its input; the compiler has lost sight of that here.
  if (contestant.form === 'promise') {
    const found = contestant.operations(collection)[operation];
    return found ? runPromises(found as Parameters<typeof runPromises>[0]) : null;
  }
  const found = contestant.operations(collection)[operation as keyof Callbacks];
  return found ? runCallbacks(found as Parameters<typeof runCallbacks>[0]) : null;
}

async function measure(contestant: Contestant, { title, lanes, operations, first }: Order): Promise<Report> {
  const task = TASKS.find((candidate) => candidate.title === title);
  if (task === undefined) throw new Error(`no task '${title}'`);
  const run = runOf(contestant, task.operation, task.collection);
  if (run === null) return { absent: true };
  const inputs = Array.from({ length: operations }, (_, index) => task.input(first + index));
  // No gc() here: it throws optimized code away with the closures which that refers to, and short rounds pay for it.
  const started = process.hrtime.bigint();
  const usage = process.cpuUsage();
  const documents = await run(inputs, lanes);
  const { user, system } = process.cpuUsage(usage);
  const elapsed = Number(process.hrtime.bigint() - started) / 1000;
  if (documents !== operations * task.documents) {
    throw new Error(`${documents} documents instead of ${operations * task.documents}`);
  }
  return { cpu: user + system, elapsed };
}

async function main(name: string, uri: string): Promise<void> {
  const module = (await import(`./contestants/${name}.js`)) as { connect(uri: string): Promise<Contestant> };
  const contestant = await module.connect(uri);
  process.on('message', (order: Order) => {
    measure(contestant, order)
      .catch((error: Error) => ({ failure: error.message }))
      .then((report: Report) => process.send?.(report));
  });
  process.on('disconnect', () => process.exit());
  process.send?.({ absent: true }); // ready
}

main(process.argv[2] as string, process.argv[3] as string).catch((error) => {
  console.error(error);
  process.exit(1);
});

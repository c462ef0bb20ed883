/**
 * What this driver costs, beside raw sockets and beside others: `npm run bench -- --help`.
 * Several processes per contestant, since what the compiler makes of the same code differs from one to the next; only
 * one of them works at a time, in an order which turns from round to round.
 */
import { parseArgs } from 'node:util';
import { startServer } from '../spec/support/server';
import type { Order } from './client';
import { CONTESTANTS, type ContestantName, DATABASE } from './contestant';
import { BareConnection } from './contestants/floor';
import { iterateMillion } from './heap';
import { Client } from './process';
import { type Figures, heading, type Row, rowText, summary } from './table';
import { obstacle, SEEDS, seedable, TASKS, type Task } from './tasks';

const HELP = `npm run bench -- [options]
  --processes <n>      of each contestant (2)
  --rounds <n>         measurements of each task in each process (5); the median of all counts
  --tasks <a,b>        only tasks whose title has one of these words
  --contestants <a,b>  only these, of: ${CONTESTANTS.join(', ')}
  --quick              one process of each with a quarter of the operations: for a first look
  --json               print the figures as JSON
  --heap               instead: iterate a million documents and watch the heap
The tasks of the drivers' common benchmark need its data: MOTOR_BENCHMARK_DATA (../shared/benchmark-data).`;

const { values: flags } = parseArgs({
  options: {
    processes: { type: 'string' },
    rounds: { type: 'string' },
    tasks: { type: 'string' },
    contestants: { type: 'string' },
    quick: { type: 'boolean', default: false },
    json: { type: 'boolean', default: false },
    heap: { type: 'boolean', default: false },
    help: { type: 'boolean', default: false },
  },
});

function positive(flag: 'processes' | 'rounds', usual: number): number {
  const number = Number(flags[flag] ?? usual);
  if (Number.isInteger(number) && number > 0) return number;
  throw new Error(`--${flag} must be a positive number, not ${flags[flag]}`);
}

const processes = positive('processes', flags.quick ? 1 : 2);
const rounds = positive('rounds', flags.quick ? 3 : 5);

function chosen<T extends string>(flag: string, given: string | undefined, all: readonly T[]): readonly T[] {
  const names = given?.split(',') ?? all;
  return names.map((name) => {
    const found = all.find((one) => one === name);
    if (found === undefined) throw new Error(`--${flag}: no '${name}'; there are ${all.join(', ')}`);
    return found;
  });
}

const contestants: readonly ContestantName[] = chosen('contestants', flags.contestants, CONTESTANTS);
const words = flags.tasks?.split(',') ?? [''];
const tasks = TASKS.filter(({ title }) => words.some((word) => title.includes(word)));

/** Rounds that do not count: the compiler is still at work. */
const warmUps = flags.quick ? 2 : 5;
/** Before all tasks, so that what every command goes through is compiled, whichever tasks were chosen. */
const FIRST_WARM_UP: Order = { title: 'run command (ping)', lanes: 1, operations: 5000, first: 0 };

const say = (text: string) => {
  if (!flags.json) console.log(text);
};

function median(values: number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1
    ? (sorted[middle] as number)
    : ((sorted[middle - 1] as number) + (sorted[middle] as number)) / 2;
}

async function drop(connection: BareConnection, collection: string): Promise<void> {
  await connection.command({ drop: collection, $db: DATABASE }).catch(() => {}); // it may not exist yet
}

async function seed(connection: BareConnection): Promise<void> {
  const STEP = 1000;
  for (const { collection, count, make } of SEEDS.filter(seedable)) {
    await drop(connection, collection);
    for (let from = 0; from < count; from += STEP) {
      const documents = Array.from({ length: Math.min(STEP, count - from) }, (_, i) => make(from + i));
      await connection.command({ insert: collection, documents, $db: DATABASE });
    }
  }
}

async function compare(task: Task, lanes: number, clients: Client[], connection: BareConnection): Promise<Row> {
  const { title, times = 1 } = task;
  const counted = Math.max(lanes, flags.quick ? Math.ceil(task.operations / 4) : task.operations);
  const measured = new Map(contestants.map((name) => [name, { cpu: [] as number[], elapsed: [] as number[] }]));
  const missing = new Map<ContestantName, string>();

  for (let round = -warmUps; round < rounds; round++) {
    for (let turn = 0; turn < clients.length; turn++) {
      const client = clients[(turn + round + warmUps) % clients.length] as Client;
      if (missing.has(client.name)) continue;
      if (task.collection === 'written') await drop(connection, task.collection);
      const operations = round < 0 ? Math.max(lanes, task.operations) : counted;
      let cpu = 0;
      let elapsed = 0;
      for (let time = 0; time < times && !missing.has(client.name); time++) {
        const report = await client.measure({ title, lanes, operations, first: time * operations });
        if ('absent' in report) missing.set(client.name, 'has no such form');
        else if ('failure' in report) missing.set(client.name, `failed: ${report.failure}`);
        else {
          cpu += report.cpu;
          elapsed += report.elapsed;
        }
      }
      if (round < 0 || missing.has(client.name)) continue;
      measured.get(client.name)?.cpu.push(cpu / operations / times);
      measured.get(client.name)?.elapsed.push(elapsed / operations / times);
    }
  }
  const figures = contestants.map((name): Figures => {
    const why = missing.get(name);
    if (why !== undefined) return { name, missing: why };
    const { cpu, elapsed } = measured.get(name) as { cpu: number[]; elapsed: number[] };
    return { name, cpu: median(cpu), perSecond: 1_000_000 / median(elapsed), rounds: cpu };
  });
  return { title, lanes, target: task.target, figures };
}

async function compareAll(uri: string, connection: BareConnection): Promise<void> {
  const clients: Client[] = [];
  const rows: Row[] = [];
  try {
    await seed(connection);
    for (const name of Array.from({ length: processes }, () => contestants).flat()) {
      const client = await Client.start(name, uri);
      clients.push(client);
      await client.measure(FIRST_WARM_UP);
    }
    const measurements = `${rounds} rounds in ${processes} processes`;
    say(`medians of ${measurements}; CPU is user and system time of the client process\n\n${heading()}`);
    for (const task of tasks) {
      const why = obstacle(task);
      if (why !== null) console.error(`${task.title}: skipped, ${why}`);
      for (const lanes of why === null ? task.lanes : []) {
        const row = await compare(task, lanes, clients, connection);
        rows.push(row);
        say(rowText(row));
      }
    }
    if (flags.json) console.log(JSON.stringify(rows, null, 2));
    else say(`\n${summary(rows)}`);
  } finally {
    for (const client of clients) client.stop();
  }
  if (rows.some(({ figures }) => figures.some((one) => 'missing' in one && one.missing.startsWith('failed')))) {
    process.exitCode = 1;
  }
}

async function main(): Promise<void> {
  if (flags.help) return console.log(HELP);
  const server = await startServer();
  try {
    const connection = await BareConnection.open(server.uri);
    try {
      await (flags.heap ? iterateMillion(server.uri, connection) : compareAll(server.uri, connection));
    } finally {
      connection.close();
    }
  } finally {
    await server.stop();
  }
}

main().catch((error) => {
  console.error(error);
  process.exitCode = 1;
});

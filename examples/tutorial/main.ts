/**
 * `npm start`: the tutorial, every step in three styles, against a real server. That is one of its own, or the one that
 * MOTOR_URI names, where it works in a database of its own and drops it afterwards.
 *
 * The steps are in `steps.ts`; their code is in `callbacks.ts`, `promises.ts` and `coroutines.ts`. A second part does
 * the same on the asyncio surface: `asyncio.ts`.
 */

import { randomBytes } from 'node:crypto';
import { MotorClient } from 'motor-mongo';
import { startServer } from '../../spec/support/server';
import { ASYNCIO_STEPS } from './asyncio';
import { print } from './printer';
import { STEPS } from './steps';
import { agree, asyncioStyle, type Style, styles } from './styles';

/** A server to work on. */
interface Host {
  readonly uri: string;
  readonly stop: () => Promise<void>;
}

/** How the process will end, once anything but success has come. */
let exitCode = 0;

async function main(): Promise<void> {
  const host = await findHost();
  if (host === null) return fail(1);
  const database = `motor_tutorial_${randomBytes(4).toString('hex')}`;
  // The step under way is finished, then everything is put away; a second Ctrl-C ends the process at once.
  process.once('SIGINT', () => fail(130));
  process.once('SIGTERM', () => fail(143));
  process.stdout.on('error', () => fail(1)); // as after `| head`: nobody reads any more
  process.once('uncaughtException', async (error) => {
    print.failure('A callback threw an error.', error);
    fail(1);
    await putAway(host, database);
    process.exit();
  });

  await tutorial(host.uri, database);
  await putAway(host, database);
  // After a failure the clients of the steps may still be connected.
  if (exitCode !== 0) process.exit();
}

async function tutorial(uri: string, database: string): Promise<void> {
  print.heading(`The tutorial of motor-mongo, at ${withoutSecrets(uri)}, database ${database}`);
  const start = performance.now();
  const all = styles({ uri, database });
  if (!(await part(STEPS, all, 0))) return;
  print.heading('\nThe same on the asyncio surface: motor-mongo/asyncio');
  if (!(await part(ASYNCIO_STEPS, [asyncioStyle({ uri, database })], Object.keys(STEPS).length))) return;
  const seconds = ((performance.now() - start) / 1000).toFixed(1);
  const counts = [Object.keys(STEPS).length, Object.keys(ASYNCIO_STEPS).length];
  print.done(
    `${counts[0]} steps in ${all.length} styles gave the same results, then ${counts[1]} on the asyncio surface, ` +
      `in ${seconds} seconds.`,
  );
}

/** Run steps in all styles; false: one of them failed, or the end was asked for. */
async function part<T extends string>(
  steps: Readonly<Record<T, string>>,
  all: readonly Style<T>[],
  before: number,
): Promise<boolean> {
  const titles = Object.keys(steps) as T[];
  for (const [i, title] of titles.entries()) {
    print.step(before + i + 1, title, steps[title]);
    for (const { name, code } of all) print.code(name, code(title));
    const outcomes = [];
    for (const { name, run } of all) {
      try {
        outcomes.push({ name, result: await run(title) });
      } catch (error) {
        print.failure(`The step "${title}" failed with ${name}.`, error);
        fail(1);
        return false;
      }
    }
    if (exitCode !== 0) return false;
    if (!agree(outcomes.map(({ result }) => result))) {
      print.differences(outcomes);
      fail(1);
      return false;
    }
    print.result(outcomes[0]?.result);
  }
  return true;
}

async function findHost(): Promise<Host | null> {
  const uri = process.env.MOTOR_URI;
  try {
    if (!uri) return await startServer();
    const client = new MotorClient(uri);
    await client.open();
    client.close();
    return { uri, stop: async () => {} };
  } catch (error) {
    if (uri) print.failure('The server that MOTOR_URI names cannot be used.', error);
    else {
      print.failure('The MongoDB server for the tutorial did not start.', error);
      console.error('  To use a server of your own: MOTOR_URI=mongodb://host:port npm start');
    }
    return null;
  }
}

async function putAway(host: Host, database: string): Promise<void> {
  const client = new MotorClient(host.uri);
  try {
    await client.drop_database(database);
  } catch (error) {
    print.failure(`The database ${database} could not be dropped.`, error);
    fail(1);
  }
  client.close();
  await host.stop();
}

function fail(code: number): void {
  exitCode ||= code;
  process.exitCode = exitCode;
}

function withoutSecrets(uri: string): string {
  return uri.replace(/\/\/[^/?]*@/, '//').replace(/\?.*$/, '');
}

main();

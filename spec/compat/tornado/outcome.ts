import { spawn } from 'node:child_process';
import { setImmediate as turn } from 'node:timers/promises';

/** The error of a promise that must fail. */
export async function rejection(promise: PromiseLike<unknown>): Promise<Error & Record<string, unknown>> {
  try {
    await promise;
  } catch (error) {
    return error as Error & Record<string, unknown>;
  }
  throw new Error('it did not fail');
}

/** Run something with all listeners of a process event but one taken away; gives what that one heard within some turns. */
async function heard(event: string, run: () => unknown): Promise<unknown[]> {
  const listeners = process.rawListeners(event) as ((...args: unknown[]) => void)[];
  const errors: unknown[] = [];
  const listen = (error: unknown) => errors.push(error);
  process.removeAllListeners(event);
  process.on(event, listen);
  try {
    await run();
    for (let i = 0; i < 5; i++) await turn();
  } finally {
    process.removeListener(event, listen);
    for (const listener of listeners) process.on(event, listener);
  }
  return errors;
}

/** The exceptions that nobody caught while something ran. */
export const uncaught = (run: () => unknown) => heard('uncaughtException', run);

/** The rejections that nobody handled while something ran. */
export const unhandled = (run: () => unknown) => heard('unhandledRejection', run);

/** Run a script in a process of its own, with all exports of compat/tornado as variables. */
export async function script(body: string): Promise<{ out: string; err: string; code: number | null; ms: number }> {
  const entry = require.resolve('../../../compat/tornado');
  const head = `const { gen, IOLoop, ioloop, PeriodicCallback, timedelta, web } = require(${JSON.stringify(entry)});\n`;
  const begun = performance.now();
  const child = spawn(process.execPath, ['-e', head + body], { stdio: ['ignore', 'pipe', 'pipe'], timeout: 15_000 });
  let out = '';
  let err = '';
  child.stdout.on('data', (chunk) => {
    out += chunk;
  });
  child.stderr.on('data', (chunk) => {
    err += chunk;
  });
  const code = await new Promise<number | null>((resolve, reject) => {
    child.on('error', reject);
    child.on('close', resolve);
  });
  return { out: out.trim(), err, code, ms: performance.now() - begun };
}

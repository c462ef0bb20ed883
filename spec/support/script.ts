import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';

export interface Outcome {
  /** Null when it did not end by itself within ten seconds. */
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

const LIMIT = 10_000;

/**
 * Run a piece of a script in a process of its own, in an async function that has `motor` (the driver), `asyncio()` (its
 * other surface) and `uri`.
 * @param options of Node itself, such as `--expose-gc`
 */
export async function runScript(
  body: string,
  uri: string,
  { options = [], env = {} }: { options?: string[]; env?: Record<string, string> } = {},
): Promise<Outcome> {
  const source = `const motor = require(${JSON.stringify(join(__dirname, '../../lib/index.js'))});
    const asyncio = () => require(${JSON.stringify(join(__dirname, '../../lib/asyncio/index.js'))});
    const uri = ${JSON.stringify(uri)};
    (async () => { ${body} })();`;
  const child = spawn(process.execPath, [...options, '-e', source], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, ...env },
  });
  const timer = setTimeout(() => child.kill('SIGKILL'), LIMIT);
  const code = new Promise<number | null>((resolve) => child.once('exit', resolve));
  const [stdout, stderr] = await Promise.all([text(child.stdout), text(child.stderr)]);
  const outcome = { code: await code, stdout, stderr };
  clearTimeout(timer);
  return outcome;
}

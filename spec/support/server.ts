import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { rmSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import type { Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ConnectionString } from 'mongodb-connection-string-url';
import { type Capabilities, capabilitiesOf } from './capabilities';
import { loaderCommand } from './loader';

/** A MongoDB server to talk to. */
export interface Server {
  readonly uri: string;
  readonly host: string;
  readonly port: number;
  /** `host:port` */
  readonly address: string;
  /** Path of its Unix socket; null where it has none that is known. */
  readonly socketPath: string | null;
  /** What it can do, found out by trying. */
  readonly capabilities: Capabilities;
  /** End it and remove its data. Repeatable. */
  stop(): Promise<void>;
}

export interface ServerOptions {
  /** Whether a running server keeps this process alive. Default: no, a script that forgot `stop` still ends. */
  keepAlive?: boolean;
}

/** What the child tells when it listens. */
interface Ready {
  readonly port: number;
}

const STOP_GRACE = 10_000;

/**
 * Start a MongoDB server of its own, with an empty data folder, on a free port of 127.0.0.1 and a Unix socket.
 * When MOTOR_TEST_URI is set nothing is started: that server is used, and `stop` leaves it alone.
 * @throws Error: it cannot run on this system, or ended at once; the message names the way out
 */
export async function startServer(options: ServerOptions = {}): Promise<Server> {
  if (process.env.MOTOR_TEST_URI) return foreignServer(process.env.MOTOR_TEST_URI);
  const loader = await loaderCommand();
  const folder = await mkdtemp(join(tmpdir(), 'motor-mongo-'));
  const socketPath = join(folder, 'mongodb.sock');
  const [command = '', ...args] = [...loader, process.execPath, join(__dirname, 'engine.js'), folder, socketPath];
  const { NODE_OPTIONS: _, ...env } = process.env;
  // The child stops when its standard input ends, and that it does however this process ends.
  const child = spawn(command, args, { stdio: ['pipe', 'pipe', 'pipe'], env });
  try {
    const { port } = await ready(child);
    const host = '127.0.0.1';
    const address = `${host}:${port}`;
    const capabilities = await capabilitiesOf({ host, port });
    if (!options.keepAlive) unref(child);
    let stopping: Promise<void> | undefined;
    child.once('exit', (code, signal) => {
      rmSync(folder, { recursive: true, force: true });
      if (!stopping) console.error(`The MongoDB server at ${address} ended by itself (${signal ?? `code ${code}`}).`);
    });
    const stop = () => {
      stopping ??= end(child);
      return stopping;
    };
    return { uri: `mongodb://${address}`, host, port, address, socketPath, capabilities, stop };
  } catch (error) {
    await end(child);
    await rm(folder, { recursive: true, force: true });
    throw error;
  }
}

/** The server that MOTOR_TEST_URI names. */
async function foreignServer(uri: string): Promise<Server> {
  const first = decodeURIComponent(new ConnectionString(uri).hosts[0] ?? '');
  const isPath = first.endsWith('.sock');
  const [, host = '', port = '27017'] = /^(.*?)(?::(\d+))?$/.exec(isPath ? '' : first) ?? [];
  const where = isPath ? { path: first } : { host: host.replace(/^\[|\]$/g, ''), port: Number(port) };
  return {
    uri,
    host: where.host ?? '',
    port: where.port ?? 0,
    address: isPath ? first : `${host}:${port}`,
    socketPath: where.path ?? null,
    capabilities: await capabilitiesOf(where),
    stop: async () => {},
  };
}

/** The first line that the child prints. */
function ready(child: ChildProcess): Promise<Ready> {
  return new Promise((resolve, reject) => {
    let said = '';
    let complaints = '';
    child.stdout?.setEncoding('utf8').on('data', (text: string) => {
      said += text;
      const end = said.indexOf('\n');
      if (end >= 0) resolve(JSON.parse(said.slice(0, end)) as Ready);
    });
    child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      complaints = (complaints + text).slice(-4000);
    });
    child.stdin?.on('error', () => {}); // it went away first
    child.once('error', reject);
    child.once('exit', (code, signal) => {
      reject(new Error(`the MongoDB server did not start (${signal ?? `code ${code}`}): ${complaints.trim()}`));
    });
  });
}

function unref(child: ChildProcess): void {
  child.unref();
  for (const stream of [child.stdin, child.stdout, child.stderr]) (stream as Socket | null)?.unref();
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null || child.pid === undefined) return;
  child.ref();
  const ended = once(child, 'exit');
  const timer = setTimeout(() => child.kill('SIGKILL'), STOP_GRACE);
  child.stdin?.end();
  await ended;
  clearTimeout(timer);
}

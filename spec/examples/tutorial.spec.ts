import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { expect } from 'chai';
import { ASYNCIO_STEPS } from '../../examples/tutorial/asyncio';
import { STEPS } from '../../examples/tutorial/steps';
import { agree } from '../../examples/tutorial/styles';
import { ObjectId } from '../../lib';
import { server } from '../support/hooks';
import { runRaw } from '../support/rawClient';

interface Outcome {
  readonly code: number | null;
  readonly output: string;
  readonly errors: string;
}

/** Run the tutorial, without a terminal. */
async function tutorial(env: NodeJS.ProcessEnv, onOutput?: (kill: (signal: NodeJS.Signals) => void) => void) {
  const main = join(__dirname, '../../examples/tutorial/main.js');
  const { FORCE_COLOR: _, NO_COLOR: __, ...inherited } = process.env;
  const child = spawn(process.execPath, [main], { stdio: ['ignore', 'pipe', 'pipe'], env: { ...inherited, ...env } });
  let output = '';
  let errors = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    output += text;
    onOutput?.((signal) => child.kill(signal));
  });
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    errors += text;
  });
  const code = await new Promise<number | null>((resolve) => child.once('close', resolve));
  return { code, output, errors } satisfies Outcome;
}

async function databasesOfTutorial(): Promise<string[]> {
  const { databases } = await runRaw(server(), 'admin', { listDatabases: 1, nameOnly: true });
  return (databases as { name: string }[]).map(({ name }) => name).filter((name) => name.startsWith('motor_tutorial_'));
}

describe('the tutorial', () => {
  it('runs every step in all styles, and leaves the server as it was', async () => {
    const { code, output, errors } = await tutorial({ MOTOR_URI: server().uri });
    expect({ code, errors }).to.deep.equal({ code: 0, errors: '' });
    for (const title of [...Object.keys(STEPS), ...Object.keys(ASYNCIO_STEPS)]) {
      expect(output).to.include(`. ${title}\n`);
    }
    expect(output).to.include('→ [ 2001, 999 ]').and.to.include('→ [ 2001, 1001 ]');
    expect(output.match(/^ {4}(callbacks|promises|coroutines) +\S/gm)).to.have.lengthOf(3 * Object.keys(STEPS).length);
    expect(output).to.include("→ 'DuplicateKeyError, code 11000'");
    expect(output).to.include('→ [ { i: 1989 }, { i: 1988 }, { i: 1987 } ]');
    expect(output).to.match(/✓ 21 steps in 3 styles gave the same results, then 15 on the asyncio surface/);
    expect(await databasesOfTutorial()).to.deep.equal([]);
  });

  it('has colours on request and on terminals only', async () => {
    const escapeCode = '\u001b[';
    const plain = await tutorial({ MOTOR_URI: server().uri });
    const coloured = await tutorial({ MOTOR_URI: server().uri, FORCE_COLOR: '1' });
    expect(plain.output).not.to.include(escapeCode);
    expect(coloured.output).to.include(escapeCode);
  });

  it('drops its database also after Ctrl-C', async () => {
    let sent = false;
    const { code, output } = await tutorial({ MOTOR_URI: server().uri }, (kill) => {
      if (!sent) kill('SIGINT');
      sent = true;
    });
    expect(code).to.equal(130);
    expect(output).not.to.include('gave the same results');
    expect(await databasesOfTutorial()).to.deep.equal([]);
  });

  it('says which server it cannot reach', async () => {
    const { code, errors } = await tutorial({ MOTOR_URI: 'mongodb://127.0.0.1:1' });
    expect(code).to.equal(1);
    expect(errors).to.include('MOTOR_URI').and.to.include('cannot connect to 127.0.0.1:1: connection refused');
  });

  it('tells results that differ from results with other ids', () => {
    const [one, other] = [
      { _id: new ObjectId(), i: 1 },
      { _id: new ObjectId(), i: 1 },
    ];
    expect(agree([one, other, one])).to.equal(true);
    expect(agree([one, other, { ...one, i: 2 }])).to.equal(false);
    expect(agree([{ a: { b: { c: { d: 1 } } } }, { a: { b: { c: { d: 2 } } } }])).to.equal(false);
  });
});

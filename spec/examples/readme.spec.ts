import { execFile } from 'node:child_process';
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect } from 'chai';
import { server } from '../support/hooks';
import { runRaw } from '../support/rawClient';

const run = promisify(execFile);
const PROJECT = join(__dirname, '../../..');
/** Inside of the project, so that `motor-mongo` is the project itself. */
const FOLDER = join(PROJECT, 'dist/readme');

/** How many programs each has, and the databases that they use. */
const TEXTS = [
  { text: 'README.md', count: 12, databases: ['shop'] },
  { text: 'docs/porting.md', count: 5, databases: ['board'] },
];

/** The types of Node come with the package's own, and all of these are checked. */
const OPTIONS = {
  target: 'es2022',
  module: 'node20',
  types: [],
  skipLibCheck: false,
  strict: true,
  noUncheckedIndexedAccess: true,
  exactOptionalPropertyTypes: true,
};

/** Programs, in order, under the names that say how they are to be read. */
function programs(text: string): { name: string; code: string; printed: string[] }[] {
  return [...text.matchAll(/^```(ts|js)\n([\s\S]*?)^```$/gm)].map(([, language, code = ''], i) => ({
    name: `${i + 1}.${language === 'ts' ? 'mts' : 'cjs'}`,
    code: code.replaceAll('mongodb://localhost:27017', server().uri),
    printed: [...code.matchAll(/\/\/ prints (.*)$/gm)].map(([, line = '']) => line),
  }));
}

for (const { text, count, databases } of TEXTS) {
  describe(`Examples of ${text}`, () => {
    afterEach(async () => {
      for (const database of databases) await runRaw(server(), database, { dropDatabase: 1 });
      await rm(FOLDER, { recursive: true });
    });

    it('compile, run, and print what they say', async function () {
      this.timeout(60_000);
      const examples = programs(await readFile(join(PROJECT, text), 'utf8'));
      expect(examples).to.have.lengthOf(count);
      await mkdir(FOLDER, { recursive: true });
      for (const { name, code } of examples) await writeFile(join(FOLDER, name), code);
      await writeFile(join(FOLDER, 'tsconfig.json'), JSON.stringify({ compilerOptions: OPTIONS, include: ['*.mts'] }));

      const tsc = join(PROJECT, 'node_modules/typescript/bin/tsc');
      await run(process.execPath, [tsc, '-p', FOLDER]).catch(({ stdout }) => expect.fail(stdout));
      for (const { name, printed } of examples) {
        const { stdout, stderr } = await run(process.execPath, [join(FOLDER, name.replace('.mts', '.mjs'))]);
        // Not always in the order in which the program says so.
        const lines = stdout.split('\n').slice(0, -1).sort();
        expect({ name, lines, stderr }).to.deep.equal({ name, lines: printed.sort(), stderr: '' });
      }
    });
  });
}

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import { NAMES } from '../../lib/core/optionTable';

const PROJECT = join(__dirname, '../../..');
const SURFACES = [
  // What a connection string may hold and a keyword may not, and what has no effect.
  { file: 'lib/motor/clientKw.ts', names: NAMES['PyMongo 2.7'], unlisted: ['safe', 'slaveok', 'use_greenlets'] },
  { file: 'lib/asyncio/clientKw.ts', names: NAMES['PyMongo 4.9'], unlisted: [] },
] as const;

/** The options of an interface that stand there themselves; those that it extends are the write concern's. */
function listedIn(file: string): string[] {
  const source = readFileSync(join(PROJECT, file), 'utf8');
  const inherited = source.includes('extends Readonly<Write>') ? ['w', 'wtimeout', 'j', 'fsync'] : [];
  return [...inherited, ...[...source.matchAll(/^ {2}readonly (\w+)\?:/gm)].map(([, name = '']) => name)];
}

describe('The type of the options', () => {
  for (const { file, names, unlisted } of SURFACES) {
    it(`${file} lists those of the table, as it spells them`, () => {
      const known = [...names.values()].map(({ name }) => name).filter((name) => !unlisted.includes(name as never));
      expect(listedIn(file).sort()).to.deep.equal(['host', 'port', ...known].sort());
    });
  }
});

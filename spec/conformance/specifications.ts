/** The data files of MongoDB's driver specifications, which stand beside this project and are no part of it. */

import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { EJSON } from 'bson';
import { expect } from 'chai';

// From dist/spec/conformance to the project, then beside it.
const PROJECT = resolve(__dirname, '../../..');
export const SPECIFICATIONS = process.env.MOTOR_SPECIFICATIONS ?? resolve(PROJECT, '../shared/specifications');

/** One file: its name without `.json`, and its contents. */
export interface SpecificationFile<T> {
  readonly name: string;
  readonly contents: T;
}

/** The files of a folder, such as `uri-options/tests`; none where the specifications are not there. */
export function specificationFiles<T>(folder: string): SpecificationFile<T>[] {
  const path = join(SPECIFICATIONS, folder);
  if (!existsSync(path)) return [];
  return readdirSync(path)
    .filter((file) => file.endsWith('.json'))
    .sort()
    .map((file) => ({
      name: file.slice(0, -'.json'.length),
      contents: EJSON.parse(readFileSync(join(path, file), 'utf8')) as T,
    }));
}

/** What has to be true of a case; it throws where it is not. */
type Run = () => void | Promise<void>;

/**
 * Declare the cases of a folder as tests. Cases that are not run are reported as skipped, each with its reason.
 * @param expected how many cases must run and pass, so that the number cannot fall unnoticed
 * @param plan what to run for a case, or why it is not run
 */
export function conformance<T extends { description: string }>(
  folder: string,
  expected: { run: number; skipped: number },
  plan: (test: T, file: string) => Run | string,
): void {
  describe(`specification ${folder}`, () => {
    const files = specificationFiles<{ tests: T[] } | Omit<T, 'description'>>(folder);
    if (files.length === 0) {
      it(`runs (skipped: there is no ${join(SPECIFICATIONS, folder)}; MOTOR_SPECIFICATIONS names another place)`, function () {
        this.skip();
      });
      return;
    }

    const counted = { run: 0, skipped: 0 };
    for (const { name, contents } of files) {
      // Some folders have one case per file, which its name describes.
      const tests = 'tests' in contents ? contents.tests : [{ ...contents, description: name } as T];
      describe(name, () => {
        for (const test of tests) {
          const run = plan(test, name);
          if (typeof run === 'string') {
            it(`${test.description} (skipped: ${run})`, function () {
              counted.skipped += 1;
              this.skip();
            });
          } else {
            it(test.description, async () => {
              await run();
              counted.run += 1;
            });
          }
        }
      });
    }

    // In a block of its own, since a block's tests run before the blocks in it.
    describe('as a whole', () => {
      it(`has ${expected.run} cases that pass and ${expected.skipped} that are skipped`, () => {
        expect(counted).to.deep.equal(expected);
      });
    });
  });
}

import { join } from 'node:path';
import { expect } from 'chai';
import { checkOften } from '../../support/checkOften';
import { SPECIFICATIONS, specificationFiles } from '../specifications';
import { OutOfScope, type UnifiedFile } from './format';
import { runUnified } from './runner';

/** Folders whose tests run here, and how many of them pass here, so that none falls unnoticed. */
const PASSING: Readonly<Record<string, number>> = {
  'crud/tests/unified': 295,
  'collection-management/tests': 4,
  'index-management/tests': 17,
  'run-command/tests/unified': 5,
  'command-logging-and-monitoring/tests/monitoring': 19,
  'command-logging-and-monitoring/tests/logging': 0,
  'read-write-concern/tests/operation': 10,
  'retryable-reads/tests/unified': 135,
  'retryable-writes/tests/unified': 98,
  'server-discovery-and-monitoring/tests/unified': 20,
  'unified-test-format/tests/valid-pass': 43,
  'sessions/tests': 8,
};

for (const [folder, passing] of Object.entries(PASSING)) {
  describe(`specification ${folder}`, () => {
    checkOften(); // there are hundreds of retries here
    const files = specificationFiles<UnifiedFile>(folder);
    if (files.length === 0) {
      it(`runs (skipped: there is no ${join(SPECIFICATIONS, folder)}; MOTOR_SPECIFICATIONS names another place)`, function () {
        this.skip();
      });
      return;
    }
    let passed = 0;
    const skipped = new Map<string, number>();
    for (const { name, contents } of files) {
      describe(name, () => {
        for (const test of contents.tests) {
          it(test.description, async function () {
            try {
              await runUnified(contents, test);
              passed += 1;
            } catch (error) {
              if (!(error instanceof OutOfScope)) throw error;
              skipped.set(error.message, (skipped.get(error.message) ?? 0) + 1);
              skip(this, error.message);
            }
          });
        }
      });
    }

    describe('as a whole', () => {
      it(`has ${passing} tests that pass`, function () {
        const reasons = [...skipped].map(([reason, count]) => `${count} ${reason}`).join('; ');
        if (this.test !== undefined) this.test.title += ` (skipped: ${reasons || 'none'})`;
        if (process.env.MOTOR_TEST_URI) this.skip(); // another server meets other requirements
        expect(passed).to.equal(passing);
      });
    });
  });
}

/** A runner that passes one of these is broken. */
describe('specification unified-test-format/tests/valid-fail', () => {
  for (const { name, contents } of specificationFiles<UnifiedFile>('unified-test-format/tests/valid-fail')) {
    for (const test of contents.tests) {
      it(`fails ${name}: ${test.description}`, async function () {
        const outcome = await runUnified(contents, test).then(
          () => null,
          (error: Error) => error,
        );
        if (outcome instanceof OutOfScope) skip(this, outcome.message);
        expect(outcome).to.be.instanceOf(Error);
      });
    }
  }
});

function skip(context: Mocha.Context, reason: string): never {
  if (context.test !== undefined) context.test.title += ` (skipped: ${reason})`;
  return context.skip();
}

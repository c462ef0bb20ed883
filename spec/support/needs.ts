import type { Capability } from './capabilities';
import { server } from './hooks';

/**
 * Say in the body of a `describe` what its tests need of the server. Where it lacks that they are reported as skipped,
 * with the reason in their title.
 */
export function needs(...names: Capability[]): void {
  beforeEach(function () {
    skipWithout(names, this, this.currentTest);
  });
}

/** The same for one test: `it('runs code', needing('javascript', async () => { ... }))`. */
export function needing(name: Capability, test: () => Promise<void> | void): Mocha.AsyncFunc {
  return async function () {
    skipWithout([name], this, this.test);
    await test();
  };
}

/** For tests of how a server is started: there is nothing to start when MOTOR_TEST_URI names one. */
export function needsOwnServer(): void {
  beforeEach(function () {
    if (process.env.MOTOR_TEST_URI) skip('MOTOR_TEST_URI is set', this, this.currentTest);
  });
}

function skipWithout(names: Capability[], context: Mocha.Context, test: Mocha.Runnable | undefined): void {
  const missing = names.filter((name) => !server().capabilities.has(name));
  if (missing.length > 0) skip(`the server has no ${missing.join(', no ')}`, context, test);
}

function skip(reason: string, context: Mocha.Context, test: Mocha.Runnable | undefined): void {
  if (test) test.title += ` (skipped: ${reason})`;
  context.skip();
}

import { type SinonStub, stub } from 'sinon';

/** Run a function and collect the texts of the process warnings that it emits, instead of printing them. */
export function warningsOf(run: () => void): string[] {
  const emitWarning = stub(process, 'emitWarning');
  try {
    run();
    return emitWarning.args.map(([warning]) => String(warning));
  } finally {
    emitWarning.restore();
  }
}

/**
 * Collect the texts of process warnings while the tests of a `describe` run, instead of printing them.
 * @returns gives those of the running test
 */
export function collectWarnings(): () => string[] {
  let emitWarning: SinonStub | null = null;
  beforeEach(() => {
    emitWarning = stub(process, 'emitWarning');
  });
  afterEach(() => emitWarning?.restore());
  return () => (emitWarning?.args ?? []).map(([warning]) => String(warning));
}

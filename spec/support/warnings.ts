import { stub } from 'sinon';

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

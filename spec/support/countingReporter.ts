import { reporters } from 'mocha';

/** Mocha's `spec` reporter, and a last line of counts that people and machines read alike. */
class CountingReporter extends reporters.Spec {
  override epilogue(): void {
    super.epilogue();
    const { passes, failures, pending } = this.stats;
    console.log(`${passes} passed, ${failures} failed, ${pending} skipped`);
  }
}

export = CountingReporter;

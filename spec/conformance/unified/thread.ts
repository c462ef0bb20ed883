import { setTimeout as sleep } from 'node:timers/promises';

/** Operations that run one after another, beside those of the test. */
export class Thread {
  #work: Promise<void> = Promise.resolve();

  run(operation: () => Promise<void>): void {
    this.#work = this.#work.then(operation);
    this.#work.catch(() => {}); // `wait` tells
  }

  /** @throws Error: an operation failed, or they do not end */
  async wait(within = 10_000): Promise<void> {
    const timer = new AbortController();
    const late = sleep(within, undefined, { signal: timer.signal }).then(() => {
      throw new Error(`the thread does not end within ${within} ms`);
    });
    try {
      await Promise.race([this.#work, late]);
    } finally {
      timer.abort();
      late.catch(() => {});
    }
  }
}

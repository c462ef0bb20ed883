import { setTimeout as sleep } from 'node:timers/promises';

/** Wait until something holds; the test fails when it does not within five seconds. */
export async function eventually(holds: () => boolean | Promise<boolean>, what: string): Promise<void> {
  for (const deadline = Date.now() + 5000; !(await holds()); await sleep(10)) {
    if (Date.now() > deadline) throw new Error(`not within 5 s: ${what}`);
  }
}

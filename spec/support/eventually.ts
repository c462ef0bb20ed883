import { setTimeout as sleep } from 'node:timers/promises';

/** Wait until something holds; the test fails when it does not within so many milliseconds. */
export async function eventually(holds: () => boolean | Promise<boolean>, what: string, within = 5000): Promise<void> {
  for (const deadline = Date.now() + within; !(await holds()); await sleep(10)) {
    if (Date.now() > deadline) throw new Error(`not within ${within / 1000} s: ${what}`);
  }
}

import { AsyncResource } from 'node:async_hooks';

/** How often coroutines go on between two macrotasks, all of them together. */
const TURNS = 1000;

// As it is now: were a test's fake clock to take the one call that sets all of them going again, they would hang.
const later = setImmediate;

let turns = 0;
let parked: (() => void)[] = [];

/**
 * Let a coroutine go on: now, or, when enough have gone on already, after I/O had its turn. Promises alone would never
 * let the event loop get there, so a coroutine that loops over ready values would stop everything else.
 */
export function pace(resume: () => void): void {
  if (parked.length === 0) {
    turns += 1;
    if (turns < TURNS) {
      resume();
      return;
    }
    later(unpark);
  }
  // Bound, so that each keeps its own AsyncLocalStorage.
  parked.push(AsyncResource.bind(resume));
}

function unpark(): void {
  const resumes = parked;
  parked = [];
  turns = 0;
  for (const resume of resumes) resume();
}

/** One turn of the event loop. */
export function turn(): Promise<null> {
  return new Promise((resolve) => setImmediate(resolve, null));
}

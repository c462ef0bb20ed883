/** Loaded before all else of the worker: whoever waits for it is to wake up also when it ends, or cannot even start. */

import { workerData } from 'node:worker_threads';
import { ENDED, type Start } from './protocol';

const { signal } = workerData as Start;

process.on('exit', () => {
  Atomics.store(signal, 0, ENDED);
  Atomics.notify(signal, 0);
});

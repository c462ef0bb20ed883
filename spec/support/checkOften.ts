import { stub } from 'sinon';
import { Monitor } from '../../lib/core/monitor';

/** In a `describe`: who waits for the next look at a server, after a failure, waits 10 ms at most instead of 500. */
export function checkOften(): void {
  let restore = () => {};
  before(() => {
    const period = stub(Monitor, 'shortestPeriod').value(10);
    restore = () => period.restore();
  });
  after(() => restore());
}

/** Tornado 3.2's coroutines and event loop, for code ported from Python. */
export * as gen from './gen';
export * as ioloop from './ioloop';
export { IOLoop, PeriodicCallback } from './ioloop';
export { timedelta } from './timedelta';
export * as web from './web';

/// <reference types="node" preserve="true" />
/** Tornado 3.2's coroutines and event loop, for code ported from Python. */

/** Generator coroutines, as in `tornado.gen`. */
export * as gen from './gen';
/** The event loop, as in `tornado.ioloop`. */
export * as ioloop from './ioloop';
export { IOLoop, PeriodicCallback } from './ioloop';
export { timedelta } from './timedelta';
/** What there is of `tornado.web`: routing and templates are the application's choice in Node. */
export * as web from './web';

/**
 * Tornado 3.2's coroutines and event loop, for code ported from Python.
 * @module motor-mongo/compat/tornado
 */
export * from '../../compat/tornado/index';
// The classes as they are written, without what `dual()` adds to each method.
export * as ioloop from './ioloop';
export { IOLoop, PeriodicCallback } from './ioloop';

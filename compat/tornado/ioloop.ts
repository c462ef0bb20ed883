/** The event loop, as in `tornado.ioloop`. */
export { IOLoop, type IOLoopClass, PeriodicCallback, TimeoutError, type TimeoutHandle } from './loop';

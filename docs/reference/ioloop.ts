/** The event loop, as in `tornado.ioloop`. @module */
export {
  Loop as IOLoop,
  Periodic as PeriodicCallback,
  TimeoutError,
  type TimeoutHandle,
} from '../../compat/tornado/loop';

/** Generator coroutines, as in `tornado.gen`. */
export { type Coroutine, coroutine, engine } from './coroutine';
export {
  BadYieldError,
  KeyReuseError,
  LeakedCallbackError,
  Return,
  ReturnValueIgnoredError,
  TimeoutError,
  UnknownKeyError,
} from './errors';
export { maybe_future, moment, multi, sleep, with_timeout, type Yielded } from './futures';
export { Arguments, Callback, Task, Wait, WaitAll } from './yieldPoints';

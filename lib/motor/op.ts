/**
 * Call an asynchronous method, for code written before methods gave a Promise. Deprecated: call the method itself.
 * Each call emits a process warning of type `DeprecationWarning`.
 * @param fn a method; one that was taken off its object keeps it
 * @param args its arguments, without a callback
 * @returns the Promise that `fn(...args)` returns
 * @throws TypeError: `fn` is no function, or gave no Promise; and what `fn` itself throws
 * @see Motor 0.2, motor.Op
 */
export function Op<A extends unknown[], R>(fn: (...args: A) => Promise<R>, ...args: A): Promise<R>;
export function Op<R = unknown>(fn: (...args: never[]) => unknown, ...args: unknown[]): Promise<R>;
export function Op(fn: (...args: never[]) => unknown, ...args: unknown[]): Promise<unknown> {
  if (typeof fn !== 'function') throw new TypeError('Op: the first argument must be a function');
  const name = fn.name.replace(/^bound /, '') || 'the method';
  process.emitWarning(`Op is deprecated: call ${name} itself, it returns a Promise`, 'DeprecationWarning');
  const result = fn(...(args as never[]));
  if (!(result instanceof Promise)) throw new TypeError(`Op: ${name} gave no Promise`);
  return result;
}

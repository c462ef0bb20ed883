/** A class that is also called without `new`, as classes are in Python. */
export interface Callable<A extends unknown[], T extends object> {
  new (...args: A): T;
  (...args: A): T;
  prototype: T;
}

/** Let `Class` be called without `new`; `instanceof` and `extends` go on working. */
export function callable<A extends unknown[], T extends object>(Class: new (...args: A) => T): Callable<A, T> {
  function make(...args: A): T {
    return Reflect.construct(Class, args, new.target ?? Class);
  }
  Object.defineProperty(make, 'name', { value: Class.name });
  make.prototype = Class.prototype;
  return make as unknown as Callable<A, T>;
}

/** What the driver must know of event loop objects. Node's own loop does the work; these only answer to their names. */

/** An event loop object, told by these two methods. */
export interface Loop {
  /** Run `callback(...args)` in a later turn of the event loop. */
  add_callback<A extends unknown[]>(callback: (...args: A) => unknown, ...args: A): void;
  /** Seconds since 1970, with fractions. */
  time(): number;
}

const plainLoop: Loop = {
  add_callback: (callback, ...args) => void setImmediate(callback, ...args),
  time: () => Date.now() / 1000,
};

let findCurrent = (): Loop => plainLoop;

/** The loop of a client that was given none. */
export function currentLoop(): Loop {
  return findCurrent();
}

/** A surface with loops of its own says here which one is current. */
export function provideCurrentLoop(find: () => Loop): void {
  findCurrent = find;
}

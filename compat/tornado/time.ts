import { timedelta } from './timedelta';

/** A moment: seconds since 1970, a Date, or a length of time from now. */
export type Deadline = number | Date | timedelta;

/**
 * Seconds from `now` (seconds since 1970) to the deadline; negative when it is past.
 * @throws TypeError: it is no deadline
 */
export function secondsUntil(deadline: Deadline, now: number, method: string): number {
  let seconds = Number.NaN;
  if (typeof deadline === 'number') seconds = deadline - now;
  else if (deadline instanceof Date) seconds = deadline.getTime() / 1000 - now;
  else if (deadline instanceof timedelta) seconds = deadline.total_seconds();
  if (!Number.isFinite(seconds)) {
    throw new TypeError(`${method}: the deadline must be seconds since 1970, a Date or a timedelta`);
  }
  return seconds;
}

/** The longest time that Node's timers can take, in milliseconds: 24.8 days. */
const LONGEST = 2 ** 31 - 1;

/** Run `callback` after any number of seconds, also more than Node's timers can take; at most 0: in the next turn. */
export class Timer {
  #cancel: () => void = () => {};

  constructor(seconds: number, callback: () => void) {
    if (seconds > 0) {
      this.#wait(Math.ceil(seconds * 1000), callback);
    } else {
      const immediate = setImmediate(callback);
      this.#cancel = () => clearImmediate(immediate);
    }
  }

  /** Harmless when it ran already. */
  cancel(): void {
    this.#cancel();
  }

  #wait(ms: number, callback: () => void): void {
    const timer =
      ms > LONGEST ? setTimeout(() => this.#wait(ms - LONGEST, callback), LONGEST) : setTimeout(callback, ms);
    this.#cancel = () => clearTimeout(timer);
  }
}

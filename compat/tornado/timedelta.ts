import { callable } from './callable';

/** The parts of a {@link timedelta}, each a number of its unit, 0 unless given; negative ones count backwards. */
export interface TimedeltaParts {
  weeks?: number;
  days?: number;
  hours?: number;
  minutes?: number;
  seconds?: number;
  milliseconds?: number;
  microseconds?: number;
}

const MICROSECONDS: Required<TimedeltaParts> = {
  weeks: 604_800_000_000,
  days: 86_400_000_000,
  hours: 3_600_000_000,
  minutes: 60_000_000,
  seconds: 1_000_000,
  milliseconds: 1000,
  microseconds: 1,
};

class Timedelta {
  readonly #microseconds: number;

  constructor(parts: TimedeltaParts = {}) {
    if (parts === null || typeof parts !== 'object') {
      throw new TypeError('timedelta: write the parts by name, such as timedelta({ seconds: 1 })');
    }
    let sum = 0;
    for (const [unit, value] of Object.entries(parts)) {
      if (!Object.hasOwn(MICROSECONDS, unit)) throw new TypeError(`timedelta: unknown keyword '${unit}'`);
      if (value === undefined) continue;
      if (!Number.isFinite(value)) throw new TypeError(`timedelta: ${unit} must be a finite number`);
      sum += value * MICROSECONDS[unit as keyof TimedeltaParts];
    }
    this.#microseconds = Math.round(sum);
  }

  /** The whole length in seconds, with fractions down to the microsecond. */
  total_seconds(): number {
    return this.#microseconds / 1_000_000;
  }
}
Object.defineProperty(Timedelta, 'name', { value: 'timedelta' });

/**
 * A length of time, with or without `new`.
 * @throws TypeError: an unknown part, or one that is no finite number
 * @example loop.add_timeout(timedelta({ minutes: 1, seconds: 30 }), tick);
 * @see Python, datetime.timedelta
 */
export const timedelta = callable(Timedelta);
export type timedelta = Timedelta;

import { types } from 'node:util';
import { EncodableDate } from '../core/encode';
import { InvalidBSON, ValueError } from '../core/errors';
import type { DateReading } from '../core/rereading';
import { LAST_DATE } from '../core/rereading';
import { picture } from '../motor/keywords';
import { DatetimeConversion } from './constants';
import { PARTS, Value } from './value';

const MILLISECONDS: unique symbol = Symbol('milliseconds');

/**
 * A moment as BSON has it: any 64 bits of milliseconds since 1970, where a `Date` reaches 271,821 years to either side.
 * It can be stored, and be a part of a query, like a `Date`. Which dates are read as one is told by `datetime_conversion`.
 */
export class DatetimeMS extends Value {
  readonly [MILLISECONDS]: bigint;

  /**
   * A moment.
   * @param value milliseconds since 1970, or a `Date`
   * @throws TypeError: neither; ValueError: more than 64 bits, or an invalid `Date`
   * @see PyMongo 4.9, DatetimeMS
   */
  constructor(value: bigint | Date) {
    super();
    if (typeof value === 'bigint') {
      if (BigInt.asIntN(64, value) !== value) throw new ValueError('DatetimeMS: value must fit into 64 bits');
      this[MILLISECONDS] = value;
    } else if (types.isDate(value)) {
      if (Number.isNaN(value.getTime())) throw new ValueError('DatetimeMS: value is an invalid Date');
      this[MILLISECONDS] = BigInt(value.getTime());
    } else {
      throw new TypeError(`DatetimeMS: value must be a bigint or a Date, not ${picture(value)}`);
    }
  }

  get [PARTS](): readonly unknown[] {
    return [this[MILLISECONDS]];
  }

  /** A BSON value, no document. */
  get _bsontype(): 'DatetimeMS' {
    return 'DatetimeMS';
  }

  /** What the encoder makes of it: a BSON date. */
  toBSON(): EncodableDate {
    return new EncodableDate(this[MILLISECONDS]);
  }

  /**
   * The same moment as a `Date`.
   * @throws InvalidBSON: it is beyond the range of `Date`
   * @see PyMongo 4.9, DatetimeMS.as_datetime
   */
  as_datetime(): Date {
    return dateOf(this[MILLISECONDS]);
  }

  override toString(): string {
    return `DatetimeMS(${this[MILLISECONDS]})`;
  }

  /** Milliseconds since 1970, so that moments can be compared by `<` with each other, with `Date`s, and with numbers. */
  override valueOf(): bigint {
    return this[MILLISECONDS];
  }
}

function dateOf(milliseconds: bigint): Date {
  const date = new Date(Number(milliseconds));
  if (!Number.isNaN(date.getTime())) return date;
  throw new InvalidBSON(
    'a date is beyond the range of Date; choose datetime_conversion DATETIME_AUTO, DATETIME_MS or DATETIME_CLAMP to read it',
  );
}

function clamped(milliseconds: bigint): Date {
  return new Date(Number(milliseconds < 0n ? -LAST_DATE : LAST_DATE));
}

const momentOf = (milliseconds: bigint): DatetimeMS => new DatetimeMS(milliseconds);

/** How dates of replies are read. */
export const DATES: Readonly<Record<DatetimeConversion, DateReading>> = {
  [DatetimeConversion.DATETIME]: { every: false, read: dateOf },
  [DatetimeConversion.DATETIME_CLAMP]: { every: false, read: clamped },
  [DatetimeConversion.DATETIME_MS]: { every: true, read: momentOf },
  [DatetimeConversion.DATETIME_AUTO]: { every: false, read: momentOf },
};

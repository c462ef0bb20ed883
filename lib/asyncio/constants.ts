/** What goes on with a cursor at its end. */
export const CursorType = Object.freeze({
  /** It is over. */
  NON_TAILABLE: 0,
  /** It stays; more may come. */
  TAILABLE: 2,
  /** The same, and the server waits a while for more. */
  TAILABLE_AWAIT: 34,
  /** Batches come without being asked for. */
  EXHAUST: 64,
} as const);
export type CursorType = (typeof CursorType)[keyof typeof CursorType];

/** Which state of a document `find_one_and_update` and `find_one_and_replace` give. */
export const ReturnDocument = Object.freeze({
  /** As it was. */
  BEFORE: false,
  /** As it is afterwards. */
  AFTER: true,
} as const);

/** How UUIDs are written and read. */
export const UuidRepresentation = Object.freeze({
  /** Not written: a `Binary` must be given; read as `Binary`. */
  UNSPECIFIED: 0,
  /** Subtype 3, as older drivers of Python. */
  PYTHON_LEGACY: 3,
  /** Subtype 4. */
  STANDARD: 4,
  /** Subtype 3, in the byte order of Java's older driver. */
  JAVA_LEGACY: 5,
  /** Subtype 3, in the byte order of C#'s older driver. */
  CSHARP_LEGACY: 6,
} as const);
export type UuidRepresentation = (typeof UuidRepresentation)[keyof typeof UuidRepresentation];

/** What a date of BSON becomes. */
export const DatetimeConversion = Object.freeze({
  /** A `Date`; out of its range InvalidBSON. */
  DATETIME: 1,
  /** A `Date`, the nearest that there is. */
  DATETIME_CLAMP: 2,
  /** Always a `DatetimeMS`. */
  DATETIME_MS: 3,
  /** A `Date`; out of its range a `DatetimeMS`. */
  DATETIME_AUTO: 4,
} as const);
export type DatetimeConversion = (typeof DatetimeConversion)[keyof typeof DatetimeConversion];

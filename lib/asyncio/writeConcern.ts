import { check } from '../core/check';
import { ConfigurationError } from '../core/errors';
import { WriteConcern as CoreWriteConcern, type WriteConcernFields, writeConcernRules } from '../core/writeConcern';
import { isPlainObject, keywords, picture, unchecked } from '../motor/keywords';
import { PARTS, Value } from './value';

const KEYWORDS = keywords(
  {
    w: [undefined, unchecked<number | string | null>()],
    wtimeout: [undefined, unchecked<number | null>()],
    j: [undefined, unchecked<boolean | null>()],
    fsync: [undefined, unchecked<boolean | null>()],
  },
  { refused: [] },
);

export interface WriteConcernKw {
  /** How many members, or which (`'majority'`, a tag), must have done the write; 0: nobody is asked. */
  readonly w?: number | string | null;
  /** Milliseconds to wait for `w`. */
  readonly wtimeout?: number | null;
  /** Wait for the journal. */
  readonly j?: boolean | null;
  /** Wait for the data files. */
  readonly fsync?: boolean | null;
}

/** What goes into a command. */
export const SENT: unique symbol = Symbol('sent');

/** How widely a write must be done before it counts. It never changes. */
export class WriteConcern extends Value {
  readonly [SENT]: CoreWriteConcern;

  /**
   * @param w as the keyword
   * @param kw `w`, `wtimeout` (milliseconds), `j`, `fsync`; default: whatever the server does by itself
   * @throws TypeError: a value of a wrong type; ValueError: a negative number
   * @throws ConfigurationError: `w: 0` with `j`, or `j` with `fsync`
   * @example new WriteConcern('majority', { wtimeout: 1000 });
   * @see PyMongo 4.9, WriteConcern
   */
  constructor(w?: number | string | null | WriteConcernKw, kw?: WriteConcernKw) {
    super();
    const given = KEYWORDS.read('WriteConcern', isPlainObject(w) ? w : { ...kw, w: w ?? kw?.w });
    const fields: WriteConcernFields = {};
    const level = given.w ?? undefined;
    if (level !== undefined) {
      if (typeof level !== 'number' && typeof level !== 'string') throw wrong('w', 'an integer or a string', level);
      fields.w = check('w', writeConcernRules.w, level, ERRORS);
    }
    if (given.wtimeout !== undefined && given.wtimeout !== null) {
      if (!Number.isInteger(given.wtimeout)) throw wrong('wtimeout', 'an integer', given.wtimeout);
      fields.wtimeout = check('wtimeout', writeConcernRules.wtimeout, given.wtimeout, ERRORS);
    }
    for (const name of ['j', 'fsync'] as const) {
      const flag = given[name] ?? undefined;
      if (flag === undefined) continue;
      if (typeof flag !== 'boolean') throw wrong(name, 'a boolean', flag);
      fields[name] = flag;
    }
    if (fields.w === 0 && fields.j) throw new ConfigurationError('WriteConcern: w: 0 cannot wait for the journal');
    if (fields.j && fields.fsync) throw new ConfigurationError('WriteConcern: j and fsync exclude each other');
    this[SENT] = new CoreWriteConcern(fields, true);
  }

  get [PARTS](): readonly unknown[] {
    return [this.document];
  }

  /** The keys that are set. */
  get document(): WriteConcernFields {
    return { ...this[SENT].document };
  }

  /** False only for `w: 0`. */
  get acknowledged(): boolean {
    return this[SENT].acknowledged;
  }

  /** Whether nothing is set. */
  get is_server_default(): boolean {
    return Object.keys(this[SENT].document).length === 0;
  }
}

const ERRORS = 'ValueError and TypeError';

function wrong(name: string, wanted: string, value: unknown): TypeError {
  return new TypeError(`WriteConcern: ${name} must be ${wanted}, not ${picture(value)}`);
}

import {
  type DocumentClass,
  UNICODE_HANDLERS,
  type UnicodeHandler,
  type UuidRepresentation as UuidName,
} from '../core/clientOptions';
import { ConfigurationError } from '../core/errors';
import { anything, bool, type Check, fn, type Given, keywords, oneOf } from '../motor/keywords';
import { DatetimeConversion, UuidRepresentation } from './constants';
import { PARTS, Value } from './value';

const handler: Check<UnicodeHandler> = {
  wanted: `one of ${UNICODE_HANDLERS.map((name) => `'${name}'`).join(', ')}`,
  is: (value): value is UnicodeHandler => typeof value === 'string',
  inRange: (value) => UNICODE_HANDLERS.includes(value),
};

const KEYWORDS = keywords({
  document_class: [Object as DocumentClass, fn],
  tz_aware: [false, bool],
  uuid_representation: [UuidRepresentation.UNSPECIFIED, oneOf(0, 3, 4, 5, 6)],
  unicode_decode_error_handler: ['strict', handler],
  tzinfo: [null, anything],
  type_registry: [null, anything],
  datetime_conversion: [DatetimeConversion.DATETIME, oneOf(1, 2, 3, 4)],
});
export type CodecOptionsKw = Given<typeof KEYWORDS>;

/** How documents are written and read. It never changes. */
export class CodecOptions extends Value {
  readonly #options: ReturnType<typeof KEYWORDS.read>;

  /**
   * Options, and the defaults of the rest.
   * @param kw `document_class` `Object`: of returned documents; `tz_aware` false and `tzinfo` null: without effect, a
   *   `Date` is an instant; `uuid_representation` `UNSPECIFIED`; `unicode_decode_error_handler` `'strict'`,
   *   `'replace'`, `'ignore'`, `'backslashreplace'` or `'surrogateescape'`; `datetime_conversion` `DATETIME`
   * @throws TypeError: an unknown keyword, or a value of a wrong type; ValueError: an unknown handler
   * @throws ConfigurationError: a `type_registry`, which this version of the driver does not have
   * @see PyMongo 4.9, CodecOptions
   */
  constructor(kw?: CodecOptionsKw) {
    super();
    this.#options = KEYWORDS.read('CodecOptions', kw);
    if (this.#options.type_registry !== null) {
      throw new ConfigurationError('CodecOptions: this version of the driver has no type registry');
    }
  }

  get [PARTS](): readonly unknown[] {
    return [{ ...this.#options }];
  }

  /** The class of returned documents. */
  get document_class(): DocumentClass {
    return this.#options.document_class as unknown as DocumentClass;
  }

  /** As given; without effect, a `Date` is an instant. */
  get tz_aware(): boolean {
    return this.#options.tz_aware;
  }

  /** How UUIDs are written and read: a constant of `UuidRepresentation`. */
  get uuid_representation(): UuidRepresentation {
    return this.#options.uuid_representation;
  }

  /** What happens to bytes that are no UTF-8. */
  get unicode_decode_error_handler(): UnicodeHandler {
    return this.#options.unicode_decode_error_handler;
  }

  /** As given; without effect, a `Date` is an instant. */
  get tzinfo(): unknown {
    return this.#options.tzinfo;
  }

  /** Always null. */
  get type_registry(): null {
    return null;
  }

  /** What dates become: a constant of `DatetimeConversion`. */
  get datetime_conversion(): DatetimeConversion {
    return this.#options.datetime_conversion;
  }

  /**
   * A copy with some of its options changed.
   * @param kw as for the constructor
   * @throws TypeError, ConfigurationError: as by the constructor
   * @see PyMongo 4.9, CodecOptions.with_options
   */
  with_options(kw: CodecOptionsKw): CodecOptions {
    return new CodecOptions({ ...this.#options, ...kw } as CodecOptionsKw);
  }
}

const UUID_NAMES: Readonly<Record<UuidRepresentation, UuidName>> = {
  0: 'unspecified',
  3: 'pythonLegacy',
  4: 'standard',
  5: 'javaLegacy',
  6: 'csharpLegacy',
};

/** The name by which the engine knows a representation of UUIDs. */
export function uuidName(options: CodecOptions): UuidName {
  return UUID_NAMES[options.uuid_representation];
}

/** The constant for a name of the engine's. */
export function uuidConstant(name: UuidName): UuidRepresentation {
  const [constant] = Object.entries(UUID_NAMES).find(([, known]) => known === name) ?? ['0'];
  return Number(constant) as UuidRepresentation;
}

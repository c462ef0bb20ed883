import { inspect } from 'node:util';
import type { Document } from 'bson';
import { checkEncodable } from '../core/documents';
import type { Engine, RunOptions } from '../core/engine';
import { sendable, uuidReading } from '../core/uuids';
import { Bound } from '../motor/dual';
import { anything, type Check, isPlainObject, keywords, picture, unchecked } from '../motor/keywords';
import { ENGINE, REPR } from '../motor/settings';
import { CodecOptions, type CodecOptionsKw, uuidName } from './codecOptions';
import { DATES } from './datetimeMs';
import { ASYNCIO_POLICY } from './policy';
import { ReadConcern } from './readConcern';
import { ENGINES, readPreferenceOf, type ServerMode } from './readPreferences';
import { TEXTS } from './unicode';
import { SENT, WriteConcern, type WriteConcernKw } from './writeConcern';

export type GivenReadPreference =
  | ServerMode
  | 0
  | 1
  | 2
  | 3
  | 4
  | 'primary'
  | 'primaryPreferred'
  | 'secondary'
  | 'secondaryPreferred'
  | 'nearest';
export type GivenCodecOptions = CodecOptions | CodecOptionsKw;
export type GivenWriteConcern = WriteConcern | WriteConcernKw;
export type GivenReadConcern = ReadConcern | string;

/** The settings that `get_database`, `get_collection` and `with_options` take; what is absent or null is inherited. */
export const OPTIONS_KEYWORDS = {
  codec_options: [null, unchecked<GivenCodecOptions | null>()],
  read_preference: [null, unchecked<GivenReadPreference | null>()],
  write_concern: [null, unchecked<GivenWriteConcern | null>()],
  read_concern: [null, unchecked<GivenReadConcern | null>()],
} as const;

/** No sessions yet: they come with replica sets. */
const noSession: Check<null> = {
  wanted: 'null, since this version of the driver has no sessions',
  is: (value): value is null => value === null,
};

/** What every operation takes. */
export const COMMON = { session: [null, noSession], comment: [undefined, anything] } as const;

const OPTIONS = keywords(OPTIONS_KEYWORDS, { refused: [] });
export type OptionsKw = {
  readonly codec_options?: GivenCodecOptions | null | undefined;
  readonly read_preference?: GivenReadPreference | null | undefined;
  readonly write_concern?: GivenWriteConcern | null | undefined;
  readonly read_concern?: GivenReadConcern | null | undefined;
};

/** What a client, a database or a collection passes on to what is made from it. */
export interface Settings {
  readonly codecOptions: CodecOptions;
  readonly readPreference: ServerMode;
  readonly writeConcern: WriteConcern;
  readonly readConcern: ReadConcern;
}

export const SETTINGS: unique symbol = Symbol('settings');

/** The settings with what was given in place of some of them. */
export function changed(method: string, inherited: Settings, kw: OptionsKw | null | undefined): Settings {
  return withOptions(method, inherited, OPTIONS.read(method, kw));
}

/** The same for keywords that were read together with others. */
export function withOptions(method: string, inherited: Settings, given: OptionsKw): Settings {
  const { codec_options, read_preference, write_concern, read_concern } = given;
  return {
    codecOptions: codecOptionsOf(method, codec_options) ?? inherited.codecOptions,
    readPreference: preferenceOf(method, read_preference) ?? inherited.readPreference,
    writeConcern: writeConcernOf(method, write_concern) ?? inherited.writeConcern,
    readConcern: readConcernOf(method, read_concern) ?? inherited.readConcern,
  };
}

export function codecOptionsOf(method: string, given: unknown): CodecOptions | null {
  if (given === null || given === undefined || given instanceof CodecOptions) return given ?? null;
  if (isPlainObject(given)) return new CodecOptions(given);
  throw wrong(method, 'codec_options', 'a CodecOptions, or an object of its options', given);
}

export function preferenceOf(method: string, given: unknown): ServerMode | null {
  if (given === null || given === undefined) return null;
  const preference = readPreferenceOf(given);
  if (preference === null)
    throw wrong(method, 'read_preference', "a mode such as 'secondary', or an instance such as new Secondary()", given);
  return preference;
}

function writeConcernOf(method: string, given: unknown): WriteConcern | null {
  if (given === null || given === undefined || given instanceof WriteConcern) return given ?? null;
  if (isPlainObject(given)) return new WriteConcern(given);
  throw wrong(method, 'write_concern', 'a WriteConcern, or an object such as { w: 2 }', given);
}

function readConcernOf(method: string, given: unknown): ReadConcern | null {
  if (given === null || given === undefined || given instanceof ReadConcern) return given ?? null;
  if (typeof given === 'string') return new ReadConcern(given);
  throw wrong(method, 'read_concern', "a ReadConcern, or a level such as 'majority'", given);
}

function wrong(method: string, keyword: string, wanted: string, given: unknown): TypeError {
  return new TypeError(`${method}: ${keyword} must be ${wanted}, not ${picture(given)}`);
}

/** The document as it is sent: with UUIDs as the codec options have them. */
export function encodedBy<D extends Document>({ codecOptions }: Settings, document: D): D {
  return sendable(document, uuidName(codecOptions));
}

/** How a command's reply is read. */
export function readingOf(codecOptions: CodecOptions): RunOptions {
  const { document_class, unicode_decode_error_handler, datetime_conversion } = codecOptions;
  const run: RunOptions = {
    uuids: uuidReading(uuidName(codecOptions), ASYNCIO_POLICY.readsUuids),
    dates: DATES[datetime_conversion],
  };
  if (document_class !== Object) run.documentClass = document_class;
  if (unicode_decode_error_handler === 'replace') run.decoding = { validation: { utf8: false } };
  const text = TEXTS[unicode_decode_error_handler];
  if (text !== undefined) run.text = text;
  return run;
}

/** By the settings, which never change: to put the options together takes longer than to encode a small command. */
const readRuns = new WeakMap<Settings, Readonly<RunOptions>>();

/** How a command that reads is run: by the read preference, once more if it fails on the way. */
export function readRun(settings: Settings): Readonly<RunOptions> {
  const known = readRuns.get(settings);
  if (known !== undefined) return known;
  const { codecOptions, readPreference } = settings;
  const run = Object.freeze({ ...readingOf(codecOptions), readPreference: readPreference[ENGINES], retryable: true });
  readRuns.set(settings, run);
  return run;
}

/** The command with what is said of the read concern. */
export function withReadConcern(command: Document, { readConcern }: Settings): Document {
  if (readConcern.level !== null) command.readConcern = readConcern.document;
  return command;
}

/**
 * The comment, if one was given.
 * @throws InvalidDocument: it cannot be encoded
 */
export function more({ comment }: { readonly comment: unknown }): Document {
  return comment === undefined ? {} : checkEncodable({ comment });
}

/** The fields of a command that is no write of documents, but knows a write concern. */
export function withConcern({ writeConcern }: Settings, fields: Document): Document {
  const { toSend, acknowledged } = writeConcern[SENT];
  return toSend === null || !acknowledged || fields.writeConcern !== undefined
    ? fields
    : { ...fields, writeConcern: toSend };
}

/** What client, database and collection have in common. */
export abstract class Configured extends Bound {
  readonly [ENGINE]: Engine;
  readonly [SETTINGS]: Settings;

  constructor(engine: Engine, settings: Settings) {
    super();
    this[ENGINE] = engine;
    this[SETTINGS] = settings;
  }

  /** What stands between the brackets when it is printed. */
  abstract [REPR](): string;

  override toString(): string {
    return `${this.constructor.name}(${this[REPR]()})`;
  }

  [inspect.custom](): string {
    return this.toString();
  }

  /** How documents are written and read. Changed by `with_options`. */
  get codec_options(): CodecOptions {
    return this[SETTINGS].codecOptions;
  }

  /** Which members of a replica set may answer reads. Changed by `with_options`. */
  get read_preference(): ServerMode {
    return this[SETTINGS].readPreference;
  }

  /** How widely a write must be done before it counts. Changed by `with_options`. */
  get write_concern(): WriteConcern {
    return this[SETTINGS].writeConcern;
  }

  /** How sure what is read must be. Changed by `with_options`. */
  get read_concern(): ReadConcern {
    return this[SETTINGS].readConcern;
  }
}

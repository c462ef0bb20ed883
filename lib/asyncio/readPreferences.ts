import type { Document } from 'bson';
import type { Doc } from '../../typings/documents';
import { isDocument } from '../core/documents';
import { ConfigurationError, ValueError } from '../core/errors';
import {
  ANY_TAGS,
  ReadPreference as CoreReadPreference,
  isAnyTags,
  MODE_NAMES,
  type Mode,
  type TagSet,
} from '../core/readPreference';
import { anything, type Given, keywords, picture } from '../motor/keywords';
import { PARTS, Value } from './value';

const KEYWORDS = keywords({ max_staleness: [-1, anything], hedge: [null, anything] });
type ReadPreferenceKw = Given<typeof KEYWORDS>;

/** The preference as the engine knows it. */
export const ENGINES: unique symbol = Symbol('engines');

/** Which members of a replica set may answer reads. It never changes. */
export abstract class ServerMode extends Value {
  readonly [ENGINES]: CoreReadPreference;
  readonly #staleness: number;

  constructor(preference: CoreReadPreference) {
    super();
    this[ENGINES] = preference;
    this.#staleness = preference.maxStaleness === null ? -1 : preference.maxStaleness / 1000;
  }

  get [PARTS](): readonly unknown[] {
    if (this.mode === 0) return [];
    return [this.tag_sets, { max_staleness: this.max_staleness, hedge: this[ENGINES].document?.hedge ?? null }];
  }

  /** 0 `PRIMARY` to 4 `NEAREST`. */
  get mode(): Mode {
    return this[ENGINES].mode;
  }

  /** `primary`, `primaryPreferred`, `secondary`, `secondaryPreferred` or `nearest`. */
  get name(): (typeof MODE_NAMES)[number] {
    return MODE_NAMES[this.mode];
  }

  /** Sets of tags that a member must have, tried in order; `{}` accepts any member. */
  get tag_sets(): TagSet[] {
    return [...this[ENGINES].tagSets];
  }

  /** Seconds that a secondary may lag behind; -1: any. */
  get max_staleness(): number {
    return this.#staleness;
  }

  /** What a command says of it. */
  get document(): Document {
    return { ...(this[ENGINES].document ?? { mode: this.name }) };
  }

  /** The mode, so that `==` with a constant of `ReadPreference` holds. */
  override valueOf(): number {
    return this.mode;
  }
}

/** Only the primary. */
export class Primary extends ServerMode {
  /** The only kind without tags and staleness. */
  constructor() {
    super(new CoreReadPreference(0));
  }
}

function tagged(mode: Mode, tagSets: unknown, kw: ReadPreferenceKw | undefined): CoreReadPreference {
  const name = MODE_NAMES[mode];
  const { max_staleness, hedge } = KEYWORDS.read(name, kw);
  if (!Number.isInteger(max_staleness)) {
    throw new TypeError(`${name}: max_staleness must be an integer of seconds, not ${picture(max_staleness)}`);
  }
  const staleness = max_staleness as number;
  if (staleness !== -1 && staleness <= 0) {
    throw new ValueError(`${name}: max_staleness must be positive, or -1 for no limit, not ${staleness}`);
  }
  if (hedge !== null && !isDocument(hedge)) {
    throw new TypeError(`${name}: hedge must be a document, not ${picture(hedge)}`);
  }
  return new CoreReadPreference(mode, tagSetsOf(name, tagSets), {
    maxStaleness: staleness === -1 ? null : staleness * 1000,
    hedge: hedge as Document | null,
  });
}

function tagSetsOf(name: string, given: unknown): readonly TagSet[] {
  if (given === null || given === undefined) return ANY_TAGS;
  if (!Array.isArray(given)) throw new TypeError(`${name}: tag_sets must be a list, not ${picture(given)}`);
  if (given.length === 0) throw new ValueError(`${name}: tag_sets must not be empty; leave it out for any member`);
  for (const set of given) {
    if (!isDocument(set)) throw new TypeError(`${name}: tag_sets must hold documents, not ${picture(set)}`);
  }
  return Object.freeze([...(given as TagSet[])]);
}

type TagSets = readonly Doc[] | null;

/** The primary; a secondary where there is none. */
export class PrimaryPreferred extends ServerMode {
  /** @throws TypeError, ValueError: bad tags, or staleness (seconds) */
  constructor(tag_sets: TagSets = null, kw?: ReadPreferenceKw) {
    super(tagged(1, tag_sets, kw));
  }
}

/** Only secondaries. */
export class Secondary extends ServerMode {
  /** @throws TypeError, ValueError: bad tags, or staleness (seconds) */
  constructor(tag_sets: TagSets = null, kw?: ReadPreferenceKw) {
    super(tagged(2, tag_sets, kw));
  }
}

/** A secondary; the primary where there is none. */
export class SecondaryPreferred extends ServerMode {
  /** @throws TypeError, ValueError: bad tags, or staleness (seconds) */
  constructor(tag_sets: TagSets = null, kw?: ReadPreferenceKw) {
    super(tagged(3, tag_sets, kw));
  }
}

/** Any member within the latency window. */
export class Nearest extends ServerMode {
  /** @throws TypeError, ValueError: bad tags, or staleness (seconds) */
  constructor(tag_sets: TagSets = null, kw?: ReadPreferenceKw) {
    super(tagged(4, tag_sets, kw));
  }
}

const CLASSES = [Primary, PrimaryPreferred, Secondary, SecondaryPreferred, Nearest] as const;

/** An instance of these classes, also for a constant of `ReadPreference`, and for a mode's name. Null: something else. */
export function readPreferenceOf(given: unknown): ServerMode | null {
  if (given instanceof ServerMode) return given;
  const mode = typeof given === 'string' ? (MODE_NAMES as readonly string[]).indexOf(given) : given;
  const Class = typeof mode === 'number' ? CLASSES[mode] : undefined;
  return Class === undefined ? null : new Class();
}

/** What a client's options say. */
export function wrapped(preference: CoreReadPreference): ServerMode {
  const { mode, tagSets, maxStaleness } = preference;
  if (mode === 0) {
    if (!isAnyTags(tagSets)) throw new ConfigurationError('read preference primary takes no tags');
    return new Primary();
  }
  const Class = CLASSES[mode] as new (tags: TagSets, kw: ReadPreferenceKw) => ServerMode;
  return new Class([...tagSets], { max_staleness: maxStaleness === null ? -1 : maxStaleness / 1000 });
}

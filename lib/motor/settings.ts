import { inspect } from 'node:util';
import type { Document } from 'bson';
import type { Mode, Write } from '../../typings/documents';
import { check } from '../core/check';
import type { Engine } from '../core/engine';
import { ConfigurationError } from '../core/errors';
import {
  isAnyTags,
  latencyWindowRule,
  modeRule,
  PRIMARY,
  ReadPreference,
  type TagSet,
  tagSetsRule,
} from '../core/readPreference';
import { liveWriteConcern, WriteConcern, type WriteConcernFields } from '../core/writeConcern';
import { Bound } from './dual';

// Symbols, since every other name on a client, database or collection may be a child's.
export const ENGINE: unique symbol = Symbol('engine');
export const WRITE_CONCERN: unique symbol = Symbol('writeConcern');
export const READ_PREFERENCE: unique symbol = Symbol('readPreference');
/** Of a client: which indexes are known to exist. */
export const INDEX_CACHE: unique symbol = Symbol('indexCache');
/** Of a client: the outcome of its writes. */
export const REMEMBERED: unique symbol = Symbol('remembered');
/** Of a database: what changes documents on their way; null as long as nothing was added. */
export const MANIPULATORS: unique symbol = Symbol('manipulators');
/** Of a collection: how it writes and reads UUIDs. */
export const UUIDS: unique symbol = Symbol('uuids');
/** How the original prints the blocking object inside. */
export const REPR: unique symbol = Symbol('repr');

const errors = 'ConfigurationError';

/** What a child takes over when it is made. */
export interface Inherited {
  readonly [ENGINE]: Engine;
  readonly [WRITE_CONCERN]: WriteConcern;
  readonly [READ_PREFERENCE]: ReadPreference;
}

/** The settings that client, database and collection have in common, each copied from its parent when it is made. */
export abstract class Settings extends Bound implements Inherited {
  readonly [ENGINE]: Engine;
  [WRITE_CONCERN]: WriteConcern;
  [READ_PREFERENCE]: ReadPreference;

  constructor(parent: Inherited) {
    super();
    this[ENGINE] = parent[ENGINE];
    this[WRITE_CONCERN] = parent[WRITE_CONCERN];
    this[READ_PREFERENCE] = parent[READ_PREFERENCE];
  }

  abstract [REPR](): string;

  override toString(): string {
    return `${this.constructor.name}(${this[REPR]()})`;
  }

  [inspect.custom](): string {
    return this.toString();
  }

  /**
   * Which members of a replica set may answer reads: a number from 0 (`PRIMARY`, the default) to 4 (`NEAREST`), or its
   * name. It reads back as the number.
   * @throws ConfigurationError: an unknown mode
   * @see Motor 0.2, MotorClient.read_preference
   */
  get read_preference(): Mode {
    return this[READ_PREFERENCE].mode;
  }

  /** Counts for this object, and for what is made from it afterwards. */
  set read_preference(mode: Mode) {
    const { tagSets, latencyWindow } = this[READ_PREFERENCE];
    this[READ_PREFERENCE] = new ReadPreference(check('read_preference', modeRule, mode, errors), tagSets, {
      latencyWindow,
    });
  }

  /**
   * Sets of tags that a member must have, tried in order; `{}` accepts any member. Default `[{}]`, also for `null`.
   * @throws ConfigurationError: no list, an empty one, or one of anything but documents
   * @see Motor 0.2, MotorClient.tag_sets
   */
  get tag_sets(): TagSet[] {
    return [...this[READ_PREFERENCE].tagSets];
  }

  /** Counts for this object, and for what is made from it afterwards. */
  set tag_sets(sets: readonly TagSet[] | null) {
    const { mode, latencyWindow } = this[READ_PREFERENCE];
    this[READ_PREFERENCE] = new ReadPreference(mode, check('tag_sets', tagSetsRule, sets, errors), { latencyWindow });
  }

  /**
   * Members may be used whose round trip takes at most this many milliseconds longer than the nearest one's. Default 15.
   * @throws ConfigurationError: not a number between 0 and 1e9
   * @see Motor 0.2, MotorClient.secondary_acceptable_latency_ms
   */
  get secondary_acceptable_latency_ms(): number {
    return this[READ_PREFERENCE].latencyWindow;
  }

  /** Counts for this object, and for what is made from it afterwards. */
  set secondary_acceptable_latency_ms(latency: number) {
    const { mode, tagSets } = this[READ_PREFERENCE];
    const latencyWindow = check('secondary_acceptable_latency_ms', latencyWindowRule, latency, errors);
    this[READ_PREFERENCE] = new ReadPreference(mode, tagSets, { latencyWindow: latencyWindow as number });
  }

  /**
   * How widely a write must be done before it counts: keys `w`, `wtimeout` (milliseconds), `j`, `fsync`. Default `{}`:
   * by one server. What is read is the live setting: `c.write_concern.w = 2` and `delete c.write_concern.j` work.
   * @throws ConfigurationError: no object, or an unknown key
   * @throws TypeError, ConfigurationError: a bad value
   * @see Motor 0.2, MotorClient.write_concern
   */
  get write_concern(): WriteConcernFields {
    const settings = this;
    return liveWriteConcern({
      get writeConcern() {
        return settings[WRITE_CONCERN];
      },
      set writeConcern(concern: WriteConcern) {
        settings[WRITE_CONCERN] = concern;
      },
    });
  }

  /** Counts for this object, and for what is made from it afterwards. A copy is kept of what is given. */
  set write_concern(concern: WriteConcernFields) {
    this[WRITE_CONCERN] = WriteConcern.from(concern, errors);
  }
}

/** What a write asks for by keyword, in place of the inherited concern. */
type WriteKeywords = { readonly [Key in keyof Write]?: Write[Key] | undefined };

/** The write concern of one operation: the keywords replace the inherited one as a whole. */
export function writeConcernOf(settings: Inherited, given: WriteKeywords): WriteConcern {
  const { w, wtimeout, j, fsync } = given;
  if (w === undefined && wtimeout === undefined && j === undefined && fsync === undefined) {
    return settings[WRITE_CONCERN];
  }
  return WriteConcern.from(
    Object.fromEntries(Object.entries({ w, wtimeout, j, fsync }).filter(([, value]) => value !== undefined)),
    errors,
  );
}

/** What a read asks for by keyword; what it does not ask for is inherited. */
export interface ReadKeywords {
  readonly read_preference?: Mode | undefined;
  readonly tag_sets?: readonly TagSet[] | undefined;
  readonly secondary_acceptable_latency_ms?: number | undefined;
}

/**
 * The read preference of one operation.
 * @throws ConfigurationError: tags together with `PRIMARY`
 */
export function readPreferenceOf(settings: Inherited, given: ReadKeywords): ReadPreference {
  const inherited = settings[READ_PREFERENCE];
  const { read_preference, tag_sets, secondary_acceptable_latency_ms } = given;
  if (read_preference === undefined && tag_sets === undefined && secondary_acceptable_latency_ms === undefined) {
    return checkedPreference(inherited);
  }
  return checkedPreference(
    new ReadPreference(
      read_preference === undefined ? inherited.mode : check('read_preference', modeRule, read_preference, errors),
      tag_sets === undefined ? inherited.tagSets : check('tag_sets', tagSetsRule, tag_sets, errors),
      {
        latencyWindow:
          secondary_acceptable_latency_ms === undefined
            ? inherited.latencyWindow
            : (check(
                'secondary_acceptable_latency_ms',
                latencyWindowRule,
                secondary_acceptable_latency_ms,
                errors,
              ) as number),
      },
    ),
  );
}

function checkedPreference(preference: ReadPreference): ReadPreference {
  if (preference.mode === PRIMARY && !isAnyTags(preference.tagSets)) {
    throw new ConfigurationError('read_preference PRIMARY cannot be combined with tag_sets: the primary has no rivals');
  }
  return preference;
}

/** The command with its read preference beside it, where there is something to say. */
export function withPreference(command: Document, preference: ReadPreference, engine: Engine): Document {
  if (preference.document === null) return command;
  // Through a direct connection any member may be read, whatever it is.
  command.$readPreference =
    engine.server?.description.type === 'Mongos' ? preference.document : { mode: 'primaryPreferred' };
  return command;
}

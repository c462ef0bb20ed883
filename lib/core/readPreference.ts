import type { Document } from 'bson';
import { duration, fieldsOf, type Rule, Unfit } from './check';

/** Which members serve a read: the numbers of the constants that the surfaces export as `ReadPreference`. */
export type Mode = 0 | 1 | 2 | 3 | 4;

export const PRIMARY = 0;
export const PRIMARY_PREFERRED = 1;
export const SECONDARY = 2;
export const SECONDARY_PREFERRED = 3;
export const NEAREST = 4;

/** The modes by number, as the server and connection strings call them. */
export const MODE_NAMES = ['primary', 'primaryPreferred', 'secondary', 'secondaryPreferred', 'nearest'] as const;

/** A member must have all of these tags; `{}` accepts any. */
export type TagSet = Readonly<Record<string, string>>;

/** No restriction by tags. */
export const ANY_TAGS: readonly TagSet[] = Object.freeze([Object.freeze({})]);

export const DEFAULT_LATENCY_WINDOW = 15;

/** The wire version of MongoDB 5.0, since when secondaries take `$out` and `$merge` and have the primary write. */
export const SECONDARY_OUTPUT = 13;

/** Where reads go. It never changes. */
export class ReadPreference {
  /** Tried in order. */
  readonly tagSets: readonly TagSet[];
  /** Milliseconds that a secondary may lag behind, or `null` for no limit. */
  readonly maxStaleness: number | null;
  /** Milliseconds beyond the nearest suitable member within which others are used too. */
  readonly latencyWindow: number;
  /** It is that of an aggregation that writes: while a server is too old for that, it means the primary. */
  readonly outputs: boolean;
  /** `$readPreference` of a command, or `null` for the primary, which need not be said. */
  readonly document: Document | null;

  constructor(
    readonly mode: Mode,
    tagSets: readonly TagSet[] = ANY_TAGS,
    {
      maxStaleness = null,
      latencyWindow = DEFAULT_LATENCY_WINDOW,
      hedge = null,
      outputs = false,
    }: ReadPreferenceExtras = {},
  ) {
    this.tagSets = tagSets;
    this.maxStaleness = maxStaleness;
    this.latencyWindow = latencyWindow;
    this.outputs = outputs;
    const document: Document = { mode: MODE_NAMES[mode] };
    if (!isAnyTags(tagSets)) document.tags = tagSets;
    if (maxStaleness !== null) document.maxStalenessSeconds = maxStaleness / 1000;
    if (hedge !== null) document.hedge = hedge;
    this.document = mode === PRIMARY ? null : Object.freeze(document);
    Object.freeze(this);
  }

  get name(): (typeof MODE_NAMES)[number] {
    return MODE_NAMES[this.mode];
  }
}

/** The same preference for an aggregation that writes. */
export function forOutput({ mode, tagSets, document, ...extras }: ReadPreference): ReadPreference {
  return new ReadPreference(mode, tagSets, { ...extras, hedge: document?.hedge ?? null, outputs: true });
}

export interface ReadPreferenceExtras {
  maxStaleness?: number | null;
  latencyWindow?: number;
  hedge?: Document | null;
  outputs?: boolean;
}

export const DEFAULT_READ_PREFERENCE = new ReadPreference(PRIMARY);

/** Whether the tag sets restrict nothing; only then the mode may be `PRIMARY`. */
export function isAnyTags(tagSets: readonly TagSet[]): boolean {
  return tagSets.length === 1 && Object.keys(tagSets[0] ?? {}).length === 0;
}

/** A mode by its number or its name. */
export const modeRule: Rule<Mode> = {
  says: `${MODE_NAMES.join(', ')}, or their numbers 0 to 4`,
  secret: true, // so far as all that is given with an operation is
  read(value) {
    const mode = typeof value === 'string' ? (MODE_NAMES as readonly string[]).indexOf(value) : value;
    if (typeof mode !== 'number' || MODE_NAMES[mode] === undefined) throw new Unfit('value');
    return mode as Mode;
  },
};

/** A list of tag sets; of a connection string, a list of `dc:ny,rack:1`; `null`: any member. */
export const tagSetsRule: Rule<readonly TagSet[]> = {
  says: 'a list, not empty, of documents with tags',
  read(value) {
    if (value === null) return ANY_TAGS;
    const given = typeof value === 'string' ? [value] : value;
    if (!Array.isArray(given) || given.length === 0) throw new Unfit('value');
    return Object.freeze(given.map((set) => Object.freeze(typeof set === 'string' ? parseTags(set) : tagsOf(set))));
  },
};

/** The latency window as users set it, not 0. */
export const latencyWindowRule = duration();

function tagsOf(value: unknown): TagSet {
  const fields = fieldsOf(value);
  if (fields === null) throw new Unfit('value');
  return { ...fields } as TagSet;
}

function parseTags(list: string): TagSet {
  if (list === '') return {};
  return Object.fromEntries(
    list.split(',').map((tag) => {
      const [name, value, more] = tag.split(':');
      if (!name || value === undefined || more !== undefined) throw new Unfit('value');
      return [name, value];
    }),
  );
}

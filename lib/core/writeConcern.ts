import { inspect } from 'node:util';
import type { Document } from 'bson';
import { boolean, check, fieldsOf, integer, type Rule, Unfit } from './check';
import { ConfigurationError } from './errors';
import type { Policy } from './policy';

/** The keys of a write concern. */
export interface WriteConcernFields {
  /** Number of members, a tag of the set's configuration, or `majority`; 0: not acknowledged. */
  w?: number | string;
  /** Milliseconds to wait for replication. */
  wtimeout?: number;
  /** Wait for the journal. */
  j?: boolean;
  /** Wait for the disk. */
  fsync?: boolean;
}

type Key = keyof WriteConcernFields;

const members: Rule<number | string> = {
  says: "an integer of at least 0, a tag's name, or majority",
  read(value) {
    if (value === '') throw new Unfit('value');
    return typeof value === 'string' && !/^-?\d+$/.test(value) ? value : integer(0).read(value);
  },
};

/** What each key may hold. */
export const writeConcernRules = {
  w: members,
  wtimeout: { ...integer(0), says: 'an integer of at least 0 (milliseconds)' },
  j: boolean,
  fsync: boolean,
} satisfies { [K in Key]: Rule<Required<WriteConcernFields>[K]> };

const KEYS = new Map<string, Key>([
  ['w', 'w'],
  ['wtimeout', 'wtimeout'],
  ['wtimeoutMS', 'wtimeout'],
  ['j', 'j'],
  ['journal', 'j'],
  ['fsync', 'fsync'],
]);

/** A checked write concern. It never changes; children can share their parent's. */
export class WriteConcern {
  /** The keys as they were set; `{}`: whatever the server has as its default. */
  readonly document: Readonly<WriteConcernFields>;
  /** What goes into a command, or `null` where nothing does: the concern is empty, or asks for `w: 1` only. */
  readonly toSend: Document | null;
  /** False only for `w: 0`. */
  readonly acknowledged: boolean;

  /** @param saysOne whether `w: 1`, which is what servers do by themselves, is sent nevertheless */
  constructor(fields: WriteConcernFields = {}, saysOne = false) {
    this.document = Object.freeze({ ...fields });
    this.acknowledged = fields.w !== 0;
    const keys = Object.keys(this.document);
    if (!this.acknowledged) {
      // Nothing else counts beside it, and servers refuse w: 0 together with j or fsync.
      this.toSend = Object.freeze({ w: 0 });
    } else {
      this.toSend = keys.length === 0 || (keys.length === 1 && fields.w === 1 && !saysOne) ? null : this.document;
    }
    Object.freeze(this);
  }

  /**
   * Check a plain object, or take over a concern or a {@link liveWriteConcern}.
   * @throws ConfigurationError: no object, or an unknown key
   * @throws TypeError, ConfigurationError: a bad value
   */
  static from(value: unknown, errors: Policy['optionErrors'] = 'ConfigurationError'): WriteConcern {
    if (value instanceof WriteConcern) return value;
    const given = fieldsOf(value);
    if (given === null)
      throw new ConfigurationError('write_concern must be an object with the keys w, wtimeout, j, fsync');
    const fields: WriteConcernFields = {};
    for (const [name, field] of Object.entries(given)) {
      if (field !== undefined) Object.assign(fields, { [keyOf(name)]: checkField(name, field, errors) });
    }
    return new WriteConcern(fields);
  }

  /** This concern with one key set, checked; `undefined` takes the key away. */
  with(name: string, value: unknown, errors: Policy['optionErrors'] = 'ConfigurationError'): WriteConcern {
    const { [keyOf(name)]: _, ...others } = this.document;
    if (value === undefined) return new WriteConcern(others);
    return new WriteConcern({ ...others, [keyOf(name)]: checkField(name, value, errors) });
  }
}

function keyOf(name: string): Key {
  const key = KEYS.get(name);
  if (key !== undefined) return key;
  throw new ConfigurationError(`write_concern has no key '${name}', only w, wtimeout, j (journal) and fsync`);
}

function checkField(name: string, value: unknown, errors: Policy['optionErrors']): number | string | boolean {
  const rule: Rule<number | string | boolean> = writeConcernRules[keyOf(name)];
  return check(name, rule, value, errors);
}

/** Nothing set: acknowledged by one server. */
export const DEFAULT_WRITE_CONCERN = new WriteConcern();

/** Who owns a write concern that can be changed. */
export interface WriteConcernHolder {
  writeConcern: WriteConcern;
}

/**
 * The holder's write concern as an object that can be read, set and deleted from by key. A change is checked and puts
 * a new concern in the holder's place, so the path of an operation reads a plain field.
 */
export function liveWriteConcern(holder: WriteConcernHolder): WriteConcernFields {
  // Printing looks at what a proxy stands before, not at the proxy.
  const printed = Object.defineProperty({}, inspect.custom, {
    value: () => ({ ...holder.writeConcern.document }),
    configurable: true,
  });
  return new Proxy<WriteConcernFields>(printed, {
    get: (target, name, receiver) =>
      typeof name === 'string' && KEYS.has(name)
        ? holder.writeConcern.document[KEYS.get(name) as Key]
        : (Reflect.get(target, name, receiver) as unknown),
    has: (target, name) =>
      typeof name === 'string' && KEYS.has(name)
        ? (KEYS.get(name) as Key) in holder.writeConcern.document
        : Reflect.has(target, name),
    set(_target, name, value) {
      holder.writeConcern = holder.writeConcern.with(String(name), value);
      return true;
    },
    defineProperty(_target, name, { value }) {
      holder.writeConcern = holder.writeConcern.with(String(name), value);
      return true;
    },
    deleteProperty(_target, name) {
      if (typeof name === 'string' && KEYS.has(name)) holder.writeConcern = holder.writeConcern.with(name, undefined);
      return true;
    },
    ownKeys: () => Object.keys(holder.writeConcern.document),
    getOwnPropertyDescriptor(_target, name) {
      const { document } = holder.writeConcern;
      if (typeof name !== 'string' || !Object.hasOwn(document, name)) return undefined;
      return { value: document[name as Key], writable: true, enumerable: true, configurable: true };
    },
  });
}

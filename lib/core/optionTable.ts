/** The one table of client options, for connection strings and for keywords alike. */

import * as zlib from 'node:zlib';
import { CommaAndColonSeparatedRecord } from 'mongodb-connection-string-url';
import { anyType, boolean, duration, fieldsOf, integer, oneOf, orNull, type Rule, text, Unfit } from './check';
import {
  type Compressor,
  DATETIME_CONVERSIONS,
  type DatetimeConversion,
  type DocumentClass,
  type DriverInfo,
  type IoLoop,
  type Mechanism,
  UNICODE_HANDLERS,
  type UnicodeHandler,
  type UuidRepresentation,
} from './clientOptions';
import { ConfigurationError, InvalidURI } from './errors';
import type { Policy } from './policy';
import { latencyWindowRule, modeRule, tagSetsRule } from './readPreference';
import { writeConcernRules } from './writeConcern';

const capacity = anyType(orNull({ ...integer(0), says: 'an integer of at least 0 (0: no cap)' }));
const count = orNull(integer(0));
const timeout = orNull(duration());
const timeoutOrZero = orNull(duration('milliseconds', true));
const flag = boolean;

const secretText: Rule<string> = { ...text, secret: true, read: (value) => (value === '' ? '' : text.read(value)) };

const documentClass: Rule<DocumentClass> = {
  says: 'a class',
  read(value) {
    if (typeof value !== 'function' || typeof value.prototype !== 'object') throw new Unfit('type');
    return value as DocumentClass;
  },
};

const ioLoop: Rule<IoLoop> = {
  says: 'a loop, with the methods add_callback and time',
  read(value) {
    const loop = value as Partial<IoLoop> | null;
    const isObject = (typeof loop === 'object' && loop !== null) || typeof loop === 'function';
    if (!isObject || typeof loop.add_callback !== 'function' || typeof loop.time !== 'function')
      throw new Unfit('type');
    return loop as IoLoop;
  },
};

const file: Rule<string> = { says: 'the name of a readable file', read: text.read };

const certReqs: Rule<number> = {
  says: 'CERT_NONE (0), CERT_OPTIONAL (1) or CERT_REQUIRED (2)',
  read(value) {
    const named = ['CERT_NONE', 'CERT_OPTIONAL', 'CERT_REQUIRED'].indexOf(String(value));
    return named < 0 || typeof value !== 'string' ? anyType(integer(0, 2)).read(value) : named;
  },
};

const authSource: Rule<string> = {
  says: "a database's name",
  read(value) {
    if (value === '') throw new InvalidURI('authSource must name a database; leave it out for the default');
    return text.read(value);
  },
};

const MECHANISMS = ['GSSAPI', 'MONGODB-X509', 'PLAIN', 'SCRAM-SHA-1', 'SCRAM-SHA-256', 'DEFAULT'] as const;

const mechanismProperties: Rule<Record<string, string>> = {
  says: 'an object, or NAME:value pairs joined by commas',
  secret: true,
  read(value) {
    if (typeof value === 'string') {
      const pairs = [...new CommaAndColonSeparatedRecord(value)];
      if (pairs.some(([, property]) => property === '')) throw new Unfit('value');
      return Object.fromEntries(pairs) as Record<string, string>;
    }
    const fields = fieldsOf(value);
    if (fields === null) throw new Unfit('type');
    return Object.fromEntries(Object.entries(fields).map(([name, property]) => [name, String(property)]));
  },
};

const staleness: Rule<number | null> = {
  says: 'a positive integer of seconds, or -1 for no limit',
  read(value) {
    const seconds = integer(-1).read(value);
    if (seconds === 0) throw new Unfit('value');
    return seconds < 0 ? null : seconds * 1000;
  },
};

const heartbeat: Rule<number> = {
  says: 'a number of milliseconds between 500 and 1000000000',
  read(value) {
    const number = duration().read(value);
    if (number < 500) throw new Unfit('value');
    return number;
  },
};

const appName: Rule<string> = {
  says: 'a string of at most 128 bytes',
  read(value) {
    const name = text.read(value);
    if (Buffer.byteLength(name) > 128) throw new Unfit('value');
    return name;
  },
};

const driverInfo: Rule<DriverInfo> = {
  says: 'an object with the string name, and perhaps the strings version and platform',
  read(value) {
    if (typeof value !== 'object' || value === null) throw new Unfit('type');
    const { name, version = null, platform = null } = value as { [key in keyof DriverInfo]: unknown };
    const isTextOrNull = (part: unknown): part is string | null => part === null || typeof part === 'string';
    if (typeof name !== 'string' || !isTextOrNull(version) || !isTextOrNull(platform)) throw new Unfit('type');
    return Object.freeze({ name, version, platform });
  },
};

const compressors: Rule<readonly Compressor[]> = {
  says: 'a list of names, or names joined by commas',
  read(value) {
    const names: unknown = typeof value === 'string' ? value.split(',') : value;
    if (!Array.isArray(names) || names.some((name) => typeof name !== 'string')) throw new Unfit('type');
    const known = names.filter(
      (name): name is Compressor => name === 'zlib' || (name === 'zstd' && 'zstdCompress' in zlib),
    );
    for (const name of names) {
      if (!known.includes(name))
        process.emitWarning(`compressors: ${String(name)} is left out, it is not available here`);
    }
    return Object.freeze(known);
  },
};

const encryption: Rule<never> = {
  says: 'null',
  read() {
    throw new ConfigurationError('auto_encryption_opts: the driver has no client-side encryption; it is out of scope');
  },
};

/** A name in any case, or the number of a constant of `DatetimeConversion`. */
const datetimeConversion: Rule<DatetimeConversion> = {
  says: `${oneOf(DATETIME_CONVERSIONS).says}, or a constant of DatetimeConversion`,
  read(value) {
    if (typeof value !== 'string') return DATETIME_CONVERSIONS[integer(1, 4).read(value) - 1] as DatetimeConversion;
    if (/^[1-4]$/.test(value)) return DATETIME_CONVERSIONS[Number(value) - 1] as DatetimeConversion;
    return oneOf(DATETIME_CONVERSIONS).read(value.toUpperCase());
  },
};

/** The same rule, where another type than a string is a wrong type. */
function textOf<T>(rule: Rule<T>): Rule<T> {
  return {
    ...rule,
    read(value) {
      if (typeof value !== 'string') throw new Unfit('type');
      return rule.read(value);
    },
  };
}

const typeRegistry: Rule<never> = {
  says: 'null',
  read() {
    throw new ConfigurationError('type_registry: this version of the driver has no type registry');
  },
};

const anything: Rule<unknown> = { says: 'anything', read: (value) => value };

interface Row<T> {
  readonly rule: Readonly<Record<Policy['optionNames'], Rule<T>>>;
  readonly names: Readonly<Record<Policy['optionNames'], readonly string[]>>;
}

function row<T>(rule: Rule<T>, old: string, current: string, currentRule: Rule<T> = rule): Row<T> {
  const list = (names: string) => names.split(' ').filter((name) => name !== '');
  return {
    rule: { 'PyMongo 2.7': rule, 'PyMongo 4.9': currentRule },
    names: { 'PyMongo 2.7': list(old), 'PyMongo 4.9': list(current) },
  };
}

/**
 * Every option: its rule, its names on the surface of PyMongo 2.7 and on that of 4.9, and a rule of its own for the
 * latter. The first name is the one for messages. A name marked ° is a keyword and never stands in a connection string.
 */
export const TABLE = {
  maxPoolSize: row(capacity, 'max_pool_size°', 'maxPoolSize'),
  maxConcurrent: row(integer(1), 'max_concurrent°', ''),
  maxWaitTime: row(orNull(duration('seconds')), 'max_wait_time°', ''),
  waitQueueTimeout: row(timeout, 'waitQueueTimeoutMS', 'waitQueueTimeoutMS'),
  waitQueueMultiple: row(count, 'waitQueueMultiple', ''),
  minPoolSize: row(integer(0), 'minPoolSize', 'minPoolSize', anyType(integer(0))),
  maxConnecting: row(integer(1), '', 'maxConnecting', anyType(integer(1))),
  maxIdleTime: row(timeout, 'maxIdleTimeMS', 'maxIdleTimeMS'),

  connectTimeout: row(timeout, 'connectTimeoutMS', 'connectTimeoutMS', timeoutOrZero),
  socketTimeout: row(timeout, 'socketTimeoutMS', 'socketTimeoutMS', timeoutOrZero),
  appName: row(appName, 'appname', 'appname'),
  driver: row(driverInfo, '', 'driver°'),
  compressors: row(compressors, '', 'compressors'),
  zlibCompressionLevel: row(integer(-1, 9), '', 'zlibCompressionLevel'),

  tls: row(flag, 'ssl', 'tls ssl'),
  tlsCa: row(file, 'ssl_ca_certs', 'tlsCAFile'),
  tlsCert: row(file, 'ssl_certfile', 'tlsCertificateKeyFile'),
  tlsKey: row(file, 'ssl_keyfile', ''),
  tlsPassphrase: row(secretText, '', 'tlsCertificateKeyFilePassword'),
  tlsCrl: row(file, '', 'tlsCRLFile'),
  tlsCertReqs: row(certReqs, 'ssl_cert_reqs', ''),
  tlsAllowInvalidCertificates: row(flag, '', 'tlsAllowInvalidCertificates'),
  tlsAllowInvalidHostnames: row(flag, '', 'tlsAllowInvalidHostnames'),
  tlsInsecure: row(flag, '', 'tlsInsecure'),
  tlsDisableOCSPEndpointCheck: row(flag, '', 'tlsDisableOCSPEndpointCheck'),

  username: row(secretText, '', 'username°'),
  password: row(secretText, '', 'password°'),
  authSource: row(authSource, 'authSource', 'authSource'),
  authMechanism: row<Mechanism | 'DEFAULT' | 'MONGODB-CR'>(
    oneOf([...MECHANISMS, 'MONGODB-CR']),
    'authMechanism',
    'authMechanism',
    oneOf([...MECHANISMS, 'MONGODB-AWS', 'MONGODB-OIDC']),
  ),
  authMechanismProperties: row(mechanismProperties, '', 'authMechanismProperties'),
  gssapiServiceName: row(text, 'gssapiServiceName', ''),

  replicaSet: row(text, 'replicaSet', 'replicaSet'),
  loadBalanced: row(flag, '', 'loadBalanced'),
  srvServiceName: row(text, '', 'srvServiceName'),
  srvMaxHosts: row(integer(0), '', 'srvMaxHosts'),
  directConnection: row(flag, '', 'directConnection'),
  serverSelectionTimeout: row(duration('milliseconds', true), '', 'serverSelectionTimeoutMS'),
  heartbeatFrequency: row(heartbeat, '', 'heartbeatFrequencyMS'),
  monitoringMode: row<'auto' | 'stream' | 'poll'>(oneOf(['auto', 'stream', 'poll']), '', 'serverMonitoringMode'),
  connect: row(flag, '', 'connect'),

  readPreference: row(modeRule, 'read_preference readPreference', 'readPreference read_preference°'),
  tagSets: row(tagSetsRule, 'tag_sets readPreferenceTags', 'readPreferenceTags'),
  maxStaleness: row(staleness, '', 'maxStalenessSeconds'),
  latencyWindow: row(
    anyType(latencyWindowRule),
    'secondary_acceptable_latency_ms secondaryAcceptableLatencyMS',
    'localThresholdMS',
    duration('milliseconds', true),
  ),
  readConcernLevel: row(text, '', 'readConcernLevel'),
  w: row(writeConcernRules.w, 'w', 'w'),
  wtimeout: row(writeConcernRules.wtimeout, 'wtimeout wtimeoutMS', 'wTimeoutMS wtimeout'),
  j: row(writeConcernRules.j, 'j journal', 'journal j'),
  fsync: row(writeConcernRules.fsync, 'fsync', 'fsync'),
  retryReads: row(flag, '', 'retryReads'),
  retryWrites: row(flag, '', 'retryWrites'),

  uuidRepresentation: row<UuidRepresentation>(
    oneOf(['standard', 'pythonLegacy', 'javaLegacy', 'csharpLegacy']),
    'uuidRepresentation',
    'uuidRepresentation',
    oneOf(['unspecified', 'standard', 'pythonLegacy', 'javaLegacy', 'csharpLegacy']),
  ),
  documentClass: row(documentClass, 'document_class°', 'document_class°'),
  tzAware: row(flag, 'tz_aware°', 'tz_aware'),
  tzInfo: row(anything, '', 'tzinfo°'),
  unicodeDecodeErrorHandler: row<UnicodeHandler>(textOf(oneOf(UNICODE_HANDLERS)), '', 'unicode_decode_error_handler'),
  datetimeConversion: row(datetimeConversion, '', 'datetime_conversion'),
  ioLoop: row(ioLoop, 'io_loop°', 'io_loop°'),
  typeRegistry: row(typeRegistry, '', 'type_registry°'),
  autoEncryption: row(encryption, '', 'auto_encryption_opts°'),

  // Of a connection string only: as keywords they are refused.
  safe: row(flag, 'safe', ''),
  slaveOk: row(flag, 'slaveok', ''),
  useGreenlets: row(anything, 'use_greenlets', ''),
};

type Table = typeof TABLE;
export type Key = keyof Table;
/** What was given, read. */
export type Values = { readonly [K in Key]?: Table[K] extends Row<infer T> ? T : never };

/** Keywords of the original that its successor refuses, and what to say instead. */
export const REFUSED: Readonly<Record<string, string>> = {
  safe: 'use the write concern options, such as { w: 1 }',
  slave_okay: "use { read_preference: 'secondaryPreferred' }",
  slaveok: "use { read_preference: 'secondaryPreferred' }",
  auto_start_request: 'there are no requests any more; leave it out',
};

/** Options of PyMongo 4.9 that are not built, in lower case: neither unknown, nor mistyped names of others. */
export const NOT_YET: ReadonlySet<string> = new Set(['event_listeners', 'server_api', 'server_selector', 'timeoutms']);

/** A name as it may be written, in lower case, and what it stands for. */
export interface Named {
  readonly key: Key;
  /** As the table spells it. */
  readonly name: string;
  readonly keywordOnly: boolean;
}

function namesOf(version: Policy['optionNames']): ReadonlyMap<string, Named> {
  const names = new Map<string, Named>();
  for (const key of Object.keys(TABLE) as Key[]) {
    for (const marked of TABLE[key].names[version]) {
      const name = marked.replace('°', '');
      names.set(name.toLowerCase(), { key, name, keywordOnly: name !== marked });
    }
  }
  return names;
}

/** By lower-case name. */
export const NAMES = { 'PyMongo 2.7': namesOf('PyMongo 2.7'), 'PyMongo 4.9': namesOf('PyMongo 4.9') };

/** Where the surface of 4.9 takes `null` for an absent value, as its original takes None. */
export const NONE_WHEN_ABSENT: ReadonlySet<Key> = new Set<Key>([
  'appName',
  'driver',
  'compressors',
  'tlsCa',
  'tlsCert',
  'tlsPassphrase',
  'tlsCrl',
  'username',
  'password',
  'authSource',
  'authMechanism',
  'authMechanismProperties',
  'replicaSet',
  'directConnection',
  'readConcernLevel',
  'ioLoop',
  'autoEncryption',
  'typeRegistry',
  'srvServiceName',
  'srvMaxHosts',
  'unicodeDecodeErrorHandler',
  'datetimeConversion',
  'w',
  'wtimeout',
  'j',
  'fsync',
]);

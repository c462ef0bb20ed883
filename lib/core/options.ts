import { readFileSync } from 'node:fs';
import { Address, DEFAULT_PORT } from './address';
import { check, fieldsOf, integer, type Rule } from './check';
import type {
  ClientOptions,
  Credential,
  Mechanism,
  PoolOptions,
  SrvOptions,
  TlsOptions,
  TopologyOptions,
} from './clientOptions';
import { type ConnectionString, hasScheme, parseConnectionString, parseOptions } from './connectionString';
import { ConfigurationError, InvalidURI, ValueError } from './errors';
import { nearest } from './nearest';
import { type Key, NAMES, type Named, NONE_WHEN_ABSENT, NOT_YET, REFUSED, TABLE, type Values } from './optionTable';
import type { Policy } from './policy';
import {
  ANY_TAGS,
  DEFAULT_LATENCY_WINDOW,
  isAnyTags,
  PRIMARY,
  ReadPreference,
  SECONDARY_PREFERRED,
} from './readPreference';
import { uuidReading } from './uuids';
import { WriteConcern, type WriteConcernFields } from './writeConcern';

/** The arguments of a client's constructor. */
export interface ClientArguments {
  /** The class whose constructor was called; errors begin with it. */
  readonly caller: string;
  /** Addresses or connection strings, by position. */
  readonly host?: unknown;
  /** The default port, by position. */
  readonly port?: unknown;
  /** All the rest; `host` and `port` may stand here too. They may come in the place of `port`, or of both. */
  readonly keywords?: unknown;
}

/**
 * Check what a constructor was given, and complete it.
 * @throws TypeError: an unknown keyword, or a value of a wrong type
 * @throws ConfigurationError: a wrong combination, a refused keyword; for the surface of 2.7 a wrong value as well
 * @throws InvalidURI: a malformed connection string
 * @throws ValueError: a wrong value, for the surface of 4.9
 * @throws Node's own error: a certificate file that cannot be read
 */
export function readOptions(given: ClientArguments, policy: Policy): ClientOptions {
  const { host, port, keywords } = separateKeywords(given, policy);
  const fromKeywords = readKeywords(keywords, given.caller, policy);
  const { strings, seeds } = readHosts(host, readPort(port, policy), policy);
  const fromStrings: Values = Object.assign({}, ...strings.map((string) => readString(string, policy)));

  const values: Values =
    policy.precedence === 'string' ? { ...fromKeywords, ...fromStrings } : { ...fromStrings, ...fromKeywords };
  const srvHost = strings.find((string) => string.srvHost !== null)?.srvHost ?? null;
  if (srvHost === null) return complete(values, strings, seeds, null, policy);

  const srv: SrvOptions = hiding(['complete'], {
    host: srvHost,
    serviceName: values.srvServiceName ?? 'mongodb',
    maxHosts: values.srvMaxHosts ?? 0,
    complete: (found, txt) =>
      complete({ tls: true, ...readTxt(txt, policy), ...values }, strings, [...seeds, ...found], srv, policy),
  });
  return complete({ tls: true, ...values }, strings, [], srv, policy);
}

/** Put the parts together, with what is left to the defaults. */
function complete(
  values: Values,
  strings: readonly ConnectionString[],
  seeds: readonly Address[],
  srv: SrvOptions | null,
  policy: Policy,
): ClientOptions {
  const { connectTimeout = 20_000 } = values;
  const lastOf = <T>(part: (string: ConnectionString) => T | null) =>
    strings.map(part).findLast((it) => it !== null) ?? null;
  const database = lastOf((string) => string.database);
  const user = strings.findLast((string) => string.username !== null);

  const uuidRepresentation =
    values.uuidRepresentation ?? (policy.optionNames === 'PyMongo 2.7' ? 'pythonLegacy' : 'unspecified');

  return Object.freeze<ClientOptions>({
    seeds: Object.freeze(seeds),
    srv,
    database,
    credential: credentialOf(values, user?.username ?? null, user?.password ?? null, database),
    topology: topologyOf(values, seeds, srv, policy),
    pool: poolOf(values, policy),
    connection: Object.freeze({
      // 0 means none, where it is allowed.
      connectTimeout: connectTimeout || null,
      socketTimeout: values.socketTimeout || null,
      tls: tlsOf(values, policy),
      appName: values.appName ?? null,
      driver: values.driver ?? null,
      compressors: values.compressors ?? Object.freeze([]),
      zlibCompressionLevel: values.zlibCompressionLevel ?? -1,
      localhostFamily: policy.localhost === 'IPv4' ? 4 : 0,
      uuids: uuidReading(uuidRepresentation, policy.readsUuids),
    }),
    readPreference: readPreferenceOf(values),
    writeConcern: writeConcernOf(values, policy),
    readConcern: values.readConcernLevel === undefined ? null : Object.freeze({ level: values.readConcernLevel }),
    retryReads: values.retryReads ?? policy.retries,
    retryWrites: values.retryWrites ?? policy.retries,
    uuidRepresentation,
    documentClass: values.documentClass ?? Object,
    tzAware: values.tzAware ?? false,
    tzInfo: values.tzInfo ?? null,
    unicodeDecodeErrorHandler: values.unicodeDecodeErrorHandler ?? 'strict',
    datetimeConversion: values.datetimeConversion ?? 'DATETIME',
    ioLoop: values.ioLoop ?? null,
    connectAtOnce: values.connect ?? false,
  });
}

/** Host and port from their places or from among the keywords, and the other keywords. */
/** The keywords stand behind the last argument that is given, so that they may come in the place of a position. */
function shifted(given: ClientArguments): ClientArguments {
  const { caller, host, port, keywords } = given;
  if (keywords !== undefined) return given;
  if (port === undefined && fieldsOf(host) !== null) return { caller, keywords: host };
  if (fieldsOf(port) !== null) return { caller, host, keywords: port };
  return given;
}

function separateKeywords(given: ClientArguments, policy: Policy) {
  const { caller, host, port, keywords = {} } = shifted(given);
  const fields = fieldsOf(keywords);
  if (fields === null) throw new TypeError(`${caller}: the options must be a plain object of keywords`);
  const places: Record<string, unknown> = { host, port };
  const others: [string, unknown][] = [];
  for (const [name, value] of Object.entries(fields)) {
    const lower = name.toLowerCase();
    if (Object.hasOwn(REFUSED, lower) && policy.optionNames === 'PyMongo 2.7') {
      throw new ConfigurationError(`${caller}: the keyword ${name} is refused; ${REFUSED[lower]}`);
    }
    if (value === undefined) continue;
    if (lower !== 'host' && lower !== 'port') others.push([name, value]);
    else if (places[lower] === undefined) places[lower] = value;
    else throw new TypeError(`${caller}: ${lower} is given twice, by position and as a keyword`);
  }
  return { host: places.host, port: places.port, keywords: others };
}

function readKeywords(keywords: readonly [string, unknown][], caller: string, policy: Policy): Values {
  const names = NAMES[policy.optionNames];
  const reading = new Reading(policy);
  for (const [written, value] of keywords) {
    const named = names.get(written.toLowerCase());
    if (named === undefined) {
      if (isNotYet(written, policy)) {
        if (value === null) continue;
        throw new ConfigurationError(`${caller}: ${notYet(written)}`);
      }
      const known = [...names.values()].map(({ name }) => name).filter((name) => !Object.hasOwn(REFUSED, name));
      const meant = elsewhere(written, policy) ?? nearest(written, ['host', 'port', ...known]);
      throw new TypeError(
        `${caller}: unknown keyword '${written}'${meant === null ? '' : `; did you mean '${meant}'?`}`,
      );
    }
    reading.add(named, value);
  }
  return reading.values;
}

function readString({ options }: Pick<ConnectionString, 'options'>, policy: Policy): Values {
  const names = NAMES[policy.optionNames];
  const reading = new Reading(policy);
  const tags: string[] = [];
  for (const [written, value] of options) {
    // The one option that may repeat: its values make a list, in order.
    if (names.get(written.toLowerCase())?.key === 'tagSets') tags.push(value);
    else read(written, value);
  }
  if (tags.length > 0) read('readPreferenceTags', tags);
  return reading.values;

  function read(written: string, value: unknown): void {
    const named = names.get(written.toLowerCase());
    if (named === undefined || named.keywordOnly) {
      const message = unknownOption(written, named, policy);
      if (policy.unknownUriOption === 'error') throw new ConfigurationError(message);
      process.emitWarning(`ignored: ${message}`);
      return;
    }
    try {
      reading.add(named, value, true);
    } catch (error) {
      const isBadValue = error instanceof ValueError || error instanceof TypeError;
      if (policy.unknownUriOption === 'error' || !isBadValue) throw error;
      process.emitWarning(`ignored: ${error.message}`);
    }
  }
}

/** What a TXT record may say; in lower case. */
const TXT_OPTIONS = ['authsource', 'replicaset', 'loadbalanced'];

/** @see Specification "initial DNS seedlist discovery", default connection string options */
function readTxt(txt: string | null, policy: Policy): Values {
  const options = txt === null ? [] : parseOptions(txt);
  for (const [written] of options) {
    if (TXT_OPTIONS.includes(written.toLowerCase())) continue;
    throw new ConfigurationError(
      `a TXT record has authSource, replicaSet and loadBalanced for options, not '${written.slice(0, 40)}'`,
    );
  }
  return readString({ options }, policy);
}

/** The options of one source, each checked as it comes. */
class Reading {
  readonly values: Values = {};
  private readonly writtenAs = new Map<Key, string>();

  constructor(private readonly policy: Policy) {}

  /** @param again whether a name may repeat; the last one counts then, with a warning */
  add({ key, name }: Named, value: unknown, again = false): void {
    const { optionNames, optionErrors } = this.policy;
    const rule: Rule<unknown> = TABLE[key].rule[optionNames];
    // An absent value of the original's successor is None; the original refused it.
    if (value === null && optionNames === 'PyMongo 4.9' && NONE_WHEN_ABSENT.has(key)) return;
    const checked = check(name, rule, value, optionErrors);

    const before = this.writtenAs.get(key);
    if (before !== undefined && !Object.is(this.values[key], checked)) {
      if (!again || before !== name)
        throw new ConfigurationError(`${before} and ${name} are the same option, with two values`);
      process.emitWarning(`${name} stands twice in the connection string; the last one counts`);
    }
    this.writtenAs.set(key, name);
    Object.assign(this.values, { [key]: checked });
  }
}

function unknownOption(written: string, named: Named | undefined, policy: Policy): string {
  if (named !== undefined) return `${named.name} is a keyword, it cannot stand in a connection string`;
  // What is no name may be a piece of a password that was not escaped.
  if (!/^\w{1,40}$/.test(written)) return 'the connection string has an option that is none';
  if (isNotYet(written, policy)) return notYet(written);
  const unknown = `unknown option '${written}' in the connection string`;
  const names = NAMES[policy.optionNames];
  const known = [...names.values()].map(({ name }) => name);
  const meant = elsewhere(written, policy) ?? nearest(written, known);
  if (meant === null) return unknown;
  const { keywordOnly } = names.get(meant.toLowerCase()) as Named;
  return keywordOnly ? `${unknown}; ${meant} is a keyword of the client` : `${unknown}; did you mean '${meant}'?`;
}

function isNotYet(written: string, { optionNames }: Policy): boolean {
  return optionNames === 'PyMongo 4.9' && NOT_YET.has(written.toLowerCase());
}

function notYet(written: string): string {
  return `this version of the driver does not have the option ${written}`;
}

/** What an option of the other surface is called on this one; null where there is none. */
function elsewhere(written: string, { optionNames }: Policy): string | null {
  const other = NAMES[optionNames === 'PyMongo 2.7' ? 'PyMongo 4.9' : 'PyMongo 2.7'].get(written.toLowerCase());
  return other === undefined ? null : (TABLE[other.key].names[optionNames][0]?.replace('°', '') ?? null);
}

function readPort(port: unknown, { optionErrors }: Policy): number {
  if (port === undefined || port === null) return DEFAULT_PORT;
  // Not even digits in a string: the original takes a number here and nothing else.
  if (typeof port === 'string') throw new TypeError('port must be an integer from 1 to 65535, not a string');
  return check('port', integer(1, 65535), port, optionErrors);
}

function readHosts(given: unknown, port: number, policy: Policy) {
  const list: readonly unknown[] = Array.isArray(given) ? given : [given ?? 'localhost'];
  if (list.length === 0) throw new ConfigurationError('host is an empty list: name at least one server');
  const seeds = new Map<string, Address>();
  const strings: ConnectionString[] = [];
  for (const entry of list) {
    if (typeof entry !== 'string') {
      throw new TypeError('host must be a name, an address, a connection string, or a list of these');
    }
    for (const part of entry.split(/,(?=mongodb(?:\+srv)?:\/\/)/)) {
      const addresses = hasScheme(part) ? readUri(part) : part.split(',').map((text) => Address.parse(text, port));
      for (const address of addresses) seeds.set(String(address), address);
    }
  }
  if (strings.length > 1 && policy.optionNames === 'PyMongo 4.9') {
    throw new ConfigurationError('host holds more than one connection string');
  }
  return { strings, seeds: [...seeds.values()] };

  function readUri(uri: string): readonly Address[] {
    const string = parseConnectionString(uri, port);
    if (string.srvHost !== null && policy.optionNames === 'PyMongo 2.7') {
      throw new InvalidURI('mongodb+srv:// is not served here: name the hosts in mongodb://');
    }
    strings.push(string);
    return string.seeds;
  }
}

function topologyOf(
  values: Values,
  seeds: readonly Address[],
  srv: SrvOptions | null,
  policy: Policy,
): TopologyOptions {
  const replicaSet = values.replicaSet ?? null;
  if (values.directConnection && seeds.length > 1) {
    throw new ConfigurationError(`directConnection takes one host, there are ${seeds.length}`);
  }
  if (values.loadBalanced) {
    throw new ConfigurationError('loadBalanced: this version of the driver does not work through load balancers');
  }
  if (srv !== null) {
    if (values.directConnection) {
      throw new ConfigurationError('directConnection excludes mongodb+srv://, which may name many hosts');
    }
    if (srv.maxHosts > 0 && replicaSet !== null) {
      throw new ConfigurationError('srvMaxHosts is for sharded clusters: it excludes replicaSet');
    }
  }
  for (const name of ['srvServiceName', 'srvMaxHosts'] as const) {
    if (values[name] !== undefined && srv === null)
      throw new ConfigurationError(`${name} is for mongodb+srv:// strings only`);
  }
  const isOld = policy.optionNames === 'PyMongo 2.7';
  const byItself = policy.singleHost === 'direct' && seeds.length === 1 && replicaSet === null;
  return Object.freeze({
    replicaSet,
    direct: values.directConnection ?? byItself,
    serverSelectionTimeout: values.serverSelectionTimeout ?? (isOld ? 5_000 : 30_000),
    heartbeatFrequency: values.heartbeatFrequency ?? (isOld ? 30_000 : 10_000),
    monitoringMode: values.monitoringMode ?? 'auto',
  });
}

function poolOf(values: Values, policy: Policy): PoolOptions {
  const { maxPoolSize = 100 } = values;
  const wanted = maxPoolSize || Number.POSITIVE_INFINITY;
  const maxSize = values.maxConcurrent ?? wanted;
  // Alone, max_concurrent is the cap and nothing else; beside it, max_pool_size is what Motor's first version meant.
  const maxIdle = values.maxPoolSize === undefined ? maxSize : Math.min(wanted, maxSize);
  const minSize = values.minPoolSize ?? 0;
  if (minSize > maxSize) {
    const message = `minPoolSize must not be above the cap of the pool, ${minSize} is above ${maxSize}`;
    throw policy.optionErrors === 'ConfigurationError' ? new ConfigurationError(message) : new ValueError(message);
  }

  const seconds = values.maxWaitTime;
  const waitTime = seconds === undefined || seconds === null ? seconds : seconds * 1000;
  const { waitQueueTimeout = waitTime, waitQueueMultiple = null } = values;
  if (waitTime !== undefined && waitTime !== waitQueueTimeout) {
    throw new ConfigurationError('max_wait_time (seconds) and waitQueueTimeoutMS are the same option, with two values');
  }
  return Object.freeze({
    maxSize,
    maxIdle,
    minSize,
    maxConnecting: values.maxConnecting ?? 2,
    maxIdleTime: values.maxIdleTime ?? null,
    waitQueueTimeout: waitQueueTimeout ?? null,
    maxWaiters: waitQueueMultiple === null || maxSize === Infinity ? Infinity : maxSize * waitQueueMultiple,
  });
}

function readPreferenceOf(values: Values): ReadPreference {
  const { tagSets = ANY_TAGS, maxStaleness = null, latencyWindow = DEFAULT_LATENCY_WINDOW } = values;
  const mode = values.readPreference ?? (values.slaveOk ? SECONDARY_PREFERRED : PRIMARY);
  if (mode === PRIMARY && !isAnyTags(tagSets)) {
    throw new ConfigurationError('tags choose among secondaries: they need another read preference than primary');
  }
  if (mode === PRIMARY && maxStaleness !== null) {
    throw new ConfigurationError('maxStalenessSeconds needs another read preference than primary');
  }
  return new ReadPreference(mode, tagSets, { maxStaleness, latencyWindow });
}

function writeConcernOf(values: Values, policy: Policy): WriteConcern {
  const { w = values.safe === false ? 0 : undefined, wtimeout, j, fsync } = values;
  const fields: WriteConcernFields = {};
  if (w !== undefined) fields.w = w;
  if (wtimeout !== undefined) fields.wtimeout = wtimeout;
  if (j !== undefined) fields.j = j;
  if (fsync !== undefined) fields.fsync = fsync;
  const others = Object.keys(fields).filter((key) => key !== 'w');
  if (policy.optionNames === 'PyMongo 2.7') {
    if (w === 0 && others.length > 0)
      process.emitWarning(`with w: 0 writes are not acknowledged: ${others} has no effect`);
  } else if (w === 0 && j) {
    throw new ConfigurationError('w: 0 cannot wait for the journal: leave out one of w and journal');
  } else if (j && fsync) {
    throw new ConfigurationError('journal and fsync exclude each other');
  }
  return new WriteConcern(fields);
}

function tlsOf(values: Values, policy: Policy): TlsOptions | null {
  const { tlsInsecure, tlsAllowInvalidCertificates, tlsAllowInvalidHostnames, tlsDisableOCSPEndpointCheck } = values;
  const excluding: [string, unknown, string, unknown][] = [
    ['tlsInsecure', tlsInsecure, 'tlsAllowInvalidCertificates', tlsAllowInvalidCertificates],
    ['tlsInsecure', tlsInsecure, 'tlsAllowInvalidHostnames', tlsAllowInvalidHostnames],
    ['tlsInsecure', tlsInsecure, 'tlsDisableOCSPEndpointCheck', tlsDisableOCSPEndpointCheck],
    [
      'tlsAllowInvalidCertificates',
      tlsAllowInvalidCertificates,
      'tlsDisableOCSPEndpointCheck',
      tlsDisableOCSPEndpointCheck,
    ],
  ];
  for (const [one, first, other, second] of excluding) {
    if (first !== undefined && second !== undefined)
      throw new ConfigurationError(`${one} and ${other} exclude each other`);
  }

  const { tls: wanted, ...others } = Object.fromEntries(
    Object.entries(values).filter(([key]) => key.startsWith('tls')),
  ) as Values;
  const isOn = wanted ?? Object.keys(others).length > 0;
  if (!isOn) {
    if (Object.keys(others).length > 0)
      throw new ConfigurationError('TLS is switched off, yet options of TLS are given');
    return null;
  }
  // What cannot be read fails here, with the file system's own error.
  const contents = (file: string | undefined) => (file === undefined ? null : readFileSync(file));
  const ca = contents(values.tlsCa);
  const cert = contents(values.tlsCert);
  const key = contents(values.tlsKey);
  const crl = contents(values.tlsCrl);
  if (key !== null && cert === null) {
    throw new ConfigurationError('ssl_keyfile needs ssl_certfile, the certificate that the key belongs to');
  }
  const { tlsPassphrase = null, tlsCertReqs = 0 } = values;
  if (tlsCertReqs > 0 && ca === null) {
    throw new ConfigurationError('ssl_cert_reqs other than CERT_NONE needs ssl_ca_certs');
  }
  // The first Motor verified nothing unless told to; its successor verifies unless told not to.
  const lenient = policy.optionNames === 'PyMongo 2.7';
  return hiding(['cert', 'key', 'passphrase'], {
    ca,
    cert,
    // It may stand in the same file.
    key: key ?? cert,
    passphrase: tlsPassphrase,
    crl,
    verify: lenient ? tlsCertReqs > 0 : !(tlsInsecure || tlsAllowInvalidCertificates),
    verifyHost: lenient ? tlsCertReqs > 1 : !(tlsInsecure || tlsAllowInvalidHostnames),
  });
}

/** Who must, may or must not have a password, and where the user is defined. */
const MECHANISM_RULES: Readonly<Record<Mechanism, MechanismRule>> = {
  'SCRAM-SHA-1': { user: true, password: true, source: 'database' },
  'SCRAM-SHA-256': { user: true, password: true, source: 'database' },
  PLAIN: { user: true, password: true, source: 'database, else external' },
  GSSAPI: { user: true, source: 'external' },
  'MONGODB-X509': { user: false, password: false, source: 'external' },
  // Recognized; using them is refused by whoever authenticates.
  'MONGODB-AWS': { user: false, source: 'external' },
  'MONGODB-OIDC': { user: false, password: false, source: 'external' },
};

interface MechanismRule {
  /** Whether a user must be named. */
  readonly user: boolean;
  /** Whether a password must be given (true) or must not (false). */
  readonly password?: boolean;
  readonly source: 'database' | 'database, else external' | 'external';
}

function credentialOf(
  values: Values,
  stringUser: string | null,
  stringPassword: string | null,
  database: string | null,
): Credential | null {
  const { username = stringUser, authSource } = values;
  const password = values.password ?? (values.username === undefined ? stringPassword : null);
  const named = values.authMechanism ?? 'DEFAULT';
  // Servers no longer have MONGODB-CR; whoever asks for it gets what replaced it.
  const mechanism = named === 'DEFAULT' || named === 'MONGODB-CR' ? null : named;
  if (username === null && mechanism === null) {
    if (password !== null) throw new ConfigurationError('a password is given, but no user');
    return null;
  }

  const rule: MechanismRule = MECHANISM_RULES[mechanism ?? 'SCRAM-SHA-256'];
  if (rule.user && !username) throw new ConfigurationError(`authMechanism ${named} needs a user`);
  if (rule.password && password === null) throw new ConfigurationError('a password is required beside the user');
  if (rule.password === false && password !== null)
    throw new ConfigurationError(`authMechanism ${named} takes no password`);
  if (rule.source === 'external' && authSource !== undefined && authSource !== '$external') {
    throw new ConfigurationError(`with authMechanism ${named} the authSource is $external, not '${authSource}'`);
  }
  const elsewhere = rule.source === 'database' ? 'admin' : '$external';
  const source = authSource ?? (rule.source === 'external' ? '$external' : (database ?? elsewhere));
  const properties = Object.freeze({ ...serviceName(values, mechanism), ...values.authMechanismProperties });
  const canonicalize = properties.CANONICALIZE_HOST_NAME;
  if (canonicalize !== undefined && !CANONICALIZE.includes(canonicalize)) {
    throw new ConfigurationError(`CANONICALIZE_HOST_NAME must be one of ${CANONICALIZE.join(', ')}`);
  }
  return newCredential({ username, password, source, mechanism, properties });
}

/** What must not be printed of it is not. */
export function newCredential(credential: Credential): Credential {
  return hiding(['password', 'properties'], { ...credential });
}

const CANONICALIZE = ['none', 'forward', 'forwardAndReverse', 'false', 'true'];

function serviceName({ gssapiServiceName = 'mongodb' }: Values, mechanism: Mechanism | null): Record<string, string> {
  return mechanism === 'GSSAPI' ? { SERVICE_NAME: gssapiServiceName } : {};
}

/** Freeze an object, some of whose fields are there to be read but never printed. */
function hiding<T extends object>(secrets: readonly (keyof T)[], object: T): T {
  for (const field of secrets) Object.defineProperty(object, field, { enumerable: false });
  return Object.freeze(object);
}

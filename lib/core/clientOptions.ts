import type { Address } from './address';
import type { ReadPreference } from './readPreference';
import type { UuidReading } from './uuids';
import type { WriteConcern } from './writeConcern';

/** Everything a client was told, checked and complete. Durations are milliseconds. */
export interface ClientOptions {
  /** At least one, each once, in the order given; none as long as the DNS has not been asked for them. */
  readonly seeds: readonly Address[];
  /** `null`: no `mongodb+srv://` string was given. */
  readonly srv: SrvOptions | null;
  /** The database that the connection string names. */
  readonly database: string | null;
  readonly credential: Credential | null;
  readonly topology: TopologyOptions;
  readonly pool: PoolOptions;
  readonly connection: ConnectionOptions;
  readonly readPreference: ReadPreference;
  readonly writeConcern: WriteConcern;
  readonly readConcern: ReadConcern | null;
  readonly retryReads: boolean;
  readonly retryWrites: boolean;
  readonly uuidRepresentation: UuidRepresentation;
  /** Class of returned documents. */
  readonly documentClass: DocumentClass;
  readonly tzAware: boolean;
  /** As given, without effect: a `Date` is an instant. */
  readonly tzInfo: unknown;
  /** What becomes of strings that are no UTF-8. */
  readonly unicodeDecodeErrorHandler: UnicodeHandler;
  /** What becomes of dates, those beyond the range of `Date` above all. */
  readonly datetimeConversion: DatetimeConversion;
  /** `null`: the current one. */
  readonly ioLoop: IoLoop | null;
  /** Connect at once, in the background. */
  readonly connectAtOnce: boolean;
}

/** How to find the servers of a `mongodb+srv://` string. */
export interface SrvOptions {
  /** In lower case. */
  readonly host: string;
  readonly serviceName: string;
  /** Most servers to use of those that the DNS names; 0: all. */
  readonly maxHosts: number;
  /**
   * The client's options, completed by what the DNS says. Not shown when the options are printed.
   * @param txt the TXT record, `null` where there is none
   * @throws ConfigurationError, InvalidURI: it does not fit, or has other options than it may have
   */
  readonly complete: (seeds: readonly Address[], txt: string | null) => ClientOptions;
}

export interface TopologyOptions {
  readonly replicaSet: string | null;
  /** Talk to the one seed, whatever it is. */
  readonly direct: boolean;
  /** How long a server is waited for, at most; where only one round is made, how long that may take. */
  readonly serverSelectionTimeout: number;
  /** From one look at a server to the next. */
  readonly heartbeatFrequency: number;
  readonly monitoringMode: 'auto' | 'stream' | 'poll';
}

/** Of the pool of one server. */
export interface PoolOptions {
  /** Most connections; `Infinity`: no cap. */
  readonly maxSize: number;
  /** Most connections that are kept while nobody uses them; `Infinity` or `maxSize`: all. */
  readonly maxIdle: number;
  readonly minSize: number;
  /** Most connections that are being opened at the same time. */
  readonly maxConnecting: number;
  /** How long a connection may stay idle; `null`: for ever. */
  readonly maxIdleTime: number | null;
  /** How long an operation waits for a connection; `null`: for ever. */
  readonly waitQueueTimeout: number | null;
  /** Most operations that wait; `Infinity`: no limit. */
  readonly maxWaiters: number;
}

/** Of each connection. */
export interface ConnectionOptions {
  /** For each address tried; `null`: no limit. */
  readonly connectTimeout: number | null;
  /** For each reply; `null`: no limit. */
  readonly socketTimeout: number | null;
  /** `null`: no TLS. */
  readonly tls: TlsOptions | null;
  /** Sent as `client.application.name`. */
  readonly appName: string | null;
  /** What stands on top of this driver and wants to be named in the handshake. */
  readonly driver: DriverInfo | null;
  /** In order of preference. */
  readonly compressors: readonly Compressor[];
  /** -1: the default of zlib. */
  readonly zlibCompressionLevel: number;
  /** Addresses to try for `localhost`: IPv4 only, or (0) all in resolver order. */
  readonly localhostFamily: 0 | 4;
  /** What is read as UUID; `null`: what bson reads so. */
  readonly uuids: UuidReading | null;
}

/** Contents of the files. What may hold the key, or opens it, is not shown when the options are printed. */
export interface TlsOptions {
  readonly ca: Buffer | null;
  readonly cert: Buffer | null;
  readonly key: Buffer | null;
  readonly passphrase: string | null;
  readonly crl: Buffer | null;
  /** Refuse a certificate that does not stand the test. */
  readonly verify: boolean;
  /** Refuse a certificate for another host. Holds only where `verify` does. */
  readonly verifyHost: boolean;
}

export interface Credential {
  /** `null` where the mechanism finds it elsewhere (in a certificate). */
  readonly username: string | null;
  /** Not shown when the options are printed. */
  readonly password: string | null;
  /** The database where the user is defined. */
  readonly source: string;
  /** `null`: the best that the server has for this user. */
  readonly mechanism: Mechanism | null;
  /** Not shown when the options are printed: there may be a token among them. */
  readonly properties: Readonly<Record<string, string>>;
}

export type Mechanism =
  | 'SCRAM-SHA-1'
  | 'SCRAM-SHA-256'
  | 'MONGODB-X509'
  | 'PLAIN'
  | 'GSSAPI'
  | 'MONGODB-AWS'
  | 'MONGODB-OIDC';

export type Compressor = 'zlib' | 'zstd';

export type UuidRepresentation = 'unspecified' | 'standard' | 'pythonLegacy' | 'javaLegacy' | 'csharpLegacy';

/** By the names that Python has for them. */
export const UNICODE_HANDLERS = ['strict', 'replace', 'ignore', 'backslashreplace', 'surrogateescape'] as const;
export type UnicodeHandler = (typeof UNICODE_HANDLERS)[number];

export const DATETIME_CONVERSIONS = ['DATETIME', 'DATETIME_CLAMP', 'DATETIME_MS', 'DATETIME_AUTO'] as const;
export type DatetimeConversion = (typeof DATETIME_CONVERSIONS)[number];

export interface ReadConcern {
  readonly level: string;
}

export interface DriverInfo {
  readonly name: string;
  readonly version?: string | null;
  readonly platform?: string | null;
}

/** `Object`, `Map`, a kind of these, or a class made without arguments whose fields are then assigned. */
export type DocumentClass = new () => object;

/** A loop object, told by these two methods. */
export interface IoLoop {
  add_callback(callback: (...args: never[]) => unknown, ...args: never[]): unknown;
  time(): number;
}

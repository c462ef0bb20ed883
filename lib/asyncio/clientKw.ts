import type { Doc, Mode } from '../../typings/documents';
import type { Compressor, DocumentClass, DriverInfo, UnicodeHandler, UuidRepresentation } from '../core/clientOptions';
import type { Loop } from '../motor/ioLoop';
import type { DatetimeConversion } from './constants';

/**
 * The options of an `AsyncIOMotorClient`. All but `host`, `port`, `username`, `password`, `document_class`, `tzinfo`,
 * `io_loop` and `driver` may stand in the connection string as well, but what is given here wins. Names may be written in
 * any case, so that the compiler takes every name; one that there is not is a TypeError of the constructor.
 * @see Motor 3.8, AsyncIOMotorClient
 */
export interface ClientKw {
  /** A name, `name:port`, the path of a Unix socket, a `mongodb://` or `mongodb+srv://` string, or a list of these. Default `localhost`. */
  readonly host?: string | readonly string[] | null;
  /** Where the address names none. Default 27017. */
  readonly port?: number | null;

  /** Most connections to one server; 0 or null: any number. Default 100. */
  readonly maxPoolSize?: number | null;
  /** Connections to each server that are kept open, used or not. Default 0. */
  readonly minPoolSize?: number;
  /** Most connections to one server that are being opened at the same time. Default 2. */
  readonly maxConnecting?: number;
  /** How long a connection may stay idle before it is closed, in milliseconds; null: for ever. Default null. */
  readonly maxIdleTimeMS?: number | null;
  /** How long an operation waits for a connection, in milliseconds; null: for ever. Default null. */
  readonly waitQueueTimeoutMS?: number | null;
  /** How long connecting to one address may take, in milliseconds; 0 or null: for ever. Default 20000. */
  readonly connectTimeoutMS?: number | null;
  /** How long a reply may take, in milliseconds; 0 or null: for ever. Default null. */
  readonly socketTimeoutMS?: number | null;
  /** Begin to connect at once, in the background. Default false: with the first operation. */
  readonly connect?: boolean;

  /** Name of the replica set; members of others are left out. Default none. */
  readonly replicaSet?: string | null;
  /** Talk to the one host that is named, whatever it is. Default false: to all servers of its set or cluster. */
  readonly directConnection?: boolean | null;
  /** How long an operation waits for a suitable server, in milliseconds. Default 30000. */
  readonly serverSelectionTimeoutMS?: number;
  /** Time from one look at a server to the next, in milliseconds, at least 500. Default 10000. */
  readonly heartbeatFrequencyMS?: number;
  /** Whether servers tell of a change at once (`stream`), or are asked (`poll`). Default `auto`: as the surroundings suggest. */
  readonly serverMonitoringMode?: 'auto' | 'stream' | 'poll';
  /** Load balancers, which the driver does not know: only false is taken. */
  readonly loadBalanced?: boolean;
  /** The service whose servers the DNS is asked for, with `mongodb+srv://` only. Default `mongodb`. */
  readonly srvServiceName?: string | null;
  /** Most servers to use of those that the DNS names, with `mongodb+srv://` only; 0: all. Default 0. */
  readonly srvMaxHosts?: number | null;

  /** Send a read that failed on the way once more. Default true. */
  readonly retryReads?: boolean;
  /** Send a write of single documents that failed on the way once more, on replica sets and sharded clusters. Default true. */
  readonly retryWrites?: boolean;
  /** Which members may answer reads. Default `primary`. */
  readonly readPreference?: Mode;
  /** The same as `readPreference`. */
  readonly read_preference?: Mode;
  /** Tags of the members that may, `{ dc: 'ny' }` or `dc:ny`, tried in order; null: any member. Default null. */
  readonly readPreferenceTags?: string | readonly (Doc | string)[] | null;
  /** How far a secondary that answers may lag behind, in seconds, at least 90; -1: any. Default -1. */
  readonly maxStalenessSeconds?: number;
  /** Width of the latency window around the nearest member, in milliseconds. Default 15. */
  readonly localThresholdMS?: number;
  /** `local`, `majority`, ... Default: what the server has. */
  readonly readConcernLevel?: string | null;
  /** How many members, or which (`majority`, a tag), must have done a write. 0: nobody is asked. Default: what the server has. */
  readonly w?: number | string | null;
  /** How long a write waits for `w`, in milliseconds. Default: for ever. */
  readonly wTimeoutMS?: number | null;
  /** The same as `wTimeoutMS`. */
  readonly wtimeout?: number | null;
  /** Whether a write waits for the journal. Default: what the server has. */
  readonly journal?: boolean | null;
  /** The same as `journal`. */
  readonly j?: boolean | null;
  /** Whether a write waits for the data files. Default false. */
  readonly fsync?: boolean | null;

  /** The class of returned documents, also of embedded ones: `Object`, `SON`, `Map`, or one of yours. Default `Object`. */
  readonly document_class?: DocumentClass;
  /** How UUIDs are written, and which are read. Default `unspecified`: a UUID is refused, and read as `Binary`. */
  readonly uuidRepresentation?: UuidRepresentation;
  /** What becomes of dates beyond the range of `Date`, by name or constant. Default `DATETIME`: InvalidBSON. */
  readonly datetime_conversion?: DatetimeConversion | keyof typeof DatetimeConversion | null;
  /** What becomes of strings that are no UTF-8. Default `strict`: InvalidBSON. */
  readonly unicode_decode_error_handler?: UnicodeHandler | null;
  /** Without effect, for a `Date` is an instant. Default false. */
  readonly tz_aware?: boolean;
  /** Without effect, for a `Date` is an instant. */
  readonly tzinfo?: unknown;
  /** There is no type registry: only null is taken. */
  readonly type_registry?: null;
  /** What `get_io_loop()` returns. Default: the current loop of `motor-mongo/compat/tornado`. */
  readonly io_loop?: Loop | null;
  /** What the client is called in the logs of the server; at most 128 bytes. Default none. */
  readonly appname?: string | null;
  /** What stands on top of this driver, for the logs of the server, too. Default none. */
  readonly driver?: DriverInfo | null;
  /** How messages may be compressed, in order of preference; `zstd` needs Node 22.15 or newer. Default: not at all. */
  readonly compressors?: readonly Compressor[] | string | null;
  /** From 0 (none) to 9 (best); -1: the default of zlib. Default -1. */
  readonly zlibCompressionLevel?: number;

  /** Whether to use TLS. Default: with `mongodb+srv://`, and where another `tls` option is given. */
  readonly tls?: boolean;
  /** The same as `tls`. */
  readonly ssl?: boolean;
  /** Name of a PEM file with the authorities to trust. Default: those that Node knows. */
  readonly tlsCAFile?: string | null;
  /** Name of a PEM file with the client's own certificate and its key. */
  readonly tlsCertificateKeyFile?: string | null;
  /** The password of that key. */
  readonly tlsCertificateKeyFilePassword?: string | null;
  /** Name of a PEM file with certificates that are revoked. */
  readonly tlsCRLFile?: string | null;
  /** Do not verify the server's certificate. Default false. */
  readonly tlsAllowInvalidCertificates?: boolean;
  /** Take a certificate for another host. Default false. */
  readonly tlsAllowInvalidHostnames?: boolean;
  /** Both of these. Default false. */
  readonly tlsInsecure?: boolean;
  /** Without effect: nobody is asked by OCSP. */
  readonly tlsDisableOCSPEndpointCheck?: boolean;

  /** Whom to log in; it goes before the user of the connection string. */
  readonly username?: string | null;
  /** The password of `username`. */
  readonly password?: string | null;
  /** The database where the user is defined. Default: the one that the connection string names, else `admin`. */
  readonly authSource?: string | null;
  /** How to log in. Default: SCRAM-SHA-256 where the user has it, else SCRAM-SHA-1. */
  readonly authMechanism?:
    | 'DEFAULT'
    | 'SCRAM-SHA-256'
    | 'SCRAM-SHA-1'
    | 'MONGODB-X509'
    | 'PLAIN'
    | 'GSSAPI'
    | 'MONGODB-AWS'
    | 'MONGODB-OIDC'
    | null;
  /** What the mechanism wants to know besides. Those that the driver has want nothing. */
  readonly authMechanismProperties?: Readonly<Record<string, string>> | string | null;
  /** There is no client-side encryption: only null is taken. */
  readonly auto_encryption_opts?: null;

  /** Any of these in another case. */
  readonly [option: string]: unknown;
}

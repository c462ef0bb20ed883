import type { Doc, Mode, Write } from '../../typings/documents';
import type { DocumentClass } from '../core/clientOptions';
import type { Loop } from './ioLoop';

/**
 * The options of a `MotorClient`. All but `host`, `port`, `document_class`, `tz_aware`, `io_loop`, `max_pool_size`,
 * `max_concurrent` and `max_wait_time` may stand in the connection string as well, which wins. Names may be written in any
 * case, so that the compiler takes every name; one that there is not is a TypeError of the constructor.
 * @see Motor 0.2, MotorClient
 */
export interface ClientKw extends Readonly<Write> {
  /** A name, `name:port`, the path of a Unix socket, a `mongodb://` string, or a list of these. Default `localhost`. */
  readonly host?: string | readonly string[] | null;
  /** Where the address names none. Default 27017. */
  readonly port?: number | null;

  /** Most connections to one server; 0 or null: any number. Default 100. */
  readonly max_pool_size?: number | null;
  /**
   * The same as `max_pool_size`, as Motor's first versions called it. Beside `max_pool_size` it is the most connections,
   * and `max_pool_size` how many of them are kept while nobody uses them.
   */
  readonly max_concurrent?: number;
  /** Connections that are kept open, used or not. Default 0. */
  readonly minPoolSize?: number;
  /** How long a connection may stay idle before it is closed, in milliseconds; null: for ever. Default null. */
  readonly maxIdleTimeMS?: number | null;
  /** How long an operation waits for a connection, in milliseconds; null: for ever. Default null. */
  readonly waitQueueTimeoutMS?: number | null;
  /** The same in seconds, as Motor's first versions called it. */
  readonly max_wait_time?: number | null;
  /** Most operations that wait for a connection, as a multiple of `max_pool_size`; null: any number. Default null. */
  readonly waitQueueMultiple?: number | null;
  /** How long connecting to one address may take, in milliseconds; null: for ever. Default 20000. */
  readonly connectTimeoutMS?: number | null;
  /** How long a reply may take, in milliseconds; null: for ever. Default null. */
  readonly socketTimeoutMS?: number | null;

  /** Name of the replica set whose primary is looked for; a member of another set is refused. Default none. */
  readonly replicaSet?: string;
  /** Which members may answer reads. Default `primary`. */
  readonly read_preference?: Mode;
  /** Tags of the members that may, `{ dc: 'ny' }` or `dc:ny`, tried in order; null: any member. Default null. */
  readonly tag_sets?: string | readonly (Doc | string)[] | null;
  /** Width of the latency window around the nearest member, in milliseconds. Default 15. */
  readonly secondary_acceptable_latency_ms?: number;
  /** The same as `read_preference`. */
  readonly readPreference?: Mode;
  /** The same as `tag_sets`. */
  readonly readPreferenceTags?: string | readonly (Doc | string)[] | null;
  /** The same as `secondary_acceptable_latency_ms`. */
  readonly secondaryAcceptableLatencyMS?: number;
  /** The same as `wtimeout`. */
  readonly wtimeoutMS?: number;
  /** The same as `j`. */
  readonly journal?: boolean;

  /** The class of returned documents, also of embedded ones: `Object`, `SON`, `Map`, or one of yours. Default `Object`. */
  readonly document_class?: DocumentClass;
  /** How UUIDs are written. Default `pythonLegacy`. */
  readonly uuidRepresentation?: 'standard' | 'pythonLegacy' | 'javaLegacy' | 'csharpLegacy';
  /** Without effect, for a `Date` is an instant. Default false. */
  readonly tz_aware?: boolean;
  /** What `get_io_loop()` returns. Default: the current loop of `motor-mongo/compat/tornado`. */
  readonly io_loop?: Loop;
  /** What the client is called in the logs of the server; at most 128 bytes. Default none. */
  readonly appname?: string;

  /** Whether to use TLS. Default: where another `ssl` option is given. */
  readonly ssl?: boolean;
  /** Name of a PEM file with the authorities to trust. */
  readonly ssl_ca_certs?: string;
  /**
   * `CERT_NONE`: do not verify the server's certificate; `CERT_REQUIRED`: verify it, and the host's name; `CERT_OPTIONAL`:
   * verify it alone. Default `CERT_NONE`; the others need `ssl_ca_certs`.
   */
  readonly ssl_cert_reqs?: 0 | 1 | 2 | 'CERT_NONE' | 'CERT_OPTIONAL' | 'CERT_REQUIRED';
  /** Name of a PEM file with the client's own certificate. */
  readonly ssl_certfile?: string;
  /** Name of the PEM file with its key. Default: `ssl_certfile` has it. */
  readonly ssl_keyfile?: string;

  /** The database where the user is defined. Default: the one that the connection string names, else `admin`. */
  readonly authSource?: string;
  /** How to log in. Default: SCRAM-SHA-256 where the user has it, else SCRAM-SHA-1. */
  readonly authMechanism?:
    | 'DEFAULT'
    | 'SCRAM-SHA-256'
    | 'SCRAM-SHA-1'
    | 'MONGODB-X509'
    | 'PLAIN'
    | 'GSSAPI'
    | 'MONGODB-CR';
  /** Of GSSAPI, which the driver does not have. */
  readonly gssapiServiceName?: string;

  /** Any of these in another case. */
  readonly [option: string]: unknown;
}

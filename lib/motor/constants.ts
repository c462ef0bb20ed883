/** The constants of `pymongo`, `bson`, `gridfs` and `ssl`, by their names there. */

// Directions and kinds of the keys of sorts and indexes.
/** A sort's or an index's key: from the smallest value to the largest. */
export const ASCENDING = 1;
/** A sort's or an index's key: from the largest value to the smallest. */
export const DESCENDING = -1;
/** An index's key: points in a plane. */
export const GEO2D = '2d';
/** An index's key: points in buckets. Gone from servers since 5.0. */
export const GEOHAYSTACK = 'geoHaystack';
/** An index's key: shapes on a sphere. */
export const GEOSPHERE = '2dsphere';
/** An index's key: hashes of its values. */
export const HASHED = 'hashed';
/** An index's key: the words in it. */
export const TEXT = 'text';

/** Profiling level: nothing. */
export const OFF = 0;
/** Profiling level: slow operations. */
export const SLOW_ONLY = 1;
/** Profiling level: everything. */
export const ALL = 2;

/** Which members of a replica set may answer reads. */
export const ReadPreference = Object.freeze({
  /** The primary alone. */
  PRIMARY: 0,
  /** The primary; without one, a secondary. */
  PRIMARY_PREFERRED: 1,
  /** A secondary alone. */
  SECONDARY: 2,
  /** The older name of `SECONDARY`. */
  SECONDARY_ONLY: 2,
  /** A secondary; without one, the primary. */
  SECONDARY_PREFERRED: 3,
  /** Any member within the latency window. */
  NEAREST: 4,
} as const);

// Subtypes of `Binary`, and what `uuid_subtype` knows besides.
/** UUIDs as older drivers wrote them. */
export const OLD_UUID_SUBTYPE = 3;
/** UUIDs as the standard says. */
export const UUID_SUBTYPE = 4;
/** UUIDs in the byte order of Java's old driver. For `uuid_subtype`; stored as subtype 3. */
export const JAVA_LEGACY = 5;
/** UUIDs in the byte order of C#'s old driver. For `uuid_subtype`; stored as subtype 3. */
export const CSHARP_LEGACY = 6;
/** Bytes as very old drivers wrote them. */
export const OLD_BINARY_SUBTYPE = 2;
/** Bytes, whatever they mean. */
export const BINARY_SUBTYPE = 0;
/** A function. */
export const FUNCTION_SUBTYPE = 1;
/** An MD5 hash. */
export const MD5_SUBTYPE = 5;
/** From here on subtypes are the application's. */
export const USER_DEFINED_SUBTYPE = 128;

/** For `ssl_cert_reqs`: the server's certificate is not asked for. */
export const CERT_NONE = 0;
/** For `ssl_cert_reqs`: the server's certificate is verified if presented. */
export const CERT_OPTIONAL = 1;
/** For `ssl_cert_reqs`: the server must present a certificate, which is verified. */
export const CERT_REQUIRED = 2;

/** For `seek`: from the beginning. */
export const SEEK_SET = 0;
/** For `seek`: from here. */
export const SEEK_CUR = 1;
/** For `seek`: from the end. */
export const SEEK_END = 2;

/** Bytes of a chunk of a GridFS file: 255 KiB. */
export const DEFAULT_CHUNK_SIZE = 255 * 1024;

/** Ways to authenticate. */
export const MECHANISMS = Object.freeze([
  'GSSAPI',
  'MONGODB-CR',
  'MONGODB-X509',
  'PLAIN',
  'SCRAM-SHA-1',
  'SCRAM-SHA-256',
  'DEFAULT',
] as const);

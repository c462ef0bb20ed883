/** The constants of `pymongo`, `bson`, `gridfs` and `ssl`, by their names there. */

/** Directions and kinds of the keys of sorts and indexes. */
export const ASCENDING = 1;
export const DESCENDING = -1;
export const GEO2D = '2d';
export const GEOHAYSTACK = 'geoHaystack';
export const GEOSPHERE = '2dsphere';
export const HASHED = 'hashed';
export const TEXT = 'text';

/** Profiling levels: nothing, slow operations, everything. */
export const OFF = 0;
export const SLOW_ONLY = 1;
export const ALL = 2;

/** Which members of a replica set may answer reads. */
export const ReadPreference = Object.freeze({
  PRIMARY: 0,
  PRIMARY_PREFERRED: 1,
  SECONDARY: 2,
  /** The older name of `SECONDARY`. */
  SECONDARY_ONLY: 2,
  SECONDARY_PREFERRED: 3,
  NEAREST: 4,
} as const);

/** Subtypes of `Binary`. UUIDs: as older drivers wrote them, as the standard says, and as Java and C# drivers did. */
export const OLD_UUID_SUBTYPE = 3;
export const UUID_SUBTYPE = 4;
export const JAVA_LEGACY = 5;
export const CSHARP_LEGACY = 6;
export const OLD_BINARY_SUBTYPE = 2;
export const BINARY_SUBTYPE = 0;
export const FUNCTION_SUBTYPE = 1;
export const MD5_SUBTYPE = 5;
export const USER_DEFINED_SUBTYPE = 128;

/** For `ssl_cert_reqs`: certificates of servers are not asked for, verified if presented, required. */
export const CERT_NONE = 0;
export const CERT_OPTIONAL = 1;
export const CERT_REQUIRED = 2;

/** For `seek`: from the beginning, from here, from the end. */
export const SEEK_SET = 0;
export const SEEK_CUR = 1;
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

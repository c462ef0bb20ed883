/** The module `pymongo` of PyMongo 2.7: its constants, and `pymongo.errors`. @module */

export {
  ALL,
  ASCENDING,
  DESCENDING,
  GEO2D,
  GEOHAYSTACK,
  GEOSPHERE,
  HASHED,
  MECHANISMS,
  OFF,
  ReadPreference,
  SLOW_ONLY,
  TEXT,
} from '../constants';
/** `pymongo.errors.AutoReconnect`, ... as in Python. */
export * as errors from './errors';

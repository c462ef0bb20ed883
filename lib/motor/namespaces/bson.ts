/** The modules `bson.*` of PyMongo 2.7, in one. @module */

export { Binary, BSONRegExp as Regex, Code, DBRef, MaxKey, MinKey, Timestamp, UUID } from 'bson';
export { BSONError, InvalidBSON, InvalidDocument, InvalidId, InvalidStringData } from '../../core/errors';
export { SON } from '../../core/son';
export {
  BINARY_SUBTYPE,
  CSHARP_LEGACY,
  FUNCTION_SUBTYPE,
  JAVA_LEGACY,
  MD5_SUBTYPE,
  OLD_BINARY_SUBTYPE,
  OLD_UUID_SUBTYPE,
  USER_DEFINED_SUBTYPE,
  UUID_SUBTYPE,
} from '../constants';
export { ObjectId } from '../objectId';

/** What the module `pymongo` of PyMongo 4.9 adds to that of 2.7. */

export { CodecOptions } from './codecOptions';
export {
  Collation,
  CollationAlternate,
  CollationCaseFirst,
  CollationMaxVariable,
  CollationStrength,
} from './collation';
export { CursorType, DatetimeConversion, ReturnDocument, UuidRepresentation } from './constants';
export { DatetimeMS } from './datetimeMs';
export { DriverInfo } from './driverInfo';
export {
  DeleteMany,
  DeleteOne,
  IndexModel,
  InsertOne,
  ReplaceOne,
  SearchIndexModel,
  UpdateMany,
  UpdateOne,
} from './operations';
export { ReadConcern } from './readConcern';
export { Nearest, Primary, PrimaryPreferred, Secondary, SecondaryPreferred } from './readPreferences';
export {
  BulkWriteResult,
  ClientBulkWriteResult,
  DeleteResult,
  InsertManyResult,
  InsertOneResult,
  UpdateResult,
} from './results';
export { WriteConcern } from './writeConcern';

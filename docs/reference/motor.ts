/**
 * The surface of Motor 0.2.
 * @module motor-mongo
 */
export * from '../../lib/index';
// The classes as they are written, without what `dual()` adds to each method.
export {
  BulkOperationBuilder as MotorBulkOperationBuilder,
  UpsertOperation as BulkUpsertOperation,
  WriteOperation as BulkWriteOperation,
} from '../../lib/motor/bulk';
export { Client as MotorClient } from '../../lib/motor/client';
export { Collection as MotorCollection } from '../../lib/motor/collection';
export { CommandCursor as MotorCommandCursor } from '../../lib/motor/commandCursor';
export { Cursor as MotorCursor } from '../../lib/motor/cursor';
export { Database as MotorDatabase } from '../../lib/motor/database';

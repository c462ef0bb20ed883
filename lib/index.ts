/// <reference types="node" preserve="true" />
/** The surface of Motor 0.2: what `motor-mongo` exports. */

export { Binary, BSONRegExp as Regex, Code, DBRef, MaxKey, MinKey, Timestamp, UUID } from 'bson';
export type {
  Addr,
  CursorId,
  Dir,
  Doc,
  Fields,
  Js,
  KeyOrList,
  Mode,
  Pairs,
  Read,
  Write,
} from '../typings/documents';
export type { Callback, Children, Named } from '../typings/dual';
export * from './core/errors';
export type { ClientEvents, Events } from './core/events';
export { SON } from './core/son';
export { version } from './core/version';
/** The types of what `MotorClient.sync_client` gives. */
export type * as blocking from './motor/blocking/types';
export {
  BulkUpsertOperation,
  BulkWriteOperation,
  type BulkWriteResult,
  MotorBulkOperationBuilder,
} from './motor/bulk';
export { MotorClient } from './motor/client';
export type { ClientKw } from './motor/clientKw';
export { MotorCollection } from './motor/collection';
export { MotorCommandCursor } from './motor/commandCursor';
export * from './motor/constants';
export { MotorCursor } from './motor/cursor';
export { MotorDatabase } from './motor/database';
export {
  AutoReference,
  NamespaceInjector,
  ObjectIdInjector,
  ObjectIdShuffler,
  SONManipulator,
} from './motor/manipulators';
export { bson, gridfs, pymongo } from './motor/namespaces';
export { ObjectId } from './motor/objectId';
export { Op } from './motor/op';
export { get_version_string, version_tuple } from './motor/version';
/** What the original takes from `tornado.web`. */
export * as web from './motor/web';

/** The surface of asyncio Motor: what `motor-mongo/asyncio` exports. */

export { Binary, BSONRegExp as Regex, Code, DBRef, MaxKey, MinKey, Timestamp, UUID } from 'bson';
export type { Filter, IdOf, Insertable, Projected, Projection, Update, WithId } from '../../typings/asyncio';
export type { Addr, CursorId, Dir, Doc, Pairs } from '../../typings/documents';
export type { Callback, Children, Named } from '../../typings/dual';
export * from '../core/errors';
export { SON } from '../core/son';
export { version } from '../core/version';
export * from '../motor/constants';
export { bson } from '../motor/namespaces';
export { ObjectId } from '../motor/objectId';
export * from './classes';
export * as motor_asyncio from './classes';
export * as pymongo from './pymongo';
export { use } from './use';
export * from './values';

/// <reference types="node" preserve="true" />
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
/** What the module `motor.motor_asyncio` of the original holds. */
export * as motor_asyncio from './classes';
export type { ClientKw } from './clientKw';
/** The namespace `pymongo`: names of 2.7 and of 4.9 side by side. */
export * as pymongo from './pymongo';
export type { ServerDescription, TopologyDescription } from './topologyDescription';
export { use } from './use';
export * from './values';

/**
 * The surface of Motor for asyncio.
 * @module motor-mongo/asyncio
 */

// The classes as they are written, without what `dual()` adds to each method.
export { Client as AsyncIOMotorClient } from '../../lib/asyncio/client';
export { Collection as AsyncIOMotorCollection } from '../../lib/asyncio/collection';
export {
  CommandCursor as AsyncIOMotorCommandCursor,
  LatentCommandCursor as AsyncIOMotorLatentCommandCursor,
} from '../../lib/asyncio/commandCursor';
export { Cursor as AsyncIOMotorCursor } from '../../lib/asyncio/cursor';
export { Database as AsyncIOMotorDatabase } from '../../lib/asyncio/database';
export * from '../../lib/asyncio/index';

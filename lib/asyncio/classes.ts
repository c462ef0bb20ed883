/** What the module `motor.motor_asyncio` of the original holds. */

export { AsyncIOMotorClient } from './client';
export { AsyncIOMotorClientEncryption } from './clientEncryption';
export { AsyncIOMotorCollection } from './collection';
export { AsyncIOMotorCommandCursor, AsyncIOMotorLatentCommandCursor } from './commandCursor';
export { AsyncIOMotorCursor } from './cursor';
export { AsyncIOMotorDatabase } from './database';

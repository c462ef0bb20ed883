/** The types of blocking objects. */

import type { Document } from 'bson';
import type { Blocking } from '../../../typings/blocking';
import type { Children } from '../../../typings/dual';
import type {
  BulkOperationBuilder as AsyncBulkOperationBuilder,
  BulkUpsertOperation as AsyncBulkUpsertOperation,
  BulkWriteOperation as AsyncBulkWriteOperation,
  MotorBulkOperationBuilder,
} from '../bulk';
import type { Client, MotorClient } from '../client';
import type { Collection, MotorCollection } from '../collection';
import type { CommandCursor as AsyncCommandCursor, MotorCommandCursor } from '../commandCursor';
import type { Cursor as AsyncCursor, MotorCursor } from '../cursor';
import type { Database as AsyncDatabase, MotorDatabase } from '../database';

/** Which blocking type stands for which asynchronous one. */
type Pairs =
  | [MotorClient, MongoClient]
  | [Client, MongoClient]
  | [MotorDatabase, Database]
  | [MotorCollection, BlockingCollection]
  | [MotorCursor, Cursor]
  | [AsyncCursor, Cursor]
  | [MotorCommandCursor, CommandCursor]
  | [AsyncCommandCursor, CommandCursor]
  | [MotorBulkOperationBuilder, BulkOperationBuilder]
  | [AsyncBulkWriteOperation, BulkWriteOperation]
  | [AsyncBulkUpsertOperation, BulkUpsertOperation];

interface Iteration extends Iterable<Document> {
  /**
   * The next document.
   * @throws InvalidOperation: there is none
   */
  next(): Document;
}

/** What `MotorClient.sync_client()` gives. */
export type MongoClient = Blocking<Client, Pairs> & Children<Database>;
/** The blocking form of a `MotorDatabase`. */
export type Database = Blocking<AsyncDatabase, Pairs> & Children<BlockingCollection>;
/** The blocking form of a `MotorCollection`. */
export type BlockingCollection = Blocking<Collection, Pairs> & Children<BlockingCollection>;
/** The blocking form of a `MotorCursor`; a synchronous iterable besides. */
export type Cursor = Blocking<AsyncCursor, Pairs> & Iteration & { readonly [index: number]: Cursor };
/** The blocking form of a `MotorCommandCursor`; a synchronous iterable besides. */
export type CommandCursor = Blocking<AsyncCommandCursor, Pairs> & Iteration;
/** The blocking form of a `MotorBulkOperationBuilder`. */
export type BulkOperationBuilder = Blocking<AsyncBulkOperationBuilder, Pairs>;
/** The blocking form of a `BulkWriteOperation`. */
export type BulkWriteOperation = Blocking<AsyncBulkWriteOperation, Pairs>;
/** The blocking form of a `BulkUpsertOperation`. */
export type BulkUpsertOperation = Blocking<AsyncBulkUpsertOperation, Pairs>;

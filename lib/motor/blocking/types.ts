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
export type Database = Blocking<AsyncDatabase, Pairs> & Children<BlockingCollection>;
export type BlockingCollection = Blocking<Collection, Pairs> & Children<BlockingCollection>;
export type Cursor = Blocking<AsyncCursor, Pairs> & Iteration & { readonly [index: number]: Cursor };
export type CommandCursor = Blocking<AsyncCommandCursor, Pairs> & Iteration;
export type BulkOperationBuilder = Blocking<AsyncBulkOperationBuilder, Pairs>;
export type BulkWriteOperation = Blocking<AsyncBulkWriteOperation, Pairs>;
export type BulkUpsertOperation = Blocking<AsyncBulkUpsertOperation, Pairs>;

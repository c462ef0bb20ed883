import type { Dual } from '../../typings/dual';
import type { Cursor as CoreCursor } from '../core/cursor';
import { BatchCursor, CORE, OPEN } from './batchCursor';
import type { MotorCollection } from './collection';
import { dual, only } from './dual';
import { expect, whole } from './keywords';

/**
 * The documents that a command gives; the first batch of them is there already.
 * @see Motor 0.2, MotorCommandCursor
 */
export class CommandCursor extends BatchCursor<MotorCollection> {
  /** Made by `MotorCollection.aggregate` and `parallel_scan`. */
  constructor(collection: MotorCollection, core: CoreCursor) {
    super(collection, core);
  }

  [OPEN](): CoreCursor {
    return this[CORE] as CoreCursor;
  }

  /**
   * Documents in each of the following batches. 0: the server's choice; 1 is sent as 2. Allowed at any time.
   * @throws TypeError: no integer; ValueError: negative
   * @see Motor 0.2, MotorCommandCursor.batch_size
   */
  batch_size(n: number): this {
    expect('batch_size', 'n', whole, n);
    this[OPEN]().batchSize = n === 1 ? 2 : n;
    return this;
  }
}

/** Documents that are here, or come in batches, of a command that was sent. */
export const MotorCommandCursor = dual(
  CommandCursor,
  { to_list: { positional: 1, keywordsFrom: 0 }, close: only(0) },
  { name: 'MotorCommandCursor' },
);
export type MotorCommandCursor = Dual<CommandCursor>;

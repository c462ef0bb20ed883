import type { Document } from 'bson';
import { type ClusterTime, laterTime } from './clusterTime';
import { Operation, type OperationOwner } from './operation';
import { knowsRepeatedWrites } from './retry';
import type { Server } from './server';
import { isWritable, type ServerDescription } from './serverDescription';
import { ServerSessionPool } from './serverSession';

/** The most ids in one `endSessions` command. */
const LONGEST_END = 10_000;

/**
 * What commands carry to servers that have sessions, without their users having to know: `lsid`, `$clusterTime`, and the
 * `txnNumber` by which a server tells a write that comes a second time.
 * @see Specifications "driver sessions" and "retryable writes"
 */
export class Sessions {
  readonly pool = new ServerSessionPool();
  /** A server that can tell a repeated write was met: there, what never reached a server may be sent again as well. */
  repeatsWrites = false;
  readonly #retryWrites: boolean;
  #clusterTime: ClusterTime | null = null;

  constructor(retryWrites: boolean) {
    this.#retryWrites = retryWrites;
  }

  /** The highest that any server has told. */
  get clusterTime(): ClusterTime | null {
    return this.#clusterTime;
  }

  /** The operation has a connection, and is encoded next. */
  sending(operation: Operation, server: ServerDescription): void {
    const { session: given, acknowledged = true, retryableWrite = false } = operation.options;
    // A new one: the command may be the user's, or in the hands of a listener since it was sent before.
    const command = { ...operation.command };
    const repeatsWrites = this.#retryWrites && knowsRepeatedWrites(server);
    operation.sentTo = server;
    if (repeatsWrites) this.repeatsWrites = true;
    if (this.#clusterTime !== null && server.type !== 'Standalone') command.$clusterTime = this.#clusterTime;
    const hasOwn = operation.session === null && command.lsid !== undefined;
    if (acknowledged && given !== null && !hasOwn) {
      operation.session ??= given ?? this.pool.lend(server.logicalSessionTimeout as number);
      const { session } = operation;
      session.lastUse = performance.now();
      command.lsid = session.id;
      if (retryableWrite && repeatsWrites) {
        operation.txnNumber ??= session.nextTxnNumber();
        command.txnNumber = operation.txnNumber;
      }
    }
    operation.command = command;
  }

  /** A reply of a server that has sessions. */
  replied(reply: Document): void {
    if (reply.$clusterTime !== undefined) this.#clusterTime = laterTime(this.#clusterTime, reply.$clusterTime);
  }

  /**
   * The client is being closed: tell a server which sessions it need not keep, as far as a connection is idle. Nobody
   * waits for it.
   */
  close(servers: readonly Server[], owner: OperationOwner): void {
    const ids = this.pool.close().map(({ id }) => id);
    const [server] = servers
      .filter(({ pool, description }) => description.logicalSessionTimeout !== null && pool.counts.idle > 0)
      .sort((one, other) => Number(isWritable(other.description.type)) - Number(isWritable(one.description.type)));
    if (server === undefined) return;
    // Only who takes writes takes what asks for no reply.
    const options = { acknowledged: !isWritable(server.description.type), session: null };
    const nothing = (): unknown => null;
    for (let first = 0; first < ids.length; first += LONGEST_END) {
      const command = { endSessions: ids.slice(first, first + LONGEST_END), $db: 'admin' };
      if (!server.pool.runLast(new Operation(command, options, owner, nothing, nothing, nothing))) return;
    }
  }
}

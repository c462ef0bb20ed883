import { type Document, Long, Timestamp } from 'bson';
import { field } from './documents';

/** What replica sets and sharded clusters say of their logical time, to be passed on as it came. */
export interface ClusterTime {
  readonly clusterTime: Timestamp;
  readonly signature?: Document;
}

/** The later of what was known and what a reply says in its `$clusterTime`. */
export function laterTime(known: ClusterTime | null, told: Document): ClusterTime | null {
  // In a reply that is the user's as a whole it may be an object of his own class.
  const clusterTime: unknown = field(told, 'clusterTime');
  if (!(clusterTime instanceof Timestamp)) return known;
  if (known !== null && clusterTime.lessThanOrEqual(known.clusterTime)) return known;
  const signature = field(told, 'signature') as Document | undefined;
  if (signature === undefined) return { clusterTime };
  const keyId: unknown = field(signature, 'keyId');
  return {
    clusterTime,
    // Small numbers are read as such, but the server wrote 64 bits.
    signature: { hash: field(signature, 'hash'), keyId: typeof keyId === 'number' ? Long.fromNumber(keyId) : keyId },
  };
}

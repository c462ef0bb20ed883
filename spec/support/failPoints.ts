import type { Document } from 'bson';
import type { Command } from './message';
import { Refusal } from './refusal';

/** What is to go wrong, in the words of `configureFailPoint`. */
export interface Failure {
  readonly failCommands?: readonly string[];
  readonly appName?: string;
  readonly errorCode?: number;
  readonly errorLabels?: readonly string[];
  readonly writeConcernError?: Document;
  readonly closeConnection?: boolean;
  readonly blockConnection?: boolean;
  readonly blockTimeMS?: number;
  /** Of `onPrimaryTransactionalWrite`: the write is not done. */
  readonly failBeforeCommitExceptionCode?: number;
}

type Mode = 'off' | 'alwaysOn' | { times: number } | { skip: number };

/** How often a fail point passes before it strikes, how often it strikes then, and how. */
interface FailPoint {
  skip: number;
  times: number;
  hits: number;
  readonly failure: Failure;
}

const OFF: Readonly<FailPoint> = { skip: 0, times: 0, hits: 0, failure: {} };

/** Old names of commands that fail points know by their new one. */
const RENAMED: Readonly<Record<string, string>> = { ismaster: 'isMaster', findandmodify: 'findAndModify' };

/** The fail points of a played server. */
export class FailPoints {
  readonly #points: Record<string, FailPoint> = {
    failCommand: { ...OFF },
    onPrimaryTransactionalWrite: { ...OFF },
  };

  /**
   * What `configureFailPoint` does.
   * @returns its reply
   * @throws Refusal: there is no such fail point, or no such mode
   */
  configure({ configureFailPoint: name, mode, data = {} }: Document): Document {
    const before = this.#points[name];
    if (before === undefined) throw new Refusal(165, `${name} not found`);
    this.#points[name] = { ...strikes(mode), hits: before.hits, failure: data };
    return { count: before.hits, ok: 1 };
  }

  /** What happens to a command that came from an application of this name; null: nothing. */
  onCommand({ name, document }: Command, application: string | undefined): Failure | null {
    const point = this.#points.failCommand as FailPoint;
    const { failCommands, appName } = point.failure;
    if (document.configureFailPoint !== undefined) return null;
    if (failCommands?.includes(RENAMED[name] ?? name) !== true) return null;
    if (appName !== undefined && appName !== application) return null;
    return strike(point);
  }

  /** Whether something may happen to a statement of a retryable write. */
  get awaitsWrites(): boolean {
    return (this.#points.onPrimaryTransactionalWrite as FailPoint).times > 0;
  }

  /** What happens to a statement of a retryable write; null: nothing. */
  onWrite(): Failure | null {
    return strike(this.#points.onPrimaryTransactionalWrite as FailPoint);
  }
}

function strikes(mode: Mode): { skip: number; times: number } {
  if (mode === 'off') return { skip: 0, times: 0 };
  if (mode === 'alwaysOn') return { skip: 0, times: Number.POSITIVE_INFINITY };
  if (typeof mode === 'object' && 'times' in mode) return { skip: 0, times: mode.times };
  if (typeof mode === 'object' && 'skip' in mode) return { skip: mode.skip, times: Number.POSITIVE_INFINITY };
  throw new Refusal(2, `'mode' must be 'off', 'alwaysOn', { times } or { skip }, not ${JSON.stringify(mode)}`);
}

function strike(point: FailPoint): Failure | null {
  if (point.times === 0) return null;
  if (point.skip > 0) {
    point.skip -= 1;
    return null;
  }
  point.times -= 1;
  point.hits += 1;
  return point.failure;
}

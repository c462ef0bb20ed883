/** The tests of the specification "connection monitoring and pooling", run against the pool over a real server. */

import { setTimeout as sleep } from 'node:timers/promises';
import type { Document } from 'bson';
import { expect } from 'chai';
import { Address } from '../../lib/core/address';
import type { Connection } from '../../lib/core/connection';
import { AutoReconnect, WaitQueueTimeoutError } from '../../lib/core/errors';
import { type ClientEvents, newEvents } from '../../lib/core/events';
import { readOptions } from '../../lib/core/options';
import { Pool } from '../../lib/core/pool';
import { newProxy } from '../support/clients';
import { eventually } from '../support/eventually';
import { delayReply } from '../support/faults';
import { server } from '../support/hooks';
import { asyncioLike } from '../support/policies';
import { rejection } from '../support/rejection';
import { specificationFiles } from './specifications';

interface Operation {
  readonly name: string;
  readonly thread?: string;
  readonly target?: string;
  readonly label?: string;
  readonly connection?: string;
  readonly event?: string;
  readonly count?: number;
  readonly ms?: number;
}

interface Case {
  readonly description: string;
  readonly style: 'unit' | 'integration';
  readonly poolOptions?: Record<string, unknown>;
  readonly failPoint?: { readonly mode: { times: number }; readonly data: { blockTimeMS: number } };
  readonly operations: readonly Operation[];
  readonly error?: { readonly type: string };
  readonly events: readonly ({ readonly type: string } & Document)[];
  readonly ignore?: readonly string[];
}

const PAUSED = 'nobody watches the server for this pool, so that it is never paused: each operation tries to connect';

const ALONE = 'one connection alone is tried until the server has answered: first operations share an attempt';

/** What a pool whose server nobody watches does in another way; by file. */
const OTHERWISE: Readonly<Record<string, string>> = {
  'pool-checkout-maxConnecting-is-enforced': ALONE,
  'pool-checkout-maxConnecting-timeout': ALONE,
  'pool-checkout-minPoolSize-connection-maxConnecting': ALONE,
  'pool-clear-clears-waitqueue': `${PAUSED}, also those that wait`,
  'pool-clear-paused': PAUSED,
  'pool-clear-ready': PAUSED,
  'pool-ready': PAUSED,
  'pool-create-min-size': 'the pool fills up only when the first operation has found the server',
};

const ERRORS: Readonly<Record<string, new (message: string) => Error>> = {
  PoolClosedError: AutoReconnect,
  WaitQueueTimeoutError,
};

/** Fields of an event that a case names must be there; 42 stands for any value. */
function expectEvent(told: Document | undefined, expected: Document): void {
  for (const [field, value] of Object.entries(expected)) {
    if (Number(value) === 42) expect(told, field).to.have.property(field);
    else expect(told?.[field], field).to.deep.equal(value);
  }
}

async function run(
  { poolOptions = {}, failPoint, operations, error, events, ignore = [] }: Case,
  isWatched: boolean,
): Promise<void> {
  const told: Document[] = [];
  const emitter = newEvents();
  const names = new Set([...events.map(({ type }) => type), ...operations.flatMap(({ event }) => event ?? [])]);
  for (const type of names) {
    const name = type.replace(/^C/, 'c') as keyof ClientEvents;
    emitter.on(name, (event: object) => told.push({ type, ...event }));
  }
  // Ours does its housekeeping by a timer of its own; here no test depends on it.
  const { backgroundThreadIntervalMS: _, ...keywords } = poolOptions;
  const options = readOptions({ caller: 'the pool', keywords }, asyncioLike);
  // What their fail points ask for: handshakes that take long.
  const proxy = failPoint === undefined ? null : await newProxy();
  const slow = delayReply(failPoint?.data.blockTimeMS ?? 0);
  proxy?.on('hello', slow, failPoint?.mode.times);
  const pool = new Pool(
    Address.parse((proxy ?? server()).address),
    options.pool,
    options.connection,
    emitter,
    () => undefined,
    () => undefined,
    isWatched,
  );

  const lent = new Set<Connection>();
  const labelled = new Map<string, Connection>();
  const threads = new Map<string, Promise<unknown>>();

  const step = async ({ name, label, connection, event, count, ms, target }: Operation): Promise<void> => {
    if (name === 'checkOut') {
      const checkedOut = await pool.checkout();
      lent.add(checkedOut);
      if (label !== undefined) labelled.set(label, checkedOut);
    } else if (name === 'checkIn') {
      const back = labelled.get(connection ?? '') as Connection;
      lent.delete(back);
      pool.checkin(back);
    } else if (name === 'ready') pool.ready();
    else if (name === 'clear') pool.clear();
    else if (name === 'close') pool.close(new AutoReconnect('the pool was closed'));
    else if (name === 'wait') await sleep(ms);
    else if (name === 'waitForEvent') {
      const seen = () => told.filter(({ type }) => type === event).length >= (count ?? 1);
      await eventually(seen, `${count} × ${event}`);
    } else if (name === 'waitForThread') await threads.get(target ?? '');
    else if (name !== 'start') throw new Error(`unknown operation ${name}`);
  };

  const all = (async () => {
    for (const operation of operations) {
      const { thread } = operation;
      if (thread === undefined) {
        await step(operation);
      } else {
        const next = (threads.get(thread) ?? Promise.resolve()).then(() => step(operation));
        next.catch(() => undefined);
        threads.set(thread, next);
      }
    }
  })();

  try {
    if (error === undefined) await all;
    else expect(await rejection(all)).to.be.instanceOf(ERRORS[error.type] as new () => Error);
    const relevant = told.filter(({ type }) => !ignore.includes(type));
    for (const [index, expected] of events.entries()) expectEvent(relevant[index], expected);
  } finally {
    pool.close(new AutoReconnect('the test is over'));
  }
}

const STYLES = [
  { style: 'a watched server', isWatched: true, otherwise: {}, passing: 25 },
  { style: 'a server that is asked on demand', isWatched: false, otherwise: OTHERWISE, passing: 17 },
];

for (const { style, isWatched, otherwise, passing } of STYLES) {
  describe(`specification connection-monitoring-and-pooling/tests/cmap-format, with ${style}`, () => {
    const files = specificationFiles<Case>('connection-monitoring-and-pooling/tests/cmap-format');
    let passed = 0;
    for (const { name, contents } of files) {
      const reason = (otherwise as typeof OTHERWISE)[name];
      if (reason === undefined) {
        it(contents.description, async () => {
          await run(contents, isWatched);
          passed += 1;
        });
      } else {
        it(`${contents.description} (skipped: ${reason})`, function () {
          this.skip();
        });
      }
    }

    describe('as a whole', () => {
      it(`has ${passing} tests that pass`, function () {
        if (files.length === 0) this.skip();
        expect({ passed, skipped: files.length - passed }).to.deep.equal({ passed: passing, skipped: 25 - passing });
      });
    });
  });
}

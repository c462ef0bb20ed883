/** What users are promised while members of a set come and go: nothing is lost, nothing is done twice, nothing is left. */

import { setTimeout as sleep } from 'node:timers/promises';
import { expect } from 'chai';
import { AutoReconnect, CursorType, InvalidOperation, NotPrimaryError } from '../../lib/asyncio/index';
import { checkOften } from '../support/checkOften';
import { countsOf, freshAsyncIOCollection, newAsyncIOClient, newReplicaSet } from '../support/clients';
import { eventually } from '../support/eventually';
import { loseReply } from '../support/faults';
import type { SeenCommand } from '../support/proxy';
import { runRaw } from '../support/rawClient';
import { rejection } from '../support/rejection';
import type { Member, ReplicaSet } from '../support/replicaSet';

const QUICK = { heartbeatFrequencyMS: 500, serverSelectionTimeoutMS: 10_000 };
const AT_REST = { checkedOut: 0, waiting: 0 };

describe('A replica set that fails over', () => {
  checkOften();
  const things = freshAsyncIOCollection();
  let set: ReplicaSet;
  let first: Member;
  let second: Member;
  beforeEach(async () => {
    set = await newReplicaSet(3);
    [first, second] = set.members as [Member, Member];
  });

  function clientOf(options = {}) {
    const client = newAsyncIOClient(set.uri, { ...QUICK, ...options });
    return { client, same: client.get_database(things().database.name).get_collection(things().name) };
  }

  /** Matches the first attempt of every so many updates, never the second of any. */
  function firstAttempts(every: number): (command: SeenCommand) => boolean {
    const seen = new Set<string>();
    return ({ name, document }) => {
      if (name !== 'update') return false;
      const key = `${document.lsid.id.toString('hex')} ${document.txnNumber}`;
      if (seen.has(key)) return false;
      seen.add(key);
      return seen.size % every === 0;
    };
  }

  const failures: [string, (lasting: { over: Promise<void>[] }) => unknown][] = [
    ['an election', () => set.elect(second)],
    [
      'the death of the primary',
      ({ over }) => {
        over.push(set.kill(first));
        set.elect(second);
      },
    ],
    ['resets of all connections', () => first.drop(true)],
    ['lost replies', () => first.on(firstAttempts(10), loseReply(), Number.POSITIVE_INFINITY)],
    [
      'the removal of the primary',
      () => {
        set.elect(second);
        set.remove(first);
      },
    ],
  ];
  for (const [what, fail] of failures) {
    it(`counts 300 increments once each across ${what}`, async () => {
      const { client, same } = clientOf({ maxPoolSize: 10 });
      await same.insert_one({ _id: 1, n: 0 });
      const lasting = { over: [] as Promise<void>[] };
      let done = 0;
      const increment = async () => {
        const { modified_count } = await same.update_one({ _id: 1 }, { $inc: { n: 1 } });
        expect(modified_count).to.equal(1);
        done += 1;
        if (done === 50) fail(lasting);
      };
      await Promise.all(Array.from({ length: 300 }, increment));
      await Promise.all(lasting.over);
      expect(await same.find_one()).to.deep.equal({ _id: 1, n: 300 });
      expect(countsOf(client)).to.include(AT_REST);
    });
  }

  it('counts no attempt for an operation that waited while others ran into faults', async () => {
    const { client, same } = clientOf({ maxPoolSize: 1 });
    await same.insert_one({ _id: 1, n: 0 });
    first.on(firstAttempts(1), loseReply(), Number.POSITIVE_INFINITY);
    const increment = () => same.update_one({ _id: 1 }, { $inc: { n: 1 } });
    await Promise.all([...Array.from({ length: 5 }, increment), same.find_one()]);
    expect(await same.find_one()).to.deep.equal({ _id: 1, n: 5 });
    expect(countsOf(client)).to.include(AT_REST);
  });

  it('waits on for no longer than serverSelectionTimeoutMS', async () => {
    const { client, same } = clientOf({ maxPoolSize: 1, serverSelectionTimeoutMS: 300 });
    await same.find_one();
    first.on(({ name, document }) => name === 'find' && document.limit === 1, loseReply(), Number.POSITIVE_INFINITY);
    // Each is lost, and sends away those behind it.
    const lost = Array.from({ length: 100 }, () => rejection(same.find_one()));
    const last = await rejection(same.count_documents({}));
    expect(last).to.be.instanceOf(AutoReconnect);
    expect(last.message).to.include('was closed by the server during find on');
    for (const error of await Promise.all(lost)) expect(error).to.be.instanceOf(AutoReconnect);
    expect(countsOf(client)).to.include(AT_REST);
  });

  it('reads a cursor to its end on the member that it was opened on', async () => {
    await things().insert_many(Array.from({ length: 100 }, (_, _id) => ({ _id })));
    const { same } = clientOf();
    const cursor = same.find({}, { batch_size: 10 });
    const found = await cursor.to_list(15);
    set.elect(second);
    found.push(...(await cursor.to_list(null)));
    expect(found.map(({ _id }) => _id)).to.deep.equal(Array.from({ length: 100 }, (_, _id) => _id));
  });

  it('gives the connection of an exhaust cursor back once, when a further batch is refused', async () => {
    await things().insert_many(Array.from({ length: 100 }, (_, _id) => ({ _id })));
    const { client, same } = clientOf({ maxPoolSize: 1 });
    const cursor = same.find({}, { batch_size: 10, cursor_type: CursorType.EXHAUST });
    await cursor.to_list(5);
    const data = { failCommands: ['getMore'], errorCode: 10107 };
    await runRaw(first, 'admin', { configureFailPoint: 'failCommand', mode: { times: 1 }, data });
    expect(await rejection(cursor.to_list(null))).to.be.instanceOf(NotPrimaryError);
    expect(await same.count_documents({})).to.equal(100);
    await eventually(() => first.names.includes('killCursors'), 'the cursor is killed');
    await eventually(() => countsOf(client).idle === 1, 'its connection is idle');
    expect(countsOf(client)).to.deep.equal({ open: 1, idle: 1, ...AT_REST });
  });

  it('settles everything once when the client is closed in the midst of it', async () => {
    const { client, same } = clientOf({ maxPoolSize: 3 });
    await same.insert_many(Array.from({ length: 20 }, (_, _id) => ({ _id, n: 0 })));
    const settled: number[] = [];
    const outcomes: unknown[] = [];
    for (let call = 0; call < 60; call++) {
      settled[call] = 0;
      same.update_one({ _id: 1 }, { $inc: { n: 1 } }, (_: unknown, error: Error | null) => {
        settled[call] = (settled[call] ?? 0) + 1;
        outcomes.push(error);
      });
    }
    const under = Array.from({ length: 20 }, () => same.find({}, { batch_size: 3 }).to_list(null));
    set.stepDown();
    await Promise.race([...under.map((one) => one.catch(() => null)), sleep(30)]);
    client.close();
    for (const one of await Promise.allSettled(under)) if (one.status === 'rejected') outcomes.push(one.reason);
    await eventually(() => settled.every((times) => times === 1), 'all have called back, once');
    for (const error of outcomes) {
      if (error !== null)
        expect(error).to.satisfy((e: Error) => e instanceof AutoReconnect || e instanceof InvalidOperation);
    }
    expect(countsOf(client)).to.deep.equal({ open: 0, idle: 0, ...AT_REST });
    await eventually(() => set.connections.open === 0, 'all connections are closed');
  });
});

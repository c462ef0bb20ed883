import { expect } from 'chai';
import { useFakeTimers } from 'sinon';
import { type ServerSession, ServerSessionPool } from '../../lib/core/serverSession';

const MINUTE = 60_000;

describe('ServerSessionPool', () => {
  let clock: ReturnType<typeof useFakeTimers>;
  let pool: ServerSessionPool;
  const lendSome = (count: number): ServerSession[] => Array.from({ length: count }, () => pool.lend(30 * MINUTE));

  beforeEach(() => {
    clock = useFakeTimers({ toFake: ['performance'] });
    pool = new ServerSessionPool();
  });

  afterEach(() => clock.restore());

  it('lends the one given back last', () => {
    const [first, second] = lendSome(2) as [ServerSession, ServerSession];
    expect(first.id.id.toString('hex')).to.not.equal(second.id.id.toString('hex'));
    second.giveBack();
    first.giveBack();
    expect([pool.lend(30 * MINUTE), pool.lend(30 * MINUTE), pool.size]).to.deep.equal([first, second, 0]);
  });

  it('each goes on counting its writes', () => {
    const session = pool.lend(30 * MINUTE);
    expect(String(session.nextTxnNumber())).to.equal('1');
    session.giveBack();
    expect(String(pool.lend(30 * MINUTE).nextTxnNumber())).to.equal('2');
    expect(String(pool.lend(30 * MINUTE).nextTxnNumber())).to.equal('1');
  });

  it('lends none that the server may forget within a minute', () => {
    const [session] = lendSome(1) as [ServerSession];
    session.giveBack();
    clock.tick(29 * MINUTE - 1);
    expect(pool.lend(30 * MINUTE)).to.equal(session);
    session.giveBack();
    clock.tick(1);
    expect(pool.lend(30 * MINUTE)).to.not.equal(session);
    expect(pool.size).to.equal(0);
  });

  it('goes by the timeout of the server at hand', () => {
    const [session] = lendSome(1) as [ServerSession];
    session.giveBack();
    clock.tick(5 * MINUTE);
    expect(pool.lend(5 * MINUTE)).to.not.equal(session);
  });

  it('takes none back that is too old, or whose reply was lost', () => {
    const [old, lost] = lendSome(2) as [ServerSession, ServerSession];
    lost.dirty = true;
    lost.giveBack();
    expect(pool.size).to.equal(0);
    clock.tick(29 * MINUTE);
    old.giveBack();
    expect(pool.size).to.equal(0);
  });

  it('drops those that grew old when another is given back', () => {
    const [idle, used] = lendSome(2) as [ServerSession, ServerSession];
    idle.giveBack();
    clock.tick(29 * MINUTE);
    used.lastUse = performance.now();
    used.giveBack();
    expect([pool.size, pool.lend(30 * MINUTE)]).to.deep.equal([1, used]);
  });

  it('closed, it hands out those that are here, and takes none back', () => {
    const [first, second] = lendSome(2) as [ServerSession, ServerSession];
    first.giveBack();
    expect(pool.close()).to.deep.equal([first]);
    second.giveBack();
    expect([pool.size, pool.close()]).to.deep.equal([0, []]);
  });
});

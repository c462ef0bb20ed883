import { inspect } from 'node:util';
import { expect } from 'chai';
import { useFakeTimers } from 'sinon';
import { gen, IOLoop, ioloop, PeriodicCallback, timedelta } from '../../../compat/tornado';
import { InvalidOperation, ValueError } from '../../../lib/core/errors';
import { currentLoop, isLoop } from '../../../lib/motor/ioLoop';
import { eventually } from '../../support/eventually';
import { rejection, uncaught, unhandled } from './outcome';

const later = <T>(value: T, ms = 5) => new Promise<T>((resolve) => setTimeout(resolve, ms, value));

describe('IOLoop', () => {
  let loop: IOLoop;
  beforeEach(() => {
    loop = new IOLoop();
  });
  afterEach(() => loop.close());

  it('has one global instance, which is current unless another is made so', () => {
    const { instance, current, initialized, clear_current } = IOLoop;
    expect(instance()).to.equal(instance()).and.instanceOf(IOLoop).and.not.equal(loop);
    expect(initialized()).to.equal(true);
    expect(current()).to.equal(instance());
    loop.make_current();
    expect(current()).to.equal(loop);
    clear_current();
    expect(current()).to.equal(instance());
    loop.make_current();
    loop.close();
    expect(current()).to.equal(instance());
    expect(ioloop.IOLoop).to.equal(IOLoop);
    expect(ioloop.PeriodicCallback).to.equal(PeriodicCallback);
  });

  it('is told as a loop by the driver, which knows the current one', () => {
    expect(isLoop(loop)).to.equal(true);
    for (const other of ['foo', null, undefined, {}, () => {}, { time() {} }]) expect(isLoop(other)).to.equal(false);
    expect(currentLoop()).to.equal(IOLoop.current());
    loop.make_current();
    expect(currentLoop()).to.equal(loop);
  });

  it('has bound methods, and camelCase names for them, also in a subclass, and prints without them', async () => {
    class Own extends IOLoop {
      override time() {
        return 42;
      }
    }
    const own = new Own();
    const { run_sync, runSync, add_callback, call_at } = own;
    expect(await run_sync(() => later(1))).to.equal(1);
    expect(await runSync(() => later(1))).to.equal(1);
    expect(await new Promise((resolve) => add_callback(resolve, 2))).to.equal(2);
    expect(await new Promise((resolve) => call_at(42.001, resolve, 3))).to.equal(3);
    expect(inspect(own)).to.equal('Own {}');
    own.close();
  });

  describe('start and stop', () => {
    it('starts until stopped', async () => {
      let ended = false;
      const started = loop.start().then((result) => {
        ended = true;
        return result;
      });
      await later(null, 20);
      expect(ended).to.equal(false);
      loop.stop();
      loop.stop();
      await Promise.resolve();
      expect(ended).to.equal(false);
      expect(await started).to.equal(null);
      // The second stop was for the first start.
      const again = loop.start();
      await later(null);
      expect(await rejection(loop.start())).to.be.instanceOf(InvalidOperation);
      loop.stop();
      await again;
    });

    it('ends at once if it was stopped before, once', async () => {
      loop.stop();
      loop.stop();
      expect(await loop.start()).to.equal(null);
      const started = loop.start();
      expect(await Promise.race([started, later('running')])).to.equal('running');
      loop.stop();
      await started;
    });

    it('starts again after it ended', async () => {
      for (let i = 0; i < 3; i++) {
        loop.add_callback(loop.stop);
        await loop.start();
      }
    });

    it('refuses to start when it is running', async () => {
      const started = loop.start();
      expect(await rejection(loop.start())).to.be.instanceOf(InvalidOperation);
      expect(await rejection(loop.run_sync(() => 1))).to.be.instanceOf(InvalidOperation);
      expect(await Promise.race([started, later('still running')])).to.equal('still running');
      loop.stop();
      await started;
    });

    it('has running states of its own', async () => {
      const other = new IOLoop();
      const started = loop.start();
      const otherStarted = other.start();
      loop.stop();
      await started;
      expect(await Promise.race([otherStarted, later('running')])).to.equal('running');
      other.stop();
      await otherStarted;
    });

    it('takes a callback', async () => {
      for (const form of ['last', 'keyword']) {
        const outcome = new Promise((resolve) => {
          const callback = (...args: unknown[]) => resolve(args);
          expect(loop.start(form === 'last' ? callback : { callback })).to.equal(undefined);
        });
        loop.stop();
        expect(await outcome).to.deep.equal([null, null]);
      }
      expect(() => loop.start('text' as never)).to.throw(TypeError, 'callback must be a callable');
      expect(() => loop.start({ callback: 5 } as never)).to.throw(TypeError, 'callback must be a callable');
      const both = loop.start as (...args: unknown[]) => unknown;
      const [, twice] = await new Promise<unknown[]>((resolve) => {
        both({ callback: () => {} }, (...outcome: unknown[]) => resolve(outcome));
      });
      expect(twice).to.be.instanceOf(TypeError).with.property('message').that.includes('given twice');
      expect(await rejection(both({ timeot: 1 }) as Promise<null>))
        .to.be.instanceOf(TypeError)
        .with.property('message', "start: unknown keyword 'timeot'");
    });
  });

  describe('run_sync', () => {
    it('gives the result, of a function or a coroutine', async () => {
      expect(await loop.run_sync(() => 1)).to.equal(1);
      expect(await loop.run_sync(() => later(2))).to.equal(2);
      const three = gen.coroutine(function* () {
        return yield later(3);
      });
      expect(await loop.run_sync(three, { timeout: 5 })).to.equal(3);
    });

    it('throws what the function throws, and is stopped then', async () => {
      for (const fail of [
        () => {
          throw new Error('broken');
        },
        async () => {
          throw new Error('broken');
        },
      ]) {
        expect(await rejection(loop.run_sync(fail))).to.have.property('message', 'broken');
      }
      expect(await loop.run_sync(() => 'usable')).to.equal('usable');
    });

    it('times out, with the limit in the message; the operation goes on', async () => {
      let ended = false;
      const errors = await unhandled(async () => {
        const slow = () =>
          later(null, 40).then(() => {
            ended = true;
            throw new Error('late');
          });
        const error = await rejection(loop.run_sync(slow, { timeout: 0.01 }));
        expect(error).to.be.instanceOf(ioloop.TimeoutError).with.property('message').that.includes('0.01 s');
        expect(ended).to.equal(false);
        expect(await loop.run_sync(() => 'usable')).to.equal('usable');
        await later(null, 50);
      });
      expect(ended).to.equal(true);
      expect(errors).to.deep.equal([]);
    });

    it('calls the function in a later turn, while it is running', async () => {
      const seen: string[] = [];
      const running = loop.run_sync(async () => {
        seen.push((await rejection(loop.start())).message);
      });
      seen.push('called');
      await running;
      expect(seen).to.deep.equal(['called', 'start: the loop is already running']);
    });

    it('fails when the loop is stopped or closed meanwhile', async () => {
      const stopped = loop.run_sync(() => later(null, 1000));
      loop.stop();
      expect(await rejection(stopped)).to.be.instanceOf(ioloop.TimeoutError);
      const closed = loop.run_sync(() => later(null, 1000));
      loop.close();
      expect(await rejection(closed)).to.be.instanceOf(ioloop.TimeoutError);
    });

    it('takes a callback', async () => {
      const run = loop.run_sync as (...args: unknown[]) => undefined;
      const outcome = (...args: unknown[]) =>
        new Promise((resolve) => expect(run(...args, (...all: unknown[]) => resolve(all))).to.equal(undefined));
      expect(await outcome(() => 1)).to.deep.equal([1, null]);
      expect(await outcome(() => 1, { timeout: 5 })).to.deep.equal([1, null]);
      const error = new Error('broken');
      expect(await outcome(() => Promise.reject(error))).to.deep.equal([null, error]);
      expect(() => run(() => 1, { timeout: 5 }, 'text')).to.throw(TypeError, 'callback must be a callable');
    });

    it('refuses wrong arguments', async () => {
      const run = loop.run_sync as (...args: unknown[]) => Promise<unknown>;
      for (const args of [[], [5], [() => 1, { timeout: '5' }], [() => 1, { timeout: Number.NaN }]]) {
        expect(await rejection(run(...args))).to.be.instanceOf(TypeError);
      }
      expect(await rejection(run(() => 1, { timeot: 5 }))).to.have.property(
        'message',
        "run_sync: unknown keyword 'timeot'; did you mean 'timeout'?",
      );
    });
  });

  describe('callbacks', () => {
    it('run in later turns, in order, with their arguments; one added meanwhile waits for the next', async () => {
      const seen: unknown[] = [];
      const note = (...what: unknown[]) => seen.push(...what);
      loop.add_callback(() => {
        note('first');
        loop.add_callback(note, 'added meanwhile');
      });
      loop.spawn_callback(note, 'second', 2);
      loop.add_callback_from_signal(note, 'third');
      setImmediate(note, "Node's own");
      note('called');
      await eventually(() => seen.includes('added meanwhile'), 'all have run');
      expect(seen).to.deep.equal(['called', 'first', 'second', 2, 'third', "Node's own", 'added meanwhile']);
    });

    it('that throw are uncaught exceptions; the next ones run', async () => {
      const seen: string[] = [];
      const errors = await uncaught(() => {
        loop.add_callback(() => {
          throw new Error('sync');
        });
        loop.add_callback(async () => {
          throw new Error('async');
        });
        loop.add_callback(() => seen.push('next'));
      });
      expect(errors.map((error) => (error as Error).message)).to.deep.equal(['sync', 'async']);
      expect(seen).to.deep.equal(['next']);
    });

    it('that throw go to handle_callback_exception, overridden or assigned', async () => {
      const seen: unknown[] = [];
      class Logging extends IOLoop {
        override handle_callback_exception(callback: unknown, error: unknown) {
          seen.push(callback, error);
        }
      }
      const error = new Error('broken');
      const fail = () => {
        throw error;
      };
      const failLater = () => Promise.reject(error);
      const logging = new Logging();
      logging.add_callback(fail);
      // A loop that is late looks at its timers first.
      await eventually(() => seen.length === 2, 'the callback has failed');
      logging.call_later(0.001, failLater);
      await eventually(() => seen.length === 4, 'the timeout has failed');
      loop.handle_callback_exception = (callback) => seen.push(callback);
      loop.add_callback(fail);
      await eventually(() => seen.length === 5, 'the callback has failed again');
      expect(seen).to.deep.equal([fail, error, failLater, error, fail]);
      logging.close();
    });

    it('must be functions', () => {
      expect(() => loop.add_callback('text' as never)).to.throw(TypeError, 'add_callback: the callback must be');
      expect(() => loop.call_later(1, null as never)).to.throw(TypeError, 'call_later: the callback must be');
    });
  });

  describe('timeouts', () => {
    it('run at seconds, a Date or a timedelta from now, with their arguments', async () => {
      const seen: unknown[] = [];
      const note = (what: string) => seen.push(what);
      loop.add_timeout(loop.time() + 0.06, note, 'seconds');
      loop.add_timeout(new Date(Date.now() + 40), note, 'Date');
      loop.add_timeout(timedelta({ milliseconds: 20 }), note, 'timedelta');
      loop.call_at(loop.time() + 0.08, note, 'call_at');
      loop.call_later(0.1, note, 'call_later');
      await eventually(() => seen.length === 5, 'all have run');
      expect(seen).to.deep.equal(['timedelta', 'Date', 'seconds', 'call_at', 'call_later']);
    });

    it('that are past run in the next turn', async () => {
      const seen: string[] = [];
      loop.add_timeout(0, () => seen.push('past'));
      loop.call_later(0, () => seen.push('now'));
      setImmediate(() => seen.push("Node's own"));
      expect(seen).to.deep.equal([]);
      await eventually(() => seen.length === 3, 'all have run');
      expect(seen).to.deep.equal(['past', 'now', "Node's own"]);
    });

    it('may be months away', async () => {
      const clock = useFakeTimers({ now: Date.now() });
      try {
        const seen: number[] = [];
        const begun = Date.now();
        const day = 86_400_000;
        loop.add_timeout(timedelta({ days: 100 }), () => seen.push(Date.now() - begun));
        loop.add_timeout(new Date(begun + 25 * day), () => seen.push(Date.now() - begun));
        const handle = loop.call_later(60 * 86_400, () => seen.push(-1));
        await clock.tickAsync(24 * day);
        expect(seen).to.deep.equal([]);
        await clock.tickAsync(26 * day);
        expect(seen).to.deep.equal([25 * day]);
        loop.remove_timeout(handle);
        await clock.tickAsync(60 * day);
        expect(seen).to.deep.equal([25 * day, 100 * day]);
      } finally {
        clock.restore();
      }
    });

    it('can be removed, also when they have run', async () => {
      const seen: string[] = [];
      const handle = loop.add_timeout(timedelta({ milliseconds: 5 }), () => seen.push('removed'));
      const past = loop.add_timeout(0, () => seen.push('removed too'));
      loop.remove_timeout(handle);
      loop.remove_timeout(past);
      const ran = loop.call_later(0.005, () => seen.push('ran'));
      await later(null, 30);
      expect(seen).to.deep.equal(['ran']);
      loop.remove_timeout(ran);
      loop.remove_timeout(handle);
      expect(() => loop.remove_timeout(5 as never)).to.throw(TypeError, 'remove_timeout');
    });

    it('refuse what is no deadline', () => {
      for (const deadline of ['1', null, undefined, Number.NaN, Number.POSITIVE_INFINITY, new Date('x'), {}]) {
        expect(() => loop.add_timeout(deadline as never, () => {})).to.throw(TypeError, 'add_timeout: the deadline');
      }
      for (const seconds of ['1', null, Number.NaN, new Date()]) {
        expect(() => loop.call_at(seconds as never, () => {})).to.throw(TypeError, 'call_at');
        expect(() => loop.call_later(seconds as never, () => {})).to.throw(TypeError, 'call_later');
      }
    });

    it('use the clock of Date', () => {
      expect(Math.abs(loop.time() - Date.now() / 1000)).to.be.lessThan(0.1);
    });
  });

  describe('add_future', () => {
    it('calls back with the Promise once it is settled, and takes over its rejection', async () => {
      const good = later(1);
      const bad = Promise.reject(new Error('taken over'));
      const seen: unknown[] = [];
      const errors = await unhandled(async () => {
        loop.add_future(good, (future) => seen.push(future));
        loop.add_future(bad, (future) => seen.push(future));
        expect(seen).to.deep.equal([]);
        await later(null, 20);
      });
      expect(errors).to.deep.equal([]);
      expect(seen).to.have.length(2);
      expect(seen[0]).to.equal(bad);
      expect(seen[1]).to.equal(good);
    });

    it('takes a Promise and a function', () => {
      expect(() => loop.add_future(5 as never, () => {})).to.throw(TypeError, 'add_future');
      expect(() => loop.add_future(null as never, () => {})).to.throw(TypeError, 'add_future');
      expect(() => loop.add_future(later(1), 5 as never)).to.throw(TypeError, 'add_future');
    });
  });

  describe('close', () => {
    it('cancels what was scheduled, and ends start', async () => {
      const seen: string[] = [];
      loop.add_callback(() => seen.push('callback'));
      loop.call_later(0.005, () => seen.push('timeout'));
      loop.add_future(later(1), () => seen.push('future'));
      const periodic = new PeriodicCallback(() => seen.push('periodic'), 2, { io_loop: loop });
      periodic.start();
      const started = loop.start();
      const errors = await unhandled(async () => {
        loop.close();
        loop.close();
        expect(await started).to.equal(null);
        await later(null, 20);
      });
      expect(seen).to.deep.equal([]);
      expect(errors).to.deep.equal([]);
    });

    it('makes later use an InvalidOperation', async () => {
      const handle = loop.call_later(1, () => {});
      loop.close();
      loop.remove_timeout(handle);
      const uses: (() => unknown)[] = [
        () => loop.add_callback(() => {}),
        () => loop.spawn_callback(() => {}),
        () => loop.add_callback_from_signal(() => {}),
        () => loop.add_timeout(0, () => {}),
        () => loop.call_at(0, () => {}),
        () => loop.call_later(0, () => {}),
        () => loop.add_future(later(1), () => {}),
        () => loop.stop(),
        () => loop.make_current(),
        () => new PeriodicCallback(() => {}, 1, { io_loop: loop }).start(),
      ];
      for (const use of uses) expect(use).to.throw(InvalidOperation, 'the loop is closed');
      expect(await rejection(loop.start())).to.be.instanceOf(InvalidOperation);
      expect(await rejection(loop.run_sync(() => 1))).to.be.instanceOf(InvalidOperation);
    });
  });
});

describe('PeriodicCallback', () => {
  let loop: IOLoop;
  let clock: ReturnType<typeof useFakeTimers>;
  beforeEach(() => {
    loop = new IOLoop();
    clock = useFakeTimers();
  });
  afterEach(() => {
    loop.close();
    clock.restore();
  });

  it('calls again and again until it is stopped', async () => {
    const seen: number[] = [];
    const periodic = new PeriodicCallback(() => seen.push(Date.now()), 100, { io_loop: loop });
    const { start, stop, is_running } = periodic;
    expect(is_running()).to.equal(false);
    start();
    start();
    expect(is_running()).to.equal(true);
    await clock.tickAsync(350);
    expect(seen).to.deep.equal([100, 200, 300]);
    stop();
    stop();
    expect(is_running()).to.equal(false);
    await clock.tickAsync(1000);
    expect(seen).to.have.length(3);
    start();
    await clock.tickAsync(100);
    expect(seen).to.have.length(4);
    stop();
  });

  it('can be stopped and started by its own callback', async () => {
    let calls = 0;
    const periodic = new PeriodicCallback(
      () => {
        calls += 1;
        periodic.stop();
        if (calls === 1) periodic.start();
      },
      100,
      { io_loop: loop },
    );
    periodic.start();
    await clock.tickAsync(1000);
    expect(calls).to.equal(2);
  });

  it('does not double a call that is still going', async () => {
    let going = 0;
    let most = 0;
    let calls = 0;
    const slow = async () => {
      calls += 1;
      most = Math.max(most, ++going);
      await new Promise((resolve) => setTimeout(resolve, 250));
      going -= 1;
    };
    const periodic = new PeriodicCallback(slow, 100, { io_loop: loop });
    periodic.start();
    await clock.tickAsync(950);
    expect([most, calls]).to.deep.equal([1, 3]);
    periodic.stop();
  });

  it('skips late ticks, and keeps its rhythm', async () => {
    const seen: number[] = [];
    const periodic = new PeriodicCallback(
      () => {
        seen.push(performance.now());
        if (seen.length === 2) clock.setSystemTime(0);
      },
      100,
      { io_loop: loop },
    );
    periodic.start();
    await clock.tickAsync(100);
    clock.jump(330);
    await clock.tickAsync(200);
    expect(seen).to.deep.equal([100, 430, 500, 600]);
    periodic.stop();
  });

  it('goes on after an error, which goes to the loop', async () => {
    const seen: unknown[] = [];
    const error = new Error('broken');
    loop.handle_callback_exception = (callback, thrown) => seen.push(callback, thrown);
    const fail = () => {
      throw error;
    };
    const periodic = new PeriodicCallback(fail, 100, { io_loop: loop });
    periodic.start();
    await clock.tickAsync(250);
    expect(seen).to.deep.equal([fail, error, fail, error]);
    periodic.stop();
  });

  it('refuses wrong arguments', () => {
    const make = (...args: unknown[]) => Reflect.construct(PeriodicCallback, args);
    for (const time of [0, -1, Number.NaN, Number.POSITIVE_INFINITY]) {
      expect(() => make(() => {}, time)).to.throw(ValueError, 'callback_time');
    }
    expect(() => make(() => {}, '100')).to.throw(TypeError, 'callback_time');
    expect(() => make(() => {})).to.throw(TypeError, 'callback_time');
    expect(() => make('text', 100)).to.throw(TypeError, 'callback');
    expect(() => make(() => {}, 100, { io_loop: 'foo' })).to.throw(TypeError, 'io_loop');
    expect(() => make(() => {}, 100, { loop })).to.throw(TypeError, "unknown keyword 'loop'");
    expect(() => make(() => {}, 100, loop)).to.throw(TypeError, 'keywords');
  });
});

describe('timedelta', () => {
  it('adds up its parts', () => {
    expect(timedelta().total_seconds()).to.equal(0);
    expect(timedelta({ weeks: 1, days: 1, hours: 1, minutes: 1, seconds: 1 }).total_seconds()).to.equal(694861);
    expect(timedelta({ milliseconds: 1, microseconds: 1 }).total_seconds()).to.equal(0.001001);
    expect(timedelta({ seconds: 0.1, milliseconds: 200 }).total_seconds()).to.equal(0.3);
    expect(timedelta({ days: -1, hours: 23.5 }).total_seconds()).to.equal(-1800);
    expect(new timedelta({ seconds: 1 })).to.be.instanceOf(timedelta);
    expect(timedelta({ seconds: 1 })).to.be.instanceOf(timedelta);
  });

  it('refuses what is no part', () => {
    const make = timedelta as (...args: unknown[]) => unknown;
    expect(() => make({ second: 1 })).to.throw(TypeError, "timedelta: unknown keyword 'second'");
    for (const parts of [1, null, { seconds: '1' }, { seconds: Number.NaN }, { toString: 1 }]) {
      expect(() => make(parts)).to.throw(TypeError, 'timedelta');
    }
  });
});

import { AsyncLocalStorage } from 'node:async_hooks';
import { once } from 'node:events';
import { connect, createServer } from 'node:net';
import { expect } from 'chai';
import { gen, IOLoop, ioloop, timedelta } from '../../../compat/tornado';
import { Bound, dual, only } from '../../../lib/motor/dual';
import { rejection, uncaught, unhandled } from './outcome';

const later = <T>(value: T, ms = 5) => new Promise<T>((resolve) => setTimeout(resolve, ms, value));
const failing = (message: string, ms = 5) =>
  new Promise<never>((_, reject) => setTimeout(() => reject(new Error(message)), ms));
/** Run a body as a coroutine. */
const go = <R>(body: () => gen.Coroutine<R>) => gen.coroutine(body)();

/** A dual method as the driver makes them. */
class Doubler extends Bound {
  readonly #factor = 2;
  async double(n: number) {
    if (n < 0) throw new RangeError('negative');
    return n * this.#factor;
  }
}
const { double } = new (dual(Doubler, { double: only(1) }))();

describe('gen.coroutine', () => {
  it('gives what the generator returns', async () => {
    const add = gen.coroutine(function* (a: number, b: number) {
      return (yield later(a)) + (yield later(b));
    });
    expect(await add(2, 3)).to.equal(5);
  });

  it('gives the value of gen.Return, null by default', async () => {
    const early = function* (value?: number): gen.Coroutine<unknown> {
      yield later(1);
      throw value === undefined ? new gen.Return() : new gen.Return(value);
    };
    expect(await gen.coroutine(early)(7)).to.equal(7);
    expect(await gen.coroutine(early)()).to.equal(null);
    expect(
      await gen.coroutine(() => {
        throw new gen.Return(8);
      })(),
    ).to.equal(8);
  });

  it('throws what the generator throws, before and after a yield', async () => {
    const fail = gen.coroutine(function* (wait: boolean) {
      if (wait) yield later(1);
      throw new Error('broken');
    });
    expect(await rejection(fail(false))).to.have.property('message', 'broken');
    expect(await rejection(fail(true))).to.have.property('message', 'broken');
  });

  it('throws an error at the yield, where it can be caught, and goes on', async () => {
    const result = await go(function* () {
      const seen: string[] = [];
      for (const message of ['one', 'two']) {
        try {
          yield failing(message);
        } catch (error) {
          seen.push((error as Error).message);
        } finally {
          yield null;
        }
      }
      return [...seen, yield later('end')];
    });
    expect(result).to.deep.equal(['one', 'two', 'end']);
  });

  it('runs up to the first yield at once, and never goes on in the same stack', async () => {
    const seen: string[] = [];
    const promise = go(function* () {
      seen.push('begun');
      yield Promise.resolve();
      seen.push('ready');
      yield [];
      seen.push('empty');
    });
    seen.push('called');
    await promise;
    expect(seen).to.deep.equal(['begun', 'called', 'ready', 'empty']);
  });

  it('goes on in a later microtask, also after a thenable that answers at once', async () => {
    let inside = false;
    let nested = false;
    const answersAtOnce: PromiseLike<number> = {
      // biome-ignore lint/suspicious/noThenProperty: a foreign promise is what is tested
      then(done) {
        inside = true;
        void done?.(1);
        inside = false;
        return Promise.reject(new Error('not to be looked at')) as never;
      },
    };
    await unhandled(() =>
      go(function* () {
        yield answersAtOnce;
        nested = inside;
      }),
    );
    expect(nested).to.equal(false);
  });

  it('keeps this and arguments, and the name', async () => {
    const user = {
      name: 'Ada',
      greet: gen.coroutine(function* greet(this: { name: string }, ...words: string[]) {
        yield later(1);
        return [...words, this.name].join(' ');
      }),
    };
    expect(await user.greet('good', 'morning')).to.equal('good morning Ada');
    expect(user.greet.name).to.equal('greet');
  });

  it('takes a function that is no generator', async () => {
    expect(await gen.coroutine((n: number) => n + 1)(1)).to.equal(2);
    expect(await gen.coroutine(async (n: number) => n + 1)(1)).to.equal(2);
    const error = new Error('plain');
    const fail = gen.coroutine(() => {
      throw error;
    });
    expect(await rejection(fail())).to.equal(error);
    expect(() => gen.coroutine(5 as never)).to.throw(TypeError, 'gen.coroutine takes a function');
  });

  it('decorates methods', async () => {
    const ended: string[] = [];
    class Handler {
      #name = 'page';
      @gen.coroutine
      *get(id: number): gen.Coroutine<string> {
        yield later(1);
        return `${this.#name} ${id}`;
      }
      @gen.coroutine
      static *make(): gen.Coroutine<Handler> {
        yield null;
        return new Handler();
      }
      @gen.engine
      *post(): gen.Coroutine<undefined> {
        yield later(1);
        ended.push(this.#name);
      }
    }
    const handler = (await Handler.make()) as unknown as Handler;
    const promise = handler.get(7);
    expect(promise).to.be.instanceOf(Promise);
    expect(await promise).to.equal('page 7');
    expect(handler.post()).to.equal(undefined);
    await later(null, 20);
    expect(ended).to.deep.equal(['page']);
    expect(() => gen.coroutine(() => 1, { kind: 'getter' } as never)).to.throw(TypeError, 'decorates methods');
  });

  it('takes a callback from a last plain object, and leaves that object alone', async () => {
    const seen: unknown[] = [];
    const divide = gen.coroutine(function* (a: number, kw: { by?: number; callback?: unknown } = {}) {
      seen.push(kw);
      yield null;
      if (kw.by === 0) throw new RangeError('by zero');
      return a / (kw.by ?? 1);
    });
    const call = (kw: object) =>
      new Promise((resolve) => {
        const given = { ...kw, callback: (...outcome: unknown[]) => resolve(outcome) };
        expect(divide(6, given)).to.equal(undefined);
        expect(given.callback).to.be.a('function');
      });
    expect(await call({ by: 2 })).to.deep.equal([3, null]);
    expect(await call({})).to.deep.equal([6, null]);
    const [result, error] = (await call({ by: 0 })) as [unknown, Error];
    expect(result).to.equal(null);
    expect(error).to.be.instanceOf(RangeError);
    expect(seen).to.deep.equal([{ by: 2 }, {}, { by: 0 }]);
    expect(await divide(6, { by: 3, callback: 'text' })).to.equal(2);
  });

  it('takes no trailing function for a callback', async () => {
    const apply = gen.coroutine(function* (fn: (n: number) => number) {
      return fn(yield later(3));
    });
    expect(await apply((n) => n * n)).to.equal(9);
  });

  it('leaves what a callback throws to the application', async () => {
    let calls = 0;
    const one = gen.coroutine(function* (_kw: object) {
      return yield later(1);
    });
    let rejections: unknown[] = [];
    const errors = await uncaught(async () => {
      rejections = await unhandled(async () => {
        const called = new Promise<void>((resolve) => {
          one({
            callback: () => {
              calls += 1;
              resolve();
              throw new Error('of the application');
            },
          });
        });
        await called;
      });
    });
    expect(errors).to.have.length(1).with.nested.property('[0].message', 'of the application');
    expect(rejections).to.deep.equal([]);
    expect(calls).to.equal(1);
  });

  it('leaves an error that nobody handles to the language', async () => {
    const error = new Error('nobody');
    const errors = await unhandled(() => {
      void go(function* () {
        yield null;
        throw error;
      });
    });
    expect(errors).to.deep.equal([error]);
  });

  it('loops over ready values without end to the stack', async () => {
    const total = await go(function* () {
      let sum = 0;
      for (let i = 0; i < 100_000; i++) sum += yield Promise.resolve(1);
      for (let i = 0; i < 10_000; i++) sum += (yield [])?.length;
      return sum;
    });
    expect(total).to.equal(100_000);
  });

  it('calls itself 10000 deep', async () => {
    const depth: (n: number) => Promise<number> = gen.coroutine(function* (n: number): gen.Coroutine<number> {
      if ((yield Promise.resolve(n)) === 0) return 0;
      return 1 + (yield depth(n - 1));
    });
    expect(await depth(10_000)).to.equal(10_000);
  });

  it('leaves I/O its turn while many loop over ready values', async () => {
    const server = createServer((socket) => socket.pipe(socket)).listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as { port: number };
    let done = false;
    let turns = 0;
    const spin = gen.coroutine(function* () {
      while (!done) {
        yield Promise.resolve();
        turns += 1;
        if (turns > 5_000_000) throw new Error('I/O was starved');
      }
    });
    const spinning = Promise.all([spin(), spin(), spin()]);
    const socket = connect(port, '127.0.0.1');
    socket.write('ping');
    expect(String((await once(socket, 'data'))[0])).to.equal('ping');
    done = true;
    await spinning;
    socket.destroy();
    server.close();
    await once(server, 'close');
    expect(turns).to.be.greaterThan(1000);
  });

  it('takes one macrotask per 1000 turns, whoever takes them', async () => {
    const spin = gen.coroutine(function* (n: number) {
      for (let i = 0; i < n; i++) yield Promise.resolve();
    });
    let macrotasks = 0;
    let done = false;
    const count = () => {
      macrotasks += 1;
      if (!done) setImmediate(count);
    };
    setImmediate(count);
    await Promise.all(Array.from({ length: 100 }, () => spin(100)));
    done = true;
    expect(macrotasks).to.be.within(8, 12);
  });

  it('keeps AsyncLocalStorage apart', async () => {
    const storage = new AsyncLocalStorage<number>();
    const ask = gen.coroutine(function* () {
      const seen = new Set<unknown>();
      for (let i = 0; i < 1500; i++) {
        yield Promise.resolve();
        seen.add(storage.getStore());
      }
      return [...seen];
    });
    const seen = await Promise.all([1, 2, 3].map((n) => storage.run(n, ask)));
    expect(seen).to.deep.equal([[1], [2], [3]]);
  });
});

describe('what may be yielded', () => {
  it('promises, thenables and null', async () => {
    // biome-ignore lint/suspicious/noThenProperty: a foreign promise is what is tested
    const foreign = { then: (done: (n: number) => void) => setTimeout(done, 1, 4) };
    const results = await go(function* () {
      return [yield later(1), yield foreign, yield null, yield undefined];
    });
    expect(results).to.deep.equal([1, 4, null, null]);
  });

  it('null, which gives the loop a turn', async () => {
    const seen: string[] = [];
    await go(function* () {
      setImmediate(() => seen.push('loop'));
      yield Promise.resolve();
      seen.push('ready');
      yield null;
      seen.push('turn');
      setImmediate(() => seen.push('loop'));
      yield gen.moment;
      seen.push('moment');
      setImmediate(() => seen.push('loop'));
      yield gen.moment;
      seen.push('moment again');
    });
    expect(seen).to.deep.equal(['ready', 'loop', 'turn', 'loop', 'moment', 'loop', 'moment again']);
  });

  it('arrays, objects and Maps, empty, nested, in the same places', async () => {
    const results = await go(function* () {
      return [
        yield [later('slow', 20), later('fast', 1)],
        yield { a: later(1), b: { c: [later(2), null] }, ['__proto__']: later(3) },
        yield new Map<unknown, unknown>([[7, later(4)]]),
        yield [],
        yield {},
        yield Object.create(null),
        yield [[], [{}], gen.Task(double, 2)],
      ];
    });
    expect(results).to.deep.equal([
      ['slow', 'fast'],
      { a: 1, b: { c: [2, null] }, ['__proto__']: 3 },
      new Map([[7, 4]]),
      [],
      {},
      {},
      [[], [{}], 4],
    ]);
  });

  it('in a list all begin before the first is waited for', async () => {
    const begun: string[] = [];
    const start = (name: string, callback: () => void) => {
      begun.push(name);
      setTimeout(callback, 10);
    };
    const promise = go(function* () {
      yield [gen.Task(start, 'a'), { b: gen.Task(start, 'b') }, gen.Task(start, 'c')];
    });
    expect(begun).to.deep.equal(['a', 'b', 'c']);
    await promise;
  });

  it('of several errors in a list the first in order is thrown, after all are done, and none is unhandled', async () => {
    let last = false;
    let message = '';
    const errors = await unhandled(() =>
      go(function* () {
        try {
          yield [later(1), failing('first', 15), failing('second', 1), later(2, 25).then(() => (last = true))];
        } catch (error) {
          message = (error as Error).message;
        }
      }),
    );
    expect(message).to.equal('first');
    expect(last).to.equal(true);
    expect(errors).to.deep.equal([]);
  });

  const client = new (class Client {})();
  for (const [what, value] of [
    ['a number', 5],
    ['a string', 'text'],
    ['a boolean', false],
    ['a function', () => {}],
    ['a symbol', Symbol('s')],
    ['class Date', new Date()],
    ['class Set', new Set()],
    ['class Client', client],
  ] as const) {
    it(`not ${what.replace('class', 'an object of class')}, alone or in a list: BadYieldError inside`, async () => {
      const result = await go(function* () {
        const seen: Error[] = [];
        for (const yielded of [value, [value], { a: [later(1), value] }]) {
          try {
            yield yielded;
          } catch (error) {
            seen.push(error as Error);
          }
        }
        return [...seen, yield later('goes on')];
      });
      expect(result.pop()).to.equal('goes on');
      expect(result).to.have.length(3);
      for (const error of result) expect(error).to.be.instanceOf(gen.BadYieldError).and.instanceOf(Error);
      for (const error of result) expect(error.message).to.include(what);
    });
  }

  it('not a list that contains itself; one that stands in two places is no such', async () => {
    const circle: unknown[] = [];
    circle.push(circle);
    expect(
      await rejection(
        go(function* () {
          yield circle;
        }),
      ),
    )
      .to.be.instanceOf(gen.BadYieldError)
      .with.property('message')
      .that.includes('contains itself');
    const twice = [later(1)];
    expect(await gen.multi([twice, { twice }])).to.deep.equal([[1], { twice: [1] }]);
  });
});

describe('gen.engine', () => {
  it('gives undefined, and runs', async () => {
    let ended = 0;
    const handle = gen.engine(function* (n: number) {
      ended += yield later(n);
    });
    expect(handle(2)).to.equal(undefined);
    await later(null, 20);
    expect(ended).to.equal(2);
  });

  it('leaves an error to the application, also one before the first yield', async () => {
    const handle = gen.engine(function* (wait: boolean) {
      if (wait) yield null;
      throw new Error(`wait ${wait}`);
    });
    const errors = await uncaught(() => {
      handle(false);
      handle(true);
    });
    expect(errors.map((error) => (error as Error).message)).to.deep.equal(['wait false', 'wait true']);
  });

  it('refuses a returned value', async () => {
    for (const value of [5, null]) {
      const errors = await uncaught(() => gen.engine(() => value)());
      expect(errors).to.have.length(1);
      expect(errors[0]).to.be.instanceOf(gen.ReturnValueIgnoredError);
    }
    const [error] = await uncaught(
      gen.engine(() => {
        throw new gen.Return(5);
      }),
    );
    expect(error).to.be.instanceOf(gen.ReturnValueIgnoredError);
  });

  it('takes gen.Return without a value for a plain return', async () => {
    const errors = await uncaught(
      gen.engine(() => {
        throw new gen.Return();
      }),
    );
    expect(errors).to.deep.equal([]);
  });
});

describe('gen.Task', () => {
  it('gives the result of a dual method, or throws its error', async () => {
    expect(
      await go(function* () {
        return yield gen.Task(double, 21);
      }),
    ).to.equal(42);
    const error = await rejection(
      go(function* () {
        yield gen.Task(double, -1);
      }),
    );
    expect(error).to.be.instanceOf(RangeError);
  });

  it('takes a coroutine, and dual methods of the loop', async () => {
    const loop = new IOLoop();
    const triple = gen.coroutine(function* (n: number) {
      return (yield later(n)) * 3;
    });
    expect(
      await go(function* () {
        return [yield gen.Task(triple, 4), yield gen.Task(loop.run_sync, () => 5)];
      }),
    ).to.deep.equal([12, 5]);
  });

  it('gives null, the argument, or all of them', async () => {
    const back = (args: unknown[], callback: (...args: unknown[]) => void) => setTimeout(callback, 1, ...args);
    const [none, one, two, list] = await go(function* () {
      return [
        yield gen.Task(back, []),
        yield gen.Task(back, ['one']),
        yield gen.Task(back, [null, new Error('an argument')]),
        yield gen.Task(back, [[1, 2]]),
      ];
    });
    expect(none).to.equal(null);
    expect(one).to.equal('one');
    expect(two).to.be.instanceOf(gen.Arguments).with.length(2);
    expect(two.args).to.equal(two);
    expect(two.kwargs).to.deep.equal({});
    expect(two.slice(0, 1)).to.not.be.instanceOf(gen.Arguments);
    expect(list).to.deep.equal([1, 2]).and.not.instanceOf(gen.Arguments);
  });

  it('takes a callback that is called at once, and only the first time', async () => {
    const twice = (callback: (n: number) => void) => {
      callback(1);
      callback(2);
    };
    expect(
      await go(function* () {
        return yield gen.Task(twice);
      }),
    ).to.equal(1);
  });

  it('gives a promise that the callback got as it is', async () => {
    const promise = Promise.reject(new Error('of the promise'));
    const loop = new IOLoop();
    const settled = await go(function* () {
      const future = yield gen.Task(loop.add_future, promise);
      return [future];
    });
    expect(settled[0]).to.equal(promise);
  });

  it('throws what the function throws at once', async () => {
    const task = gen.Task(() => {
      throw new Error('at once');
    });
    expect(await rejection(task)).to.have.property('message', 'at once');
    expect(() => gen.Task(5 as never)).to.throw(TypeError, 'gen.Task: the first argument must be a function');
  });

  it('starts when yielded or awaited, not before, and only once', async () => {
    let calls = 0;
    const count = (callback: (n: number) => void) => {
      calls += 1;
      callback(calls);
    };
    const task = new gen.Task(count);
    await later(null);
    expect(calls).to.equal(0);
    expect(await task).to.equal(1);
    expect(await task).to.equal(1);
    expect(task).to.be.instanceOf(gen.Task);
    expect(gen.Task(count)).to.be.instanceOf(gen.Task);
  });

  it('waits by add_timeout', async () => {
    const loop = new IOLoop();
    const begun = performance.now();
    const result = await go(function* () {
      return yield gen.Task(loop.add_timeout, timedelta({ milliseconds: 30 }));
    });
    expect(result).to.equal(null);
    expect(performance.now() - begun).to.be.within(29, 500);
  });
});

describe('gen.Callback and gen.Wait', () => {
  it('work in either order', async () => {
    const result = await go(function* () {
      const before = yield gen.Callback('before');
      before(1);
      const first = yield gen.Wait('before');
      setTimeout(yield gen.Callback('after'), 5, 2, null);
      const second = yield gen.Wait('after');
      return [first, second];
    });
    expect(result).to.deep.equal([1, [2, null]]);
    expect(result[1]).to.be.instanceOf(gen.Arguments);
  });

  it('give result and error without throwing', async () => {
    const error = new Error('an argument');
    const result = await go(function* () {
      (yield gen.Callback(1))(null, error);
      return yield gen.Wait(1);
    });
    expect([...result]).to.deep.equal([null, error]);
  });

  it('wait for all of several', async () => {
    const result = await go(function* () {
      setTimeout(yield gen.Callback('a'), 10, 1);
      setTimeout(yield gen.Callback('b'), 1);
      return yield gen.WaitAll(['a', 'b']);
    });
    expect(result).to.deep.equal([1, null]);
  });

  it('take a key again once it was waited for', async () => {
    const result = await go(function* () {
      const seen = [];
      for (const n of [1, 2]) {
        (yield gen.Callback('key'))(n);
        seen.push(yield gen.Wait('key'));
      }
      return seen;
    });
    expect(result).to.deep.equal([1, 2]);
  });

  it('of two coroutines do not meet', async () => {
    const one = gen.coroutine(function* (n: number) {
      setTimeout(yield gen.Callback('key'), 5, n);
      return yield gen.Wait('key');
    });
    expect(await Promise.all([one(1), one(2)])).to.deep.equal([1, 2]);
  });

  it('the same key twice: KeyReuseError', async () => {
    const error = await rejection(
      go(function* () {
        yield gen.Callback('key');
        yield gen.Callback('key');
      }),
    );
    expect(error).to.be.instanceOf(gen.KeyReuseError).with.property('message').that.includes("'key'");
  });

  it('an unknown key: UnknownKeyError', async () => {
    for (const point of [gen.Wait('key'), gen.WaitAll(['key'])]) {
      const error = await rejection(
        go(function* () {
          yield point;
        }),
      );
      expect(error).to.be.instanceOf(gen.UnknownKeyError);
    }
  });

  it('a key that nobody waited for: LeakedCallbackError, unless an error came between', async () => {
    const leak = gen.coroutine(function* (end: 'return' | 'Return' | 'throw' | 'catch') {
      yield gen.Callback('key');
      if (end === 'Return') throw new gen.Return(1);
      if (end === 'throw') throw new Error('own');
      if (end === 'catch') {
        try {
          yield failing('caught');
        } catch {
          return 2;
        }
      }
      return 1;
    });
    for (const end of ['return', 'Return'] as const) {
      const error = await rejection(leak(end));
      expect(error).to.be.instanceOf(gen.LeakedCallbackError).with.property('message').that.includes("'key'");
    }
    expect(await rejection(leak('throw'))).to.have.property('message', 'own');
    expect(await leak('catch')).to.equal(2);
  });

  it('cannot be awaited', async () => {
    expect(await rejection(gen.Wait('key'))).to.be.instanceOf(gen.BadYieldError);
    expect(await rejection(gen.multi([gen.Callback('key')]))).to.be.instanceOf(gen.BadYieldError);
  });
});

describe('later helpers of gen', () => {
  it('sleep', async () => {
    const begun = performance.now();
    expect(await gen.sleep(0.03)).to.equal(null);
    expect(performance.now() - begun).to.be.within(29, 500);
    expect(await gen.sleep(-1)).to.equal(null);
    for (const seconds of ['1', Number.NaN, Number.POSITIVE_INFINITY, null]) {
      expect(await rejection(gen.sleep(seconds as never))).to.be.instanceOf(TypeError);
    }
  });

  it('moment, any number of times', async () => {
    for (let i = 0; i < 3; i++) {
      let turned = false;
      setImmediate(() => {
        turned = true;
      });
      expect(await gen.moment).to.equal(null);
      expect(turned).to.equal(true);
    }
  });

  it('multi', async () => {
    expect(await gen.multi([later(1), gen.Task(double, 2)])).to.deep.equal([1, 4]);
    expect(await gen.multi({ a: later(1) })).to.deep.equal({ a: 1 });
    expect(await rejection(gen.multi([5]))).to.be.instanceOf(gen.BadYieldError);
  });

  it('maybe_future', async () => {
    expect(await gen.maybe_future(5)).to.equal(5);
    expect(await gen.maybe_future(later(6))).to.equal(6);
    expect(await rejection(gen.maybe_future(failing('it')))).to.have.property('message', 'it');
  });

  it('with_timeout gives the result in time, for each kind of deadline', async () => {
    const soon = Date.now() + 5000;
    for (const deadline of [soon / 1000, new Date(soon), timedelta({ seconds: 5 })]) {
      expect(await gen.with_timeout(deadline, later(1))).to.equal(1);
    }
    expect(await rejection(gen.with_timeout(timedelta({ seconds: 5 }), failing('own')))).to.have.property(
      'message',
      'own',
    );
  });

  it('with_timeout fails when the deadline comes first; the operation goes on, and its error is handled', async () => {
    let ended = false;
    const errors = await unhandled(async () => {
      const slow = failing('later', 40).finally(() => {
        ended = true;
      });
      const error = await rejection(gen.with_timeout(timedelta({ milliseconds: 10 }), slow));
      expect(error).to.be.instanceOf(gen.TimeoutError);
      expect(ended).to.equal(false);
      await later(null, 60);
    });
    expect(ended).to.equal(true);
    expect(errors).to.deep.equal([]);
  });

  it('with_timeout fails at once when the deadline is past, even if the result is there', async () => {
    for (const deadline of [0, new Date(0), timedelta({ seconds: -1 })]) {
      expect(await rejection(gen.with_timeout(deadline, Promise.resolve(1)))).to.be.instanceOf(gen.TimeoutError);
    }
    expect(gen.TimeoutError).to.equal(ioloop.TimeoutError);
  });

  it('with_timeout refuses what is no deadline', async () => {
    for (const deadline of ['1', null, Number.NaN, new Date(Number.NaN), {}]) {
      expect(await rejection(gen.with_timeout(deadline as never, later(1)))).to.be.instanceOf(TypeError);
    }
  });
});

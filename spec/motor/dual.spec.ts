import { AsyncLocalStorage } from 'node:async_hooks';
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { runInNewContext } from 'node:vm';
import { expect } from 'chai';
import * as sinon from 'sinon';
import { ConfigurationError } from '../../lib/core/errors';
import { Bound, DUAL, dual, only } from '../../lib/motor/dual';
import { type Given, integer, keywords, orNull } from '../../lib/motor/keywords';
import type { Callback, Dual } from '../../typings/dual';

const FIND = keywords({ skip: [0, integer], max_time_ms: [null, orNull(integer)] });

/** Answers with what it was called with. */
class Sample extends Bound {
  static readonly kind = 'sample';
  #preference = 0;

  find_one(spec: object | null = null, kw: Given<typeof FIND> = {}): Promise<unknown[]> {
    const options = FIND.read('find_one', kw);
    return Promise.resolve([spec, options.skip]);
  }
  count(): Promise<number> {
    // biome-ignore lint/complexity/noArguments: what it was called with, though it declares nothing
    return Promise.resolve(arguments.length);
  }
  fail(error: unknown = new Error('failed')): Promise<never> {
    return Promise.reject(error);
  }
  fail_now(): Promise<never> {
    throw new RangeError('at once');
  }
  group(
    ...args: [key: unknown, initial: number, reduce: () => void, finalize?: (() => void) | null]
  ): Promise<unknown> {
    return Promise.resolve(args);
  }
  eval(code: string | (() => void), ...args: (number | object | null)[]): Promise<unknown[]> {
    return Promise.resolve([code, ...args]);
  }
  command(name: string, value: number | Given<typeof FIND> = 1, kw: Given<typeof FIND> = {}): Promise<unknown[]> {
    return Promise.resolve([name, value, FIND.read('command', kw).skip]);
  }
  twice(): Promise<unknown[]> {
    return Promise.all([this.count(), this.find_one({ twice: true })]);
  }
  get_self(): this {
    return this;
  }
  get full_name(): string {
    return 'a.sample';
  }
  get read_preference(): number {
    return this.#preference;
  }
  set read_preference(value: number) {
    this.#preference = value;
  }
}

const MotorSample = dual(
  Sample,
  {
    find_one: 1,
    count: only(0),
    fail: only(1),
    fail_now: only(0),
    group: only(4, { functions: 4 }),
    eval: only(1, { functions: 1, rest: true }),
    command: { positional: 2, keywordsFrom: 1 },
    twice: only(0),
  },
  { name: 'MotorSample' },
);
type MotorSample = Dual<Sample>;

/** Calls that the types forbid, as plain JavaScript makes them. */
type Loose = Record<string, (...args: unknown[]) => unknown>;
const loose = (sample: MotorSample): Loose => sample as unknown as Loose;

interface Outcome {
  returned: unknown;
  result: unknown;
  error: Error | null;
}

/** Call with a callback last, and wait a little longer than needed, so that a second call would be seen. */
async function called(name: string, ...args: unknown[]): Promise<Outcome> {
  const seen: [unknown, Error | null][] = [];
  let returned: unknown = 'nothing yet';
  const done = new Promise<void>((resolve) => {
    const callback: Callback<unknown> = (result, error) => {
      expect(returned).to.equal(undefined, 'called before the method returned');
      seen.push([result, error]);
      resolve();
    };
    returned = loose(new MotorSample())[name]?.(...args, callback);
  });
  await done;
  await new Promise((resolve) => setTimeout(resolve, 2));
  expect(seen).to.have.length(1);
  const [[result, error] = [undefined, null]] = seen;
  return { returned, result, error };
}

async function rejection(promise: unknown): Promise<Error> {
  expect(promise).to.be.instanceOf(Promise);
  return (promise as Promise<unknown>).then(
    () => expect.fail('it was fulfilled'),
    (error: Error) => error,
  );
}

describe('A dual method without a callback', () => {
  it('returns the very Promise of the implementation', () => {
    const promise = Promise.resolve(1);
    class Same extends Bound {
      get_it(): Promise<number> {
        return promise;
      }
    }
    const Dualled = dual(Same, { get_it: only(0) });
    expect(new Dualled().get_it()).to.equal(promise);
  });

  it('rejects with what the implementation throws', async () => {
    expect(await rejection(new MotorSample().fail_now())).to.be.instanceOf(RangeError);
  });

  it('takes null and undefined, last or as the keyword, for none', async () => {
    const sample = new MotorSample();
    for (const none of [null, undefined]) {
      expect(await loose(sample).find_one?.({ a: 1 }, { skip: 2 }, none)).to.deep.equal([{ a: 1 }, 2]);
      expect(await loose(sample).find_one?.({ a: 1 }, none)).to.deep.equal([{ a: 1 }, 0]);
      expect(await loose(sample).find_one?.({ a: 1 }, { callback: none })).to.deep.equal([{ a: 1 }, 0]);
      expect(await loose(sample).count?.(none)).to.equal(0);
      expect(await loose(sample).count?.({ callback: none })).to.equal(0);
    }
  });

  it('takes the first object for the document, whatever is in it', async () => {
    expect(await new MotorSample().find_one({ callback: 7, safe: true })).to.deep.equal([
      { callback: 7, safe: true },
      0,
    ]);
  });
});

describe('A dual method with a callback', () => {
  it('returns undefined and calls once, after it has returned', async () => {
    expect(await called('find_one', { a: 1 }, { skip: 3 })).to.deep.equal({
      returned: undefined,
      result: [{ a: 1 }, 3],
      error: null,
    });
    expect((await called('find_one')).result).to.deep.equal([null, 0]);
    expect((await called('find_one', { a: 1 })).result).to.deep.equal([{ a: 1 }, 0]);
    expect((await called('find_one', { a: 1 }, null)).result).to.deep.equal([{ a: 1 }, 0]);
    expect((await called('find_one', undefined, { skip: 1 })).result).to.deep.equal([null, 1]);
  });

  it('gives it failures, also those thrown by the implementation', async () => {
    const failed = await called('fail');
    expect(failed.result).to.equal(null);
    expect(failed.error).to.be.an('error').with.property('message', 'failed');
    expect((await called('fail_now')).error).to.be.instanceOf(RangeError);
  });

  it('takes it as a keyword', (done) => {
    const returned = new MotorSample().find_one(
      { a: 1 },
      {
        skip: 5,
        callback: (result, error) => {
          expect(error).to.equal(null);
          expect(result).to.deep.equal([{ a: 1 }, 5]);
          done();
        },
      },
    );
    expect(returned).to.equal(undefined);
  });

  it('takes it as the keyword of a method that has no others, and does not hand it on', (done) => {
    new MotorSample().count({
      callback: (result) => {
        expect(result).to.equal(0);
        done();
      },
    });
  });

  it('takes it among keywords from another realm', (done) => {
    const kw = runInNewContext('({ skip: 4 })') as { skip: number; callback?: unknown };
    kw.callback = (result: unknown) => {
      expect(result).to.deep.equal([null, 4]);
      done();
    };
    loose(new MotorSample()).find_one?.(null, kw);
  });

  it('fails when it is given twice', async () => {
    const { error } = await called('find_one', {}, { callback: () => expect.fail('the wrong one') });
    expect(error)
      .to.be.instanceOf(TypeError)
      .with.property('message')
      .that.matches(/^find_one: .*twice/);
  });

  it('throws at once when it is no function', () => {
    const sample = loose(new MotorSample());
    const message = 'callback must be a callable';
    for (const bad of [0, '', false, 'f', 7, true, 5n, {}, []]) {
      expect(() => sample.find_one?.({}, { callback: bad })).to.throw(TypeError, message);
      expect(() => sample.count?.({ callback: bad })).to.throw(TypeError, message);
      expect(() => sample.find_one?.({}, {}, bad)).to.throw(TypeError, message);
      if (typeof bad === 'object') continue; // keywords could stand there
      expect(() => sample.find_one?.({}, bad)).to.throw(TypeError, message);
      expect(() => sample.count?.(bad)).to.throw(TypeError, message);
    }
  });

  it('keeps the AsyncLocalStorage of the call', async () => {
    const storage = new AsyncLocalStorage<string>();
    const seen = await Promise.all(
      ['one', 'two'].map(
        (name) =>
          new Promise((resolve) => {
            storage.run(name, () => new MotorSample().count(() => resolve(storage.getStore())));
          }),
      ),
    );
    expect(seen).to.deep.equal(['one', 'two']);
  });

  it('leaves what the callback throws to the application, which sees it once', () => {
    const script = `
      const { Bound, dual, only } = require(${JSON.stringify(join(__dirname, '../../lib/motor/dual'))});
      class Sample extends Bound {
        ok() { return Promise.resolve(1); }
        fail() { return Promise.reject(new Error('failed')); }
        now() { throw new Error('now'); }
      }
      dual(Sample, { ok: only(0), fail: only(0), now: only(0) });
      const seen = { uncaught: [], rejections: 0, calls: 0 };
      process.on('uncaughtException', (error, origin) => seen.uncaught.push(origin + ' ' + error.message));
      process.on('unhandledRejection', () => { seen.rejections += 1; });
      for (const name of ['ok', 'fail', 'now']) {
        new Sample()[name]((result, error) => { seen.calls += 1; throw new Error('thrown by ' + name); });
      }
      setTimeout(() => console.log(JSON.stringify(seen)), 20);
    `;
    const { stdout, stderr } = spawnSync(process.execPath, ['-e', script], { encoding: 'utf8' });
    expect(stderr).to.equal('');
    const seen = JSON.parse(stdout) as { uncaught: string[]; rejections: number; calls: number };
    expect(seen.uncaught).to.have.members([
      'uncaughtException thrown by ok',
      'uncaughtException thrown by fail',
      'uncaughtException thrown by now',
    ]);
    expect(seen).to.include({ rejections: 0, calls: 3 });
  });
});

describe('The arguments of a dual method', () => {
  it('are refused when there are too many', async () => {
    const sample = loose(new MotorSample());
    expect((await rejection(sample.find_one?.({}, {}, null, 5))).message).to.match(
      /^find_one: too many arguments \(4\)/,
    );
    expect((await called('count', 1)).error).to.be.instanceOf(TypeError);
    expect((await called('find_one', {}, {}, {})).error).to.be.instanceOf(TypeError);
    expect(await rejection(sample.count?.([]))).to.be.instanceOf(TypeError);
  });

  it('are not looked for where keywords are', async () => {
    expect((await rejection(loose(new MotorSample()).find_one?.({}, [1]))).message).to.equal(
      'find_one: keywords must be a plain object, not an Array',
    );
  });

  it('end with keywords that the method knows', async () => {
    const sample = loose(new MotorSample());
    for (const error of [await rejection(sample.count?.({ foo: 1 })), (await called('count', { foo: 1 })).error]) {
      expect(error).to.be.instanceOf(TypeError).with.property('message', "count: unknown keyword 'foo'");
    }
    expect((await called('find_one', {}, { foo: 1 })).error)
      .to.be.instanceOf(TypeError)
      .with.property('message')
      .that.includes("find_one: unknown keyword 'foo'");
  });

  it('throw at once when they hold a refused keyword', () => {
    const sample = loose(new MotorSample());
    for (const keyword of ['safe', 'slave_okay', 'slaveok', 'auto_start_request']) {
      for (const value of [true, false, undefined]) {
        expect(() => sample.find_one?.({}, { [keyword]: value })).to.throw(ConfigurationError, keyword);
        expect(() => sample.count?.({ [keyword]: value })).to.throw(ConfigurationError, keyword);
        expect(() => sample.count?.({ [keyword]: value }, () => {})).to.throw(ConfigurationError, keyword);
      }
    }
  });

  it('may be functions at their fixed positions', async () => {
    const reduce = () => {};
    const finalize = () => {};
    const sample = new MotorSample();
    expect(await sample.group(null, 0, reduce, finalize)).to.deep.equal([null, 0, reduce, finalize]);
    expect((await called('group', null, 0, reduce, finalize)).result).to.deep.equal([null, 0, reduce, finalize]);
    expect((await called('group', null, 0, reduce, null)).result).to.deep.equal([null, 0, reduce, null]);
  });

  it('may be any number, and then only a function in the last place is the callback', async () => {
    const code = () => {};
    expect(await new MotorSample().eval(code, 1, null, { a: 1 })).to.deep.equal([code, 1, null, { a: 1 }]);
    expect((await called('eval', code, 1, 2)).result).to.deep.equal([code, 1, 2]);
    expect((await called('eval', code)).result).to.deep.equal([code]);
    const result = await new Promise((resolve) => new MotorSample().eval('x', 1, { callback: resolve }));
    expect(result).to.deep.equal(['x', 1]);
  });

  it('may leave out an optional position before the keywords', async () => {
    const sample = new MotorSample();
    expect(await sample.command('ping')).to.deep.equal(['ping', 1, 0]);
    expect(await sample.command('ping', { skip: 2 })).to.deep.equal(['ping', 1, 2]);
    expect(await sample.command('ping', 7, { skip: 2 })).to.deep.equal(['ping', 7, 2]);
    expect((await called('command', 'ping', { skip: 2 })).result).to.deep.equal(['ping', 1, 2]);
    const result = await new Promise((resolve) => sample.command('ping', { skip: 3, callback: resolve }));
    expect(result).to.deep.equal(['ping', 1, 3]);
  });

  it('may leave it out by a rule of the method', async () => {
    class Builder extends Bound {
      execute(write_concern: object | null = null, kw: Given<typeof FIND> = {}): Promise<unknown[]> {
        return Promise.resolve([write_concern, kw.skip]);
      }
    }
    const isKeywords = (x: object) => 'skip' in x || 'callback' in x;
    const builder = new (dual(Builder, { execute: { positional: 1, keywordsFrom: 0, isKeywords } }))();
    expect(await builder.execute({ w: 1 })).to.deep.equal([{ w: 1 }, undefined]);
    expect(await builder.execute({ skip: 1 })).to.deep.equal([null, 1]);
    expect(await new Promise((resolve) => builder.execute({ callback: resolve }))).to.deep.equal([null, undefined]);
  });
});

describe('A method of a dual class', () => {
  it('stays with its object when taken off it', async () => {
    const { find_one, count, get_self } = new MotorSample();
    expect(await find_one({ a: 1 })).to.deep.equal([{ a: 1 }, 0]);
    expect(await count()).to.equal(0);
    expect(get_self()).to.be.instanceOf(MotorSample);
  });

  it('is the same function each time, another one for another object', () => {
    const one = new MotorSample();
    const other = new MotorSample();
    for (const name of ['find_one', 'count', 'get_self', 'fail'] as const) {
      expect(one[name]).to.equal(one[name]);
      expect(one[name]).to.not.equal(other[name]);
      expect(one[name].name).to.equal(`bound ${name}`);
      expect(MotorSample.prototype[name].name).to.equal(name);
    }
  });

  it('is marked when it is dual', () => {
    const sample = new MotorSample();
    const marked = (fn: object) => (fn as { [DUAL]?: boolean })[DUAL] === true;
    expect(DUAL).to.equal(Symbol.for('motor-mongo.dual'));
    expect(marked(sample.find_one)).to.equal(true);
    expect(marked(sample.findOne)).to.equal(true);
    expect(marked(MotorSample.prototype.find_one)).to.equal(true);
    expect(marked(sample.get_self)).to.equal(false);
  });

  it('can call others of its class', async () => {
    expect(await new MotorSample().twice()).to.deep.equal([0, [{ twice: true }, 0]]);
  });

  it('can be replaced on one object, under both its names', async () => {
    const sample = new MotorSample();
    const stub = (() => Promise.resolve(42)) as unknown as MotorSample['count'];
    sample.count = stub;
    expect(sample.count).to.equal(stub);
    expect(await new MotorSample().count()).to.equal(0);
    const stubbed = (() => Promise.resolve([])) as unknown as MotorSample['find_one'];
    sample.findOne = stubbed;
    expect(sample.find_one).to.equal(stubbed);
    expect(sample.findOne).to.equal(stubbed);
  });

  it('can be replaced by a stub of sinon, and restored', async () => {
    const sample = new MotorSample();
    const stub = sinon.stub(sample, 'count').value(() => Promise.resolve(42));
    expect(await sample.count()).to.equal(42);
    stub.restore();
    expect(await sample.count()).to.equal(0);
  });

  it('works on the prototype with `call`, and on an object that inherits from another', async () => {
    const sample = new MotorSample();
    expect(await MotorSample.prototype.count.call(sample)).to.equal(0);
    const heir = Object.create(sample) as MotorSample;
    expect(heir.get_self()).to.equal(heir);
  });

  it('leaves no trace among the keys', () => {
    const sample = new MotorSample();
    void sample.count();
    expect(Reflect.ownKeys(sample)).to.deep.equal([]);
    expect({ ...sample }).to.deep.equal({});
  });
});

describe('The camelCase alias', () => {
  it('of a method is the same function', () => {
    const sample = new MotorSample();
    expect(sample.findOne).to.equal(sample.find_one);
    expect(sample.getSelf).to.equal(sample.get_self);
  });

  it('of a property reads and writes it', () => {
    const sample = new MotorSample();
    expect(sample.fullName).to.equal('a.sample');
    sample.readPreference = 3;
    expect(sample.read_preference).to.equal(3);
  });

  it('gives way to a member of that name', () => {
    class Both extends Bound {
      get chunk_size(): string {
        return 'old';
      }
      get chunkSize(): string {
        return 'new';
      }
    }
    const both = new (dual(Both, {}))();
    expect([both.chunk_size, both.chunkSize]).to.deep.equal(['old', 'new']);
  });
});

describe('A property without setter', () => {
  it('refuses assignment also when its name begins with _', () => {
    class File extends Bound {
      get _id(): number {
        return 1;
      }
    }
    const file = new (dual(File, {}))() as { _id: number };
    expect(() => {
      file._id = 2;
    }).to.throw(TypeError, '_id of File is read-only');
  });

  it('refuses assignment by name, also in sloppy mode', () => {
    const sloppy = new Function('object', 'name', 'object[name] = 1') as (object: object, name: string) => void;
    for (const name of ['full_name', 'fullName']) {
      expect(() => sloppy(new MotorSample(), name)).to.throw(TypeError, 'full_name of MotorSample is read-only');
    }
  });
});

describe('A dual class', () => {
  it('is the class that was given, with name and statics', () => {
    expect(MotorSample).to.equal(Sample as unknown);
    expect(MotorSample.kind).to.equal('sample');
    expect(MotorSample.name).to.equal('MotorSample');
    expect(new MotorSample()).to.be.instanceOf(Sample);
  });

  it('can be extended, and its methods reached by super', async () => {
    class Sub extends Sample {
      override count(): Promise<number> {
        return super.count().then((n) => n + 100);
      }
      more_of_it(): Promise<string> {
        return Promise.resolve('more');
      }
    }
    const names = {
      find_one: 1,
      fail: only(1),
      fail_now: only(0),
      group: only(4),
      eval: only(1),
      twice: only(0),
    } as const;
    const Dualled = dual(Sub, { ...names, command: 2, count: only(0), more_of_it: only(0) });
    const sub = new Dualled();
    expect(await sub.count()).to.equal(100);
    expect(await new Promise((resolve) => sub.count(resolve))).to.equal(100);
    expect(await sub.moreOfIt()).to.equal('more');
    expect(await sub.twice()).to.deep.equal([100, [{ twice: true }, 0]]);
    // What the base has declared stays: the table of the subclass does not touch it.
    expect(await sub.command('ping', { skip: 2 })).to.deep.equal(['ping', 1, 2]);
    expect(await new MotorSample().count()).to.equal(0);
  });

  it('can be extended by users, without a table', async () => {
    class Mine extends MotorSample {
      readonly own = 1;
    }
    const { count } = new Mine();
    expect(await count()).to.equal(0);
    expect(new Mine()).to.be.instanceOf(MotorSample);
  });

  it('shares a base with others', async () => {
    class Base extends Bound {
      equals(other: unknown): boolean {
        return this === other;
      }
    }
    class One extends Base {
      do_it(): Promise<number> {
        return Promise.resolve(1);
      }
    }
    class Two extends Base {
      do_it(): Promise<number> {
        return Promise.resolve(2);
      }
    }
    const one = new (dual(One, { do_it: only(0) }))();
    const two = new (dual(Two, { do_it: only(0) }))();
    expect([await one.doIt(), await two.doIt()]).to.deep.equal([1, 2]);
    const { equals } = two;
    expect([equals(one), equals(two)]).to.deep.equal([false, true]);
  });
});

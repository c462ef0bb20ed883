import { expect } from 'chai';
import { gen, IOLoop, timedelta, web } from '../../../compat/tornado';
import { Bound, dual, only } from '../../../lib/motor/dual';
import { Op } from '../../../lib/motor/op';

type Same<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false;
/** Compiles only if the value is of exactly this type. */
const is = <T>() => ({ exactly: <U>(_value: () => U, ..._proof: Same<T, U> extends true ? [] : [never]) => {} });

// Each assertion here is made by the compiler; what is checked at run time is only that nothing is called.
class Namer extends Bound {
  async name_of(n: number) {
    return String(n);
  }
}
const namer = new (dual(Namer, { name_of: only(1) }))();

describe('types of compat/tornado', () => {
  it('infers a coroutine from its generator', () => {
    const find = gen.coroutine(function* (name: string, limit: number = 1) {
      const found = yield Promise.resolve({ name, limit });
      return `${found.name}`;
    });
    is<Promise<string>>().exactly(() => find('Ada'));
    is<Promise<string>>().exactly(() => find('Ada', 2));
    // @ts-expect-error a name is a string
    const wrong = () => find(1);
    expect(wrong).to.be.a('function');
  });

  it('infers a coroutine from a function, and knows this', () => {
    is<Promise<number>>().exactly(() => gen.coroutine(async (n: number) => n)(1));
    is<Promise<number>>().exactly(() => gen.coroutine((n: number) => n)(1));
    const loud = gen.coroutine(function* (this: { name: string }) {
      yield null;
      return this.name;
    });
    is<Promise<string>>().exactly(() => loud.call({ name: 'Ada' }));
    // @ts-expect-error it needs an object with a name
    const wrong = () => loud.call({});
    const handle = gen.engine(function* (n: number) {
      yield n;
    });
    is<undefined>().exactly(() => handle(1));
    expect(wrong).to.be.a('function');
  });

  it('infers what several things give', () => {
    is<Promise<[number, string]>>().exactly(() => gen.multi([Promise.resolve(1), Promise.resolve('a')]));
    is<Promise<{ a: number; b: [string, null] }>>().exactly(() =>
      gen.multi({ a: Promise.resolve(1), b: [Promise.resolve('a'), null] }),
    );
    is<Promise<number>>().exactly(() => gen.with_timeout(timedelta({ seconds: 1 }), Promise.resolve(1)));
    is<Promise<number>>().exactly(() => gen.maybe_future(1));
    is<Promise<number>>().exactly(() => gen.maybe_future(Promise.resolve(1)));
    is<PromiseLike<string>>().exactly((): PromiseLike<string> => gen.Task<string>(setImmediate));
  });

  it('knows the forms of run_sync and Op', () => {
    const loop = new IOLoop();
    is<Promise<number>>().exactly(() => loop.run_sync(async () => 1, { timeout: 1 }));
    is<Promise<number>>().exactly(() => loop.runSync(() => 1));
    is<Promise<null>>().exactly(() => loop.start());
    is<void>().exactly(() =>
      loop.run_sync(
        () => 1,
        (result, error) => {
          if (error) is<Error>().exactly(() => error);
          else is<number>().exactly(() => result);
        },
      ),
    );
    is<void>().exactly(() => loop.start((_result, _error) => {}));
    is<Promise<number>>().exactly(() => Op(async (n: number) => n, 1));
    is<Promise<string>>().exactly(() => Op(namer.name_of, 1));
    is<number>().exactly(() => new web.HTTPError(404).status_code);
    // @ts-expect-error a keyword run_sync does not know
    const wrong = () => loop.run_sync(() => 1, { timeot: 1 });
    // @ts-expect-error the callback takes a string
    const other = () => loop.add_callback((_text: string) => {}, 1);
    expect([wrong, other]).to.have.length(2);
    loop.close();
  });
});

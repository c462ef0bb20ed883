import { expect } from 'chai';
import { Op } from '../../lib/motor/op';

/** The process warnings that come while something runs. */
async function warnings(run: () => unknown): Promise<Error[]> {
  const seen: Error[] = [];
  const listeners = process.rawListeners('warning') as ((warning: Error) => void)[];
  const listen = (warning: Error) => seen.push(warning);
  process.removeAllListeners('warning');
  process.on('warning', listen);
  try {
    await run();
    await new Promise((resolve) => setImmediate(resolve));
  } finally {
    process.removeListener('warning', listen);
    for (const listener of listeners) process.on('warning', listener);
  }
  return seen;
}

describe('Op', () => {
  it('gives the Promise of the method, and warns with its name each time', async () => {
    const promise = Promise.resolve(3);
    const find_one = (..._args: unknown[]) => promise;
    const seen = await warnings(async () => {
      expect(Op(find_one)).to.equal(promise);
      expect(await Op(find_one, 1, { fields: null })).to.equal(3);
    });
    expect(seen.map((warning) => warning.name)).to.deep.equal(['DeprecationWarning', 'DeprecationWarning']);
    expect(seen[0]?.message).to.include('find_one');
  });

  it('passes the arguments on', async () => {
    await warnings(async () => {
      expect(await Op(async (...args: unknown[]) => args, 1, null, 'a')).to.deep.equal([1, null, 'a']);
    });
  });

  it('throws what the method throws, and TypeError where there is no Promise', async () => {
    await warnings(() => {
      expect(() => Op(() => 5)).to.throw(TypeError, 'gave no Promise');
      expect(() => Op(5 as never)).to.throw(TypeError, 'must be a function');
      const fail = () => {
        throw new RangeError('own');
      };
      expect(() => Op(fail)).to.throw(RangeError, 'own');
    });
  });
});

import { expect } from 'chai';
import { script } from './outcome';

describe('a script that uses compat/tornado', () => {
  it('ends after stop, if start is its last line', async () => {
    const { out, code, ms } = await script(`
      process.on('exit', () => console.log('exit'));
      const stop = () => { console.log('stop'); IOLoop.instance().stop(); };
      // Nothing but the loop keeps the process alive: the timer does not.
      setTimeout(stop, 300).unref();
      IOLoop.instance().start();`);
    expect([out, code]).to.deep.equal(['stop\nexit', 0]);
    expect(ms).to.be.lessThan(10_000);
  });

  it('does not end before stop', async () => {
    const { out } = await script(`
      const watch = setTimeout(() => { console.log('alive'); process.exit(); }, 500);
      watch.unref();
      IOLoop.instance().start();`);
    expect(out).to.equal('alive');
  });

  it('ends by itself when all that it scheduled has run', async () => {
    const { out, code, ms } = await script(`
      const loop = IOLoop.current();
      loop.add_callback(console.log, 'callback');
      loop.add_timeout(timedelta({ milliseconds: 20 }), console.log, 'timeout');
      const far = loop.call_later(1e6, console.log);
      loop.remove_timeout(far);
      const periodic = new PeriodicCallback(() => { console.log('periodic'); periodic.stop(); }, 40);
      periodic.start();
      gen.with_timeout(timedelta({ days: 1 }), Promise.resolve('in time')).then(console.log);
      loop.run_sync(() => 'ran', { timeout: 1e6 }).then(console.log);`);
    expect(out.split('\n')).to.have.members(['callback', 'timeout', 'periodic', 'in time', 'ran']);
    expect(code).to.equal(0);
    expect(ms).to.be.lessThan(10_000);
  });

  it('ends by itself after close', async () => {
    const { out, code, ms } = await script(`
      const loop = new IOLoop();
      loop.start().then(() => console.log('ended'));
      loop.call_later(1e6, () => {});
      new PeriodicCallback(() => {}, 1e7, { io_loop: loop }).start();
      loop.close();`);
    expect([out, code]).to.deep.equal(['ended', 0]);
    expect(ms).to.be.lessThan(10_000);
  });

  it('ends by itself after run_sync', async () => {
    const { out, code, ms } = await script(`
      IOLoop.current().run_sync(() => new Promise((done) => setTimeout(done, 50, 'done').unref())).then(console.log);`);
    expect([out, code]).to.deep.equal(['done', 0]);
    expect(ms).to.be.lessThan(10_000);
  });

  it('dies of an error in a callback, an engine, or a coroutine that nobody waits for', async () => {
    for (const body of [
      'IOLoop.current().add_callback(() => { throw new Error("mine"); });',
      'gen.engine(function* () { yield null; throw new Error("mine"); })();',
      'gen.coroutine(function* () { yield null; throw new Error("mine"); })();',
      'gen.coroutine(function* () {})({ callback() { throw new Error("mine"); } });',
      'new PeriodicCallback(async () => { throw new Error("mine"); }, 1).start();',
    ]) {
      const { err, code } = await script(`${body}\nIOLoop.current().start();`);
      expect(err).to.include('Error: mine');
      expect(code).to.equal(1);
    }
  });

  it('knows the global loop only once it was asked for', async () => {
    const { out } = await script(`
      const before = IOLoop.initialized();
      new IOLoop();
      console.log(before, IOLoop.initialized(), IOLoop.current() === IOLoop.instance(), IOLoop.initialized());`);
    expect(out).to.equal('false false true true');
  });
});

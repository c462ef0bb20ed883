import { type Server, startServer } from './server';

let running: Server | null = null;

/**
 * The server that all tests share.
 * @throws Error: called outside of a running test, as in the body of a `describe`
 */
export function server(): Server {
  if (!running) throw new Error('server(): no server runs yet; call it in a test or a hook');
  return running;
}

/** Root hooks: mocha takes them from here, see .mocharc.json. */
export const mochaHooks = {
  async beforeAll(this: Mocha.Context): Promise<void> {
    this.timeout(300_000); // the first start on an older system fetches a C library
    running = await startServer();
  },

  async afterAll(): Promise<void> {
    await running?.stop();
    running = null;
  },
};

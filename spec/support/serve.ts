/** `npm run server`: a server to play with by hand, until Ctrl-C. */

import { startServer } from './server';

async function main(): Promise<void> {
  const server = await startServer({ keepAlive: true });
  process.once('SIGINT', server.stop);
  process.once('SIGTERM', server.stop);
  console.log(`uri     ${server.uri}`);
  console.log(`socket  ${server.socketPath ?? '-'}`);
  console.log('Ctrl-C ends it and removes its data.');
}

main().catch((error: Error) => {
  console.error(error.message);
  process.exitCode = 1;
});

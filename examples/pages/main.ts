/**
 * The small web application of the asyncio tutorial: pages that are stored in MongoDB. `npm run build`, then
 * `MOTOR_URI=mongodb://localhost:27017 node dist/examples/pages/main.js`, and look at http://localhost:8080/pages/page-one.
 */

import { AsyncIOMotorClient } from 'motor-mongo/asyncio';
import { pageServer, setUp } from './pages';

async function main(): Promise<void> {
  const client = new AsyncIOMotorClient(process.env.MOTOR_URI ?? 'mongodb://localhost:27017');
  const db = client.get_database('motor_example_pages');
  await setUp(db);
  const server = pageServer(db).listen(Number(process.env.PORT ?? 8080), () => {
    const { port } = server.address() as { port: number };
    console.log(`http://localhost:${port}/pages/page-one`);
  });
  process.once('SIGINT', () => {
    server.close(() => client.close());
    server.closeAllConnections();
  });
}

main().catch((error: Error) => {
  console.error(error.message);
  process.exitCode = 1;
});

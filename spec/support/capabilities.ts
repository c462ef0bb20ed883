import { randomBytes } from 'node:crypto';
import { Code, type Document, Long } from 'bson';
import { EXHAUST_ALLOWED, flagsOf, MORE_TO_COME } from './message';
import { CommandError, RawClient, type Where } from './rawClient';

/** Each is found out by trying it, on a database of its own that is dropped afterwards. */
const TRIALS = {
  /** `$where` and other code for the server. */
  javascript: (client: RawClient, db: string) =>
    works(client, db, { find: 'none', filter: { $where: new Code('true') }, limit: 1, singleBatch: true }),
  mapReduce: (client: RawClient, db: string) =>
    isKnown(client, db, { mapReduce: 'none', map: 'function(){}', reduce: 'function(){}', out: { inline: 1 } }),
  profile: (client: RawClient, db: string) => works(client, db, { profile: -1 }),
  users: (client: RawClient, db: string) => works(client, db, { usersInfo: 1 }),
  /** Users can be made and log in. */
  authentication: async (client: RawClient, db: string) => {
    const user = { createUser: 'someone', pwd: randomBytes(9).toString('hex'), roles: [] };
    if (!(await works(client, db, user))) return false;
    const payload = Buffer.from('n,,n=someone,r=abcdefghijklmnop');
    const starts = await works(client, db, { saslStart: 1, mechanism: 'SCRAM-SHA-256', payload });
    await client.run(db, { dropUser: 'someone' });
    return starts;
  },
  sessions: async (client: RawClient) => {
    if (!(await works(client, 'admin', { startSession: 1 }))) return false;
    return typeof (await client.run('admin', { hello: 1 })).logicalSessionTimeoutMinutes === 'number';
  },
  replicaSet: async (client: RawClient) => typeof (await client.run('admin', { hello: 1 })).setName === 'string',
  mongos: async (client: RawClient) => (await client.run('admin', { hello: 1 })).msg === 'isdbgrid',
  changeStreams: async (client: RawClient, db: string) => {
    const reply = await attempt(client, db, { aggregate: 1, pipeline: [{ $changeStream: {} }], cursor: {} });
    if (reply.ok === 1)
      await client.run(db, { killCursors: '$cmd.aggregate', cursors: [Long.fromString(String(reply.cursor?.id))] });
    return reply.ok === 1;
  },
  /** `configureFailPoint` with `failCommand`. */
  failCommand: (client: RawClient) =>
    works(client, 'admin', { configureFailPoint: 'failCommand', mode: 'off', data: { failCommands: ['find'] } }),
  /** Replies to one `getMore` after another without asking again. */
  exhaust: async (client: RawClient, db: string, where: Where) => {
    await client.run(db, { insert: 'numbers', documents: [{ _id: 1 }, { _id: 2 }, { _id: 3 }, { _id: 4 }] });
    const { cursor } = await client.run(db, { find: 'numbers', batchSize: 1 });
    const other = await RawClient.connect(where);
    try {
      other.send(db, { getMore: cursor.id, collection: 'numbers', batchSize: 1 }, EXHAUST_ALLOWED);
      return (flagsOf(await other.read()) & MORE_TO_COME) !== 0;
    } finally {
      await other.close();
    }
  },
  reIndex: (client: RawClient, db: string) => isKnown(client, db, { reIndex: 'none' }),
};

/** A feature, or a plain command of the server such as `command collMod`. */
export type Capability = keyof typeof TRIALS | `command ${string}`;
export type Capabilities = ReadonlySet<Capability>;

/** Ask a server what it can do. */
export async function capabilitiesOf(where: Where): Promise<Capabilities> {
  const client = await RawClient.connect(where);
  const db = `capabilities_${randomBytes(4).toString('hex')}`;
  const found = new Set<Capability>();
  try {
    for (const [name, trial] of Object.entries(TRIALS)) {
      if (await trial(client, db, where)) found.add(name as Capability);
    }
    const { commands } = await client.run('admin', { listCommands: 1 });
    for (const name of Object.keys(commands as Document)) found.add(`command ${name}`);
    await client.run(db, { dropDatabase: 1 });
  } finally {
    await client.close();
  }
  return found;
}

/** The reply, whether `ok` or not. */
async function attempt(client: RawClient, db: string, command: Document): Promise<Document> {
  try {
    return await client.run(db, command);
  } catch (error) {
    if (error instanceof CommandError) return error.reply;
    throw error;
  }
}

async function works(client: RawClient, db: string, command: Document): Promise<boolean> {
  return (await attempt(client, db, command)).ok === 1;
}

/** Whether the command exists, whatever it says to this call. */
async function isKnown(client: RawClient, db: string, command: Document): Promise<boolean> {
  const { ok, code } = await attempt(client, db, command);
  return ok === 1 || (code !== 59 && code !== 115); // CommandNotFound, CommandNotSupported
}

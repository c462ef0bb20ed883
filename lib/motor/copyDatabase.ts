/** The `copydb` command, which servers had up to 4.0, done here. */

import type { Document } from 'bson';
import { Address } from '../core/address';
import { Cursor } from '../core/cursor';
import { Engine } from '../core/engine';
import { CollectionInvalid, OperationFailure } from '../core/errors';
import { newCredential } from '../core/options';
import { SON } from '../core/son';
import { copyDocuments, copyIndexes } from './copying';
import type { Call } from './goneCommands';

/**
 * Copy all collections of a database, then its views, into another. It is not atomic: what was copied when it fails
 * stays. The target is not emptied first.
 * @returns `{ ok: 1 }`
 * @throws DuplicateKeyError: the target holds a document with that `_id`
 * @throws OperationFailure, AutoReconnect
 */
export async function serveCopy({ engine, command }: Call): Promise<Document> {
  const { fromhost, fromdb, todb, username, password } = command;
  if (typeof fromdb !== 'string' || typeof todb !== 'string') {
    throw new OperationFailure("copydb: 'fromdb' and 'todb' must name databases", { code: 2 });
  }
  const own = (fromhost ?? null) === null && (username ?? null) === null;
  const source = own ? engine : sourceEngine(engine, fromhost ?? null, fromdb, username ?? null, password ?? null);
  try {
    const collections = await collectionsOf(source, fromdb);
    const isView = (collection: SON) => collection.get('type') === 'view';
    for (const collection of collections) if (!isView(collection)) await copyCollection(collection);
    for (const collection of collections) if (isView(collection)) await create(collection);
  } finally {
    if (!own) source.close();
  }
  return { ok: 1 };

  async function copyCollection(collection: SON): Promise<void> {
    await create(collection);
    const name = collection.get('name') as string;
    const from = { engine: source, namespace: { database: fromdb, collection: name } };
    const to = { engine, namespace: { database: todb, collection: name } };
    await copyDocuments(from, to, (collection.get('options') as SON).get('capped') === true);
    await copyIndexes(from, to);
  }

  async function create(collection: SON): Promise<void> {
    const options = new SON(collection.get('options') as SON);
    options.delete('uuid');
    if (options.get('autoIndexId') === true) options.delete('autoIndexId'); // servers no longer know it
    const creation = new SON([['create', collection.get('name')], ...options, ['$db', todb]]);
    try {
      await engine.run(Object.fromEntries(creation), () => null);
    } catch (error) {
      if (!(error instanceof CollectionInvalid)) throw error; // it exists: the documents join those that are there
    }
  }
}

/** Collections and views with their options, as ordered documents, without those that the server keeps for itself. */
async function collectionsOf(engine: Engine, database: string): Promise<SON[]> {
  const command = { listCollections: 1, filter: {}, cursor: {}, $db: database };
  const namespace = { database, collection: '$cmd.listCollections' };
  const cursor = new Cursor(engine, command, namespace, { run: { documentClass: SON } });
  return ((await cursor.toList(null)) as SON[]).filter((one) => !(one.get('name') as string).startsWith('system.'));
}

/** A client of the source, with everything else as on this one. */
function sourceEngine(
  engine: Engine,
  host: string | null,
  database: string,
  username: string | null,
  password: string | null,
): Engine {
  const { options, policy } = engine;
  return new Engine(
    {
      ...options,
      ...(host === null
        ? {}
        : { seeds: [Address.parse(host)], topology: { ...options.topology, direct: true, replicaSet: null } }),
      ...(username === null
        ? {}
        : { credential: newCredential({ username, password, source: database, mechanism: null, properties: {} }) }),
    },
    policy,
  );
}

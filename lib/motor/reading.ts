import { setImmediate as nextTurn } from 'node:timers/promises';
import type { Document } from 'bson';
import { type FindSettings, findCommand } from '../core/commands';
import { Cursor } from '../core/cursor';
import { uuidReading } from '../core/uuids';
import type { Call } from './goneCommands';
import { foldWhere } from './scopeFolding';
import { withPreference } from './settings';

/** UUIDs stay what is stored, since what is made of them may be stored again. */
const AS_STORED = uuidReading('unspecified', 'both subtypes');

/** Documents of a collection, batch by batch; in between the event loop gets its turn. Leaving early closes the cursor. */
export async function* readBatches(call: Call, collection: string, settings: FindSettings): AsyncGenerator<Document[]> {
  const namespace = { database: call.database, collection };
  const command = findCommand(namespace, { ...settings, filter: foldWhere(settings.filter) });
  const cursor = new Cursor(call.engine, withPreference(command, call.preference, call.engine), namespace, {
    limit: settings.limit ?? 0,
    run: { uuids: AS_STORED },
  });
  try {
    while (await cursor.fetch()) {
      yield await cursor.toList(cursor.buffered);
      await nextTurn();
    }
  } finally {
    await cursor.close();
  }
}

/** The `mapReduce` command, for servers without JavaScript, done here. */

import { setImmediate as nextTurn } from 'node:timers/promises';
import { type Code, type Document, ObjectId } from 'bson';
import type { Namespace, UpdateStatement } from '../core/commands';
import { entries, field, isDocument } from '../core/documents';
import type { Engine } from '../core/engine';
import { OperationFailure } from '../core/errors';
import { DEFAULT_READ_PREFERENCE } from '../core/readPreference';
import { codeOf } from './arguments';
import { compareValues, identityOf } from './bsonOrder';
import { copyIndexes } from './copying';
import type { Call } from './goneCommands';
import { asReceived, type Callee, JavaScript, warnOfJavaScript } from './javascript';
import { readBatches } from './reading';
import { writeAll } from './writing';

/** So many values of a key are reduced as soon as they are there, so that no key holds more of them in memory. */
const MOST_VALUES = 1000;
/** Keys whose code runs in one turn of the event loop. */
const KEYS_PER_TURN = 500;

/** Where the results go. */
type Mode = 'inline' | 'replace' | 'merge' | 'reduce';
export interface Output {
  readonly mode: Mode;
  readonly namespace: Namespace;
  /** As the reply names the place. */
  readonly result: string | Document;
}

interface Result {
  readonly _id: unknown;
  value: unknown;
}

/**
 * @returns with `out: { inline: 1 }` `{ results, timeMillis, counts, ok: 1 }`; else `result` in place of `results`
 * @throws OperationFailure: code 139, the code does not compile or throws: then nothing was written
 */
export async function serveMapReduce(call: Call): Promise<Document> {
  const startedAt = performance.now();
  const { command } = call;
  const collection = Object.values(command)[0] as string;
  const output = readOutput(command.out, call.database);
  warnOfJavaScript(call.engine, 'mapReduce');
  const work = new MapReduce(`mapReduce on ${call.database}.${collection}`, command);
  await work.read(call, collection);
  const results = await work.results();

  const reply: Document = { timeMillis: 0, counts: { ...work.counts, output: results.length }, ok: 1 };
  if (output.mode === 'inline') {
    reply.results = results.map((result) => asReceived(result, call));
  } else {
    if (output.mode === 'reduce') await work.joinExisting(call, output.namespace, results);
    await writeOutput(call.engine, output, results);
    reply.counts.output = await countOf(call.engine, output.namespace);
    reply.result = output.result;
  }
  reply.timeMillis = Math.round(performance.now() - startedAt);
  return reply;
}

/** The code of one map/reduce and what it has brought about so far. */
class MapReduce {
  readonly counts = { input: 0, emit: 0, reduce: 0 };
  readonly #javascript: JavaScript;
  readonly #map: Callee;
  readonly #reduce: Callee;
  readonly #finalize: Callee | null;
  readonly #command: Document;
  readonly #emitted = new Map<string, { key: unknown; values: unknown[] }>();

  constructor(description: string, command: Document) {
    const javascript = new JavaScript(description, (command.scope as Document | null | undefined) ?? {});
    const compiled = (part: string) => javascript.compile(part, codeOf('mapReduce', part, command[part]) as Code);
    this.#javascript = javascript;
    this.#command = command;
    this.#map = compiled('map');
    this.#reduce = compiled('reduce');
    this.#finalize = (command.finalize ?? null) === null ? null : compiled('finalize');
    javascript.define('emit', (key, value) => this.#emit(key, value));
  }

  async read(call: Call, collection: string): Promise<void> {
    const { query, sort, limit } = this.#command;
    const settings = {
      filter: (query as Document | null | undefined) ?? {},
      ...(limit ? { limit: Number(limit) } : {}),
    };
    if (isDocument(sort) && entries(sort).length > 0) Object.assign(settings, { sort });
    for await (const batch of readBatches(call, collection, settings)) {
      for (const document of batch) this.#map(this.#javascript.enter(document));
      this.counts.input += batch.length;
    }
  }

  #emit(key: unknown, value: unknown): void {
    this.counts.emit++;
    const identity = identityOf(key);
    const known = this.#emitted.get(identity);
    if (known === undefined) this.#emitted.set(identity, { key: key ?? null, values: [value] });
    else if (known.values.push(value) >= MOST_VALUES) known.values = [this.#reduced(known.key, known.values)];
  }

  /** One document per key, in the order of the keys. */
  async results(): Promise<Result[]> {
    const results: Result[] = [];
    const sorted = [...this.#emitted.values()].sort((a, b) => compareValues(a.key, b.key));
    for (const { key, values } of sorted) {
      const value = values.length > 1 ? this.#reduced(key, values) : values[0];
      results.push({ _id: key, value: this.#finalized(key, value) });
      if (results.length % KEYS_PER_TURN === 0) await nextTurn();
    }
    return results;
  }

  /** Reduce results together with those that stand in a collection already. */
  async joinExisting(call: Call, namespace: Namespace, results: Result[]): Promise<void> {
    const target = { ...call, database: namespace.database, preference: DEFAULT_READ_PREFERENCE };
    for (let start = 0; start < results.length; start += KEYS_PER_TURN) {
      const some = new Map(
        results.slice(start, start + KEYS_PER_TURN).map((result) => [identityOf(result._id), result]),
      );
      const filter = { _id: { $in: [...some.values()].map(({ _id }) => _id) } };
      for await (const batch of readBatches(target, namespace.collection, { filter })) {
        for (const existing of batch) {
          const result = some.get(identityOf(existing._id));
          if (result === undefined) continue;
          const value = this.#reduced(result._id, [existing.value, result.value]);
          result.value = this.#finalized(result._id, value);
        }
      }
    }
  }

  #reduced(key: unknown, values: unknown[]): unknown {
    this.counts.reduce++;
    const { enter, leave } = this.#crossing;
    return leave(this.#reduce(undefined, enter(key), enter(values)));
  }

  #finalized(key: unknown, value: unknown): unknown {
    if (this.#finalize === null) return value ?? null;
    const { enter, leave } = this.#crossing;
    return leave(this.#finalize(undefined, enter(key), enter(value))) ?? null;
  }

  get #crossing() {
    return {
      enter: (value: unknown) => this.#javascript.enter(value),
      leave: (value: unknown) => this.#javascript.leave(value),
    };
  }
}

/**
 * What `out` asks for: a name, or a document with `inline`, `replace`, `merge` or `reduce`, and perhaps `db`.
 * @throws OperationFailure: none of these
 */
export function readOutput(out: unknown, database: string): Output {
  if (typeof out === 'string') return { mode: 'replace', namespace: { database, collection: out }, result: out };
  const mode = isDocument(out)
    ? (['inline', 'replace', 'merge', 'reduce'] as const).find((name) => field(out, name) !== undefined)
    : undefined;
  if (!isDocument(out) || mode === undefined) {
    throw new OperationFailure('mapReduce: out must be a name, or a document with inline, replace, merge or reduce', {
      code: 13522,
    });
  }
  if (mode === 'inline') return { mode, namespace: { database, collection: '' }, result: '' };
  const collection = String(field(out, mode));
  const db = field(out, 'db');
  if (typeof db !== 'string') return { mode, namespace: { database, collection }, result: collection };
  return { mode, namespace: { database: db, collection }, result: { db, collection } };
}

async function writeOutput(engine: Engine, { mode, namespace }: Output, results: readonly Result[]): Promise<void> {
  if (mode === 'replace') {
    await replace(engine, namespace, results);
    return;
  }
  const statements = results.map(
    ({ _id, value }): UpdateStatement => ({ q: { _id: { $eq: _id } }, u: { _id, value }, upsert: true }),
  );
  await writeAll(engine, namespace, 'update', statements);
}

/** Readers see the old collection or the new one: it is filled aside, with the old one's indexes, and then renamed. */
async function replace(engine: Engine, target: Namespace, results: readonly Result[]): Promise<void> {
  const { database } = target;
  const aside = { database, collection: `tmp.mr.${target.collection.slice(0, 60)}.${new ObjectId()}` };
  await engine.run({ create: aside.collection, $db: database }, () => null);
  try {
    await copyIndexes({ engine, namespace: target }, { engine, namespace: aside });
    await writeAll(engine, aside, 'insert', results);
    const [renameCollection, to] = [aside, target].map(({ collection }) => `${database}.${collection}`);
    await engine.run({ renameCollection, to, dropTarget: true, $db: 'admin' }, () => null);
  } catch (error) {
    await engine.run({ drop: aside.collection, $db: database }, () => null).catch(() => null);
    throw error;
  }
}

function countOf(engine: Engine, { database, collection }: Namespace): Promise<number> {
  return engine.run({ count: collection, $db: database }, (reply) => reply.n as number);
}

/** The thread in which a blocking client has its engine; `bridge.ts` starts it. */

import './lifeline';
import { workerData } from 'node:worker_threads';
import { field, isDocument } from '../../core/documents';
import { InvalidOperation } from '../../core/errors';
import '../../index'; // every class that may be asked for
import { BatchCursor } from '../batchCursor';
import type { MotorClient } from '../client';
import { dualClasses } from '../dual';
import { ENGINE, Settings } from '../settings';
import { type End, type Packed, pack, unpack } from './codec';
import { failureOf } from './failure';
import {
  type Given,
  type Handle,
  IDLE,
  type Level,
  NEXT_BATCH,
  type Place,
  type Release,
  type Reply,
  type Request,
  SELF,
  SERVER,
  type Start,
} from './protocol';

type Target = Record<string, unknown>;

/** Most objects that are kept although they are at their end. */
const MOST_IDLE = 1000;

const { port, signal, client: className, args } = workerData as Start;

let client: MotorClient | null = null;
/** What the caller's objects stand for. */
const objects = new Map<number, object>();
/** Those that can be forgotten, the one used last at the end. */
const idle = new Set<number>();
/** Those that the call under way is about. */
const touched = new Set<number>();
let lastHandle = 0;
/** The object of the call that is being answered. */
let current: unknown = null;

/** Documents of a class of the caller's go back as what they hold, in order. */
class StandIn extends Map<string, unknown> {
  static readonly number: number;
}
const standIns = new Map<number, typeof StandIn>();

const end: End = {
  refer(object) {
    if (object === current) return { self: SELF };
    if (object instanceof Settings) return placeOf(object);
    const kind = object.constructor?.name;
    if (dualClasses.get(kind) === object.constructor) {
      lastHandle += 1;
      objects.set(lastHandle, object);
      touched.add(lastHandle);
      return { handle: lastHandle, kind } satisfies Handle;
    }
    const prototype = Object.getPrototypeOf(object);
    if (prototype === Object.prototype || prototype === null || object instanceof Map) return undefined;
    throw new InvalidOperation(`a blocking client cannot give a ${kind}`);
  },
  resolve(reference) {
    const { levels, handle } = reference as Partial<Place & Handle>;
    if (levels !== undefined) return atPlace(levels);
    const object = objects.get(handle as number);
    touched.add(handle as number);
    if (object === undefined) {
      throw new InvalidOperation(
        `this object is forgotten: it was at its end, and ${MOST_IDLE} others were since; make a new one`,
      );
    }
    return object;
  },
  numberOf: () => null,
  classOf(number) {
    const known = standIns.get(number);
    if (known !== undefined) return known;
    const made = class extends StandIn {
      static override readonly number = number;
    };
    standIns.set(number, made);
    return made;
  },
  dressAs: (document) => (document instanceof StandIn ? (document.constructor as typeof StandIn).number : null),
  dress: (_, entries) => new Map(entries),
};

function theClient(): MotorClient {
  if (client === null) {
    const Client = dualClasses.get(className) as unknown as new (...args: unknown[]) => MotorClient;
    client = new Client(...(unpack(args, end) as unknown[]));
  }
  return client;
}

/** The client, database or collection of these names, with these settings. */
function atPlace(levels: readonly Level[]): unknown {
  let place: unknown = null;
  for (const { name, settings } of levels) {
    if (name === null) place = theClient();
    else if (place === client) place = theClient().get_database(name);
    else place = (place as ReturnType<MotorClient['get_database']>).get_collection(name);
    Object.assign(place as Target, settings);
  }
  return place;
}

function placeOf(object: Settings): Place {
  const names: (string | null)[] = [null];
  const { name, database } = object as unknown as { name?: string; database?: { name: string } };
  if (object !== (client as unknown)) names.push(...('database' in object ? [database?.name ?? ''] : []), name ?? '');
  return { levels: names.map((level) => ({ name: level, settings: {} })) };
}

async function answer(request: Request): Promise<void> {
  let documents: [number, number | null, unknown][] = [];
  let reply: Reply;
  try {
    const [target, member, given] = unpack(request.call, end) as [Target, string, unknown[] | null];
    current = target;
    documents = withoutId(given ?? []);
    const result = await run(target, member, given);
    reply = { packed: pack(result, end), failed: false, ids: idsOf(documents) };
  } catch (error) {
    reply = failed(error, documents);
  }
  send(reply);
}

function run(target: Target, member: string, given: unknown[] | null): unknown {
  if (member === NEXT_BATCH) return nextBatch(target as unknown as BatchCursor);
  if (member === SERVER) return serverInUse(target as unknown as MotorClient);
  if (given === null) return target[member];
  return (target[member] as (...args: unknown[]) => unknown)(...given);
}

function serverInUse(opened: MotorClient): unknown {
  const { server } = opened[ENGINE];
  if (server === null) return null;
  const { address, ...description } = server.description;
  return [address.host, address.port, description];
}

async function nextBatch(cursor: BatchCursor): Promise<unknown[]> {
  const documents: unknown[] = [];
  if (!(await cursor.fetch_next)) return documents;
  for (let next = cursor.next_object(); next !== null; next = cursor.next_object()) documents.push(next);
  return documents;
}

function failed(error: unknown, documents: readonly [number, number | null, unknown][]): Reply {
  const failure = failureOf(error);
  try {
    return { packed: pack(failure, end), failed: true, ids: idsOf(documents) };
  } catch {
    return { packed: pack({ ...failure, fields: [] }, end), failed: true, ids: null };
  }
}

/** The documents that have no `_id` yet: what the driver gives them is what the caller's documents get. */
function withoutId(given: readonly unknown[]): [number, number | null, unknown][] {
  const places = given.flatMap((arg, at): [number, number | null, unknown][] =>
    Array.isArray(arg) ? arg.map((item: unknown, place) => [at, place, item]) : [[at, null, arg]],
  );
  return places.filter(([, , document]) => isDocument(document) && field(document, '_id') === undefined);
}

function idsOf(documents: readonly [number, number | null, unknown][]): Packed | null {
  const ids = documents
    .map(([at, place, document]): Given => [at, place, field(document as object, '_id')])
    .filter(([, , id]) => id !== undefined);
  return ids.length === 0 ? null : pack(ids, end);
}

function send(reply: Reply): void {
  forgetIdle();
  current = null;
  port.postMessage(reply);
  Atomics.store(signal, 0, IDLE);
  Atomics.notify(signal, 0);
}

/**
 * As long as the caller's thread does not return to its event loop, it cannot tell which objects it has dropped. What
 * is at its end, such as a cursor whose documents are all read, is therefore kept for a while only.
 */
function forgetIdle(): void {
  for (const handle of touched) {
    const object = objects.get(handle);
    idle.delete(handle);
    if (object !== undefined && !(object instanceof BatchCursor && object.alive)) idle.add(handle);
  }
  touched.clear();
  for (const handle of idle) {
    if (idle.size <= MOST_IDLE) break;
    idle.delete(handle);
    objects.delete(handle);
  }
}

port.on('message', (message: Request | Release) => {
  if ('call' in message) void answer(message);
  else {
    objects.delete(message.release);
    idle.delete(message.release);
  }
});

process.on('uncaughtException', (error) => {
  send(failed(error, []));
  process.exit(1);
});

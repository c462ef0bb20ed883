/**
 * Blocking clients, databases, collections, cursors, ...: each class is derived from its asynchronous one.
 *
 * A client, database or collection has a twin: an asynchronous object that is never connected and does all that needs
 * no I/O, so that names, settings and children are what they always are. What does need I/O, and everything about any
 * other object, is done in the worker.
 */

import { inspect } from 'node:util';
import type { Document } from 'bson';
import { Address } from '../../core/address';
import { InvalidOperation } from '../../core/errors';
import type { ServerDescription } from '../../core/serverDescription';
import { BatchCursor } from '../batchCursor';
import { withChildren } from '../children';
import { Bound, dual, dualClasses, membersOf } from '../dual';
import { REPR, Settings } from '../settings';
import { Bridge } from './bridge';
import { type Handle, type Level, NEXT_BATCH, type Place, SERVER } from './protocol';

type AsynchronousClass = abstract new (...args: never[]) => Bound;
type BlockingClass = new (bridge: Bridge, self: Settings | number, maker: Blocking | null) => Blocking;
type Members = Record<string, unknown>;
type Method = (...args: unknown[]) => unknown;

const BRIDGE: unique symbol = Symbol('bridge');
const MAKER: unique symbol = Symbol('maker');
const REFERENCE: unique symbol = Symbol('reference');
const TWIN: unique symbol = Symbol('twin');
const CALL: unique symbol = Symbol('call');

/** What makes no sense where nobody waits for events. */
const MISSING: ReadonlySet<string> = new Set(['open', 'open_sync', 'sync_client', 'fetch_next', 'each', 'events']);

/** Methods that would have to call the caller's thread back while it waits. */
const REFUSED: ReadonlyMap<string, string> = new Map([
  ['add_son_manipulator', 'manipulators cannot work in the worker thread; change documents before and after the call'],
]);

/** The blocking objects of twins. */
const faces = new WeakMap<Settings, Local>();

abstract class Blocking extends Bound {
  readonly [BRIDGE]: Bridge;
  /** What it was made by: it lives as long. */
  readonly [MAKER]: Blocking | null;

  constructor(bridge: Bridge, maker: Blocking | null) {
    super();
    this[BRIDGE] = bridge;
    this[MAKER] = maker;
  }

  abstract get [REFERENCE](): Place | Handle;

  /** @param args null: `member` is a property */
  [CALL](member: string, args: readonly unknown[] | null): unknown {
    return this[BRIDGE].call(
      {
        refer: (object) => (object instanceof Blocking ? object[REFERENCE] : undefined),
        resolve: (reference) => resolve(reference as Place | Handle | { self: string }, this),
      },
      this,
      member,
      args,
      this[CALL],
    );
  }

  [inspect.custom](): string {
    return this.toString();
  }
}

/** A client, database or collection. */
class Local extends Blocking {
  readonly [TWIN]: Settings;

  constructor(bridge: Bridge, twin: Settings, maker: Blocking | null) {
    super(bridge, maker);
    this[TWIN] = twin;
    faces.set(twin, this);
  }

  get [REFERENCE](): Place {
    return { levels: lineage(this[TWIN]).map(levelOf) };
  }

  override toString(): string {
    return this[TWIN][REPR]();
  }
}

/** An object that lives in the worker. */
class Remote extends Blocking {
  readonly #handle: number;
  readonly #kind: string;

  constructor(bridge: Bridge, handle: number, maker: Blocking | null, kind: string) {
    super(bridge, maker);
    this.#handle = handle;
    this.#kind = kind;
    forgotten.register(this, { bridge, handle });
  }

  get [REFERENCE](): Handle {
    return { handle: this.#handle, kind: this.#kind };
  }

  override toString(): string {
    return `${this.constructor.name}(${String(this[MAKER])})`;
  }
}

const forgotten = new FinalizationRegistry<{ bridge: Bridge; handle: number }>(({ bridge, handle }) => {
  bridge.release(handle);
});

/** The documents cross batch by batch. */
class RemoteCursor extends Remote {
  /** The documents that are here, the next one at the end. */
  #documents: Document[] = [];

  #next(): Document | null {
    if (this.#documents.length === 0) this.#documents = (this[CALL](NEXT_BATCH, []) as Document[]).reverse();
    return this.#documents.pop() ?? null;
  }

  /** Documents one by one. Leaving the loop early closes the cursor. */
  *[Symbol.iterator](): IterableIterator<Document> {
    let left = true;
    try {
      for (let document = this.#next(); document !== null; document = this.#next()) yield document;
      left = false;
    } finally {
      if (left) this[CALL]('close', []);
    }
  }

  /**
   * The next document.
   * @throws InvalidOperation: there is none
   */
  next(): Document {
    const document = this.#next();
    if (document === null) throw new InvalidOperation('next: the cursor has no more documents');
    return document;
  }

  next_object(): Document | null {
    return this.#documents.pop() ?? (this[CALL]('next_object', []) as Document | null);
  }

  to_list(...args: unknown[]): Document[] {
    const here = this.#documents.length;
    if (here === 0) return this[CALL]('to_list', args) as Document[];
    const [given] = args;
    const length = typeof given === 'object' && given !== null ? (given as { length?: unknown }).length : given;
    const more = typeof length === 'number' && length > 0 ? [Math.max(length - here, 0)] : args;
    const fetched = this[CALL]('to_list', more) as Document[];
    const first = this.#documents.splice(typeof length === 'number' ? Math.max(here - length, 0) : 0).reverse();
    return [...first, ...fetched];
  }

  rewind(): this {
    this.#documents = [];
    this[CALL]('rewind', []);
    return this;
  }

  get alive(): boolean {
    return this.#documents.length > 0 || (this[CALL]('alive', null) as boolean);
  }
}

const derived = new Map<AsynchronousClass, BlockingClass>();

function blockingClass(Class: AsynchronousClass): BlockingClass {
  const known = derived.get(Class);
  if (known !== undefined) return known;
  const made = derive(Class);
  derived.set(Class, made);
  return made;
}

/** The blocking class with the members of an asynchronous one. */
function derive(Class: AsynchronousClass): BlockingClass {
  const members = membersOf(Class);
  const isLocal = Class.prototype instanceof Settings;
  const isClient = members.has('get_database');
  const Base = isLocal ? Local : Class.prototype instanceof BatchCursor ? RemoteCursor : Remote;
  const Made = class extends (Base as unknown as new (...args: unknown[]) => Local) {
    constructor(...args: unknown[]) {
      super(...args, Class.name);
    }
  };
  const define = (name: string, property: PropertyDescriptor) =>
    Object.defineProperty(Made.prototype, name, { configurable: true, ...property });

  for (const [name, { kind, hasCallback }] of members) {
    if (MISSING.has(name)) continue;
    const own = Object.getOwnPropertyDescriptor(Base.prototype, name);
    const here = own?.value as Method | undefined;
    const refused = REFUSED.get(name);
    if (refused !== undefined) {
      define(name, {
        value() {
          throw new InvalidOperation(`${name}: ${refused}`);
        },
      });
    } else if (kind === 'asynchronous') {
      define(name, {
        value(this: Blocking, ...args: unknown[]) {
          if (hasCallback(args))
            throw new TypeError(`${name}: a blocking method takes no callback; it returns its result`);
          return here === undefined ? this[CALL](name, args) : here.apply(this, args);
        },
      });
    } else if (own !== undefined) {
      // The base has it.
    } else if (kind === 'synchronous') {
      if (isClient && (name === 'close' || name === 'disconnect')) {
        define(name, {
          value(this: Blocking) {
            this[BRIDGE].close();
          },
        });
      } else {
        define(name, {
          value: isLocal
            ? function (this: Local, ...args: unknown[]) {
                return callTwin(this, name, args);
              }
            : function (this: Blocking, ...args: unknown[]) {
                return this[CALL](name, args);
              },
        });
      }
    } else {
      const isLocalProperty = isLocal && !(isClient && kind === 'readable');
      define(name, {
        get(this: Blocking) {
          return isLocalProperty ? faceOf((this as Local)[TWIN][name as keyof Settings]) : this[CALL](name, null);
        },
        ...(kind === 'writable' && {
          set(this: Local, value: unknown) {
            (this[TWIN] as unknown as Members)[name] = value;
          },
        }),
      });
    }
  }
  if (isLocal) {
    withChildren(Made as unknown as new () => Local, (self, name) => {
      const child = (self[TWIN] as unknown as Members)[name];
      return child instanceof Settings ? faceOf(child) : undefined;
    });
  } else if (members.has('at')) {
    withChildren(Made, (self, name) => (INDEX.test(name) ? self[CALL]('at', [Number(name)]) : undefined));
  }
  return dual(Made, {}, { name: blockingName(Class.name) }) as unknown as BlockingClass;
}

const INDEX = /^(0|[1-9]\d*)$/;

/** As the original's blocking driver has it. */
function blockingName(name: string): string {
  return name.replace(/^Motor/, name.endsWith('Client') ? 'Mongo' : '');
}

/** A method that needs no I/O, unless what it makes lives in the worker: a cursor, for instance. */
function callTwin(face: Local, name: string, args: readonly unknown[]): unknown {
  const twins = args.map((arg) => (arg instanceof Local ? arg[TWIN] : arg));
  const result = ((face[TWIN] as unknown as Members)[name] as Method)(...twins);
  const isRemote = result instanceof Bound && !(result instanceof Settings);
  return isRemote ? face[CALL](name, args) : faceOf(result);
}

/** The blocking object that belongs to a twin; anything else as it is. */
function faceOf(value: unknown): unknown {
  if (!(value instanceof Settings)) return value;
  const known = faces.get(value);
  if (known !== undefined) return known;
  const client = faces.get(lineage(value)[0] as Settings) as Local;
  return new (blockingClass(value.constructor as AsynchronousClass))(client[BRIDGE], value, client);
}

/** A twin's client, its database, itself: as far as there are such. */
function lineage(twin: Settings): Settings[] {
  const { database, connection } = twin as unknown as { database: Settings; connection: Settings };
  // Any name is a child of a client; `in` knows only what a class has.
  if ('database' in twin) return [...lineage(database), twin];
  return 'connection' in twin ? [connection, twin] : [twin];
}

function levelOf(twin: Settings, depth: number): Level {
  const { name } = twin as unknown as { name: string };
  return { name: depth === 0 ? null : name, settings: settingsOf(twin) };
}

function settingsOf(twin: Settings): Members {
  const settings: Members = {};
  for (const name of settingNames(dualClassOf(twin))) {
    settings[name] = (twin as unknown as Members)[name];
  }
  return settings;
}

const namesOfSettings = new Map<AsynchronousClass, readonly string[]>();

function settingNames(Class: AsynchronousClass): readonly string[] {
  let names = namesOfSettings.get(Class);
  if (names === undefined) {
    names = [...membersOf(Class)].filter(([, { kind }]) => kind === 'writable').map(([name]) => name);
    namesOfSettings.set(Class, names);
  }
  return names;
}

/** The object that the worker speaks of. `from`: whom it answers. */
function resolve(reference: Place | Handle | { self: string }, from: Blocking): unknown {
  if ('self' in reference) return from;
  if ('handle' in reference) {
    const Class = dualClasses.get(reference.kind) as AsynchronousClass;
    return new (blockingClass(Class))(from[BRIDGE], reference.handle, from);
  }
  const names = reference.levels.map(({ name }) => name).slice(1);
  let place = from;
  while (!(place instanceof Local)) place = place[MAKER] as Blocking;
  // The nearest object that is on the way to it, so that a collection's database is the very one.
  const known = lineage(place[TWIN]);
  let depth = 0;
  while (depth < names.length && names[depth] === (known[depth + 1] as { name?: string } | undefined)?.name) depth += 1;
  let twin = known[depth] as unknown as Record<'get_database' | 'get_collection', (name: string | null) => Settings>;
  for (; depth < names.length; depth += 1) {
    const next = depth === 0 ? twin.get_database(names[0] ?? null) : twin.get_collection(names[depth] ?? null);
    twin = next as unknown as typeof twin;
  }
  return faceOf(twin);
}

/**
 * A blocking client like this one, connected.
 * @param args what the client was made of
 */
export function blockingClient(client: Settings, args: readonly unknown[]): unknown {
  const Class = dualClassOf(client);
  const twin = new (Class as unknown as new (...args: unknown[]) => Settings)(...args);
  Object.assign(twin, settingsOf(client));
  const bridge = new Bridge(Class.name, args);
  const face = new (blockingClass(Class))(bridge, twin, null);
  try {
    face[CALL]('open', []);
  } catch (error) {
    bridge.close();
    throw error;
  }
  bridge.closeWith(face);
  return face;
}

/**
 * Connect in another thread, with the same options, and wait for it; that thread ends.
 * @returns what the server said there of itself; null: it did not let the user in
 */
export function connectBlocking(client: Settings, args: readonly unknown[]): ServerDescription | null {
  const bridge = new Bridge(dualClassOf(client).name, args);
  const call = (member: string) =>
    bridge.call({ refer: () => undefined, resolve: () => undefined }, null, member, [], connectBlocking);
  try {
    call('open');
    const found = call(SERVER) as [string, number | null, Omit<ServerDescription, 'address'>] | null;
    if (found === null) return null;
    const [host, port, description] = found;
    return { ...description, address: Address.of(host, port ?? undefined) };
  } finally {
    bridge.close();
  }
}

/** The driver's own class: the worker knows no subclass of an application. */
function dualClassOf(client: Settings): AsynchronousClass {
  let Class = client.constructor as AsynchronousClass;
  while (dualClasses.get(Class.name) !== Class) Class = Object.getPrototypeOf(Class) as AsynchronousClass;
  return Class;
}

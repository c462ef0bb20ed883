/**
 * Property access to children (`client.shop.orders`) without a Proxy around each object. One Proxy stands at the end
 * of the class's prototype chain, where only a name arrives that neither the object nor its classes answer; every
 * other access is as fast as on any object.
 *
 * A name that an object does not have yet goes through that Proxy also when it is assigned, which is slow: let
 * classes declare their fields.
 */

/** Gives what `name` is of `self`; `undefined`: nothing. */
export type ChildOf<T> = (self: T, name: string) => unknown;

export interface ChildrenSettings {
  /** Names that begin with `_` are `undefined`. */
  readonly hideUnderscore?: boolean;
}

/**
 * Names that the language, its runtime and common tools look for on any object. They are never children, for the
 * answer would be taken for a capability: a thenable, a BSON value, a React element, a DOM node.
 */
const PROBED: ReadonlySet<string> = new Set([
  'then', // await, Promise.resolve
  'toJSON', // JSON.stringify
  'inspect', // older util.inspect, chai
  'toBSON', // bson
  '_bsontype', // bson
  '__esModule', // module loaders
  '$$typeof', // React, pretty-format
  'asymmetricMatch', // Jest, sinon
  'nodeType', // DOM tests in chai and pretty-format
  'tagName', // the same
]);

const CHILD = Symbol('child');

interface Parent {
  readonly [CHILD]?: ChildOf<object>;
}

/** What ends the chain: everything is an object's as usual, but for names that are not there. */
const END = new Proxy(Object.create(Object.prototype) as object, {
  get(target, name, receiver: Parent): unknown {
    if (typeof name === 'symbol' || name in target) return Reflect.get(target, name, receiver);
    // `@@` begins the probes of data-structure libraries. A prototype itself is no parent.
    if (PROBED.has(name) || name.startsWith('@@') || Object.hasOwn(receiver, 'constructor')) return undefined;
    return receiver[CHILD]?.(receiver, name);
  },
});

/**
 * Let every name that the objects of a class do not have be a child. Subclasses have children too, and `in` and
 * `Object.keys` know nothing of them.
 * @returns the same class
 */
export function withChildren<C extends abstract new (...args: never[]) => object>(
  Class: C,
  child: ChildOf<InstanceType<C>>,
  { hideUnderscore = false }: ChildrenSettings = {},
): C {
  const answer = hideUnderscore
    ? (self: InstanceType<C>, name: string) => (name.startsWith('_') ? undefined : child(self, name))
    : child;
  Object.defineProperty(Class.prototype, CHILD, { value: answer });

  let last: object = Class.prototype;
  for (;;) {
    const next = Object.getPrototypeOf(last);
    if (next === END) return Class; // a base that it shares with another class
    if (next === Object.prototype) break;
    last = next;
  }
  Object.setPrototypeOf(last, END);
  return Class;
}

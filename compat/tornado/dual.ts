/** Promise or callback, for the few dual functions of this surface. */

/** Set to true on every dual function: called without a callback it gives a Promise. */
export const DUAL = Symbol.for('motor-mongo.dual');

/** `if (error)` narrows `result`. */
export type Callback<R> = (...outcome: [result: R, error: null] | [result: null, error: Error]) => void;

/** Whether a function gives a Promise when it is called without a callback. */
export function isDual(fn: object): boolean {
  return (fn as { [DUAL]?: unknown })[DUAL] === true;
}

/** Mark a function as dual. */
export function markDual<F extends object>(fn: F): F {
  return Object.defineProperty(fn, DUAL, { value: true });
}

/** Hand the outcome to the callback, if there is one; else the Promise itself is the answer. */
export function answer<R>(promise: Promise<R>, callback: Callback<R> | null): Promise<R> | undefined {
  if (callback === null) return promise;
  // A tick later no promise is around the callback: what it throws is the application's uncaught exception.
  promise.then(
    (result) => process.nextTick(callback, result, null),
    (error: Error) => process.nextTick(callback, null, error),
  );
  return undefined;
}

/**
 * Check a keyword object.
 * @throws TypeError: no plain object; a keyword that is not among `names`
 */
export function readKeywords<K extends object>(method: string, kw: unknown, names: readonly (keyof K & string)[]): K {
  if (kw === null || typeof kw !== 'object' || Object.getPrototypeOf(kw) !== Object.prototype) {
    throw new TypeError(`${method}: keywords are given as one plain object`);
  }
  for (const name of Object.keys(kw)) {
    if (!(names as readonly string[]).includes(name)) throw new TypeError(`${method}: unknown keyword '${name}'`);
  }
  return kw as K;
}

/**
 * Tell keywords and callback apart in what follows the fixed arguments.
 * @throws TypeError: a callback that is none; two; too many arguments
 */
export function splitCallback<R>(
  method: string,
  given: readonly unknown[],
): [kw: object, callback: Callback<R> | null] {
  const rest = given.filter((arg) => arg !== null && arg !== undefined);
  const kw = rest.length > 0 && typeof rest[0] === 'object' ? (rest.shift() as { callback?: unknown }) : {};
  const { callback = null, ...others } = kw;
  if (rest.length > 1) throw new TypeError(`${method}: too many arguments`);
  const found = [...rest, ...(callback === null ? [] : [callback])];
  if (found.some((one) => typeof one !== 'function')) throw new TypeError('callback must be a callable');
  if (found.length > 1) throw new TypeError(`${method}: the callback was given twice`);
  return [others, (found[0] as Callback<R> | undefined) ?? null];
}

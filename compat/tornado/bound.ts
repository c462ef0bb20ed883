import { isDual, markDual } from './dual';

/**
 * Give an object its methods as its own, bound, so that they can be passed on. What subclasses override is bound in
 * place of what it overrides.
 */
export function bindMethods(object: object): void {
  for (
    let holder: object = Object.getPrototypeOf(object);
    holder !== Object.prototype;
    holder = Object.getPrototypeOf(holder)
  ) {
    for (const [name, { value }] of Object.entries(Object.getOwnPropertyDescriptors(holder))) {
      if (typeof value !== 'function' || name === 'constructor' || Object.hasOwn(object, name)) continue;
      const bound = Object.defineProperty(value.bind(object), 'name', { value: name });
      if (isDual(value)) markDual(bound);
      Object.defineProperty(object, name, { value: bound, writable: true, configurable: true });
    }
  }
}

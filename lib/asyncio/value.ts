import { inspect, isDeepStrictEqual } from 'node:util';

/** What a value is made of: equality and printing go by it. */
export const PARTS: unique symbol = Symbol('parts');

/** A value that never changes: equal to every other of its class with the same parts. */
export abstract class Value {
  abstract get [PARTS](): readonly unknown[];

  /** Whether the other is of the same class and made of the same. */
  equals(other: unknown): boolean {
    return (
      other instanceof Value &&
      Object.getPrototypeOf(other) === Object.getPrototypeOf(this) &&
      isDeepStrictEqual(this[PARTS], other[PARTS])
    );
  }

  /** As the original prints it. */
  toString(): string {
    return `${this.constructor.name}(${this[PARTS].map((part) => inspect(part)).join(', ')})`;
  }

  [inspect.custom](): string {
    return this.toString();
  }
}

import { ObjectId as BsonObjectId } from 'bson';
import { InvalidId } from '../core/errors';

/** What stands where an id is expected and is none: text is shown, as it names what the caller mistyped. */
function shown(value: unknown): string {
  return typeof value === 'string' ? `'${value.slice(0, 40)}'` : `a ${typeof value}`;
}

/**
 * The 12-byte id that documents get by default.
 * @throws InvalidId: text that is not 24 hexadecimal digits, or bytes that are not 12
 * @see PyMongo 2.7, bson.objectid.ObjectId
 */
export const ObjectId = new Proxy(BsonObjectId, {
  // The class is the encoder's own, so that decoded ids are instances of it; only its error is ours.
  construct(target, args, newTarget): object {
    try {
      return Reflect.construct(target, args, newTarget);
    } catch (cause) {
      const message = `ObjectId: ${shown(args[0])} is no id; it takes 24 hexadecimal digits, 12 bytes, or nothing`;
      throw new InvalidId(message, { cause });
    }
  },
});
export type ObjectId = BsonObjectId;

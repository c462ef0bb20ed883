import { ConfigurationError } from '../core/errors';

/**
 * Client-side encryption, which is out of the driver's scope: it needs libmongocrypt, a native library. What was
 * encrypted elsewhere arrives as `Binary` of subtype 6.
 */
export class AsyncIOMotorClientEncryption {
  /**
   * @throws ConfigurationError: always
   * @see Motor 3.8, AsyncIOMotorClientEncryption
   */
  constructor(..._given: unknown[]) {
    throw noEncryption('AsyncIOMotorClientEncryption');
  }
}

/** @throws ConfigurationError: fields of a collection are to be encrypted */
export function checkNoEncryption(method: string, fields: unknown): void {
  if ((fields ?? null) !== null) throw noEncryption(`${method}: encrypted_fields`);
}

function noEncryption(what: string): ConfigurationError {
  return new ConfigurationError(
    `${what}: the driver has no client-side encryption, which needs the native library libmongocrypt`,
  );
}

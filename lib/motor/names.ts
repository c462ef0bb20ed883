import { InvalidName } from '../core/errors';
import { picture } from './keywords';

/**
 * @throws TypeError: not a string
 * @throws InvalidName: empty, or with a space, `.`, `$`, `/`, `\` or NUL in it; `$external` is allowed
 */
export function checkDatabaseName(name: unknown): string {
  if (typeof name !== 'string') throw new TypeError(`a database's name must be a string, not ${picture(name)}`);
  if (name === '') throw new InvalidName("a database's name must not be empty");
  const bad = /[ .$/\\\0]/.exec(name);
  if (bad !== null && name !== '$external') {
    throw new InvalidName(`the database name '${printable(name)}' must not contain '${printable(bad[0])}'`);
  }
  return name;
}

/**
 * @throws TypeError: not a string
 * @throws InvalidName: empty, with `..` or NUL in it, a `.` at either end, or a `$` (but in `oplog.$main`, `$cmd`)
 */
export function checkCollectionName(name: unknown): string {
  if (typeof name !== 'string') throw new TypeError(`a collection's name must be a string, not ${picture(name)}`);
  if (name === '') throw new InvalidName("a collection's name must not be empty");
  if (name.includes('..')) throw new InvalidName(`the collection name '${printable(name)}' must not contain '..'`);
  if (name.startsWith('.') || name.endsWith('.')) {
    throw new InvalidName(`the collection name '${printable(name)}' must not begin or end with '.'`);
  }
  if (name.includes('\0')) throw new InvalidName(`the collection name '${printable(name)}' must not contain NUL`);
  if (name.includes('$') && !name.startsWith('oplog.$main') && !name.startsWith('$cmd')) {
    throw new InvalidName(`the collection name '${printable(name)}' must not contain '$'`);
  }
  return name;
}

function printable(name: string): string {
  return name.replaceAll('\0', '\\0');
}

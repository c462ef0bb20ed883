import { version } from '../core/version';

/** This package's version in parts: numbers, and what is none as it is. `1.2.3-beta` is `[1, 2, 3, 'beta']`. */
export const version_tuple: readonly (number | string)[] = Object.freeze(
  version.split(/[.-]/).map((part) => (/^\d+$/.test(part) ? Number(part) : part)),
);

/**
 * This package's version.
 * @see Motor 0.2, get_version_string
 */
export function get_version_string(): string {
  return version;
}

import type { UuidRepresentation } from '../core/clientOptions';
import { ConfigurationError } from '../core/errors';
import { type UuidReading, uuidReading } from '../core/uuids';
import { picture } from './keywords';
import { MOTOR_POLICY } from './policy';

/** The binary subtypes by which `uuid_subtype` names how UUIDs are stored; 5 and 6 are subtype 3 in another order. */
export type UuidSubtype = 3 | 4 | 5 | 6;

/** How UUIDs are written and read. */
export interface Uuids {
  readonly subtype: UuidSubtype;
  readonly representation: UuidRepresentation;
  readonly reading: UuidReading | null;
}

const KNOWN = (
  [
    [3, 'pythonLegacy'],
    [4, 'standard'],
    [5, 'javaLegacy'],
    [6, 'csharpLegacy'],
  ] as const
).map(([subtype, representation]): Uuids => {
  return { subtype, representation, reading: uuidReading(representation, MOTOR_POLICY.readsUuids) };
});

/** @throws ConfigurationError: not 3, 4, 5 or 6 */
export function uuidsOfSubtype(name: string, subtype: unknown): Uuids {
  const uuids = KNOWN.find((known) => known.subtype === subtype);
  if (uuids !== undefined) return uuids;
  throw new ConfigurationError(
    `${name} must be 3 (OLD_UUID_SUBTYPE), 4 (UUID_SUBTYPE), 5 (JAVA_LEGACY) or 6 (CSHARP_LEGACY), not ${picture(subtype)}`,
  );
}

export function uuidsOfRepresentation(representation: UuidRepresentation): Uuids {
  return KNOWN.find((known) => known.representation === representation) as Uuids;
}

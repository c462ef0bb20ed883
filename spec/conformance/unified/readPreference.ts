import type { Document } from 'bson';
import {
  Nearest,
  Primary,
  PrimaryPreferred,
  Secondary,
  SecondaryPreferred,
} from '../../../lib/asyncio/readPreferences';
import { Malformed } from './format';

const CLASSES = {
  primaryPreferred: PrimaryPreferred,
  secondary: Secondary,
  secondaryPreferred: SecondaryPreferred,
  nearest: Nearest,
};

/** A read preference of the format, as the surface takes it. */
export function readPreference({ mode, tagSets, maxStalenessSeconds, hedge }: Document): object {
  if (mode === 'primary') return new Primary();
  if (!Object.hasOwn(CLASSES, mode)) throw new Malformed(`there is no read preference '${mode}'`);
  const options = { max_staleness: maxStalenessSeconds ?? -1, hedge: hedge ?? null };
  return new CLASSES[mode as keyof typeof CLASSES](tagSets ?? null, options);
}

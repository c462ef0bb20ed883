import type { Document } from 'bson';

/** A write concern of the format, as the surface wants it. */
export function writeConcern({ w, journal, wtimeoutMS }: Document): Document {
  return Object.fromEntries(
    Object.entries({ w, j: journal, wtimeout: wtimeoutMS }).filter(([, value]) => value !== undefined),
  );
}

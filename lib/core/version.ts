import { readFileSync } from 'node:fs';
import { join } from 'node:path';

// Three folders up from dist/lib/core. Read, not imported: the file lies outside of the compiled tree.
const manifest = readFileSync(join(__dirname, '..', '..', '..', 'package.json'), 'utf8');

/** This package's version, such as `1.2.3`. */
export const version: string = (JSON.parse(manifest) as { version: string }).version;

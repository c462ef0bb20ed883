import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';

/** One place that apt takes packages from. */
export interface AptSource {
  readonly uri: string;
  readonly suite: string;
  readonly components: readonly string[];
  /** The keyring that its signatures are checked with, where the entry names a file. */
  readonly signedBy: string | null;
}

/** The binary package sources that this system's apt is set up with. */
export async function aptSources(folder = '/etc/apt'): Promise<AptSource[]> {
  const parts = join(folder, 'sources.list.d');
  const names = (await readdir(parts).catch(() => [])).sort();
  const files = [join(folder, 'sources.list'), ...names.map((name) => join(parts, name))];
  const sources: AptSource[] = [];
  for (const file of files) {
    const text = await readFile(file, 'utf8').catch(() => '');
    if (file.endsWith('.list')) sources.push(...fromLines(text));
    if (file.endsWith('.sources')) sources.push(...fromParagraphs(text));
  }
  return sources;
}

/** The one-line format: `deb [signed-by=/a/keyring] uri suite component...`. */
export function fromLines(text: string): AptSource[] {
  const sources: AptSource[] = [];
  for (const line of text.split('\n')) {
    const found = /^\s*deb\s+(?:\[([^\]]*)\]\s+)?(\S+)\s+(\S+)([^#]*)/.exec(line);
    if (!found) continue;
    const [, options = '', uri = '', suite = '', components = ''] = found;
    const signedBy = /(?:^|\s)signed-by=(\/[^\s,]+)/i.exec(options)?.[1] ?? null;
    sources.push({ uri, suite, components: words(components), signedBy });
  }
  return sources;
}

/** The deb822 format: paragraphs of `Field: value`, where a value may go on in indented lines. */
export function fromParagraphs(text: string): AptSource[] {
  const sources: AptSource[] = [];
  const withoutComments = text.replace(/^#.*\n?/gm, '');
  for (const paragraph of withoutComments.split(/\n\s*\n/)) {
    const fields = new Map<string, string>();
    for (const [, name = '', value = ''] of paragraph.matchAll(/^([\w-]+):((?:.*)(?:\n[ \t].*)*)/gm)) {
      fields.set(name.toLowerCase(), value.trim());
    }
    if (!words(fields.get('types')).includes('deb') || fields.get('enabled') === 'no') continue;
    const signedBy = /^\/\S+$/.exec(fields.get('signed-by') ?? '')?.[0] ?? null;
    for (const uri of words(fields.get('uris'))) {
      for (const suite of words(fields.get('suites'))) {
        sources.push({ uri, suite, components: words(fields.get('components')), signedBy });
      }
    }
  }
  return sources;
}

function words(text = ''): string[] {
  return text.split(/\s+/).filter(Boolean);
}

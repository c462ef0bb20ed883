/** The `group` command, which servers had up to 4.0, done here. */

import type { Code, Document } from 'bson';
import { entries, field, isDocument } from '../core/documents';
import { OperationFailure } from '../core/errors';
import { codeOf } from './arguments';
import { identityOf } from './bsonOrder';
import type { Call } from './goneCommands';
import { asReceived, type Callee, JavaScript, warnOfJavaScript } from './javascript';
import { readBatches } from './reading';

/**
 * @returns what the command returned: `{ retval, count, keys, ok: 1 }`, the groups in order of first appearance
 * @throws OperationFailure: code 139, the code does not compile or throws; what reading the documents throws
 */
export async function serveGroup(call: Call): Promise<Document> {
  const given = Object.values(call.command)[0] as Document;
  if (!isDocument(given) || typeof field(given, 'ns') !== 'string') {
    throw new OperationFailure("group: the command needs a document with the collection's name as 'ns'", { code: 2 });
  }
  const collection = field(given, 'ns') as string;
  warnOfJavaScript(call.engine, 'group');
  const javascript = new JavaScript(`group on ${call.database}.${collection}`);
  const compiled = (part: string, name: string): Callee | null => {
    const code = field(given, name) ?? null;
    return code === null ? null : javascript.compile(part, codeOf('group', part, code) as Code);
  };
  const reduce = compiled('reduce', '$reduce');
  if (reduce === null) throw new OperationFailure("group: the command needs '$reduce'", { code: 2 });
  const finalize = compiled('finalize', 'finalize');
  const keyOf = keyReader(javascript, compiled('key', '$keyf'), field(given, 'key'));
  const initial = field(given, 'initial') ?? {};

  const groups = new Map<string, { value: unknown }>();
  let count = 0;
  const filter = (field(given, 'cond') ?? field(given, 'condition') ?? {}) as Document;
  for await (const batch of readBatches(call, collection, { filter, hint: { $natural: 1 } })) {
    for (const document of batch) {
      const own = javascript.enter(document);
      const key = keyOf(document, own);
      const identity = identityOf(key);
      let group = groups.get(identity);
      if (group === undefined) {
        group = { value: javascript.enter(new Map([...entries(key), ...entries(initial as Document)])) };
        groups.set(identity, group);
      }
      reduce(undefined, own, group.value);
      count++;
    }
  }
  const retval = [...groups.values()].map(({ value }) => {
    const final = finalize?.(undefined, value) ?? value;
    return asReceived(javascript.leave(final), call);
  });
  return { retval, count, keys: groups.size, ok: 1 };
}

type KeyReader = (document: Document, own: unknown) => Document;

/** What the documents are grouped by: what a function returns, the values of some fields, or nothing. */
function keyReader(javascript: JavaScript, keyFunction: Callee | null, key: unknown): KeyReader {
  if (keyFunction !== null) {
    return (_, own) => {
      const found = javascript.leave(keyFunction(undefined, own));
      if (isDocument(found)) return found;
      throw new OperationFailure('group: the key function must return a document', { code: 10041 });
    };
  }
  const names = key === null || key === undefined ? [] : entries(key as Document).map(([name]) => name);
  return (document) => new Map(names.map((name) => [name, fieldAt(document, name) ?? null]));
}

/** The field that a dotted path leads to. */
function fieldAt(document: Document, path: string): unknown {
  let value: unknown = document;
  for (const name of path.split('.')) {
    if (typeof value !== 'object' || value === null) return undefined;
    value = (value as Document)[name];
  }
  return value;
}

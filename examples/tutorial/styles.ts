import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { inspect } from 'node:util';
import type { Callback } from 'motor-mongo';
import { type AsyncIOTitle, asyncio } from './asyncio';
import { callbacks } from './callbacks';
import { coroutines } from './coroutines';
import { promises } from './promises';
import type { Place, Title } from './steps';

/** One way to write the tutorial. */
export interface Style<T extends string = Title> {
  readonly name: string;
  /** Run the code of a step. */
  run(title: T): Promise<unknown>;
  /** That code, as it stands in the source file. */
  code(title: T): string[];
}

/** All styles, each in a collection of its own. */
export function styles(place: Omit<Place, 'collection'>): Style[] {
  const withCallbacks = callbacks({ ...place, collection: 'callbacks' });
  const withPromises = promises({ ...place, collection: 'promises' });
  const withCoroutines = coroutines({ ...place, collection: 'coroutines' });
  return [
    style('callbacks', (title) => promiseOf(withCallbacks[title])),
    style('promises', (title) => withPromises[title]()),
    style('coroutines', (title) => withCoroutines[title]()),
  ];
}

/** The second part: the same on the asyncio surface. */
export function asyncioStyle(place: Omit<Place, 'collection'>): Style<AsyncIOTitle> {
  const steps = asyncio({ ...place, collection: 'asyncio' });
  return style('asyncio', (title) => steps[title]());
}

/** Whether results are the same, but for the ids, which are new in every style. */
export function agree(results: readonly unknown[]): boolean {
  const texts = results.map((result) => inspect(result, { depth: null }).replace(/\b[0-9a-f]{24}\b/g, 'id'));
  return new Set(texts).size <= 1;
}

function style<T extends string>(name: string, run: Style<T>['run']): Style<T> {
  const source = readFileSync(join(__dirname, '../../../examples/tutorial', `${name}.ts`), 'utf8').split('\n');
  return { name, run, code: (title) => bodyOf(source, title) };
}

function promiseOf(run: (done: Callback<unknown>) => void): Promise<unknown> {
  return new Promise((resolve, reject) => {
    run((result, error) => {
      if (error) reject(error);
      else resolve(result);
    });
  });
}

/** The lines between the one with the title and the next one of its indentation. */
function bodyOf(source: readonly string[], title: string): string[] {
  const start = source.findIndex((line) => line.startsWith(`    '${title}': `) || line.startsWith(`    ${title}: `));
  const length = source.slice(start + 1).findIndex((line) => /^ {4}\S/.test(line));
  return source.slice(start + 1, start + 1 + length).map((line) => line.slice(6));
}

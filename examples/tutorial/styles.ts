import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Callback } from 'motor-mongo';
import { callbacks } from './callbacks';
import { coroutines } from './coroutines';
import { promises } from './promises';
import type { Place, Title } from './steps';

/** One way to write the tutorial. */
export interface Style {
  readonly name: string;
  /** Run the code of a step. */
  run(title: Title): Promise<unknown>;
  /** That code, as it stands in the source file. */
  code(title: Title): string[];
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

function style(name: string, run: Style['run']): Style {
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
function bodyOf(source: readonly string[], title: Title): string[] {
  const start = source.findIndex((line) => line.startsWith(`    '${title}': `) || line.startsWith(`    ${title}: `));
  const length = source.slice(start + 1).findIndex((line) => /^ {4}\S/.test(line));
  return source.slice(start + 1, start + 1 + length).map((line) => line.slice(6));
}

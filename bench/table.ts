import type { ContestantName } from './contestant';
import type { Target } from './tasks';

/** Medians per operation of one contestant at one task, or why there are none. */
export type Figures = { name: ContestantName } & (
  | { cpu: number; perSecond: number; rounds: number[] }
  | { missing: string }
);

export interface Row {
  title: string;
  lanes: number;
  target: Target;
  figures: Figures[];
}

/** How far apart the two forms of this driver may be. */
const FORMS_APART = 1.1;

export interface Verdict {
  what: string;
  met: boolean;
}

function cpuOf(row: Row, name: ContestantName): number | undefined {
  const found = row.figures.find((figures) => figures.name === name);
  return found && 'cpu' in found ? found.cpu : undefined;
}

/** What the targets say of one contestant; nothing of those that are not this driver, or were not compared. */
export function verdicts(row: Row, name: ContestantName): Verdict[] {
  const cpu = cpuOf(row, name);
  const floor = cpuOf(row, 'floor');
  const mongodb = cpuOf(row, 'mongodb');
  const promise = cpuOf(row, 'motorPromise');
  const { target } = row;
  const found: Verdict[] = [];
  if (cpu === undefined || !name.startsWith('motor')) return found;
  if (floor !== undefined) {
    found.push({ what: `<= ${target.floor} x floor`, met: cpu <= target.floor * floor });
  }
  if (mongodb !== undefined && target.mongodb !== undefined) {
    found.push({ what: `<= ${percent(target.mongodb)} of mongodb`, met: cpu <= target.mongodb * mongodb });
  }
  if (name === 'motorCallback' && promise !== undefined) {
    found.push({ what: `forms within ${FORMS_APART} x`, met: Math.max(cpu / promise, promise / cpu) <= FORMS_APART });
  }
  return found;
}

const percent = (ratio: number) => `${Math.round(ratio * 100)} %`;
const grouped = (value: number) => value.toLocaleString('en-US', { maximumFractionDigits: value < 100 ? 1 : 0 });

const WIDTHS = [15, 12, 10, 9, 11];
const line = (cells: string[], rest = '') =>
  `  ${cells.map((cell, i) => (i === 0 ? cell.padEnd(WIDTHS[0] as number) : cell.padStart(WIDTHS[i] as number))).join('')}  ${rest}`.trimEnd();

export const heading = (): string => line(['', 'CPU us/op', 'ops/s', 'x floor', 'of mongodb'], 'target');

/** The lines of one task. */
export function rowText(row: Row): string {
  const floor = cpuOf(row, 'floor');
  const mongodb = cpuOf(row, 'mongodb');
  const lines = row.figures.map((figures) => {
    if ('missing' in figures) return line([figures.name], figures.missing);
    const { name, cpu, perSecond } = figures;
    const marks = verdicts(row, name).map(({ what, met }) => `${met ? 'met' : 'MISSED'} ${what}`);
    return line(
      [
        name,
        grouped(cpu),
        grouped(perSecond),
        floor === undefined ? '' : (cpu / floor).toFixed(2),
        mongodb === undefined ? '' : percent(cpu / mongodb),
      ],
      marks.join(', '),
    );
  });
  return [`${row.title}, concurrency ${row.lanes}`, ...lines].join('\n');
}

/** How many targets are met, and which are not. */
export function summary(rows: Row[]): string {
  const all = rows.flatMap((row) =>
    row.figures.flatMap(({ name }) =>
      verdicts(row, name).map((verdict) => ({ ...verdict, where: `${row.title}, concurrency ${row.lanes}: ${name}` })),
    ),
  );
  const missed = all.filter(({ met }) => !met).map(({ where, what }) => `  missed: ${where} ${what}`);
  return [`${all.length - missed.length} of ${all.length} targets met`, ...missed].join('\n');
}

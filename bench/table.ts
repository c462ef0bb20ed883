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

/** What the target says of one contestant; nothing of those that are not this driver, or were not compared. */
export function verdicts({ figures, target, ...row }: Row, name: ContestantName): Verdict[] {
  const whole = { figures, target, ...row };
  const cpu = cpuOf(whole, name);
  if (cpu === undefined || !name.startsWith('motor')) return [];
  const found: Verdict[] = [];
  const compare = (other: ContestantName, most: number | undefined, text: (most: number) => string) => {
    const theirs = cpuOf(whole, other);
    if (theirs === undefined || most === undefined) return;
    found.push({ what: text(most), met: cpu <= most * theirs });
  };
  compare('floor', target.floor, (most) => `<= ${most} x floor`);
  compare('mongodb', target.mongodb, (most) => `<= ${percent(most)} of mongodb`);
  if (name === 'motorCallback') {
    compare('motorPromise', FORMS_APART, (most) => `<= ${most} x promise`);
  } else {
    compare('motorCallback', FORMS_APART, (most) => `<= ${most} x callback`);
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

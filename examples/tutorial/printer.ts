import { inspect, styleText } from 'node:util';

// `styleText` colours for a terminal only, and respects NO_COLOR.
const bold = (text: string) => styleText('bold', text);
const faint = (text: string) => styleText('gray', text);
const green = (text: string) => styleText('green', text);
const red = (text: string) => styleText('red', text);
const inColour = faint(' ') !== ' ';

const GUTTER = 14;

/** What is printed of the tutorial. */
export const print = {
  heading(text: string): void {
    console.log(bold(text));
  },

  step(number: number, title: string, about: string): void {
    console.log(`\n${bold(`${String(number).padStart(2)}. ${title}`)}\n    ${about}`);
  },

  /** Code with its name beside the first line. */
  code(name: string, lines: readonly string[]): void {
    console.log();
    lines.forEach((line, at) => {
      console.log(faint(`    ${(at === 0 ? name : '').padEnd(GUTTER)}`) + styleText('cyan', line));
    });
  },

  result(result: unknown): void {
    console.log(`\n    ${green('→')} ${indented(shown(result))}`);
  },

  /** Results that ought to be the same. */
  differences(outcomes: readonly { name: string; result: unknown }[]): void {
    console.log(red('\n    The styles disagree:'));
    for (const { name, result } of outcomes) {
      console.log(`    ${red('✗')} ${name.padEnd(GUTTER - 2)}${indented(shown(result))}`);
    }
  },

  done(text: string): void {
    console.log(`\n${green('✓')} ${text}`);
  },

  failure(text: string, error: unknown): void {
    const why = error instanceof Error ? `${error.name}: ${error.message}` : String(error);
    console.error(`\n${red('✗')} ${text}\n  ${why}`);
  },
};

function shown(result: unknown): string {
  return inspect(result, { colors: inColour, depth: null, breakLength: 100 });
}

function indented(text: string): string {
  return text.replaceAll('\n', `\n${' '.repeat(6)}`);
}

import type { Document } from 'bson';
import { entries, isDocument } from '../core/documents';
import { bool, type Given, integer, keywords, picture, string } from '../motor/keywords';
import { PARTS, Value } from './value';

/** How differences count: 1, only base letters, to 5, any. */
export const CollationStrength = Object.freeze({
  PRIMARY: 1,
  SECONDARY: 2,
  TERTIARY: 3,
  QUATERNARY: 4,
  IDENTICAL: 5,
} as const);
/** Whether spaces and punctuation count as base characters. */
export const CollationAlternate = Object.freeze({ NON_IGNORABLE: 'non-ignorable', SHIFTED: 'shifted' } as const);
/** Which characters `alternate: 'shifted'` ignores. */
export const CollationMaxVariable = Object.freeze({ PUNCT: 'punct', SPACE: 'space' } as const);
/** Which of two letters that differ in case comes first. */
export const CollationCaseFirst = Object.freeze({ UPPER: 'upper', LOWER: 'lower', OFF: 'off' } as const);

const KEYWORDS = keywords(
  {
    caseLevel: [undefined, bool],
    caseFirst: [undefined, string],
    strength: [undefined, integer],
    numericOrdering: [undefined, bool],
    alternate: [undefined, string],
    maxVariable: [undefined, string],
    normalization: [undefined, bool],
    backwards: [undefined, bool],
  },
  { rest: true },
);
export type CollationKw = Given<typeof KEYWORDS>;

/** The rules of a language by which strings are compared. It never changes. */
export class Collation extends Value {
  readonly #document: Document;

  /**
   * The rules of a language.
   * @param locale such as `en_US`, `de`, or `simple` for comparing bytes
   * @param kw `strength` (of `CollationStrength`), `caseLevel`, `caseFirst` (of `CollationCaseFirst`), `numericOrdering`,
   *   `alternate` (of `CollationAlternate`), `maxVariable` (of `CollationMaxVariable`), `normalization`, `backwards`; any
   *   other keyword goes to the server, whose defaults hold for what is absent
   * @throws TypeError: a value of a wrong type
   * @see PyMongo 4.9, Collation
   */
  constructor(locale: string, kw?: CollationKw) {
    super();
    if (typeof locale !== 'string') throw new TypeError(`Collation: locale must be a string, not ${picture(locale)}`);
    const { server, ...known } = KEYWORDS.read('Collation', kw);
    const given = Object.entries(known).filter(([, value]) => value !== undefined);
    this.#document = { locale, ...Object.fromEntries(given), ...server };
  }

  get [PARTS](): readonly unknown[] {
    const { locale, ...others } = this.#document;
    return Object.keys(others).length === 0 ? [locale] : [locale, others];
  }

  /** What a command says of it. */
  get document(): Document {
    return { ...this.#document };
  }
}

/**
 * What a command says of a collation, which may be given as a plain document.
 * @throws TypeError naming method and keyword
 */
export function collationOf(method: string, given: unknown): Document | undefined {
  if (given === null || given === undefined) return undefined;
  if (given instanceof Collation) return given.document;
  if (isDocument(given)) return Object.fromEntries(entries(given));
  throw new TypeError(`${method}: collation must be a Collation or a document, not ${picture(given)}`);
}

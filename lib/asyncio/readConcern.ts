import { picture } from '../motor/keywords';
import { PARTS, Value } from './value';

/** How sure what is read must be: a level of the server's. It never changes. */
export class ReadConcern extends Value {
  readonly #level: string | null;

  /**
   * A level.
   * @param level `local`, `majority`, `linearizable`, `available`, `snapshot`; null: whatever the server does by itself
   * @throws TypeError: no string
   * @see PyMongo 4.9, ReadConcern
   */
  constructor(level: string | null = null) {
    super();
    if (level !== null && typeof level !== 'string') {
      throw new TypeError(`ReadConcern: level must be a string or null, not ${picture(level)}`);
    }
    this.#level = level;
  }

  get [PARTS](): readonly unknown[] {
    return [this.#level];
  }

  /** The level's name; null: the server's default. */
  get level(): string | null {
    return this.#level;
  }

  /** What a command says of it. */
  get document(): { level?: string } {
    return this.#level === null ? {} : { level: this.#level };
  }
}

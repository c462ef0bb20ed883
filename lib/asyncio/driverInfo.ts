import { picture } from '../motor/keywords';
import { PARTS, Value } from './value';

/** What stands on top of this driver and wants to be named in the handshake: the option `driver`. */
export class DriverInfo extends Value {
  readonly #name: string;
  readonly #version: string | null;
  readonly #platform: string | null;

  /**
   * What is named: `name`, and where they are known its `version` and `platform`.
   * @throws TypeError: no strings
   * @see PyMongo 4.9, DriverInfo
   */
  constructor(name: string, version: string | null = null, platform: string | null = null) {
    super();
    for (const [what, part] of Object.entries({ name, version, platform })) {
      if (typeof part === 'string' || (part === null && what !== 'name')) continue;
      throw new TypeError(`DriverInfo: ${what} must be a string, not ${picture(part)}`);
    }
    this.#name = name;
    this.#version = version;
    this.#platform = platform;
  }

  get [PARTS](): readonly unknown[] {
    return [this.#name, this.#version, this.#platform];
  }

  /** What it is called. */
  get name(): string {
    return this.#name;
  }

  /** Its version, or null. */
  get version(): string | null {
    return this.#version;
  }

  /** What it runs on, or null. */
  get platform(): string | null {
    return this.#platform;
  }
}

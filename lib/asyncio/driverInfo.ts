import { picture } from '../motor/keywords';
import { PARTS, Value } from './value';

/** What stands on top of this driver and wants to be named in the handshake: the option `driver`. */
export class DriverInfo extends Value {
  readonly #name: string;
  readonly #version: string | null;
  readonly #platform: string | null;

  /** @throws TypeError: no strings */
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

  get name(): string {
    return this.#name;
  }

  get version(): string | null {
    return this.#version;
  }

  get platform(): string | null {
    return this.#platform;
  }
}

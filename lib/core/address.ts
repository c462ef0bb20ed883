import { ConfigurationError } from './errors';

export const DEFAULT_PORT = 27017;

/** Where a server listens: a host and its port, or the path of a Unix socket (then `port` is `null`). */
export class Address {
  private constructor(
    /** Host name in lower case, IP address without brackets, or path. */
    readonly host: string,
    readonly port: number | null,
  ) {
    Object.freeze(this);
  }

  /** A host name without regard to case, or, where it ends in `.sock`, the path of a Unix socket. */
  static of(host: string, port: number = DEFAULT_PORT): Address {
    return host.endsWith('.sock') ? new Address(host, null) : new Address(host.toLowerCase(), port);
  }

  /**
   * Read `name`, `name:port`, `[::1]`, `[::1]:port` or `/path/x.sock`.
   * @param port the port of an address that names none
   * @throws ConfigurationError: no host, or no such port; the message holds the text unless a password may be in it
   */
  static parse(text: string, port: number = DEFAULT_PORT): Address {
    if (text.includes('@')) {
      throw new ConfigurationError('a user stands only in a connection string: mongodb://user:password@host');
    }
    if (text === '') throw new ConfigurationError('the host is empty; perhaps there is a comma too many');
    if (text.endsWith('.sock')) return Address.of(text);

    const parts = /^(?:\[([^[\]/?\s]+)\]|([^:[\]/?\s]+))(?::(.*))?$/.exec(text);
    const host = parts?.[1] ?? parts?.[2];
    if (host === undefined) {
      throw new ConfigurationError(
        `'${text}' is no address: write name, name:port, [::1]:port, or a path that ends in .sock`,
      );
    }
    const digits = parts?.[3];
    if (digits === undefined) return Address.of(host, port);
    const named = /^\d{1,5}$/.test(digits) ? Number(digits) : 0;
    if (named < 1 || named > 65535) {
      throw new ConfigurationError(`the port of '${text}' must be an integer from 1 to 65535`);
    }
    return Address.of(host, named);
  }

  equals(other: unknown): boolean {
    return other instanceof Address && other.host === this.host && other.port === this.port;
  }

  /** `host:port`, `[::1]:port`, or the path; equal addresses give equal texts. */
  toString(): string {
    if (this.port === null) return this.host;
    return this.host.includes(':') ? `[${this.host}]:${this.port}` : `${this.host}:${this.port}`;
  }
}

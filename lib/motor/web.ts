/** What the original takes from `tornado.web`. */

import { STATUS_CODES } from 'node:http';

/**
 * An error with an HTTP status, for code that answers requests.
 * @see Tornado 3.2, tornado.web.HTTPError
 */
export class HTTPError extends Error {
  /** The HTTP status, such as 404. */
  readonly status_code: number;

  /**
   * An error that answers with this status.
   * @param status_code the HTTP status, such as 404
   * @param log_message what happened, for the log; an error given here is also the `cause`; default null
   * @throws TypeError: `status_code` is no integer
   */
  constructor(status_code: number, log_message: string | Error | null = null) {
    if (!Number.isInteger(status_code)) throw new TypeError('HTTPError: status_code must be an integer');
    const text = log_message instanceof Error ? log_message.message : log_message;
    super(
      `HTTP ${status_code}: ${STATUS_CODES[status_code] ?? 'Unknown'}${text ? ` (${text})` : ''}`,
      log_message instanceof Error ? { cause: log_message } : undefined,
    );
    this.status_code = status_code;
  }

  /** The name of its class. */
  override get name(): string {
    return this.constructor.name;
  }
}

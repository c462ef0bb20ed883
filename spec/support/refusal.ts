import type { Document } from 'bson';

/** Names of the error codes that are played or made to fail, as servers give them. */
const NAMES: Readonly<Record<number, string>> = {
  1: 'InternalError',
  2: 'BadValue',
  6: 'HostUnreachable',
  7: 'HostNotFound',
  8: 'UnknownError',
  9: 'FailedToParse',
  18: 'AuthenticationFailed',
  20: 'IllegalOperation',
  26: 'NamespaceNotFound',
  43: 'CursorNotFound',
  50: 'MaxTimeMSExpired',
  59: 'CommandNotFound',
  63: 'StaleShardVersion',
  64: 'WriteConcernTimeout',
  72: 'InvalidOptions',
  79: 'UnknownReplWriteConcern',
  89: 'NetworkTimeout',
  91: 'ShutdownInProgress',
  100: 'UnsatisfiableWriteConcern',
  112: 'WriteConflict',
  125: 'CommandFailed',
  134: 'ReadConcernMajorityNotAvailableYet',
  165: 'FailPointSetFailed',
  189: 'PrimarySteppedDown',
  225: 'TransactionTooOld',
  251: 'NoSuchTransaction',
  262: 'ExceededTimeLimit',
  391: 'ReauthenticationRequired',
  462: 'IngressRequestRateLimitExceeded',
  9001: 'SocketException',
  10107: 'NotWritablePrimary',
  11600: 'InterruptedAtShutdown',
  11601: 'Interrupted',
  11602: 'InterruptedDueToReplStateChange',
  13388: 'StaleConfig',
  13435: 'NotPrimaryNoSecondaryOk',
  13436: 'NotPrimaryOrSecondary',
};

export function nameOfCode(code: number): string {
  return NAMES[code] ?? `Location${code}`;
}

export function errorReply(code: number, errmsg: string): Document {
  return { ok: 0, errmsg, code, codeName: nameOfCode(code) };
}

/** Thrown where a played server refuses a command: its reply. */
export class Refusal extends Error {
  readonly reply: Document;

  constructor(code: number, message: string) {
    super(message);
    this.reply = errorReply(code, message);
  }
}

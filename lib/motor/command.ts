import type { Document } from 'bson';
import { entries } from '../core/documents';
import { OperationFailure } from '../core/errors';
import { type Failed, failureOf } from '../core/failure';
import { projectionOf } from './arguments';
import { document, expect } from './keywords';

const nameOrDocument = { ...document, wanted: 'a name or a document' };

/** The command as an ordered document: a name and its value, or a document whose first key is the name. */
export function commandDocument(
  command: unknown,
  value: unknown,
  server: Readonly<Record<string, unknown>>,
): Map<string, unknown> {
  const sent = new Map<string, unknown>();
  if (typeof command === 'string') sent.set(command, value);
  else
    for (const [name, field] of entries(expect('command', 'command', nameOrDocument, command))) sent.set(name, field);
  if (sent.size === 0 || sent.has('')) throw new TypeError('command: the command is empty');
  for (const [name, field] of Object.entries(server)) {
    sent.set(name, name === 'fields' && Array.isArray(field) ? projectionOf(field) : field);
  }
  return sent;
}

/** What counts as a failure of a command. */
interface Checking {
  readonly check: boolean;
  readonly allowable_errors: readonly (string | number)[] | null;
}

/** The reply, unless it tells of a failure that is none of the caller's. */
export function checkedReply(reply: Document, operation: Failed, checking: Checking): Document {
  if (reply.ok === 1 || isAllowed(reply, checking)) return reply;
  throw failureOf(reply, operation);
}

/** The failure of a command that the driver served, as the caller wants it: as the reply, if that is no error to them. */
export function failedReply(error: unknown, checking: Checking): Document {
  if (!(error instanceof OperationFailure)) throw error;
  const reply = error.details ?? { ok: 0, errmsg: error.message, code: error.code };
  if (isAllowed(reply, checking)) return reply;
  throw error;
}

function isAllowed(reply: Document, { check, allowable_errors }: Checking): boolean {
  const allowed = allowable_errors ?? [];
  return !check || allowed.includes(reply.errmsg) || allowed.includes(reply.code);
}

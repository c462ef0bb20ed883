import type { Document } from 'bson';
import { entries } from '../core/documents';
import { type Failed, failureOf } from '../core/failure';
import { projectionOf } from './arguments';
import { document, expect } from './keywords';

/** The command as an ordered document: a name and its value, or a document whose first key is the name. */
export function commandDocument(
  command: unknown,
  value: unknown,
  server: Readonly<Record<string, unknown>>,
): Map<string, unknown> {
  const sent = new Map<string, unknown>();
  if (typeof command === 'string') sent.set(command, value);
  else for (const [name, field] of entries(expect('command', 'command', document, command))) sent.set(name, field);
  if (sent.size === 0 || sent.has('')) throw new TypeError('command: the command is empty');
  for (const [name, field] of Object.entries(server)) {
    sent.set(name, name === 'fields' && Array.isArray(field) ? projectionOf(field) : field);
  }
  return sent;
}

/** The reply, unless it tells of a failure that is none of the caller's. */
export function checkedReply(
  reply: Document,
  operation: Failed,
  options: { check: boolean; allowable_errors: readonly (string | number)[] | null },
): Document {
  if (reply.ok === 1 || !options.check) return reply;
  const allowed = options.allowable_errors ?? [];
  if (allowed.includes(reply.errmsg) || allowed.includes(reply.code)) return reply;
  throw failureOf(reply, operation);
}

/**
 * Commands that current servers no longer have. Each is sent first; if the server does not know it, which is
 * remembered, the driver serves it in today's terms.
 */

import type { Document } from 'bson';
import { entries, firstKey } from '../core/documents';
import type { Engine, RunOptions } from '../core/engine';
import { type Failed, failureOf } from '../core/failure';
import type { Finish } from '../core/operation';
import type { ReadPreference } from '../core/readPreference';
import { serveCopy } from './copyDatabase';
import { serveFileMd5 } from './fileMd5';
import { serveGeoNear } from './geoNear';
import { serveGroup } from './group';
import { serveMapReduce } from './mapReduce';
import { serveParallelScan } from './parallelScan';
import type { RememberedErrors } from './rememberedErrors';
import { codeToSend } from './scopeFolding';
import { withPreference } from './settings';

/** One call of such a command. */
export interface Call {
  readonly engine: Engine;
  readonly database: string;
  /** Its name is the first key, in any case; without `$db`. */
  readonly command: Document;
  /** Of what is read for it. */
  readonly preference: ReadPreference;
  /** How documents of the reply are decoded, and which server must answer. */
  readonly run: RunOptions;
  readonly remembered: RememberedErrors;
}

interface GoneCommand {
  /** Answers in the server's place. What it throws is the command's failure. */
  readonly serve: (call: Call) => Document | Promise<Document>;
  /** Not sent to any server. */
  readonly neverSent?: (command: Document) => boolean;
  /** The command as it is to be sent, if not as it is. */
  readonly toSend?: (command: Document) => Document;
  /** What the server answers when it lacks the command, besides 59. */
  readonly codes?: readonly number[];
}

/** A server's answer when it does not know a command. */
const COMMAND_NOT_FOUND = 59;
/** Answers of a server that was built without JavaScript. */
const NO_JAVASCRIPT = [31264, 6108304];

const always = () => true;

/** By name, in lower case. What is neither here nor on the server is not served: the server's error comes back. */
const GONE: ReadonlyMap<string, GoneCommand> = new Map<string, GoneCommand>([
  ['group', { serve: serveGroup, toSend: groupToSend }],
  ['mapreduce', { serve: serveMapReduce, toSend: mapReduceToSend, codes: NO_JAVASCRIPT }],
  // Its handshake with a user's name needs MD5 digests, which no server keeps any longer.
  ['copydb', { serve: serveCopy, neverSent: (command) => (command.username ?? null) !== null }],
  ['parallelcollectionscan', { serve: serveParallelScan }],
  ['geonear', { serve: serveGeoNear }],
  ['filemd5', { serve: serveFileMd5 }],
  ['getlasterror', { serve: ({ remembered, database }) => remembered.lastStatus(database), neverSent: always }],
  ['getpreverror', { serve: ({ remembered, database }) => remembered.previous(database), neverSent: always }],
  ['reseterror', { serve: ({ remembered, database }) => remembered.reset(database), neverSent: always }],
]);

/** Whether the driver may have to serve a command, named in lower case. */
export function isGone(name: string): boolean {
  return GONE.has(name);
}

/** The server did not know the command. */
const UNKNOWN: unique symbol = Symbol('unknown');

/**
 * Send a command; serve it if the server does not know it.
 * @param finish reads a reply of the server, also one that tells of a failure
 */
export async function sendOrServe(call: Call, finish: Finish<Document> = successful): Promise<Document> {
  const { engine, database, command, preference, run } = call;
  const name = nameOf(command).toLowerCase();
  const { serve, neverSent, toSend, codes = [] } = GONE.get(name) as GoneCommand;
  if (neverSent?.(command) === true || engine.server?.unknownCommands.has(name) === true) return serve(call);
  const sent = withPreference({ ...(toSend?.(command) ?? command), $db: database }, preference, engine);
  const reply = await engine.run<Document | typeof UNKNOWN>(
    sent,
    (answer, operation) => {
      const unknown = answer.ok !== 1 && (answer.code === COMMAND_NOT_FOUND || codes.includes(answer.code));
      if (!unknown) return finish(answer, operation);
      engine.serverAt(operation.address)?.unknownCommands.add(name);
      return UNKNOWN;
    },
    { ...run, wholeReply: true, rawReply: true },
  );
  return reply === UNKNOWN ? serve(call) : reply;
}

/** The reply, as long as it does not tell of a failure. */
function successful(reply: Document, operation: Failed): Document {
  if (reply.ok !== 1) throw failureOf(reply, operation);
  return reply;
}

function nameOf(command: Document): string {
  return firstKey(command) ?? '';
}

function groupToSend(command: Document): Document {
  const name = nameOf(command);
  return { group: withCode(command[name] as Document) };
}

function mapReduceToSend(command: Document): Document {
  const { [nameOf(command)]: collection, ...fields } = command;
  return { mapReduce: collection, ...withCode(fields) };
}

/** Functions as code, and code without scopes: so servers want it. */
function withCode(fields: Document): Document {
  return Object.fromEntries(entries(fields ?? {}).map(([name, value]) => [name, codeToSend(value)]));
}

/**
 * Lets nobody past a proxy who has not logged in: users, passwords and mechanisms, which the embedded server lacks.
 * The server's side of SCRAM (RFC 5802), written apart from the driver's, so that a mistake there cannot hide itself here.
 */

import { createHash, createHmac, pbkdf2Sync, randomBytes } from 'node:crypto';
import { Binary, type Document } from 'bson';
import { replyOf } from './message';
import { type Action, any, type FaultProxy, type SeenCommand } from './proxy';

export interface User {
  readonly name: string;
  /** As SASLprep would leave it: the server stores nothing else. */
  readonly password?: string;
  /** Where the user is defined. */
  readonly db: string;
  /** Default: both kinds of SCRAM. */
  readonly mechanisms?: readonly string[];
}

export interface LoginRules {
  /** Default 4096 for SHA-1 and for SHA-256. */
  readonly iterations?: number;
  /** Begin in the handshake, as servers since 4.4 do. Default true. */
  readonly speculates?: boolean;
  /** Whether an empty exchange can be left out, as servers since 4.4 allow. Default true. */
  readonly skipsEmptyExchange?: boolean;
  /** What becomes of a message before it is sent: `first` is the one with the salt, `final` that with the signature. */
  readonly spoil?: (step: 'first' | 'final', message: string) => string;
}

/** What was seen of those who came. */
export interface Logins {
  /** Who works on each connection, `name@db`, by the connection's number. */
  readonly users: ReadonlyMap<number, string>;
  /** `mechanism name@db` for each time somebody was let in, in order. */
  readonly accepted: readonly string[];
  /** How often somebody was refused: wrong password, unknown user. */
  readonly refused: number;
  /** Each command that got past, as `name@db command`. */
  readonly passed: readonly string[];
}

interface Conversation {
  readonly mechanism: string;
  readonly user: User;
  readonly nonce: string;
  readonly exchanged: string;
  readonly serverKey: Buffer;
  readonly storedKey: Buffer;
  proven: boolean;
}

const REFUSAL: Document = { ok: 0, errmsg: 'Authentication failed.', code: 18, codeName: 'AuthenticationFailed' };
const HELLO = new Set(['hello', 'isMaster', 'ismaster']);
const SCRAM = ['SCRAM-SHA-1', 'SCRAM-SHA-256'];

/** From here on this proxy lets only these users through, each connection after it has logged in. */
export function requireLogin(proxy: FaultProxy, users: readonly User[], rules: LoginRules = {}): Logins {
  const login = new Login(users, rules);
  proxy.on(any, login.act, Number.POSITIVE_INFINITY);
  return login;
}

class Login implements Logins {
  readonly users = new Map<number, string>();
  readonly accepted: string[] = [];
  readonly passed: string[] = [];
  refused = 0;
  readonly #known: readonly User[];
  readonly #rules: LoginRules;
  readonly #salts = new Map<string, Buffer>();
  readonly #conversations = new Map<number, Conversation>();

  constructor(known: readonly User[], rules: LoginRules) {
    this.#known = known;
    this.#rules = rules;
  }

  readonly act: Action = async (exchange) => {
    const { command } = exchange;
    const { connection, document, name, db } = command;
    const reply = (body: Document) => (command.moreToCome ? undefined : exchange.send(exchange.replyWith(body)));
    if (HELLO.has(name)) {
      const hello = replyOf((await exchange.forward()) as Buffer, true);
      return reply({ ...hello, ...this.#greet(connection, document) });
    }
    if (name === 'saslStart') return reply(this.#start(connection, document, db));
    if (name === 'saslContinue') return reply(this.#continue(connection, document));
    if (name === 'authenticate') return reply(this.#byName(connection, document, db));
    const user = this.users.get(connection);
    if (user === undefined) return reply({ ok: 0, code: 13, errmsg: `command ${name} requires authentication` });
    this.passed.push(`${user} ${name}`);
    const answer = await exchange.forward();
    if (answer !== null) await exchange.send(answer);
  };

  #greet(connection: number, { saslSupportedMechs, speculativeAuthenticate }: SeenCommand['document']): Document {
    const said: Document = {};
    if (saslSupportedMechs !== undefined) {
      const user = this.#known.find(({ name, db }) => `${db}.${name}` === saslSupportedMechs);
      if (user !== undefined) said.saslSupportedMechs = user.mechanisms ?? SCRAM;
    }
    if (speculativeAuthenticate === undefined || this.#rules.speculates === false) return said;
    const begin = speculativeAuthenticate.saslStart === 1 ? this.#start : this.#byName;
    const begun = begin.call(this, connection, speculativeAuthenticate, speculativeAuthenticate.db);
    // What does not work here is simply not there; the driver tries again by the command itself.
    return begun.ok === 1 ? { ...said, speculativeAuthenticate: begun } : said;
  }

  #start(connection: number, { mechanism, payload }: Document, db: string): Document {
    const message = textOf(payload);
    if (mechanism === 'PLAIN') {
      const [, name, password] = message.split('\0');
      const user = this.#find(String(name), db, mechanism);
      return user !== undefined && user.password === password
        ? this.#accept(connection, user, mechanism)
        : this.#refuse();
    }
    const [, name = '', clientNonce = ''] = /^n,,n=([^,]*),r=([^,]+)$/.exec(message) ?? [];
    const user = this.#find(name.replaceAll('=2C', ',').replaceAll('=3D', '='), db, mechanism);
    if (user === undefined || !SCRAM.includes(mechanism)) return this.#refuse();
    const nonce = clientNonce + randomBytes(18).toString('base64');
    const salt = this.#saltOf(user, mechanism);
    const { iterations = 4096, spoil = (_: string, unspoilt: string) => unspoilt } = this.#rules;
    const first = spoil('first', `r=${nonce},s=${salt.toString('base64')},i=${iterations}`);
    const keys = storedKeys(user, mechanism, salt, iterations);
    const exchanged = `${message.slice(3)},${first},`;
    this.#conversations.set(connection, { mechanism, user, nonce, exchanged, proven: false, ...keys });
    return { ok: 1, conversationId: 7, done: false, payload: new Binary(Buffer.from(first)) };
  }

  #continue(connection: number, { conversationId, payload }: Document): Document {
    const conversation = this.#conversations.get(connection);
    const message = textOf(payload);
    if (conversation === undefined || conversationId !== 7) return this.#refuse();
    if (conversation.proven && message === '')
      return this.#accept(connection, conversation.user, conversation.mechanism);
    const [, withoutProof = '', nonce, proof = ''] = /^(c=biws,r=([^,]+)),p=(.+)$/.exec(message) ?? [];
    const { mechanism, user, storedKey, serverKey } = conversation;
    const exchanged = conversation.exchanged + withoutProof;
    const signature = hmac(mechanism, storedKey, exchanged);
    const clientKey = Buffer.from(Buffer.from(proof, 'base64').map((byte, at) => byte ^ (signature[at] ?? 0)));
    if (nonce !== conversation.nonce || !hash(mechanism, clientKey).equals(storedKey)) return this.#refuse();
    const { skipsEmptyExchange = true, spoil = (_: string, unspoilt: string) => unspoilt } = this.#rules;
    const final = spoil('final', `v=${hmac(mechanism, serverKey, exchanged).toString('base64')}`);
    conversation.proven = true;
    if (skipsEmptyExchange) this.#accept(connection, user, mechanism);
    return { ok: 1, conversationId: 7, done: skipsEmptyExchange, payload: new Binary(Buffer.from(final)) };
  }

  /** As a certificate would tell it; a user that is not named is the one who is called `CN=anybody`. */
  #byName(connection: number, { mechanism, user: name = 'CN=anybody' }: Document, db: string): Document {
    const user = this.#find(name, db, mechanism);
    return user === undefined ? this.#refuse() : this.#accept(connection, user, mechanism);
  }

  #find(name: string, db: string, mechanism: string): User | undefined {
    return this.#known.find((user) => {
      return user.name === name && user.db === db && (user.mechanisms ?? SCRAM).includes(mechanism);
    });
  }

  #saltOf({ name, db }: User, mechanism: string): Buffer {
    const key = `${mechanism} ${db}.${name}`;
    const salt = this.#salts.get(key) ?? randomBytes(mechanism === 'SCRAM-SHA-1' ? 16 : 28);
    this.#salts.set(key, salt);
    return salt;
  }

  #accept(connection: number, { name, db }: User, mechanism: string): Document {
    this.#conversations.delete(connection);
    this.users.set(connection, `${name}@${db}`);
    this.accepted.push(`${mechanism} ${name}@${db}`);
    return { ok: 1, conversationId: 7, done: true, payload: new Binary(Buffer.alloc(0)) };
  }

  #refuse(): Document {
    this.refused += 1;
    return REFUSAL;
  }
}

function textOf(payload: unknown): string {
  return payload instanceof Binary ? Buffer.from(payload.value()).toString() : '';
}

/** What a server keeps of a password. */
function storedKeys({ name, password = '' }: User, mechanism: string, salt: Buffer, iterations: number) {
  const legacy = mechanism === 'SCRAM-SHA-1';
  const secret = legacy ? createHash('md5').update(`${name}:mongo:${password}`).digest('hex') : password;
  const salted = pbkdf2Sync(secret, salt, iterations, legacy ? 20 : 32, algorithm(mechanism));
  return {
    storedKey: hash(mechanism, hmac(mechanism, salted, 'Client Key')),
    serverKey: hmac(mechanism, salted, 'Server Key'),
  };
}

const algorithm = (mechanism: string) => (mechanism === 'SCRAM-SHA-1' ? 'sha1' : 'sha256');
const hash = (mechanism: string, bytes: Buffer) => createHash(algorithm(mechanism)).update(bytes).digest();
const hmac = (mechanism: string, key: Buffer, text: string) =>
  createHmac(algorithm(mechanism), key).update(text).digest();

/**
 * SCRAM, by which both sides prove that they know the password without saying it.
 *
 * @see RFC 5802 and RFC 7677; specification "authentication"
 */

import { createHash, createHmac, pbkdf2, randomBytes, timingSafeEqual } from 'node:crypto';
import { promisify } from 'node:util';
import type { Credential } from '../clientOptions';
import { ConfigurationError, OperationFailure } from '../errors';

export type ScramMechanism = 'SCRAM-SHA-1' | 'SCRAM-SHA-256';

/** What the password, the salt and the iterations come to. */
interface Keys {
  readonly client: Buffer;
  readonly server: Buffer;
}

interface Derived {
  readonly recipe: string;
  readonly keys: Promise<Keys>;
}

const HASHES = {
  'SCRAM-SHA-1': { name: 'sha1', size: 20 },
  'SCRAM-SHA-256': { name: 'sha256', size: 32 },
} as const;

/** No server asks for less; a server in between could, to have the password for little work. */
const LEAST_ITERATIONS = 4096;
const MOST_ITERATIONS = 0x7fffffff;

/** No channel binding: `n,,` in base64. */
const CHANNEL = 'biws';

/**
 * The keys of each credential as the servers last asked for them: deriving them takes milliseconds by design, and all
 * connections want the same.
 */
const derived = new WeakMap<Credential, Derived>();

const deriveKey = promisify(pbkdf2);

/** One conversation: `first`, then `final` by the server's answer, then `verify` by the answer to that. */
export class Scram {
  readonly mechanism: ScramMechanism;
  readonly #credential: Credential;
  readonly #nonce: string;
  readonly #firstBare: string;
  #serverSignature: Buffer | null = null;

  constructor(mechanism: ScramMechanism, credential: Credential, nonce = randomBytes(24).toString('base64')) {
    this.mechanism = mechanism;
    this.#credential = credential;
    this.#nonce = nonce;
    const username = (credential.username ?? '').replaceAll('=', '=3D').replaceAll(',', '=2C');
    this.#firstBare = `n=${username},r=${nonce}`;
  }

  /** The client's first message. */
  get first(): string {
    return `n,,${this.#firstBare}`;
  }

  /**
   * The client's final message, which holds its proof.
   * @throws OperationFailure: the server does not keep to the rules
   * @throws ConfigurationError: the password has characters that SCRAM-SHA-256 does not allow
   */
  async final(serverFirst: string): Promise<string> {
    const { r: nonce = '', s: salt = '', i: count = '', e: error } = attributes(serverFirst);
    if (error !== undefined) throw new OperationFailure(`the server refused: ${error}`);
    if (!nonce.startsWith(this.#nonce) || nonce.length === this.#nonce.length) {
      throw new OperationFailure("the server's nonce does not go on from the driver's: its answer is no answer to us");
    }
    const iterations = /^[1-9]\d*$/.test(count) ? Number(count) : Number.NaN;
    if (salt === '' || !(iterations <= MOST_ITERATIONS)) {
      throw new OperationFailure('the server sent no salt, or no number of iterations');
    }
    if (iterations < LEAST_ITERATIONS) {
      throw new OperationFailure(
        `the server asks for ${iterations} iterations, less than ${LEAST_ITERATIONS} is unsafe`,
      );
    }
    const keys = await keysOf(this.#credential, this.mechanism, salt, iterations);
    const { name } = HASHES[this.mechanism];
    const withoutProof = `c=${CHANNEL},r=${nonce}`;
    const exchanged = `${this.#firstBare},${serverFirst},${withoutProof}`;
    const storedKey = createHash(name).update(keys.client).digest();
    const clientSignature = createHmac(name, storedKey).update(exchanged).digest();
    this.#serverSignature = createHmac(name, keys.server).update(exchanged).digest();
    const proof = keys.client.map((byte, at) => byte ^ (clientSignature[at] as number));
    return `${withoutProof},p=${Buffer.from(proof).toString('base64')}`;
  }

  /** @throws OperationFailure: the server does not prove that it knows the user */
  verify(serverFinal: string): void {
    const { v: signature = '', e: error } = attributes(serverFinal);
    if (error !== undefined) throw new OperationFailure(`the server refused: ${error}`);
    const given = Buffer.from(signature, 'base64');
    const expected = this.#serverSignature;
    if (expected === null || given.length !== expected.length || !timingSafeEqual(given, expected)) {
      throw new OperationFailure(
        "the server's signature is wrong: it does not know this user, so it is not who it should be",
      );
    }
  }
}

function attributes(message: string): Partial<Record<string, string>> {
  const pairs = message.split(',').map((part) => [part.slice(0, part.indexOf('=')), part.slice(part.indexOf('=') + 1)]);
  const found = Object.fromEntries(pairs) as Record<string, string>;
  // Who does not know an extension that is mandatory must not go on.
  if (found.m !== undefined)
    throw new OperationFailure('the server wants an extension of SCRAM that nobody here knows');
  return found;
}

function keysOf(credential: Credential, mechanism: ScramMechanism, salt: string, iterations: number): Promise<Keys> {
  const recipe = `${mechanism} ${iterations} ${salt}`;
  let known = derived.get(credential);
  if (known?.recipe !== recipe) {
    known = { recipe, keys: deriveKeys(credential, mechanism, Buffer.from(salt, 'base64'), iterations) };
    derived.set(credential, known);
  }
  return known.keys;
}

async function deriveKeys(
  credential: Credential,
  mechanism: ScramMechanism,
  salt: Buffer,
  iterations: number,
): Promise<Keys> {
  const { name, size } = HASHES[mechanism];
  const password = mechanism === 'SCRAM-SHA-1' ? digest(credential) : await prepared(credential.password ?? '');
  const salted = await deriveKey(password, salt, iterations, size, name);
  return {
    client: createHmac(name, salted).update('Client Key').digest(),
    server: createHmac(name, salted).update('Server Key').digest(),
  };
}

/** What servers have stored as the password since the days before SCRAM. */
function digest({ username, password }: Credential): string {
  return createHash('md5').update(`${username}:mongo:${password}`).digest('hex');
}

/** The password in the one form of all those that look alike. */
async function prepared(password: string): Promise<string> {
  if (/^[\x20-\x7e]*$/.test(password)) return password;
  // Its tables take 20 ms to load, and few need them.
  const { saslprep } = await import('@mongodb-js/saslprep');
  try {
    return saslprep(password);
  } catch {
    throw new ConfigurationError(
      'the password has characters that SCRAM-SHA-256 does not allow (SASLprep, RFC 4013): set another one, or name ' +
        'SCRAM-SHA-1 as authMechanism',
    );
  }
}

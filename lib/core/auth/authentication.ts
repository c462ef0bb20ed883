/**
 * How a connection becomes somebody's. It begins in the handshake, so that it often costs one round trip less.
 *
 * @see Specification "authentication"; specification "MongoDB handshake", speculative authentication
 */

import { Binary, type Document } from 'bson';
import type { Address } from '../address';
import type { Credential, Mechanism } from '../clientOptions';
import { ConfigurationError, OperationFailure } from '../errors';
import { type Failed, failureOf } from '../failure';
import { plainStart } from './plain';
import { Scram, type ScramMechanism } from './scram';
import { x509Command } from './x509';

/** Sends a command and gives its reply, also one that tells of a failure. */
export type Ask = (command: Document) => Promise<Document>;

const BEYOND_US: Partial<Record<Mechanism, string>> = {
  GSSAPI: 'a Kerberos library',
  'MONGODB-AWS': "AWS's identity service and its library",
  'MONGODB-OIDC': 'an identity provider and its library',
};

/** @throws ConfigurationError: the mechanism needs what this driver does not bring */
export function checkMechanism(mechanism: Mechanism | null): void {
  const needed = mechanism === null ? undefined : BEYOND_US[mechanism];
  if (needed === undefined) return;
  throw new ConfigurationError(
    `authMechanism ${mechanism} needs ${needed}, which this driver does not bring: use SCRAM-SHA-256, SCRAM-SHA-1, ` +
      'MONGODB-X509 or PLAIN',
  );
}

/** Of one connection, once. */
export class Authentication {
  readonly #credential: Credential;
  /** The conversation that begins in the handshake. */
  readonly #scram: Scram | null;

  constructor(credential: Credential) {
    this.#credential = credential;
    const { mechanism } = credential;
    // Where the mechanism is still open, newer servers have this one.
    this.#scram = mechanism === null || isScram(mechanism) ? new Scram(mechanism ?? 'SCRAM-SHA-256', credential) : null;
  }

  /** What the handshake says of it. */
  get greeting(): Document {
    const { username, source, mechanism } = this.#credential;
    const asked = mechanism === null ? { saslSupportedMechs: `${source}.${username}` } : {};
    if (this.#scram !== null) return { ...asked, speculativeAuthenticate: { ...scramStart(this.#scram), db: source } };
    if (mechanism !== 'MONGODB-X509') return asked;
    return { ...asked, speculativeAuthenticate: { ...x509Command(this.#credential), db: source } };
  }

  /**
   * Go on where the reply to the handshake has left it, to its end.
   * @throws OperationFailure: the user is refused, or the server is not to be trusted
   * @throws ConfigurationError: this mechanism cannot say this user's name or password
   * @throws AutoReconnect: the connection broke
   */
  async complete(hello: Document, address: Address, ask: Ask): Promise<void> {
    const begun: Document | undefined = hello.speculativeAuthenticate;
    const { source } = this.#credential;
    const scram = begun === undefined ? null : this.#scram;
    const mechanism = this.#credential.mechanism ?? scram?.mechanism ?? negotiated(hello.saslSupportedMechs);
    const failed = this.#failed(mechanism, address);
    const run = async (command: Document) => {
      const reply = await ask({ ...command, $db: source });
      if (reply.ok !== 1) throw failureOf(reply, failed);
      return reply;
    };
    try {
      if (scram !== null && begun !== undefined) {
        await converse(scram, begun, run);
      } else if (isScram(mechanism)) {
        const anew = new Scram(mechanism, this.#credential);
        await converse(anew, await run(scramStart(anew)), run);
      } else if (mechanism === 'MONGODB-X509') {
        if (begun === undefined) await run(x509Command(this.#credential));
      } else {
        checkMechanism(mechanism);
        const reply = await run(plainStart(this.#credential));
        if (reply.done !== true) throw new OperationFailure('the server wants to know more than PLAIN can say');
      }
    } catch (error) {
      // What we found out ourselves does not yet say about whom it is.
      if (!(error instanceof OperationFailure) || error.details !== null) throw error;
      throw new OperationFailure(`${error.message} (${failed.description} at ${address})`);
    }
  }

  #failed(mechanism: Mechanism, address: Address): Failed {
    const { username, source } = this.#credential;
    const user = username === null ? 'the user of the certificate' : `'${username}'`;
    const description = `authentication of ${user} on ${source} by ${mechanism}`;
    return { name: 'authenticate', description, address };
  }
}

function isScram(mechanism: Mechanism): mechanism is ScramMechanism {
  return mechanism === 'SCRAM-SHA-1' || mechanism === 'SCRAM-SHA-256';
}

/** The best that the server has for the user; it says nothing of users that it does not know. */
function negotiated(offered: unknown): ScramMechanism {
  return Array.isArray(offered) && offered.includes('SCRAM-SHA-256') ? 'SCRAM-SHA-256' : 'SCRAM-SHA-1';
}

function scramStart(scram: Scram): Document {
  return {
    saslStart: 1,
    mechanism: scram.mechanism,
    payload: binary(scram.first),
    autoAuthorize: 1,
    options: { skipEmptyExchange: true },
  };
}

async function converse(scram: Scram, start: Document, run: Ask): Promise<void> {
  const proceed = (payload: string) =>
    run({ saslContinue: 1, conversationId: start.conversationId, payload: binary(payload) });
  const end = await proceed(await scram.final(text(start.payload)));
  scram.verify(text(end.payload));
  // Servers before 4.4 do not know that an empty exchange can be left out.
  if (end.done !== true && (await proceed('')).done !== true) {
    throw new OperationFailure('the server does not come to an end with SCRAM');
  }
}

function binary(message: string): Binary {
  return new Binary(Buffer.from(message));
}

function text(payload: unknown): string {
  if (!(payload instanceof Binary)) throw new OperationFailure('the server sent no message of SCRAM');
  return Buffer.from(payload.value()).toString();
}

import type { Credential } from '../clientOptions';
import type { Engine } from '../engine';
import { OperationFailure } from '../errors';
import { checkMechanism } from './authentication';

/** A user, with the engine whose connections are his. */
interface Identity {
  readonly credential: Credential | null;
  readonly engine: Engine;
  /** The server has let him in, or is being asked; null: not since he logged out. */
  proof: Promise<void> | null;
}

/**
 * The users of a client who logged in to databases. A connection can be one user's only, so each has an engine of his
 * own, which finds its servers, and keeps its pools, like any other.
 */
export class Identities {
  readonly #make: (credential: Credential | null) => Engine;
  /** All that were ever let in, so that whoever comes back finds his engine. The connection string's is the first. */
  readonly #known: Identity[];
  readonly #onDatabase = new Map<string, Identity>();
  /** Works where nobody has logged in. */
  #otherwise: Identity;

  /** @param own the engine of the connection string's user, if it names one */
  constructor(own: Engine, make: (credential: Credential | null) => Engine) {
    const { credential } = own.options;
    this.#make = make;
    this.#otherwise = { credential, engine: own, proof: null };
    this.#known = [this.#otherwise];
    if (credential !== null) this.#onDatabase.set(credential.source, this.#otherwise);
  }

  /** Those besides the connection string's. */
  get others(): readonly Engine[] {
    return this.#known.slice(1).map(({ engine }) => engine);
  }

  /** Who works on this database: who logged in there, else on `admin`, else the user of the connection string. */
  engineFor(database: string): Engine {
    return (this.#onDatabase.get(database) ?? this.#onDatabase.get('admin') ?? this.#otherwise).engine;
  }

  /**
   * Have the server check the user, and let him work on this database.
   * @throws OperationFailure: the server refuses him, or somebody else works there
   */
  async login(database: string, credential: Credential): Promise<void> {
    checkMechanism(credential.mechanism);
    this.#checkFree(database, credential);
    const identity = this.#identityOf(credential);
    identity.proof ??= this.#prove(identity);
    await identity.proof;
    // Somebody may have been quicker.
    this.#checkFree(database, credential);
    this.#onDatabase.set(database, identity);
  }

  /** Forget who works on this database. His connections are closed, those in use when they come back. */
  logout(database: string): void {
    const identity = this.#onDatabase.get(database);
    if (identity === undefined) return;
    this.#onDatabase.delete(database);
    if (identity === this.#otherwise && identity.credential?.source === database) {
      this.#otherwise = this.#identityOf(null);
    }
    if (identity === this.#otherwise || [...this.#onDatabase.values()].includes(identity)) return;
    identity.proof = null;
    identity.engine.clear();
  }

  #checkFree(database: string, credential: Credential): void {
    const there = this.#onDatabase.get(database)?.credential ?? null;
    if (there === null || isSame(there, credential)) return;
    throw new OperationFailure(
      `another user, '${there.username}', is authenticated on ${database} already: call logout() first`,
    );
  }

  #identityOf(credential: Credential | null): Identity {
    let identity = this.#known.find((known) => isSame(known.credential, credential));
    if (identity === undefined) {
      identity = { credential, engine: this.#make(credential), proof: null };
      this.#known.push(identity);
    }
    return identity;
  }

  /** The handshake of a connection says more than the reply: without a login there is none. */
  async #prove(identity: Identity): Promise<void> {
    try {
      await identity.engine.runOwn({ ping: 1, $db: 'admin' }, () => undefined);
    } catch (error) {
      identity.proof = null;
      const index = this.#known.indexOf(identity);
      if (index > 0) {
        this.#known.splice(index, 1);
        identity.engine.close();
      }
      throw error;
    }
  }
}

function isSame(one: Credential | null, other: Credential | null): boolean {
  if (one === null || other === null) return one === other;
  return (
    one.username === other.username &&
    one.password === other.password &&
    one.source === other.source &&
    one.mechanism === other.mechanism
  );
}

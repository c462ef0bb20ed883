/**
 * The servers of a `mongodb+srv://` string: found before the first operation, and looked for again while the client
 * works with a sharded cluster.
 * @see Specifications "initial DNS seedlist discovery", "polling SRV records for mongos discovery"
 */

import { promises as dns } from 'node:dns';
import { debuglog } from 'node:util';
import { Address } from './address';
import type { ClientOptions, SrvOptions } from './clientOptions';
import { ConfigurationError, InvalidURI } from './errors';

/** From one look at the DNS to the next, in ms: Node does not tell how long an answer holds. */
const RESCAN_PAUSE = 60_000;

const debug = debuglog('motor');

/** Finds the servers of a `mongodb+srv://` string, once. */
export class Seedlist {
  readonly #options: ClientOptions;
  readonly #srv: SrvOptions;
  #search: Promise<ClientOptions> | null = null;
  #closing = new AbortController();

  constructor(options: ClientOptions, srv: SrvOptions) {
    this.#options = options;
    this.#srv = srv;
  }

  /**
   * The client's options with the seeds that the DNS names, and what else it says. Those who ask meanwhile share the
   * search; after a failure the next one searches anew.
   * @throws ConfigurationError: the DNS has no servers, does not answer in time, or what it says does not fit
   */
  find(): Promise<ClientOptions> {
    this.#search ??= this.#look().finally(() => {
      this.#search = null;
    });
    return this.#search;
  }

  /** Give up the search, if there is one. */
  close(cause: Error): void {
    this.#closing.abort(cause);
    this.#closing = new AbortController();
  }

  async #look(): Promise<ClientOptions> {
    const srv = this.#srv;
    const [targets, txt] = await ask(srv, limitOf(this.#options), this.#closing.signal, (question) =>
      Promise.all([question.servers(), question.txt()]),
    );
    for (const { host } of targets) {
      if (!isWithin(srv, host)) throw failure(srv, `the server '${host}' is not in the domain ${domainOf(srv)}`);
    }
    try {
      return srv.complete(choose(srv, targets), txt);
    } catch (error) {
      throw failure(srv, (error as Error).message, error);
    }
  }
}

/** What the poller has to know of a topology, and tells it. */
export interface PolledTopology {
  /** Sharded or Unknown: the members of others say themselves who belongs to them. */
  readonly takesSeeds: boolean;
  /** The servers that it has. */
  readonly addresses: readonly Address[];
  /** Add those that it does not have, drop those that are not named, leave alone the others. */
  replaceSeeds(seeds: readonly Address[]): void;
}

/** Keeps the mongoses of a topology those that the DNS names. */
export class SrvPoller {
  readonly #options: ClientOptions;
  readonly #srv: SrvOptions;
  readonly #topology: PolledTopology;
  readonly #closing = new AbortController();
  #timer: NodeJS.Timeout | undefined;

  /** Looks for the first time after a minute: the seeds have just been found. */
  constructor(options: ClientOptions, srv: SrvOptions, topology: PolledTopology) {
    this.#options = options;
    this.#srv = srv;
    this.#topology = topology;
    this.#wait(RESCAN_PAUSE);
  }

  /** Repeatable. */
  close(): void {
    clearTimeout(this.#timer);
    this.#closing.abort();
  }

  #wait(pause: number): void {
    this.#timer = setTimeout(() => void this.#rescan(), pause).unref();
  }

  async #rescan(): Promise<void> {
    // What has become a replica set never becomes a sharded cluster.
    if (!this.#topology.takesSeeds) return;
    const found = await this.#look();
    if (this.#closing.signal.aborted || !this.#topology.takesSeeds) return;
    if (found.length > 0) this.#topology.replaceSeeds(choose(this.#srv, found, this.#topology.addresses));
    this.#wait(found.length > 0 ? RESCAN_PAUSE : this.#options.topology.heartbeatFrequency);
  }

  /** The servers that the DNS names, as far as they are in the domain; none where it cannot be asked. */
  async #look(): Promise<readonly Address[]> {
    const srv = this.#srv;
    try {
      const targets = await ask(srv, limitOf(this.#options), this.#closing.signal, (question) => question.servers());
      const found = targets.filter(({ host }) => isWithin(srv, host));
      for (const { host } of targets) {
        if (!isWithin(srv, host)) debug('%s: the server %s is not in the domain; it is left out', srv.host, host);
      }
      return found;
    } catch (error) {
      debug('%s', (error as Error).message);
      return [];
    }
  }
}

/** What the DNS is asked. */
interface Question {
  servers(): Promise<readonly Address[]>;
  txt(): Promise<string | null>;
}

/**
 * Ask the name servers of this process (`dns.setServers`).
 * @param limit in ms; `null`: as long as the resolver tries
 */
async function ask<T>(
  srv: SrvOptions,
  limit: number | null,
  closing: AbortSignal,
  put: (question: Question) => Promise<T>,
): Promise<T> {
  // One of its own, since all the questions to a resolver are given up together.
  const resolver = new dns.Resolver();
  resolver.setServers(dns.getServers());
  let timedOut = false;
  const giveUp = () => resolver.cancel();
  const timer =
    limit === null
      ? undefined
      : setTimeout(() => {
          timedOut = true;
          giveUp();
        }, limit);
  closing.addEventListener('abort', giveUp);

  async function records<R>(kind: string, name: string, answer: Promise<R[]>): Promise<R[]> {
    try {
      return await answer;
    } catch (error) {
      if (closing.aborted) throw closing.reason;
      const { code } = error as NodeJS.ErrnoException;
      if (code === 'ENOTFOUND' || code === 'ENODATA') return [];
      const reason = timedOut ? `got no answer within ${limit} ms` : `failed with ${code}`;
      throw failure(srv, `asking for the ${kind} record of ${name} ${reason}`, error);
    }
  }

  try {
    return await put({
      async servers() {
        const name = `_${srv.serviceName}._tcp.${srv.host}`;
        const found = await records('SRV', name, resolver.resolveSrv(name));
        if (found.length === 0) throw failure(srv, `there is no SRV record of ${name}`);
        const addresses = found.map(({ name: target, port }) => Address.of(target.replace(/\.$/, ''), port));
        return [...new Map(addresses.map((address) => [String(address), address])).values()];
      },
      async txt() {
        const found = await records('TXT', srv.host, resolver.resolveTxt(srv.host));
        if (found.length > 1) throw failure(srv, `there are ${found.length} TXT records, and may be one`);
        return found[0]?.join('') ?? null;
      },
    });
  } finally {
    clearTimeout(timer);
    closing.removeEventListener('abort', giveUp);
    giveUp();
  }
}

function failure({ host }: SrvOptions, message: string, cause?: unknown): ConfigurationError {
  const Class = cause instanceof InvalidURI ? InvalidURI : ConfigurationError;
  return new Class(`the servers of mongodb+srv://${host} were not found: ${message}`, { cause });
}

function limitOf({ topology, connection }: ClientOptions): number | null {
  // There is nothing to select from yet, so that whoever does not wait for a server waits here all the same.
  const limit = Math.min(topology.serverSelectionTimeout || Infinity, connection.connectTimeout ?? Infinity);
  return limit === Infinity ? null : limit;
}

/** All that follows the first of three labels or more; with fewer, the host is a domain itself. */
function domainOf({ host }: SrvOptions): string {
  const [, ...parents] = host.split('.');
  return parents.length < 2 ? host : parents.join('.');
}

function isWithin(srv: SrvOptions, target: string): boolean {
  return target.endsWith(`.${domainOf(srv)}`);
}

/** As many as there may be: first those that the client has already, then others at random. */
function choose({ maxHosts }: SrvOptions, found: readonly Address[], had: readonly Address[] = []): readonly Address[] {
  if (maxHosts === 0 || maxHosts >= found.length) return found;
  const chosen = found.filter((address) => had.some((one) => one.equals(address)));
  const others = found.filter((address) => !chosen.includes(address));
  while (chosen.length < maxHosts) chosen.push(...others.splice(Math.floor(Math.random() * others.length), 1));
  return chosen;
}

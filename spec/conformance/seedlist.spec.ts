import { expect } from 'chai';
import type { ClientOptions } from '../../lib/core/clientOptions';
import { ConfigurationError } from '../../lib/core/errors';
import { readOptions } from '../../lib/core/options';
import { Seedlist } from '../../lib/core/srv';
import { type NameServer, nameServer } from '../support/nameServer';
import { asyncioLike } from '../support/policies';
import { rejection } from '../support/rejection';
import { conformance } from './specifications';

interface Case {
  description: string;
  uri: string;
  seeds?: string[];
  numSeeds?: number;
  options?: Record<string, unknown>;
  parsed_options?: Record<string, string>;
  error?: boolean;
}

const DOMAIN = 'test.build.10gen.cc';

/** The servers that the specification's domain names for its hosts: their ports, or whole addresses. */
const SERVERS: Record<string, (number | string)[]> = {
  test1: [27017, 27018],
  test2: [27018, 27019],
  test3: [27017],
  test5: [27017],
  test6: [27017],
  test7: [27017],
  test8: [27017],
  test10: [27017],
  test11: [27017],
  test12: ['localhost.build.10gen.cc:27017'],
  test13: ['test.build.10gen.cc:27017'],
  test14: ['localhost.not-test.build.10gen.cc:27017'],
  test15: ['localhost.test.not-build.10gen.cc:27017'],
  test16: ['localhost.test.build.not-10gen.cc:27017'],
  test17: ['localhost.test.build.10gen.not-cc:27017'],
  test18: ['localhost.sub.test.build.10gen.cc:27017'],
  test19: ['localhost.evil.build.10gen.cc:27017', 27017],
  test21: [27017],
};

const TEXTS: Record<string, (string | string[])[]> = {
  test5: ['replicaSet=repl0&authSource=thisDB'],
  test6: ['replicaSet=repl0', 'authSource=otherDB'],
  test7: ['ssl=false'],
  test8: ['authSource'],
  test10: ['socketTimeoutMS=500'],
  test11: [['replicaS', 'et=rep', 'l0']],
  test21: ['loadBalanced=false'],
};

/** Why the files that expect an error do so. */
const ERRORS: Record<string, string> = {
  'direct-connection-true': 'directConnection excludes mongodb+srv://',
  'misformatted-option': "'authSource' has no value",
  'srvMaxHosts-conflicts_with_replicaSet-txt': 'srvMaxHosts is for sharded clusters',
  'srvMaxHosts-conflicts_with_replicaSet': 'srvMaxHosts is for sharded clusters',
  'txt-record-not-allowed-option': "not 'socketTimeoutMS'",
  'txt-record-with-unallowed-option': "not 'ssl'",
  'uri-with-port': 'without a port',
  'uri-with-two-hosts': 'takes one host',
};
const ELSEWHERE = `is not in the domain ${DOMAIN}`;

const OPTIONS: Record<string, (options: ClientOptions) => unknown> = {
  authSource: ({ credential }) => credential?.source,
  loadBalanced: () => false, // true is refused
  replicaSet: ({ topology }) => topology.replicaSet,
  srvMaxHosts: ({ srv }) => srv?.maxHosts,
  ssl: ({ connection }) => connection.tls !== null,
};

const PARTS: Record<string, (options: ClientOptions) => unknown> = {
  auth_database: ({ database }) => database,
  db: ({ database }) => database,
  defaultDatabase: ({ database }) => database,
  password: ({ credential }) => credential?.password,
  user: ({ credential }) => credential?.username,
};

function teach(names: NameServer): void {
  for (const [host, servers] of Object.entries(SERVERS)) {
    const addresses = servers.map((one) => (typeof one === 'number' ? `localhost.${DOMAIN}:${one}` : one));
    names.serve(`_mongodb._tcp.${host}.${DOMAIN}`, ...addresses);
    names.describe(`${host}.${DOMAIN}`, ...(TEXTS[host] ?? []));
  }
}

async function resolve(uri: string): Promise<ClientOptions> {
  const options = readOptions({ caller: 'Client', host: uri }, asyncioLike);
  if (options.srv === null) throw new Error('the string was not read as mongodb+srv://');
  return new Seedlist(options, options.srv).find();
}

function check(wanted: Record<string, unknown> | undefined, found: typeof OPTIONS, options: ClientOptions): void {
  for (const [name, value] of Object.entries(wanted ?? {})) {
    expect(found).to.have.property(name);
    expect(found[name]?.(options), name).to.deep.equal(value);
  }
}

describe('initial DNS seedlist discovery', () => {
  const names = nameServer();
  beforeEach(() => teach(names()));

  function plan(test: Case, file: string): () => Promise<void> {
    return async () => {
      if (test.error) {
        const error = await rejection(resolve(test.uri));
        expect(error).to.be.instanceOf(ConfigurationError);
        expect(error.message).to.include(ERRORS[file] ?? ELSEWHERE);
        return;
      }
      // Where nobody logs in, an authSource is without effect: then there is a user, so that it can be seen.
      const isHidden = test.options?.authSource !== undefined && !test.uri.includes('@');
      const options = await resolve(isHidden ? test.uri.replace('://', '://user:password@') : test.uri);
      const seeds = options.seeds.map(String);
      if (test.seeds !== undefined) expect(seeds).to.have.members(test.seeds);
      expect(seeds).to.have.length(test.numSeeds ?? test.seeds?.length ?? 0);
      check(test.options, OPTIONS, options);
      check(test.parsed_options, PARTS, options);
    };
  }

  const folder = 'initial-dns-seedlist-discovery/tests';
  conformance<Case>(`${folder}/replica-set`, { run: 29, skipped: 0 }, plan);
  conformance<Case>(`${folder}/sharded`, { run: 3, skipped: 0 }, plan);
  conformance<Case>(
    `${folder}/load-balanced`,
    { run: 0, skipped: 7 },
    () => 'the driver does not work through load balancers',
  );
});

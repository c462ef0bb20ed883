import { expect } from 'chai';
import type { ClientOptions } from '../../lib/core/clientOptions';
import { parseConnectionString } from '../../lib/core/connectionString';
import { ConfigurationError } from '../../lib/core/errors';
import { readOptions } from '../../lib/core/options';
import { asyncioLike } from '../support/policies';
import { warningsOf } from '../support/warnings';
import { conformance } from './specifications';

interface Case {
  description: string;
  uri: string;
  valid: boolean;
  warning?: boolean | null;
  hosts: { host: string; port: number | null }[] | null;
  auth: { username: string | null; password: string | null; db: string | null } | null;
  options: { w?: number } | null;
}

interface AuthCase {
  description: string;
  uri: string;
  valid: boolean;
  credential?: {
    username?: string | null;
    password?: string | null;
    source?: string | null;
    mechanism?: string | null;
    mechanism_properties?: Record<string, string> | null;
  } | null;
}

interface ConcernCase {
  description: string;
  uri: string;
  valid: boolean;
  readConcern: { level?: string };
}

const read = (uri: string) => readOptions({ caller: 'Client', host: uri }, asyncioLike);

/** Where the surfaces deliberately take more than the specification. */
const DIFFERENT: Record<string, string> = {
  'Host with unescaped slash': "a socket's path that ends in .sock may stand in a string as it is, as in the original",
};

conformance<Case>('connection-string/tests', { run: 72, skipped: 1 }, (test) => {
  if (DIFFERENT[test.description] !== undefined) return DIFFERENT[test.description] as string;
  // An empty text is a connection string here, although as a client's argument it would be a host.
  if (!test.valid) return () => expect(() => parseConnectionString(test.uri)).to.throw(ConfigurationError);
  return () => {
    let options: ClientOptions | undefined;
    expect(warningsOf(() => (options = read(test.uri)))).to.have.length(test.warning ? 1 : 0);
    const seeds = test.hosts?.map(({ host, port }) => [host, host.endsWith('.sock') ? null : (port ?? 27017)]);
    expect(options?.seeds.map(({ host, port }) => [host, port])).to.deep.equal(seeds);
    if (test.auth?.username) expect(options?.credential).to.deep.include({ username: test.auth.username });
    if (test.auth?.password) expect(options?.credential?.password).to.equal(test.auth.password);
    if (test.auth?.db) {
      // What follows a dot is a collection's name, which the specification counts to the database.
      const { database, collection } = parseConnectionString(test.uri);
      expect(collection === null ? database : `${database}.${collection}`).to.equal(test.auth.db);
    }
    if (test.options?.w !== undefined) expect(options?.writeConcern.document.w).to.equal(test.options.w);
  };
});

conformance<AuthCase>('auth/tests/legacy', { run: 39, skipped: 28 }, (test) => {
  const mechanism = /MONGODB-(AWS|OIDC)/.exec(test.uri)?.[0];
  if (mechanism !== undefined) return `${mechanism} is not built, using it is refused`;
  if (!test.valid) return () => expect(() => read(test.uri)).to.throw(ConfigurationError);
  return () => {
    const { credential } = read(test.uri);
    if (test.credential === null) {
      expect(credential).to.equal(null);
      return;
    }
    const { mechanism_properties: properties = null, ...fields } = test.credential ?? {};
    for (const [field, value] of Object.entries(fields)) expect(credential).to.have.property(field, value);
    expect(credential?.properties).to.deep.equal(properties ?? {});
  };
});

conformance<ConcernCase>('read-write-concern/tests/connection-string', { run: 5, skipped: 0 }, (test) => () => {
  expect(read(test.uri).readConcern).to.deep.equal(test.readConcern.level === undefined ? null : test.readConcern);
});

interface DocumentCase {
  description: string;
  valid: boolean;
  writeConcern?: Record<string, unknown>;
  writeConcernDocument?: Record<string, unknown> | null;
  isAcknowledged?: boolean;
  readConcern?: { level?: string };
  readConcernDocument?: Record<string, unknown>;
}

conformance<DocumentCase>('read-write-concern/tests/document', { run: 20, skipped: 0 }, (test) => () => {
  const { writeConcern, readConcern } = test;
  const keywords = writeConcern ?? (readConcern?.level === undefined ? {} : { readConcernLevel: readConcern.level });
  const make = () => readOptions({ caller: 'Client', keywords }, asyncioLike);
  if (!test.valid) {
    expect(make).to.throw();
    return;
  }
  const options = make();
  expect(options.readConcern ?? {}).to.deep.equal(test.readConcernDocument ?? {});
  expect(options.writeConcern.document).to.deep.equal(test.writeConcernDocument ?? {});
  expect(options.writeConcern.acknowledged).to.equal(test.isAcknowledged ?? true);
});

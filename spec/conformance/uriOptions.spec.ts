import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import type { ClientOptions } from '../../lib/core/clientOptions';
import { ConfigurationError } from '../../lib/core/errors';
import { readOptions } from '../../lib/core/options';
import { asyncioLike } from '../support/policies';
import { warningsOf } from '../support/warnings';
import { conformance } from './specifications';

interface Case {
  description: string;
  uri: string;
  valid: boolean;
  warning: boolean;
  options: Record<string, unknown> | null;
}

const read = (uri: string) => readOptions({ caller: 'Client', host: uri }, asyncioLike);

/** Where in the client's options the value of an option of the specification stands. */
const VALUES: Record<string, (options: ClientOptions) => unknown> = {
  appname: ({ connection }) => connection.appName,
  authMechanism: ({ credential }) => credential?.mechanism,
  authMechanismProperties: ({ credential }) => credential?.properties,
  authSource: ({ credential }) => credential?.source,
  compressors: ({ connection }) => connection.compressors,
  connectTimeoutMS: ({ connection }) => connection.connectTimeout,
  directConnection: ({ topology }) => topology.direct,
  heartbeatFrequencyMS: ({ topology }) => topology.heartbeatFrequency,
  journal: ({ writeConcern }) => writeConcern.document.j,
  loadBalanced: () => false, // true is refused
  localThresholdMS: ({ readPreference }) => readPreference.latencyWindow,
  maxConnecting: ({ pool }) => pool.maxConnecting,
  maxIdleTimeMS: ({ pool }) => pool.maxIdleTime,
  maxPoolSize: ({ pool }) => (pool.maxSize === Infinity ? 0 : pool.maxSize),
  maxStalenessSeconds: ({ readPreference }) => (readPreference.maxStaleness ?? 0) / 1000,
  minPoolSize: ({ pool }) => pool.minSize,
  readConcernLevel: ({ readConcern }) => readConcern?.level,
  readPreference: ({ readPreference }) => readPreference.name,
  readPreferenceTags: ({ readPreference }) => readPreference.tagSets,
  replicaSet: ({ topology }) => topology.replicaSet,
  retryWrites: ({ retryWrites }) => retryWrites,
  serverMonitoringMode: ({ topology }) => topology.monitoringMode,
  serverSelectionTimeoutMS: ({ topology }) => topology.serverSelectionTimeout,
  socketTimeoutMS: ({ connection }) => connection.socketTimeout,
  ssl: ({ connection }) => connection.tls !== null,
  tls: ({ connection }) => connection.tls !== null,
  tlsAllowInvalidCertificates: ({ connection }) => connection.tls?.verify === false,
  tlsAllowInvalidHostnames: ({ connection }) => connection.tls?.verifyHost === false,
  tlsCAFile: ({ connection }) => String(connection.tls?.ca),
  tlsCertificateKeyFile: ({ connection }) => String(connection.tls?.cert),
  tlsCertificateKeyFilePassword: ({ connection }) => connection.tls?.passphrase,
  tlsInsecure: ({ connection }) => connection.tls?.verify === false && connection.tls.verifyHost === false,
  w: ({ writeConcern }) => writeConcern.document.w,
  wTimeoutMS: ({ writeConcern }) => writeConcern.document.wtimeout,
  zlibCompressionLevel: ({ connection }) => connection.zlibCompressionLevel,
};

/** Accepted, without any effect that could be looked at. */
const WITHOUT_EFFECT = ['tlsDisableOCSPEndpointCheck'];

/** Options that there are not, by now or at all. */
const MISSING = [
  'enableOverloadRetargeting',
  'maxAdaptiveRetries',
  'proxyHost',
  'proxyPassword',
  'proxyPort',
  'proxyUsername',
  'timeoutMS',
  'tlsDisableCertificateRevocationCheck',
];

/** Where the surfaces deliberately do otherwise. */
const DIFFERENT: Record<string, string> = {
  'Multiple compressors are parsed correctly': 'snappy is not available, so it is left out with a warning',
};

describe('options in connection strings', () => {
  // The files named in these strings are read when a client is made.
  const startedIn = process.cwd();
  let folder = '';
  before(() => {
    folder = mkdtempSync(join(tmpdir(), 'motor-options-'));
    for (const file of ['ca.pem', 'cert.pem']) writeFileSync(join(folder, file), file);
    process.chdir(folder);
  });
  after(() => {
    process.chdir(startedIn);
    rmSync(folder, { recursive: true });
  });

  conformance<Case>('uri-options/tests', { run: 89, skipped: 57 }, (test) => {
    const missing = MISSING.find((name) => new RegExp(`[?&]${name}=`).test(test.uri));
    if (missing !== undefined) return `there is no option ${missing}`;
    if (test.uri.includes('loadBalanced=true')) return 'the driver does not work through load balancers';
    if (DIFFERENT[test.description] !== undefined) return DIFFERENT[test.description] as string;
    if (!test.valid) return () => expect(() => read(test.uri)).to.throw(ConfigurationError);
    return () => {
      let options: ClientOptions | undefined;
      expect(warningsOf(() => (options = read(test.uri)))).to.have.length(test.warning ? 1 : 0);
      for (const [name, value] of Object.entries(test.options ?? {})) {
        if (WITHOUT_EFFECT.includes(name)) continue;
        expect(VALUES, name).to.have.property(name);
        expect(VALUES[name]?.(options as ClientOptions), name).to.deep.equal(value);
      }
    };
  });
});

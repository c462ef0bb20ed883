/** What a file of the unified test format holds, as far as the runner uses it. */

import type { Document } from 'bson';

export interface UnifiedFile {
  description: string;
  schemaVersion: string;
  runOnRequirements?: Requirement[];
  createEntities?: EntityDescription[];
  initialData?: CollectionData[];
  tests: UnifiedTest[];
}

export interface Requirement {
  minServerVersion?: string;
  maxServerVersion?: string;
  topologies?: string[];
  serverless?: 'require' | 'forbid' | 'allow';
  serverParameters?: Document;
  auth?: boolean;
  authMechanism?: string;
  csfle?: boolean | Document;
}

/** One key, the kind of the entity. */
export type EntityDescription = Record<string, Document>;

export interface CollectionData {
  databaseName: string;
  collectionName: string;
  createOptions?: Document & { writeConcern?: Document };
  documents: Document[];
}

export interface UnifiedTest {
  description: string;
  skipReason?: string;
  runOnRequirements?: Requirement[];
  operations: UnifiedOperation[];
  expectEvents?: ExpectedEvents[];
  expectLogMessages?: unknown[];
  outcome?: CollectionData[];
}

export interface UnifiedOperation {
  name: string;
  object: string;
  arguments?: Document;
  expectResult?: unknown;
  expectError?: ExpectedError;
  ignoreResultAndError?: boolean;
  saveResultAsEntity?: string;
}

export interface ExpectedError {
  isError?: boolean;
  isClientError?: boolean;
  isTimeoutError?: boolean;
  errorContains?: string;
  errorCode?: number;
  errorCodeName?: string;
  errorLabelsContain?: string[];
  errorLabelsOmit?: string[];
  errorResponse?: Document;
  writeErrors?: Document;
  writeConcernErrors?: Document[];
  expectResult?: unknown;
}

export interface ExpectedEvents {
  client: string;
  eventType?: 'command' | 'cmap' | 'sdam';
  events: Record<string, Document>[];
  ignoreExtraEvents?: boolean;
}

/** The newest version of the format that this runner knows, the highest of the files there are. */
const KNOWN = [1, 26] as const;

/** @throws Error: a version that this runner does not know, which is a fault and no reason to skip */
export function checkSchemaVersion(version: string): void {
  const [major = 0, minor = 0] = version.split('.').map(Number);
  if (major !== KNOWN[0] || minor > KNOWN[1]) throw new Error(`schemaVersion ${version} is not known`);
}

/** Thrown where a case is out of the runner's or the surface's scope: it is skipped, and counted by this reason. */
export class OutOfScope extends Error {}

/** Thrown where a file is malformed, or asks for what the runner does not know: never a result of the operation. */
export class Malformed extends Error {}

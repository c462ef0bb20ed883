/** Runs the tests of one file of the unified test format. */

import type { Document } from 'bson';
import {
  ClientBulkWriteException,
  NotPrimaryError,
  OperationFailure,
  type PyMongoError,
} from '../../../lib/core/errors';
import type { TopologyDescription } from '../../../lib/core/topologyDescription';
import { ENGINE } from '../../../lib/motor/settings';
import { eventually } from '../../support/eventually';
import { server } from '../../support/hooks';
import { runRaw } from '../../support/rawClient';
import { deploymentFor, type Needs } from './deployments';
import { Entities, type ObservedEvent } from './entities';
import {
  type CollectionData,
  checkSchemaVersion,
  type ExpectedError,
  type ExpectedEvents,
  Malformed,
  OutOfScope,
  type UnifiedFile,
  type UnifiedOperation,
  type UnifiedTest,
} from './format';
import { match } from './match';
import { clientBulkResult, perform } from './operations';

/**
 * Run one test.
 * @throws OutOfScope: it cannot be run here, for the reason in the message
 * @throws Error: it failed
 */
export async function runUnified(file: UnifiedFile, test: UnifiedTest): Promise<void> {
  checkSchemaVersion(file.schemaVersion);
  if (test.skipReason !== undefined) throw new OutOfScope(`the file says so: ${test.skipReason}`);
  // Connections that do not come about are no sign of an overloaded server for this driver.
  if (file.description.startsWith('backpressure-')) throw new OutOfScope('needs backpressure');
  if (test.expectLogMessages !== undefined) throw new OutOfScope('needs log messages');
  const deployment = await deploymentFor([file.runOnRequirements, test.runOnRequirements], needsOf(test));
  const entities = new Entities(deployment);
  try {
    for (const data of file.initialData ?? []) await fill(data);
    for (const description of file.createEntities ?? []) entities.create(description);
    for (const operation of test.operations) await runOperation(operation, entities);
    entities.stopListening();
    for (const expected of test.expectEvents ?? []) checkEvents(expected, entities);
    for (const data of test.outcome ?? []) await checkOutcome(data);
  } finally {
    entities.close();
    await deployment.close();
  }
}

function needsOf(test: UnifiedTest): Needs {
  const text = JSON.stringify(test);
  return {
    failPoints: /"(targetedF|f)ailPoint"/.test(text),
    // Whether a session must show in a command, or be listed by the server.
    sessions: /"lsid":\{"\$\$(exists":true|sessionLsid|type)|\$listLocalSessions/.test(text),
  };
}

async function fill({ databaseName, collectionName, documents, createOptions }: CollectionData): Promise<void> {
  const { writeConcern: _, ...options } = createOptions ?? {};
  await runRaw(server(), databaseName, { drop: collectionName }).catch(() => undefined); // there may be none
  if (documents.length === 0 || createOptions !== undefined) {
    await runRaw(server(), databaseName, { create: collectionName, ...options });
  }
  if (documents.length > 0) await runRaw(server(), databaseName, { insert: collectionName, documents });
}

/** All documents of a collection, by `_id`, read without the driver. */
async function contents(databaseName: string, collectionName: string): Promise<Document[]> {
  const command = { find: collectionName, sort: { _id: 1 }, batchSize: 10_000 };
  return (await runRaw(server(), databaseName, command)).cursor.firstBatch;
}

async function checkOutcome({ databaseName, collectionName, documents }: CollectionData): Promise<void> {
  const nothing = () => undefined;
  const stored = await contents(databaseName, collectionName);
  match({ documents }, { documents: stored }, nothing, false, `outcome of ${databaseName}.${collectionName}`);
}

async function runOperation(operation: UnifiedOperation, entities: Entities): Promise<void> {
  const given = operation.arguments ?? {};
  if (operation.object === 'testRunner') {
    await runOnTestRunner(operation.name, given, entities);
    return;
  }
  const expectsResult = operation.expectResult !== undefined || operation.saveResultAsEntity !== undefined;
  if (operation.ignoreResultAndError === true && (expectsResult || operation.expectError !== undefined)) {
    throw new Error('ignoreResultAndError stands alone');
  }
  const target = entities.get(operation.object);
  let result: unknown;
  try {
    result = await perform(target, operation.name, structuredCopy(given));
  } catch (error) {
    if (error instanceof OutOfScope || error instanceof Malformed) throw error;
    if (operation.ignoreResultAndError === true) return;
    if (operation.expectError === undefined) {
      // The embedded server is not built with every command; what a case spells out itself may be meant to be unknown.
      if (error instanceof OperationFailure && error.code === 59 && operation.name !== 'runCommand')
        throw new OutOfScope(`the server has no ${operation.name}`);
      throw error;
    }
    checkError(operation.expectError, error as Error, (name) => entities.get(name));
    return;
  }
  if (operation.expectError !== undefined) throw new Error(`${operation.name} should have failed`);
  if (operation.saveResultAsEntity !== undefined) entities.add(operation.saveResultAsEntity, result);
  if (operation.expectResult !== undefined) {
    match(operation.expectResult, result, (name) => entities.get(name), true, `result of ${operation.name}`);
  }
}

/** The driver puts an `_id` into what it inserts; the file's documents stay as they are. */
function structuredCopy(value: Document): Document {
  const copy = (inner: unknown): unknown => {
    if (Array.isArray(inner)) return inner.map(copy);
    if (typeof inner !== 'object' || inner === null || Object.getPrototypeOf(inner) !== Object.prototype) return inner;
    return Object.fromEntries(Object.entries(inner).map(([key, field]) => [key, copy(field)]));
  };
  return copy(value) as Document;
}

async function runOnTestRunner(name: string, given: Document, entities: Entities): Promise<void> {
  switch (name) {
    case 'failPoint':
      // Not beside the client: some tests count its connections.
      await entities.client(given.client).client.get_database('admin').command(given.failPoint);
      return;
    case 'targetedFailPoint':
      throw new OutOfScope('needs sessions');
    case 'createEntities':
      for (const description of given.entities) entities.create(description);
      return;
    case 'wait':
      await new Promise((resolve) => setTimeout(resolve, given.ms));
      return;
    case 'waitForEvent': {
      const { events } = entities.client(given.client);
      await eventually(() => events.filter((event) => isEvent(given.event, event)).length >= given.count, 'the events');
      return;
    }
    case 'runOnThread':
      entities.thread(given.thread).run(() => runOperation(given.operation, entities));
      return;
    case 'waitForThread':
      await entities.thread(given.thread).wait();
      return;
    case 'recordTopologyDescription':
      entities.add(given.id, topologyOf(given.client, entities));
      return;
    case 'assertTopologyType': {
      const { type } = entities.get(given.topologyDescription) as TopologyDescription;
      if (type !== given.topologyType) throw new Error(`the topology is ${type}, not ${given.topologyType}`);
      return;
    }
    case 'waitForPrimaryChange': {
      const before = primaryIn(entities.get(given.priorTopologyDescription) as TopologyDescription);
      const hasChanged = () => {
        const now = primaryIn(topologyOf(given.client, entities));
        return now !== undefined && now !== before;
      };
      await eventually(hasChanged, 'another primary', given.timeoutMS ?? 10_000);
      return;
    }
    case 'assertEventCount': {
      const { events } = entities.client(given.client);
      const count = events.filter((event) => isEvent(given.event, event)).length;
      if (count !== given.count) throw new Error(`expected ${given.count} such events, there were ${count}`);
      return;
    }
    case 'assertSameLsidOnLastTwoCommands':
    case 'assertDifferentLsidOnLastTwoCommands': {
      const { events } = entities.client(given.client);
      const commands = events.filter((event) => event.name === 'commandStartedEvent').slice(-2);
      const [one, other] = commands.map(({ fields }) => fields.command.lsid.id.toString('hex'));
      if (other === undefined) throw new Error('there were no two commands');
      if ((one === other) !== (name === 'assertSameLsidOnLastTwoCommands'))
        throw new Error(`sessions ${one}, ${other}`);
      return;
    }
    case 'assertNumberConnectionsCheckedOut': {
      const { checkedOut } = entities.client(given.client).client[ENGINE].counts;
      if (checkedOut !== given.connections) throw new Error(`${checkedOut} connections are checked out`);
      return;
    }
    case 'assertCollectionExists':
    case 'assertCollectionNotExists': {
      const command = { listCollections: 1, filter: { name: given.collectionName } };
      const { cursor } = await runRaw(server(), given.databaseName, command);
      assertExists(cursor.firstBatch.length > 0, name === 'assertCollectionExists', given.collectionName);
      return;
    }
    case 'assertIndexExists':
    case 'assertIndexNotExists': {
      const command = { listIndexes: given.collectionName };
      const found = await runRaw(server(), given.databaseName, command).catch(() => ({ cursor: { firstBatch: [] } }));
      const exists = (found.cursor.firstBatch as Document[]).some((index) => index.name === given.indexName);
      assertExists(exists, name === 'assertIndexExists', given.indexName);
      return;
    }
    default:
      if (/Session|Lsid|Transaction/i.test(name)) throw new OutOfScope('needs sessions');
      throw new Error(`the operation '${name}' of the test runner is not known`);
  }
}

/** What a client knows of its servers. */
function topologyOf(client: string, entities: Entities): TopologyDescription {
  const { topology } = entities.client(client).client[ENGINE];
  if (topology === null) throw new Error(`the client '${client}' was not opened`);
  return topology;
}

function primaryIn({ servers }: TopologyDescription): string | undefined {
  return [...servers].find(([, { type }]) => type === 'RSPrimary')?.[0];
}

function assertExists(exists: boolean, wanted: boolean, name: string): void {
  if (exists !== wanted) throw new Error(`${name} ${exists ? 'exists' : 'does not exist'}`);
}

/** @throws Error: it is not the error that was expected */
function checkError(expected: ExpectedError, error: Error, lookup: (name: string) => unknown): void {
  const { writeErrors, writeConcernErrors, expectResult, ...itself } = expected;
  if (!(error instanceof ClientBulkWriteException)) {
    if (writeErrors !== undefined || writeConcernErrors !== undefined) {
      throw new Error(`the error should be that of a bulk, it is: ${error}`, { cause: error });
    }
    checkOneError(expected, error, lookup);
    return;
  }
  checkOneError(itself, error.error ?? error, lookup);
  if (writeErrors !== undefined) {
    const errors = Object.fromEntries(error.write_errors.map(({ idx, ...told }) => [idx, told]));
    if (Object.keys(errors).length !== Object.keys(writeErrors).length) {
      throw new Error(`there are ${error.write_errors.length} write errors`, { cause: error });
    }
    for (const [index, one] of Object.entries(writeErrors)) match(one, errors[index], lookup, true, 'write error');
  }
  if (writeConcernErrors !== undefined) {
    const errors = error.write_concern_errors.map(({ errmsg, ...told }) => ({ ...told, message: errmsg }));
    match(writeConcernErrors, errors, lookup, true, 'write concern errors');
  }
  if (expectResult !== undefined) {
    const { partial_result } = error;
    const result = partial_result === null ? undefined : clientBulkResult(partial_result);
    match(expectResult, result, lookup, true, 'partial result');
  }
}

function checkOneError(
  expected: ExpectedError,
  error: Error & Partial<PyMongoError>,
  lookup: (name: string) => unknown,
): void {
  const fail = (what: string) => new Error(`the error should have ${what}, it is: ${error}`, { cause: error });
  const fromServer = error instanceof OperationFailure || error instanceof NotPrimaryError;
  const details = fromServer ? (error.details ?? {}) : {};
  const { code, codeName } = failureIn(error);
  if (expected.isClientError !== undefined && expected.isClientError === fromServer) {
    throw fail(`come from the ${expected.isClientError ? 'client' : 'server'}`);
  }
  if (expected.isTimeoutError !== undefined && (error.timeout ?? false) !== expected.isTimeoutError) {
    throw fail(`timeout ${expected.isTimeoutError}`);
  }
  if (expected.errorContains !== undefined) {
    const text = `${error.message} ${JSON.stringify(details)}`.toLowerCase();
    if (!text.includes(expected.errorContains.toLowerCase())) throw fail(`'${expected.errorContains}' in it`);
  }
  if (expected.errorCode !== undefined && code !== expected.errorCode) throw fail(`the code ${expected.errorCode}`);
  if (expected.errorCodeName !== undefined && codeName !== expected.errorCodeName) {
    throw fail(`the code name ${expected.errorCodeName}`);
  }
  for (const label of expected.errorLabelsContain ?? []) {
    if (error.has_error_label?.(label) !== true) throw fail(`the label ${label}`);
  }
  for (const label of expected.errorLabelsOmit ?? []) {
    if (error.has_error_label?.(label) === true) throw fail(`no label ${label}`);
  }
  if (expected.errorResponse !== undefined) match(expected.errorResponse, details, lookup, true, 'errorResponse');
  if (expected.expectResult !== undefined) {
    if (!(error instanceof OperationFailure))
      throw new OutOfScope('needs to know what was done before a connection broke');
    match(expected.expectResult, partialResult(details), lookup, true, 'partial result');
  }
}

/** Code and name of what went wrong, which in a bulk is its last write error. */
function failureIn(error: Error): { code: number | null; codeName: string | undefined } {
  if (!(error instanceof OperationFailure || error instanceof NotPrimaryError)) {
    return { code: null, codeName: undefined };
  }
  const details = error.details ?? {};
  const [writeError] = (details.writeErrors ?? []) as Document[];
  if (writeError !== undefined) return { code: writeError.code, codeName: writeError.codeName };
  return { code: error.code, codeName: details.codeName };
}

/** What a failed bulk had done, in the words of the format. */
function partialResult(details: Document): Document {
  return {
    insertedCount: details.nInserted,
    matchedCount: details.nMatched,
    modifiedCount: details.nModified,
    deletedCount: details.nRemoved,
    upsertedCount: details.nUpserted,
    upsertedIds: Object.fromEntries((details.upserted ?? []).map(({ index, _id }: Document) => [index, _id])),
  };
}

function checkEvents(
  { client, eventType = 'command', events, ignoreExtraEvents = false }: ExpectedEvents,
  entities: Entities,
): void {
  const observed = entities.client(client).events.filter(({ kind }) => kind === eventType);
  const names = observed.map(({ name, fields }) => `${name} ${fields.commandName ?? ''}`).join(', ');
  if (observed.length < events.length || (observed.length > events.length && !ignoreExtraEvents)) {
    throw new Error(`expected ${events.length} events, there were ${observed.length}: ${names}`);
  }
  for (const [index, expected] of events.entries()) {
    const [[name, pattern] = ['', {}]] = Object.entries(expected);
    const actual = observed[index] as ObservedEvent;
    if (actual.name !== name) throw new Error(`event ${index} should be ${name}; there were ${names}`);
    matchEvent(pattern, actual, (entity) => entities.get(entity), `event ${index} ${name}`);
  }
}

function matchEvent(
  pattern: Document,
  { fields }: ObservedEvent,
  lookup: (name: string) => unknown,
  path: string,
): void {
  const { hasServiceId, hasServerConnectionId, command, reply, previousDescription, newDescription, ...rest } = pattern;
  if (hasServiceId === true) throw new OutOfScope('needs a load balancer');
  if (hasServerConnectionId !== undefined && (fields.serverConnectionId !== null) !== hasServerConnectionId) {
    throw new Error(`${path}: serverConnectionId ${fields.serverConnectionId}`);
  }
  if (command !== undefined) match(command, fields.command, lookup, true, `${path}: command`);
  if (reply !== undefined) match(reply, fields.reply, lookup, true, `${path}: reply`);
  // Of descriptions only what is named counts.
  if (previousDescription !== undefined) match(previousDescription, fields.previousDescription, lookup, true, path);
  if (newDescription !== undefined) match(newDescription, fields.newDescription, lookup, true, path);
  match(rest, fields, lookup, true, path);
}

function isEvent(pattern: Record<string, Document>, event: ObservedEvent): boolean {
  const [[name, fields] = ['', {}]] = Object.entries(pattern);
  if (event.name !== name) return false;
  try {
    matchEvent(fields, event, () => undefined, name);
    return true;
  } catch {
    return false;
  }
}

/** Users of a database: what they are given, and with what they log in. */

import type { Document } from 'bson';
import type { Credential, Mechanism } from '../core/clientOptions';
import { ConfigurationError, OperationFailure, ValueError } from '../core/errors';
import { newCredential } from '../core/options';
import { anything, bool, expect, type Given, keywords, orNull, picture, string, unchecked } from './keywords';

const MECHANISMS = ['DEFAULT', 'GSSAPI', 'MONGODB-CR', 'MONGODB-X509', 'PLAIN', 'SCRAM-SHA-1', 'SCRAM-SHA-256'];

/** Mechanisms whose users have no password here. */
const WITHOUT_PASSWORD = ['GSSAPI', 'MONGODB-X509'];

export const ADD_USER = keywords(
  { read_only: [null, unchecked<boolean | 'true' | 'false' | null>()], roles: [undefined, anything] },
  { rest: true },
);
export type AddUserKw = Given<typeof ADD_USER>;

export const AUTHENTICATE = keywords({
  source: [null, orNull(string)],
  mechanism: ['DEFAULT', string],
  gssapiServiceName: ['mongodb', string],
});
export type AuthenticateKw = Given<typeof AUTHENTICATE>;

/** Runs a command on the users' database. */
type Run = (command: Document) => Promise<Document>;

/** Codes of `usersInfo` for somebody who may not ask: so it is for the first user of a new server. */
const UNAUTHORIZED = 13;

/**
 * The commands of `add_user`: a user who exists is changed.
 * @param toSend the write concern, if one is to be sent
 */
export function userToAdd(database: string, name: string, password: string | null, kw: AddUserKw | undefined) {
  const { read_only, roles, server } = ADD_USER.read('add_user', kw);
  expect('add_user', 'name', string, name);
  if (expect('add_user', 'password', orNull(string), password) === '') {
    throw new ValueError('add_user: the password must not be empty');
  }
  const readOnly = readOnlyOf(read_only);
  if (readOnly !== null && roles !== undefined) {
    throw new ConfigurationError('add_user: read_only cannot be combined with roles');
  }
  if (server.digestPassword !== undefined) {
    throw new ConfigurationError('add_user: digestPassword is not supported, the server digests the password');
  }

  return async (run: Run, writeConcern: Document | null): Promise<null> => {
    const exists = await isUser(run, name);
    const command: Document = { [exists ? 'updateUser' : 'createUser']: name };
    if (password !== null) command.pwd = password;
    if (roles !== undefined) command.roles = roles;
    else if (readOnly === true || !exists) {
      command.roles = [roleFor(database, readOnly === true)];
      process.emitWarning(
        `add_user: without 'roles', or with read_only, the user '${name}' gets the role '${command.roles[0]}'; name roles`,
        'DeprecationWarning',
      );
    }
    if (writeConcern !== null) command.writeConcern = writeConcern;
    await run({ ...command, ...server });
    return null;
  };
}

function readOnlyOf(value: unknown): boolean | null {
  if (value === null) return null;
  if (typeof value !== 'string') return expect('add_user', 'read_only', bool, value);
  if (value === 'true' || value === 'false') return value === 'true';
  throw new ConfigurationError(`add_user: read_only must be a boolean, 'true' or 'false'`);
}

function roleFor(database: string, readOnly: boolean): string {
  if (database === 'admin') return readOnly ? 'readAnyDatabase' : 'root';
  return readOnly ? 'read' : 'dbOwner';
}

async function isUser(run: Run, name: string): Promise<boolean> {
  try {
    return ((await run({ usersInfo: name })).users as Document[]).length > 0;
  } catch (error) {
    if (error instanceof OperationFailure && error.code === UNAUTHORIZED) return false;
    throw error;
  }
}

/**
 * The credential that `authenticate` is given.
 * @throws TypeError: name or password is no string
 * @throws ConfigurationError: an unknown mechanism
 */
export function credentialToCheck(
  database: string,
  name: unknown,
  password: unknown,
  kw: AuthenticateKw | undefined,
): Credential {
  const { source, mechanism, gssapiServiceName } = AUTHENTICATE.read('authenticate', kw);
  if (!MECHANISMS.includes(mechanism)) {
    throw new ConfigurationError(`authenticate: mechanism must be one of ${MECHANISMS.join(', ')}`);
  }
  const username = expect('authenticate', 'name', string, name);
  const external = WITHOUT_PASSWORD.includes(mechanism);
  if (password === null && !external) {
    throw new TypeError(`authenticate: password must be a string, not ${picture(password)}`);
  }
  return newCredential({
    username,
    password: expect('authenticate', 'password', orNull(string), password),
    source: external ? '$external' : (source ?? database),
    mechanism: mechanism === 'DEFAULT' || mechanism === 'MONGODB-CR' ? null : (mechanism as Mechanism),
    properties: mechanism === 'GSSAPI' ? { SERVICE_NAME: gssapiServiceName } : {},
  });
}

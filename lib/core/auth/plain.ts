import type { Document } from 'bson';
import { Binary } from 'bson';
import type { Credential } from '../clientOptions';
import { ConfigurationError } from '../errors';

/**
 * The one message of PLAIN: the password as it is, for servers that ask a directory (LDAP) about it.
 * @throws ConfigurationError: a NUL, which would end the user or the password before its end
 * @see RFC 4616
 */
export function plainStart({ username, password }: Credential): Document {
  if (`${username}${password}`.includes('\0')) {
    throw new ConfigurationError('with authMechanism PLAIN neither the user nor the password may contain NUL');
  }
  const payload = new Binary(Buffer.from(`\0${username}\0${password}`));
  return { saslStart: 1, mechanism: 'PLAIN', payload, autoAuthorize: 1 };
}

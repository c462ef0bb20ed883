import type { Document } from 'bson';
import type { Credential } from '../clientOptions';

/** The certificate of the TLS connection says who it is; the user's name may be sent with it. */
export function x509Command({ username }: Credential): Document {
  return { authenticate: 1, mechanism: 'MONGODB-X509', ...(username === null ? {} : { user: username }) };
}

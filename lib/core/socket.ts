/** How the socket to a server comes about, plain or with TLS, and in words why it does not. */

import { createPrivateKey, X509Certificate } from 'node:crypto';
import { connect as connectPlain, isIP, type OnReadOpts, type Socket } from 'node:net';
import { checkServerIdentity, connect as connectTls, createSecureContext, type SecureContext } from 'node:tls';
import type { Address } from './address';
import type { ConnectionOptions, TlsOptions } from './clientOptions';
import { CertificateError, ConfigurationError } from './errors';

/**
 * Start to connect. What is written meanwhile waits until the connection stands; with TLS, until the server's
 * certificate was found good as well: nobody else is told who we are.
 * @param onread what is read goes there, past the stream
 * @throws ConfigurationError: see {@link secureContext}
 */
export function connectSocket(address: Address, options: ConnectionOptions, onread: OnReadOpts): Socket {
  const { host, port } = address;
  const { tls, localhostFamily } = options;
  const target = port === null ? { path: host } : { host, port, noDelay: true, keepAlive: true };
  const family = host === 'localhost' ? { family: localhostFamily } : {};
  if (tls === null) return connectPlain({ ...target, ...family, onread });

  // Addresses have no place in SNI. Behind a Unix socket is this machine: Node then takes the name `localhost`.
  const name = port === null || isIP(host) !== 0 ? {} : { servername: host.replace(/\.$/, '') };
  const settings = {
    ...target,
    ...family,
    ...name,
    onread,
    secureContext: secureContext(tls),
    rejectUnauthorized: tls.verify,
    checkServerIdentity: tls.verifyHost ? checkServerIdentity : () => undefined,
  };
  const socket = connectTls(settings);
  // What is said of that in the settings does not reach the socket beneath.
  socket.once('connect', () => socket.setNoDelay(true).setKeepAlive(true));
  socket.cork();
  socket.once('secureConnect', () => socket.uncork());
  return socket;
}

/** Made once for all connections of a client, since reading certificates takes its time. */
const contexts = new WeakMap<TlsOptions, SecureContext>();

/**
 * The keys and certificates of a client, ready for use.
 * @throws ConfigurationError: one of them cannot be read
 */
export function secureContext(options: TlsOptions): SecureContext {
  let context = contexts.get(options);
  if (context === undefined) {
    context = readCertificates(options);
    contexts.set(options, context);
  }
  return context;
}

const REVOCATION_LIST = /-----BEGIN X509 CRL-----[^-]*-----END X509 CRL-----/g;

function readCertificates({ ca, cert, key, passphrase, crl }: TlsOptions): SecureContext {
  try {
    // By itself Node would go on with nobody to trust.
    if (ca !== null) new X509Certificate(String(ca));
  } catch (cause) {
    throw new ConfigurationError('the file of trusted certificates (tlsCAFile, ssl_ca_certs) holds none, in PEM', {
      cause,
    });
  }
  try {
    return createSecureContext({
      ...(ca === null ? {} : { ca }),
      ...(cert === null || key === null ? {} : { cert, key }),
      ...(passphrase === null ? {} : { passphrase }),
      // Of several in one text Node reads only the first.
      ...(crl === null ? {} : { crl: String(crl).match(REVOCATION_LIST) ?? String(crl) }),
    });
  } catch (cause) {
    const locked = key !== null && isLocked(String(key), passphrase);
    throw new ConfigurationError(locked ? whyLocked(passphrase) : whyUnreadable(cause as Error & { code?: string }), {
      cause,
    });
  }
}

/** An encrypted key that cannot be opened. The code of the error does not tell: some wrong bytes look right at first. */
function isLocked(key: string, passphrase: string | null): boolean {
  if (!key.includes('ENCRYPTED')) return false;
  try {
    createPrivateKey({ key, ...(passphrase === null ? {} : { passphrase }) });
    return false;
  } catch {
    return true;
  }
}

function whyLocked(passphrase: string | null): string {
  return passphrase === null
    ? "the client's key is encrypted, and there is no passphrase for it (tlsCertificateKeyFilePassword)"
    : "the passphrase of the client's key (tlsCertificateKeyFilePassword) is wrong";
}

function whyUnreadable({ code, message }: Error & { code?: string }): string {
  if (code === 'ERR_OSSL_X509_KEY_VALUES_MISMATCH') return "the client's key does not belong to its certificate";
  if (message.includes('CRL')) return 'the revocation list (tlsCRLFile) cannot be read: it must be in PEM';
  return (
    "the client's certificate and key (tlsCertificateKeyFile, ssl_certfile, ssl_keyfile) cannot be read: " +
    'both must be there, in PEM'
  );
}

type SocketError = Error & { code?: string; reason?: string };

const NOT_TRUSTED = "the server's certificate was issued by nobody who is trusted (tlsCAFile, ssl_ca_certs)";
const NO_TLS = 'the server speaks no TLS';
const NO_VERSION = 'client and server have no version of TLS in common';

const REASONS: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'connection refused',
  ENOTFOUND: 'the name cannot be resolved',
  EAI_AGAIN: 'the name cannot be resolved',
  ENOENT: 'there is no such socket',
  DEPTH_ZERO_SELF_SIGNED_CERT: "the server's certificate is self-signed, and not trusted (tlsCAFile, ssl_ca_certs)",
  SELF_SIGNED_CERT_IN_CHAIN: NOT_TRUSTED,
  UNABLE_TO_GET_ISSUER_CERT: NOT_TRUSTED,
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: NOT_TRUSTED,
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: NOT_TRUSTED,
  CERT_HAS_EXPIRED: "the server's certificate has expired",
  CERT_NOT_YET_VALID: "the server's certificate is not valid yet",
  CERT_REVOKED: "the server's certificate was revoked",
  UNABLE_TO_GET_CRL: "there is no revocation list (tlsCRLFile) of who issued the server's certificate",
  CRL_HAS_EXPIRED: 'the revocation list (tlsCRLFile) has expired',
  ERR_SSL_WRONG_VERSION_NUMBER: NO_TLS,
  ERR_SSL_PACKET_LENGTH_TOO_LONG: NO_TLS,
  ERR_SSL_UNSUPPORTED_PROTOCOL: NO_VERSION,
};

const REFUSED = "the server does not accept the client's certificate";

/** What the server may say before it closes, by its number in TLS; the names of the errors differ between versions of Node. */
const ALERTS: Readonly<Record<string, string>> = {
  40: 'the server refused the TLS handshake: it demands a certificate of the client, or there is no common cipher',
  42: REFUSED,
  43: REFUSED,
  44: `${REFUSED}: it was revoked`,
  45: `${REFUSED}: it has expired`,
  46: REFUSED,
  48: `${REFUSED}: it was issued by nobody whom the server trusts`,
  49: REFUSED,
  70: NO_VERSION,
  116: 'the server demands a certificate of the client (tlsCertificateKeyFile, ssl_certfile)',
};

/** Why there is no connection, by what went wrong on its socket. */
export function whyFailed(error: SocketError): string {
  const { code = '', message } = error;
  const known = REASONS[code];
  if (known !== undefined) return known;
  if (code === 'ERR_TLS_CERT_ALTNAME_INVALID') return `the server's certificate is for another host: ${error.reason}`;
  const alert = /SSL alert number (\d+)/.exec(message)?.[1];
  if (alert !== undefined) return ALERTS[alert] ?? `the server broke off the TLS handshake (alert ${alert})`;
  if (code.startsWith('ERR_SSL_')) return `the TLS handshake failed: ${error.reason ?? code}`;
  return message || code || 'unknown reason';
}

/** The error as the cause of ours. */
export function causeOf(error: SocketError): Error {
  if (error.code !== 'ERR_TLS_CERT_ALTNAME_INVALID') return error;
  const mismatch = new CertificateError(error.message);
  mismatch.cause = error;
  return mismatch;
}

/**
 * Why the server closed the connection before it answered; a guess, since it does not say.
 * @param begun what it sent before
 */
export function whyClosed(tls: TlsOptions | null, socket: Socket, begun: Buffer): string {
  const closed = 'the server closed the connection in the';
  if (tls === null) {
    // An alert of TLS: it was greeted in a language that it does not know.
    return begun[0] === 0x15 && begun[1] === 0x03
      ? 'the server speaks TLS: connect with it (tls, ssl)'
      : `${closed} handshake; perhaps it wants TLS (tls, ssl)`;
  }
  if (socket.writableCorked > 0) return `${closed} TLS handshake; perhaps it speaks no TLS`;
  return tls.cert === null
    ? `${closed} handshake; perhaps it demands a certificate of the client (tlsCertificateKeyFile, ssl_certfile)`
    : `${closed} handshake; perhaps it does not accept the client's certificate`;
}

/** How far it had come when its time was over; the end of a sentence. */
export function whenTimedOut(tls: TlsOptions | null, socket: Socket): string {
  if (socket.connecting) return '';
  if (tls !== null && socket.writableCorked > 0) return ' in the TLS handshake; perhaps the server speaks no TLS';
  return '; it took the connection, but did not answer';
}

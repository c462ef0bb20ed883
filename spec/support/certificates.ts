/**
 * Certificates for the tests, made when they are needed: X.509 in DER, by the keys and signatures of `node:crypto`.
 *
 * @see RFC 5280
 */

import { generateKeyPairSync, type KeyObject, randomBytes, sign } from 'node:crypto';
import { isIPv4 } from 'node:net';

const INTEGER = 0x02;
const BIT_STRING = 0x03;
const OCTET_STRING = 0x04;
const OBJECT_ID = 0x06;
const UTF8_STRING = 0x0c;
const UTC_TIME = 0x17;
const SEQUENCE = 0x30;
const SET = 0x31;
/** Of a tag that means something only where it stands; with other elements inside. */
const CONTEXT = 0x80;
const CONSTRUCTED = 0x20;

const ECDSA_WITH_SHA256 = [0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x03, 0x02];
const COMMON_NAME = [0x55, 0x04, 0x03];
const SUBJECT_ALT_NAME = [0x55, 0x1d, 0x11];
const BASIC_CONSTRAINTS = [0x55, 0x1d, 0x13];

const DAY = 24 * 60 * 60 * 1000;

function der(tag: number, ...contents: (Uint8Array | readonly number[])[]): Buffer {
  const content = Buffer.concat(contents.map((part) => Buffer.from(part)));
  const { length } = content;
  const size = length < 0x80 ? [length] : length < 0x100 ? [0x81, length] : [0x82, length >> 8, length & 0xff];
  return Buffer.concat([Buffer.from([tag, ...size]), content]);
}

const ALGORITHM = der(SEQUENCE, der(OBJECT_ID, ECDSA_WITH_SHA256));

function nameOf(commonName: string): Buffer {
  return der(SEQUENCE, der(SET, der(SEQUENCE, der(OBJECT_ID, COMMON_NAME), der(UTF8_STRING, Buffer.from(commonName)))));
}

/** A moment, so many days from now. */
function time(days: number): Buffer {
  const digits = new Date(Date.now() + days * DAY).toISOString().replace(/\D/g, '');
  return der(UTC_TIME, Buffer.from(`${digits.slice(2, 14)}Z`));
}

function extension(id: readonly number[], value: Buffer): Buffer {
  return der(SEQUENCE, der(OBJECT_ID, id), der(OCTET_STRING, value));
}

function alternativeNames(hosts: readonly string[]): Buffer {
  const names = hosts.map((host) =>
    isIPv4(host) ? der(CONTEXT | 7, host.split('.').map(Number)) : der(CONTEXT | 2, Buffer.from(host)),
  );
  return extension(SUBJECT_ALT_NAME, der(SEQUENCE, ...names));
}

function signed(contents: Buffer, key: KeyObject): Buffer {
  return der(SEQUENCE, contents, ALGORITHM, der(BIT_STRING, [0], sign('sha256', contents, key)));
}

function pem(label: string, contents: Buffer): string {
  const lines = contents.toString('base64').match(/.{1,64}/g) ?? [];
  return [`-----BEGIN ${label}-----`, ...lines, `-----END ${label}-----`, ''].join('\n');
}

export interface CertificateOptions {
  /** Names and IPv4 addresses that it is for. */
  hosts?: readonly string[];
  /** Days from now, each; default: yesterday, and in a month. */
  from?: number;
  until?: number;
  /** Who signs it; default: itself. */
  by?: Certificate;
}

/** A certificate with its key. */
export class Certificate {
  readonly name: string;
  /** In PEM, as are the keys. */
  readonly certificate: string;
  readonly serial = Buffer.concat([Buffer.from([1]), randomBytes(8)]);
  readonly #keys = generateKeyPairSync('ec', { namedCurve: 'P-256' });

  constructor(name: string, { hosts = [], from = -1, until = 30, by }: CertificateOptions = {}) {
    this.name = name;
    const signer = by ?? this;
    const extensions =
      hosts.length > 0 ? alternativeNames(hosts) : extension(BASIC_CONSTRAINTS, der(SEQUENCE, [0x01, 0x01, 0xff]));
    const contents = der(
      SEQUENCE,
      der(CONTEXT | CONSTRUCTED | 0, der(INTEGER, [2])), // version 3
      der(INTEGER, this.serial),
      ALGORITHM,
      nameOf(signer.name),
      der(SEQUENCE, time(from), time(until)),
      nameOf(name),
      this.#keys.publicKey.export({ type: 'spki', format: 'der' }),
      der(CONTEXT | CONSTRUCTED | 3, der(SEQUENCE, extensions)),
    );
    this.certificate = pem('CERTIFICATE', signed(contents, signer.#keys.privateKey));
  }

  get key(): string {
    return String(this.#keys.privateKey.export({ type: 'pkcs8', format: 'pem' }));
  }

  /** The key, of use only to those who know the passphrase. */
  lockedKey(passphrase: string): string {
    const options = { type: 'pkcs8', format: 'pem', cipher: 'aes-256-cbc', passphrase } as const;
    return String(this.#keys.privateKey.export(options));
  }

  /**
   * A list, by this signer, of those that are no longer valid; in PEM.
   * @param until days from now
   */
  revocations(revoked: readonly Certificate[], until = 30): string {
    const entries = revoked.map(({ serial }) => der(SEQUENCE, der(INTEGER, serial), time(-1)));
    const contents = der(
      SEQUENCE,
      ALGORITHM,
      nameOf(this.name),
      time(-2),
      time(until),
      ...(entries.length === 0 ? [] : [der(SEQUENCE, ...entries)]),
    );
    return pem('X509 CRL', signed(contents, this.#keys.privateKey));
  }
}

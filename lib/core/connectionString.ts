import { isIP } from 'node:net';
import { ConnectionString as Grammar } from 'mongodb-connection-string-url';
import { Address } from './address';
import { ConfigurationError, InvalidURI } from './errors';

/** What a connection string says, options still unread. */
export interface ConnectionString {
  /** None in a `mongodb+srv://` string. */
  readonly seeds: readonly Address[];
  /** The host of a `mongodb+srv://` string, in lower case: the DNS knows the servers by it. */
  readonly srvHost: string | null;
  readonly username: string | null;
  readonly password: string | null;
  readonly database: string | null;
  /** What follows the first dot of the database. */
  readonly collection: string | null;
  /** Names as they were written, values decoded; names may repeat. */
  readonly options: readonly (readonly [name: string, value: string])[];
}

/** Whether the text claims to be a connection string rather than a list of hosts. */
export function hasScheme(text: string): boolean {
  return /^[a-z][a-z0-9+.-]*:\/\//i.test(text);
}

/**
 * Take a connection string apart.
 * @param port the port of a host that names none
 * @throws InvalidURI: the string is malformed; its message never repeats the string, nor a user or a password
 */
export function parseConnectionString(uri: string, port?: number): ConnectionString {
  const [scheme = ''] = uri.split('://', 1);
  const isSrv = scheme === 'mongodb+srv';
  if (scheme !== 'mongodb' && !isSrv) throw new InvalidURI('a connection string begins with mongodb://');

  const { userInfo, rest } = cutUserInfo(uri.slice(`${scheme}://`.length));
  const at = rest.indexOf('?');
  const place = at < 0 ? rest : rest.slice(0, at);
  const query = at < 0 ? '' : rest.slice(at + 1);
  if (place.includes('@')) throw new InvalidURI(`${ESCAPES} (there is one @ too many)`);
  if (rest.includes('#')) throw new InvalidURI('a # in a connection string must be written as %23');

  // A socket's path may come as it is; the grammar wants its slashes escaped.
  const escaped = place.replace(/(?<=^|,)\/[^,?]*?\.sock(?=$|[,/])/g, encodeURIComponent);
  if (at >= 0 && !escaped.includes('/')) {
    throw new InvalidURI('a / must stand before the ? of a connection string: mongodb://host/?option=value');
  }
  // The user is not shown to the parser, since its errors repeat what they were given.
  const grammar = parse(`mongodb://${escaped}${at < 0 ? '' : `?${ampersands(query)}`}`);

  const names = decode(grammar.pathname.slice(1), 'the database');
  if (/[/\\ "$]/.test(names) && names !== '$external') {
    throw new InvalidURI('the database of a connection string has a character that no name may have');
  }
  const dot = names.indexOf('.', 1);
  const seeds = grammar.hosts.map((host) => seed(decode(host, 'a host'), port, query.includes('@')));
  return {
    ...userInfo,
    seeds: isSrv ? [] : seeds,
    srvHost: isSrv ? srvHostOf(grammar.hosts.map((host) => decode(host, 'a host'))) : null,
    database: (dot < 0 ? names : names.slice(0, dot)) || null,
    collection: dot < 0 ? null : names.slice(dot + 1),
    options: [...grammar.searchParams],
  };
}

/** The options of a TXT record, which has the form of those of a connection string. */
export function parseOptions(query: string): ConnectionString['options'] {
  return [...new URLSearchParams(ampersands(query))];
}

/** @see Specification "initial DNS seedlist discovery", validation before querying DNS */
function srvHostOf(hosts: readonly string[]): string {
  const [host = ''] = hosts;
  if (hosts.length > 1) throw new InvalidURI('mongodb+srv:// takes one host: the DNS names the servers');
  if (/:\d*$/.test(host)) throw new InvalidURI('mongodb+srv:// takes a host without a port: the DNS names the ports');
  const name = host.toLowerCase().replace(/\.$/, '');
  if (isIP(name.replace(/^\[|\]$/g, '')) !== 0 || name.endsWith('.sock') || name.split('.').includes('')) {
    throw new InvalidURI('mongodb+srv:// takes the name of a host, as in mongodb+srv://cluster.example.com');
  }
  return name;
}

const ESCAPES = 'in user and password the characters : / ? # [ ] @ and % must be percent-encoded';

function cutUserInfo(text: string) {
  const [authority = ''] = text.split(/[/?]/, 1);
  const at = authority.lastIndexOf('@');
  if (at < 0) return { userInfo: { username: null, password: null }, rest: text };
  const parts = /^([^:@#[\]]+)(?::([^:@#[\]]*))?$/.exec(authority.slice(0, at));
  if (parts === null) throw new InvalidURI(at === 0 || authority[0] === ':' ? 'the user is empty' : ESCAPES);
  const [, username = '', password] = parts;
  return {
    userInfo: {
      username: decode(username.replaceAll('+', ' '), 'the user'),
      password: password === undefined ? null : decode(password.replaceAll('+', ' '), 'the password'),
    },
    rest: text.slice(at + 1),
  };
}

function parse(uri: string): Grammar {
  try {
    return new Grammar(uri);
  } catch (error) {
    throw new InvalidURI(
      'the connection string is malformed: it names a host, as in mongodb://host/',
      uri.includes('@') ? {} : { cause: error },
    );
  }
}

/** Options joined by `&`, whichever separator they came with; each of the form key=value. */
function ampersands(query: string): string {
  const separator = query.includes(';') ? ';' : '&';
  if (separator === ';' && query.includes('&')) throw new InvalidURI('options are joined by & or by ;, not by both');
  const options = query.split(separator).filter((option) => option !== '');
  for (const option of options) {
    if (/^[^=]+=/.test(option)) continue;
    throw new InvalidURI(`an option has the form key=value${/^\w+$/.test(option) ? `, '${option}' has no value` : ''}`);
  }
  for (const option of options) decode(option, 'an option');
  return options.join('&');
}

function decode(text: string, what: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    throw new InvalidURI(`${what} has a % that begins no percent-encoded character; the sign itself is %25`);
  }
}

function seed(host: string, port: number | undefined, perhapsSecret: boolean): Address {
  try {
    return Address.parse(host, port);
  } catch (error) {
    if (!(error instanceof ConfigurationError)) throw error;
    // With an @ among the options, what looks like a host may be a user and half a password.
    if (perhapsSecret) throw new InvalidURI(`a host is malformed; or: ${ESCAPES}`);
    throw new InvalidURI(error.message, { cause: error });
  }
}

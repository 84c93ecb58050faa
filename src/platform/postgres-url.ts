import { findContradiction, findParameterMistake } from './postgres-parameters.ts';

/** A server of a URL. A host that starts with `/` is the folder of a socket; null is the machine's own server. */
export type PostgresHost = { host: string | null; port: number };

/** Which of several servers is used; see libpq's `target_session_attrs`. */
export type SessionAttributes = 'any' | 'read-write' | 'primary';

/** What the URL of a Postgres says. What it leaves open is null: the driver has defaults for that. */
export type PostgresUrl = {
  /** In the order in which they are tried. */
  hosts: [PostgresHost, ...PostgresHost[]];
  user: string | null;
  password: string | null;
  database: string | null;
  /** `read-write` for several hosts, unless the URL says otherwise. */
  sessionAttributes: SessionAttributes;
  /** All other parameters, decoded. */
  parameters: ReadonlyMap<string, string>;
};

/** Why a text is no URL of a Postgres, and how it is written right. It shows nothing of the text. */
export class PostgresUrlError extends Error {
  override readonly name = 'PostgresUrlError';
}

const example = 'postgres://user:password@host:5432/database';
const portDefault = 5432;

const fail = (message: string): never => {
  throw new PostgresUrlError(message);
};

/** The rest of a URL after its protocol. */
function withoutProtocol(text: string): string {
  const [, rest] = /^postgres(?:ql)?:\/\/(.*)$/is.exec(text) ?? [];
  if (rest !== undefined) return rest;
  if (/^jdbc:/i.test(text)) fail(`${example}; not the form of JDBC`);
  if (/^postgres(ql)?\+\w+:/i.test(text)) fail(`${example}; no driver (+…) in its protocol`);
  if (/^\s*\w+\s*=/.test(text)) fail(`${example}; not the form host=… dbname=…`);
  return fail('a URL that starts with postgres:// or postgresql://');
}

/** Decodes a part of a URL; `name` says which. */
function decode(text: string, name: string): string {
  if (/%(?![0-9a-f]{2})/i.test(text)) fail(`a URL in whose ${name} % is written as %25`);
  let decoded: string;
  try {
    decoded = decodeURIComponent(text);
  } catch {
    return fail(`a URL whose ${name} is UTF-8 where it is written with %`);
  }
  return decoded.includes('\0') ? fail(`a URL whose ${name} has no %00`) : decoded;
}

/** Cuts a text at the first of some characters; they begin the second part. */
function cut(text: string, at: RegExp): [before: string, rest: string] {
  const index = text.search(at);
  return index < 0 ? [text, ''] : [text.slice(0, index), text.slice(index)];
}

/**
 * Separates user and password from the rest. They end at the first `@` that no `/` precedes (as for libpq, which takes
 * `#` and `?` in them as they are), and at the last one of several before the path.
 */
function cutCredentials(rest: string): [credentials: string, target: string] {
  const [start] = cut(rest, /\//);
  const first = start.indexOf('@');
  if (first < 0) return ['', rest];
  const [authority] = cut(rest.slice(first + 1), /[/?]/);
  const end = first + 1 + authority.lastIndexOf('@'); // first, if there is no other
  return [rest.slice(0, end), rest.slice(end + 1)];
}

const special = `${example}, with / in user and password written as %2F, ? as %3F, # as %23, @ as %40 and % as %25`;

function toPort(text: string): number {
  const port = text === '' ? portDefault : Number(text);
  // What looks like a wrong port is mostly a password with a slash.
  return /^\d*$/.test(text) && port > 0 && port < 65_536 ? port : fail(special);
}

/** A host, as it stands in a list of hosts; an address of IPv6 stands in brackets. */
function toHost(text: string): PostgresHost {
  const [, bracketed, plain = '', port = ''] = /^(?:\[([^\]]*)\]|([^:]*))(?::(.*))?$/s.exec(text) ?? fail(special);
  const host = decode(bracketed ?? plain, 'host');
  return { host: host === '' ? null : host, port: toPort(port) };
}

function toParameters(query: string): Map<string, string> {
  const parameters = new Map<string, string>();
  for (const pair of query.split('&').filter((text) => text !== '')) {
    const index = pair.indexOf('=');
    if (index < 0) fail(query.includes('@') ? special : 'a URL whose parameters are written as name=value');
    const name = decode(pair.slice(0, index), 'parameters');
    parameters.set(name, decode(pair.slice(index + 1), /^\w+$/.test(name) ? `parameter ${name}` : 'parameters'));
  }
  return parameters;
}

/** The file that a server makes in the folder of its socket. */
const socketFile = /^\/.*\/\.s\.PGSQL\.\d+\/*$/;

/** The hosts: those of the parameters `host` and `port`, if there are any, else those before the path. */
function toHosts(list: string, parameters: ReadonlyMap<string, string>): PostgresUrl['hosts'] {
  const written = list.split(',').map(toHost);
  const names = parameters.get('host')?.split(',') ?? written.map(({ host }) => host);
  const ports = parameters.get('port')?.split(',').map(toPort) ?? written.map(({ port }) => port);
  if (ports.length > 1 && ports.length !== names.length) fail('a URL with one port, or one for each host');
  if (names.some((name) => name?.startsWith('@'))) fail('a URL whose socket is a file: abstract ones (@) are not read');
  if (names.some((name) => socketFile.test(name ?? '')))
    fail('a URL whose host is the folder of the socket, without its file');
  const hosts = names.map((host, index) => ({
    host: host === '' ? null : host,
    port: ports[index] ?? ports[0] ?? portDefault,
  }));
  return hosts as PostgresUrl['hosts'];
}

function checkParameters(parameters: ReadonlyMap<string, string>): void {
  for (const [name, value] of parameters) {
    const mistake = findParameterMistake(name, value);
    if (mistake !== null) fail(mistake);
  }
  const contradiction = findContradiction(parameters);
  if (contradiction !== null) fail(contradiction);
}

/** Parameters that have a place of their own in `PostgresUrl`. */
const own = ['host', 'port', 'user', 'password', 'dbname', 'target_session_attrs'];

/** The parts of a URL as they are written. @throws {PostgresUrlError} where the text is none */
export function cutUrl(text: string) {
  const [credentials, target] = cutCredentials(withoutProtocol(text));
  const [hostList, afterHosts] = cut(target, /[/?]/);
  const [path, query] = cut(afterHosts, /\?/);
  if (path.includes('@')) fail(special);
  const [user, password] = cut(credentials, /:/);
  const parameters = toParameters(query.slice(1));
  return { user, password: password.slice(1), hostList, database: path.slice(1), query, parameters };
}

/**
 * Reads the URL of a Postgres as psql does (libpq's documentation, "Connection URIs"): several hosts, sockets, parameters.
 * Beyond that, `@` may stand in a password as it is.
 *
 * @throws {PostgresUrlError} where the text is none
 */
export function parsePostgresUrl(text: string): PostgresUrl {
  const { user, password, hostList, database, parameters } = cutUrl(text);
  checkParameters(parameters);
  const hosts = toHosts(hostList, parameters);
  const attributes = parameters.get('target_session_attrs') ?? (hosts.length > 1 ? 'read-write' : 'any');
  return {
    hosts,
    user: (parameters.get('user') ?? decode(user, 'user')) || null,
    password: (parameters.get('password') ?? decode(password, 'password')) || null,
    database: (parameters.get('dbname') ?? decode(database, 'database')) || null,
    sessionAttributes: attributes as SessionAttributes,
    parameters: new Map([...parameters].filter(([name]) => !own.includes(name))),
  };
}

/** The password of a URL, as it is written there and decoded, for the redaction of logs; none of a text that is no URL. */
export function passwordsIn(text: string | undefined): string[] {
  try {
    const { password } = parsePostgresUrl(text ?? '');
    if (password === null) return [];
    const written = cut(cutCredentials(withoutProtocol(text ?? ''))[0], /:/)[1].slice(1);
    return [...new Set([password, written, encodeURIComponent(password)])].filter((each) => each !== '');
  } catch {
    return [];
  }
}

/** Describes a server for people. */
export function describeHost({ host, port }: PostgresHost): string {
  if (host?.startsWith('/')) return `the socket ${host}/.s.PGSQL.${port}`;
  return `${host?.includes(':') ? `[${host}]` : (host ?? 'localhost')}:${port}`;
}

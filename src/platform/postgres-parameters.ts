import { nearestName } from './nearest-name.ts';

/** What is known of a parameter of a connection: libpq's ("Parameter Key Words") and a few of other drivers. */
type Parameter = {
  /** The variable of the environment that stands in for it. */
  variable?: string;
  /** The values that it may have. */
  words?: readonly string[];
  /** The whole number that it may be. */
  whole?: readonly [min: number, max: number];
  /** Why it is not taken, and what to write instead. */
  refused?: string;
  /** It is taken, and changes nothing. A start says so. */
  withoutEffect?: true;
};

const flag = ['0', '1'];
const tlsVersions = ['TLSv1', 'TLSv1.1', 'TLSv1.2', 'TLSv1.3'];

const ofServer: Record<string, Parameter> = {
  host: { variable: 'PGHOST' },
  hostaddr: { variable: 'PGHOSTADDR', refused: 'write the address as the host' },
  port: { variable: 'PGPORT' },
  dbname: { variable: 'PGDATABASE' },
  user: { variable: 'PGUSER' },
  password: { variable: 'PGPASSWORD' },
  passfile: { variable: 'PGPASSFILE' },
  service: { variable: 'PGSERVICE', refused: 'write what the section of that name says into the URL' },
  target_session_attrs: { variable: 'PGTARGETSESSIONATTRS', words: ['any', 'read-write', 'primary'] },
  load_balance_hosts: { variable: 'PGLOADBALANCEHOSTS', words: ['disable', 'random'] },
  connect_timeout: { variable: 'PGCONNECT_TIMEOUT', whole: [1, 60] },
};

const ofTls: Record<string, Parameter> = {
  sslmode: {
    variable: 'PGSSLMODE',
    words: ['disable', 'prefer', 'require', 'verify-ca', 'verify-full', 'no-verify'],
  },
  ssl: { words: ['true', 'false', '1', '0', 'no-verify'] },
  sslnegotiation: { variable: 'PGSSLNEGOTIATION', words: ['postgres', 'direct'] },
  sslrootcert: { variable: 'PGSSLROOTCERT' },
  sslcert: { variable: 'PGSSLCERT' },
  sslkey: { variable: 'PGSSLKEY' },
  sslpassword: {},
  sslcrl: { variable: 'PGSSLCRL' },
  sslcrldir: { variable: 'PGSSLCRLDIR', refused: 'name one file by sslcrl' },
  sslcertmode: { variable: 'PGSSLCERTMODE', words: ['allow', 'disable'] },
  sslsni: { variable: 'PGSSLSNI', words: ['1'] },
  sslcompression: { words: flag, withoutEffect: true },
  ssl_min_protocol_version: { variable: 'PGSSLMINPROTOCOLVERSION', words: tlsVersions },
  ssl_max_protocol_version: { variable: 'PGSSLMAXPROTOCOLVERSION', words: tlsVersions },
  gssencmode: { variable: 'PGGSSENCMODE', words: ['disable', 'prefer'] },
  krbsrvname: { withoutEffect: true },
  gsslib: { withoutEffect: true },
  gssdelegation: { withoutEffect: true },
  channel_binding: { variable: 'PGCHANNELBINDING', words: ['disable', 'prefer', 'require'] },
  require_auth: { variable: 'PGREQUIREAUTH', refused: 'it is not checked here; channel_binding=require is' },
  requirepeer: { variable: 'PGREQUIREPEER', refused: 'the owner of a socket is not checked here' },
};

const ofSession: Record<string, Parameter> = {
  application_name: { variable: 'PGAPPNAME' },
  fallback_application_name: {},
  options: { variable: 'PGOPTIONS' },
  client_encoding: { words: ['UTF8', 'UTF-8', 'utf8', 'utf-8', 'auto'] },
  replication: { words: ['false', 'off', 'no', '0'] },
  keepalives: { words: flag },
  keepalives_idle: { whole: [0, 86_400] },
  keepalives_interval: { withoutEffect: true },
  keepalives_count: { withoutEffect: true },
  tcp_user_timeout: { withoutEffect: true },
  // Of other drivers.
  pgbouncer: { words: ['true', 'false'] },
  uselibpqcompat: { words: ['true', 'false'] },
  statement_timeout: { refused: 'the service has a limit of its own for each statement' },
  lock_timeout: { whole: [0, 86_400_000] },
  idle_in_transaction_session_timeout: { whole: [0, 86_400_000] },
  schema: { refused: 'write options=-csearch_path%3Dname' },
  connection_limit: { refused: 'set DATABASE_POOL_MAX' },
  pool_timeout: { refused: 'the pool has a limit of its own' },
};

const parameterTable: Readonly<Record<string, Parameter>> = { ...ofServer, ...ofTls, ...ofSession };

/** The variables of the environment that stand in for what a URL leaves out, as they do for psql; by parameter. */
export const postgresVariables: ReadonlyMap<string, string> = new Map(
  Object.entries(parameterTable).flatMap(([name, { variable }]): [string, string][] =>
    variable === undefined ? [] : [[name, variable]],
  ),
);

/** The parameters among these that change nothing. */
export const withoutEffect = (names: Iterable<string>): string[] =>
  [...names].filter((name) => parameterTable[name]?.withoutEffect);

/** What a parameter may be; null if it may be any text, or is `value` rightly. */
function findMistake({ words, whole }: Parameter, value: string): string | null {
  if (words !== undefined && !words.includes(value)) return `one of ${words.join(', ')}`;
  if (whole === undefined) return null;
  const [min, max] = whole;
  const isRight = /^\d{1,9}$/.test(value) && Number(value) >= min && Number(value) <= max;
  return isRight ? null : `a whole number from ${min} to ${max}`;
}

/** What is wrong with the value of a variable that stands in for a parameter, as what is allowed; null for nothing. */
export function findVariableMistake(name: string, value: string): string | null {
  const parameter = parameterTable[name] ?? {};
  if (parameter.refused !== undefined) return `nothing, since it is not read: ${parameter.refused}`;
  return findMistake(parameter, value);
}

/** What is wrong with a parameter of a URL, as how the URL is written right; null for nothing. No value is shown. */
export function findParameterMistake(name: string, value: string): string | null {
  const parameter = parameterTable[name];
  if (parameter === undefined) {
    const near = nearestName(name, Object.keys(parameterTable));
    if (near !== undefined) return `a URL whose parameters are known ones: one is almost called ${near}`;
    const isName = /^[a-z]+(?:_[a-z]+)*$/i.test(name);
    return `a URL whose parameters are known ones${isName ? `: ${name} is none` : ''}`;
  }
  if (parameter.refused !== undefined) return `a URL without ${name}=, which is not read: ${parameter.refused}`;
  if (name === 'gssencmode' && value === 'require') {
    return 'a URL without gssencmode=require, since GSSAPI is not spoken here: encrypt by sslmode=verify-full';
  }
  const mistake = findMistake(parameter, value);
  if (mistake === null) return null;
  const isAllow = name === 'sslmode' && value === 'allow'; // what asks for no encryption first
  return `a URL whose ${name} is ${mistake}${isAllow ? '; in the place of allow write prefer' : ''}`;
}

/** What is wrong with parameters that do not go together; null for nothing. */
export function findContradiction(parameters: ReadonlyMap<string, string>): string | null {
  const mode = parameters.get('sslmode');
  const isWeak = mode === undefined || mode === 'disable' || mode === 'prefer';
  if (mode === 'verify-ca' && !parameters.has('sslrootcert')) {
    return 'a URL that names the authority of sslmode=verify-ca by sslrootcert=file; for public authorities use verify-full';
  }
  if (parameters.get('sslnegotiation') === 'direct' && isWeak && parameters.get('ssl') !== 'true') {
    return 'a URL whose sslmode is require, verify-ca or verify-full where sslnegotiation=direct';
  }
  if (parameters.get('channel_binding') === 'require' && mode === 'disable') {
    return 'a URL whose sslmode is require, verify-ca or verify-full where channel_binding=require';
  }
  return null;
}

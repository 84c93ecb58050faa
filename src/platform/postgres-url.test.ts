import { describe, expect, test } from 'vitest';
import { describeHost, parsePostgresUrl, passwordsIn } from './postgres-url.ts';

/** The parts of a URL that it has. */
function partsOf(text: string) {
  const { hosts, user, password, database } = parsePostgresUrl(text);
  return { hosts: hosts.map(describeHost), user, password, database };
}

describe('a URL of a Postgres is read as psql reads it', () => {
  const target = { hosts: ['host:5432'], database: 'db' };
  const cases: Record<string, object> = {
    'postgres://u:p@host/db': { ...target, user: 'u', password: 'p' },
    'POSTGRESQL://u:p@host:6432/db': { hosts: ['host:6432'], user: 'u', password: 'p', database: 'db' },
    'postgres://u:50%25off@host/db': { ...target, password: '50%off' },
    'postgres://u:%40%2F%3F%23%5B%20@host/db': { ...target, password: '@/?#[ ' },
    'postgres://u:a@b@host/db': { ...target, user: 'u', password: 'a@b' },
    'postgres://u:a#b@host/db': { ...target, password: 'a#b' },
    'postgres://u:a?b@host/db': { ...target, password: 'a?b' },
    'postgres://u:a[b c@host/db': { ...target, password: 'a[b c' },
    'postgres://u:a:b@host/db': { ...target, password: 'a:b' },
    'postgres://me%40server:p@host/db%2Fone%23': { user: 'me@server', database: 'db/one#' },
    'postgres://host/db?user=me@server&password=a+b': { ...target, user: 'me@server', password: 'a+b' },
    'postgres://u@host': { hosts: ['host:5432'], user: 'u', password: null, database: null },
    'postgres://': { hosts: ['localhost:5432'], user: null, password: null, database: null },
    'postgres://u:p@[::1]:6432/db': { hosts: ['[::1]:6432'], database: 'db' },
    'postgres://u:p@/db?host=/cloudsql/a:b:c': {
      hosts: ['the socket /cloudsql/a:b:c/.s.PGSQL.5432'],
      user: 'u',
      password: 'p',
    },
    'postgres://u:p@%2Ftmp%2Fsock/db': { hosts: ['the socket /tmp/sock/.s.PGSQL.5432'], database: 'db' },
    'postgres://u:p@%2Ftmp%2Fsock:6432/db': { hosts: ['the socket /tmp/sock/.s.PGSQL.6432'] },
    'postgres://u:p@localhost/db?host=/path': { hosts: ['the socket /path/.s.PGSQL.5432'], database: 'db' },
    'postgresql:///db?host=/run/pg&user=u&port=6432': {
      hosts: ['the socket /run/pg/.s.PGSQL.6432'],
      user: 'u',
      database: 'db',
    },
    'postgresql:///?host=h&dbname=db': { hosts: ['h:5432'], database: 'db' },
    'postgres://u:p@h1:6432,h2/db': { hosts: ['h1:6432', 'h2:5432'], database: 'db' },
    'postgres://u:p@h1,[fd00::1]:6432,h3:7/db': { hosts: ['h1:5432', '[fd00::1]:6432', 'h3:7'] },
    'postgres:///db?host=h1,h2&port=1,2': { hosts: ['h1:1', 'h2:2'] },
    'postgres:///db?host=h1,h2&port=6432': { hosts: ['h1:6432', 'h2:6432'] },
  };
  for (const [text, parts] of Object.entries(cases)) {
    test(text, () => expect(partsOf(text)).toMatchObject(parts));
  }

  test('the first of several hosts that takes writes is used, unless it says otherwise', () => {
    const attributesOf = (text: string) => parsePostgresUrl(text).sessionAttributes;
    expect(attributesOf('postgres://h/db')).toBe('any');
    expect(attributesOf('postgres://h1,h2/db')).toBe('read-write');
    expect(attributesOf('postgres://h1,h2/db?target_session_attrs=any')).toBe('any');
    expect(attributesOf('postgres://h/db?target_session_attrs=primary')).toBe('primary');
  });
});

describe('what is no URL of a Postgres is refused with a sentence that says how it is written right', () => {
  const cases: Record<string, string | RegExp> = {
    'mysql://u:hunter2@host/db': 'a URL that starts with postgres:// or postgresql://',
    'host/db': 'a URL that starts with postgres:// or postgresql://',
    'jdbc:postgresql://host/db?password=hunter2': /JDBC/,
    'postgresql+asyncpg://u:hunter2@host/db': /no driver/,
    'host=localhost dbname=db password=hunter2': /host=… dbname=…/,
    'postgres://u:hunter2%word@host/db': /password % is written as %25/,
    'postgres://u%zz:hunter2@host/db': /user % is written as %25/,
    'postgres://u:hunter2@host/d%zz': /database % is written as %25/,
    'postgres://u:hunter2@h%st/db': /host % is written as %25/,
    'postgres://u:hunter2@host/db?options=%zz': /parameter options % is written as %25/,
    'postgres://u:hunter2%ff@host/db': /password is UTF-8/,
    'postgres://u:hunter2%00@host/db': /no %00/,
    'postgres://u:hun/ter2@host/db': /\/ in user and password written as %2F/,
    'postgres://u:hunter2/1@host/db': /%2F/,
    'postgres://u:5/hunter2@host/db': /%2F/,
    'postgres://p@hunter2/w:rd#1@host/db': /%2F/,
    'postgres://u:hunter2@host:port/db': /%2F/,
    'postgres://u:hunter2@host:70000/db': /host:5432/,
    'postgres://u:hunter2@host:0/db': /host:5432/,
    'postgres://u:hunter2@[::1/db': /host:5432/,
    'postgres://u:hunter2@host/db?sslmode': /name=value/,
    'postgres://u:hunter2@host/db?sslmode=REQUIRE': /sslmode is one of disable, prefer, require/,
    'postgres://u:hunter2@host/db?sslmode=allow': /sslmode is one of .*; in the place of allow write prefer/,
    'postgres://u:hunter2@host/db?ssl_mode=require': 'one is almost called sslmode',
    'postgres://u:hunter2@host/db?sslMode=require': 'one is almost called sslmode',
    'postgres://u:hunter2@host/db?socket=x': /known ones: socket is none/,
    'postgres://u:p/ss?hunter2=1&a': /name=value/,
    'postgres://u:hunter2@host/db?hunter2=1': /known ones$/,
    'postgres://u:hunter2@host/db?schema=app': /without schema=, .* options=-csearch_path%3Dname/,
    'postgres://u:hunter2@host/db?connection_limit=1': /set DATABASE_POOL_MAX/,
    'postgres://u:hunter2@host/db?hostaddr=10.0.0.1': /without hostaddr=, .* write the address as the host/,
    'postgres://u:hunter2@host/db?gssencmode=require': /GSSAPI is not spoken/,
    'postgres://u:hunter2@host/db?require_auth=scram-sha-256': /without require_auth=/,
    'postgres://u:hunter2@host/db?connect_timeout=soon': /connect_timeout is a whole number from 1 to 60/,
    'postgres://u:hunter2@host/db?sslnegotiation=direct': /sslmode is require, verify-ca or verify-full/,
    'postgres://u:hunter2@host/db?sslmode=disable&channel_binding=require': /where channel_binding=require/,
    'postgres://u:hunter2@/db?host=/run/pg/.s.PGSQL.5432': /the folder of the socket, without its file/,
    'postgres://u:hunter2@/db?host=@abstract': /abstract/,
    'postgres://u:hunter2@host/db?sslmode=verify-ca': /sslrootcert/,
    'postgres://u:hunter2@host/db?channel_binding=yes': /channel_binding is one of/,
    'postgres://u:hunter2@h1,h2/db?target_session_attrs=standby':
      /target_session_attrs is one of any, read-write, primary/,
    'postgres://u:hunter2@h1,h2/db?port=1,2,3': /one port, or one for each host/,
    'postgres://u@host/db?service=hunter2': /without service=/,
  };
  for (const [text, sentence] of Object.entries(cases)) {
    test(text, () => {
      expect(() => parsePostgresUrl(text)).toThrow(sentence);
      expect(() => parsePostgresUrl(text)).not.toThrow(/hunter2|\n/);
    });
  }
});

test('a password is known as it is written and as it is', () => {
  expect(passwordsIn('postgres://u:se%2Fcret@host/db')).toEqual(['se/cret', 'se%2Fcret']);
  expect(passwordsIn('postgres://host/db?password=a%25b')).toContain('a%b');
  expect(passwordsIn('postgres://u:a%zz@host/db')).toEqual([]);
  expect(passwordsIn(undefined)).toEqual([]);
});

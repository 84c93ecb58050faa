import { describe, expect, test } from 'vitest';
import { describeHost, parsePostgresUrl } from './postgres-url.ts';
import { completePostgresUrl, findVariableMistakes } from './postgres-variables.ts';

const environment = {
  PGHOST: 'db.internal',
  PGPORT: '6432',
  PGUSER: 'app',
  PGPASSWORD: 'p@ss/?#%',
  PGDATABASE: 'agents',
  PGSSLMODE: 'require',
  PGAPPNAME: 'mine',
};

/** The parts of a URL that is completed by `environment`. */
function partsOf(text: string) {
  const { hosts, user, password, database, parameters } = parsePostgresUrl(completePostgresUrl(text, environment));
  return { hosts: hosts.map(describeHost), user, password, database, sslmode: parameters.get('sslmode') };
}

describe('variables of Postgres stand in for what a URL leaves out, as for psql', () => {
  const all = {
    hosts: ['db.internal:6432'],
    user: 'app',
    password: 'p@ss/?#%',
    database: 'agents',
    sslmode: 'require',
  };
  const cases: Record<string, object> = {
    'postgres://': all,
    'postgresql:///': all,
    'postgres://?': all,
    'postgres:///db': { ...all, database: 'db' },
    'postgres://h/db': { ...all, hosts: ['h:6432'], database: 'db' },
    'postgres://h:1/db': { ...all, hosts: ['h:1'], database: 'db' },
    'postgres://:1/db': { ...all, hosts: ['db.internal:1'], database: 'db' },
    'postgres://[::1]/db': { ...all, hosts: ['[::1]:6432'], database: 'db' },
    'postgres://h1,h2/db': { ...all, hosts: ['h1:5432', 'h2:5432'], database: 'db' },
    'postgres:///?host=h1,h2': { ...all, hosts: ['h1:6432', 'h2:6432'] },
    'postgres://u@h': { ...all, hosts: ['h:6432'], user: 'u' },
    'postgres://u:own@h/db?sslmode=disable': {
      hosts: ['h:6432'],
      user: 'u',
      password: 'own',
      database: 'db',
      sslmode: 'disable',
    },
    'postgres://h/db?port=7&user=u&password=own&dbname=x': {
      ...all,
      hosts: ['h:7'],
      user: 'u',
      password: 'own',
      database: 'x',
    },
    'postgres://u:a?b#c@h/db?ssl=false': {
      ...all,
      hosts: ['h:6432'],
      user: 'u',
      password: 'a?b#c',
      database: 'db',
      sslmode: undefined,
    },
  };
  for (const [text, parts] of Object.entries(cases)) test(text, () => expect(partsOf(text)).toEqual(parts));

  test('a complete URL is left as it is, and so is what is no URL', () => {
    expect(completePostgresUrl('postgres://u:p@h:1/db', { PGPORT: '2', PGUSER: ' ' })).toBe('postgres://u:p@h:1/db');
    expect(completePostgresUrl('mysql://h/db', environment)).toBe('mysql://h/db');
  });
});

test('variables that cannot be taken are told with what is allowed', () => {
  const wrong = {
    PGSSLMODE: 'allow',
    PGSERVICE: 'prod',
    PGHOSTADDR: '10.0.0.1',
    PGCONNECT_TIMEOUT: '0',
    PGGSSENCMODE: 'require',
  };
  expect(
    findVariableMistakes({ ...environment, ...wrong })
      .map(({ name }) => name)
      .sort(),
  ).toEqual(Object.keys(wrong).sort());
  expect(findVariableMistakes({ PGSERVICE: 'prod' })).toEqual([
    {
      name: 'PGSERVICE',
      found: '"prod"',
      allowed: 'nothing, since it is not read: write what the section of that name says into the URL',
    },
  ]);
  expect(findVariableMistakes({ ...environment, PGSERVICE: ' ', PGTZ: 'UTC' })).toEqual([]);
});

import { findVariableMistake, postgresVariables } from './postgres-parameters.ts';
import { cutUrl } from './postgres-url.ts';

type Environment = Readonly<Record<string, string | undefined>>;
type UrlParts = ReturnType<typeof cutUrl>;

/** A variable of Postgres that cannot be taken as it is, and what is allowed. */
export type VariableMistake = { name: string; found: string; allowed: string };

/** The variables of Postgres in an environment that cannot be taken. Only values of a few words are shown. */
export function findVariableMistakes(environment: Environment): VariableMistake[] {
  return [...postgresVariables].flatMap(([parameter, name]) => {
    const value = environment[name]?.trim();
    const allowed = value ? findVariableMistake(parameter, value) : null;
    return allowed === null ? [] : [{ name, found: JSON.stringify(value), allowed }];
  });
}

/** What a URL says outside of its parameters, by the parameter that would say it. */
function saidBefore({ user, password, hostList, database }: UrlParts): string[] {
  const hasPort = hostList.includes(',') || /:\d+$/.test(hostList); // a list has the default port where it names none
  const said = {
    user,
    password,
    dbname: database,
    host: hostList.replace(/^:\d*$/, ''),
    port: hasPort ? hostList : '',
  };
  return Object.entries(said)
    .filter(([, written]) => written !== '')
    .map(([name]) => name);
}

/**
 * A URL of a Postgres with what variables of the environment (`PGPORT`, `PGSSLMODE` and others) say in the place of what
 * it leaves out, as psql takes them. A text that is no such URL is returned as it is.
 */
export function completePostgresUrl(text: string, environment: Environment): string {
  let parts: UrlParts;
  try {
    parts = cutUrl(text);
  } catch {
    return text;
  }
  const said = new Set([...saidBefore(parts), ...parts.parameters.keys()]);
  if (said.has('ssl')) said.add('sslmode');
  const added = [...postgresVariables].flatMap(([name, variable]) => {
    const value = environment[variable];
    return said.has(name) || !value?.trim() ? [] : [`${name}=${encodeURIComponent(value)}`];
  });
  if (added.length === 0) return text;
  return `${text}${parts.query === '' ? '?' : '&'}${added.join('&')}`;
}

import { settingsTable } from '../platform/settings/settings-table.ts';
import { readEnvFile } from './env-file.ts';

/** Environment variables by name. */
export type Environment = Record<string, string | undefined>;

/** The variables that are set: an empty one counts as absent, as Compose passes one on that is not set. */
const withoutEmpty = (variables: Readonly<Environment>): Environment =>
  Object.fromEntries(Object.entries(variables).filter(([, value]) => (value ?? '').trim() !== ''));

/** Variables that are read in lower case too, in both cases. */
const otherCase = new Map(
  Object.entries(settingsTable).flatMap(([name, entry]): [string, string][] =>
    'anyCase' in entry
      ? [
          [name, name.toLowerCase()],
          [name.toLowerCase(), name],
        ]
      : [],
  ),
);

/** `defaults` with `variables` in their place, whichever case either of them is written in. */
function override(defaults: Readonly<Environment>, variables: Readonly<Environment>): Environment {
  const kept = Object.entries(defaults).filter(([name]) => variables[otherCase.get(name) ?? name] === undefined);
  return { ...Object.fromEntries(kept), ...variables };
}

/** The environment variables of this process; an empty one counts as absent. */
export const processEnvironment = (): Environment => withoutEmpty(process.env);

/**
 * The environment variables, with those of `files` in the current folder as defaults, of which a later file takes
 * precedence. A file that does not exist is left out; an empty variable counts as absent everywhere.
 *
 * @throws {EnvFileError} when a file cannot be read, or has mistakes
 */
export function readEnvironment(files: readonly string[] = ['.env']): Environment {
  const layers = [...files.map(readEnvFile), process.env];
  return layers.reduce<Environment>((read, layer) => override(read, withoutEmpty(layer)), {});
}

import { existsSync } from 'node:fs';
import { settingsTable } from '../platform/settings/settings-table.ts';
import { withoutEmpty } from '../platform/settings/without-empty.ts';
import { readEnvFile } from './env-file.ts';
import { defaultEnvironment, environmentFiles, filesOfAll } from './environment-files.ts';

/** Environment variables by name. */
export type Environment = Record<string, string | undefined>;

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

/** Variables of several sources; the first one that has a variable wins. An empty variable counts as absent. */
const merge = (sources: readonly Readonly<Environment>[]): Environment =>
  sources.reduceRight<Environment>((read, source) => override(read, withoutEmpty(source)), {});

/** `APP_ENV` of the process, else of the files that hold in each environment; undefined where it is not given. */
const givenEnvironment = (): string | undefined => merge([process.env, ...filesOfAll.map(readEnvFile)]).APP_ENV?.trim();

/** The files of settings that there are in the current folder for this process, in the order of their precedence. */
export const environmentFilesFound = (appEnv = givenEnvironment()): string[] =>
  environmentFiles(appEnv ?? defaultEnvironment).filter((file) => existsSync(file));

/**
 * The environment variables, with those of files in the current folder as defaults: `.env`, and the files of the
 * environment ({@link environmentFiles}), which cannot name another one. A file that does not exist is left out; an empty
 * variable counts as absent everywhere.
 *
 * @param appEnv the environment; defaults to `APP_ENV`
 * @param files the files in the order of their precedence; defaults to those of the environment
 * @throws {EnvFileError} when a file cannot be read, or has mistakes
 */
export function readEnvironment(
  appEnv = givenEnvironment(),
  files: readonly string[] = environmentFiles(appEnv ?? defaultEnvironment),
): Environment {
  const environment = merge([process.env, ...files.map(readEnvFile)]);
  if (appEnv === undefined) delete environment.APP_ENV;
  else environment.APP_ENV = appEnv;
  return environment;
}

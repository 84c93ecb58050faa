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

/**
 * The variables of the process and of files; the first source that has a variable wins. What is empty counts as absent in
 * the end. An empty variable of the process hides nothing, as Compose and CI pass on what is not set; one of a file was
 * written there to take away what files behind it say.
 */
const merge = (files: readonly string[]): Environment => {
  const read = files.map(readEnvFile).reduceRight<Environment>(override, {});
  return withoutEmpty(override(read, processEnvironment()));
};

/** `APP_ENV` of the process, else of the files that hold in each environment; undefined where it is not given. */
const givenEnvironment = (): string | undefined => merge(filesOfAll).APP_ENV?.trim();

/** The files of settings that there are in the current folder for this process, in the order of their precedence. */
export const environmentFilesFound = (appEnv = givenEnvironment()): string[] =>
  environmentFiles(appEnv ?? defaultEnvironment).filter((file) => existsSync(file));

/**
 * The environment variables, with those of files in the current folder as defaults: `.env`, and the files of the
 * environment ({@link environmentFiles}), which cannot name another one. A file that does not exist is left out. A variable
 * that is empty counts as absent; in a file, also over the files behind it.
 *
 * @param appEnv the environment; defaults to `APP_ENV`
 * @param files the files in the order of their precedence; defaults to those of the environment
 * @throws {EnvFileError} when a file cannot be read, or has mistakes
 */
export function readEnvironment(
  appEnv = givenEnvironment(),
  files: readonly string[] = environmentFiles(appEnv ?? defaultEnvironment),
): Environment {
  const environment = merge(files);
  if (appEnv === undefined) delete environment.APP_ENV;
  else environment.APP_ENV = appEnv;
  return environment;
}

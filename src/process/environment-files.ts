/** The environment of a process that is given none. */
export const defaultEnvironment = 'production';

/** The files that may name the environment: those that are read in each of them. */
export const filesOfAll: readonly string[] = ['.env.local', '.env'];

/**
 * The files from which the settings of an environment are read, in the order of their precedence, which is that of
 * Next.js: what is for one machine (`.local`) before what is shared, and then what is for one environment before what is
 * for all. Tests skip `.env.local`, so that they mean the same on every machine.
 */
export function environmentFiles(appEnv: string): string[] {
  const machine = appEnv === 'test' ? [] : ['.env.local'];
  return [`.env.${appEnv}.local`, ...machine, `.env.${appEnv}`, '.env'];
}

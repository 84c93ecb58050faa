import { pathToFileURL } from 'node:url';
import { endWithParent, reportModules } from './dev-child.ts';
import { programFile } from './program-file.ts';

/** How the program is served. */
export type StartOptions = {
  /** `dev` is the parent: it is told which files to watch, and this process ends when it does. */
  reportModules?: true;
};

/** Serves by the user's program, in this process. */
export async function start(file: string, options: StartOptions = {}): Promise<void> {
  const path = programFile(file);
  process.once('beforeExit', () => {
    process.stderr.write(`${file} ended without serving. Does it call "await serve({ agents: { … } })"?\n`);
    process.exitCode = 1;
  });
  if (options.reportModules) {
    endWithParent();
    reportModules();
  }
  await import(pathToFileURL(path).href);
}

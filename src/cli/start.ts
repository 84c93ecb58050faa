import { pathToFileURL } from 'node:url';
import '../process/parent-watch.ts'; // sees which npm started this process, before the program takes its time to load
import { endWithParent, reportModules } from './dev-child.ts';
import { explainLoadError } from './load-error.ts';
import { programFile } from './program-file.ts';

/** The options of `agent-service start`. */
export type StartOptions = {
  /** The parent is `dev`: this process reports the files to watch, and ends when the parent ends. */
  reportModules?: true;
};

/** Runs the user's program, which serves, in this process. */
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
  const fail = (error: unknown) => {
    process.stderr.write(`${explainLoadError(error, path, options.reportModules ? 'dev' : 'start')}\n`);
    process.exit(1);
  };
  process.on('unhandledRejection', fail); // before the SDK, which ends the process and does not tell the reason
  await import('../process/sdk-configuration.ts'); // sees from now on how the program configures the SDK
  await import(pathToFileURL(path).href).catch(fail);
  process.off('unhandledRejection', fail);
}

import { pathToFileURL } from 'node:url';
import { programFile } from './program-file.ts';

/** Serves by the user's program, in this process. */
export async function start(file: string): Promise<void> {
  const path = programFile(file);
  process.once('beforeExit', () => {
    process.stderr.write(`${file} ended without serving. Does it call "await serve({ agents: { … } })"?\n`);
    process.exitCode = 1;
  });
  await import(pathToFileURL(path).href);
}

import { existsSync, statSync } from 'node:fs';
import { resolve } from 'node:path';

/** The path of the user's program. Ends the process with a message if the file does not exist. */
export function programFile(file: string): string {
  const path = resolve(file);
  if (statSync(path, { throwIfNoEntry: false })?.isFile()) return path;
  const found = existsSync(path) ? `${file} is no file.` : `There is no file ${file}.`;
  process.stderr.write(`${found} Name the program that calls serve(), such as: agent-service start src/main.ts\n`);
  process.exit(1);
}

import { statSync } from 'node:fs';
import { resolve } from 'node:path';

/** The path of the user's program. Ends the process with a message if the file does not exist. */
export function programFile(file: string): string {
  const path = resolve(file);
  if (statSync(path, { throwIfNoEntry: false })?.isFile()) return path;
  process.stderr.write(
    `There is no file ${file}. Name the program that calls serve(), such as: agent-service start src/main.ts\n`,
  );
  process.exit(1);
}

import { fileURLToPath } from 'node:url';
import { runProgram } from './child-processes.ts';

const root = fileURLToPath(new URL('../../', import.meta.url));

/** Packs this repository, as it is built, into a folder; gives the name of the file and what it holds. */
export async function pack(folder: string): Promise<{ filename: string; files: { path: string }[] }> {
  const args = ['pack', '--ignore-scripts', '--json', '--pack-destination', folder, root];
  const { stdout } = await runProgram('npm', args, { cwd: folder });
  const report = JSON.parse(stdout) as Record<string, never>; // a list, or an object by name, as npm is older or newer
  return Object.values(report)[0] as never;
}

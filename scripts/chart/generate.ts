import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { manifests } from './manifests.ts';

const root = join(import.meta.dirname, '../..');

/** The files that are made from the chart, with the content they should have, by their paths in the repository. */
export function chartFiles(): Map<string, string> {
  return new Map([...manifests()].map(([name, content]) => [`deploy/k8s/${name}`, content]));
}

/** What stands in the repository under that path; empty for what is missing. */
export function writtenFile(path: string): string {
  try {
    return readFileSync(join(root, path), 'utf8');
  } catch {
    return '';
  }
}

/** Writes the files that are not current. */
function main(): void {
  for (const [path, content] of chartFiles()) {
    if (writtenFile(path) === content) continue;
    mkdirSync(dirname(join(root, path)), { recursive: true });
    writeFileSync(join(root, path), content);
    process.stdout.write(`wrote ${path}\n`);
  }
}

if (import.meta.main) main();

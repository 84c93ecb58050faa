import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

/** The one block in that language of docs/docker.md, such as the Dockerfile for an app of one's own. */
export function blockOfGuide(language: 'dockerfile' | 'text'): string {
  const page = readFileSync(fileURLToPath(new URL('../../docs/docker.md', import.meta.url)), 'utf8');
  const [block, ...more] = [...page.matchAll(/^```(\w+)\n(.*?)^```$/gms)].filter(([, found]) => found === language);
  if (block === undefined || more.length > 0)
    throw new Error(`docs/docker.md has no block, or several, in ${language}`);
  return block[2] ?? '';
}

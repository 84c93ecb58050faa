import { readFileSync } from 'node:fs';
import { join } from 'node:path';

const help = `Usage: node scripts/release.ts version <tag>     prints version=<version>, if the tag is that of the package
       node scripts/release.ts notes <version>   prints what CHANGELOG.md says of it
`;

/**
 * The version that a tag stands for, such as `1.2.3` for `v1.2.3`.
 *
 * @throws {Error} where the tag is not that of the package
 */
export function versionOf(tag: string, packageVersion: string): string {
  if (tag === `v${packageVersion}`) return packageVersion;
  throw new Error(`The tag ${tag} is not that of the package, which is v${packageVersion}. "npm version" makes both.`);
}

/**
 * What a changelog says of a version: the text below its heading.
 *
 * @throws {Error} where it says nothing
 */
export function notesOf(version: string, changelog: string): string {
  const [, ...sections] = changelog.split(/^## /m);
  const section = sections.find((text) => /^\[?([^\]\s]+)/.exec(text)?.[1] === version);
  const notes = section?.slice(section.indexOf('\n')).trim() ?? '';
  if (notes === '')
    throw new Error(`CHANGELOG.md says nothing about ${version}. Give "Unreleased" its number and date.`);
  return notes;
}

function main(root: string, [command, argument = '']: readonly string[]): void {
  const read = (file: string) => readFileSync(join(root, file), 'utf8');
  const { version } = JSON.parse(read('package.json')) as { version: string };
  try {
    if (command === 'version') {
      notesOf(versionOf(argument, version), read('CHANGELOG.md')); // so that nothing is built in vain
      process.stdout.write(`version=${version}\n`);
    } else if (command === 'notes') process.stdout.write(`${notesOf(argument, read('CHANGELOG.md'))}\n`);
    else throw new Error(help);
  } catch (error) {
    process.stderr.write(`${error instanceof Error ? error.message : error}\n`);
    process.exitCode = 1;
  }
}

if (import.meta.main) main(join(import.meta.dirname, '..'), process.argv.slice(2));

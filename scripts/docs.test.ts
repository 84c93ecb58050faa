import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { type ProjectFile, readProject } from './tidy/project.ts';

const root = join(import.meta.dirname, '..');
const { files } = readProject(root);
const pages = files.filter(({ path }) => path.endsWith('.md'));
const textOf = (path: string) => readFileSync(join(root, path), 'utf8');

type Manifest = Record<'dependencies' | 'devDependencies' | 'peerDependencies' | 'scripts', Record<string, string>>;
/** A package of the lock file. */
type Entry = Partial<Record<'dependencies' | 'optionalDependencies', Record<string, string>>>;
const manifest = JSON.parse(textOf('package.json')) as Manifest;

/** What a regular expression finds in a page, with the page's name for messages. */
const foundIn = ({ path, text }: ProjectFile, pattern: RegExp) =>
  [...text.matchAll(pattern)].map(([, found = '']) => ({ path, found }));

describe('the documentation', () => {
  test('links only to files that exist', () => {
    const links = pages.flatMap((page) => foundIn(page, /\]\(([^)\s#]+)[^)]*\)/g));
    const local = links.filter(({ found }) => !/^(https?|mailto):/.test(found));
    expect(local.length).toBeGreaterThan(0);
    expect(local.filter(({ path, found }) => !existsSync(join(root, dirname(path), found)))).toEqual([]);
  });

  test('names only npm scripts that exist', () => {
    const commands = pages.flatMap((page) => foundIn(page, /npm run ([\w:-]+)/g));
    expect(commands.length).toBeGreaterThan(0);
    expect(commands.filter(({ found }) => !(found in manifest.scripts))).toEqual([]);
  });

  test('is linked to from the README or from a page that is', () => {
    const reached = new Set(['README.md']);
    for (const path of reached) {
      const links = pages.filter((page) => page.path === path).flatMap((page) => foundIn(page, /\]\(([^)\s#:]+)/g));
      for (const { found } of links) reached.add(join(dirname(path), found));
    }
    expect(pages.map(({ path }) => path).filter((path) => !reached.has(path))).toEqual([]);
  });

  test('keeps the README to about a screen', () => {
    expect(textOf('README.md').split('\n').length).toBeLessThanOrEqual(80);
  });
});

describe('dependencies', () => {
  const page = textOf('docs/dependencies.md');
  const packages = JSON.parse(textOf('package-lock.json')).packages as Record<string, Entry>;

  /** Where Node finds a package that is imported in `from`. */
  function placeOf(name: string, from: string): string {
    const place = join(from, 'node_modules', name);
    return place in packages || from === ''
      ? place
      : placeOf(name, from.replace(/(^|\/)node_modules\/(@[^/]+\/)?[^/]+$/, ''));
  }

  /** All packages that a user's project gets by these, in turn by theirs, and so on. */
  const runtime = new Set(Object.keys(manifest.dependencies).map((name) => placeOf(name, '')));
  for (const place of runtime) {
    const { dependencies, optionalDependencies } = packages[place] ?? {};
    for (const name of Object.keys({ ...dependencies, ...optionalDependencies })) runtime.add(placeOf(name, place));
  }

  /** The packages that a table of the page has rows for. */
  const rowsBelow = (heading: string) =>
    (page.split(`## ${heading}\n`)[1]?.split('\n## ')[0] ?? '')
      .split('\n')
      .filter((line) => line.startsWith('| `'))
      .flatMap((line) => [...(line.split('|')[1] ?? '').matchAll(/`([^`]+)`/g)].map(([, name]) => name))
      .toSorted();

  test.each([
    ['peerDependencies', 'Peer'],
    ['dependencies', 'At run time'],
    ['devDependencies', 'Development'],
  ] as const)('in %s are those that the page gives a reason for', (kind, heading) => {
    expect(rowsBelow(heading)).toEqual(Object.keys(manifest[kind]).toSorted());
  });

  test('stay few at run time, and the page counts them right', () => {
    const direct = Object.keys(manifest.dependencies).length;
    expect(direct).toBeLessThan(25);
    expect(runtime.size).toBeLessThan(120);
    expect(page).toContain(`At run time: ${direct} direct, ${runtime.size} in all.`);
  });

  test('at run time are all imported by the source', () => {
    const source = files.filter(({ path }) => path.startsWith('src/') && !path.endsWith('.test.ts'));
    const isImported = (name: string) =>
      source.some(({ text }) => text.includes(`from '${name}'`) || text.includes(`from '${name}/`));
    expect(Object.keys(manifest.dependencies).filter((name) => !isImported(name))).toEqual([]);
  });
});

import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';

const root = join(import.meta.dirname, '..');
const textOf = (path: string) => readFileSync(join(root, path), 'utf8');

/** The code that a page names: [`name`](file), with the path of the file from the root. */
const namesOn = (page: string) =>
  [...textOf(page).matchAll(/\[`([^`]+)`\]\(\.\.\/([^)#]+)\)/g)].map(([, name = '', path = '']) => ({ name, path }));

/** Whether a file declares a name: as a function, constant, class, type or property, or is the file itself. */
function declares(path: string, name: string): boolean {
  if (name === path) return true;
  return new RegExp(
    `^\\s*(export )?(async )?(function\\*?|const|class|type|interface|let) ${name}\\b|^  ${name}:`,
    'm',
  ).test(textOf(path));
}

describe.each(['docs/architecture.md', 'docs/glossary.md'])('%s', (page) => {
  const names = namesOn(page);

  test('links names to the files that declare them', () => {
    expect(names.length).toBeGreaterThan(15);
    expect(names.filter(({ path, name }) => !existsSync(join(root, path)) || !declares(path, name))).toEqual([]);
  });
});

test('every row of the glossary leads to the code', () => {
  const rows = textOf('docs/glossary.md')
    .split('\n')
    .filter((line) => line.startsWith('| ') && !/^\| (---|Word)/.test(line));
  expect(rows.length).toBeGreaterThan(30);
  expect(rows.filter((row) => !/\]\(\.\.\/(src|scripts)\//.test(row))).toEqual([]);
});

test('the picture of the architecture has each station of its table, and no other', () => {
  const page = textOf('docs/architecture.md');
  const drawn = [...page.matchAll(/[[(](\d+) [a-z]/g)].map(([, number]) => Number(number));
  const listed = [...page.matchAll(/^\| (\d+) \|/gm)].map(([, number]) => Number(number));
  expect(listed).toEqual(listed.map((_, index) => index + 1));
  expect([...new Set(drawn)].toSorted((one, other) => one - other)).toEqual(listed);
});

test('the architecture names every folder of src', () => {
  const tree = textOf('docs/architecture.md').split('## Folders')[1] ?? '';
  const folders = [
    'access',
    'agents',
    'budgets',
    'cli',
    'doctor',
    'health',
    'keys',
    'platform',
    'process',
    'providers',
  ];
  const others = ['retention', 'runs', 'sessions', 'storage', 'tenancy', 'webhooks'];
  expect([...folders, ...others].filter((folder) => !tree.includes(`${folder}/`))).toEqual([]);
});

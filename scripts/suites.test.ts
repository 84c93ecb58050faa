import { globSync, readFileSync } from 'node:fs';
import { join, matchesGlob } from 'node:path';
import { describe, expect, test } from 'vitest';
import { imageEndToEnd, projectSuites, type SuiteFiles, suites } from '../tests/support/suites.ts';
import projectsConfig from '../vitest.config.ts';

const root = join(import.meta.dirname, '..');
const read = (path: string) => readFileSync(join(root, path), 'utf8');
const { scripts } = JSON.parse(read('package.json')) as { scripts: Record<string, string> };

/** Every test file of the repository. */
const testFiles = globSync('**/*.test.ts', {
  cwd: root,
  exclude: (path) => ['node_modules', 'dist', '.cache'].includes(path.split('/')[0] ?? ''),
});

const holds = ({ include, exclude }: SuiteFiles, file: string) =>
  include.some((pattern) => matchesGlob(file, pattern)) && !exclude.some((pattern) => matchesGlob(file, pattern));

const suitesOf = (file: string) => Object.keys(suites).filter((name) => holds(suites[name] as SuiteFiles, file));

describe('the suites of tests', () => {
  test('hold every test file of the repository in exactly one of them', () => {
    expect(testFiles.length).toBeGreaterThan(200);
    expect(testFiles.filter((file) => suitesOf(file).length !== 1).map((file) => [file, suitesOf(file)])).toEqual([]);
  });

  test('name no file that is missing', () => {
    const patterns = Object.values(suites).flatMap(({ include, exclude }) => [...include, ...exclude]);
    expect(
      [...patterns, ...imageEndToEnd].filter((pattern) => !testFiles.some((file) => matchesGlob(file, pattern))),
    ).toEqual([]);
  });

  test('have an npm script each, which runs that suite alone', () => {
    const { test: core, ...others } = scripts;
    const command = (name: string) => (name === 'core' ? core : others[`test:${name}`]);
    for (const name of Object.keys(projectSuites)) expect(command(name)).toBe(`vitest run --project ${name}`);
    expect(command('image')).toBe('vitest run --config vitest.image.config.ts');
    expect(scripts.check).toMatch(/ npm test$/);
  });

  test('are the projects of vitest, with the files that are named here', () => {
    const { projects = [] } = (projectsConfig as { test: { projects?: unknown[] } }).test;
    expect(projects).toEqual(
      Object.entries(projectSuites).map(([name, files]) => ({ extends: true, test: { name, ...files } })),
    );
  });

  test('are all run by CI', () => {
    const [, listed = ''] = /^for suite in (.*); do$/m.exec(read('.ci/run')) ?? [];
    expect(listed.split(' ')).toEqual(Object.keys(suites));
  });
});

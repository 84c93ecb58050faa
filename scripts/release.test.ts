import { spawnSync } from 'node:child_process';
import { cp, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { notesOf, versionOf } from './release.ts';

const changelog = `# Changelog

## Unreleased

## 1.2.3 - 2027-01-31

### Added

- One thing.

## 1.2.30 - 2026-12-01

- Another thing.

## 1.1.0
`;

test('a tag stands for the version of the package, and for no other', () => {
  expect(versionOf('v1.2.3', '1.2.3')).toBe('1.2.3');
  for (const tag of ['1.2.3', 'v1.2.4', 'v1.2.3-rc.1']) expect(() => versionOf(tag, '1.2.3')).toThrow(/npm version/);
});

test('the notes of a version are what stands below its heading', () => {
  expect(notesOf('1.2.3', changelog)).toBe('### Added\n\n- One thing.');
  expect(notesOf('1.2.30', changelog)).toBe('- Another thing.');
});

test.each(['1.2', '1.1.0', '2.0.0', 'Unreleased'])('there are none for %s', (version) => {
  expect(() => notesOf(version, changelog)).toThrow(/says nothing about/);
});

test('a release ends before it begins where the tag or the changelog is not ready', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'release-'));
  try {
    await mkdir(join(folder, 'scripts'));
    await cp(join(import.meta.dirname, 'release.ts'), join(folder, 'scripts/release.ts'));
    await writeFile(join(folder, 'CHANGELOG.md'), changelog);
    const run = async (version: string, ...args: string[]) => {
      await writeFile(join(folder, 'package.json'), JSON.stringify({ type: 'module', version }));
      const { status, stdout } = spawnSync(process.execPath, [join(folder, 'scripts/release.ts'), ...args], {
        encoding: 'utf8',
      });
      return { status, stdout };
    };
    expect(await run('1.2.3', 'version', 'v1.2.3')).toEqual({ status: 0, stdout: 'version=1.2.3\n' });
    expect(await run('1.2.3', 'version', 'v1.2.4')).toEqual({ status: 1, stdout: '' });
    expect(await run('2.0.0', 'version', 'v2.0.0')).toEqual({ status: 1, stdout: '' });
    expect(await run('1.2.3', 'notes', '1.2.30')).toEqual({ status: 0, stdout: '- Another thing.\n' });
  } finally {
    await rm(folder, { recursive: true });
  }
});

import { existsSync, readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';

const urlOf = (path: string) => new URL(`../../${path}`, import.meta.url);
const read = (path: string) => readFileSync(urlOf(path), 'utf8');

const anyTest = /`((?:tests|src)\/[\w./-]+\.ts)`/g;
/** A test, and words of its title, at the end of a row of a table. */
const testWithTitle = /`((?:tests|src)\/[\w./-]+\.ts)`: ([^|\n]+?) \|/g;

describe('the pages about security', () => {
  test.each(['SECURITY.md', 'docs/hostile-input.md'])('name tests that there are: %s', (page) => {
    const files = [...read(page).matchAll(anyTest)].map(([, file = '']) => file);
    expect(files.length).toBeGreaterThan(20);
    expect(files.filter((file) => !existsSync(urlOf(file)))).toEqual([]);
  });

  test('say in which test each case of hostile input is', () => {
    const claims = [...read('docs/hostile-input.md').matchAll(testWithTitle)];
    expect(claims.length).toBeGreaterThan(40);
    for (const [, file = '', title = ''] of claims) expect(read(file), `${file}: ${title}`).toContain(title);
  });
});

import { expect, test } from 'vitest';
import { environmentFiles } from './environment-files.ts';

test('the files of an environment are those of Next.js, in its order', () => {
  expect(environmentFiles('development')).toEqual(['.env.development.local', '.env.local', '.env.development', '.env']);
  expect(environmentFiles('production')).toEqual(['.env.production.local', '.env.local', '.env.production', '.env']);
});

test('tests do not read .env.local, so that they mean the same on every machine', () => {
  expect(environmentFiles('test')).toEqual(['.env.test.local', '.env.test', '.env']);
});

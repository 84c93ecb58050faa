import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { findPassword, passwordFromFile } from './password.ts';

const query = { host: 'db', port: 5432, database: 'agents', user: 'app' };

describe('a password file is read as libpq reads it', () => {
  test.each([
    ['db:5432:agents:app:secret', 'secret'],
    ['# db:5432:agents:app:no\n\n*:*:*:*:secret', 'secret'],
    ['other:5432:agents:app:no\r\ndb:*:agents:app:secret\r\n*:*:*:*:no', 'secret'],
    ['db:5432:agents:app:a\\:b\\\\c', 'a:b\\c'],
    ['db:5432:agents:app:', null],
    ['db:6432:agents:app:no', null],
    ['', null],
  ])('%j', (text, password) => expect(findPassword(text, query)).toBe(password));

  test('a socket in its usual folder is localhost', () => {
    expect(findPassword('localhost:*:*:*:secret', { ...query, host: '/var/run/postgresql' })).toBe('secret');
    expect(findPassword('/srv/pg:*:*:*:secret', { ...query, host: '/srv/pg' })).toBe('secret');
  });
});

describe('where there is no password, a sentence says where one is looked for', () => {
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'pgpass-'));
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  test('without the file, without a line that fits, and with a file that others may read', () => {
    const file = join(folder, 'pass');
    expect(() => passwordFromFile(query, file)).toThrow(`has none, nor is there a file ${file}`);
    writeFileSync(file, 'db:*:*:*:secret\n', { mode: 0o600 });
    expect(passwordFromFile(query, file)).toBe('secret');
    expect(() => passwordFromFile({ ...query, host: 'x' }, file)).toThrow(/nor does .* have one for this host/);
    chmodSync(file, 0o644);
    expect(() => passwordFromFile(query, file)).toThrow(`others may read it: chmod 600 ${file}`);
  });
});

import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { readEnvironment } from './environment.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'env-'));
  vi.stubEnv('OPENAI_API_KEY', undefined);
});
afterEach(() => {
  vi.unstubAllEnvs();
  rmSync(folder, { recursive: true });
});

const at = (name: string) => join(folder, name);

/** The environment with a `.env` file of this content. */
function read(content: string | Buffer) {
  writeFileSync(at('.env'), content);
  return readEnvironment('test', [at('.env')]);
}

const key = 'sk-0123456789abcdef';
const text = `# Schlüssel\nOPENAI_API_KEY=${key}\nAPP_NAME=x\n`;
const utf16be = (value: string) => Buffer.from(value, 'utf16le').swap16();

describe('a .env file is read', () => {
  test.each([
    ['in UTF-8', Buffer.from(text)],
    ['in UTF-8 with a byte-order mark', Buffer.from(`\ufeff${text}`)],
    ['in UTF-16, as PowerShell writes it', Buffer.from(`\ufeff${text.replaceAll('\n', '\r\n')}`, 'utf16le')],
    ['in UTF-16 of the other byte order', utf16be(`\ufeff${text}`)],
    ['in UTF-16 without a byte-order mark', Buffer.from(text, 'utf16le')],
    ['in UTF-16 of the other byte order without one', utf16be(text)],
    ['with CRLF at the ends of lines', Buffer.from(text.replaceAll('\n', '\r\n'))],
    ['with CR at the ends of lines', Buffer.from(text.replaceAll('\n', '\r'))],
    ['with a comment in another encoding', Buffer.from(text, 'latin1')],
    ['with "export", spaces and quotes', Buffer.from(`export OPENAI_API_KEY = "${key}" # mine\nAPP_NAME='x';\n`)],
  ])('%s', (_, content) => {
    expect(read(content)).toMatchObject({ OPENAI_API_KEY: key, APP_NAME: 'x' });
  });

  test('with a value of several lines, which may look like assignments', () => {
    expect(read('PEM="-----BEGIN-----\nMAX_TURN=a==\nPORT: b\n-----END-----"\nAPP_NAME=x')).toMatchObject({
      PEM: '-----BEGIN-----\nMAX_TURN=a==\nPORT: b\n-----END-----',
      APP_NAME: 'x',
    });
  });

  test('with whatever else is in it that is no setting', () => {
    expect(read('set -a\nCOMPOSE_PROJECT_NAME=x\nnotes: all of it\nAPP_NAME=y')).toMatchObject({ APP_NAME: 'y' });
  });
});

test('without a file the environment is that of the process', () => {
  vi.stubEnv('APP_NAME', 'x');
  expect(readEnvironment('test', [at('.env')])).toMatchObject({ APP_NAME: 'x' });
});

test('the process takes precedence over the files, and of the files the first one', () => {
  writeFileSync(at('.env'), 'APP_NAME=first\nAPP_VERSION=1\nLOG_LEVEL=INFO');
  writeFileSync(at('.env.local'), 'APP_NAME=second\nAPP_VERSION=2');
  vi.stubEnv('APP_NAME', 'process');
  const environment = readEnvironment('test', [at('.env.local'), at('.env')]);
  expect(environment).toMatchObject({ APP_NAME: 'process', APP_VERSION: '2', LOG_LEVEL: 'INFO' });
});

test.each(['', ' ', '\n'])(
  'a variable of the process that is %j counts as absent, and hides no value of a file',
  (empty) => {
    vi.stubEnv('OPENAI_API_KEY', empty);
    vi.stubEnv('APP_NAME', empty);
    writeFileSync(at('.env'), `OPENAI_API_KEY=${key}`);
    const environment = readEnvironment('test', [at('.env.local'), at('.env')]);
    expect(environment.OPENAI_API_KEY).toBe(key);
    expect(environment).not.toHaveProperty('APP_NAME');
  },
);

test.each(['DATABASE_URL=', 'DATABASE_URL=""', "DATABASE_URL=' '", 'export DATABASE_URL=  # none'])(
  '%s in a file takes away what files behind it say, and nothing of the process',
  (line) => {
    writeFileSync(at('.env.development'), line);
    writeFileSync(at('.env'), 'DATABASE_URL=postgres://db/production\nAPP_NAME=x');
    const readFiles = () => readEnvironment('development', [at('.env.development'), at('.env')]);
    expect(readFiles()).toMatchObject({ APP_NAME: 'x' });
    expect(readFiles()).not.toHaveProperty('DATABASE_URL');
    vi.stubEnv('DATABASE_URL', 'postgres://db/own');
    expect(readFiles()).toHaveProperty('DATABASE_URL', 'postgres://db/own');
  },
);

test('an empty proxy of a file takes away one of a file behind it whose name is in the other case', () => {
  writeFileSync(at('.env.local'), 'HTTPS_PROXY=');
  writeFileSync(at('.env'), 'https_proxy=http://file:1');
  const environment = readEnvironment('test', [at('.env.local'), at('.env')]);
  expect(environment).not.toHaveProperty('https_proxy');
  expect(environment).not.toHaveProperty('HTTPS_PROXY');
});

test('a proxy of the process takes precedence over one of a file whose name is in the other case', () => {
  vi.stubEnv('https_proxy', 'http://process:1');
  expect(read('HTTPS_PROXY=http://file:1')).toMatchObject({ https_proxy: 'http://process:1' });
  expect(read('HTTPS_PROXY=http://file:1')).not.toHaveProperty('HTTPS_PROXY');
});

describe('a .env file ends the start with a sentence, which shows no value,', () => {
  test.each([
    [
      'in another encoding',
      Buffer.from(`APP_NAME=Grün\nOPENAI_API_KEY=${key}`, 'latin1'),
      /is not text in UTF-8. Save/,
    ],
    [
      'in UTF-32',
      Buffer.from([0xff, 0xfe, 0, 0, 0x41, 0, 0, 0, 0x3d, 0, 0, 0]),
      /is not text in UTF-8. Save it as UTF-8/,
    ],
    ['that is no text', Buffer.from([0x7f, 0x45, 0x4c, 0x46, 2, 1, 1, 0, 0, 65, 66, 67]), /is not text in UTF-8/],
    [
      'with a quote that is not closed',
      `OPENAI_API_KEY="${key}\nPORT=1`,
      /line 1: the value of OPENAI_API_KEY .* no second "/,
    ],
    [
      'with a quote that another line closes',
      `\nA='${key}\nB='x'`,
      /line 2: the value of A begins with ' and has text/,
    ],
    ['with a colon for a sign', `PORT=1\nOPENAI_API_KEY: ${key}`, /line 2: OPENAI_API_KEY is not followed by =. Write/],
    [
      'with a colon and a sign',
      `DATABASE_URL: postgres://u:${key}@h/d?a=b`,
      /line 1: DATABASE_URL is not followed by =/,
    ],
    ['with a space for a sign', `OPENAI_API_KEY ${key}`, /line 1: OPENAI_API_KEY is not followed by =/],
    ['of JSON', `{"OPENAI_API_KEY": "${key}"}`, /line 1: OPENAI_API_KEY is not followed by =/],
    ['of JSON in lines', `{\n  "OPENAI_API_KEY": "${key}"\n}`, /line 2: OPENAI_API_KEY is not followed by =/],
    ['of PowerShell', `$env:OPENAI_API_KEY="${key}"`, /"\$env:OPENAI_API_KEY" is no name of a variable/],
    [
      'of cmd',
      `set OPENAI_API_KEY=${key}`,
      /"set OPENAI_API_KEY" is no name of a variable. Write OPENAI_API_KEY=value/,
    ],
    [
      'with a misspelt setting',
      `OPENAI_APIKEY=${key}`,
      /OPENAI_APIKEY is no setting and has no effect. If OPENAI_API_KEY/,
    ],
    [
      'with a setting in lower case',
      `openai_api_key=${key}`,
      /openai_api_key is no setting .* OPENAI_API_KEY is meant/,
    ],
  ])('%s', (_, content, message) => {
    expect(() => read(content)).toThrow(expect.objectContaining({ name: 'EnvFileError' }));
    expect(() => read(content)).toThrow(message);
    expect(() => read(content)).not.toThrow(key);
  });

  test('with all of its mistakes', () => {
    expect(() => read('MAX_TURN=3\nPORT: 1\nLOG_LEVLE=INFO')).toThrow(/PORT .*\n.*LOG_LEVLE .*\n.*MAX_TURN /);
  });

  test('that is a folder', () => {
    mkdirSync(at('.env'));
    expect(() => readEnvironment('test', [at('.env')])).toThrow(/\.env is a folder. Move it away/);
  });

  test('that cannot be read', () => {
    symlinkSync(at('.env'), at('.env')); // permissions do not hold for root
    expect(() => readEnvironment('test', [at('.env')])).toThrow(
      /\.env cannot be read: the system says ELOOP. Make it readable/,
    );
  });
});

test('a name that is almost that of a setting may stand beside the setting', () => {
  expect(read('DATABASE_URL=postgres://h/a\nDATABASE_URI=postgres://h/b')).toHaveProperty('DATABASE_URI');
});

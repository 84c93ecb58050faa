import { existsSync, readFileSync } from 'node:fs';
import { parseEnv } from 'node:util';

/** The environment variables, with those of a `.env` file in the current folder as defaults. */
export function readEnvironment(): Record<string, string | undefined> {
  const fromFile = existsSync('.env') ? parseEnv(readFileSync('.env', 'utf8')) : {};
  return { ...fromFile, ...process.env };
}

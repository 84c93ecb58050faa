import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { spawnProcess } from '../support/child-processes.ts';
import { engines } from '../support/engines.ts';
import { findProgram } from '../support/installed-program.ts';
import { adminApiKey, keyedEnv } from '../support/keys.ts';
import { startService } from '../support/service.ts';
import { signingSecret } from '../support/webhook-receiver.ts';

/** Requests of each operation that are made up at most, beside the borders of its schema; always the same ones. */
const examplesMax = 8;
const seed = 4711;

/**
 * What schemathesis looks for beside errors of the service, but for two of its checks: it wants 405 for a method that a
 * route does not have, where this API says 404; and it takes what a schema cannot say, such as whose cursor it is, for
 * valid.
 */
const notChecked = ['unsupported_method', 'positive_data_acceptance'];

/** Attacks the service at `url` by its own description. */
function fuzz(program: string, url: string, folder: string): Promise<{ code: number | null; output: string }> {
  const options = {
    checks: 'all',
    'exclude-checks': notChecked.join(','),
    phases: 'examples,coverage,fuzzing,stateful',
    header: `Authorization: Bearer ${adminApiKey}`,
    'max-examples': String(examplesMax),
    seed: String(seed),
    'request-timeout': '180',
  };
  const flags = Object.entries(options).map(([name, value]) => `--${name}=${value}`);
  const args = ['run', `${url}/openapi.json`, ...flags, '--no-color', '--no-shrink', '--continue-on-failure'];
  // In a folder of its own: it remembers there what it has seen, and would try that first the next time.
  const child = spawnProcess(program, args, { cwd: folder, stdio: ['ignore', 'pipe', 'pipe'] });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk) => (output += chunk));
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code) => resolve({ code, output }));
  });
}

describe.each(engines)('requests that are made up from the OpenAPI document, on $name', ({ open }) => {
  test('are all answered as it says, and none with an error of the service', async (context) => {
    const program = findProgram('schemathesis') ?? context.skip('schemathesis is missing: pip install schemathesis');
    const folder = mkdtempSync(join(tmpdir(), 'agent-service-fuzz-'));
    try {
      await using engine = await open();
      const env = { ...keyedEnv, ...engine.env, WEBHOOK_SIGNING_SECRET: signingSecret };
      await using service = await startService({ app: 'dist/examples/support-desk/main.js', env });
      const { code, output } = await fuzz(program, service.url, folder);
      expect(output.slice(-8_000)).toMatch(/Test cases:\s+\d{3,} generated/);
      expect(output.slice(-8_000)).not.toContain('Failures:');
      expect([code, output.includes('Errors:')]).toEqual([0, false]);
      const wrong = service.logLines().filter(({ level }) => level === 'error' || level === 'fatal');
      expect(wrong).toEqual([]);
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  });
});

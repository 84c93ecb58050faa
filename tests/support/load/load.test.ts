import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { effectsIn } from '../effects-file.ts';
import { engines } from '../engines.ts';
import { startFakeProvider } from '../fake-provider.ts';
import { startService } from '../service.ts';
import { runLoad } from './load.ts';
import { planRuns } from './plan.ts';
import { countStatuses } from './report.ts';
import { createTargets } from './targets.ts';

describe('the load', () => {
  test('asks for the same runs with the same seed, and for others with another', () => {
    expect(planRuns({ runs: 20, seed: 7 })).toEqual(planRuns({ runs: 20, seed: 7 }));
    expect(planRuns({ runs: 20, seed: 7 })).not.toEqual(planRuns({ runs: 20, seed: 8 }));
  });

  test.each(engines)('brings every run to its end while nothing happens, on $name', async ({ open }) => {
    const folder = mkdtempSync(join(tmpdir(), 'agent-service-load-'));
    const effectsFile = join(folder, 'effects.log');
    try {
      await using engine = await open();
      await using provider = await startFakeProvider({ freshIds: true });
      await using service = await startService({
        provider,
        app: 'tests/support/apps/effects.ts',
        env: { ...engine.env, EFFECTS_FILE: effectsFile },
      });
      const report = await runLoad({ targets: createTargets([service.url]), runs: 60, seed: 4, effectsFile });
      expect(report.violations).toEqual([]);
      expect(report.errors).toEqual([]);
      expect(countStatuses(report)).toEqual({ completed: 60 });
      const calls = report.runs.flatMap(({ planned }) => planned.turns.flat().map(({ text }) => text));
      expect(
        effectsIn(effectsFile)
          .map(({ text }) => text)
          .sort(),
      ).toEqual(calls.sort());
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  });
});

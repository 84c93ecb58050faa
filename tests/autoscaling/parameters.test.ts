import { cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, test } from 'vitest';
import { demandTarget, manifestsFolder, readParameters } from './parameters.ts';

const folders: string[] = [];
afterEach(async () => {
  for (const folder of folders.splice(0)) await rm(folder, { recursive: true });
});

/** A copy of the manifests in which one file is changed. */
async function manifestsWith(file: string, change: (text: string) => string): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'manifests-'));
  folders.push(folder);
  for (const each of ['hpa.yaml', 'deployment.yaml', 'configmap.yaml']) {
    await cp(join(manifestsFolder, each), join(folder, each));
  }
  const before = await readFile(join(folder, file), 'utf8');
  const after = change(before);
  expect(after).not.toBe(before);
  await writeFile(join(folder, file), after);
  return folder;
}

test('the manifests say what the page on autoscaling says of them', () => {
  const { hpa, ...rest } = readParameters(manifestsFolder);
  expect(hpa).toEqual({
    minReplicas: 2,
    maxReplicas: 20,
    metrics: [
      { type: 'cpu', averageUtilization: 70 },
      { type: 'external', name: 'agent_service_demand', averageValue: 37.5 },
    ],
    scaleUp: {
      stabilizationWindowMs: 60_000,
      selectPolicy: 'Max',
      policies: [{ type: 'Pods', value: 4, periodMs: 60_000 }],
    },
    scaleDown: {
      stabilizationWindowMs: 300_000,
      selectPolicy: 'Max',
      policies: [{ type: 'Pods', value: 2, periodMs: 120_000 }],
    },
  });
  expect(rest).toMatchObject({ slots: 50, backgroundSlots: 40, cpuRequestMillicores: 250, graceMs: 35_000 });
});

test('the target of demand is three quarters of the slots of a pod', () => {
  const { hpa, slots } = readParameters(manifestsFolder);
  expect(demandTarget(hpa)).toBe(0.75 * slots);
});

describe('manifests are refused', () => {
  test('without the metric of demand, with a sentence that says so', async () => {
    const folder = await manifestsWith('hpa.yaml', (text) => text.replaceAll('agent_service_demand', 'another_metric'));
    expect(() => readParameters(folder)).toThrow(/hpa\.yaml: no External metric agent_service_demand/);
  });

  test('without the metric of CPU', async () => {
    const folder = await manifestsWith('hpa.yaml', (text) => text.replace(/name: cpu/, 'name: memory'));
    expect(() => readParameters(folder)).toThrow(/hpa\.yaml: not as expected/);
  });

  test('with a target for all pods together, which the model does not know', async () => {
    const folder = await manifestsWith('hpa.yaml', (text) => text.replace(/type: AverageValue/, 'type: Value'));
    expect(() => readParameters(folder)).toThrow(/hpa\.yaml: not as expected/);
  });

  test('without an autoscaler', async () => {
    const folder = await manifestsWith('hpa.yaml', (text) =>
      text.replace(/kind: HorizontalPodAutoscaler/, 'kind: Other'),
    );
    expect(() => readParameters(folder)).toThrow(/expected one HorizontalPodAutoscaler, found 0/);
  });

  test('without a request of CPU, of which percents are counted', async () => {
    const folder = await manifestsWith('deployment.yaml', (text) => text.replaceAll(/\brequests:/g, 'reserves:'));
    expect(() => readParameters(folder)).toThrow(/deployment\.yaml: not as expected/);
  });
});

test('settings that the manifests leave out have their defaults', async () => {
  const folder = await manifestsWith('configmap.yaml', (text) =>
    text.replace(/^ *MAX_CONCURRENT_RUNS.*\n/m, '').replace(/^ *PRESTOP_DELAY.*\n/m, ''),
  );
  const { slots, noticeMs } = readParameters(folder);
  expect(slots).toBe(50);
  expect(noticeMs).toBe(readParameters(manifestsFolder).noticeMs - 3_000);
});

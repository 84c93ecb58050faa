import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { jobsOf, readWorkflows, root, stepsOf, workflowFolder } from './workflow.ts';

const workflows = readWorkflows();
const jobs = jobsOf(workflows);
const steps = stepsOf(workflows);
const { scripts } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { scripts: Record<string, string> };
const named = (file: string) => {
  const [workflow] = workflows.filter((one) => one.file === file);
  if (workflow === undefined) throw new Error(`There is no ${file}`);
  return workflow;
};
const chart = 'deploy/helm/agent-service';

/** Where `wanted` does not hold. */
const exceptions = <T extends { at: string }>(all: readonly T[], wanted: (one: T) => boolean) =>
  all.filter((one) => !wanted(one)).map(({ at }) => at);

describe('in the workflows', () => {
  test('every action of others is named by the commit of a release, the same one everywhere', () => {
    const used = workflows.flatMap(({ file, text }) =>
      [...text.matchAll(/uses: (\S+)(.*)$/gm)].map(([, action = '', comment = '']) => ({
        at: `${file} ${action}`,
        action,
        comment,
      })),
    );
    const ofOthers = used.filter(({ action }) => !action.startsWith('./'));
    expect(ofOthers.length).toBeGreaterThan(10);
    expect(
      exceptions(
        ofOthers,
        ({ action, comment }) => /^[\w-]+\/[\w./-]+@[0-9a-f]{40}$/.test(action) && /^ # v\d+\.\d+\.\d+$/.test(comment),
      ),
    ).toEqual([]);
    const commits = new Set(ofOthers.map(({ action, comment }) => action + comment));
    expect(new Set(ofOthers.map(({ action }) => action.split('@')[0])).size).toBe(commits.size);
  });

  test('every image of a service is named by its digest', () => {
    const images = jobs.flatMap(({ at, job }) =>
      Object.values(job.services ?? {}).flatMap(({ image }) => {
        const fromMatrix = /^\$\{\{ matrix\.(\w+) \}\}$/.exec(image)?.[1];
        const all = fromMatrix ? (job.strategy?.matrix?.include ?? []).map((one) => one[fromMatrix] ?? '') : [image];
        return all.map((name) => ({ at: `${at} ${name}`, name }));
      }),
    );
    expect(images.length).toBeGreaterThan(0);
    expect(exceptions(images, ({ name }) => /@sha256:[0-9a-f]{64}$/.test(name))).toEqual([]);
  });

  test('nothing is permitted but what a job names', () => {
    for (const { file, permissions, jobs } of workflows) {
      expect(permissions, file).toEqual({});
      for (const [name, job] of Object.entries(jobs))
        expect(Object.keys(job.permissions ?? {}), `${file} ${name}`).toContain('contents');
    }
  });

  test('only a release writes: packages and its own notes; deploys are started, and write nothing', () => {
    const writers = jobs.flatMap(({ at, job }) =>
      Object.entries(job.permissions ?? {}).flatMap(([what, how]) =>
        how === 'write' && what !== 'id-token' ? [`${at} ${what}`] : [],
      ),
    );
    expect(writers).toEqual([
      'deploy.yml promote actions',
      'release.yml image packages',
      'release.yml chart packages',
      'release.yml notes contents',
      'release.yml deploy actions',
    ]);
  });

  test('every job has an end, and every workflow a group in which it runs', () => {
    expect(exceptions(jobs, ({ job }) => job.uses !== undefined || (job['timeout-minutes'] ?? 0) > 0)).toEqual([]);
    for (const { file, concurrency } of workflows) expect(concurrency?.group, file).toEqual(expect.any(String));
  });

  test('a release and a deploy are never cut off half way', () => {
    for (const file of ['release.yml', 'deploy.yml']) {
      expect(named(file).concurrency?.['cancel-in-progress']).toBe(false);
    }
  });

  test('no checkout leaves its token behind, and no release takes from a cache', () => {
    const checkouts = steps.filter(({ step }) => step.uses?.startsWith('actions/checkout@'));
    expect(exceptions(checkouts, ({ step }) => step.with?.['persist-credentials'] === false)).toEqual([]);
    const nodes = steps.filter(({ step }) => step.uses?.startsWith('actions/setup-node@'));
    expect(
      exceptions(nodes, ({ step }) => step.with?.['package-manager-cache'] === false && !('cache' in step.with)),
    ).toEqual([]);
    expect(
      exceptions(
        steps.filter(({ at }) => /^(release|deploy)/.test(at)),
        ({ step }) => step.with?.['cache-from'] === undefined,
      ),
    ).toEqual([]);
  });

  test('no script has an expression in it: values come by the environment', () => {
    expect(exceptions(steps, ({ step }) => !step.run?.includes('${{'))).toEqual([]);
  });

  test('a step of a pipe that fails, fails', () => {
    const piped = workflows.filter(({ text }) => / \| /.test(text));
    expect(piped.length).toBeGreaterThan(0);
    for (const { file, defaults } of piped) expect(defaults?.run?.shell, file).toBe('bash');
  });

  test('nothing runs for a change of a stranger with rights of this repository', () => {
    for (const { file, on } of workflows) expect(Object.keys(on), file).not.toContain('pull_request_target');
  });
});

describe('what the workflows call is there', () => {
  const commands = workflows.map(({ text }) => text).join('\n');
  const found = (pattern: RegExp) => [...new Set([...commands.matchAll(pattern)].map(([, name = '']) => name))];

  test('npm scripts', () => {
    const called = found(/\bnpm (?:run )?(test:[\w-]+)/g);
    expect(called).toContain('test:storage');
    expect(called.filter((name) => !(name in scripts))).toEqual([]);
  });

  test('scripts, workflows, and files', () => {
    const files = [
      ...found(/\bnode (scripts\/[\w.-]+)/g),
      ...found(/uses: \.\/(\S+)/g),
      ...found(/gh workflow run (\S+)/g).map((file) => `${workflowFolder}/${file}`),
      ...found(/file: (\.\w+)/g),
      '.ci/run',
    ];
    expect(files).toEqual(expect.arrayContaining(['scripts/release.ts', `${workflowFolder}/ci.yml`, '.nvmrc']));
    expect(files.filter((file) => !existsSync(join(root, file)))).toEqual([]);
  });

  test.each([chart, ...['staging', 'production'].map((name) => `${chart}/values-${name}.yaml`), 'Dockerfile'])(
    '%s',
    (path) => {
      expect(existsSync(join(root, path))).toBe(true);
    },
  );

  test('environments have values in the chart, and are those that can be chosen', () => {
    const deploy = named('deploy.yml');
    const { inputs } = deploy.on.workflow_dispatch as { inputs: { environment: { options: string[] } } };
    const called = found(/--field environment=(\w+)/g);
    expect(called.toSorted()).toEqual(inputs.environment.options.toSorted());
    expect(deploy.text).toContain('--values "agent-service/values-$TARGET.yaml"');
  });
});

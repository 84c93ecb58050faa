import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { chartFiles, writtenFile } from '../../scripts/chart/generate.ts';
import { chartFolder, helm, objectsOf } from '../../scripts/chart/helm.ts';
import { chartValues, ownSettings } from '../../scripts/chart/values.ts';
import { settingsTable } from '../../src/platform/settings/settings-table.ts';
import { valuesFiles } from './support/matrix.ts';

const root = join(import.meta.dirname, '../..');
const files = chartFiles();
const schema = JSON.parse(files.get('deploy/helm/agent-service/values.schema.json') ?? '{}');

describe.each([3, 4] as const)('Helm %i', (major) => {
  test.each(valuesFiles)(`finds nothing wrong with the chart and %s, as of ${major}`, (file) => {
    const { status, stdout } = helm(major, ['lint', chartFolder, '--strict', '--values', join(chartFolder, file)]);
    expect(stdout).toContain('1 chart(s) linted, 0 chart(s) failed');
    expect(status).toBe(0);
  });
});

describe('what is made from the chart', () => {
  test.each([...files.keys()])('%s is current: npm run generate writes it', (path) => {
    expect(writtenFile(path)).toBe(files.get(path));
  });

  test('deploy/k8s holds nothing else', () => {
    const made = [...files.keys()].filter((path) => path.startsWith('deploy/k8s/'));
    expect(
      readdirSync(join(root, 'deploy/k8s'))
        .map((file) => `deploy/k8s/${file}`)
        .sort(),
    ).toEqual(made.toSorted());
  });

  test('every manifest is one object that any namespace takes, and says how it was made', () => {
    for (const [path, content] of files) {
      if (!path.startsWith('deploy/k8s/')) continue;
      expect(content.split('\n')[0], path).toContain('by `npm run generate`');
      const [object, ...others] = objectsOf(content);
      expect(others, path).toEqual([]);
      expect(object?.metadata, path).not.toHaveProperty('namespace');
      expect(object?.metadata.labels, path).not.toHaveProperty(['app.kubernetes.io/managed-by']);
    }
  });
});

describe('the schema of the values', () => {
  type Schema = { type?: string; properties?: Record<string, Schema>; additionalProperties?: unknown; items?: unknown };

  /** Groups of values to which anything could be added unseen. */
  const openGroups = (path: string, { type, properties, additionalProperties }: Schema): string[] => {
    if (type !== 'object') return [];
    const below = Object.entries(properties ?? {}).flatMap(([name, child]) => openGroups(`${path}.${name}`, child));
    return properties && additionalProperties !== false ? [path, ...below] : below;
  };

  test('refuses what it does not know, in every group', () => {
    expect(schema.additionalProperties).toBe(false);
    expect(openGroups('', schema)).toEqual([]);
  });

  test('knows every setting but secrets and those that the chart decides on', () => {
    const wanted = Object.entries(settingsTable)
      .filter(([name, entry]) => !('secret' in entry) && !ownSettings.includes(name))
      .map(([name]) => name);
    expect(Object.keys(schema.properties.config.properties).sort()).toEqual(wanted.toSorted());
  });
});

test('every value is used by a template', () => {
  const folder = join(chartFolder, 'templates');
  const templates = readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((file) => /\.(yaml|tpl|txt)$/.test(file))
    .map((file) => readFileSync(join(folder, file), 'utf8'))
    .join('\n');
  type Value = ReturnType<typeof chartValues>[number];
  const leaves = (values: Value[]): string[] =>
    values.flatMap(({ path, children }) => (children ? leaves(children) : [path]));
  // Settings go into the ConfigMap as they are.
  const unused = leaves(chartValues(chartFolder)).filter((path) => {
    const key = path.split('.').at(-1) ?? '';
    return !path.startsWith('config.') && !new RegExp(`\\.${key}\\b`).test(templates);
  });
  expect(unused).toEqual([]);
});

test('the chart has the version of the package', () => {
  const { version, appVersion } = parse(readFileSync(join(chartFolder, 'Chart.yaml'), 'utf8'));
  const manifest = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
  expect([version, appVersion]).toEqual([manifest.version, manifest.version]);
});

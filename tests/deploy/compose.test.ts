import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Ajv } from 'ajv';
import { describe, expect, type TestContext, test } from 'vitest';
import { parse, stringify } from 'yaml';
import { settingsTable } from '../../src/platform/settings/settings-table.ts';
import { needProgram } from '../support/installed-program.ts';
import { startService } from '../support/service.ts';

const root = join(import.meta.dirname, '../..');
const textOf = (path: string) => readFileSync(join(root, path), 'utf8');

type ComposeService = {
  image?: string;
  profiles?: string[];
  environment: Record<string, string>;
  ports?: string[];
  volumes?: string[];
  healthcheck?: { test: string[] };
  depends_on?: Record<string, { condition: string }>;
};
type Compose = { services: Record<string, ComposeService>; volumes: Record<string, unknown> };

const compose = parse(textOf('compose.yaml')) as Compose;
const entries = Object.entries(compose.services);
const serviceOf = (name: string) => compose.services[name] as ComposeService;
/** The sources of all mounts: folders and files of the repository, or names of volumes. */
const mounts = entries.flatMap(([, { volumes = [] }]) => volumes.map((mount) => mount.split(':')[0] ?? ''));

type Dashboard = { panels: { targets: { expr: string }[] }[] };
const dashboard = JSON.parse(textOf('deploy/grafana/dashboards/agent-service.json')) as Dashboard;
const queries = dashboard.panels.flatMap(({ targets }) => targets.map(({ expr }) => expr));

const needPromtool = (context: TestContext) =>
  needProgram(context, 'promtool', 'on Debian and Ubuntu it is in the package prometheus');

describe('compose.yaml', () => {
  test('is valid by the schema of the Compose Specification', () => {
    const { $schema, ...schema } = JSON.parse(textOf('node_modules/dclint/schemas/compose.schema.json'));
    const validate = new Ajv({ strict: false, validateFormats: false, allErrors: true }).compile(schema);
    validate(compose);
    expect(validate.errors).toBe(null);
  });

  test('starts the service and Postgres, and the rest by profile', () => {
    const profiles = entries.map(([name, { profiles }]) => [name, profiles ?? []]);
    expect(Object.fromEntries(profiles)).toEqual({
      service: [],
      postgres: [],
      prometheus: ['metrics'],
      grafana: ['metrics'],
      model: ['local-model'],
    });
  });

  test('needs no key: without one the service is in development, where a simulated model answers', () => {
    const { environment } = serviceOf('service');
    expect(environment.APP_ENV).toBe(`\${APP_ENV:-development}`);
    expect(environment.OPENAI_API_KEY).toBe(`\${OPENAI_API_KEY:-}`);
  });

  test('gives the service settings that exist', () => {
    expect(Object.keys(serviceOf('service').environment).filter((name) => !(name in settingsTable))).toEqual([]);
  });

  test('keeps the data of Postgres in a volume, and starts the service when Postgres is healthy', () => {
    expect(serviceOf('postgres').volumes).toEqual(['postgres:/var/lib/postgresql']);
    expect(serviceOf('postgres').healthcheck?.test).toContain('pg_isready');
    expect(serviceOf('service').depends_on?.postgres?.condition).toBe('service_healthy');
  });

  test('accepts connections from this machine only', () => {
    const ports = entries.flatMap(([, { ports = [] }]) => ports);
    expect(ports.length).toBeGreaterThan(0);
    expect(ports.filter((port) => !port.startsWith('127.0.0.1:'))).toEqual([]);
  });

  test('names a version of every image', () => {
    const images = entries.map(([, { image = '' }]) => image);
    expect(images.filter((image) => !/:(local|v?\d+(\.\d+)+|server-b\d+)$/.test(image))).toEqual([]);
  });

  test('mounts only what is in the repository, and volumes that it declares', () => {
    const missing = mounts.filter((source) =>
      source.startsWith('.') ? !existsSync(join(root, source)) : !(source in compose.volumes),
    );
    expect(missing).toEqual([]);
  });
});

describe('what Prometheus and Grafana are given', () => {
  test('is a configuration that promtool accepts', (context) => {
    const { status, stderr } = spawnSync(
      needPromtool(context),
      ['check', 'config', 'deploy/prometheus/prometheus.yml'],
      {
        cwd: root,
        encoding: 'utf8',
      },
    );
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
  });

  test('scrapes the port that the service has its figures on', () => {
    const { scrape_configs } = parse(textOf('deploy/prometheus/prometheus.yml')) as {
      scrape_configs: { dns_sd_configs: { names: string[]; port: number }[] }[];
    };
    const [target] = scrape_configs.flatMap(({ dns_sd_configs }) => dns_sd_configs);
    expect(target?.names).toEqual(['service']);
    expect(String(target?.port)).toBe(serviceOf('service').environment.METRICS_PORT);
  });

  test('is a data source at the Prometheus of compose.yaml, and a folder of dashboards that is mounted', () => {
    const provisioning = 'deploy/grafana/provisioning';
    const sources = parse(textOf(`${provisioning}/datasources/prometheus.yaml`)).datasources;
    expect(sources).toMatchObject([{ type: 'prometheus', url: 'http://prometheus:9090' }]);
    const { path } = parse(textOf(`${provisioning}/dashboards/agent-service.yaml`)).providers[0].options;
    expect(serviceOf('grafana').volumes).toContain(`./deploy/grafana/dashboards:${path}:ro`);
  });

  test('is a dashboard of figures that the service has', async () => {
    await using service = await startService();
    const text = await (await fetch(`${service.probeUrl}/metrics`)).text();
    const known = new Set(
      [...text.matchAll(/^# TYPE (\S+) (\S+)$/gm)].flatMap(([, name = '', type]) =>
        type === 'histogram' ? [`${name}_bucket`, `${name}_count`, `${name}_sum`] : [name],
      ),
    );
    const asked = queries.flatMap((query) => query.match(/agent_service_\w+/g) ?? []);
    expect(asked.length).toBeGreaterThanOrEqual(queries.length);
    expect(asked.filter((name) => !known.has(name))).toEqual([]);
  });

  test('is a dashboard of queries that Prometheus understands', (context) => {
    const folder = mkdtempSync(join(tmpdir(), 'agent-service-rules-'));
    const file = join(folder, 'rules.yaml');
    const rules = queries.map((expr, index) => ({ record: `query_${index}`, expr }));
    writeFileSync(file, stringify({ groups: [{ name: 'dashboard', rules }] }));
    const { status, stderr } = spawnSync(needPromtool(context), ['check', 'rules', file], { encoding: 'utf8' });
    rmSync(folder, { recursive: true });
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
  });
});

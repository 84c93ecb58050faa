import { describe, expect, test } from 'vitest';
import { template } from '../../scripts/chart/helm.ts';
import { refusals } from './support/refusals.ts';

describe('the chart refuses', () => {
  test.each(refusals)('$what, says why, and renders what it says to do', ({ values, says, mended }) => {
    const { status, stdout, stderr } = template({ values });
    expect(status).not.toBe(0);
    expect(stdout).toBe('');
    for (const part of says) expect(stderr).toMatch(part);
    expect(template({ values: mended })).toMatchObject({ status: 0, stderr: '' });
  });

  test('with Helm 3 too', () => {
    const { status, stderr } = template({ values: { autoscaling: { managedElsewhere: true } }, major: 3 });
    expect(status).not.toBe(0);
    expect(stderr).toContain('two autoscalers');
  });

  test.each([
    ['at the top', { replicas: 3 }, 'replicas'],
    ['in a group', { probes: { liveness: { exec: {} } } }, 'exec'],
    ['two groups down', { inference: { image: { registry: 'a' } } }, 'registry'],
    ['among the settings', { config: { OPENAI_TIMOUT: 30 } }, 'OPENAI_TIMOUT'],
    ['among the secrets', { secret: { values: { OPENAI_KEY: 'a' } } }, 'OPENAI_KEY'],
    ['in a reference', { secret: { external: { secretStoreRef: { names: 'a' } } } }, 'names'],
  ])('a value that it does not know, %s', (_, values, name) => {
    const { status, stderr } = template({ values });
    expect(status).not.toBe(0);
    expect(stderr).toMatch(new RegExp(`additional properties '${name}' not allowed`));
  });

  test.each([
    [{ config: { MAX_TURN: 3 } }, 'MAX_TURNS is meant'],
    [{ config: { MAX_TURSN: 3 } }, 'MAX_TURNS is meant'],
    [{ config: { OPENAI_TIMOUT: 30 } }, 'OPENAI_TIMEOUT is meant'],
    [{ config: { SHUTDOWN_GRACES: 30 } }, 'SHUTDOWN_GRACE is meant'],
    [{ config: { RATE_LIMIT_RPN: 30 } }, 'RATE_LIMIT_RPM is meant'],
    [{ config: { OPENAI_APIKEY: 'a' } }, 'OPENAI_API_KEY is meant, which belongs to the Secret'],
    [{ config: { METRIC_PORT: 1 } }, 'METRICS_PORT is meant, which the chart sets'],
    [{ secret: { values: { ADMIN_APIKEY: 'a' } } }, 'ADMIN_API_KEY is meant'],
  ])('%j, and names the setting that is meant', (values, meant) => {
    for (const major of [3, 4] as const) {
      const { status, stderr } = template({ values, major });
      expect(status).not.toBe(0);
      expect(stderr).toContain(meant);
    }
  });

  test.each(['OPENAI_API_KEY', 'ADMIN_API_KEY', 'DATABASE_URL', 'PORT', 'PROCESS_ROLE', 'WEB_CONCURRENCY', 'DATA_DIR'])(
    'the setting %s in the ConfigMap, where secrets and what the chart decides on have no place',
    (name) => {
      const { status, stderr } = template({ values: { config: { [name]: '1' } } });
      expect(status).not.toBe(0);
      expect(stderr).toContain(`additional properties '${name}' not allowed`);
    },
  );

  test.each([
    ['a value of another type', { replicaCount: 'three' }],
    ['a number that is none', { config: { SHUTDOWN_GRACE: '35 seconds' } }],
    ['a word that is not among those allowed', { metrics: { provider: 'datadog' } }],
    ['a digest that is none', { image: { digest: 'sha256:abc' } }],
    ['the loss of a value that it counts on', { config: { SHUTDOWN_GRACE: null } }],
    ['a rollout that may never begin', { rollout: { maxSurge: 0 } }],
    ['a rollout that may never begin, in percent', { rollout: { maxSurge: '0%' } }],
  ])('%s', (_, values) => {
    const { status, stderr } = template({ values });
    expect(status).not.toBe(0);
    expect(stderr).toContain("values don't meet the specifications of the schema");
  });
});

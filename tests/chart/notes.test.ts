import { describe, expect, test } from 'vitest';
import { chartFolder, helm } from '../../scripts/chart/helm.ts';

/** The notes after an installation of the chart. Helm 3 would ask a cluster first. */
function notesOf(values: Record<string, unknown>): string {
  const install = ['install', 'desk', chartFolder, '--namespace', 'agents', '--dry-run=client'];
  const { stdout } = helm(4, install, values);
  return stdout.split('NOTES:\n')[1] ?? '';
}

const embedded = { database: { mode: 'embedded' }, autoscaling: { enabled: false }, replicaCount: 1 };

describe('the notes after an installation', () => {
  test('say what to do next', () => {
    const notes = notesOf({});
    expect(notes).toContain('kubectl --namespace agents rollout status deployment/desk-agent-service');
    expect(notes).toContain('helm test desk --namespace agents --logs');
    expect(notes).toContain('The Secret agent-secrets has to hold OPENAI_API_KEY, ADMIN_API_KEY, DATABASE_URL.');
  });

  test('name the address from outside', () => {
    const httpRoute = { enabled: true, parentRefs: [{ name: 'public' }], hostnames: ['desk.example.com'] };
    expect(notesOf({ httpRoute })).toContain('From outside: https://desk.example.com/');
    const ingress = { enabled: true, hosts: ['desk.example.com'] };
    expect(notesOf({ ingress })).toContain('From outside: http://desk.example.com/');
  });

  test('give the adapter its rules where the autoscaler needs them, and there alone', () => {
    expect(notesOf({})).toContain("metricsQuery: 'max(agent_service_demand{<<.LabelMatchers>>}) + (sum(agent");
    expect(notesOf(embedded)).not.toContain('metricsQuery');
  });

  test.each([
    ['no key is required', { config: { AUTH_MODE: 'none' }, allowUnauthenticated: true }, 'AUTH_MODE is none'],
    [
      'keys stand in the release',
      {
        secret: { source: 'create', values: { OPENAI_API_KEY: 'sk-1234567890', DATABASE_URL: 'postgres://db/agent' } },
      },
      'Keys stand in the values of this release',
    ],
    ['there is one pod by design', embedded, 'requests fail while it is replaced'],
    ['there is one pod by choice', { autoscaling: { enabled: false }, replicaCount: 1 }, 'There is one pod'],
    ['the connections that the database allows are not given', {}, 'may hold 231 connections'],
    ['callers may be cut in a deploy', { config: { SHUTDOWN_GRACE: 10 } }, 'SHUTDOWN_GRACE is below OPENAI_TIMEOUT'],
    ['the image can be moved', {}, 'Deploy by image.digest'],
    ['pods will come too late', { autoscaling: { demand: { enabled: false } } }, 'looks at the CPU alone'],
  ])('warn where %s', (_, values, warning) => {
    expect(notesOf(values)).toMatch(new RegExp(`^WARNING: .*${warning}`, 'm'));
  });

  test('warn of nothing where all is as it should be', () => {
    const image = { digest: `sha256:${'0'.repeat(64)}` };
    expect(notesOf({ image, database: { maxConnections: 300 } })).not.toContain('WARNING');
  });
});

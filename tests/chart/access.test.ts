import { describe, expect, test } from 'vitest';
import { render } from '../../scripts/chart/helm.ts';
import { find, namesOf } from './support/find.ts';

const of = (values: Record<string, unknown>, ...valuesFiles: string[]) => render({ values, valuesFiles });
const hosts = ['desk.example.com'];

describe('the ways in', () => {
  test('a route of the Gateway API lets streams last as long as their runs', () => {
    const { spec } = find(
      of({ httpRoute: { enabled: true, parentRefs: [{ name: 'public' }], hostnames: hosts } }),
      'HTTPRoute',
    );
    expect(spec).toMatchObject({
      parentRefs: [{ name: 'public' }],
      hostnames: hosts,
      rules: [{ timeouts: { request: '0s' }, backendRefs: [{ name: 'agent-service', port: 8000 }] }],
    });
  });

  test('an Ingress has TLS, and lets streams through unbuffered and for an hour', () => {
    const { spec, metadata } = find(
      of({ ingress: { enabled: true, className: 'haproxy', hosts, tlsSecretName: 'tls' } }),
      'Ingress',
    );
    expect(spec).toMatchObject({
      ingressClassName: 'haproxy',
      tls: [{ secretName: 'tls', hosts }],
      rules: [
        {
          host: hosts[0],
          http: { paths: [{ backend: { service: { name: 'agent-service', port: { name: 'http' } } } }] },
        },
      ],
    });
    expect(metadata.annotations).toMatchObject({
      'haproxy.org/timeout-server': '3600s',
      'nginx.ingress.kubernetes.io/proxy-read-timeout': '3600',
      'nginx.ingress.kubernetes.io/proxy-buffering': 'off',
    });
  });
});

describe('the policy', () => {
  type Rule = { to?: { ipBlock?: { cidr: string; except?: string[] } }[]; from?: unknown[]; ports: { port: number }[] };
  const policy = find(render(), 'NetworkPolicy').spec as { policyTypes: string[]; ingress: Rule[]; egress: Rule[] };
  const portsOf = (rules: Rule[]) => rules.flatMap(({ ports }) => ports.map(({ port }) => port));

  test('denies what it does not name, in both directions', () => {
    expect(policy.policyTypes).toEqual(['Ingress', 'Egress']);
    expect(portsOf(policy.ingress)).toEqual([8000, 9464]);
    expect(new Set(portsOf(policy.egress))).toEqual(new Set([53, 8000, 5432, 443]));
  });

  test('lets no pod reach private addresses, or those of credentials, by TLS', () => {
    const tls = policy.egress.find(({ ports }) => ports.some(({ port }) => port === 443));
    expect(tls?.to).toMatchObject([
      {
        ipBlock: { cidr: '0.0.0.0/0', except: expect.arrayContaining(['169.254.0.0/16', '10.0.0.0/8', '127.0.0.0/8']) },
      },
      { ipBlock: { cidr: '::/0', except: expect.arrayContaining(['fc00::/7', 'fe80::/10']) } },
    ]);
  });

  test('opens the way to providers that are not public, by TLS, and to those that are no other', () => {
    const egressOf = (config: Record<string, string>) => find(of({ config }), 'NetworkPolicy').spec.egress as Rule[];
    const usual = egressOf({}).length;
    expect(egressOf({ FALLBACK_OPENAI_BASE_URL: 'https://fallback.example/v1' })).toHaveLength(usual);
    const local = egressOf({
      OPENAI_BASE_URL: 'http://llm.models.svc.cluster.local:8080/v1',
      FALLBACK_OPENAI_BASE_URL: 'https://fallback.example:8443/v1',
    });
    expect(local.slice(-2)).toEqual([
      { to: [{ namespaceSelector: {} }], ports: [{ port: 8080, protocol: 'TCP' }] },
      { ports: [{ port: 8443, protocol: 'TCP' }] },
    ]);
  });

  test('names the port of a pooler, and no database where there is none', () => {
    const pooled = find(of({ networkPolicy: { databasePorts: [6432] } }), 'NetworkPolicy').spec.egress as Rule[];
    expect(portsOf(pooled)).toContain(6432);
    expect(portsOf(pooled)).not.toContain(5432);
    const embedded = of({ networkPolicy: { enabled: true } }, 'values-dev.yaml');
    expect(portsOf(find(embedded, 'NetworkPolicy').spec.egress)).not.toContain(5432);
  });
});

describe('secrets', () => {
  test('that an operator makes come from its store, under the name that pods read', () => {
    const external = {
      secretStoreRef: { name: 'vault', kind: 'ClusterSecretStore' },
      dataFrom: [{ extract: { key: 'desk' } }],
    };
    const objects = of({ secret: { source: 'external', external } });
    expect(find(objects, 'ExternalSecret', 'agent-secrets').spec).toMatchObject({
      ...external,
      target: { name: 'agent-secrets', creationPolicy: 'Owner' },
    });
    expect(namesOf(objects, 'Secret')).toEqual([]);
  });

  test('never stand in the ConfigMap, nor in what a pod shows of itself', () => {
    const DATABASE_URL = 'postgres://agent:pass-word-1@db/agent';
    const values = { secret: { source: 'create', values: { OPENAI_API_KEY: 'sk-very-secret-1', DATABASE_URL } } };
    const shown = of(values).filter(({ kind }) => kind !== 'Secret');
    expect(JSON.stringify(shown)).not.toMatch(/sk-very-secret-1|pass-word-1/);
  });

  test('that a cloud identity replaces are a matter of annotations of the ServiceAccount', () => {
    const annotations = { 'eks.amazonaws.com/role-arn': 'arn:aws:iam::111122223333:role/desk' };
    expect(find(of({ serviceAccount: { annotations } }), 'ServiceAccount')).toMatchObject({
      metadata: { annotations },
      automountServiceAccountToken: false,
    });
  });
});

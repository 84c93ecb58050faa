import { Validator } from '@seriousme/openapi-schema-validator';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { buildBareServer, routesOf } from '../support/bare-server.ts';
import { type ServiceUnderTest, startService } from '../support/service.ts';

type Schema = { $ref?: string; [key: string]: unknown };
type Media = Record<string, { schema?: Schema }>;
type Operation = {
  operationId?: string;
  summary?: string;
  tags?: string[];
  security?: unknown[];
  parameters?: { name: string; in: string; schema: Schema; description?: string }[];
  requestBody?: { required: boolean; content: Media };
  responses: Record<string, { description: string; content?: Media }>;
};
type Document = {
  openapi: string;
  info: { title: string; version: string };
  security?: unknown[];
  paths: Record<string, Record<string, Operation>>;
  components: { schemas: Record<string, Schema>; securitySchemes: unknown };
};

let service: ServiceUnderTest;
let document: Document;
beforeAll(async () => {
  service = await startService();
  document = (await (await fetch(`${service.url}/openapi.json`)).json()) as Document;
});
afterAll(() => service[Symbol.asyncDispose]());

const operations = () =>
  Object.entries(document.paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]) => ({ route: `${method.toUpperCase()} ${path}`, operation })),
  );

describe('the OpenAPI document', () => {
  test('is valid OpenAPI 3.1', async () => {
    const validator = new Validator();
    expect(await validator.validate(structuredClone(document))).toEqual({ valid: true });
    expect(validator.version).toBe('3.1');
    expect(document.openapi).toMatch(/^3\.1\./);
    expect(document.info).toMatchObject({ title: 'agent-service', version: expect.stringMatching(/^\d+\.\d+\.\d+/) });
  });

  test('holds every route of the API and of the probes', async () => {
    await using app = await buildBareServer();
    const routes = (await routesOf(app)).filter((route) => !/ \/(docs|openapi\.json)/.test(route));
    expect(routes).toContain('POST /api/v1/run');
    expect(routes).toContain('GET /api/v1/sessions/{id}/items');
    expect(
      operations()
        .map(({ route }) => route)
        .sort(),
    ).toEqual(routes.sort());
  });

  test('says of every operation what it is called, what it does and where it belongs', () => {
    const ids = operations().map(({ operation }) => operation.operationId);
    expect(new Set(ids).size).toBe(ids.length);
    for (const { route, operation } of operations()) {
      expect(operation, route).toMatchObject({
        operationId: expect.stringMatching(/^[a-z][A-Za-z]+$/),
        summary: expect.stringMatching(/^[A-Z].+[^.]$/),
        tags: [expect.stringMatching(/^[a-z]+$/)],
      });
    }
  });

  test('says of every operation of the API which problems it may answer with', () => {
    const problem = { 'application/problem+json': { schema: { $ref: '#/components/schemas/Problem' } } };
    for (const { route, operation } of operations()) {
      const { responses } = operation;
      if (route === 'GET /healthz') continue; // it answers, or nothing does
      if (route === 'GET /readyz') expect(responses[503]?.content, route).toEqual(problem);
      else {
        expect(responses['4XX']?.content, route).toEqual(problem);
        expect(responses['5XX']?.content, route).toEqual(problem);
      }
    }
  });

  test('describes every answer in words of its own', () => {
    for (const { route, operation } of operations()) {
      for (const [status, { description }] of Object.entries(operation.responses)) {
        expect(description, `${route} ${status}`).toMatch(/^\S.*\S$/);
        expect(description, `${route} ${status}`).not.toBe('Default Response');
      }
    }
  });

  test('names what is sent and answered; nothing that has a name is written out in an operation', () => {
    for (const { route, operation } of operations()) {
      const contents = [
        operation.requestBody?.content,
        ...Object.values(operation.responses).map((each) => each.content),
      ];
      for (const [type, { schema }] of contents.flatMap((content) => Object.entries(content ?? {}))) {
        if (type === '*/*') continue; // the bytes of a file
        expect(schema?.$ref, `${route} ${type}`).toMatch(/^#\/components\/schemas\/\w+$/);
      }
    }
  });

  test('has each schema once, under the name that the API gives it, and none that nothing refers to', () => {
    const names = Object.keys(document.components.schemas).sort();
    expect(names).toEqual([
      'Agent',
      'AgentPage',
      'BudgetLimit',
      'Budgets',
      'CreateBackgroundRun',
      'CreateKey',
      'CreateRun',
      'CreatedKey',
      'Decisions',
      'FileContent',
      'FunctionCall',
      'FunctionCallOutput',
      'Healthy',
      'ImportItems',
      'InputAudio',
      'InputFile',
      'InputImage',
      'InputItem',
      'InputPart',
      'InputText',
      'Key',
      'KeyPage',
      'Problem',
      'Ready',
      'RequiredAction',
      'Run',
      'RunDetail',
      'RunError',
      'RunEvent',
      'RunEventPage',
      'RunFile',
      'RunPage',
      'SdkAudio',
      'SdkFunctionCallResult',
      'ServerSentEvent',
      'Session',
      'SessionItem',
      'SessionItemPage',
      'SessionPage',
      'SetBudgets',
      'Step',
      'StepPage',
      'Usage',
      'WebhookDelivery',
      'WebhookDeliveryPage',
    ]);
    const text = JSON.stringify(document);
    for (const name of names) expect(text).toContain(`"#/components/schemas/${name}"`);
  });

  test('has no reference that leads nowhere', () => {
    const references = [...JSON.stringify(document).matchAll(/"\$ref":"#\/components\/schemas\/(\w+)"/g)];
    expect(references.length).toBeGreaterThan(20);
    for (const [, name = ''] of references) expect(document.components.schemas).toHaveProperty(name);
  });

  test('says that a stream is one, and what its events are', () => {
    const { responses } = document.paths['/api/v1/run/stream']?.post ?? { responses: {} };
    const schema = { $ref: '#/components/schemas/ServerSentEvent' };
    expect(responses[200]?.content).toEqual({ 'text/event-stream': { schema } });
    const { ServerSentEvent } = document.components.schemas;
    expect(ServerSentEvent).toMatchObject({
      properties: { data: { contentSchema: { $ref: '#/components/schemas/RunEvent' } } },
    });
  });

  test('describes every parameter that does not explain itself', () => {
    for (const { route, operation } of operations()) {
      for (const { name, description } of operation.parameters ?? []) {
        if (!['id', 'status', 'agent'].includes(name)) expect(description, `${route} ${name}`).toMatch(/\S/);
      }
    }
  });

  test('asks for a key only where the service does, and says with which scope', async () => {
    await using open = await buildBareServer();
    await using closed = await buildBareServer({ AUTH_MODE: 'api_key' });
    await Promise.all([open.ready(), closed.ready()]);
    const securityOf = (app: typeof open) =>
      Object.entries((app.swagger() as Document).paths).flatMap(([path, methods]) =>
        Object.entries(methods).map(([method, { security }]) => ({ path, method, security })),
      );
    const isImport = (path: string, method: string) => path === '/api/v1/sessions/{id}/items' && method === 'post';
    for (const { path, security } of securityOf(open)) expect(security, path).toEqual([]);
    for (const { path, method, security } of securityOf(closed)) {
      if (!path.startsWith('/api/')) expect(security, path).toEqual([]);
      else if (path.startsWith('/api/v1/keys') || path === '/api/v1/budgets/{tenant}' || isImport(path, method))
        expect(security, path).toEqual([{ apiKey: ['admin'] }]);
      else expect(security, path).toEqual([{ apiKey: [method === 'get' ? 'read' : 'run'] }]);
    }
    expect((closed.swagger() as Document).components.securitySchemes).toEqual({
      apiKey: {
        type: 'http',
        scheme: 'bearer',
        bearerFormat: 'ask_…',
        description: expect.stringMatching(/run .* read .* admin/),
      },
    });
  });

  test('of a service that asks for keys is open to all, as are the probes; every other route is 401 without a key', async () => {
    await using app = await buildBareServer({ AUTH_MODE: 'api_key' });
    const isOpen = (route: string) => / \/(docs|openapi\.json|healthz|readyz)\b/.test(route);
    for (const route of await routesOf(app)) {
      const [method, url = ''] = route.split(' ');
      const { statusCode } = await app.inject({ method: method as 'GET', url: url.replaceAll(/\{\w+\}/g, 'x') });
      if (isOpen(route)) expect([200, 302, 404], route).toContain(statusCode);
      else expect([route, statusCode]).toEqual([route, 401]);
    }
  });

  test('names the limits of the service that it is of', async () => {
    await using app = await buildBareServer({ MAX_INPUT_CHARS: '7', INPUT_PARTS_MAX: '3' });
    await app.ready();
    expect((app.swagger() as Document).components.schemas.CreateRun).toMatchObject({
      properties: {
        message: {
          anyOf: [
            { minLength: 1, maxLength: 7 },
            { minItems: 1, maxItems: 3 },
          ],
        },
      },
    });
  });
});

describe('the page with the documentation', () => {
  /** What the page loads: the addresses of its scripts, styles and icons. */
  async function loadPage() {
    const response = await fetch(`${service.url}/docs`);
    const html = await response.text();
    const links = [...html.matchAll(/(?:src|href)="([^"]+)"/g)].map(([, address = '']) => address);
    return { response, html, links };
  }

  test('is a page whose scripts, styles and icons are all there, and come from the service itself', async () => {
    const { response, links } = await loadPage();
    expect(response.status).toBe(200);
    expect(response.headers.get('content-type')).toBe('text/html; charset=utf-8');
    expect(links.length).toBeGreaterThan(5);
    const types = { css: /^text\/css/, js: /^(application|text)\/javascript/, png: /^image\/png/ };
    for (const link of links) {
      const asset = await fetch(new URL(link, `${service.url}/docs`));
      expect(new URL(asset.url).origin).toBe(service.url);
      expect({ link, status: asset.status }).toEqual({ link, status: 200 });
      expect(asset.headers.get('content-type')).toMatch(types[link.split('.').at(-1) as keyof typeof types]);
      expect((await asset.arrayBuffer()).byteLength).toBeGreaterThan(0);
    }
  });

  test('shows the document of this service', async () => {
    const initializer = await (await fetch(`${service.url}/docs/static/swagger-initializer.js`)).text();
    expect(initializer).toContain("resolveUrl('./json')");
    expect(await (await fetch(`${service.url}/docs/json`)).json()).toEqual(document);
  });

  test('runs only scripts of its own, and makes no request to other hosts', async () => {
    const { response, html } = await loadPage();
    const policy = response.headers.get('content-security-policy') ?? '';
    expect(policy).toMatch(/script-src 'self'\s*;/);
    expect(policy).not.toMatch(/https?:\/\/|swagger\.io/);
    expect(html).not.toMatch(/<script(?![^>]*\bsrc=)/);
    expect(html).not.toMatch(/\bon\w+=|style=/);
  });

  test('loads over plain HTTP, as on a private network', async () => {
    const { response } = await loadPage();
    expect(response.headers.get('content-security-policy')).not.toContain('upgrade-insecure-requests');
  });
});

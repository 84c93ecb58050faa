import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type EngineUnderTest, engines } from '../support/engines.ts';
import { type FakeProvider, startFakeProvider } from '../support/fake-provider.ts';
import { type Holder, keyedEnv, type MadeKey, makeKey } from '../support/keys.ts';
import { type ApiOperation, readOperations } from '../support/operations.ts';
import { type Answer, type ServiceUnderTest, startService } from '../support/service.ts';
import { readEvents } from '../support/sse.ts';
import { signingSecret } from '../support/webhook-receiver.ts';

/** Part of everything that the tenant `acme` has; no other tenant may ever read it. */
const marker = 'secret-of-acme-4711';
const sessions = ['s-acme-done', 's-acme-waits'];

// The walk is made from the OpenAPI document: a route that it does not know how to attack fails it.
const operations = await readOperations();
/** Routes that may make what they name, each with a test of its own below. */
const makingNamed = ['importSessionItems'];
const withId = operations.filter(({ path, operationId }) => path.includes('{') && !makingNamed.includes(operationId));
const lists = operations.filter(({ path, query }) => !path.includes('{') && query.includes('cursor'));
const others = operations.filter((operation) => !withId.includes(operation) && !lists.includes(operation));

/** What tenants share: the agents of the application. */
const shared = ['listAgents'];
/** Routes that show what the caller's tenant has, with a test of its own below. */
const looking = ['listBudgets'];
/** Routes that make something, each with a test of its own below. */
const creating = ['run', 'streamRun', 'createRun', 'createKey'];

/** Bodies that would do something, if the route let them. */
const bodies: Record<string, object> = {
  decideRun: { decisions: [{ call_id: 'call_1', decision: 'approve' }] },
  setBudgets: { usd_day: 0.01 },
};

type Page = { data: Record<string, unknown>[]; next_cursor: string | null };

describe.each(engines)('a tenant on $name', ({ open }) => {
  let engine: EngineUnderTest;
  let provider: FakeProvider;
  let service: ServiceUnderTest;
  let acme: MadeKey;
  let rival: MadeKey;
  /** The ids of what `acme` has, by the name that paths have for it. */
  let theirs: Record<string, string[]>;
  let before: unknown;

  const pageOf = async (holder: Holder, path: string) => (await holder.get(path)).body as Page;

  /** Everything that `acme` can see of itself, but when its keys were used. */
  async function everythingOfAcme(): Promise<unknown> {
    const runs = theirs.runs ?? [];
    const paths = [
      ...['runs', 'sessions', 'keys', 'webhooks', 'budgets'],
      ...runs.flatMap((id) => [`runs/${id}`, `runs/${id}/steps`, `runs/${id}/events`]),
      ...sessions.flatMap((id) => [`sessions/${id}`, `sessions/${id}/items`]),
    ];
    const seen = [];
    for (const path of paths) {
      const { status, text } = await acme.holder.get(`/api/v1/${path}`, { accept: 'application/json' });
      seen.push([path, status, text.replaceAll(/"last_used_at":("[^"]*"|null)/g, '')]);
    }
    return seen;
  }

  beforeAll(async () => {
    [engine, provider] = await Promise.all([open(), startFakeProvider()]);
    // No network is allowed, so that deliveries of webhooks fail at once.
    const webhooks = { WEBHOOK_SIGNING_SECRET: signingSecret, WEBHOOK_ALLOW_NETWORKS: '192.0.2.0/24' };
    service = await startService({ provider, env: { ...keyedEnv, ...webhooks, ...engine.env } });
    acme = await makeKey(service, { tenant: 'acme' });
    rival = await makeKey(service, { tenant: 'rival' });
    const spare = await makeKey(service, { tenant: 'acme' });
    const refund = { name: 'refund', arguments: { order_id: marker } };
    await provider.script({ when: { lastUserContains: 'refund' }, turns: [{ toolCalls: [refund] }, 'Refunded.'] });
    const run = async (message: string, session_id: string) => {
      const body = { message: `${message} ${marker}`, session_id, metadata: { marker } };
      return (await acme.holder.post('/api/v1/run', body, { 'idempotency-key': `order-1${session_id}` })).body;
    };
    const done = await run('hello', 's-acme-done');
    const waits = await run('refund', 's-acme-waits');
    expect([done.status, waits.status]).toEqual(['completed', 'requires_action']);
    const { items } = waits.required_action as { items: { call_id: string }[] };
    bodies.decideRun = { decisions: [{ call_id: items[0]?.call_id, decision: 'approve' }] };
    const told = await Promise.all(
      [1, 2].map(async () => {
        const webhook = { url: `http://localhost/${marker}` };
        return `${(await acme.holder.post('/api/v1/runs', { message: marker, webhook })).body.run_id}`;
      }),
    );
    let given: Page;
    do given = await pageOf(acme.holder, '/api/v1/webhooks?status=dead');
    while (given.data.length < told.length);
    theirs = {
      runs: [`${done.run_id}`, `${waits.run_id}`, ...told],
      sessions,
      keys: [acme.id, spare.id],
      webhooks: given.data.map(({ id }) => `${id}`),
      budgets: ['acme'],
    };
    before = await everythingOfAcme();
  });
  afterAll(async () => {
    await service?.[Symbol.asyncDispose]();
    await provider?.[Symbol.asyncDispose]();
    await engine?.[Symbol.asyncDispose]();
  });

  const ask = ({ method, operationId, hasBody }: ApiOperation, path: string, headers: Record<string, string> = {}) =>
    rival.holder.request(path, {
      method,
      headers: hasBody ? { 'content-type': 'application/json', ...headers } : headers,
      ...(hasBody ? { body: JSON.stringify(bodies[operationId]) } : {}),
    });

  const tellsNothing = ({ text }: Answer, where: string) => expect(text, where).not.toContain(marker);

  test('every route of the API is attacked in one way or another', () => {
    expect(others.map(({ operationId }) => operationId).toSorted()).toEqual(
      [...shared, ...looking, ...creating, ...makingNamed].toSorted(),
    );
    expect(withId.length + lists.length + others.length).toBe(operations.length);
    expect(lists.map(({ operationId }) => operationId)).toEqual(
      expect.arrayContaining(['listRuns', 'listSessions', 'listKeys', 'listWebhookDeliveries']),
    );
  });

  test.each(withId)('is 404 for what is another’s: $route', async (operation) => {
    const [, kind = ''] = /\/(\w+)\/\{\w+\}/.exec(operation.path) ?? [];
    const ids = theirs[kind];
    if (ids === undefined) throw new Error(`Say in this test which ids of another tenant ${operation.route} has.`);
    if (operation.hasBody && !(operation.operationId in bodies)) throw new Error(`Give ${operation.route} a body.`);
    for (const id of ids) {
      const path = operation.path
        .replace(/\{\w+\}/, id)
        .replace('{file}', '1.0')
        .replace('{n}', '1');
      const variants = [{}, { accept: 'application/json' }, { 'last-event-id': '1' }, { 'x-tenant-id': 'acme' }];
      for (const headers of variants) {
        const answer = await ask(operation, path, headers as Record<string, string>);
        expect([answer.status, answer.body.code], path).toEqual([404, 'not_found']);
        tellsNothing(answer, path);
      }
    }
  });

  test.each(lists)('sees only its own: $route', async ({ operationId, path, query }) => {
    const own = operationId === 'listKeys' ? [rival.id] : [];
    const idsIn = ({ data }: Page) => data.map(({ key_id, run_id, session_id }) => key_id ?? run_id ?? session_id);
    const mine = await rival.holder.get(path);
    expect(idsIn(mine.body as Page)).toEqual(own);
    tellsNothing(mine, path);

    const { next_cursor: cursor, data } = await pageOf(acme.holder, `${path}?limit=1`);
    expect([data.length, cursor]).toEqual([1, expect.any(String)]); // there is more to see, and a way to it
    const stolen = await rival.holder.get(`${path}?cursor=${cursor}`);
    expect([...own, ...idsIn(stolen.body as Page)].toSorted()).toEqual(expect.arrayContaining(own));
    for (const id of [...(theirs.runs ?? []), ...sessions, ...(theirs.keys ?? []), ...(theirs.webhooks ?? [])])
      expect(stolen.text).not.toContain(id);
    tellsNothing(stolen, path);

    const filters: Record<string, string> = {
      session_id: 's-acme-done',
      run_id: theirs.runs?.[2] ?? '',
      agent: 'triage',
      status: operationId === 'listWebhookDeliveries' ? 'dead' : 'requires_action',
    };
    for (const [name, value] of Object.entries(filters).filter(([name]) => query.includes(name))) {
      const filtered = await rival.holder.get(`${path}?${name}=${value}`);
      expect([filtered.status, filtered.body.data], name).toEqual([200, []]);
    }
    if (query.includes('tenant')) expect((await rival.holder.get(`${path}?tenant=acme`)).status).toBe(404);
  });

  test('imports a history into a session of its own, whatever its name', async () => {
    const items = [
      { role: 'user', content: 'mine' },
      { role: 'assistant', content: 'yours' },
    ];
    for (const id of sessions) {
      const path = `/api/v1/sessions/${id}`;
      const answer = await rival.holder.post(`${path}/items`, { items });
      expect([answer.status, answer.body.items_count]).toEqual([200, 2]);
      tellsNothing(await rival.holder.get(`${path}/items`), id);
      expect((await rival.holder.delete(path)).status).toBe(204);
    }
  });

  test('sees the budgets of its own, and spends none of another’s', async () => {
    const mine = await rival.holder.get('/api/v1/budgets');
    expect(mine.body).toEqual({ tenant: 'rival', data: [] });
    expect((await rival.holder.get('/api/v1/budgets?tenant=acme')).status).toBe(404);
  });

  test('sees the agents of the application, as every tenant does', async () => {
    const [mine, other] = [await rival.holder.get('/api/v1/agents'), await acme.holder.get('/api/v1/agents')];
    expect(mine.body).toEqual(other.body);
  });

  describe.each(['/api/v1/run', '/api/v1/run/stream', '/api/v1/runs'])(
    'that names what is another’s: POST %s',
    (path) => {
      /** Creates a run of `rival` and returns it as it ended. */
      async function run(body: object, headers: Record<string, string> = {}): Promise<Record<string, unknown>> {
        const response = await fetch(service.url + path, {
          method: 'POST',
          headers: { 'content-type': 'application/json', ...rival.holder.headers, ...headers },
          body: JSON.stringify(body),
        });
        const created =
          path === '/api/v1/run/stream'
            ? (await readEvents(response).until('run.completed')).data
            : ((await response.json()) as Record<string, unknown>);
        const events = `/api/v1/runs/${created.run_id}/events`;
        const followed = await fetch(service.url + events, { headers: rival.holder.headers });
        if (followed.status === 200) await readEvents(followed).all();
        return (await rival.holder.get(`/api/v1/runs/${created.run_id}`)).body;
      }

      test('a session of the same name is a session of its own, with a history of its own', async () => {
        for (const session_id of sessions) {
          for (const message of ['mine', 'mine again']) {
            expect(await run({ message, session_id, if_busy: 'interrupt' })).toMatchObject({
              status: 'completed',
              session_id,
            });
          }
          const items = await rival.holder.get(`/api/v1/sessions/${session_id}/items`);
          tellsNothing(items, session_id);
          expect(items.text).toContain('mine');
          expect((await rival.holder.delete(`/api/v1/sessions/${session_id}`)).status).toBe(204);
        }
        const asked = await provider.requests();
        for (const { body } of asked.filter((each) => JSON.stringify(each.body).includes('mine'))) {
          expect(JSON.stringify(body)).not.toContain(marker);
        }
      });

      test('the same idempotency key makes a run of its own', async () => {
        for (const session_id of sessions) {
          const ask = () => run({ message: 'hello' }, { 'idempotency-key': `order-1${session_id}` });
          const mine = await ask();
          expect(mine).toMatchObject({ status: 'completed', message: 'hello', session_id: null });
          expect((await ask()).run_id).toBe(mine.run_id);
          expect(theirs.runs).not.toContain(mine.run_id);
        }
      });

      test.each(['tenant', 'tenant_id', 'key_id', 'status', 'created_at', 'run_id'])(
        'a field %s in the body is refused',
        async (field) => {
          const { status, body } = await rival.holder.post(path, { message: 'Hi', [field]: 'acme' });
          expect([status, body.code]).toEqual([422, 'validation_failed']);
        },
      );
    },
  );

  test('makes no key for another', async () => {
    const { status, body } = await rival.holder.post('/api/v1/keys', { tenant: 'acme', scopes: ['read'] });
    expect([status, body.code]).toEqual([404, 'not_found']);
  });

  test('finds everything as it was after all of this', async () => {
    expect(await everythingOfAcme()).toEqual(before);
    const [, waits] = theirs.runs ?? [];
    const decided = await acme.holder.post(`/api/v1/runs/${waits}/decisions`, bodies.decideRun);
    expect(decided.status).toBe(200);
  });
});

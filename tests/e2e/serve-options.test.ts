import { once } from 'node:events';
import { createServer, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { describe, expect, test } from 'vitest';
import { startCommand } from '../support/command.ts';
import { startFakeProvider } from '../support/fake-provider.ts';
import { createProject } from '../support/project.ts';
import { runCli, type ServiceUnderTest, startService } from '../support/service.ts';

const contextApp = 'tests/support/apps/context.ts';
const hooksApp = 'tests/support/apps/hooks.ts';
const mcpApp = 'tests/support/apps/mcp.ts';

/** Starts a program that cannot be served, and gives what it said at its end. */
async function startAndFail(app: string, env: Record<string, string> = {}) {
  await using project = createProject({});
  return await runCli(['start', app], { ...project.env, APP_ENV: 'test', ...env });
}

async function listen(server: Server): Promise<number> {
  await once(server.listen(0, '127.0.0.1'), 'listening');
  return (server.address() as AddressInfo).port;
}

/** What the start itself logs. */
const stamped = 'the store had no environment, and has that of this process now';
const ofEveryStart = ['models of the agents', 'migration applied', stamped];
const messages = (lines: readonly { msg?: string }[]) => lines.map(({ msg }) => msg);
/** What the application printed; the log is written apart from it, so that their order says nothing. */
const printedMessages = (stdout: string) =>
  messages(
    stdout
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as { msg?: string }),
  ).filter((message) => !ofEveryStart.includes(message ?? ''));

/** The outputs of the tools that were sent to a model. */
async function toolOutputs(provider: Awaited<ReturnType<typeof startFakeProvider>>): Promise<string[]> {
  const requests = await provider.requests();
  const input = requests.at(-1)?.body?.input as { type?: string; output?: unknown }[];
  return input.filter(({ type }) => type === 'function_call_output').map(({ output }) => JSON.stringify(output));
}

const agentsFile = `import { Agent } from '@openai/agents';
import { serve } from 'agent-service';
await serve({ agents: { poet: new Agent({ name: 'Poet' }) } });
`;

describe('agents and entry', () => {
  test('agents of another copy of the SDK, whose runs could not be recorded, are refused at the start', async () => {
    await using project = createProject({ 'main.mjs': agentsFile }, { ownSdk: true });
    const { code, stderr } = await runCli(['start', 'main.mjs'], { ...project.env, APP_ENV: 'test' }, project.folder);
    expect(stderr).toMatch(
      /^agents.poet is an Agent of another copy of @openai\/agents than the one that agent-service/,
    );
    expect(code).toBe(1);
  });

  test('agents of a CommonJS program are refused at the start, with the reason and the fix', async () => {
    const commonJs = `
      const { Agent } = require('@openai/agents');
      const { serve } = require('agent-service');
      serve({ agents: { poet: new Agent({ name: 'Poet' }) } });
    `;
    await using project = createProject({ 'main.cjs': commonJs });
    const { code, stderr } = await runCli(['start', 'main.cjs'], { ...project.env, APP_ENV: 'test' }, project.folder);
    expect(stderr).toMatch(
      /^agents\.poet was made by require\('@openai\/agents'\), the CommonJS build of the SDK;.*\n$/,
    );
    expect(stderr).toContain('"type": "module" in package.json');
    expect(code).toBe(1);
  });

  test('what has no declaration is named in the log at the start', async () => {
    await using service = await startService();
    const line = await service.logged(({ msg }) => msg?.startsWith('No effect() is declared for ') === true);
    expect(line).toMatchObject({ level: 'warn', msg: expect.stringContaining('triage.lookup_order') });
  });

  test('the entry agent answers, the first one where none is named, and others when they are asked for', async () => {
    await using service = await startService({ app: contextApp });
    expect((await service.post('/api/v1/run', { message: 'Hi' })).body).toMatchObject({ agent: 'first' });
    const asked = await service.post('/api/v1/run', { message: 'Hi', agent: 'second' });
    expect(asked.body).toMatchObject({ agent: 'second' });
    await using desk = await startService(); // its entry is triage
    expect((await desk.post('/api/v1/run', { message: 'Hi' })).body).toMatchObject({ agent: 'triage' });
    const { body } = await service.get('/api/v1/agents');
    expect(body.data).toMatchObject([
      { name: 'first', entry: true },
      { name: 'second', entry: false },
    ]);
  });

  test.each([
    { options: '{ agents: {} }', message: 'serve() needs at least one agent' },
    { options: '{ agents: { helper: {} } }', message: 'agents.helper is not an Agent of @openai/agents.' },
    { options: "{ agents: { 'my helper': helper } }", message: 'agents has the name "my helper"; allowed are letters' },
    {
      options: "{ agents: { helper }, entry: 'nobody' }",
      message: 'The entry agent "nobody" is not among the agents given: helper.',
    },
    { options: '{ agents: { helper }, colour: 1 }', message: 'Remove it; the options are agents, entry, context, ' },
    { options: '{ agents: { helper }, entyr: 1 }', message: 'serve() has no option "entyr". Did you mean "entry"?' },
    {
      options: '{ agents: { helper }, inputGuardrails: [] }',
      message:
        'serve() has no option "inputGuardrails". It is an option of the runner: serve({ runner: { inputGuardrails } }).',
    },
  ])('serve($options) is refused', async ({ options, message }) => {
    await using project = createProject({
      'src/main.js': `
        import { Agent } from '@openai/agents';
        import { serve } from 'agent-service';
        const helper = new Agent({ name: 'helper', instructions: 'You are a helper.' });
        await serve(${options});
      `,
    });
    const env = { ...project.env, APP_ENV: 'test' };
    const { code, stdout, stderr } = await runCli(['start', 'src/main.js'], env, project.folder);
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
    expect(stderr).toContain(message);
    expect(stderr.trim().split('\n')).toHaveLength(1);
  });
});

describe('what the program has configured in the SDK before serve(), and would have no effect,', () => {
  const program = (imports: string, configure: string) => `
    import { Agent, ${imports} } from '@openai/agents';
    import { serve } from 'agent-service';
    ${configure}
    await serve({ agents: { helper: new Agent({ name: 'helper' }) } });
  `;
  const client = "Object.assign(() => {}, { apiKey: 'sk-code', baseURL: 'http://127.0.0.1:1' })";

  test.each([
    {
      imports: 'setDefaultModelProvider',
      call: 'setDefaultModelProvider({ getModel() {} });',
      instead: 'OPENAI_BASE_URL',
    },
    {
      imports: 'setDefaultModelProvider, OpenAIProvider',
      call: "setDefaultModelProvider(new OpenAIProvider({ apiKey: 'sk-code' }));",
      instead: 'the providers option',
    },
    { imports: 'setDefaultOpenAIClient', call: `setDefaultOpenAIClient(${client});`, instead: 'OPENAI_BASE_URL' },
    { imports: 'setDefaultOpenAIKey', call: "setDefaultOpenAIKey('sk-code');", instead: 'set OPENAI_API_KEY' },
    { imports: 'setOpenAIAPI', call: "setOpenAIAPI('chat_completions');", instead: 'set OPENAI_API=chat_completions' },
    { imports: 'setOpenAIResponsesTransport', call: "setOpenAIResponsesTransport('websocket');", instead: 'by HTTP' },
    {
      imports: 'setTraceProcessors, BatchTraceProcessor',
      call: 'setTraceProcessors([new BatchTraceProcessor({ export: async () => {} })]);',
      instead: 'in the onStart option',
    },
    {
      imports: 'addTraceProcessor',
      call: 'addTraceProcessor({ shutdown: async () => {}, forceFlush: async () => {} });',
      instead: 'in the onStart option',
    },
  ])('is refused with what to do instead: $call', async ({ imports, call, instead }) => {
    await using project = createProject({ 'main.js': program(imports, call) });
    const env = { ...project.env, APP_ENV: 'production', OPENAI_API_KEY: 'sk-environment' };
    const { code, stdout, stderr } = await runCli(['start', 'main.js'], env, project.folder);
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
    const [title, ...sentences] = stderr.trim().split('\n');
    expect(title).toBe('These calls before serve() have no effect on the service:');
    expect(sentences).toEqual([expect.stringContaining(instead), expect.stringContaining('in the onStart option')]);
    expect(sentences[0]).toContain(imports.split(',')[0]);
    expect(stderr).not.toContain('sk-');
  });

  test('is accepted where it is what the settings say, or turns something off', async () => {
    const agreeing = program(
      'setDefaultOpenAIKey, setOpenAIAPI, setTraceProcessors, setTracingDisabled',
      "setDefaultOpenAIKey('sk-same'); setOpenAIAPI('chat_completions'); setTraceProcessors([]); setTracingDisabled(true);",
    );
    await using project = createProject({ 'main.js': agreeing });
    const env = { ...project.env, APP_ENV: 'test', OPENAI_API_KEY: 'sk-same', OPENAI_API: 'chat_completions' };
    await using start = startCommand(['start', 'main.js'], { cwd: project.folder, env });
    expect(await start.printed(/accepting requests/)).toHaveLength(1);
  });

  test('is accepted in onStart', async () => {
    const late = `
      import { Agent, setTraceProcessors, setTracingDisabled } from '@openai/agents';
      import { serve } from 'agent-service';
      const silent = async () => {};
      const processor = { onTraceStart: async () => console.log('TRACED'), onTraceEnd: silent, onSpanStart: silent,
        onSpanEnd: silent, shutdown: silent, forceFlush: silent };
      const onStart = () => { setTraceProcessors([processor]); setTracingDisabled(false); };
      await serve({ agents: { helper: new Agent({ name: 'helper' }) }, onStart });
    `;
    await using project = createProject({ 'main.js': late });
    await using start = startCommand(['start', 'main.js'], {
      cwd: project.folder,
      env: { ...project.env, APP_ENV: 'test' },
    });
    const [, url] = await start.printed(/"url":"([^"]+)".*accepting requests/);
    const headers = { 'content-type': 'application/json' };
    await fetch(`${url}/api/v1/run`, { method: 'POST', headers, body: JSON.stringify({ message: 'Hi' }) });
    expect(await start.printed(/TRACED/)).toHaveLength(1);
  });
});

describe('context', () => {
  const calls = { turns: [{ toolCalls: [{ name: 'show_context' }] }, 'Done.'] };

  async function contextOf(service: ServiceUnderTest, body: Record<string, unknown>) {
    const { body: run } = await service.post('/api/v1/run', { message: 'Show me', ...body });
    expect(run).toMatchObject({ status: 'completed' });
    return run.run_id as string;
  }

  test('is built from the facts of the run and reaches its tools', async () => {
    await using provider = await startFakeProvider();
    await using service = await startService({ provider, app: contextApp });
    await provider.script(calls);
    const runId = await contextOf(service, { session_id: 's-1', metadata: { channel: 'web' } });
    const [output = ''] = await toolOutputs(provider);
    expect(JSON.parse(JSON.parse(output))).toEqual({
      runId,
      tenant: 'default',
      sessionId: 's-1',
      channel: 'web',
      tries: [1],
    });
  });

  test('of a run without session and metadata has none of either', async () => {
    await using provider = await startFakeProvider();
    await using service = await startService({ provider, app: contextApp });
    await provider.script(calls);
    const runId = await contextOf(service, {});
    const [output = ''] = await toolOutputs(provider);
    expect(JSON.parse(JSON.parse(output))).toEqual({ runId, tenant: 'default', sessionId: null, tries: [1] });
  });

  test.each([
    { kind: 'an instance', why: 'context is an instance of Pool' },
    { kind: 'an instance inside', why: 'context.db.pool is an instance of Pool' },
    { kind: 'a function', why: 'context.log is a function' },
    { kind: 'a date', why: 'context.since is an instance of Date' },
    { kind: 'a list', why: 'context is an instance of Array' },
    { kind: 'a cycle', why: 'context.self.cycle refers back to itself' },
    { kind: 'not a number', why: 'context.items.1 is NaN' },
    { kind: 'nothing', why: 'context is undefined' },
    { kind: 'a late instance', why: 'context.pool is an instance of Pool' },
  ])('that holds $kind is refused at the start, with the reason', async ({ kind, why }) => {
    const { code, stdout, stderr } = await startAndFail(contextApp, { CONTEXT: kind });
    expect(code).toBe(1);
    expect(stderr).toContain('The context option must return a plain record of JSON values');
    expect(stderr).toContain(`: ${why}. `);
    expect(stderr.trim().split('\n')).toHaveLength(1);
    expect(stdout).not.toContain('accepting requests');
  });

  test('that cannot be built is shown with the place in the code where it failed', async () => {
    const { code, stderr } = await startAndFail(contextApp, { CONTEXT: 'an exception' });
    expect(code).toBe(1);
    expect(stderr).toContain('no context 4711');
    expect(stderr).toContain('apps/context.ts:');
  });
});

describe('onStart and onStop', () => {
  test('onStart has ended before requests are accepted', async () => {
    await using service = await startService({ app: hooksApp });
    const lines = service.logLines();
    expect(
      messages(lines)
        .filter((msg) => !ofEveryStart.includes(msg ?? ''))
        .slice(0, 3),
    ).toEqual(['onStart began', 'onStart ended', 'accepting requests']);
    expect(lines.find(({ msg }) => msg === 'onStart began')).toMatchObject({ listening: 1 }); // the probes alone
  });

  test('onStop comes after the last run has ended and been answered', async () => {
    await using provider = await startFakeProvider();
    await using service = await startService({ provider, app: hooksApp });
    await provider.script({ text: 'Finished.', hold: 'in flight' });
    const running = fetch(`${service.url}/api/v1/run`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ message: 'Hi' }),
    });
    await provider.held('in flight');
    service.kill('SIGTERM');
    await service.logged(({ msg }) => msg === 'stopping');
    await provider.release('in flight');
    expect((await running).status).toBe(200);
    expect(await service.exited).toBe(0);
    const order = ['stopping', 'run ended', 'onStop began', 'onStop ended', 'stopped'];
    expect(messages(service.logLines()).filter((msg) => order.includes(msg ?? ''))).toEqual(order);
    const atStop = service.logLines().find(({ msg }) => msg === 'onStop began');
    expect(atStop).toMatchObject({ listening: 1 }); // no request is accepted any more; liveness is still answered
  });

  test('onStop undoes onStart when a later part of the start fails', async () => {
    const server = createServer();
    const port = await listen(server);
    const { code, stdout, stderr } = await startAndFail(hooksApp, { PORT: `${port}` });
    server.close();
    expect(code).toBe(1);
    expect(stderr).toContain('the port is taken');
    expect(printedMessages(stdout)).toEqual(['onStart began', 'onStart ended', 'onStop began', 'onStop ended']);
  });

  test('onStop also undoes what onStart did before it failed, and its failure is shown', async () => {
    const { code, stdout, stderr } = await startAndFail(hooksApp, { FAIL: 'onStart' });
    expect(code).toBe(1);
    expect(stderr).toContain('The start failed: Error: onStart failed 4711 (');
    expect(stderr).toContain('apps/hooks.ts:');
    expect(printedMessages(stdout)).toEqual(['onStart began', 'onStop began', 'onStop ended']);
  });

  test('neither is called when the options are refused', async () => {
    const { code, stdout } = await startAndFail(hooksApp, { APP_ENV: 'nowhere' });
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
  });

  test('an onStop that fails is logged, ends the process with 1, and leaves the store closed', async () => {
    await using service = await startService({ app: hooksApp, env: { FAIL: 'onStop' } });
    service.kill('SIGTERM');
    expect(await service.exited).toBe(1);
    expect(JSON.stringify(service.logLines().at(-1))).toContain('onStop failed 4711');
    await using successor = await startService({ app: hooksApp, dataDir: service.dataDir });
    expect((await successor.post('/api/v1/run', { message: 'Hi' })).status).toBe(200);
  });

  test('a signal during the start waits for what has begun and undoes it', async () => {
    const asked = Promise.withResolvers<ServerResponse>();
    const gate = createServer((_request, response) => asked.resolve(response));
    const port = await listen(gate);
    await using project = createProject({});
    const env = { ...project.env, APP_ENV: 'test', GATE: `http://127.0.0.1:${port}` };
    await using start = startCommand(['start', hooksApp], { env });
    const waiting = await asked.promise;
    start.kill('SIGTERM');
    await start.printed(/"stopping"/);
    waiting.end();
    await start.printed(/"onStart ended".*"onStop began".*"onStop ended".*"stopped"/s);
    expect(await start.closed).toBe(0);
    gate.close();
  });
});

describe('MCP servers', () => {
  const mine = /^(onSt|accepting|(weather|stock|ledger|broken) )/;
  const ofInterest = (all: (string | undefined)[]) => all.filter((msg) => mine.test(msg ?? ''));

  test('those given and those that agents name are connected before requests are accepted, and closed at the end', async () => {
    await using service = await startService({ app: mcpApp });
    service.kill('SIGTERM');
    expect(await service.exited).toBe(0);
    const seen = ofInterest(messages(service.logLines()));
    const [byApplication, start, ...rest] = seen;
    expect([byApplication, start]).toEqual(['ledger connected', 'onStart']); // which is not connected again
    expect(rest.slice(0, 2).sort()).toEqual(['stock connected', 'weather connected']);
    expect(rest[2]).toBe('accepting requests');
    expect(rest.slice(3, 6).sort()).toEqual(['ledger closed', 'stock closed', 'weather closed']);
    expect(rest.slice(6)).toEqual(['onStop']);
  });

  test('agents use the tools of their own', async () => {
    await using provider = await startFakeProvider();
    await using service = await startService({ provider, app: mcpApp });
    const inner = [{ toolCalls: [{ name: 'ask_ledger', arguments: { question: 'paid?' } }] }, 'It is paid.'];
    await provider.script({ when: { lastUserContains: 'paid?' }, turns: inner });
    await provider.script({
      turns: [
        { toolCalls: [{ name: 'ask_weather', arguments: { question: 'rain?' } }] },
        { toolCalls: [{ name: 'ask_bookkeeper', arguments: { input: 'paid?' } }] },
        { handoffTo: 'clerk' },
        { toolCalls: [{ name: 'ask_stock', arguments: { question: 'lamps?' } }] },
        'Done.',
      ],
    });
    const { body } = await service.post('/api/v1/run', { message: 'Hi' });
    expect(body).toMatchObject({ status: 'completed', last_agent: 'clerk', response: 'Done.' });
    const outputs = (await toolOutputs(provider)).join(' ');
    expect(outputs).toContain('weather heard rain?');
    expect(outputs).toContain('stock heard lamps?');
    expect(outputs).toContain('It is paid.');
    expect(JSON.stringify(await provider.requests())).toContain('ledger heard paid?');
    const { body: listed } = await service.get('/api/v1/agents');
    const names = (listed.data as { name: string }[]).map(({ name }) => name);
    expect(names).toEqual(['triage', 'clerk', 'bookkeeper']);
  });

  test('one that cannot be connected stops the start by its name; the others are closed again', async () => {
    const { code, stdout, stderr } = await startAndFail(mcpApp, { BROKEN: '1' });
    expect(code).toBe(1);
    expect(stderr).toContain('These MCP servers cannot be connected:\n  broken: Connection closed\n');
    const seen = ofInterest(printedMessages(stdout));
    expect(seen).toEqual(expect.arrayContaining(['weather connected', 'weather closed', 'stock closed']));
    expect(seen.at(-1)).toBe('onStop');
    expect(stdout).not.toContain('accepting requests');
  });
});

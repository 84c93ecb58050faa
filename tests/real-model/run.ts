/**
 * Asks a real small language model through the service: `npm run test:real-model`. Ends with 0 when all is well and when
 * no model is installed, which it says. Prints what was asked and answered, and how long it took.
 */
import assert from 'node:assert/strict';
import OpenAI from 'openai';
import type { RunningServer } from '../servers/definition.ts';
import { type ServiceUnderTest, startService } from '../support/service.ts';
import { readEvents, type ServerSentEvent, textOf } from '../support/sse.ts';
import { findModel, startModelServer } from './model-server.ts';

/** Longer than any answer takes on a slow machine, in seconds. */
const timeoutSeconds = 300;

const adminApiKey = 'key_real-model-0123456789abcdef0123456789abcdef';
const model = 'local';
const question = 'How can I return an item?';

const say = (line: string) => void process.stdout.write(`${line}\n`);

// tidy: timed because the transcript tells how long a real model takes; nothing is asserted about it
const nowMs = () => performance.now();

/** Runs a step and says how long it took. */
async function timed<T>(step: string, action: () => Promise<T>): Promise<T> {
  const startMs = nowMs();
  const result = await action();
  say(`[${((nowMs() - startMs) / 1000).toFixed(1)} s] ${step}`);
  return result;
}

/** What the transcript shows of a finished run. */
type Run = {
  status: string;
  response: string | null;
  tokens_used: number;
  simulated: boolean;
  timings: { first_token_ms: number | null };
};

function checkRun(run: Run): void {
  assert.equal(run.status, 'completed');
  assert.equal(run.simulated, false);
  const answer = run.response?.trim();
  assert.ok(answer, 'the answer is empty');
  assert.ok(run.tokens_used > 0, 'no tokens were counted');
  say(`  desk: ${answer}`);
  say(`  ${run.tokens_used} tokens, the first after ${run.timings.first_token_ms} ms`);
}

/** The model's server alone, by the openai client: what fails here is no fault of the service. */
async function askServer(server: RunningServer): Promise<void> {
  const client = new OpenAI({
    baseURL: server.baseUrl,
    apiKey: 'none',
    maxRetries: 0,
    timeout: timeoutSeconds * 1_000,
  });
  const messages = [{ role: 'user' as const, content: 'Do you sell gift vouchers?' }];
  const { choices, usage } = await client.chat.completions.create({ model, messages });
  const answer = choices[0]?.message.content?.trim();
  assert.ok(answer, 'the answer is empty');
  assert.ok((usage?.total_tokens ?? 0) > 0, 'no tokens were counted');
  say(`  model: ${answer}`);
}

const headers = { 'content-type': 'application/json', authorization: `Bearer ${adminApiKey}` };

async function askBlocking(service: ServiceUnderTest, agent: string, message: string): Promise<void> {
  say(`  customer: ${message}`);
  const { status, body } = await service.post('/api/v1/run', { agent, message }, headers);
  assert.equal(status, 200, JSON.stringify(body));
  checkRun(body as Run);
}

async function stream(service: ServiceUnderTest, agent: string, message: string): Promise<ServerSentEvent[]> {
  say(`  customer: ${message}`);
  const body = JSON.stringify({ agent, message });
  const response = await fetch(`${service.url}/api/v1/run/stream`, { method: 'POST', headers, body });
  assert.equal(response.status, 200);
  return readEvents(response).all();
}

async function askStreamed(service: ServiceUnderTest, agent: string, message: string): Promise<void> {
  const events = await stream(service, agent, message);
  const run = events.at(-1)?.data.run as Run;
  checkRun(run);
  assert.equal(textOf(events), run.response, 'the deltas are not the answer');
  say(`  ${events.filter(({ event }) => event === 'text.delta').length} pieces of text`);
}

async function askWithTool(service: ServiceUnderTest): Promise<void> {
  const events = await stream(service, 'orders', 'Where is my order 1001?');
  const dataOf = (type: string) => events.find(({ event }) => event === type)?.data;
  const started = dataOf('tool.started');
  assert.equal(started?.tool, 'lookup_order', `no tool was called: ${JSON.stringify(events.at(-1)?.data)}`);
  say(`  tool: lookup_order ${JSON.stringify(started.arguments)} → ${dataOf('tool.completed')?.output}`);
  checkRun(events.at(-1)?.data.run as Run);
}

async function main(): Promise<void> {
  const installed = findModel(process.env);
  if (installed === undefined) {
    say('skipped: no model is installed. To install one (270 MB, some minutes of compiling):');
    say('  npm run test:servers -- --install llama-server');
    say('or name a llama-server of llama.cpp and a model file in LLAMA_SERVER and LLAMA_MODEL.');
    return;
  }
  await using server = await timed('the model is loaded', () => startModelServer(installed));
  await timed('the model answers the openai client', () => askServer(server));
  for (const api of ['chat_completions', 'responses']) await askService(server, api);
}

/** The service over one of the two APIs: a blocking run, a streamed one, and one that calls a tool. */
async function askService(server: RunningServer, api: string): Promise<void> {
  const env = {
    APP_ENV: 'production',
    OPENAI_BASE_URL: server.baseUrl,
    OPENAI_API: api,
    OPENAI_MODEL: model,
    OPENAI_API_KEY: 'sk-local-model-0000',
    OPENAI_TIMEOUT: String(timeoutSeconds),
    ADMIN_API_KEY: adminApiKey,
  };
  const start = () => startService({ app: 'tests/real-model/desk.ts', env });
  await using service = await timed(`the service is up, over ${api}`, start);
  await timed('a blocking run', () => askBlocking(service, 'front', question));
  await timed('a streamed run', () => askStreamed(service, 'front', question));
  await timed('a run with a tool', () => askWithTool(service));
}

await main();

import { expect, test } from 'vitest';
import { startFakeProvider } from '../support/fake-provider.ts';
import { bearer, holderOf, keyedEnv, makeKey } from '../support/keys.ts';
import { type ServiceUnderTest, startService } from '../support/service.ts';
import { signingSecret } from '../support/webhook-receiver.ts';

const providerKey = 'provider-key-of-the-test-4711';
const env = { ...keyedEnv, OPENAI_API_KEY: providerKey, WEBHOOK_SIGNING_SECRET: signingSecret, LOG_LEVEL: 'DEBUG' };
const said = { message: 'canary-of-the-user', answer: 'canary-of-the-model', argument: 'canary-of-the-tool' };

/** Has a service go through runs that end well and badly, with keys and words that are to be found nowhere. */
async function exercise(service: ServiceUnderTest): Promise<string[]> {
  const { text, holder } = await makeKey(service, { tenant: 'acme' });
  const ask = (agent: string) => holder.post('/api/v1/run', { message: said.message, agent, session_id: `s-${agent}` });
  for (const agent of ['guarded', 'orders', 'triage', 'typed']) await ask(agent);
  await service.get('/api/v1/runs', bearer(`${text}x`));
  await service.get('/api/v1/runs', { ...bearer('sk-someone-elses-key-123'), cookie: text });
  await holderOf(service).post('/api/v1/runs', { message: said.message, webhook: { url: 'http://localhost/hook' } });
  return [text, providerKey, keyedEnv.ADMIN_API_KEY, signingSecret, 'sk-someone-elses-key-123'];
}

/** The provider answers one agent well, has another fail in a tool, one loop for ever, and one answer no JSON. */
async function scripted() {
  const provider = await startFakeProvider();
  const lookUp = { name: 'lookup_order', arguments: { order_id: said.argument } };
  await provider.script(
    { when: { agentInstructionsContain: 'orders' }, reply: { toolCalls: [lookUp] } },
    { when: { agentInstructionsContain: 'triage' }, reply: { toolCalls: [{ name: 'break_down', arguments: {} }] } },
    { when: { agentInstructionsContain: 'JSON' }, reply: { text: `no JSON, ${said.answer}` } },
    { reply: { text: said.answer } },
  );
  return provider;
}

test('the log has nothing of what is said, and no key, whatever goes wrong', async () => {
  await using provider = await scripted();
  await using service = await startService({ provider, env });
  const secrets = await exercise(service);
  const log = JSON.stringify(service.logLines());
  expect(log).toContain('max_turns_exceeded'); // there is something to look at
  for (const word of [...Object.values(said), ...secrets]) expect(log, word).not.toContain(word);
  const figures = await (await fetch(`${service.probeUrl}/metrics`)).text();
  for (const word of [...Object.values(said), ...secrets]) expect(figures, word).not.toContain(word);
});

test('with LOG_CONTENT the end of a run says what was said, shortened, and still no key', async () => {
  await using provider = await scripted();
  await using service = await startService({ provider, env: { ...env, LOG_CONTENT: 'true' } });
  const secrets = await exercise(service);
  const line = await service.logged(({ msg, agent }) => msg === 'run ended' && agent === 'guarded');
  expect(line).toMatchObject({ message: said.message, response: said.answer });
  const long = { message: `${providerKey} ${'x'.repeat(5_000)}`, agent: 'guarded', metadata: { long: true } };
  const { body } = await holderOf(service).post('/api/v1/run', long);
  const shortened = await service.logged(({ runId }) => runId === body.run_id);
  expect(String(shortened.message).length).toBeLessThan(2_100);
  const log = JSON.stringify(service.logLines());
  for (const word of secrets) expect(log, word).not.toContain(word);
});

import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { type EngineUnderTest, engines } from '../support/engines.ts';
import { type FakeProvider, startFakeProvider } from '../support/fake-provider.ts';
import { type ServiceUnderTest, startService } from '../support/service.ts';
import { readEvents, type ServerSentEvent } from '../support/sse.ts';

const app = 'tests/support/apps/hosted-tools.ts';
const answer = 'Both are done.';

describe.each(engines)('the text of agents used as tools on $name', ({ open }) => {
  let engine: EngineUnderTest;
  let provider: FakeProvider;
  let service: ServiceUnderTest;

  beforeAll(async () => {
    [engine, provider] = await Promise.all([open(), startFakeProvider()]);
    service = await startService({ app, provider, env: engine.env });
  });
  beforeEach(() => provider.reset());
  afterAll(async () => {
    await service?.[Symbol.asyncDispose]();
    await provider?.[Symbol.asyncDispose]();
    await engine?.[Symbol.asyncDispose]();
  });

  const streamed = async (query = '') =>
    readEvents(
      await fetch(`${service.url}/api/v1/run/stream${query}`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ message: 'Hi' }),
      }),
    );
  const followed = async (runId: unknown, query = '') =>
    readEvents(await fetch(`${service.url}/api/v1/runs/${runId}/events${query}`)).all();
  const endedRun = (events: readonly ServerSentEvent[]) => events.at(-1)?.data.run as Record<string, unknown>;

  test('is told to those who ask for it, and is no part of the text', async () => {
    const calls = [
      { name: 'write', arguments: { input: 'a line' } },
      { name: 'paint', arguments: { input: 'a cat' } },
    ];
    await provider.script({ when: { agentInstructionsContain: 'main agent' }, turns: [{ toolCalls: calls }, answer] });
    await provider.script({ when: { agentInstructionsContain: 'writer' }, reply: 'one two three' });
    await provider.script({ when: { agentInstructionsContain: 'painter' }, reply: { text: 'A cat.' } });
    const events = await (await streamed('?include=agent_text')).all();
    const text = events.flatMap(({ data }) => (data.type === 'text.delta' ? [data.delta] : [])).join('');
    expect([text, endedRun(events).response]).toEqual([answer, answer]);
    const said = (agent: string) =>
      events
        .flatMap(({ data }) => (data.type === 'agent.text.delta' && data.agent === agent ? [data.delta] : []))
        .join('');
    expect([said('writer'), said('painter')]).toEqual(['one two three', 'A cat.']);
    expect(events.map(({ data }) => data.seq)).toEqual(events.map((_, index) => index + 1));
    const { run_id } = endedRun(events);
    const without = await followed(run_id);
    expect(without).toEqual(events.filter(({ event }) => event !== 'agent.text.delta'));
    expect(await followed(run_id, '?include=agent_text')).toEqual(events);
    const list = async (query: string) =>
      (await service.get(`/api/v1/runs/${run_id}/events${query}`, { accept: 'application/json' })).body
        .data as object[];
    expect([(await list('')).length, (await list('?include=agent_text')).length]).toEqual([
      without.length,
      events.length,
    ]);
  });

  test('is not recorded for a run that did not ask for it', async () => {
    await provider.script({
      when: { agentInstructionsContain: 'main agent' },
      turns: [{ toolCalls: [{ name: 'write', arguments: { input: 'x' } }] }, answer],
    });
    await provider.script({ when: { agentInstructionsContain: 'writer' }, reply: 'one two' });
    const events = await (await streamed()).all();
    expect(await followed(endedRun(events).run_id, '?include=agent_text')).toEqual(events);
  });

  test('of an answer that breaks off is withdrawn, and told anew', async () => {
    const turns = [{ toolCalls: [{ name: 'write', arguments: { input: 'x' } }] }, answer];
    await provider.script({ when: { agentInstructionsContain: 'main agent' }, turns });
    const writer = { agentInstructionsContain: 'writer' };
    // The client has read two tokens when the connection breaks.
    const [hold, fault] = [
      { name: 'read', afterTokens: 2 },
      { kind: 'reset' as const, afterTokens: 2 },
    ];
    await provider.script({ when: { ...writer, nth: 1 }, reply: { text: 'one two three', hold, fault } });
    await provider.script({ when: writer, reply: 'one two three' });
    const events = await streamed('?include=agent_text');
    await events.until('agent.text.delta');
    await provider.release('read');
    const all = await events.all();
    const reset = all.findIndex(({ event }) => event === 'agent.text.reset');
    expect(all[reset]?.data).toMatchObject({ agent: 'writer', reason: 'provider' });
    const after = all.slice(reset).flatMap(({ data }) => (data.type === 'agent.text.delta' ? [data.delta] : []));
    expect(after.join('')).toBe('one two three');
    expect(all.filter(({ event }) => event === 'text.reset')).toEqual([]);
  });
});

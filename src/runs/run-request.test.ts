import { Agent } from '@openai/agents';
import { describe, expect, test } from 'vitest';
import { createAgentRegistry, createModelChoices } from '../agents/index.ts';
import { toRunOptions } from './run-options.ts';
import { agentOf, type CreateRun, checkModel, continuesSession } from './run-request.ts';

const request = (more: Partial<CreateRun> = {}): CreateRun => ({ message: 'Hi', if_busy: 'wait', ...more });

const reached = ['Seat', 'Desk', 'Desk'].map((name) => new Agent({ name }));
const agents = createAgentRegistry({
  triage: new Agent({ name: 'triage', handoffs: reached }),
  orders: new Agent({ name: 'orders' }),
});
const models = createModelChoices(agents, { orders: ['gpt-large', 'gpt-small'], Seat: ['gpt-small'] });

describe('the agent of a request', () => {
  test('is the one that it names, also one that only a handoff reaches, or else the entry agent', () => {
    expect(agentOf(request({ agent: 'orders' }), agents)).toBe('orders');
    expect(agentOf(request({ agent: 'Seat' }), agents)).toBe('Seat');
    expect(agentOf(request(), agents)).toBe('triage');
  });

  test('is refused with the names of all agents if there is none of its name, or several', () => {
    const names = 'triage, orders, Seat';
    expect(() => agentOf(request({ agent: 'nobody' }), agents)).toThrow(`agent must be one of ${names}.`);
    expect(() => agentOf(request({ agent: 'Desk' }), agents)).toThrow(
      `agent is the name of several agents; it must be one of ${names}.`,
    );
  });

  test.each([
    { case: 'that names a session and no agent', asked: { session_id: 's-1' }, continues: true },
    { case: 'that names its agent', asked: { session_id: 's-1', agent: 'triage' }, continues: false },
    { case: 'without a session', asked: {}, continues: false },
  ])('is that of the session for a request $case: $continues', ({ asked, continues }) => {
    expect(continuesSession(request(asked), 'last_agent')).toBe(continues);
    expect(continuesSession(request(asked), 'entry')).toBe(false);
  });
});

describe('the model of a request', () => {
  const check = (more: Partial<CreateRun>, continueWith: 'entry' | 'last_agent' = 'entry') => {
    checkModel(request(more), { agents, models, continueWith });
  };

  test('is one that its agent allows', () => {
    expect(() => check({})).not.toThrow();
    expect(() => check({ agent: 'orders', model: 'gpt-large' })).not.toThrow();
    expect(() => check({ agent: 'Seat', model: 'gpt-small' })).not.toThrow();
  });

  test.each([
    { agent: 'orders', message: 'must be one of gpt-large, gpt-small for the agent "orders"' },
    { agent: 'Seat', message: 'must be one of gpt-small for the agent "Seat"' },
    { agent: 'triage', message: 'cannot be chosen for the agent "triage"' },
  ])('is refused if $agent does not allow it, with those that it does', ({ agent, message }) => {
    const refused = { code: 'validation_failed', extras: { errors: [{ path: 'model', message }] } };
    expect(() => check({ agent, model: 'gpt-other' })).toThrow(expect.objectContaining(refused));
  });

  test('is one that any agent allows, where the session decides which agent begins', () => {
    expect(() => check({ session_id: 's-1', model: 'gpt-large' }, 'last_agent')).not.toThrow();
    expect(() => check({ session_id: 's-1', model: 'gpt-other' }, 'last_agent')).toThrow(
      'model must be one of gpt-large, gpt-small for this service.',
    );
    expect(() => check({ session_id: 's-1', agent: 'triage', model: 'gpt-large' }, 'last_agent')).toThrow(
      'model cannot be chosen for the agent "triage".',
    );
  });
});

test('only what a request has chosen is stored as its options', () => {
  expect(toRunOptions(request())).toBeNull();
  expect(toRunOptions(request({ max_turns: 3 }))).toEqual({ max_turns: 3 });
  expect(toRunOptions(request({ model: 'gpt-small', max_turns: 1 }))).toEqual({ max_turns: 1, model: 'gpt-small' });
  expect(toRunOptions(request({ max_turns: 1 }), 'agent_text')).toEqual({ max_turns: 1, include: ['agent_text'] });
});

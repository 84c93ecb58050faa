import { Agent, handoff, type Model } from '@openai/agents';
import { expect, test } from 'vitest';
import { createModelChoices, type ModelsOption } from './model-choices.ts';
import { RegistrationError } from './registration-error.ts';
import { createAgentRegistry } from './registry.ts';

const seat = new Agent({ name: 'Seat' });
const triage = new Agent({ name: 'Triage', handoffs: [handoff(seat)] });
const own = new Agent({ name: 'Own', model: { getResponse: async () => {} } as unknown as Model });
const agents = createAgentRegistry({ triage, front: triage, own });

test('requests may choose the models that are listed for an agent, also for one that only a handoff reaches', () => {
  const choices = createModelChoices(agents, { triage: ['small'], Seat: ['small', 'large'] });
  expect(choices.modelsOf(triage)).toEqual(['small']);
  expect(choices.modelsOf(seat)).toEqual(['small', 'large']);
  expect(choices.modelsOf(own)).toEqual([]);
  expect(choices.modelsOf(undefined)).toEqual([]);
  expect(choices.agents()).toEqual([triage, seat]);
});

test('an agent with two names allows the models of both', () => {
  const choices = createModelChoices(agents, { triage: ['small'], front: ['large', 'small'] });
  expect(choices.modelsOf(triage)).toEqual(['small', 'large']);
});

test('without the option, requests may choose none', () => {
  expect(createModelChoices(agents).agents()).toEqual([]);
});

test.each([
  {
    mistake: 'an agent that there is not',
    models: { tirage: ['small'] },
    why: 'models["tirage"]: there is no such agent; the agents are triage, front, own, Seat.',
  },
  { mistake: 'a name in place of a list', models: { triage: 'small' }, why: "such as ['gpt-4.1', 'gpt-4.1-mini']" },
  { mistake: 'an empty list', models: { triage: [] }, why: 'must be a list of names of models' },
  { mistake: 'an empty name', models: { triage: [''] }, why: 'must be a list of names of models' },
  {
    mistake: 'an agent that brings a model along',
    models: { own: ['small'] },
    why: 'models["own"]: this agent brings a model along (Object)',
  },
])('$mistake is refused at the start', ({ models, why }) => {
  const create = () => createModelChoices(agents, models as unknown as ModelsOption);
  expect(create).toThrow(RegistrationError);
  expect(create).toThrow(why);
});

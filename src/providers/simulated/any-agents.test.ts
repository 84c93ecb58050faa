/** Agents other than those of the example, on the SDK's own Runner. */
import { Agent, handoff, type RunItem, Runner, tool } from '@openai/agents';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { z } from 'zod';
import { createSimulatedModelProvider } from './index.ts';

const runner = new Runner({ modelProvider: createSimulatedModelProvider({ wordDelayMs: 0 }), tracingDisabled: true });

const callsIn = (items: RunItem[]) =>
  items.flatMap(({ rawItem }) => (rawItem?.type === 'function_call' ? [`${rawItem.name} ${rawItem.arguments}`] : []));

const getWeather = tool({
  name: 'get_weather',
  description: 'Gets the weather in a city.',
  parameters: z.object({ city: z.enum(['Oslo', 'Rome']), unit: z.enum(['celsius', 'fahrenheit']) }),
  execute: ({ city, unit }) => `In ${city} it is ${city === 'Rome' ? 24 : 3} degrees ${unit}.`,
});

describe('a weather agent', () => {
  const agent = new Agent({ name: 'Weather', tools: [getWeather] });

  test('finds the city among the options and takes the first unit', async () => {
    const result = await runner.run(agent, 'How is the weather in Rome?');
    expect(result.finalOutput).toBe('[simulated] In Rome it is 24 degrees celsius.');
  });

  test('asks for the city, with the options, and takes the reply', async () => {
    const first = await runner.run(agent, 'How is the weather?');
    expect(first.finalOutput).toContain('the city (one of Oslo, Rome)');
    const second = await runner.run(agent, [...first.history, { role: 'user', content: 'Oslo' }]);
    expect(second.finalOutput).toBe('[simulated] In Oslo it is 3 degrees celsius.');
    const third = await runner.run(agent, [...second.history, { role: 'user', content: 'and in Rome?' }]);
    expect(third.finalOutput).toBe('[simulated] In Rome it is 24 degrees celsius.');
  });
});

test('an agent without tools says that it has none and repeats the message', async () => {
  const result = await runner.run(new Agent({ name: 'Plain' }), 'Tell me about whales');
  expect(result.finalOutput).toMatch(/^\[simulated\] .*“Tell me about whales”$/);
});

describe('an agent with an output type', () => {
  const report = z.object({
    summary: z.string(),
    city: z.enum(['Oslo', 'Rome']),
    degrees: z.number().min(-50).max(50),
    sources: z.array(z.object({ url: z.url(), title: z.string().max(20) })).min(2),
    remark: z.string().nullable(),
  });

  test('gets a value of that type', async () => {
    const agent = new Agent({ name: 'Reporter', outputType: report });
    const result = await runner.run(agent, 'Report from Rome at 24 degrees');
    expect(report.parse(result.finalOutput)).toMatchObject({ city: 'Rome', degrees: 24, sources: [{}, {}] });
  });

  test('gets a value with the results of its tools, also if streamed', async () => {
    const measure = tool({
      name: 'measure',
      description: 'Measures the degrees in a city.',
      parameters: z.object({ city: z.enum(['Oslo', 'Rome']) }),
      execute: ({ city }) => ({ city, degrees: 21.5 }),
    });
    const agent = new Agent({ name: 'Reporter', tools: [measure], outputType: report });
    const streamed = await runner.run(agent, 'Measure the degrees in Rome', { stream: true });
    await streamed.completed;
    expect(callsIn(streamed.newItems)).toEqual(['measure {"city":"Rome"}']);
    expect(report.parse(streamed.finalOutput)).toMatchObject({ city: 'Rome', degrees: 21.5 });
  });
});

describe('a tool that fails', () => {
  const brew = (errorFunction?: null) =>
    new Agent({
      name: 'Kitchen',
      tools: [
        tool({
          name: 'brew_tea',
          description: 'Brews tea.',
          parameters: z.object({}),
          execute: () => {
            throw new Error('The kettle is empty.');
          },
          ...(errorFunction === null && { errorFunction }),
        }),
      ],
    });

  test('is called once and the answer says that it failed', async () => {
    const result = await runner.run(brew(), 'Brew some tea');
    expect(callsIn(result.newItems)).toEqual(['brew_tea {}']);
    expect(result.finalOutput).toMatch(/^\[simulated\] “brew tea” failed: /);
  });

  test('without an error function fails the run, as with any model', async () => {
    await expect(runner.run(brew(null), 'Brew some tea')).rejects.toThrow('The kettle is empty.');
  });
});

describe('handoffs', () => {
  test('lead through several levels to a tool', async () => {
    const repairs = new Agent({
      name: 'Boiler repairs',
      handoffDescription: 'Repairs boilers.',
      tools: [
        tool({
          name: 'book_repair',
          description: 'Books a boiler repair.',
          parameters: z.object({ day: z.iso.date() }),
          execute: ({ day }) => `Booked for ${day}.`,
        }),
      ],
    });
    const heating = new Agent({ name: 'Heating', handoffDescription: 'Boilers, radiators.', handoffs: [repairs] });
    const garden = new Agent({ name: 'Garden', handoffDescription: 'Lawns and trees.' });
    const house = new Agent({ name: 'House', handoffs: [garden, heating] });
    const result = await runner.run(house, 'Book a repair of my boiler for 2026-05-01');
    expect(result.finalOutput).toBe('[simulated] Booked for 2026-05-01.');
    expect(result.lastAgent?.name).toBe('Boiler repairs');
  });

  test('between two specialists do not alternate', async () => {
    const mix = tool({ name: 'mix', description: 'Mixes.', parameters: z.object({}), execute: () => 'Mixed.' });
    const left = new Agent({ name: 'Left', handoffDescription: 'Paint and brushes.', tools: [mix] });
    const right = new Agent({ name: 'Right', handoffDescription: 'Paint and rollers.', tools: [mix] });
    left.handoffs = [right];
    right.handoffs = [left];
    const result = await runner.run(left, 'I need paint');
    expect(callsIn(result.newItems)).toEqual(['transfer_to_Right {}']);
    expect(result.lastAgent?.name).toBe('Right');
  });

  test('in a cycle of agents without tools end', async () => {
    const circle = ['First', 'Second', 'Third'].map((name) => new Agent({ name, handoffDescription: 'Paint.' }));
    for (const agent of circle) agent.handoffs = circle.filter((other) => other !== agent);
    const result = await runner.run(circle[0] as Agent, 'I need paint', { maxTurns: 5 });
    expect(result.finalOutput).toMatch(/^\[simulated\] /);
  });

  test('with an input schema get an input that satisfies it', async () => {
    const notes: unknown[] = [];
    const inputType = z.object({ reason: z.string(), urgency: z.int().min(1).max(5) });
    const desk = new Agent({ name: 'Complaints', handoffDescription: 'Complaints.' });
    const first = new Agent({
      name: 'First',
      handoffs: [handoff(desk, { inputType, onHandoff: (_run, note) => void notes.push(note) })],
    });
    await runner.run(first, 'I have a complaint, the soup is cold');
    expect(notes).toEqual([{ reason: 'the soup is cold', urgency: 1 }]);
  });
});

test('an agent used as a tool gets the message and its answer is passed on with one mark', async () => {
  const weather = new Agent({ name: 'Weather', tools: [getWeather] });
  const ask = weather.asTool({ toolName: 'ask_weather', toolDescription: 'Answers questions about the weather.' });
  const result = await runner.run(new Agent({ name: 'Guide', tools: [ask] }), 'Is the weather good in Oslo?');
  expect(result.finalOutput).toBe('[simulated] In Oslo it is 3 degrees celsius.');
});

test('an agent with tool choice required on every turn still answers', async () => {
  const agent = new Agent({
    name: 'Eager',
    tools: [getWeather],
    modelSettings: { toolChoice: 'required' },
    resetToolChoice: false,
  });
  const result = await runner.run(agent, 'Hello');
  expect(callsIn(result.newItems)).toEqual(['get_weather {"city":"Oslo","unit":"celsius"}']);
  expect(result.finalOutput).toBe('[simulated] In Oslo it is 3 degrees celsius.');
});

test('tools with many kinds of arguments get arguments that they accept', async () => {
  const received: unknown[] = [];
  const parameters = z.object({
    to: z.email(),
    subject: z.string(),
    copies: z.int().min(1).default(1),
    due: z.iso.date().nullable(),
    labels: z.array(z.enum(['urgent', 'private'])),
    signed: z.boolean(),
  });
  const send = tool({
    name: 'send_letter',
    description: 'Sends a letter to somebody.',
    parameters,
    execute: (letter) => {
      received.push(letter);
      return 'Sent.';
    },
  });
  const message = 'Send a private letter to someone@example.com about "The garden", 3 copies';
  const result = await runner.run(new Agent({ name: 'Post', tools: [send] }), message);
  expect(result.finalOutput).toBe('[simulated] Sent.');
  expect(received).toEqual([
    { to: 'someone@example.com', subject: 'The garden', copies: 3, due: null, labels: ['private'], signed: false },
  ]);
});

describe('for any message', () => {
  const pieces = ['send', 'letter', 'to', 'at', '"', ',', '42', '-1.5e9', 'because', 'NO', '\n', 'x'.repeat(50)];
  const words = fc.array(fc.constantFrom(...pieces), { maxLength: 30 }).map((all) => all.join(' '));
  const anything = fc.oneof(
    fc.string({ unit: 'grapheme', maxLength: 200 }),
    words,
    words.map((text) => `Send a letter to someone@example.com for 7 ${text}`),
  );

  test('the run ends, and tools are called with arguments that they accept', async () => {
    const parameters = z.object({
      to: z.email(),
      amount: z.number().min(0),
      address: z.string().min(5).nullable(),
      reason: z.string().max(80),
      tags: z.array(z.string().regex(/^\d+$/)),
    });
    let sent = 0;
    const send = tool({
      name: 'send_letter',
      description: 'Sends a letter.',
      parameters,
      errorFunction: null,
      execute: () => {
        sent++;
        return 'Sent.';
      },
    });
    const agent = new Agent({ name: 'Post', tools: [send] });
    await fc.assert(
      fc.asyncProperty(fc.array(anything, { minLength: 1, maxLength: 3 }), async (messages) => {
        const input = messages.map((content) => ({ role: 'user' as const, content }));
        const result = await runner.run(agent, input);
        expect(result.finalOutput).toMatch(/^\[simulated\] (?!.*failed)/);
      }),
      { numRuns: 200 },
    );
    expect(sent).toBeGreaterThan(0);
  });
});

import { Agent, applyPatchTool, computerTool, handoff, shellTool, tool } from '@openai/agents';
import { describe, expect, test } from 'vitest';
import { z } from 'zod';
import { describeDurabilityGaps, findDurabilityGaps } from './durability.ts';
import { effect } from './effect.ts';
import { RegistrationError } from './registration-error.ts';
import { createAgentRegistry } from './registry.ts';

const named = (name: string) =>
  tool({ name, description: name, parameters: z.object({}), execute: async () => 'done' });
const shell = () => shellTool({ shell: { run: async () => ({ output: [] }) } });
const localTools = [
  { kind: 'shell', make: shell },
  { kind: 'apply_patch', make: () => applyPatchTool({ editor: {} as never }) },
  { kind: 'computer', make: () => computerTool({ computer: {} as never }) },
];

describe('a tool that acts outside of the journal', () => {
  test.each(localTools)('is refused at registration, with the remedy: $kind', ({ make }) => {
    const target = new Agent({ name: 'hand', tools: [make()] });
    const register = () => createAgentRegistry({ main: new Agent({ name: 'Main', handoffs: [target] }) });
    expect(register).toThrow(RegistrationError);
    expect(register).toThrow(/The agent "hand": The calls of the .+ cannot be recorded.+effect\(tool, 'idempotent'\)/);
  });

  test.each(localTools)('is refused in an agent used as a tool, as in any other: $kind', ({ make }) => {
    const ops = new Agent({ name: 'ops', tools: [make()] });
    const register = () => createAgentRegistry({ main: new Agent({ name: 'Main', tools: [ops.asTool({})] }) });
    expect(register).toThrow(/The agent "ops": The calls of the .+ cannot be recorded.+effect\(tool, 'idempotent'\)/);
  });

  test.each(localTools)('cannot be declared to happen once: $kind', ({ make }) => {
    const main = new Agent({ name: 'Main', tools: [effect(make(), 'once')] });
    expect(() => createAgentRegistry({ main })).toThrow(RegistrationError);
  });

  test.each(localTools)('is accepted, and listed, if it is declared idempotent: $kind', ({ make }) => {
    const tools = [effect(make(), 'idempotent')];
    const gaps = findDurabilityGaps(createAgentRegistry({ main: new Agent({ name: 'Main', tools }) }));
    expect(gaps.repeated).toEqual([`main.${tools[0]?.name}`]);
  });

  test('is accepted if the provider executes it', () => {
    const main = new Agent({ name: 'Main', tools: [shellTool({ environment: { type: 'container_auto' } })] });
    expect(findDurabilityGaps(createAgentRegistry({ main })).repeated).toEqual([]);
  });
});

test('tools without a declared effect are listed with their agent and the default effect', () => {
  const target = new Agent({ name: 'Target', tools: [named('two'), effect(named('three'), 'read')] });
  const inner = new Agent({ name: 'Helper', tools: [named('four')] });
  const helper = inner.asTool({ toolName: 'ask', toolDescription: 'Asks.' });
  const main = new Agent({ name: 'Main', tools: [named('one'), helper], handoffs: [target] });
  const gaps = findDurabilityGaps(createAgentRegistry({ main }));
  const undeclared = ['main.one', 'Target.two', 'Helper.four'];
  expect(gaps).toEqual({ undeclared, handoffs: [], repeated: [], uninspected: [] });
  expect(describeDurabilityGaps(gaps, 'once')).toEqual([
    'No effect() is declared for main.one, Target.two, Helper.four: should a run be recovered, they count as once.',
  ]);
});

test('agents used as tools that cannot be inspected are listed, with what to do', () => {
  const copy = { ...new Agent({ name: 'Helper' }).asTool({ toolName: 'ask' }) };
  const gaps = findDurabilityGaps(createAgentRegistry({ main: new Agent({ name: 'Main', tools: [copy] }) }));
  expect(gaps.uninspected).toEqual(['main.ask']);
  expect(describeDurabilityGaps(gaps, 'once')).toEqual([
    expect.stringMatching(/^The agents behind main.ask cannot be inspected.+Use what agent.asTool\(\) returns/),
  ]);
});

test('handoffs that may have an onHandoff are listed, unless their effect is declared', () => {
  const [one, two] = [new Agent({ name: 'One' }), new Agent({ name: 'Two' })];
  const handoffs = [handoff(one, { onHandoff: () => {} }), effect(handoff(two), 'read')];
  const gaps = findDurabilityGaps(createAgentRegistry({ main: new Agent({ name: 'Main', handoffs }) }));
  expect(gaps.handoffs).toEqual(['main.transfer_to_One']);
  expect(describeDurabilityGaps(gaps, 'idempotent')).toEqual([expect.stringContaining('has an onHandoff')]);
});

test('an agent whose effects are all declared has no gaps', () => {
  const main = new Agent({ name: 'Main', tools: [effect(named('one'), 'read')] });
  expect(describeDurabilityGaps(findDurabilityGaps(createAgentRegistry({ main })), 'idempotent')).toEqual([]);
});

test('effect() refuses an unknown effect', () => {
  expect(() => effect(named('one'), 'twice' as never)).toThrow('effect() takes read, idempotent, once, not twice.');
});

test('an agent of another copy of the SDK is refused, with the command that finds the copy', () => {
  const foreign = Object.assign(Object.create({ getAllTools() {} }), { name: 'Stranger', handoffs: [], tools: [] });
  const main = new Agent({ name: 'Main', handoffs: [foreign] });
  expect(() => createAgentRegistry({ stranger: foreign })).toThrow(
    /agents.stranger is an Agent of another copy of @openai/,
  );
  expect(() => createAgentRegistry({ main })).toThrow(/The agent "Stranger" is an Agent of another copy/);
  expect(() => createAgentRegistry({ main: {} as never })).toThrow('agents.main is not an Agent of @openai/agents.');
});

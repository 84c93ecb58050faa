import { Agent, applyPatchTool, computerTool, handoff, shellTool, tool } from '@openai/agents';
import { describe, expect, test } from 'vitest';
import { z } from 'zod';
import { describeDurabilityGaps, findDurabilityGaps } from './durability.ts';
import { effect } from './effect.ts';
import { createAgentRegistry } from './registry.ts';

const named = (name: string) =>
  tool({ name, description: name, parameters: z.object({}), execute: async () => 'done' });
const shell = () => shellTool({ shell: { run: async () => ({ output: [] }) } });
const localTools = [
  { kind: 'shell', make: shell },
  { kind: 'apply_patch', make: () => applyPatchTool({ editor: {} as never }) },
  { kind: 'computer', make: () => computerTool({ computer: {} as never }) },
];

describe('a computer, shell or patch tool', () => {
  test.each(localTools)(
    'without a declared effect is accepted, and the start says that its calls happen once: $kind',
    ({ make }) => {
      const ops = new Agent({ name: 'ops', tools: [make()] });
      const main = new Agent({ name: 'Main', tools: [make(), ops.asTool({})] });
      const gaps = findDurabilityGaps(createAgentRegistry({ main }));
      const name = make().name;
      expect(gaps.local).toEqual([`main.${name}`, `ops.${name}`]);
      expect(describeDurabilityGaps(gaps, 'idempotent')).toEqual([expect.stringMatching(/a call happens once/)]);
    },
  );

  test.each(localTools)('may declare each effect: $kind', ({ make }) => {
    for (const kind of ['read', 'idempotent', 'once'] as const) {
      const main = new Agent({ name: 'Main', tools: [effect(make(), kind)] });
      expect(findDurabilityGaps(createAgentRegistry({ main })).local).toEqual([]);
    }
  });

  test('that the provider executes needs no effect', () => {
    const main = new Agent({ name: 'Main', tools: [shellTool({ environment: { type: 'container_auto' } })] });
    expect(findDurabilityGaps(createAgentRegistry({ main })).local).toEqual([]);
  });
});

describe('a function whose result is not recorded', () => {
  const target = new Agent({ name: 'target' });
  const make = (declare: <T extends object>(code: T) => T = (code) => code) =>
    new Agent({
      name: 'Main',
      instructions: declare(() => 'Be brief.'),
      toolUseBehavior: declare(async () => ({ isFinalOutput: false as const, isInterrupted: undefined })),
      tools: [
        effect(
          tool({
            name: 'one',
            description: '',
            parameters: z.object({}),
            execute: () => '',
            isEnabled: (async (_context: unknown) => true) as never,
          }),
          'read',
        ),
        effect(
          tool({ name: 'two', description: '', parameters: z.object({}), execute: () => '', isEnabled: true }),
          'read',
        ),
      ],
      handoffs: [effect(handoff(target, { inputFilter: declare((data) => data) }), 'read')],
    });

  test('is named at the start as called at each approval and recovery', () => {
    const gaps = findDurabilityGaps(createAgentRegistry({ main: make() }));
    expect(gaps.repeated).toEqual([
      'main.instructions',
      'main.toolUseBehavior',
      'main.one.isEnabled',
      'main.transfer_to_target.inputFilter',
    ]);
    expect(describeDurabilityGaps(gaps, 'idempotent')).toEqual([
      expect.stringMatching(/^At each approval and recovery a run calls main.instructions, /),
    ]);
  });

  test('is not named if its effect is declared, and is refused if it must happen once', () => {
    const declared = make((code) => effect(code, 'read'));
    // The SDK wraps a tool's isEnabled, so that a declaration on it is not seen.
    expect(findDurabilityGaps(createAgentRegistry({ main: declared })).repeated).toEqual(['main.one.isEnabled']);
    const main = make((code) => effect(code, 'once'));
    expect(() => createAgentRegistry({ main })).toThrow(/The agent "Main": instructions is declared once, but/);
  });

  test('is a hook that must happen once too', () => {
    const main = new Agent({ name: 'Main' });
    main.on(
      'agent_start',
      effect(() => {}, 'once'),
    );
    expect(() => createAgentRegistry({ main })).toThrow(/on\('agent_start'\) is declared once/);
  });
});

test('tools without a declared effect are listed with their agent and the default effect', () => {
  const target = new Agent({ name: 'Target', tools: [named('two'), effect(named('three'), 'read')] });
  const inner = new Agent({ name: 'Helper', tools: [named('four')] });
  const helper = inner.asTool({ toolName: 'ask', toolDescription: 'Asks.' });
  const main = new Agent({ name: 'Main', tools: [named('one'), helper], handoffs: [target] });
  const gaps = findDurabilityGaps(createAgentRegistry({ main }));
  const undeclared = ['main.one', 'Target.two', 'Helper.four'];
  expect(gaps).toEqual({ undeclared, local: [], handoffs: [], repeated: [], uninspected: [] });
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

import { Agent, type MCPServer, tool } from '@openai/agents';
import { describe, expect, test } from 'vitest';
import { z } from 'zod';
import { findDurabilityGaps } from './durability.ts';
import { RegistrationError } from './registration-error.ts';
import { createAgentRegistry } from './registry.ts';
import { workflow } from './workflow.ts';

describe('a workflow', () => {
  const code = () => 'done';

  test('is an entry of serve() beside agents, and may be the first', () => {
    const research = workflow(code);
    const registry = createAgentRegistry({ research, helper: new Agent({ name: 'Helper' }) });
    expect([registry.entry, registry.names()]).toEqual(['research', ['research', 'helper']]);
    expect(registry.workflow('research')).toBe(research);
    expect([registry.get('research'), registry.workflow('helper'), registry.workflow('toString')]).toEqual(
      Array(3).fill(undefined),
    );
  });

  test('has the agents that it names inspected: their MCP servers and their tools', () => {
    const server = { name: 'files' } as MCPServer;
    const pay = tool({ name: 'pay', description: 'Pays.', parameters: z.object({}), execute: () => 'paid' });
    const payer = new Agent({ name: 'Payer', tools: [pay], mcpServers: [server] });
    const front = new Agent({ name: 'Front', handoffs: [payer] });
    const registry = createAgentRegistry({ research: workflow({ agents: [front] }, code) });
    expect(registry.mcpServers()).toEqual([server]);
    expect(findDurabilityGaps(registry).undeclared).toEqual(['Payer.pay']);
    expect(registry.offered().map(({ name }) => name)).toEqual(['Front', 'Payer']);
  });

  test.each<[string, () => unknown, string]>([
    ['a function that is no workflow', () => createAgentRegistry({ research: code as never }), 'workflow(async'],
    ['an option that it does not have', () => workflow({ outputs: z.string() } as never, code), '"output"'],
    ['no code', () => workflow('code' as never), 'takes a function'],
    [
      'an agent that cannot be served',
      () => createAgentRegistry({ a: workflow({ agents: [{} as never] }, code) }),
      'not an Agent',
    ],
    ['a name that cannot be called', () => createAgentRegistry({ 'a b': workflow(code) }), '"a b"'],
  ])('is refused at the start with the reason: %s', (_what, make, message) => {
    expect(make).toThrow(RegistrationError);
    expect(make).toThrow(message);
  });
});

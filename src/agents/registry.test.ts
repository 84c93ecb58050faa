import { Agent, handoff, type MCPServer } from '@openai/agents';
import { RealtimeAgent } from '@openai/agents/realtime';
import { SandboxAgent } from '@openai/agents/sandbox';
import { describe, expect, test } from 'vitest';
import { describeSharedNames } from './agent-names.ts';
import type { AnyAgent } from './any-agent.ts';
import { RegistrationError } from './registration-error.ts';
import { createAgentRegistry } from './registry.ts';

const agent = (name: string, options: Partial<ConstructorParameters<typeof Agent>[0]> = {}): AnyAgent =>
  new Agent({ name, instructions: 'Hi.', ...options });
const server = (name: string) => ({ name }) as MCPServer;

describe('the agents of a service', () => {
  test('are found by their names in serve(), in order', () => {
    const [first, second] = [agent('One'), agent('Two')];
    const registry = createAgentRegistry({ first, second });
    expect(registry.names()).toEqual(['first', 'second']);
    expect(registry.get('second')).toBe(second);
    expect(registry.get('Two')).toBeUndefined();
    expect(registry.get('constructor')).toBeUndefined();
  });

  test('have the first one as entry, unless another is named', () => {
    const agents = { first: agent('One'), second: agent('Two') };
    expect(createAgentRegistry(agents).entry).toBe('first');
    expect(createAgentRegistry(agents, 'second').entry).toBe('second');
  });

  test('include those that handoffs reach, each once, also in a cycle', () => {
    const third = agent('Three');
    const second = agent('Two', { handoffs: [handoff(third)] });
    const first = agent('One', { handoffs: [second, third] });
    third.handoffs = [first]; // a cycle
    const { offered } = createAgentRegistry({ first });
    expect(offered().map(({ name }) => name)).toEqual(['first', 'Two', 'Three']);
  });

  test('can be named if only handoffs or tools reach them, by their own names', () => {
    const seat = agent('Seat Booking');
    const poet = agent('Poet');
    const triage = agent('Triage', { handoffs: [seat], tools: [poet.asTool({})] });
    const registry = createAgentRegistry({ triage });
    expect(registry.names()).toEqual(['triage', 'Seat Booking', 'Poet']);
    expect(registry.get('Seat Booking')).toBe(seat);
    expect(registry.get('Poet')).toBe(poet);
    expect(registry.get('Triage')).toBeUndefined(); // its name is that in serve()
    expect(registry.shared()).toEqual([]);
  });

  test('cannot be named by a name that two of them have', () => {
    const triage = agent('Triage', { handoffs: [agent('Desk'), agent('Desk'), agent('Seat')] });
    const registry = createAgentRegistry({ triage });
    expect(registry.names()).toEqual(['triage', 'Seat']);
    expect(registry.get('Desk')).toBeUndefined();
    expect(registry.isAmbiguous('Desk')).toBe(true);
    expect(registry.isAmbiguous('Seat')).toBe(false);
    expect(registry.isAmbiguous('nobody')).toBe(false);
    expect(describeSharedNames(registry)).toEqual([
      expect.stringContaining('Several agents have the name "Desk", so that no request can name it.'),
    ]);
  });

  test('keep their names in serve() where another agent is called so', () => {
    const desk = agent('One');
    const triage = agent('Triage', { handoffs: [agent('desk')] });
    const registry = createAgentRegistry({ desk, triage });
    expect(registry.names()).toEqual(['desk', 'triage']);
    expect(registry.get('desk')).toBe(desk);
    expect(registry.isAmbiguous('desk')).toBe(false);
    expect(describeSharedNames(registry)).toEqual([
      expect.stringContaining('Two agents have the name "desk": requests that name it mean the one in serve().'),
    ]);
  });

  test.each([
    { kind: 'too long', name: 'n'.repeat(201) },
    { kind: 'with a NUL', name: 'a\0b' },
    { kind: 'with half of a character', name: 'a\ud800' },
  ])('cannot be named by a name $kind, which the API does not take', ({ name }) => {
    const registry = createAgentRegistry({ triage: agent('Triage', { handoffs: [agent(name)] }) });
    expect(registry.names()).toEqual(['triage']);
    expect(registry.get(name)).toBeUndefined();
  });

  test('have their names in serve() also as the targets of handoffs', () => {
    const second = agent('Two');
    const registry = createAgentRegistry({ first: agent('One', { handoffs: [second] }), second });
    expect(registry.nameOf(second)).toBe('second');
    expect(registry.nameOf(agent('Other'))).toBe('Other');
  });

  test('may have two names: both are offered, and the first one is the public name', () => {
    const one = agent('One');
    const registry = createAgentRegistry({ one, formerly: one });
    expect(registry.offered()).toEqual([
      { name: 'one', agent: one },
      { name: 'formerly', agent: one },
    ]);
    expect(registry.nameOf(one)).toBe('one');
  });

  test('have their MCP servers listed once, also those of agents that handoffs reach', () => {
    const [both, own] = [server('both'), server('own')];
    const second = agent('Two', { mcpServers: [both, own] });
    const registry = createAgentRegistry({ first: agent('One', { handoffs: [second], mcpServers: [both] }) });
    expect(registry.mcpServers()).toEqual([both, own]);
  });

  test('include the agents used as tools, each once, with what they reach and their MCP servers', () => {
    const own = server('own');
    const clerk = agent('Clerk');
    const inner = agent('Inner', { mcpServers: [own], handoffs: [clerk] });
    const outer = agent('Outer', { tools: [inner.asTool({ toolName: 'ask_inner' })] });
    const first = agent('One', { tools: [outer.asTool({}), inner.asTool({})] });
    clerk.tools = [outer.asTool({})]; // a cycle
    const registry = createAgentRegistry({ first });
    expect(registry.offered().map(({ name }) => name)).toEqual(['first', 'Outer', 'Inner', 'Clerk']);
    expect(registry.mcpServers()).toEqual([own]);
  });
});

describe('a mistake is refused', () => {
  const one = agent('One');

  test.each([
    { mistake: 'no agents', agents: {}, why: 'serve() needs at least one agent: serve({ agents: { name: agent } }).' },
    { mistake: 'nothing at all', agents: undefined, why: 'serve() needs at least one agent' },
    {
      mistake: 'a configuration',
      agents: { one: { name: 'One' } },
      why: 'agents.one is not an Agent of @openai/agents.',
    },
    { mistake: 'nothing under a name', agents: { one: null }, why: 'agents.one is not an Agent of @openai/agents.' },
    { mistake: 'a name with a space', agents: { 'a b': one }, why: 'agents has the name "a b"; allowed are letters' },
    { mistake: 'an empty name', agents: { '': one }, why: 'agents has the name ""' },
    { mistake: 'a name without an end', agents: { ['n'.repeat(201)]: one }, why: 'agents has the name "nnn' },
  ])('$mistake', ({ agents, why }) => {
    const register = () => createAgentRegistry(agents as never);
    expect(register).toThrow(RegistrationError);
    expect(register).toThrow(why);
  });

  test('an entry that is not among the agents', () => {
    expect(() => createAgentRegistry({ one, two: agent('Two') }, 'three')).toThrow(
      new RegistrationError('The entry agent "three" is not among the agents given: one, two.'),
    );
  });

  /** A class of the same name as one of the SDK, as another copy of it brings along. */
  const copyOf = (className: string): AnyAgent =>
    new (Object.defineProperty(class extends Agent {}, 'name', { value: className }))({ name: 'Copy' });

  test.each([
    { kind: 'a RealtimeAgent', other: new RealtimeAgent({ name: 'Voice' }), instead: 'RealtimeSession' },
    { kind: 'a SandboxAgent', other: new SandboxAgent({ name: 'Box' }), instead: 'shellTool()' },
    { kind: 'a RealtimeAgent of another copy', other: copyOf('RealtimeAgent'), instead: 'RealtimeSession' },
    {
      kind: 'a class of their own that extends SandboxAgent',
      other: new (class Mine extends SandboxAgent {})({ name: 'Mine' }),
      instead: 'shellTool()',
    },
  ])('$kind, with what to use instead, also where only a handoff reaches it', ({ other, instead }) => {
    const named = () => createAgentRegistry({ other: other as AnyAgent });
    expect(named).toThrow(RegistrationError);
    expect(named).toThrow(/^agents\.other is a (Realtime|Sandbox)Agent, .*\. Serve an Agent; /);
    expect(named).toThrow(instead);
    const reached = () => createAgentRegistry({ one: agent('Front', { handoffs: [other as AnyAgent] }) });
    expect(reached).toThrow(`The agent "${other.name}" is a `);
  });
});

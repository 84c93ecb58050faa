/** Pieces that many cases are made of. */
import { type Agent, type FunctionTool, tool } from '@openai/agents';
import { z } from 'zod';
import type { World } from '../case.ts';
import type { Turn } from '../script.ts';

/** No parameters. */
export const none = z.object({});

// biome-ignore lint/suspicious/noExplicitAny: tools of any context
type AnyTool = FunctionTool<any, any, any>;

/** A tool without parameters that is counted each time it is carried out. */
export const counted = (
  { note }: Pick<World, 'note'>,
  name: string,
  more: { answer?: unknown; needsApproval?: boolean } = {},
): AnyTool =>
  tool({
    name,
    description: `Does ${name}.`,
    parameters: none,
    needsApproval: more.needsApproval ?? false,
    execute: async () => {
      note(name);
      return more.answer ?? `${name} is done`;
    },
  });

/** A tool without parameters, for those that are about what a tool does. */
export const toolOf = (name: string, execute: (context: Record<string, unknown>) => unknown): AnyTool =>
  tool({
    name,
    description: `Does ${name}.`,
    parameters: none,
    execute: async (_input, run) => execute((run?.context ?? {}) as Record<string, unknown>),
  });

/** An agent as a tool, by the names that the cases use. */
// biome-ignore lint/suspicious/noExplicitAny: agents of any context
export const asTool = (agent: Agent<any, any>, toolName = `ask_${agent.name.toLowerCase()}`): AnyTool =>
  agent.asTool({ toolName, toolDescription: `Asks ${agent.name}.` });

/** A model that answers with one item of the Responses API, such as a call of a hosted tool. */
export const item = (fields: Record<string, unknown>, text?: string): Turn => ({
  items: [fields],
  ...(text === undefined ? {} : { text }),
});

/** A call of the local shell, as a model makes it. */
export const shellCall = (command: string): Turn =>
  item({
    id: 'sh_#',
    type: 'shell_call',
    status: 'completed',
    call_id: 'shell_#',
    action: { commands: [command], timeout_ms: null, max_output_length: null },
  });

/** A shell that counts the commands that it is given. */
export const countedShell = ({ note }: Pick<World, 'note'>) => ({
  run: async ({ commands }: { commands: string[] }) => {
    for (const command of commands) note(`shell ${command}`);
    const outcome = { type: 'exit' as const, exitCode: 0 };
    return { output: commands.map((command) => ({ command, stdout: `did ${command}`, stderr: '', outcome })) };
  },
});

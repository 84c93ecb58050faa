import { type ModelRequest, tool } from '@openai/agents';
import { z } from 'zod';
import { currentCall } from '../../src/runs/index.ts';
import { hasToolResult, type StubReply } from './stub-model.ts';

/** A tool that records the idempotency keys of its calls. */
export function counting(name: string, work: () => unknown = () => `${name} done`) {
  const calls: string[] = [];
  const counted = tool({
    name,
    description: name,
    parameters: z.object({}),
    execute: async () => {
      calls.push(currentCall().idempotencyKey);
      return work();
    },
  });
  return { tool: counted, calls };
}

/** A reply that calls these tools in parallel. */
export const callsOf = (...names: string[]): StubReply =>
  names.map((call, index) => ({ call, id: `call_${call}_${index}` }));
/** A model that calls these tools and then is done. */
export const calling =
  (...names: string[]) =>
  (request: ModelRequest): StubReply =>
    hasToolResult(request) ? 'done' : callsOf(...names);

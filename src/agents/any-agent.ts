import type { Agent, Handoff } from '@openai/agents';

/** An agent of the SDK with any context and output type. */
// biome-ignore lint/suspicious/noExplicitAny: the SDK's agents are invariant in their context and output types
export type AnyAgent = Agent<any, any>;

/** Whether an entry of `agent.handoffs` is a Handoff and not an agent. */
export const isHandoff = (entry: AnyAgent | Handoff): entry is Handoff => 'agent' in entry && 'toolName' in entry;

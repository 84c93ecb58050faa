import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { Agent } from '@openai/agents';

/** Finds the agent that a tool was made of; undefined for a tool that it does not know. */
export type FindAgentBehind = (tool: object) => object | undefined;

/**
 * How to find the agent behind an agent used as a tool (`agent.asTool()`): the SDK's own register of these tools, which
 * also knows the ones that were made before this package was imported. It is not among the SDK's exports, thus it is
 * loaded by its path, beside the core of the SDK's copy that this package uses.
 *
 * It does not know a copy of such a tool (`{ ...tool }`) or one made by another copy of the SDK. It knows none in a bundle
 * that contains the SDK.
 */
export function agentToolRegister(): FindAgentBehind {
  try {
    const fromSdk = createRequire(createRequire(import.meta.url).resolve('@openai/agents'));
    const core = dirname(fromSdk.resolve('@openai/agents-core'));
    const { getAgentToolSourceAgent } = fromSdk(join(core, 'agentToolSourceRegistry.mjs')) as {
      getAgentToolSourceAgent: FindAgentBehind;
    };
    const probe = new Agent({ name: 'probe' });
    if (getAgentToolSourceAgent(probe.asTool({})) === probe) return getAgentToolSourceAgent;
  } catch {
    // there is no such file: what is not found is named at the start
  }
  return () => undefined;
}

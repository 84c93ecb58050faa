import type { MCPServer } from '@openai/agents';
import type { Service } from '../platform/lifecycle.ts';
import type { Logger } from '../platform/logger.ts';
import type { Settings } from '../platform/settings/settings.ts';
import { describeModels } from './agent-model.ts';
import { describeSharedNames } from './agent-names.ts';
import type { AnyAgent } from './any-agent.ts';
import { type ContextOption, contextCheck, toRunContexts } from './context.ts';
import { describeDurabilityGaps, findDurabilityGaps } from './durability.ts';
import { createMcpConnections } from './mcp-connections.ts';
import { createModelChoices, type ModelsOption } from './model-choices.ts';
import { createAgentRegistry } from './registry.ts';
import type { Workflow } from './workflow.ts';

/** What agents are built from. */
export type WireAgentsDeps = {
  options: {
    agents: Record<string, AnyAgent | Workflow>;
    entry?: string;
    context?: ContextOption;
    mcpServers?: readonly MCPServer[];
    models?: ModelsOption;
  };
  settings: Pick<Settings, 'toolEffectDefault' | 'openai'>;
  /** Whether this process logs what is to know about the agents; of several workers one does. */
  reports: boolean;
  log: Logger;
};

/**
 * Builds the agents of the application.
 *
 * @throws {RegistrationError} when they cannot be served
 */
export function wireAgents({ options, settings, reports, log }: WireAgentsDeps) {
  const registry = createAgentRegistry(options.agents, options.entry);
  const models = createModelChoices(registry, options.models);
  const gaps = describeDurabilityGaps(findDurabilityGaps(registry), settings.toolEffectDefault);
  if (reports) {
    log.info({ models: describeModels(registry, settings.openai) }, 'models of the agents');
    for (const gap of gaps) log.warn(gap);
    for (const each of describeSharedNames(registry)) log.warn(each);
  }
  const services: Service[] = [
    createMcpConnections([...(options.mcpServers ?? []), ...registry.mcpServers()]),
    contextCheck(toRunContexts(options.context)),
  ];
  return { registry, models, services };
}

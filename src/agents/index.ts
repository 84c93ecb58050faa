export { buildContext, type ContextBuilder, type RunFacts } from './context.ts';
export { RegistrationError } from './registration-error.ts';
export { type AgentRegistry, type AnyAgent, createAgentRegistry } from './registry.ts';
export { agentRoutes } from './routes.ts';

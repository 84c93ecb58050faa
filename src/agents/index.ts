export { buildContext, type ContextBuilder, type RunFacts } from './context.ts';
export { declaredEffect, type Effect, effect, effects } from './effect.ts';
export { RegistrationError } from './registration-error.ts';
export { type AgentRegistry, type AnyAgent, createAgentRegistry } from './registry.ts';
export { agentRoutes } from './routes.ts';
export { kindOf, whyNotDurable } from './tool-kinds.ts';
export { wireAgents } from './wire.ts';

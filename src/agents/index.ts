export type { AnyAgent } from './any-agent.ts';
export {
  buildContext,
  type ContextBuilder,
  type ContextOption,
  type RunContexts,
  type RunFacts,
  reasonNotPlain,
  toRunContexts,
} from './context.ts';
export { declaredEffect, type Effect, effect, effects } from './effect.ts';
export { assertKnownNames } from './known-names.ts';
export { createModelChoices, type ModelChoices, type ModelsOption } from './model-choices.ts';
export { RegistrationError } from './registration-error.ts';
export { type AgentRegistry, createAgentRegistry } from './registry.ts';
export { agentRoutes } from './routes.ts';
export { type AnyTool, effectOf, kindOf } from './tool-kinds.ts';
export { wireAgents } from './wire.ts';
export { type StepOptions, type Workflow, type WorkflowContext, type WorkflowOptions, workflow } from './workflow.ts';

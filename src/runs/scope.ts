import { AsyncLocalStorage } from 'node:async_hooks';
import type { ModelProvider } from '@openai/agents';
import type { Usage } from '../storage/port/index.ts';

/** What a run learns of the model calls made in its name. */
export type RunRecorder = {
  /** A model call begins; returns its step number, counted from 1 over the whole run. */
  modelCallStarted(): number;
  /** A piece of text arrived for a step of the scope `path`. */
  textDelta(path: string, step: number, delta: string): void;
  /** The provider answered whole; tokens are booked here and nowhere else. */
  modelCallCompleted(model: string, usage: Usage): void;
  /** The call threw: the fault of the provider or of an abort, not of the agent's own code. */
  modelCallFailed(error: unknown): void;
};

/** What a run started inside another one uses where its author left it to the SDK's defaults. */
export type RunDefaults = { modelProvider: ModelProvider; model: string };

/**
 * Where in a run the code that executes just now belongs. `path` is empty for the run itself; a run started inside it
 * (an agent used as a tool, a `run()` inside a tool or a guardrail) has `<parent>/<ordinal>`.
 */
export type RunScope = {
  readonly path: string;
  readonly recorder: RunRecorder;
  readonly defaults: RunDefaults;
  /** Whether the run that this scope is for has begun; every further one begun in it is a child. */
  begun: boolean;
  /** How many runs were started inside this one so far. */
  children: number;
};

/**
 * The scope of the code that is executing; undefined outside of a run. It is the process's because the SDK's
 * prototypes, whose patches read it, are.
 */
export const runScope = new AsyncLocalStorage<RunScope>();

/** The scope of a whole run that is about to begin. */
export const rootScope = (recorder: RunRecorder, defaults: RunDefaults): RunScope => ({
  path: '',
  recorder,
  defaults,
  begun: false,
  children: 0,
});

/** The scope of a run started inside `parent`; its ordinal is taken at call time. */
export function childScope(parent: RunScope): RunScope {
  const path = `${parent.path}/${parent.children}`;
  parent.children += 1;
  return { ...parent, path, begun: true, children: 0 };
}

import { hash } from 'node:crypto';
import type { ModelRequest } from '@openai/agents';
import { type Json, JsonText } from '../../storage/port/index.ts';
import type { RunScope } from './run-scope.ts';

/** Digest of what of a request shapes the answer. An allow-list: requests also carry spans, signals and functions. */
export function digestOf(model: string, request: ModelRequest): string {
  const { retry: _, ...settings } = request.modelSettings;
  const { systemInstructions, input, previousResponseId, conversationId, tools, handoffs, outputType, prompt } =
    request;
  const shape = [model, settings, systemInstructions, input, previousResponseId, conversationId, tools, handoffs];
  return hash('sha256', JSON.stringify([...shape, outputType, prompt]), 'base64url');
}

/**
 * The items of a request that the ones before it in its scope did not have, with references to the long strings that
 * are stored already.
 */
export function newInput(scope: RunScope, { input }: ModelRequest): Json {
  const { strings } = scope.attempt.journal;
  if (typeof input === 'string') return strings.refer(input);
  const items = input.slice(Math.min(scope.itemsSeen, input.length));
  scope.itemsSeen = input.length;
  return new JsonText(strings.refer(items as unknown as Json[]) as object);
}

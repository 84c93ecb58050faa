import { createHash, hash } from 'node:crypto';
import type { ModelRequest } from '@openai/agents';
import { jsonInSlices } from '../../platform/json-slices.ts';
import { inSlices, type Slices } from '../../platform/slices.ts';
import { isHeavy } from '../../platform/weight.ts';
import { type Json, JsonText } from '../../storage/port/index.ts';
import type { RunScope } from './run-scope.ts';

/** What of a request shapes the answer. An allow-list: requests also carry spans, signals and functions. */
function shapeOf(model: string, request: ModelRequest): unknown[] {
  const { retry: _, ...settings } = request.modelSettings;
  const { systemInstructions, input, previousResponseId, conversationId, tools, handoffs, outputType, prompt } =
    request;
  const shape = [model, settings, systemInstructions, input, previousResponseId, conversationId, tools, handoffs];
  return [...shape, outputType, prompt];
}

/** What the journal keeps of a request: a digest of what shapes the answer, and its new input. */
export type RecordedRequest = { digest: string; input: Json };

/** Makes the record of a request. For a large one the promise takes several turns of the event loop. */
export function recordRequest(
  scope: RunScope,
  model: string,
  request: ModelRequest,
): RecordedRequest | Promise<RecordedRequest> {
  const shape = shapeOf(model, request);
  if (isHeavy(request.input)) return inSlices(recordLargeRequest(scope, shape, request));
  return { digest: hash('sha256', JSON.stringify(shape), 'base64url'), input: newInput(scope, request) };
}

function* recordLargeRequest(scope: RunScope, shape: unknown[], request: ModelRequest): Slices<RecordedRequest> {
  const text = yield* jsonInSlices(shape);
  yield;
  const digest = createHash('sha256').update(text).digest('base64url');
  yield;
  const input = newInput(scope, request);
  return { digest, input };
}

/**
 * The items of a request that the ones before it in its scope did not have, with references to the long strings that
 * are stored already.
 */
function newInput(scope: RunScope, { input }: ModelRequest): Json {
  const { strings } = scope.attempt.journal;
  if (typeof input === 'string') return strings.refer(input);
  const items = input.slice(Math.min(scope.itemsSeen, input.length));
  scope.itemsSeen = input.length;
  return new JsonText(strings.refer(items as unknown as Json[]) as object);
}

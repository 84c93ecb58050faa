import type { Model, ModelRequest, ModelResponse, StreamEvent } from '@openai/agents';
import { addKeptFields, type KeptFields } from './normalise/index.ts';

// A property of the signal, since the garbage collector spends far more on a WeakMap of all calls.
const keptKey = Symbol('kept fields');
type KeepingSignal = { [keptKey]?: KeptFields };

/** Keeps the fields of the answer to the call with this signal, which all calls of the service have. */
export function keepFields(signal: AbortSignal | null, kept: KeptFields): void {
  if (signal !== null) (signal as KeepingSignal)[keptKey] = kept;
}

const keptOf = ({ signal }: ModelRequest): KeptFields | undefined => (signal as KeepingSignal | undefined)?.[keptKey];

function addToEvent(result: IteratorResult<StreamEvent>, kept: KeptFields): IteratorResult<StreamEvent> {
  if (!result.done && result.value.type === 'response_done') {
    addKeptFields(result.value.response.output as ModelResponse['output'], kept);
  }
  return result;
}

/** The events of a model; the last one with the fields that were kept. An answer without any costs nothing. */
function keepingEvents(model: Model, request: ModelRequest): AsyncIterable<StreamEvent> {
  const events = model.getStreamedResponse(request)[Symbol.asyncIterator]();
  const iterator: AsyncIterableIterator<StreamEvent> = {
    [Symbol.asyncIterator]: () => iterator,
    next() {
      // The fields are known before the event is read that is the last one.
      const kept = keptOf(request);
      return kept === undefined ? events.next() : events.next().then((result) => addToEvent(result, kept));
    },
    return: () => events.return?.() ?? Promise.resolve({ value: undefined, done: true }),
  };
  return iterator;
}

/** A model whose answers have the fields that their server expects back. */
export function createKeepingModel(model: Model): Model {
  const advice = model.getRetryAdvice?.bind(model);
  return {
    async getResponse(request) {
      const response = await model.getResponse(request);
      const kept = keptOf(request);
      if (kept !== undefined) addKeptFields(response.output, kept);
      return response;
    },
    getStreamedResponse: (request) => keepingEvents(model, request),
    ...(advice === undefined ? {} : { getRetryAdvice: advice }),
  };
}

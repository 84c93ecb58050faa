import { type ModelRequest, type ModelResponse, Usage } from '@openai/agents';

/** English text has about four characters to a token. */
const charactersPerToken = 4;

/** The tokens of a value: the characters of its JSON (or of a text itself) divided by four, rounded up. */
const tokensOf = (value: unknown): number =>
  Math.ceil((typeof value === 'string' ? value : JSON.stringify(value)).length / charactersPerToken);

/**
 * The simulated usage of one model call, which is deterministic: a token for every four characters. Instructions, input, tools, handoffs
 * and output type are input; the output items are output.
 */
export function simulatedUsage(request: ModelRequest, output: ModelResponse['output']): Usage {
  const { systemInstructions = '', input, tools, handoffs, outputType } = request;
  const inputTokens = [systemInstructions, input, tools, handoffs, outputType].reduce<number>(
    (sum, part) => sum + tokensOf(part),
    0,
  );
  const outputTokens = tokensOf(output);
  return new Usage({
    requests: 1,
    inputTokens,
    outputTokens,
    totalTokens: inputTokens + outputTokens,
    inputTokensDetails: { cached_tokens: 0 },
    outputTokensDetails: { reasoning_tokens: 0 },
  });
}

import type { StreamEvent } from '@openai/agents';
import { describe, expect, test } from 'vitest';
import { AnswerValidator, type AskedFor, assertAnswer, assertToolCalls } from './answer-validation.ts';

const raw = (event: object) => ({ type: 'model', event }) as StreamEvent;
const chunk = (choice: object) => raw({ object: 'chat.completion.chunk', choices: [choice] });
const said = { type: 'message', role: 'assistant', content: [{ type: 'output_text', text: 'all' }] };
const done = (output: object[] = [said]) =>
  ({ type: 'response_done', response: { id: 'r', output, usage: {} } }) as never;

const user = { role: 'user', content: 'Hi' } as const;
const look = { type: 'function', name: 'look' } as AskedFor['tools'][number];
const asking: AskedFor = { input: [user], handoffs: [], tools: [look], outputType: 'text', modelSettings: {} };

/** The kind of fault, or the reported code, for which a stream of these events is rejected; null for none. */
const faultIn = (...events: StreamEvent[]): unknown => faultOf(asking, events);
function faultOf(request: AskedFor, events: StreamEvent[]): unknown {
  const validator = new AnswerValidator(request);
  try {
    for (const event of events) validator.check(event);
    return null;
  } catch (error) {
    return (error as { kind?: string }).kind ?? (error as { code?: string }).code;
  }
}

describe('a stream', () => {
  test('of Chat Completions that was truncated is no answer, though the SDK accepts it', () => {
    expect(faultIn(chunk({ delta: { content: 'half' } }), done())).toBe('truncated');
    expect(faultIn(chunk({ delta: { content: 'all' } }), chunk({ finish_reason: 'stop' }), done())).toBeNull();
  });

  test('that reached its token limit, or was withheld in the middle, is no answer', () => {
    expect(faultIn(chunk({ finish_reason: 'length' }), done())).toBe('output_limit');
    const text = { type: 'output_text_delta', delta: 'half' } as StreamEvent;
    expect(faultIn(text, chunk({ finish_reason: 'content_filter' }), done())).toBe('content_filtered');
    const incomplete = (reason: string) =>
      raw({ type: 'response.incomplete', response: { incomplete_details: { reason } } });
    expect(faultIn(incomplete('max_output_tokens'))).toBe('output_limit');
    expect(faultIn(incomplete('content_filter'))).toBe('content_filtered');
  });

  test('that was withheld completely is a refusal, as the SDK reports it', () => {
    const refusal = { ...said, content: [{ type: 'refusal', refusal: 'no' }] };
    expect(faultIn(chunk({ finish_reason: 'content_filter' }), done([refusal]))).toBeNull();
  });

  test('whose end is none of the known good ones is no answer', () => {
    for (const reason of [
      'error',
      'abort',
      'network_error',
      'timeout',
      'cancelled',
      'MALFORMED_FUNCTION_CALL',
      'sparkle',
    ]) {
      expect(faultIn(chunk({ finish_reason: reason }), done()), reason).toBe('answer_failed');
    }
    for (const reason of ['stop', 'tool_calls', 'end_turn', 'STOP', 'eos_token']) {
      expect(faultIn(chunk({ finish_reason: reason }), done()), reason).toBeNull();
    }
    expect(faultIn(chunk({ finish_reason: 'MAX_TOKENS' }), done())).toBe('output_limit');
    expect(faultIn(chunk({ finish_reason: 'SAFETY' }), done())).toBe('content_filtered');
    expect(faultIn(chunk({ finish_reason: 'insufficient_system_resource' }), done())).toBe('overloaded');
    expect(faultIn(chunk({ finish_reason: null }), chunk({ finish_reason: '' }), done())).toBe('truncated');
  });

  test('that reports a failure says why', () => {
    const failed = raw({ type: 'response.failed', response: { error: { code: 'rate_limit_exceeded' } } });
    expect(faultIn(failed)).toBe('rate_limit_exceeded');
    expect(faultIn(raw({ type: 'error', code: 'server_error' }))).toBe('server_error');
  });

  test('in which the provider executed a tool had effects; one that calls a tool of the application had none', () => {
    for (const [type, had] of [
      ['web_search_call', true],
      ['mcp_call', true],
      ['code_interpreter_call', true],
      ['function_call', false],
      ['message', false],
    ] as const) {
      const validator = new AnswerValidator(asking);
      validator.check(raw({ type: 'response.output_item.added', item: { type } }));
      expect(validator.hadEffects(), type).toBe(had);
    }
  });
});

describe('a tool call', () => {
  const call = (text: string) => ({ type: 'function_call', name: 'look', callId: 'call_1', arguments: text }) as const;
  const broken = ['{"order": "10', 'null', '"x"', '7', '{}}'];
  const told = (...input: object[]): AskedFor => ({ ...asking, input: input as never });

  test('whose arguments are no JSON object is given back to the model once in a turn, by the SDK', () => {
    for (const text of broken) {
      expect(() => assertToolCalls([call(text)], asking), text).not.toThrow();
      expect(() => assertToolCalls([call(text)], told(user, call(text))), text).toThrow('no JSON object');
    }
    const ended = [chunk({ finish_reason: 'tool_calls' }), done([call('{"a":')])];
    expect(faultOf(asking, ended)).toBeNull();
    expect(faultOf(told(user, call('{"a":')), ended)).toBe('broken_tool_call');
  });

  test('is given back again in the next turn', () => {
    const nextTurn = told(user, call('{"a":'), { type: 'message', role: 'user', content: 'Again' });
    expect(() => assertToolCalls([call('{"a":')], nextTurn)).not.toThrow();
    expect(() => assertToolCalls([call('{"a":')], { input: 'Hi', handoffs: [] })).not.toThrow();
  });

  test('for a handoff whose arguments are no JSON object is a fault at once, since it would end the run', () => {
    const request = { ...asking, handoffs: [{ toolName: 'look' }] } as unknown as AskedFor;
    expect(() => assertToolCalls([call('{"a":')], request)).toThrow('no JSON object');
  });

  test('may have no arguments at all', () => {
    for (const text of ['', ' ', '{}', '{"a":1}'])
      expect(() => assertToolCalls([call(text)], told(user, call('{"a":'))), text).not.toThrow();
  });
});

describe('an answer in one piece', () => {
  const kindOf = (data: object) => {
    try {
      assertAnswer(data);
      return null;
    } catch (error) {
      return (error as { kind?: string }).kind ?? (error as { code?: string | null }).code;
    }
  };

  test('that has failed, or is not complete, is rejected', () => {
    expect(kindOf({ status: 'failed', error: { code: 'server_error' }, output: [] })).toBe('server_error');
    const incomplete = (reason?: string) => ({ status: 'incomplete', incomplete_details: { reason }, output: [] });
    expect(kindOf(incomplete('max_output_tokens'))).toBe('output_limit');
    expect(kindOf(incomplete())).toBe('answer_failed');
    for (const status of ['cancelled', 'in_progress', 'queued', 'paused']) {
      expect(kindOf({ status, output: [] }), status).toBe('answer_failed');
    }
    expect(kindOf({ status: 'completed', output: [] })).toBeNull();
  });

  test('of Chat Completions is validated in the same way', () => {
    const answer = (choice: object) => ({ choices: [choice] });
    expect(kindOf(answer({ finish_reason: 'length', message: { content: 'half' } }))).toBe('output_limit');
    expect(kindOf(answer({ finish_reason: 'content_filter', message: { content: 'half' } }))).toBe('content_filtered');
    expect(kindOf(answer({ finish_reason: 'content_filter', message: { content: null } }))).toBeNull();
    expect(kindOf(answer({ finish_reason: 'stop', message: { content: 'all' } }))).toBeNull();
  });
});

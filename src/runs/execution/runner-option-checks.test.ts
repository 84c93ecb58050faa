import { describe, expect, test } from 'vitest';
import { RegistrationError } from '../../agents/index.ts';
import { assertRunnerOptions } from './runner-option-checks.ts';

const guardrail = { name: 'g', execute: async () => ({ tripwireTriggered: false, outputInfo: null }) };
const nothing = () => undefined;

const check = (options: unknown) => () => assertRunnerOptions(options as never);

describe('the runner option of serve()', () => {
  test('takes what the Runner of the SDK takes', () => {
    expect(check({})).not.toThrow();
    const all = {
      maxTurns: 3,
      modelSettings: { temperature: 0, reasoning: { effort: 'low' }, providerData: { any: 1 } },
      inputGuardrails: [guardrail],
      outputGuardrails: [],
      handoffInputFilter: nothing,
      callModelInputFilter: nothing,
      toolErrorFormatter: nothing,
      outputGuardrailBlockedMessage: 'withheld',
      toolExecution: { maxFunctionToolConcurrency: 2, preApprovalInputGuardrails: true },
      toolNotFoundBehavior: 'return_error_to_model',
      toolNameCollisionPolicy: 'error',
      reasoningItemIdPolicy: 'omit',
      errorHandlers: { maxTurns: nothing, default: nothing },
      workflowName: 'Desk',
      groupId: nothing,
      traceMetadata: { team: 'desk' },
      traceIncludeSensitiveData: false,
      tracing: { apiKey: 'sk-traces', includeTaskAndTurnSpans: false },
      on: { agent_start: nothing },
    };
    expect(check(all)).not.toThrow();
    expect(
      check({ ...all, groupId: 'one', traceMetadata: nothing, outputGuardrailBlockedMessage: nothing }),
    ).not.toThrow();
    expect(check({ maxTurns: undefined, on: undefined })).not.toThrow();
  });

  test.each<{ options: unknown; why: string }>([
    { options: { maxTurn: 3 }, why: 'runner has no option "maxTurn". Did you mean "maxTurns"?' },
    { options: { guardrails: [] }, why: 'runner has no option "guardrails". Remove it; the options are maxTurns, ' },
    { options: { constructor: 1 }, why: 'runner has no option "constructor".' },
    {
      options: { on: { agent_starts: nothing } },
      why: 'runner.on has no field "agent_starts". Did you mean "agent_start"?',
    },
    {
      options: { errorHandlers: { maxTurn: nothing } },
      why: 'runner.errorHandlers has no field "maxTurn". Did you mean',
    },
    { options: { modelSettings: { temprature: 0 } }, why: 'Did you mean "temperature"?' },
    { options: { toolExecution: { concurrency: 1 } }, why: 'runner.toolExecution has no field "concurrency".' },
    { options: { tracing: { key: 'sk' } }, why: 'runner.tracing has no field "key".' },
  ])('refuses the unknown name in $options with the one that may be meant', ({ options, why }) => {
    expect(check(options)).toThrow(RegistrationError);
    expect(check(options)).toThrow(why);
  });

  test.each([
    { field: 'model', instead: 'set OPENAI_MODEL' },
    { field: 'modelProvider', instead: 'the option providers of serve()' },
    { field: 'sandbox', instead: 'a tool that calls your sandbox' },
    { field: 'sessionInputCallback', instead: 'the option sessionInput of serve()' },
    { field: 'session', instead: 'session_id of the request' },
    { field: 'conversationId', instead: 'session_id of the request' },
    { field: 'previousResponseId', instead: 'session_id of the request' },
    { field: 'context', instead: 'the option context of serve()' },
    { field: 'signal', instead: 'POST /api/v1/runs/<id>/cancel' },
    { field: 'stream', instead: 'POST /api/v1/run/stream' },
    { field: 'traceId', instead: 'groupId groups them' },
    { field: 'tracingDisabled', instead: 'setTracingDisabled(false)' },
  ])('refuses $field of the SDK with what to do instead', ({ field, instead }) => {
    expect(check({ [field]: 'x' })).toThrow(RegistrationError);
    expect(check({ [field]: 'x' })).toThrow(`runner.${field} is not taken: `);
    expect(check({ [field]: 'x' })).toThrow(instead);
  });

  test.each([
    { options: [], why: 'runner must be a record of options.' },
    { options: { maxTurns: 0 }, why: 'runner.maxTurns must be a whole number of at least 1.' },
    { options: { maxTurns: null }, why: 'runner.maxTurns must be a whole number of at least 1.' },
    { options: { modelSettings: 'low' }, why: 'runner.modelSettings must be a record of ' },
    { options: { inputGuardrails: guardrail }, why: 'runner.inputGuardrails must be a list of guardrails' },
    { options: { outputGuardrails: [{ name: 'g' }] }, why: 'runner.outputGuardrails must be a list of guardrails' },
    { options: { handoffInputFilter: 'all' }, why: 'runner.handoffInputFilter must be a function.' },
    { options: { groupId: 7 }, why: 'runner.groupId must be a text or a function.' },
    { options: { traceMetadata: { run: 1 } }, why: 'runner.traceMetadata must be a record of texts or a function.' },
    { options: { traceIncludeSensitiveData: 'no' }, why: 'must be true or false.' },
    { options: { toolNotFoundBehavior: 'ignore' }, why: "must be 'raise_error' or 'return_error_to_model'." },
    { options: { on: { agent_start: 'log' } }, why: 'runner.on.agent_start must be a function.' },
    { options: { errorHandlers: { maxTurns: 'sorry' } }, why: 'runner.errorHandlers.maxTurns must be a function.' },
    {
      options: { toolExecution: { maxFunctionToolConcurrency: 0 } },
      why: 'runner: toolExecution.maxFunctionToolConcurrency',
    },
  ])('refuses the value in $options, which the SDK would refuse in a run or ignore', ({ options, why }) => {
    expect(check(options)).toThrow(RegistrationError);
    expect(check(options)).toThrow(why);
  });
});

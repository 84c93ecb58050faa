import type { Clock } from '../platform/clock.ts';
import type { JsonRecord, Usage } from '../storage/port/index.ts';
import type { EventLog } from './event-log.ts';
import type { RunRecorder } from './scope.ts';

/** A tool call of the SDK, as far as it matters here. */
export type ToolCall = { callId: string; name: string; arguments: string };

/** No tokens at all. */
export const noUsage: Usage = {
  requests: 0,
  inputTokens: 0,
  cachedInputTokens: 0,
  outputTokens: 0,
  reasoningTokens: 0,
  totalTokens: 0,
};

/** Adds what one model call took to a sum. */
export const addUsage = (sum: Usage, usage: Usage): Usage => ({
  requests: sum.requests + usage.requests,
  inputTokens: sum.inputTokens + usage.inputTokens,
  cachedInputTokens: sum.cachedInputTokens + usage.cachedInputTokens,
  outputTokens: sum.outputTokens + usage.outputTokens,
  reasoningTokens: sum.reasoningTokens + usage.reasoningTokens,
  totalTokens: sum.totalTokens + usage.totalTokens,
});

/** A tool's arguments as a value; text that is not JSON stays text. */
export function parseArguments(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

/** Writes down what happens in one run, while it happens: tokens, events, and the tool calls that took effect. */
export function createActivity(events: EventLog, clock: Clock, startedMs: number) {
  const modelErrors = new WeakSet<object>();
  const toolsGoingOn = new Map<string, { step: number; startedMs: number }>();
  const completedCalls: JsonRecord[] = [];
  let usage = noUsage;
  let model: string | null = null;
  let steps = 0;
  let firstTokenMs: number | null = null;
  let lastTextStep = 0;
  let open = true;

  const recorder: RunRecorder = {
    modelCallStarted: () => ++steps,
    textDelta(path, step, delta) {
      // Agents used as tools speak to the agent that called them, not to the user.
      if (!open || path !== '' || delta === '') return;
      firstTokenMs ??= Math.round(clock.monotonicMs() - startedMs);
      lastTextStep = step;
      events.appendText(step, delta);
    },
    modelCallCompleted(name, tokens) {
      if (!open) return;
      model = name;
      usage = addUsage(usage, tokens);
    },
    modelCallFailed(error) {
      if (typeof error === 'object' && error !== null) modelErrors.add(error);
    },
  };

  return {
    recorder,

    toolStarted(call: ToolCall): void {
      if (!open) return;
      const step = ++steps;
      toolsGoingOn.set(call.callId, { step, startedMs: clock.monotonicMs() });
      const { callId: call_id, name: tool } = call;
      events.append({ type: 'tool.started', step, call_id, tool, arguments: parseArguments(call.arguments) });
    },

    toolCompleted(call: ToolCall, output: string): void {
      const started = toolsGoingOn.get(call.callId);
      if (!open || !started) return;
      toolsGoingOn.delete(call.callId);
      const { callId, name, arguments: args } = call;
      events.append({
        type: 'tool.completed',
        step: started.step,
        call_id: callId,
        tool: name,
        arguments: parseArguments(args),
        output,
        is_error: false,
        duration_ms: Math.round(clock.monotonicMs() - started.startedMs),
      });
      completedCalls.push(
        { type: 'function_call', callId, name, arguments: args, status: 'completed' },
        { type: 'function_call_result', callId, name, status: 'completed', output: { type: 'text', text: output } },
      );
    },

    handedOff(from: string, to: string): void {
      if (open) events.append({ type: 'handoff', from, to });
    },

    /** Withdraws the text that was shown last; for an answer that a guardrail refused. */
    resetText(reason: string): void {
      if (open && lastTextStep > 0) events.append({ type: 'text.reset', step: lastTextStep, reason });
    },

    /** Ends the writing: what code that outlives its run still reports is dropped. */
    close(): void {
      open = false;
    },

    fromModel: (error: unknown): boolean => typeof error === 'object' && error !== null && modelErrors.has(error),
    summary: () => ({ usage, model, firstTokenMs, completedCalls }),
  };
}

/** What happened in one run. */
export type Activity = ReturnType<typeof createActivity>;

import type { Clock } from '../../platform/clock.ts';
import type { Json } from '../../storage/port/index.ts';
import { parseArguments } from '../tool-arguments.ts';
import { toEventText } from '../tool-outputs/tool-output.ts';
import type { Journal } from './journal.ts';

/** A tool call of the SDK, as far as it matters here. */
export type ToolCall = { callId: string; name: string; arguments: string };

/**
 * Calls of agents used as tools. Such a call is not journaled as a whole before it happens: it is executed again when
 * the run is, over its own recorded steps.
 */
export class AgentToolCalls {
  readonly #journal: Journal;
  readonly #clock: Clock;
  readonly #inProgress = new Map<string, { number: number; startedAtMs: number; agent: string }>();

  constructor(journal: Journal, clock: Clock) {
    this.#journal = journal;
    this.#clock = clock;
  }

  /** An agent used as a tool was called. */
  started(agent: string, { callId, name, arguments: args }: ToolCall): void {
    // One that has waited for approvals in it is started again.
    const number = this.#inProgress.get(callId)?.number ?? this.#journal.stepNumber(`t:${callId}`);
    this.#inProgress.set(callId, { number, startedAtMs: this.#clock.nowMs(), agent });
    const input = parseArguments(args);
    this.#journal.emitOnce(
      { type: 'tool.started', step: number, call_id: callId, tool: name, arguments: input },
      callId,
    );
  }

  /** An agent used as a tool has answered. */
  ended({ callId, name, arguments: args }: ToolCall, output: string): void {
    const begun = this.#inProgress.get(callId);
    if (!begun) return;
    this.#inProgress.delete(callId);
    const { number, startedAtMs, agent } = begun;
    const key = `t:${callId}`;
    const input = parseArguments(args);
    const recorded = this.#journal.find(key);
    if (recorded) this.#journal.replayed(recorded, false);
    else {
      const start = { key, kind: 'tool_call' as const, scope: '', name, agent, callId, effect: null };
      const end = { status: 'completed' as const, output };
      this.#journal.record({ ...start, input: input as Json }, number, startedAtMs, end);
    }
    this.#journal.emitOnce(
      {
        type: 'tool.completed',
        step: number,
        call_id: callId,
        tool: name,
        arguments: input,
        output: toEventText(output),
        is_error: false,
        duration_ms: Math.max(0, this.#clock.nowMs() - startedAtMs),
      },
      callId,
    );
  }
}

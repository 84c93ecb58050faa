import type { RunBudget } from '../../access/index.ts';
import type { Effect } from '../../agents/index.ts';
import type { Clock } from '../../platform/clock.ts';
import type { Json, Run } from '../../storage/port/index.ts';
import type { HitFailpoint } from '../failpoints.ts';
import { parseArguments } from '../tool-arguments.ts';
import type { Journal } from './journal.ts';
import { createFlushTimer, createTextCoalescer, type FlushTimer } from './text-coalescer.ts';

/** A tool call of the SDK, as far as it matters here. */
export type ToolCall = { callId: string; name: string; arguments: string };

/** What the run in progress is about, for those who watch it work. */
export type AttemptContextDeps = {
  run: Run;
  journal: Journal;
  /** Resolves once the run is stored: nothing that a model answers is used before. Defaults to it being stored. */
  stored?: Promise<unknown>;
  clock: Clock;
  signal: AbortSignal;
  /** What a tool does that nobody declared. */
  effectDefault: Effect;
  /** Called at places where a process may die. */
  fault: HitFailpoint;
  /** Throws if this process may not act for the run any more. */
  assertHeld(): void;
  /** Whether the run is to be given back between two steps; it stops the run if so. */
  giveBack(): boolean;
  /** When the run's time is over, on the monotonic clock. Defaults to never. */
  deadlineMs?: number;
  /**
   * No model provider can be asked before so many ms (`isOut`), or none makes sense. Notes it if the run is to wait in
   * the queue; then `giveBack` says so. Defaults to no.
   */
  waitForProviders?(retryAfterMs: number, isOut: boolean): void;
  /** What model calls are paid from. Defaults to no limit. */
  budget?: RunBudget;
  /** When text that waits is told. Defaults to a beat of its own. */
  beat?: FlushTimer;
};

const unlimited: RunBudget = { reserve: () => null };

/** What goes on in one run while it is executed: its journal, its text, and what its model calls threw. */
export function createAttemptContext(deps: AttemptContextDeps) {
  const { run, journal, clock, signal, effectDefault, fault, assertHeld, giveBack } = deps;
  const { deadlineMs = Number.POSITIVE_INFINITY, waitForProviders } = deps;
  const { budget = unlimited, beat = createFlushTimer(clock), stored } = deps;
  const modelErrors = new WeakSet<object>();
  const text = createTextCoalescer({ flushTimer: beat, events: journal });
  const callIds = new Set<string>();
  const agentCalls = new Map<string, { number: number; startedAtMs: number; agent: string }>();
  let storing = stored;
  let open = true;
  let handoffs = 0;
  let stepsUnderWay = 0;
  let replaying = false;
  let firstTokenAtMs: number | null = null;

  stored?.then(
    () => {
      storing = undefined;
    },
    () => {}, // whoever waits for it is told
  );

  return {
    run,
    journal,
    signal,
    effectDefault,
    fault,
    assertHeld,
    clock,
    deadlineMs,
    budget,

    /**
     * What a model's answer has to wait for before any of it is used: that the run is stored. Undefined where it is. The
     * model itself may be asked before: should the run be lost, nobody knows of it, and nothing has come of it.
     */
    storing: (): Promise<unknown> | undefined => storing,

    /** Whether the run is still being executed: what code that outlives it still reports is dropped. */
    isOpen: (): boolean => open,

    /**
     * A step that is not recorded is about to be carried out. Before one begins while none is under way, the run may be
     * given back: nothing is lost then that was begun.
     *
     * @throws {RunStopped} when the run is given back instead
     */
    beginStep(): void {
      if (stepsUnderWay === 0 && giveBack()) throw signal.reason;
      stepsUnderWay += 1;
    },

    /** A step that was begun is over, whatever became of it. */
    endStep(): void {
      stepsUnderWay -= 1;
    },

    /** A piece of text for the user arrived. Agents used as tools speak to the agent that called them. */
    textDelta(path: string, step: number, delta: string): void {
      if (!open || path !== '' || delta === '') return;
      firstTokenAtMs ??= clock.nowMs();
      fault('model.speaking');
      text.add(step, delta);
    },

    /** Another provider takes a model call over. */
    failedOver(change: { from: string; to: string; reason: string }): void {
      if (!open) return;
      text.flush();
      journal.emit({ type: 'provider.failed_over', ...change });
    },

    /**
     * A model call has failed for want of a provider that answers. If the run is to wait for one, it is stopped as soon
     * as none of its steps is under way but the one that has failed; what it makes of the failure until then is dropped.
     */
    providersDown(retryAfterMs: number, isOut: boolean): void {
      if (!open || signal.aborted) return;
      waitForProviders?.(retryAfterMs, isOut);
      if (stepsUnderWay <= 1) giveBack();
    },

    /** Text that was shown of a step counts no more. */
    resetText(step: number, reason: string): void {
      if (!open) return;
      text.flush();
      journal.emit({ type: 'text.reset', step, reason });
    },

    /** Text that waits to be coalesced is told before what comes next. */
    flushText: (): void => text.flush(),

    lastTextStep: (): number => text.lastStep(),

    handedOff(from: string, to: string): void {
      handoffs += 1;
      if (!open) return;
      text.flush();
      journal.emitOnce({ type: 'handoff', from, to, ordinal: handoffs }, `${handoffs}`);
    },

    /** An agent used as a tool was called. */
    agentCalled(agent: string, call: ToolCall): void {
      if (!open) return;
      const { callId, name } = call;
      const key = `t:${callId}`;
      const begun = { number: journal.stepNumber(key), startedAtMs: clock.nowMs(), agent };
      agentCalls.set(callId, begun);
      const input = parseArguments(call.arguments);
      journal.emitOnce(
        { type: 'tool.started', step: begun.number, call_id: callId, tool: name, arguments: input },
        callId,
      );
    },

    /** An agent used as a tool has answered; it is executed again when the run is, over its own recorded steps. */
    agentAnswered(call: ToolCall, output: string): void {
      const begun = agentCalls.get(call.callId);
      if (!open || signal.aborted || !begun) return;
      const { callId, name } = call;
      const key = `t:${callId}`;
      const input = parseArguments(call.arguments);
      const recorded = journal.find(key);
      if (recorded) journal.replayed(recorded, false);
      else {
        const start = { key, kind: 'tool_call' as const, scope: '', name, agent: begun.agent, callId, effect: null };
        const end = { status: 'completed' as const, output };
        journal.record({ ...start, input: input as Json }, begun.number, begun.startedAtMs, end);
      }
      journal.emitOnce(
        {
          type: 'tool.completed',
          step: begun.number,
          call_id: callId,
          tool: name,
          arguments: input,
          output,
          is_error: false,
          duration_ms: Math.max(0, clock.nowMs() - begun.startedAtMs),
        },
        callId,
      );
    },

    /** A model call was answered, by the journal or by a model. */
    modelAnswered(fromJournal: boolean): void {
      replaying = fromJournal;
    },

    /** Whether the last answer of a model came from the journal. */
    isReplaying: (): boolean => replaying,

    modelFailed(error: unknown): void {
      if (typeof error === 'object' && error !== null) modelErrors.add(error);
    },

    fromModel: (error: unknown): boolean => typeof error === 'object' && error !== null && modelErrors.has(error),

    /**
     * A call id that no other call of the run has. Servers that count calls from 0 in each answer repeat themselves,
     * and the SDK takes a call with a known id for one that is done.
     */
    uniqueCallId(callId: string): string {
      let unique = callId;
      for (let n = 2; callIds.has(unique); n += 1) unique = `${callId}_${n}`;
      callIds.add(unique);
      return unique;
    },

    /** A call id that was recorded, and therefore is unique already. */
    knownCallId: (callId: string): void => void callIds.add(callId),

    firstTokenMs: (): number | null =>
      firstTokenAtMs === null ? run.firstTokenMs : Math.max(0, firstTokenAtMs - (run.startedAtMs ?? firstTokenAtMs)),

    /** Ends the watching. */
    close(): void {
      text.flush();
      open = false;
    },
  };
}

/** What goes on in one run. */
export type AttemptContext = ReturnType<typeof createAttemptContext>;

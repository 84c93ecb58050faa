import type { Step } from '../../storage/port/index.ts';
import { toEventText } from '../tool-outputs/tool-output.ts';
import type { RunScope } from './run-scope.ts';

/** Emits that a tool call has begun, once. */
export function emitToolStarted({ attempt }: RunScope, { step, callId, name, input }: Step): void {
  attempt.journal.emitOnce(
    { type: 'tool.started', step, call_id: callId ?? '', tool: name, arguments: input },
    callId ?? '',
  );
}

/** Emits that a tool call is over, once. */
export function emitToolCompleted({ attempt }: RunScope, step: Step): void {
  attempt.journal.emitOnce(
    {
      type: 'tool.completed',
      step: step.step,
      call_id: step.callId ?? '',
      tool: step.name,
      arguments: step.input,
      output: step.status === 'completed' ? toEventText(step.output) : (step.error as { message: string }).message,
      is_error: step.isError,
      duration_ms: step.durationMs ?? 0,
    },
    step.callId ?? '',
  );
}

import type { Handoff } from '@openai/agents';
import { declaredEffect } from '../../agents/index.ts';
import { ServiceError } from '../../platform/errors.ts';
import type { Json } from '../../storage/port/index.ts';
import { parseArguments } from '../tool-arguments.ts';
import { journalOnce } from './journaled-copy.ts';
import { copyWith } from './object-copy.ts';
import { labelledWork, recordWork } from './recorded-work.ts';
import { runScope } from './run-scope.ts';
import { workKeys } from './step-record.ts';

/** A handoff of the SDK with any context and output type. */
// biome-ignore lint/suspicious/noExplicitAny: the SDK's handoffs are invariant in their types
export type AnyHandoff = Handoff<any, any>;

/**
 * A handoff whose `onHandoff` is recorded within a run and is not called again: as with a tool, by its declared effect,
 * which defaults to `idempotent`. The agent that it hands over to is found by its name.
 */
export const journalHandoff = (handoff: AnyHandoff): AnyHandoff => journalOnce(handoff, withJournal);

function withJournal(original: AnyHandoff): AnyHandoff {
  const onInvokeHandoff: AnyHandoff['onInvokeHandoff'] = async (context, args) => {
    const scope = runScope.getStore();
    const invoke = async () => original.onInvokeHandoff(context, args);
    if (!scope?.attempt.isRecording()) return invoke();
    const effect = declaredEffect(original) ?? 'idempotent';
    const work = labelledWork(scope, `handoff:${original.toolName}`, {
      key: workKeys.handoff,
      kind: 'handoff',
      name: original.toolName,
      effect,
      input: parseArguments(args) as Json,
    });
    let agent: AnyHandoff['agent'] | undefined;
    const recorded = await recordWork<unknown>(
      work,
      async () => {
        agent = await invoke();
        return agent.name;
      },
      {
        record: (to) => ({ agent: to as string }),
        // A person who has decided about its outcome may have given anything as the result.
        recall: (output) => (output as { agent?: unknown } | null)?.agent,
      },
    );
    if (agent) return agent;
    if (typeof recorded !== 'string' || recorded === original.agent.name) return original.agent;
    // A handoff of the application's own may choose among agents: it is asked again which one that was.
    if (effect !== 'once') return invoke();
    const what = `The handoff "${original.toolName}" happens once and chose the agent "${recorded}", which only it knows.`;
    throw new ServiceError('agent_error', { what });
  };
  return copyWith(original, { onInvokeHandoff });
}

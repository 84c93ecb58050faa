import type {
  InputGuardrail,
  OutputGuardrail,
  ToolInputGuardrailDefinition,
  ToolOutputGuardrailDefinition,
} from '@openai/agents';
import { declaredEffect } from '../../agents/index.ts';
import { journalOnce } from './journaled-copy.ts';
import { labelledWork, recordWork } from './recorded-work.ts';
import { runScope } from './run-scope.ts';
import { renewResult } from './sdk-serialisation.ts';
import { workKeys } from './step-record.ts';
import { recallResult, recordResult } from './tool-result.ts';

type Code = (...args: never[]) => unknown;

/** Code of a guardrail whose result is recorded within a run: `place` tells apart what it is called for. */
function journalCode<T extends Code>(
  guardrail: { name: string },
  type: string,
  code: T,
  place: (...args: Parameters<T>) => string,
): T {
  const journaled = (...args: Parameters<T>) => {
    const scope = runScope.getStore();
    if (!scope?.attempt.isRecording()) return code(...args);
    const work = labelledWork(scope, `guardrail:${type}:${place(...args)}${guardrail.name}`, {
      key: workKeys.guardrail,
      kind: 'guardrail',
      name: guardrail.name,
      effect: declaredEffect(guardrail) ?? 'idempotent',
    });
    // What a guardrail tells of its reasons may be any value, as what a tool returns.
    return recordWork(work, () => code(...args), {
      record: (result) => recordResult(scope, guardrail.name, result),
      recall: (output) => recallResult(scope, output),
    });
  };
  return journaled as T;
}

type AgentGuardrail = InputGuardrail | OutputGuardrail;

/**
 * Guardrails of an agent or a runner, whose results are recorded within a run: as with a tool, by their declared effect,
 * which defaults to `idempotent`.
 */
export const journalGuardrails = <T extends AgentGuardrail>(type: 'input' | 'output', guardrails: readonly T[]): T[] =>
  guardrails.map((each) =>
    journalOnce(each, (guardrail) => ({
      ...guardrail,
      execute: journalCode(guardrail, type, guardrail.execute as Code, () => ''),
    })),
  );

type ToolGuardrail = ToolInputGuardrailDefinition | ToolOutputGuardrailDefinition;
type Guarded = { inputGuardrails?: ToolInputGuardrailDefinition[]; outputGuardrails?: ToolOutputGuardrailDefinition[] };

const callOf = ({ toolCall }: { toolCall: { callId: string } }): string => `${toolCall.callId}:`;

const journalAll = <T extends ToolGuardrail>(guardrails: readonly T[]): T[] =>
  guardrails.map((each) =>
    journalOnce(each, (guardrail) => {
      const run = journalCode(guardrail, guardrail.type, guardrail.run as Code, callOf as Code as () => string);
      return { ...guardrail, run: guardrail.type === 'tool_output' ? renewing(run) : run };
    }),
  );

/** A guardrail of results, which may change the result that it looks at. */
const renewing =
  (run: (data: never) => unknown): Code =>
  async (data: { output?: unknown }) => {
    const decision = await run(data as never);
    await renewResult(data.output);
    return decision;
  };

/** The guardrails of a tool, as those of agents; the record tells the calls of the tool apart. */
export const journalToolGuardrails = ({ inputGuardrails, outputGuardrails }: Guarded): Guarded => ({
  ...(inputGuardrails?.length ? { inputGuardrails: journalAll(inputGuardrails) } : {}),
  ...(outputGuardrails?.length ? { outputGuardrails: journalAll(outputGuardrails) } : {}),
});

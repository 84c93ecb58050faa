import { tool } from '@openai/agents';
import { declaredEffect } from '../../agents/index.ts';
import { jsonCodec } from './json-codec.ts';
import { copyWith } from './object-copy.ts';
import { labelledWork, recordWork } from './recorded-work.ts';
import { runScope } from './run-scope.ts';
import { workKeys } from './step-record.ts';

type Code = (...args: never[]) => unknown;
type Item = { rawItem?: { callId?: string; id?: string } };

/**
 * A function of the application that decides about approvals, whose decision about a call is recorded within a run.
 *
 * @param callOf the id of the call that its arguments are about
 */
function journalDecision<T extends Code>(
  toolName: string,
  what: string,
  code: T,
  callOf: (...args: Parameters<T>) => string,
): T {
  const journaled = (...args: Parameters<T>) => {
    const scope = runScope.getStore();
    if (!scope?.attempt.isRecording()) return code(...args);
    const work = labelledWork(scope, `${what}:${callOf(...args)}`, {
      key: workKeys.approval,
      kind: 'approval',
      name: toolName,
      effect: declaredEffect(code) ?? 'idempotent',
    });
    return recordWork(work, () => code(...args), jsonCodec());
  };
  return journaled as unknown as T;
}

// The SDK makes a function of `needsApproval: true` and `false`, the same for every tool; nothing of it is recorded.
const constantText = String(
  (
    tool({ name: 'probe', description: '', parameters: {} as never, strict: false, execute: () => '' }) as {
      needsApproval: unknown;
    }
  ).needsApproval,
);
const isConstant = (code: Code): boolean => String(code) === constantText;

/** What a tool has that decides about approvals. */
type Approving = { name?: string; needsApproval?: unknown; onApproval?: unknown; onSafetyCheck?: unknown };

const callOfItem = (_context: unknown, item: Item) => item?.rawItem?.callId ?? item?.rawItem?.id ?? '';
const callOfCheck = ({ toolCall }: { toolCall?: { callId?: string } }) => toolCall?.callId ?? '';
const callOfPolicy = (_context: unknown, _input: unknown, callId?: string) => callId ?? '';

const deciders = { needsApproval: callOfPolicy, onApproval: callOfItem, onSafetyCheck: callOfCheck };

/** The functions of a tool that decide about approvals, journaled. */
export function journalApproval(tool: object): Approving {
  const { name = '', ...functions } = tool as Approving;
  const changes: Record<string, unknown> = {};
  for (const [what, callOf] of Object.entries(deciders)) {
    const code = functions[what as keyof typeof deciders];
    if (typeof code !== 'function' || isConstant(code as Code)) continue;
    changes[what] = journalDecision(name, what, code as Code, callOf as Code as () => string);
  }
  return changes;
}

type HostedMcp = { name: string; providerData?: { on_approval?: unknown } };

/** A hosted MCP server whose `onApproval` is journaled; other hosted tools are returned as they are. */
export function journalHostedApproval<T extends object>(tool: T): T {
  const { name, providerData } = tool as unknown as HostedMcp;
  if (typeof providerData?.on_approval !== 'function') return tool;
  const code = providerData.on_approval as Code;
  const on_approval = journalDecision(name, 'onApproval', code, callOfItem as Code as () => string);
  return copyWith(tool, { providerData: { ...providerData, on_approval } } as unknown as Partial<T>);
}

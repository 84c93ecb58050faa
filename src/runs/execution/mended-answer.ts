import type { Usage as SdkUsage } from '@openai/agents';
import { isRecord } from '../../platform/is-record.ts';
import { idText, newCallId } from '../../providers/index.ts';
import type { ModelAnswer, OutputItem } from './model-answer.ts';
import { toCount } from './token-count.ts';

type Fields = Record<string, unknown>;

const isCount = (value: unknown): boolean => value === toCount(value);
const listOf = (value: unknown): Fields[] => (Array.isArray(value) ? value : [value]).filter(isRecord);

/** Details with the counts among them; the SDK refuses anything else in a stream. */
const countsOf = (details: Fields): Fields =>
  Object.fromEntries(
    Object.entries(details)
      .map(([name, value]) => [name, toCount(value)] as const)
      .filter(([name, count]) => count > 0 || isCount(details[name])),
  );

const detailNames = ['inputTokensDetails', 'outputTokensDetails'] as const;
const sumNames = ['inputTokens', 'outputTokens', 'totalTokens'] as const;

function isClean(usage: Fields): boolean {
  return (
    sumNames.every((name) => isCount(usage[name])) &&
    detailNames.every(
      (name) => usage[name] === undefined || listOf(usage[name]).every((each) => Object.values(each).every(isCount)),
    ) &&
    listOf(usage.requestUsageEntries).every(isClean)
  );
}

/** A usage of the same class in which all counts are counts. */
function mendUsage<T extends Fields>(usage: T): T {
  if (isClean(usage)) return usage;
  const mended: Fields = Object.assign(Object.create(Object.getPrototypeOf(usage)), usage);
  for (const name of sumNames) mended[name] = toCount(usage[name]);
  mended.totalTokens ||= (mended.inputTokens as number) + (mended.outputTokens as number);
  for (const name of detailNames) {
    const details = usage[name];
    if (details === undefined) continue;
    mended[name] = isRecord(details) ? countsOf(details) : listOf(details).map(countsOf);
  }
  if (Array.isArray(usage.requestUsageEntries)) {
    mended.requestUsageEntries = listOf(usage.requestUsageEntries).map(mendUsage);
  }
  return mended as T;
}

/** Calls that the SDK pairs with their outputs by `callId`. */
const isCall = ({ type }: OutputItem): boolean =>
  type === 'function_call' || type === 'computer_call' || type === 'shell_call' || type === 'apply_patch_call';

function mendItem(item: OutputItem): OutputItem {
  const { callId, name } = item as { callId?: unknown; name?: unknown };
  const isNamed = typeof name === 'string' || name === undefined || name === null;
  const isPaired = typeof callId === 'string' ? callId !== '' || !isCall(item) : callId === undefined && !isCall(item);
  if (isNamed && isPaired) return item;
  const mended: Fields = { ...item };
  if (!isNamed) mended.name = idText(name) ?? '';
  const id = idText(callId) ?? (isCall(item) ? newCallId() : undefined);
  if (id === undefined) delete mended.callId;
  else mended.callId = id;
  return mended as OutputItem;
}

/**
 * An answer as the store and the SDK take it. The answers of providers are mended by the transport; a model of the
 * application may give counts that are no counts, and ids and names that are numbers, or missing.
 */
export function mendAnswer(answer: ModelAnswer): ModelAnswer {
  const { output, responseId, usage } = answer;
  return {
    ...answer,
    output: output.map(mendItem),
    responseId: idText(responseId) ?? (responseId === '' ? '' : null),
    usage: mendUsage(usage as unknown as Fields) as unknown as SdkUsage,
  };
}

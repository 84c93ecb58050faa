import type { AgentOutputItem } from '@openai/agents';

/**
 * What a server said in an answer and expects back with the conversation, although the SDK's items have no place for it.
 * It grows while the answer arrives.
 */
export type KeptFields = {
  /**
   * The field in which reasoning came. Servers with `reasoning_content` expect it back with tool calls; those with parts, or
   * other names, refuse the SDK's field.
   */
  reasoning: 'reasoning_content' | 'other' | null;
  /** The text of `reasoning_content`. */
  reasoningText: string;
  /** `extra_content` of the calls, such as Gemini's signature of a thought, in the order of the calls. */
  callExtras: unknown[];
};

/** Receives the fields of an answer when the first of them is there. */
export type KeepFields = (kept: KeptFields) => void;

/** The kept fields of an answer that has none yet. */
export const nothingKept = (): KeptFields => ({ reasoning: null, reasoningText: '', callExtras: [] });

/** Notes in which field a message, or a delta of one, has its reasoning. */
export function noteReasoning(said: Record<string, unknown>, kept: () => KeptFields): void {
  const { content, reasoning, reasoning_content: text, thinking } = said;
  if (typeof text === 'string' && text !== '' && !reasoning) {
    kept().reasoning = 'reasoning_content';
    kept().reasoningText += text;
  } else if (!reasoning && (thinking || Array.isArray(content))) kept().reasoning ??= 'other';
}

type Item = AgentOutputItem & { providerData?: Record<string, unknown> };

function fieldsOf(kept: KeptFields, type: string | undefined): Record<string, unknown> {
  if (kept.reasoning === null) return {};
  const isCall = type === 'function_call';
  // Null says that the SDK's field is not to be sent: see `normaliseRequest`.
  return isCall && kept.reasoningText !== ''
    ? { reasoning: null, reasoning_content: kept.reasoningText }
    : { reasoning: null };
}

/** Adds the fields to the items of an answer, in place: the SDK sends `providerData` of messages and calls back. */
export function addKeptFields(output: AgentOutputItem[], kept: KeptFields): void {
  let call = 0;
  for (const item of output as Item[]) {
    if (item.type !== 'message' && item.type !== 'function_call') continue;
    const extra = item.type === 'function_call' ? kept.callExtras[call++] : undefined;
    const fields = { ...fieldsOf(kept, item.type), ...(extra === undefined ? {} : { extra_content: extra }) };
    if (Object.keys(fields).length > 0) item.providerData = { ...item.providerData, ...fields };
  }
}

/**
 * The parts of a request that the simulated model uses: the message to answer, the calls since then, and the messages and
 * calls before it.
 */
import type { ModelRequest } from '@openai/agents';

/** A function call of the conversation, with its output once it has run. */
export type Call = {
  name: string;
  /** Parsed arguments; empty if they are not a JSON object. */
  arguments: Record<string, unknown>;
  /** The output of the tool as text; undefined until there is one. */
  output?: string;
};

/** The input of a request, split at the last message of the user. */
export type Conversation = {
  /** The last message of the user; empty if the request has none. */
  message: string;
  /** The user's messages before it, newest first. */
  earlierMessages: string[];
  /** Tool calls since the message, in order; handoffs are not among them. */
  calls: Call[];
  /** Names of the handoff tools called since the message. */
  handoffs: string[];
  /** Tool calls before the message, newest first. */
  earlierCalls: Call[];
  /** Whether tools were called for the previous message, so that a mere "ok" requests nothing more. */
  isServed: boolean;
  /** All call ids in the request. */
  callIds: ReadonlySet<string>;
};

type Input = Exclude<ModelRequest['input'], string>;
type Item = Input[number];

/** Reads the input of the request. Unknown items are ignored. */
export function readConversation(request: Pick<ModelRequest, 'input' | 'handoffs'>): Conversation {
  const items: Input = typeof request.input === 'string' ? [userMessage(request.input)] : request.input;
  const last = items.findLastIndex(isUserMessage);
  const isHandoff = (call: Call) =>
    request.handoffs.some((handoff) => handoff.toolName === call.name) || isTransfer(call);
  const since = callsOf(items.slice(last + 1));
  const before = items.slice(0, Math.max(0, last));
  const messages = items.filter(isUserMessage).map(textOfMessage).reverse();
  return {
    message: messages[0] ?? '',
    earlierMessages: messages.slice(1),
    calls: since.filter((call) => !isHandoff(call)),
    handoffs: since.filter(isHandoff).map((call) => call.name),
    earlierCalls: callsOf(before)
      .filter((call) => !isHandoff(call))
      .reverse(),
    isServed: callsOf(before.slice(before.findLastIndex(isUserMessage) + 1)).some((call) => !isHandoff(call)),
    callIds: new Set(items.flatMap((item) => ('callId' in item && item.callId ? [item.callId] : []))),
  };
}

const userMessage = (text: string): Item => ({ role: 'user', content: text });

const isUserMessage = (item: Item) => 'role' in item && item.role === 'user';

function textOfMessage(item: Item): string {
  if (!('role' in item)) return '';
  if (typeof item.content === 'string') return item.content;
  return item.content.map((part) => (part.type === 'input_text' ? part.text : '')).join(' ');
}

/** Calls with their results. A result without its call counts too: with a history at the provider, it is sent alone. */
function callsOf(items: Input): Call[] {
  const calls = new Map<string, Call>();
  for (const item of items) {
    if (item.type === 'function_call') {
      calls.set(item.callId, { name: item.name, arguments: parseObject(item.arguments) });
    } else if (item.type === 'function_call_result') {
      const call = calls.get(item.callId) ?? { name: item.name, arguments: {} };
      calls.set(item.callId, { ...call, output: textOfOutput(item.output) });
    }
  }
  return [...calls.values()];
}

type Output = Extract<Item, { type: 'function_call_result' }>['output'];

function textOfOutput(output: Output): string {
  if (typeof output === 'string') return output;
  const parts = Array.isArray(output) ? output : [output];
  return parts.map((part) => ('text' in part ? part.text : `(${part.type.replace('input_', '')})`)).join('\n');
}

/** The output of a handoff is the name of the new agent alone (`getTransferMessage` of the SDK). */
function isTransfer(call: Call): boolean {
  const answer = parseObject(call.output ?? '');
  return Object.keys(answer).join() === 'assistant' && typeof answer.assistant === 'string';
}

/** Parses a JSON object; an empty one for any other text. */
export function parseObject(text: string): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null && !Array.isArray(value)
      ? (value as Record<string, unknown>)
      : {};
  } catch {
    return {};
  }
}

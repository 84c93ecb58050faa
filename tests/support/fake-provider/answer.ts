import type { ResponseOutputItem } from 'openai/resources/responses/responses';
import { composeItems } from './hosted-items.ts';
import { countInputTokens, type ModelCall } from './model-call.ts';
import { handoffToolName, type Reply, type ToolCallReply } from './reply.ts';
import { countCallTokens, countTokens, splitArguments, splitTokens, type Usage } from './usage.ts';

/** The moment at which every answer claims to have been made, so that the same request gets the same answer. */
export const createdAtSeconds = 1_767_225_600;

/** A part of the message in an answer, cut into the pieces that are streamed. */
export type MessagePart = {
  type: 'text' | 'refusal';
  text: string;
  pieces: string[];
  annotations?: Record<string, unknown>[];
};

/** A tool call in an answer, its arguments cut into the pieces that are streamed. */
export type AnswerToolCall = { callId: string; name: string; arguments: string; pieces: string[] };

/** What is answered, before it takes the shape of one of the two APIs. */
export type Answer = {
  call: ModelCall;
  /** Makes an id that belongs to this answer: `id('resp_')`. `index` tells several of a kind apart. */
  id: (prefix: string, index?: number) => string;
  /** Calls of hosted tools and reasoning, which come before the message. */
  items: ResponseOutputItem[];
  message: MessagePart[];
  toolCalls: AnswerToolCall[];
  finish: NonNullable<Reply['finish']>;
  /** Undefined: the answer tells no usage. */
  usage: Usage | undefined;
};

/** How many characters of the request's digest an id holds. */
const idChars = 32;

function messageOf(reply: Reply): MessagePart[] {
  const json = reply.json === undefined ? [] : [JSON.stringify(reply.json)];
  const texts = [...(reply.text === undefined ? [] : [reply.text]), ...json];
  const parts: MessagePart[] = [];
  if (texts.length > 0) {
    const text = texts.join('\n');
    parts.push({ type: 'text', text, pieces: splitTokens(text), annotations: reply.annotations });
  }
  if (reply.refusal !== undefined) {
    parts.push({ type: 'refusal', text: reply.refusal, pieces: splitTokens(reply.refusal) });
  }
  return parts;
}

function toolCallsOf(reply: Reply, id: Answer['id']): AnswerToolCall[] {
  const handoff: ToolCallReply[] = reply.handoffTo === undefined ? [] : [{ name: handoffToolName(reply.handoffTo) }];
  return [...(reply.toolCalls ?? []), ...handoff].map((toolCall, index) => {
    const given = toolCall.arguments ?? {};
    const text = typeof given === 'string' ? given : JSON.stringify(given);
    return {
      callId: toolCall.callId ?? id('call_', index),
      name: toolCall.name,
      arguments: text,
      pieces: splitArguments(text),
    };
  });
}

function usageOf(call: ModelCall, reply: Reply, message: MessagePart[], toolCalls: AnswerToolCall[]): Usage {
  const words = message.reduce((sum, part) => sum + countTokens(part.text), 0);
  return {
    inputTokens: countInputTokens(call),
    outputTokens: toolCalls.reduce((sum, toolCall) => sum + countCallTokens(toolCall.arguments), words),
    cachedInputTokens: 0,
    reasoningTokens: 0,
    ...reply.usage,
  };
}

/** Works out the answer that a reply means for a call. `digest` (hexadecimal) is what its ids are made of. */
export function composeAnswer(call: ModelCall, reply: Reply, digest: string): Answer {
  const id: Answer['id'] = (prefix, index = 0) => `${prefix}${digest.slice(0, idChars - 2)}${hex(index)}`;
  const message = messageOf(reply);
  const toolCalls = toolCallsOf(reply, id);
  return {
    call,
    id,
    items: composeItems(reply.items ?? [], id),
    message,
    toolCalls,
    finish: reply.finish ?? 'stop',
    usage: reply.usage === null ? undefined : usageOf(call, reply, message, toolCalls),
  };
}

const hex = (index: number) => index.toString(16).padStart(2, '0');

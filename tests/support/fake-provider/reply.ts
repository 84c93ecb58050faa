import type { HostedItemReply } from './hosted-items.ts';

/**
 * What a test asks the fake to answer. Everything here is plain JSON, since it travels over the control route.
 */

/** One tool call in an answer. */
export type ToolCallReply = {
  name: string;
  /** The arguments, or a string that is sent as it stands, for instance to play a model that writes broken JSON. */
  arguments?: Record<string, unknown> | string;
  /** Defaults to an id derived from the request. */
  callId?: string;
};

/** An HTTP error in OpenAI's shape. What is left out is filled in as OpenAI words it for that status and code. */
export type ErrorReply = {
  status: number;
  code?: string | null;
  type?: string;
  message?: string;
  param?: string | null;
};

/**
 * What goes wrong after the request was accepted. A fault with `afterTokens` lets that many tokens through first; in
 * an answer that is not streamed, the first half of the body. More tokens than the answer has means: all of them, but
 * not the end of the stream.
 */
export type Fault =
  /** Nothing more is sent and the connection stays open. Without `afterTokens` not even headers are sent. */
  | { kind: 'hang'; afterTokens?: number /** A comment line at this interval, in a stream. */; keepAliveMs?: number }
  /** The connection is closed (FIN) in the middle of the body. Without `afterTokens`, before the headers. */
  | { kind: 'cut'; afterTokens?: number }
  /** The connection is reset (RST). Without `afterTokens`, before the headers. */
  | { kind: 'reset'; afterTokens?: number }
  /** The body ends as HTTP wants it, but its end (the terminal event, half of the JSON) is missing. */
  | { kind: 'truncate'; afterTokens: number }
  /** One event that is not JSON, after which the stream goes on; an answer that is not streamed is broken JSON. */
  | { kind: 'malformed'; afterTokens: number }
  /**
   * The provider fails in the stream: `response.failed`, or the `error` event with `event: 'error'`; in Chat
   * Completions an error object as data. Not streamed: a response with status `failed`; in Chat Completions HTTP 500.
   */
  | { kind: 'failure'; afterTokens: number; event?: 'failed' | 'error'; code?: string | number; message?: string }
  /** The last event of a stream lacks the empty line behind it. An answer that is not streamed is as it should be. */
  | { kind: 'unfinished' }
  /** Status 200 and no body. */
  | { kind: 'empty' }
  /** A page instead of an answer, as gateways and captive portals send it. `status` defaults to 200. */
  | { kind: 'html'; status?: number };

/** The reply waits here until the test calls `release(name)`. Without `afterTokens`, before the headers. */
export type Hold = { name: string; afterTokens?: number };

/** Changes the usage that the text would give; the total follows. */
export type UsageOverride = {
  inputTokens?: number;
  outputTokens?: number;
  cachedInputTokens?: number;
  reasoningTokens?: number;
};

/** One answer. Items, text, JSON, a refusal and tool calls may be combined; they are sent in this order. */
export type Reply = {
  /** Calls of hosted tools and reasoning, before all else. The Responses API only. */
  items?: HostedItemReply[];
  text?: string;
  /** Citations of the text, as the Responses API has them. */
  annotations?: Record<string, unknown>[];
  /** Sent as JSON text: the answer of an agent with an output type. */
  json?: unknown;
  refusal?: string;
  /** Several are called in parallel. */
  toolCalls?: ToolCallReply[];
  /** The name of the agent to hand over to: a call of the tool that the SDK makes for it. */
  handoffTo?: string;
  /**
   * `length`: cut off at the token limit; `content_filter`: withheld; `error`: it failed in the middle, in Responses
   * `cancelled`. Defaults to `stop`, or `tool_calls` in chat.
   */
  finish?: 'stop' | 'length' | 'content_filter' | 'error';
  error?: ErrorReply;
  fault?: Fault;
  hold?: string | Hold | Hold[];
  /** Wait before the first byte. Defaults to 0. */
  delayMs?: number;
  /** Wait between two tokens of a stream. Defaults to 0. */
  tokenDelayMs?: number;
  /** `null`: the answer has no usage at all, as some compatible servers do. */
  usage?: UsageOverride | null;
  /** Further response headers, for instance `retry-after` or `x-ratelimit-remaining-requests`. */
  headers?: Record<string, string>;
};

/** A reply, or its text. */
export type ReplySpec = string | Reply;

/** Which requests a rule answers. All conditions given must hold; none given holds always. */
export type Condition = {
  /** Defaults to either of the two APIs for answers; `models` is `GET /v1/models`. */
  api?: 'responses' | 'chat_completions' | 'models';
  model?: string;
  streamed?: boolean;
  /** In the instructions, or in a system or developer message. */
  agentInstructionsContain?: string;
  lastUserContains?: string;
  /** In the tool results that this request brings back; such a request ends with them. */
  lastToolOutputContains?: string;
  /** 1 for the first answer after the user's message, 2 for the one after the first round of tool calls, … */
  turn?: number;
  /** Only the nth request for which the other conditions hold, from 1. */
  nth?: number;
};

/** Answers every request that meets `when` with `reply`, or with `turns` one after the other. */
export type Rule = {
  when?: Condition;
  /** How many requests the rule answers at most. Defaults to no limit. */
  times?: number;
} & (
  | { reply: ReplySpec; turns?: undefined }
  /**
   * One reply for each turn after the user's message. Which turn it is follows from the tool calls in the conversation
   * and not from the number of requests, so that it holds under concurrency, retries and recovery.
   */
  | { turns: ReplySpec[]; reply?: undefined }
);

/** A rule, or a reply for the queue, which answers requests that no rule matches, in order of arrival. */
export type ScriptEntry = ReplySpec | Rule;

const replyKeys: Record<keyof Reply, true> = {
  items: true,
  annotations: true,
  text: true,
  json: true,
  refusal: true,
  toolCalls: true,
  handoffTo: true,
  finish: true,
  error: true,
  fault: true,
  hold: true,
  delayMs: true,
  tokenDelayMs: true,
  usage: true,
  headers: true,
};

const conditionKeys: Record<keyof Condition, true> = {
  api: true,
  model: true,
  streamed: true,
  agentInstructionsContain: true,
  lastUserContains: true,
  lastToolOutputContains: true,
  turn: true,
  nth: true,
};

const ruleKeys = { when: true, times: true, reply: true, turns: true };

function assertKeys(what: string, value: object, known: object): void {
  const unknown = Object.keys(value).filter((key) => !Object.hasOwn(known, key));
  if (unknown.length > 0) {
    throw new Error(`A ${what} has no ${unknown.join(', ')}; it has ${Object.keys(known).join(', ')}.`);
  }
}

/** The reply as an object. Throws an Error that lists the known fields when it has one that does not exist. */
export function toReply(spec: ReplySpec): Reply {
  if (typeof spec === 'string') return { text: spec };
  assertKeys('reply', spec, replyKeys);
  return spec;
}

/** Tells a rule from a reply. */
export function isRule(entry: ScriptEntry): entry is Rule {
  return typeof entry === 'object' && ('reply' in entry || 'turns' in entry);
}

/** Throws an Error that lists the known fields when the rule, its condition or a reply has one that does not exist. */
export function assertRule(rule: Rule): void {
  assertKeys('rule', rule, ruleKeys);
  assertKeys('condition', rule.when ?? {}, conditionKeys);
  for (const reply of rule.turns ?? [rule.reply]) toReply(reply);
}

/** The tool that the Agents SDK makes for a handoff to the agent of this name. */
export function handoffToolName(agentName: string): string {
  return `transfer_to_${agentName.replace(/[^a-zA-Z0-9]/g, '_')}`;
}

/** The holds of a reply as a list. */
export function holdsOf(reply: Reply): Hold[] {
  if (reply.hold === undefined) return [];
  if (typeof reply.hold === 'string') return [{ name: reply.hold }];
  return Array.isArray(reply.hold) ? reply.hold : [reply.hold];
}

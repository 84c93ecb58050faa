import type { Fault, Reply, ToolCallReply } from './reply.ts';

/**
 * Directives in the last user message say what the model answers, without a script; handy for curl and for load:
 *
 *   [[tool lookup_order {"order_id":"1001"}]]   calls a tool
 *   [[handoff orders]]                          hands over to the agent of that name
 *   [[text hello there]]                        answers with this text
 *   [[json {"ok":true}]]                        answers with JSON, for an agent with an output type
 *   [[tokens 50 5]]                             answers with 50 words, 5 ms between two (default 0)
 *   [[refuse no]]                               refuses
 *   [[delay 200]]                               waits 200 ms before the first byte of the next answer
 *   [[fail 503]] [[fail 503 2]]                 the next answer is this error; with a number, that often for the same
 *                                               request, and then it is what follows
 *   [[hang]] [[cut]] [[reset]] [[hang 3]] …     the next answer has this fault, at once or after 3 tokens
 *   [[truncate 3]] [[malformed 3]]              likewise
 *
 * Several are carried out turn by turn. Those joined by `+` make one answer: `[[tool a {}]]+[[tool b {}]]` calls both
 * in parallel. After the last one comes the default answer. What is no directive is text.
 */
export type DirectiveStep = {
  /** Undefined: the default answer, with the delay and the fault of `reply`. */
  answers: boolean;
  reply: Reply;
  fail: { status: number; times: number } | undefined;
};

type Token = { name: string; argument: string; joined: boolean };

const opening = /\[\[([a-z]+)[ \]]/g;

/** Where the directive that starts at `from` ends: at `]]`, in JSON outside of strings, lists and objects only. */
function findEnd(text: string, from: number, isJson: boolean): number {
  if (!isJson) return text.indexOf(']]', from);
  let depth = 0;
  let inString = false;
  for (let at = from; at < text.length; at++) {
    const char = text[at] ?? '';
    if (inString) {
      if (char === '\\') at++;
      else if (char === '"') inString = false;
    } else if (depth === 0 && text.startsWith(']]', at)) return at;
    else if (depth > 0 && char === '"') inString = true;
    else if ('{['.includes(char)) depth++;
    else if ('}]'.includes(char)) depth--;
  }
  return text.indexOf(']]', from);
}

/** Splits a message into its directives and what is left of it. */
function tokenize(text: string): { tokens: Token[]; rest: string } {
  const tokens: Token[] = [];
  let rest = '';
  let at = 0;
  opening.lastIndex = 0;
  for (let match = opening.exec(text); match !== null; match = opening.exec(text)) {
    const name = match[1] ?? '';
    const from = match.index + 2 + name.length;
    const end = findEnd(text, from, name === 'tool' || name === 'json');
    if (end === -1 || !(name in handlers)) continue;
    const joined = text.startsWith('+[[', end + 2);
    tokens.push({ name, argument: text.slice(from, end).trim(), joined });
    rest += text.slice(at, match.index);
    at = end + 2 + (joined ? 1 : 0);
    opening.lastIndex = at;
  }
  return { tokens, rest: (rest + text.slice(at)).trim() };
}

function parseToolCall(argument: string): ToolCallReply {
  const [name = '', ...rest] = argument.split(' ');
  const text = rest.join(' ').trim();
  return { name, arguments: text === '' ? {} : text };
}

/** As JSON when it is JSON, otherwise as the text. */
function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

function numbers(argument: string): number[] {
  return argument.split(' ').filter(Boolean).map(Number);
}

/** The words that `[[tokens n]]` answers with: `token1 token2 …`. */
export function manyTokens(count: number): string {
  return Array.from({ length: count }, (_, index) => `token${index + 1}`).join(' ');
}

function faultHandler(kind: 'hang' | 'cut' | 'reset' | 'truncate' | 'malformed'): Handler {
  return (step, argument) => {
    const afterTokens = numbers(argument)[0] ?? (kind === 'truncate' || kind === 'malformed' ? 0 : undefined);
    step.reply.fault = { kind, ...(afterTokens === undefined ? {} : { afterTokens }) } as Fault;
    return false;
  };
}

/** Adds a directive to a step; returns whether the step has its answer now. */
type Handler = (step: DirectiveStep, argument: string) => boolean;

const handlers: Record<string, Handler> = {
  tool: (step, argument) => {
    step.reply.toolCalls = [...(step.reply.toolCalls ?? []), parseToolCall(argument)];
    return true;
  },
  handoff: (step, argument) => {
    step.reply.handoffTo = argument;
    return true;
  },
  text: (step, argument) => {
    step.reply.text = argument;
    return true;
  },
  json: (step, argument) => {
    step.reply.json = parseJson(argument);
    return true;
  },
  tokens: (step, argument) => {
    const [count = 1, tokenDelayMs = 0] = numbers(argument);
    Object.assign(step.reply, { text: manyTokens(count), tokenDelayMs });
    return true;
  },
  refuse: (step, argument) => {
    step.reply.refusal = argument || 'I cannot help with that.';
    return true;
  },
  delay: (step, argument) => {
    step.reply.delayMs = numbers(argument)[0] ?? 0;
    return false;
  },
  fail: (step, argument) => {
    const [status = 500, times = Number.POSITIVE_INFINITY] = numbers(argument);
    step.fail = { status, times };
    return false;
  },
  hang: faultHandler('hang'),
  cut: faultHandler('cut'),
  reset: faultHandler('reset'),
  truncate: faultHandler('truncate'),
  malformed: faultHandler('malformed'),
};

/** The steps that a user's message asks for, and the message without its directives. */
export function parseDirectives(text: string): { steps: DirectiveStep[]; rest: string } {
  const { tokens, rest } = tokenize(text);
  const steps: DirectiveStep[] = [];
  let step: DirectiveStep | undefined;
  for (const { name, argument, joined } of tokens) {
    step ??= { answers: false, reply: {}, fail: undefined };
    step.answers = (handlers[name]?.(step, argument) ?? false) || step.answers;
    if (step.answers && !joined) {
      steps.push(step);
      step = undefined;
    }
  }
  if (step !== undefined) steps.push(step);
  return { steps, rest };
}

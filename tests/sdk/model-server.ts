/** A model server in this process that follows a script, for both APIs of OpenAI, and keeps every request. */
import type { ServerResponse } from 'node:http';
import { type Asked, startScriptedServer } from '../support/scripted-server.ts';
import { writeChat } from './chat-answer.ts';
import { writeResponse } from './response-answer.ts';
import { type Script, say, type Turn } from './script.ts';

type Fields = Record<string, unknown>;

/** A request that the server received. */
export type ModelCall = { path: string; body: Fields };

type Item = { role?: string; type?: string; content?: unknown };

const textOf = (content: unknown): string =>
  typeof content === 'string' ? content : Array.isArray(content) ? content.map(({ text = '' }) => text).join(' ') : '';

/** The items of a request; one text is a message of the user. */
function itemsOf({ messages, input }: Fields): Item[] {
  if (Array.isArray(messages)) return messages;
  return Array.isArray(input) ? input : [{ role: 'user', content: input }];
}

const isAnswer = ({ role, type = '' }: Item) =>
  role !== 'user' && role !== 'system' && role !== 'developer' && !isResult(type, role);
const isResult = (type: string, role?: string) =>
  role === 'tool' || (/_output$|^mcp_approval_response$/.test(type) && !/^(program|tool_search)_/.test(type));

/** How many answers there were since the newest message of the user: calls and texts in a row are one. */
function turnOf(items: Item[]): number {
  const since = items.slice(items.findLastIndex(({ role }) => role === 'user') + 1);
  let turn = 0;
  for (const [at, item] of since.entries()) {
    const before = since[at - 1];
    const begins =
      before === undefined ||
      !isAnswer(before) ||
      (before.role === 'assistant' && item.role === 'assistant' && 'tool_calls' in before);
    if (isAnswer(item) && begins) turn += 1;
  }
  return turn;
}

/** The answer that the script has for a request. */
function answerTo(body: Fields, script: Script): Turn {
  const items = itemsOf(body);
  const said = [
    String(body.instructions ?? ''),
    ...items.filter(({ role }) => role === 'system' || role === 'developer').map(({ content }) => textOf(content)),
    textOf(items.findLast(({ role }) => role === 'user')?.content),
  ].join('\n');
  const turns = Array.isArray(script)
    ? (script as readonly Turn[])
    : (Object.entries(script as Record<string, readonly Turn[]>).find(([words]) => said.includes(words))?.[1] ?? []);
  return turns[Math.min(turnOf(items), turns.length - 1)] ?? say('There is no script for this.');
}

/** Starts a server; `script` says what it answers from then on. */
export async function startModelServer() {
  const server = await startScriptedServer();
  let script: Script = [];
  let answers = 0;

  const asModelCall = ({ url, body }: Asked): ModelCall => ({ path: url, body: body ? JSON.parse(body) : {} });

  function respond(response: ServerResponse): void {
    const { path, body } = asModelCall(server.asked.at(-1) as Asked);
    const turn = answerTo(body, script);
    answers += 1;
    if (turn.status !== undefined) {
      response.writeHead(turn.status, { 'content-type': 'application/json' });
      response.end(JSON.stringify({ error: { message: 'scripted', type: 'scripted', code: null } }));
    } else (path.endsWith('/responses') ? writeResponse : writeChat)(response, { turn, body, number: answers });
  }

  server.respond = respond;
  return {
    baseUrl: server.baseUrl,
    /** Follows this script, and forgets the requests so far. */
    follow(next: Script): void {
      script = next;
      server.asked.length = 0;
    },
    /** The calls of models since then. */
    calls: (): ModelCall[] => server.asked.filter(({ method }) => method === 'POST').map(asModelCall),
    [Symbol.asyncDispose]: () => server[Symbol.asyncDispose](),
  };
}

/** A running server. */
export type ModelServer = Awaited<ReturnType<typeof startModelServer>>;

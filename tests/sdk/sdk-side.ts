/** The SDK's own side of a comparison: its `Runner`, its provider and its session, on the same model server. */
import {
  type AgentInputItem,
  type MCPServer,
  MemorySession,
  OpenAIProvider,
  Runner,
  type RunResult,
} from '@openai/agents';
import OpenAI from 'openai';
import type { AnyAgent, Api, Message, PlayedCase } from './case.ts';
import type { ModelServer } from './model-server.ts';
import { type AskedCall, comparableCalls, countsOf, type Ending, type Play } from './played.ts';

/** What is played: a case, with one of the APIs, streamed or whole. */
export type Setup = {
  each: PlayedCase;
  api: Api;
  server: ModelServer;
  streamed: boolean;
  /** Whether all messages are of one session. */
  inSession: boolean;
};

// biome-ignore lint/suspicious/noExplicitAny: results are of whatever output type the agent has
type Result = RunResult<any, any>;
type Runnable = string | AgentInputItem[] | Result['state'];

/** The messages of a case; in a session there are two at least. */
export function messagesOf({ messages = ['Hello.'] }: PlayedCase, inSession: boolean): readonly Message[] {
  return inSession && messages.length === 1 ? [...messages, ...messages] : messages;
}

const inputOf = (message: Message): string | AgentInputItem[] =>
  typeof message === 'string' ? [{ role: 'user', content: message }] : message.input;

const parsed = (args: unknown): unknown => (typeof args === 'string' ? JSON.parse(args) : args);

/** What a hosted MCP server is asked to do, which the SDK shows in the item of the provider only. */
type HostedCall = { server_label?: string; name?: string; arguments?: string };

/** The question that an interruption asks. The service also names the server of a hosted call, and the commands of a shell. */
function questionOf(item: Result['interruptions'][number]): AskedCall {
  const hosted = (item.rawItem.providerData ?? {}) as HostedCall;
  const tool = hosted.server_label === undefined ? (item.name ?? '') : `${hosted.server_label}.${hosted.name}`;
  const shell = item.rawItem.type === 'shell_call' ? { commands: item.rawItem.action.commands } : undefined;
  return { agent: item.agent.name, tool, arguments: parsed(item.arguments ?? hosted.arguments ?? shell ?? '{}') };
}

/** Applies what the person of the case decides. */
function decide({ interruptions, state }: Result, each: PlayedCase): void {
  for (const item of interruptions) {
    const decision = each.decide?.(questionOf(item)) ?? { approve: true };
    const { reason, always } = decision;
    if (decision.approve) state.approve(item, { alwaysApprove: always ?? false });
    else state.reject(item, { alwaysReject: always ?? false, ...(reason === undefined ? {} : { message: reason }) });
  }
}

/** The SDK's runner on the model server. */
function runnerOf({ each, api, server }: Setup): Runner {
  const client = new OpenAI({ baseURL: server.baseUrl, apiKey: 'sk-test', maxRetries: 0, logLevel: 'off' });
  const modelProvider = new OpenAIProvider({ openAIClient: client, useResponses: api === 'responses' });
  return new Runner({ ...each.runner, modelProvider, tracingDisabled: true });
}

/** Runs an agent once, and hands on the text that it streams. */
async function runOnce(
  runner: Runner,
  agent: AnyAgent,
  input: Runnable,
  options: object,
  said: ((text: string) => void) | null,
): Promise<Result> {
  if (said === null) return (await runner.run(agent, input, options)) as Result;
  const result = await runner.run(agent, input, { ...options, stream: true });
  for await (const event of result) {
    if (event.type === 'raw_model_stream_event' && event.data.type === 'output_text_delta') said(event.data.delta);
  }
  await result.completed;
  return result as unknown as Result;
}

/** Plays a case by the SDK. */
export async function playSdk(setup: Setup): Promise<Play> {
  const { each, server, streamed, inSession } = setup;
  const notes: string[] = [];
  const servers: MCPServer[] = [];
  const agents = each.agents({
    note: (what) => notes.push(what),
    server: (added) => {
      servers.push(added);
      return added;
    },
    modelUrl: server.baseUrl,
  });
  for (const each of servers) await each.connect();
  let [agent] = Object.values(agents) as [AnyAgent];
  const runner = runnerOf(setup);
  const session = inSession ? new MemorySession() : undefined;
  const play: Omit<Play, 'done' | 'calls'> = { endings: [], asked: [], text: [] };

  async function toEnd(message: Message): Promise<Ending> {
    const { maxTurns, errorHandlers } = each.runner ?? {};
    const options = { context: structuredClone(each.context ?? {}), session, maxTurns, errorHandlers };
    const said = streamed ? (text: string) => void play.text.push(`${play.text.pop()}${text}`) : null;
    const run = (input: Runnable) => runOnce(runner, agent, input, options, said);
    if (streamed) play.text.push('');
    try {
      let result = await run(inputOf(message));
      while (result.interruptions.length > 0) {
        play.asked.push(...result.interruptions.map(questionOf));
        decide(result, each);
        result = await run(result.state);
      }
      if (each.lastAgent && inSession) agent = result.lastAgent as AnyAgent;
      return { output: result.finalOutput };
    } catch (error) {
      return { error: (error as Error).constructor.name };
    }
  }

  server.follow(each.script);
  for (const message of messagesOf(each, inSession)) play.endings.push(await toEnd(message));
  for (const each of servers) await each.close();
  return { ...play, done: countsOf(notes), calls: comparableCalls(server.calls(), each.parallel === true) };
}

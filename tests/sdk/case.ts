import type { Agent, AgentInputItem, MCPServer, RunConfig, RunErrorHandlers } from '@openai/agents';
import type { ServeOptions } from '../../src/process/serve-options.ts';
import type { Script } from './script.ts';

/** Agents of whatever context and output. */
// biome-ignore lint/suspicious/noExplicitAny: agents of any context and output are served
export type AnyAgent = Agent<any, any>;

/** The two APIs of model servers. */
export const apis = ['responses', 'chat_completions'] as const;
export type Api = (typeof apis)[number];

/** What a run does that a person could see from outside: mails sent, shells run, hooks called. */
export type World = {
  /** Notes that something happened, by words of its own. */
  note(what: string): void;
  /** Keeps an MCP server of the agents, which an app of the SDK connects and closes itself. */
  server<Server extends MCPServer>(server: Server): Server;
  /** The address of the model server, for apps that make clients of their own. */
  modelUrl: string;
};

/** What a person decides about a call. */
export type Decision = { approve: boolean; reason?: string; always?: true };

/** A message of the user: text, or what the service is sent in the place of `message`, and the SDK as its input. */
export type Message = string | { body: Record<string, unknown>; input: AgentInputItem[] };

/** What a case serves, and what the SDK is asked to do. */
type Played = {
  /** The agents by their names, the first of which is asked. Made for each play anew. */
  agents(world: World): Record<string, AnyAgent>;
  script: Script;
  /** The messages of the user, each a run. Defaults to one. */
  messages?: readonly Message[];
  /** The run's context, for which the service has the option `context`. Defaults to an empty record. */
  context?: Record<string, unknown>;
  /** What a person decides. Defaults to approving everything. */
  decide?(call: { tool: string; arguments: unknown }): Decision;
  /** What the SDK's runner is given; the service has the option `runner` for it. */
  runner?: Partial<RunConfig> & { maxTurns?: number; errorHandlers?: RunErrorHandlers<unknown, AnyAgent> };
  /** Further options of `serve()`. */
  options?: Partial<ServeOptions> & Record<string, unknown>;
  /** The APIs that have it. Defaults to both. */
  apis?: readonly Api[];
  /** Model calls or tool calls of a run overlap, so that their order is not compared, nor what was in flight at a crash. */
  parallel?: true;
  /** What is counted is called before the step that records it: at a crash between the two, once more. */
  hooks?: true;
  /** How the run fails: the SDK's error, and the code of the service. */
  fails?: { sdk: string; code: string };
  /** The service asks once more for an answer with which the SDK fails at once: no step is recorded, and a request repeated. */
  asksAgain?: true;
  /** In a session the next run begins at the agent that spoke last, as the service does with `continueWith`. */
  lastAgent?: true;
};

/** What happens at the start of a service that cannot serve it. */
type Refused = {
  /** What is given to `serve()`. */
  refused(): object | Promise<object>;
  /** A part of the message. */
  message: string;
};

/** One feature of the SDK, with an agent that uses it. */
export type SdkCase = {
  /** What the feature is called; the row of the table in docs/migrate.md. */
  feature: string;
  /** A service that moves in runs as it did (`works`), with a change (`how`), or is refused at the start (`not`). */
  status: 'works' | 'how' | 'not';
  /** For `how` the change, for `not` what to use instead; for `works` what is worth knowing. */
  note?: string;
} & (Played | Refused);

/** A case that is played by both. */
export type PlayedCase = Extract<SdkCase, Played>;
/** A case that is refused. */
export type RefusedCase = Extract<SdkCase, Refused>;

/** Whether a case is refused at the start. */
export const isRefused = (each: SdkCase): each is RefusedCase => 'refused' in each;

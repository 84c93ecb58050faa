import { Agent, applyPatchTool, computerTool, hostedMcpTool, Runner, shellTool, type Tool, tool } from '@openai/agents';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { z } from 'zod';
import { createChainBench, providerAt } from '../../../tests/support/chain-bench.ts';
import {
  callItem,
  chatAnswer,
  chatChunk,
  chatDone,
  chatToolCall,
  messageItem,
  responseAnswer,
  responseBegun,
  responseCompleted,
} from '../../../tests/support/model-answers.ts';
import { json, type ScriptedServer, startScriptedServer, stream } from '../../../tests/support/scripted-server.ts';

let first: ScriptedServer;
let second: ScriptedServer;
beforeAll(async () => {
  [first, second] = await Promise.all([startScriptedServer(), startScriptedServer()]);
});
afterAll(() => Promise.all([first?.[Symbol.asyncDispose](), second?.[Symbol.asyncDispose]()]));

type Body = { stream?: boolean; input?: { type?: string }[]; messages?: { role: string }[] };
type Api = 'chat_completions' | 'responses';
type Answer = { streamed: string; whole: object };

const responseOf = (...output: object[]): Answer => ({
  streamed: responseBegun + responseCompleted(output as never[]),
  whole: responseAnswer(output as never[]),
});
const chatOf = (name: string): Answer => ({
  streamed:
    chatChunk({ tool_calls: [{ index: 0, ...chatToolCall('c1', name, '{}') }] }) +
    chatChunk({}, 'tool_calls') +
    chatDone,
  whole: chatAnswer({ content: null, tool_calls: [chatToolCall('c1', name, '{}')] }, 'tool_calls'),
});
const chatSaid: Answer = {
  streamed: chatChunk({ content: 'Seen' }) + chatChunk({}, 'stop') + chatDone,
  whole: chatAnswer({ content: 'Seen' }),
};
const said = { responses: responseOf(messageItem('Seen')), chat_completions: chatSaid };
const calling = (api: Api, name: string): Answer =>
  api === 'responses' ? responseOf(callItem('c1', name, '{}')) : chatOf(name);

/** Answers each request with what a function chooses by its body. */
function answering(server: ScriptedServer, choose: (body: Body) => Answer): void {
  server.asked.length = 0;
  server.respond = (response) => {
    const body = JSON.parse(server.asked.at(-1)?.body ?? '{}') as Body;
    const { streamed, whole } = choose(body);
    (body.stream === true ? stream(streamed) : json(whole))(response);
  };
}

const hasResult = ({ input, messages }: Body): boolean =>
  input?.some(({ type }) => type?.endsWith('_output')) === true ||
  messages?.some(({ role }) => role === 'tool') === true;

const look = tool({ name: 'look', description: 'Looks.', parameters: z.object({}), execute: () => 'ok' });
const agentWith = (...tools: Tool[]) => new Agent({ name: 'A', model: 'm', tools: [look, ...tools] });

type Way = { api: Api; streamed: boolean; isAlone?: boolean };

/** The final output of a run of the SDK's own Runner over the chain; or its error. */
async function runOver(agent: Agent, { api, streamed, isAlone = true }: Way, options: object = {}): Promise<unknown> {
  const providers = [providerAt('first', first.baseUrl, { api }), providerAt('second', second.baseUrl, { api })];
  const { chain } = createChainBench({ providers: isAlone ? providers.slice(0, 1) : providers });
  const runner = new Runner({ modelProvider: chain.provider, tracingDisabled: true, ...options });
  try {
    if (!streamed) return (await runner.run(agent, 'Hi', { maxTurns: 5 })).finalOutput;
    const result = await runner.run(agent, 'Hi', { maxTurns: 5, stream: true });
    for await (const _ of result);
    await result.completed;
    return result.finalOutput;
  } catch (error) {
    return error;
  }
}

const ways = (['responses', 'chat_completions'] as const).flatMap((api) => [
  { api, streamed: true },
  { api, streamed: false },
]);

describe.each(ways)('a function that the agent does not have ($api, streamed: $streamed)', (way) => {
  test.each(['peek', 'Look', 'functions.look', 'look ahead', 'transfer_to_B'])(
    '%s is asked for twice, then told',
    async (name) => {
      answering(first, () => calling(way.api, name));
      expect(await runOver(agentWith(), way)).toMatchObject({
        code: 'tool_not_found',
        status: 502,
        message: `The model called the tool "${name}", which the agent does not have.`,
      });
      expect(first.asked).toHaveLength(2);
    },
  );

  test('is answered by the next provider', async () => {
    answering(first, () => calling(way.api, 'peek'));
    answering(second, () => said[way.api]);
    expect(await runOver(agentWith(), { ...way, isAlone: false })).toBe('Seen');
    expect([first.asked.length, second.asked.length]).toEqual([2, 1]);
  });

  test.each(['look', ' look', 'look\n'])(
    'is another one than one whose name has blanks around it: %j',
    async (name) => {
      answering(first, (body) => (hasResult(body) ? said[way.api] : calling(way.api, name)));
      expect(await runOver(agentWith(), way)).toBe('Seen');
      expect(first.asked).toHaveLength(2);
    },
  );

  test('is another one than a handoff', async () => {
    const other = new Agent({ name: 'B', model: 'm' });
    const agent = new Agent({ name: 'A', model: 'm', handoffs: [other] });
    answering(first, (body) => (hasResult(body) ? said[way.api] : calling(way.api, 'transfer_to_B')));
    expect(await runOver(agent, way)).toBe('Seen');
  });
});

const shellCall = { id: 'sh_1', type: 'shell_call', call_id: 'c1', status: 'completed', action: { commands: ['ls'] } };
const patchCall = {
  id: 'p_1',
  type: 'apply_patch_call',
  call_id: 'c1',
  status: 'completed',
  operation: { type: 'delete_file', path: 'a' },
};
const computerCall = {
  id: 'cu_1',
  type: 'computer_call',
  call_id: 'c1',
  status: 'completed',
  action: { type: 'wait' },
  pending_safety_checks: [],
};
const approval = { id: 'mcpr_1', type: 'mcp_approval_request', server_label: 'docs', name: 'read', arguments: '{}' };

const items: [string, object, called: string][] = [
  ['shell_call', shellCall, 'a tool of the type shell'],
  ['apply_patch_call', patchCall, 'a tool of the type apply_patch'],
  ['computer_call', computerCall, 'a tool of the type computer'],
  ['mcp_approval_request', approval, 'the MCP server "docs"'],
  [
    'local_shell_call',
    { id: 'l_1', type: 'local_shell_call', call_id: 'c1', action: {} },
    'a tool by local_shell_call',
  ],
  [
    'custom_tool_call',
    { id: 'ctc_1', type: 'custom_tool_call', call_id: 'c1', name: 'sql', input: 'select 1' },
    'a tool by custom_tool_call',
  ],
  ['a call that nobody knows', { id: 'x_1', type: 'teleport_call', call_id: 'c1' }, 'a tool by teleport_call'],
];

describe.each([true, false])('an item of a tool that the agent does not have (streamed: %s)', (streamed) => {
  const way = { api: 'responses', streamed } as const;

  test.each(items)('is never left out: %s', async (_, item, called) => {
    answering(first, () => responseOf(messageItem('I shall look.'), item));
    expect(await runOver(agentWith(), way)).toMatchObject({
      code: 'tool_not_found',
      message: `The model called ${called}, which the agent does not have.`,
    });
    expect(first.asked).toHaveLength(2);
  });

  test('is none if it is no call, or if its output stands beside it', async () => {
    const teleport = { id: 'x_1', type: 'teleport_call', call_id: 'c1' };
    const arrived = { id: 'x_2', type: 'teleport_call_output', call_id: 'c1' };
    for (const others of [[{ id: 'n_1', type: 'note' }], [{ id: 's_1', type: 'scan_call' }], [teleport, arrived]]) {
      answering(first, () => responseOf(...others, messageItem('Seen')));
      expect(await runOver(agentWith(), way)).toBe('Seen');
    }
  });

  test('is another one than that of a tool which the agent has', async () => {
    const done = async () => ({
      output: [{ stdout: 'a', stderr: '', outcome: { type: 'exit' as const, exitCode: 0 } }],
    });
    const patched = async () => ({ status: 'completed' as const, output: 'ok' });
    const nothing = async () => {};
    const computer = {
      environment: 'browser' as const,
      dimensions: [1, 1] as [number, number],
      screenshot: async () => '',
      ...{ click: nothing, doubleClick: nothing, drag: nothing, keypress: nothing, move: nothing },
      ...{ scroll: nothing, type: nothing, wait: nothing },
    };
    const having: [object, Tool][] = [
      [shellCall, shellTool({ shell: { run: done } })],
      [patchCall, applyPatchTool({ editor: { createFile: patched, updateFile: patched, deleteFile: patched } })],
      [computerCall, computerTool({ computer })],
    ];
    for (const [item, its] of having) {
      answering(first, (body) => (hasResult(body) ? said.responses : responseOf(item)));
      expect(await runOver(agentWith(its), way)).toBe('Seen');
    }
  });

  test('is another one than a request for approval of an MCP server which the agent has', async () => {
    const approved = async () => ({ approve: true });
    const docs = hostedMcpTool({
      serverLabel: 'docs',
      serverUrl: 'http://127.0.0.1:1',
      requireApproval: 'always',
      onApproval: approved,
    });
    const isDecided = ({ input }: Body) => input?.some(({ type }) => type === 'mcp_approval_response') === true;
    answering(first, (body) => (isDecided(body) ? said.responses : responseOf(approval)));
    expect(await runOver(agentWith(docs), way)).toBe('Seen');
  });
});

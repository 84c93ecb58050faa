import { createRequire } from 'node:module';
import { Agent, setDefaultModelProvider, setTraceProcessors } from '@openai/agents';
import { RealtimeAgent } from '@openai/agents/realtime';
import { SandboxAgent } from '@openai/agents/sandbox';
import type { SdkCase } from '../case.ts';

const helper = () => ({ Helper: new Agent({ name: 'Helper', instructions: 'Help.' }) });

class Client {
  url = 'https://example.com';
}

/** What is refused at the start, each with what to use instead. */
export const refusedCases: SdkCase[] = [
  {
    feature: 'Context with instances of classes, such as clients',
    status: 'not',
    note: 'The context has to be plain JSON; clients stand in variables of a module.',
    refused: () => ({ agents: helper(), context: () => ({ client: new Client() }) }),
    message: 'context.client is',
  },
  {
    feature: 'Options that `serve()` does not have',
    status: 'not',
    note: 'The start ends with the nearest name.',
    refused: () => ({ agents: helper(), inputGuardrails: [] }),
    message: 'serve() has no option "inputGuardrails"',
  },
  {
    feature: 'Apps written as CommonJS (`require()`)',
    status: 'not',
    note: 'Write it as ES modules: `"type": "module"`, and `import` in the place of `require()`.',
    refused: () => {
      const sdk = createRequire(import.meta.url)('@openai/agents') as typeof import('@openai/agents');
      return { agents: { Helper: new sdk.Agent({ name: 'Helper', instructions: 'Help.' }) } };
    },
    message: "was made by require('@openai/agents')",
  },
  {
    feature: '`RealtimeAgent`',
    status: 'not',
    note: 'Voice agents need a connection of their own to the browser; serve them beside this service.',
    refused: () => ({ agents: { Voice: new RealtimeAgent({ name: 'Voice', instructions: 'x' }) } }),
    message: 'RealtimeAgent',
  },
  {
    feature: '`SandboxAgent`',
    status: 'not',
    note: 'Use an agent with `shellTool()`, whose shell is the sandbox.',
    refused: () => ({ agents: { Sandbox: new SandboxAgent({ name: 'Sandbox', instructions: 'x' }) } }),
    message: 'SandboxAgent',
  },
];

/** What is configured in the SDK as a whole. Each test has a process of its own, which it spoils. */
export const configurationCases: SdkCase[] = [
  {
    feature: '`setDefaultModelProvider()`, `setDefaultOpenAIClient()`, `setDefaultOpenAIKey()`, `setOpenAIAPI()`',
    status: 'not',
    note: 'Settings (`OPENAI_BASE_URL`, `OPENAI_API_KEY`, `OPENAI_API`) or the option `providers`.',
    refused: () => {
      setDefaultModelProvider({ getModel: () => Promise.reject(new Error('not asked')) });
      return { agents: helper() };
    },
    message: 'setDefaultModelProvider()',
  },
  {
    feature: '`setTraceProcessors()`, `addTraceProcessor()` before `serve()`',
    status: 'not',
    note: 'Call it in `onStart`, with `setTracingDisabled(false)`.',
    refused: () => {
      setTraceProcessors([{ start: () => {}, shutdown: async () => {} } as never]);
      return { agents: helper() };
    },
    message: 'setTraceProcessors()',
  },
];

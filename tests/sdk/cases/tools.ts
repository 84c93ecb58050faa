import { Agent, programmaticToolCallingTool, tool, toolNamespace, toolSearchTool } from '@openai/agents';
import { z } from 'zod';
import type { SdkCase } from '../case.ts';
import { call, say } from '../script.ts';
import { counted, item, none, toolOf } from './pieces.ts';

const add = ({ note }: { note(what: string): void }) =>
  tool({
    name: 'add',
    description: 'Adds two numbers.',
    parameters: z.object({ a: z.number(), b: z.number().nullable() }),
    execute: async ({ a, b }) => {
      note('add');
      return String(a + (b ?? 0));
    },
  });

/** Resolves once its signal is aborted, and never else. */
const untilAborted = (signal: AbortSignal | undefined) =>
  new Promise<string>((resolve) => signal?.addEventListener('abort', () => resolve('late'), { once: true }));

/** A schema of the Standard Schema interface, written by hand. */
const standardSchema = {
  '~standard': {
    version: 1 as const,
    vendor: 'by hand',
    validate: (value: unknown) => ({ value: value as { city: string } }),
    jsonSchema: {
      input: () => ({
        type: 'object',
        properties: { city: { type: 'string' } },
        required: ['city'],
        additionalProperties: false,
      }),
      output: () => ({
        type: 'object',
        properties: { city: { type: 'string' } },
        required: ['city'],
        additionalProperties: false,
      }),
    },
  },
};

/** Function tools: their schemas, arguments, mistakes and limits. */
export const toolCases: SdkCase[] = [
  {
    feature: 'Function tools with a zod schema',
    status: 'works',
    agents: (world) => ({ Sums: new Agent({ name: 'Sums', instructions: 'Add.', tools: [add(world)] }) }),
    script: [call('add', { a: 1, b: 2 }), say('Three.')],
  },
  {
    feature: 'Function tools with a JSON schema, and `strict: false`',
    status: 'works',
    agents: ({ note }) => ({
      Sums: new Agent({
        name: 'Sums',
        instructions: 'Add.',
        tools: [
          tool({
            name: 'echo',
            description: 'Repeats.',
            strict: false,
            parameters: {
              type: 'object',
              properties: { text: { type: 'string' } },
              required: [],
              additionalProperties: true,
            },
            execute: async (input) => {
              note('echo');
              return input;
            },
          }),
        ],
      }),
    }),
    script: [call('echo', { text: 'hi', more: [1] }), say('Hi.')],
  },
  {
    feature: 'Function tools with a Standard Schema (valibot, ArkType …)',
    status: 'works',
    agents: ({ note }) => ({
      Weather: new Agent({
        name: 'Weather',
        instructions: 'Tell.',
        tools: [
          tool({
            name: 'weather',
            description: 'Tells the weather.',
            parameters: standardSchema as never,
            execute: async (input: unknown) => {
              note('weather');
              return `Sun in ${(input as { city: string }).city}`;
            },
          }),
        ],
      }),
    }),
    script: [call('weather', { city: 'Rome' }), say('Sun.')],
  },
  {
    feature: 'Arguments that break the schema',
    status: 'works',
    agents: (world) => ({ Sums: new Agent({ name: 'Sums', instructions: 'Add.', tools: [add(world)] }) }),
    script: [call('add', { a: 'one', b: 2 }), call('add', { a: 1, b: 2 }), say('Three.')],
  },
  {
    feature: 'Arguments that are no JSON',
    status: 'works',
    note: 'The model is told, and corrects itself.',
    agents: (world) => ({ Sums: new Agent({ name: 'Sums', instructions: 'Add.', tools: [add(world)] }) }),
    script: [call('add', '{"a":'), call('add', { a: 1, b: 2 }), say('Three.')],
  },
  {
    feature: 'A tool that does not exist',
    status: 'works',
    note: 'The run fails with `tool_not_found`, 502, which names the tool, after it was asked for again.',
    agents: (world) => ({ Sums: new Agent({ name: 'Sums', instructions: 'Add.', tools: [add(world)] }) }),
    script: [call('subtract')],
    fails: { sdk: 'ModelBehaviorError', code: 'tool_not_found' },
    asksAgain: true,
  },
  {
    feature: 'A tool that throws',
    status: 'works',
    agents: ({ note }) => ({
      Broken: new Agent({
        name: 'Broken',
        instructions: 'Try.',
        tools: [
          toolOf('fail', () => {
            note('fail');
            throw new RangeError('broken');
          }),
        ],
      }),
    }),
    script: [call('fail'), say('It failed.')],
  },
  {
    feature: 'A tool that throws: `errorFunction` of one’s own, and null',
    status: 'works',
    note: 'With null the run fails with `agent_error`.',
    agents: ({ note }) => {
      const failing = (name: string, errorFunction: ((context: unknown, error: unknown) => string) | null) =>
        tool({
          name,
          description: 'Fails.',
          parameters: none,
          errorFunction: errorFunction as never,
          execute: async () => {
            note(name);
            throw new RangeError(`${name} broke`);
          },
        });
      return {
        Broken: new Agent({
          name: 'Broken',
          instructions: 'Try.',
          tools: [failing('told', (_context, error) => `Sorry: ${(error as Error).message}`), failing('fatal', null)],
        }),
      };
    },
    script: [call('told'), call('fatal'), say('Never said.')],
    fails: { sdk: 'ToolCallError', code: 'agent_error' },
  },
  {
    feature: 'A tool’s own time limit (`timeoutMs`)',
    status: 'works',
    agents: () => ({
      Slow: new Agent({
        name: 'Slow',
        instructions: 'Wait.',
        tools: [
          tool({
            name: 'slow',
            description: 'Is slow.',
            parameters: none,
            timeoutMs: 20,
            execute: async (_input, _context, details) => untilAborted(details?.signal),
          }),
        ],
      }),
    }),
    script: [call('slow'), say('It took too long.')],
  },
  {
    feature: 'A tool’s own time limit that ends the run (`timeoutBehavior: "raise_exception"`)',
    status: 'works',
    note: 'The run fails with `tool_timeout`, which names the tool.',
    agents: () => ({
      Slow: new Agent({
        name: 'Slow',
        instructions: 'Wait.',
        tools: [
          tool({
            name: 'slow',
            description: 'Is slow.',
            parameters: none,
            timeoutMs: 20,
            timeoutBehavior: 'raise_exception',
            execute: async (_input, _context, details) => untilAborted(details?.signal),
          }),
        ],
      }),
    }),
    script: [call('slow'), say('Never said.')],
    fails: { sdk: 'ToolTimeoutError', code: 'tool_timeout' },
  },
  {
    feature: 'Tools that are enabled by the context (`isEnabled`)',
    status: 'works',
    agents: (world) => {
      const pay = tool({
        name: 'pay',
        description: 'Pays.',
        parameters: none,
        isEnabled: ({ runContext }) => (runContext.context as { isAdmin: boolean }).isAdmin,
        execute: async () => 'paid',
      });
      return { Desk: new Agent({ name: 'Desk', instructions: 'Help.', tools: [pay, counted(world, 'look_up')] }) };
    },
    context: { isAdmin: false },
    script: [call('look_up'), say('Found.')],
  },
  {
    feature: 'Several tools at once (`parallelToolCalls`)',
    status: 'works',
    agents: (world) => ({
      Busy: new Agent({
        name: 'Busy',
        instructions: 'Do both.',
        tools: [counted(world, 'one'), counted(world, 'two')],
        modelSettings: { parallelToolCalls: true },
      }),
    }),
    script: [{ calls: [{ name: 'one' }, { name: 'two' }] }, say('Both.')],
    parallel: true,
  },
  {
    feature: '`toolUseBehavior`: the first tool’s output is the answer',
    status: 'works',
    agents: (world) => ({
      First: new Agent({
        name: 'First',
        instructions: 'Do.',
        tools: [counted(world, 'one')],
        toolUseBehavior: 'stop_on_first_tool',
      }),
    }),
    script: [call('one')],
  },
  {
    feature: '`toolUseBehavior`: tools by name end the run',
    status: 'works',
    agents: (world) => ({
      Named: new Agent({
        name: 'Named',
        instructions: 'Do.',
        tools: [counted(world, 'one'), counted(world, 'last')],
        toolUseBehavior: { stopAtToolNames: ['last'] },
      }),
    }),
    script: [call('one'), call('last')],
  },
  {
    feature: 'Namespaces of tools (`toolNamespace`)',
    status: 'works',
    agents: (world) => ({
      Crm: new Agent({
        name: 'Crm',
        instructions: 'Look up.',
        tools: toolNamespace({ name: 'crm', description: 'Customers.', tools: [counted(world, 'customer')] }),
      }),
    }),
    script: [{ calls: [{ name: 'customer', namespace: 'crm' }] }, say('Found.')],
    apis: ['responses'],
  },
  {
    feature: 'Deferred tools with tool search',
    status: 'works',
    agents: ({ note }) => {
      const stock = tool({
        name: 'stock',
        description: 'Tells the stock.',
        parameters: none,
        deferLoading: true,
        execute: async () => {
          note('stock');
          return '7 left';
        },
      });
      return { Shop: new Agent({ name: 'Shop', instructions: 'Sell.', tools: [stock, toolSearchTool()] }) };
    },
    script: [
      {
        items: [
          {
            id: 'ts_#',
            type: 'tool_search_call',
            call_id: null,
            execution: 'server',
            status: 'completed',
            arguments: { paths: ['stock'] },
          },
          {
            id: 'tso_#',
            type: 'tool_search_output',
            call_id: null,
            execution: 'server',
            status: 'completed',
            tools: [
              {
                type: 'function',
                name: 'stock',
                description: 'Tells the stock.',
                defer_loading: true,
                strict: true,
                parameters: { type: 'object', properties: {}, required: [], additionalProperties: false },
              },
            ],
          },
        ],
        calls: [{ name: 'stock' }],
      },
      say('7 left.'),
    ],
    apis: ['responses'],
  },
  {
    feature: 'Programmatic tool calling',
    status: 'works',
    agents: ({ note }) => {
      const price = tool({
        name: 'price',
        description: 'Tells a price.',
        parameters: none,
        allowedCallers: ['programmatic'],
        execute: async () => {
          note('price');
          return '3 EUR';
        },
      });
      return {
        Shop: new Agent({ name: 'Shop', instructions: 'Sell.', tools: [price, programmaticToolCallingTool()] }),
      };
    },
    script: [
      {
        items: [
          { id: 'pr_#', type: 'program', call_id: 'prog_1', code: 'await price()', fingerprint: 'f1' },
          {
            id: 'fc_#',
            type: 'function_call',
            status: 'completed',
            call_id: 'call_#',
            name: 'price',
            arguments: '{}',
            caller: { type: 'program', caller_id: 'prog_1' },
          },
        ],
      },
      item(
        { id: 'po_#', type: 'program_output', call_id: 'prog_1', result: '3 EUR', status: 'completed' },
        'It is 3 EUR.',
      ),
    ],
    apis: ['responses'],
  },
];

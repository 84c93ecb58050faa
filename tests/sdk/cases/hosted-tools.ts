import {
  Agent,
  codeInterpreterTool,
  fileSearchTool,
  hostedMcpTool,
  imageGenerationTool,
  shellTool,
  webSearchTool,
} from '@openai/agents';
import type { SdkCase } from '../case.ts';
import { say } from '../script.ts';
import { item } from './pieces.ts';

const searching =
  (...tools: Agent['tools']) =>
  () => ({
    Searcher: new Agent({ name: 'Searcher', instructions: 'Search.', tools }),
  });

const note = 'Calls are events of the run, `tool.started` and `tool.completed`; citations and files are in its answer.';

/** Tools that the provider carries out. */
export const hostedToolCases: SdkCase[] = [
  {
    feature: 'Web search',
    status: 'works',
    note,
    agents: searching(webSearchTool()),
    script: [
      item(
        { id: 'ws_#', type: 'web_search_call', status: 'completed', action: { type: 'search', query: 'x' } },
        'Found.',
      ),
    ],
    apis: ['responses'],
  },
  {
    feature: 'File search',
    status: 'works',
    note,
    agents: searching(fileSearchTool(['vs_1'], { includeSearchResults: true, maxNumResults: 3 })),
    script: [
      item(
        {
          id: 'fs_#',
          type: 'file_search_call',
          status: 'completed',
          queries: ['x'],
          results: [{ file_id: 'f', text: 't' }],
        },
        'Found.',
      ),
    ],
    apis: ['responses'],
  },
  {
    feature: 'Code interpreter',
    status: 'works',
    note,
    agents: searching(codeInterpreterTool({ container: { type: 'auto' } })),
    script: [
      item(
        { id: 'ci_#', type: 'code_interpreter_call', status: 'completed', code: '1+1', container_id: 'c', outputs: [] },
        'Two.',
      ),
    ],
    apis: ['responses'],
  },
  {
    feature: 'Image generation',
    status: 'works',
    note,
    agents: searching(imageGenerationTool({ size: '1024x1024' })),
    script: [
      item({ id: 'ig_#', type: 'image_generation_call', status: 'completed', result: 'iVBORw0KGgo=' }, 'Painted.'),
    ],
    apis: ['responses'],
  },
  {
    feature: 'Hosted MCP servers',
    status: 'works',
    note,
    agents: searching(
      hostedMcpTool({ serverLabel: 'docs', serverUrl: 'https://mcp.example/docs', requireApproval: 'never' }),
    ),
    script: [
      {
        items: [
          {
            id: 'mcpl_#',
            type: 'mcp_list_tools',
            server_label: 'docs',
            tools: [{ name: 'search', input_schema: { type: 'object' } }],
          },
          { id: 'mcp_#', type: 'mcp_call', server_label: 'docs', name: 'search', arguments: '{}', output: 'found' },
        ],
        text: 'Found.',
      },
    ],
    apis: ['responses'],
  },
  {
    feature: 'Hosted shell',
    status: 'works',
    note,
    agents: searching(shellTool({ environment: { type: 'container_auto' } })),
    script: [
      {
        items: [
          {
            id: 'sh_#',
            type: 'shell_call',
            status: 'completed',
            call_id: 'shell_#',
            action: { commands: ['ls'], timeout_ms: null, max_output_length: null },
            environment: { type: 'container_reference', container_id: 'cntr_1' },
          },
          {
            id: 'sho_#',
            type: 'shell_call_output',
            call_id: 'shell_#',
            status: 'completed',
            output: [{ stdout: 'a.md', stderr: '', outcome: { type: 'exit', exit_code: 0 } }],
          },
        ],
        text: 'One file.',
      },
    ],
    apis: ['responses'],
  },
  {
    feature: 'Hosted tools with Chat Completions',
    status: 'works',
    note: 'The SDK does not have them there; the run fails with `agent_error`.',
    agents: searching(webSearchTool()),
    script: [say('Never said.')],
    fails: { sdk: 'Error', code: 'agent_error' },
    apis: ['chat_completions'],
  },
];

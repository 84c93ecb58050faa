import { Agent, hostedMcpTool, tool } from '@openai/agents';
import { z } from 'zod';
import type { SdkCase } from '../case.ts';
import { call, say } from '../script.ts';
import { asTool, counted, item } from './pieces.ts';

const hosted = { serverLabel: 'docs', serverUrl: 'https://mcp.example/docs' };
const approvalRequest = item({
  id: 'mcpr_#',
  type: 'mcp_approval_request',
  server_label: 'docs',
  name: 'search',
  arguments: '{"query":"x"}',
});
const hostedCall = item(
  { id: 'mcp_#', type: 'mcp_call', server_label: 'docs', name: 'search', arguments: '{"query":"x"}', output: 'found' },
  'Found.',
);

/** Calls that wait for a person. */
export const approvalCases: SdkCase[] = [
  {
    feature: 'Approvals (`needsApproval: true`)',
    status: 'how',
    note: 'The run waits in `requires_action`; `POST /api/v1/runs/:id/decisions` takes the place of `state.approve()`. No state has to be kept.',
    agents: (world) => ({
      Desk: new Agent({
        name: 'Desk',
        instructions: 'Help.',
        tools: [counted(world, 'look_up'), counted(world, 'pay', { needsApproval: true })],
      }),
    }),
    script: [call('look_up'), call('pay'), call('pay'), say('Paid twice.')],
  },
  {
    feature: 'Approvals by a function of the arguments',
    status: 'works',
    agents: ({ note }) => ({
      Desk: new Agent({
        name: 'Desk',
        instructions: 'Help.',
        tools: [
          tool({
            name: 'refund',
            description: 'Refunds.',
            parameters: z.object({ amount: z.number() }),
            needsApproval: async (_context, { amount }) => amount > 100,
            execute: async ({ amount }) => {
              note(`refund ${amount}`);
              return `refunded ${amount}`;
            },
          }),
        ],
      }),
    }),
    script: [call('refund', { amount: 50 }), call('refund', { amount: 500 }), say('Refunded.')],
  },
  {
    feature: 'Rejections, with a reason for the model',
    status: 'works',
    agents: (world) => ({
      Desk: new Agent({ name: 'Desk', instructions: 'Help.', tools: [counted(world, 'pay', { needsApproval: true })] }),
    }),
    decide: () => ({ approve: false, reason: 'Too much.' }),
    script: [call('pay'), say('Not paid.')],
  },
  {
    feature: 'Rejections without a reason',
    status: 'works',
    agents: (world) => ({
      Desk: new Agent({ name: 'Desk', instructions: 'Help.', tools: [counted(world, 'pay', { needsApproval: true })] }),
    }),
    decide: () => ({ approve: false }),
    script: [call('pay'), say('Not paid.')],
  },
  {
    feature: 'Several approvals at once, one of them rejected, beside a call that needs none',
    status: 'works',
    agents: (world) => ({
      Desk: new Agent({
        name: 'Desk',
        instructions: 'Help.',
        tools: [
          counted(world, 'pay', { needsApproval: true }),
          counted(world, 'mail', { needsApproval: true }),
          counted(world, 'look_up'),
        ],
      }),
    }),
    decide: ({ tool: name }) => ({ approve: name === 'pay' }),
    script: [{ calls: [{ name: 'pay' }, { name: 'mail' }, { name: 'look_up' }] }, say('Some of it.')],
    parallel: true,
  },
  {
    feature: '“Always approve” and “always reject” a tool in a run',
    status: 'how',
    note: '`"always": true` in a decision.',
    agents: (world) => ({
      Desk: new Agent({
        name: 'Desk',
        instructions: 'Help.',
        tools: [counted(world, 'pay', { needsApproval: true }), counted(world, 'mail', { needsApproval: true })],
      }),
    }),
    decide: ({ tool: name }) => ({ approve: name === 'pay', always: true }),
    script: [call('pay'), call('mail'), call('pay'), call('mail'), say('Some of it.')],
  },
  {
    feature: 'Approval of an agent as a tool',
    status: 'works',
    agents: (world) => {
      const inner = new Agent({ name: 'Inner', instructions: 'I am Inner.', tools: [counted(world, 'look_up')] });
      const asked = inner.asTool({ toolName: 'ask_inner', toolDescription: 'Asks Inner.', needsApproval: true });
      return { Outer: new Agent({ name: 'Outer', instructions: 'I am Outer.', tools: [asked] }) };
    },
    script: {
      'I am Outer.': [call('ask_inner', { input: 'Hi' }), say('Done.')],
      'I am Inner.': [call('look_up'), say('Inside.')],
    },
  },
  {
    feature: 'Approval of a tool inside an agent as a tool',
    status: 'works',
    agents: (world) => {
      const inner = new Agent({
        name: 'Inner',
        instructions: 'I am Inner.',
        tools: [counted(world, 'look_up'), counted(world, 'pay', { needsApproval: true })],
      });
      return { Outer: new Agent({ name: 'Outer', instructions: 'I am Outer.', tools: [asTool(inner)] }) };
    },
    script: {
      'I am Outer.': [call('ask_inner', { input: 'Hi' }), say('Done.')],
      'I am Inner.': [call('look_up'), call('pay'), say('Paid inside.')],
    },
  },
  {
    feature: 'Approval of a call to a hosted MCP server',
    status: 'works',
    agents: () => ({
      Docs: new Agent({
        name: 'Docs',
        instructions: 'Search.',
        tools: [hostedMcpTool({ ...hosted, requireApproval: 'always' })],
      }),
    }),
    script: [approvalRequest, hostedCall],
    apis: ['responses'],
  },
  {
    feature: 'Approval of a call to a hosted MCP server in code (`onApproval`)',
    status: 'works',
    agents: () => ({
      Docs: new Agent({
        name: 'Docs',
        instructions: 'Search.',
        tools: [hostedMcpTool({ ...hosted, requireApproval: 'always', onApproval: async () => ({ approve: true }) })],
      }),
    }),
    script: [approvalRequest, hostedCall],
    apis: ['responses'],
  },
];

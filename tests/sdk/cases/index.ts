/** All features of the SDK that are compared, in the order of the table in docs/migrate.md. */
import type { SdkCase } from '../case.ts';
import { agentCases } from './agents.ts';
import { approvalCases } from './approvals.ts';
import { appCases } from './apps.ts';
import { flowCases } from './flows.ts';
import { guardrailCases } from './guardrails.ts';
import { handoffCases } from './handoffs.ts';
import { hostedToolCases } from './hosted-tools.ts';
import { inputCases } from './inputs.ts';
import { localToolCases } from './local-tools.ts';
import { mcpCases } from './mcp.ts';
import { configurationCases, refusedCases } from './refused.ts';
import { resultCases } from './results.ts';
import { runnerCases } from './runner.ts';
import { toolCases } from './tools.ts';

/** Cases that stand in one file of `tests/sdk/cases`, whose test has the same name. */
export type CaseArea = { title: string; file: string; cases: readonly SdkCase[] };

export const caseAreas: readonly CaseArea[] = [
  { title: 'Agents', file: 'agents', cases: agentCases },
  { title: 'Function tools', file: 'tools', cases: toolCases },
  { title: 'Results of tools', file: 'results', cases: resultCases },
  { title: 'Handoffs and agents as tools', file: 'handoffs', cases: handoffCases },
  { title: 'Approvals', file: 'approvals', cases: approvalCases },
  { title: 'Guardrails', file: 'guardrails', cases: guardrailCases },
  { title: 'Several runs, and code between them', file: 'flows', cases: flowCases },
  { title: 'Apps that put features together', file: 'apps', cases: appCases },
  { title: 'Run options', file: 'runner', cases: runnerCases },
  { title: 'Input', file: 'inputs', cases: inputCases },
  { title: 'Hosted tools', file: 'hosted-tools', cases: hostedToolCases },
  { title: 'Local tools', file: 'local-tools', cases: localToolCases },
  { title: 'MCP servers', file: 'mcp', cases: mcpCases },
  { title: 'What the start refuses', file: 'refused', cases: [...refusedCases, ...configurationCases] },
];

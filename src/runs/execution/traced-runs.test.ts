import {
  Agent,
  getCurrentTrace,
  MemorySession,
  Runner,
  type Span,
  setTraceProcessors,
  setTracingDisabled,
  type Trace,
  tool,
} from '@openai/agents';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { z } from 'zod';
import { execute } from '../../../tests/support/execute-run.ts';
import { journalAfter } from '../../../tests/support/runner-parity.ts';
import { createStubModel, hasToolResult, type StubReply } from '../../../tests/support/stub-model.ts';
import type { RunnerOptions } from './runner-options.ts';
import { toRunConfig } from './runner-options.ts';
import { patchNestedRuns } from './sdk-patches.ts';

patchNestedRuns();

type Seen = { traces: Trace[]; ended: number; spans: Span<never>[] };
let seen: Seen;

beforeAll(() => {
  setTracingDisabled(false);
  setTraceProcessors([
    {
      onTraceStart: async (trace) => void seen.traces.push(trace),
      onTraceEnd: async () => {
        seen.ended += 1;
      },
      onSpanStart: async () => {},
      onSpanEnd: async (span) => void seen.spans.push(span as Span<never>),
      shutdown: async () => {},
      forceFlush: async () => {},
    },
  ]);
});

beforeEach(() => {
  seen = { traces: [], ended: 0, spans: [] };
});

afterAll(() => {
  setTracingDisabled(true);
  setTraceProcessors([]);
});

const note = tool({ name: 'note', description: 'note', parameters: z.object({}), execute: () => 'noted' });
const main = new Agent({ name: 'main', tools: [note] });
const reply = (request: Parameters<typeof hasToolResult>[0]): StubReply =>
  hasToolResult(request) ? 'done' : [{ call: 'note', id: 'c1' }];

/** What a trace processor was told: the fields of the traces, and of the spans what does not differ between two runs. */
function told() {
  const traces = seen.traces.map(({ name, groupId, metadata, tracingApiKey }) => [
    name,
    groupId,
    metadata,
    tracingApiKey,
  ]);
  const ids = new Map(seen.spans.map(({ spanId, spanData }) => [spanId, (spanData as { type: string }).type]));
  const spans = seen.spans.map(({ spanData, parentId, error, tracingApiKey }) => ({
    spanData,
    parent: ids.get(parentId ?? '') ?? null,
    error,
    tracingApiKey,
  }));
  const isOne = new Set(seen.spans.map(({ traceId }) => traceId)).size === 1;
  return JSON.parse(JSON.stringify({ traces, spans, isOne, ended: seen.ended }));
}

async function toldBySdk(runner: RunnerOptions, fields: { groupId?: string; traceMetadata?: Record<string, string> }) {
  const { groupId: _, traceMetadata: __, ...rest } = runner;
  const stub = createStubModel(reply);
  const own = new Runner({ ...toRunConfig(rest), ...fields, modelProvider: stub.provider });
  const message = { type: 'message', role: 'user', content: 'hello' } as const;
  await own.run(main, [message], { session: new MemorySession(), context: {} });
  const by = told();
  seen = { traces: [], ended: 0, spans: [] };
  return by;
}

test.each<{ option: string; runner: RunnerOptions; fields: Parameters<typeof toldBySdk>[1] }>([
  { option: 'no option, thus the group of the session', runner: {}, fields: { groupId: 's-1' } },
  { option: 'workflowName', runner: { workflowName: 'Desk' }, fields: { groupId: 's-1' } },
  { option: 'groupId', runner: { groupId: 'all' }, fields: { groupId: 'all' } },
  {
    option: 'groupId of a run',
    runner: { groupId: ({ tenant, metadata }) => `${tenant} ${metadata.channel}` },
    fields: { groupId: 'default web' },
  },
  { option: 'groupId of some runs', runner: { groupId: () => undefined }, fields: { groupId: 's-1' } },
  {
    option: 'traceMetadata',
    runner: { traceMetadata: { team: 'desk' } },
    fields: { groupId: 's-1', traceMetadata: { team: 'desk' } },
  },
  {
    option: 'traceMetadata of a run',
    runner: { traceMetadata: ({ runId }) => ({ runId }) },
    fields: { groupId: 's-1', traceMetadata: { runId: 'run_1' } },
  },
  { option: 'traceIncludeSensitiveData', runner: { traceIncludeSensitiveData: false }, fields: { groupId: 's-1' } },
  {
    option: 'tracing',
    runner: { tracing: { apiKey: 'sk-traces', includeTaskAndTurnSpans: false } },
    fields: { groupId: 's-1' },
  },
])('traces are those of the SDK, in a first execution and after a crash: $option', async ({ runner, fields }) => {
  const theirs = await toldBySdk(runner, fields);
  const first = await execute(main, { reply, runner });
  expect(first.final?.status).toBe('completed');
  expect(told()).toEqual(theirs);
  seen = { traces: [], ended: 0, spans: [] };
  await execute(main, { reply, runner, journal: journalAfter(1, first.memory) });
  expect(told().traces).toEqual(theirs.traces);
});

test('code of the application is in the trace of its run', async () => {
  const names: (string | undefined)[] = [];
  const runner: RunnerOptions = {
    workflowName: 'Desk',
    on: { agent_start: () => void names.push(getCurrentTrace()?.name) },
  };
  await execute(main, { reply, runner, mode: 'stream' });
  expect(names).toEqual(['Desk']);
  expect(told()).toMatchObject({ isOne: true, ended: 1 });
});

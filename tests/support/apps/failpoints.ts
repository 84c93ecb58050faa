/**
 * The agent of `effects.ts`, and agents with effects beside function tools, in a process that kills itself at the n-th fault point that it passes (`KILL_AT`) or the first
 * time that it passes a certain one (`KILL_POINT`), or stops itself then, as by SIGSTOP (`STOP_AT`).
 */
import { appendFileSync } from 'node:fs';
import { Agent, handoff, type RunContext, shellTool, tool } from '@openai/agents';
import { currentCall, effect } from 'agent-service';
import { z } from 'zod';
import type * as main from '../../../src/main.ts';

// The built package, as users have it; what it does not export is not for them.
const { runProcess } = (await import(new URL('../../../dist/main.js', import.meta.url).href)) as typeof main;

const file = process.env.EFFECTS_FILE ?? '';
const killAt = Number(process.env.KILL_AT ?? 0);
let stopAt = process.env.STOP_AT;
let passed = 0;

const write = (name: string, text: string) => appendFileSync(file, `${name} ${text} ${currentCall().idempotencyKey}\n`);

const record = (name: string, needsApproval = false) =>
  tool({
    name,
    description: 'Writes a line.',
    parameters: z.object({ text: z.string() }),
    needsApproval,
    execute: async ({ text }) => {
      write(name, text);
      return 'noted';
    },
  });

const tools = [
  effect(record('note'), 'idempotent'),
  effect(record('note_once'), 'once'),
  effect(record('look'), 'read'),
  effect(record('ask', true), 'idempotent'),
  effect(record('ask_once', true), 'once'),
];
const worker = new Agent({ name: 'worker', instructions: 'You are the worker.', tools });

/** Notes in the run context what it is called for. */
const remember = (runContext: RunContext<unknown> | undefined, text: string) => {
  const context = runContext?.context as { log?: string[] };
  context.log = [...(context.log ?? []), text];
};

const picture = tool({
  name: 'picture',
  description: 'A picture.',
  parameters: z.object({}),
  execute: async (_input, runContext) => {
    remember(runContext, 'picture');
    write('picture', '-');
    return { type: 'image' as const, image: { data: new Uint8Array([1, 2, 3, 4, 5, 6]), mediaType: 'image/png' } };
  },
});
const shell = shellTool({
  shell: {
    run: async ({ commands }) => {
      write('shell', commands.join(' '));
      return { output: [{ stdout: 'ok', stderr: '', outcome: { type: 'exit', exitCode: 0 } }] };
    },
  },
});
const desk = new Agent({
  name: 'desk',
  instructions: 'You are the desk.',
  tools: [shell, effect(picture, 'idempotent'), ...tools],
});
const onHandoff = (runContext: RunContext<unknown>) => {
  remember(runContext, 'handoff');
  write('onHandoff', '-');
};
const guardrail = {
  name: 'audit',
  runInParallel: false,
  execute: async () => {
    write('guardrail', '-');
    return { tripwireTriggered: false, outputInfo: null };
  },
};
const front = new Agent({
  name: 'front',
  instructions: 'You are the front.',
  handoffs: [effect(handoff(desk, { onHandoff }), 'idempotent')],
  inputGuardrails: [effect(guardrail, 'once')],
});

await runProcess({ agents: { worker, front } }, (point) => {
  passed += 1;
  if (point === stopAt) {
    stopAt = undefined;
    process.kill(process.pid, 'SIGSTOP');
  }
  if (passed === killAt || point === process.env.KILL_POINT) process.kill(process.pid, 'SIGKILL');
});

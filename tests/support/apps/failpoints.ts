/**
 * The agent of `effects.ts` in a process that kills itself at the n-th fault point that it passes (`KILL_AT`) or the first
 * time that it passes a certain one (`KILL_POINT`), or stops itself then, as by SIGSTOP (`STOP_AT`).
 */
import { appendFileSync } from 'node:fs';
import { Agent, tool } from '@openai/agents';
import { currentCall, effect } from 'agent-service';
import { z } from 'zod';
import type * as main from '../../../src/main.ts';

// The built package, as users have it; what it does not export is not for them.
const { runProcess } = (await import(new URL('../../../dist/main.js', import.meta.url).href)) as typeof main;

const file = process.env.EFFECTS_FILE ?? '';
const killAt = Number(process.env.KILL_AT ?? 0);
let stopAt = process.env.STOP_AT;
let passed = 0;

const record = (name: string, needsApproval = false) =>
  tool({
    name,
    description: 'Writes a line.',
    parameters: z.object({ text: z.string() }),
    needsApproval,
    execute: async ({ text }) => {
      appendFileSync(file, `${name} ${text} ${currentCall().idempotencyKey}\n`);
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

await runProcess({ agents: { worker } }, (point) => {
  passed += 1;
  if (point === stopAt) {
    stopAt = undefined;
    process.kill(process.pid, 'SIGSTOP');
  }
  if (passed === killAt || point === process.env.KILL_POINT) process.kill(process.pid, 'SIGKILL');
});

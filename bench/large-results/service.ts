/** The service under measurement. Its tools return 20 MB; it prints how long its event loop was busy at a stretch. */
import { Agent, tool } from '@openai/agents';
import { serve } from 'agent-service';
import { z } from 'zod';

const bytes = 20_000_000;
/** How often the event loop is asked, and from which time of work in between on that is printed, in ms. */
const intervalMs = 5;
const shownMs = 20;

const row = (id: number) => ({ id, name: `row ${id}`, tags: ['a', 'b'], place: { city: 'Rome', at: [41.9, 12.5] } });
const rowBytes = JSON.stringify(row(100_000)).length + 1;

/** Objects in objects, about 20 MB with 16 levels. */
const nestedOf = (levels: number): object =>
  levels === 0
    ? row(levels)
    : { level: levels, left: nestedOf(levels - 1), right: nestedOf(levels - 1), text: 'x'.repeat(200) };

const results: Record<string, () => unknown> = {
  text: () => 'sunny '.repeat(bytes / 6),
  rows: () => Array.from({ length: bytes / rowBytes }, (_, id) => row(id)),
  nested: () => nestedOf(16),
  dates: () => ({ at: new Date(0), rows: Array.from({ length: bytes / rowBytes }, (_, id) => row(id)) }),
  file: () => ({
    type: 'file',
    file: { data: Buffer.alloc((bytes * 3) / 4, 7), mediaType: 'application/pdf', filename: 'a.pdf' },
  }),
};

const look = tool({
  name: 'look',
  description: 'Looks.',
  parameters: z.object({ what: z.string() }),
  execute: async ({ what }) => results[what]?.(),
});

/** CPU time of this thread: unlike the time of the clock it does not depend on what else the machine does. */
function cpuMs(): number {
  const { user, system } = process.threadCpuUsage();
  return (user + system) / 1000;
}

let lastMs = cpuMs();
setInterval(() => {
  const nowMs = cpuMs();
  const delayMs = nowMs - lastMs;
  lastMs = nowMs;
  if (delayMs > shownMs) process.stdout.write(`${JSON.stringify({ delayMs: Math.round(delayMs) })}\n`);
}, intervalMs).unref();

await serve({ agents: { helper: new Agent({ name: 'helper', instructions: 'Look.', tools: [look] }) } });

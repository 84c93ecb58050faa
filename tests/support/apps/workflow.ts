/** Workflows whose tools and steps write a line to a file: what happened is seen from outside the process. */
import { appendFileSync } from 'node:fs';
import { Agent, run, tool } from '@openai/agents';
import { currentCall, effect, serve, workflow } from 'agent-service';
import { z } from 'zod';

const note = (line: string) => {
  appendFileSync(process.env.EFFECTS_FILE ?? '', `${line} ${currentCall().idempotencyKey}\n`);
  return `noted ${line}`;
};

const noting = (name: string, needsApproval = false) =>
  effect(
    tool({
      name,
      description: 'Writes a line.',
      parameters: z.object({ text: z.string() }),
      needsApproval,
      execute: ({ text }) => note(`${name} ${text}`),
    }),
    'idempotent',
  );

const planner = new Agent({
  name: 'Planner',
  instructions: 'You are the planner.',
  outputType: z.object({ searches: z.array(z.string()) }),
});
const searcher = new Agent({ name: 'Searcher', instructions: 'You are the searcher.', tools: [noting('look')] });
const writer = new Agent({ name: 'Writer', instructions: 'You are the writer.' });
const payer = new Agent({ name: 'Payer', instructions: 'You are the payer.', tools: [noting('pay', true)] });

const research = workflow(
  { description: 'Researches.', agents: [planner, searcher, writer] },
  async ({ input, step, history }) => {
    const { finalOutput } = await run(planner, input.text);
    await step('planned', () => note('planned'));
    const found = await Promise.all(
      (finalOutput?.searches ?? []).map(async (query) => (await run(searcher, query)).finalOutput),
    );
    return (await run(writer, `${history.length} before; ${found.join('; ')}`)).finalOutput;
  },
);

const payments = workflow({ output: z.object({ paid: z.array(z.string()) }), agents: [payer] }, async (ctx) => {
  const results = await Promise.all(['one', 'two'].map((to) => ctx.run(payer, to)));
  return { paid: results.map(({ finalOutput }) => finalOutput ?? '') };
});

await serve({ agents: { research, payments } });

import { run } from '@openai/agents';
import { workflow } from 'agent-service';
import { planner, searcher, writer } from './agents.ts';

/** A plan, its searches at the same time, and a report. What each gave is recorded: no answer is asked for twice. */
export const research = workflow(
  { description: 'Answers a question with a report.', agents: [planner, searcher, writer] },
  async ({ input }) => {
    const plan = await run(planner, input.text);
    const searches = plan.finalOutput?.searches ?? [];
    const notes = await Promise.all(
      searches.map(async (search) => {
        try {
          return (await run(searcher, search)).finalOutput;
        } catch {
          return `Nothing was found about: ${search}`; // the report is made of the others
        }
      }),
    );
    const report = await run(writer, `Question: ${input.text}\nNotes:\n${notes.join('\n')}`);
    return report.finalOutput;
  },
);

import { MemorySession, run } from '@openai/agents';
import { type Customer, desk } from './agents.ts';

const context: Customer = { name: 'Ada' };
const session = new MemorySession();

let result = await run(desk, 'Refund order 7.', { context, session });
while (result.interruptions.length > 0) {
  for (const call of result.interruptions) result.state.approve(call); // where a person is asked
  result = await run(desk, result.state, { session });
}
process.stdout.write(`${result.finalOutput}\n`);

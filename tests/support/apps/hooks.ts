/**
 * An agent, and what the service does for its application before and after. `FAIL` names the hook that throws;
 * `onStart` waits for the answer of the server at `GATE`.
 */
import { Agent } from '@openai/agents';
import { serve } from 'agent-service';

const say = (msg: string, more = {}) => process.stdout.write(`${JSON.stringify({ msg, ...more })}\n`);

/** How many servers this process has that listen. */
const listening = () => process.getActiveResourcesInfo().filter((name) => name === 'TCPServerWrap').length;

const hook = (name: string) => async () => {
  say(`${name} began`, { listening: listening() });
  if (name === 'onStart' && process.env.GATE) await fetch(process.env.GATE);
  await new Promise(setImmediate); // a caller that does not wait for the hook has gone on by then
  if (process.env.FAIL === name) throw new Error(`${name} failed 4711`);
  say(`${name} ended`);
};

await serve({
  agents: { helper: new Agent({ name: 'helper', instructions: 'You are a helper.' }) },
  onStart: hook('onStart'),
  onStop: hook('onStop'),
});

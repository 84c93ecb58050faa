#!/usr/bin/env bash
# @openai/agents 0.20.0: the hook agent_tool_end is called for an agent used as a tool (agent.asTool()) as soon as that
# agent waits for an approval, with an empty result, and a second time with the real one after the approval. Its types
# describe the value as the result of the tool that is ending, while the outer run is interrupted at that moment. So a hook
# that writes a log, a metric or a record of tool calls notes an empty result for a call that has not ended.
# Exit 1 if this changes.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
echo '{"private":true,"type":"module"}' >package.json
npm install --silent --no-audit --no-fund @openai/agents@0.20.0 zod@4.4.3 >/dev/null

cat >main.mjs <<'JS'
import { Agent, Runner, setTracingDisabled, tool, Usage } from '@openai/agents';
import { z } from 'zod';

setTracingDisabled(true);
const text = (value) => ({ type: 'message', role: 'assistant', status: 'completed', content: [{ type: 'output_text', text: value }] });
const call = (name, args) => ({ type: 'function_call', callId: `call_${name}`, name, arguments: JSON.stringify(args), status: 'completed' });
/** Calls one tool, and then answers. */
const model = (name, args, answer) => ({
  async getResponse({ input }) {
    const isAnswered = Array.isArray(input) && input.some(({ type }) => type === 'function_call_result');
    return { usage: new Usage(), output: [isAnswered ? text(answer) : call(name, args)] };
  },
  getStreamedResponse() {
    throw new Error('not used');
  },
});
const pay = tool({ name: 'pay', description: 'Pays.', parameters: z.object({}), needsApproval: true, execute: () => 'paid' });
const inner = new Agent({ name: 'Inner', model: model('pay', {}, 'inner answer'), tools: [pay] });
const ask = inner.asTool({ toolName: 'ask', toolDescription: 'Asks.' });
const outer = new Agent({ name: 'Outer', model: model('ask', { input: 'x' }, 'done'), tools: [ask] });

const seen = [];
outer.on('agent_tool_end', (_context, { name }, result) => seen.push(`${name}: ${JSON.stringify(result)}`));
const runner = new Runner();
let result = await runner.run(outer, 'hello');
console.log(`interruptions: ${result.interruptions.length}, agent_tool_end: ${seen.join(' | ')}`);
for (const item of result.interruptions) result.state.approve(item);
result = await runner.run(outer, result.state);
console.log(`${result.finalOutput}, agent_tool_end: ${seen.join(' | ')}`);
JS
node main.mjs | tee output
expected='interruptions: 1, agent_tool_end: ask: ""
done, agent_tool_end: ask: "" | ask: "inner answer"'
[ "$(cat output)" = "$expected" ] || { echo 'changed'; exit 1; }

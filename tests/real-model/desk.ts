/** The program that the service runs for the real model: two agents that a very small model can play. */
import { Agent } from '@openai/agents';
import { serve } from 'agent-service';
import { lookupOrder } from '../../examples/support-desk/agents/tools.ts';

const front = new Agent({
  name: 'front',
  instructions: `Facts: Delivery takes three working days. An item can be returned within 30 days; write to us and we
send you a label. The shop is open from 9 to 17.`,
});

const orders = new Agent({
  name: 'orders',
  // So small a model does not follow orders, but it does as an example does.
  instructions: `Every question about an order is answered in two steps, as here:

Customer: Where is my order 2002?
Support desk: <tool_call>
{"name": "lookup_order", "arguments": {"order_number": "2002"}}
</tool_call>
<tool_response>
{"order":"2002","status":"shipped","deliveryAddress":"5 High Street, Norton","expectedOn":"2026-03-03"}
</tool_response>
Support desk: Your order 2002 was shipped to 5 High Street, Norton. It arrives on 2026-03-03.`,
  tools: [lookupOrder],
  // The server then holds the model to the tool's schema; the SDK asks for it only until the tool was called.
  modelSettings: { toolChoice: 'required' },
});

await serve({ agents: { front, orders } });

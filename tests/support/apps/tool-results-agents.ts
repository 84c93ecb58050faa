/** Agents whose tools return pictures, files and values of every type, for the service and for the SDK's own `run()`. */
import { appendFileSync } from 'node:fs';
import { Agent, tool } from '@openai/agents';
import { z } from 'zod';

/** Bytes that no other seed gives. */
export const picture = (seed: number, size: number): Uint8Array =>
  new Uint8Array(size).map((_, index) => (seed * 7 + index * index + (index >> 8)) % 251);

const parameters = z.object({ seed: z.number(), size: z.number() });

/** Notes a call in the file that `CALLS_FILE` names, if any. */
const note = (name: string) => process.env.CALLS_FILE && appendFileSync(process.env.CALLS_FILE, `${name}\n`);

const look = (name: string, make: (bytes: Uint8Array) => unknown) =>
  tool({
    name,
    description: name,
    parameters,
    execute: async ({ seed, size }) => {
      note(name);
      return make(picture(seed, size));
    },
  });

class Reading {
  value = 7;
  at = new Date('2024-02-29T12:00:00Z');
}

const filename = 'a.pdf';
const mediaType = 'application/pdf';

const tools = [
  look('shot', (data) => ({ type: 'image', image: { data, mediaType: 'image/png' }, detail: 'low' })),
  look('pdf', (data) => ({ type: 'file', file: { data: Buffer.from(data), mediaType, filename } })),
  look('pages', (data) => [
    { type: 'text', text: 'Two pages.' },
    { type: 'image', image: { data, mediaType: 'image/png' } },
    { type: 'file', file: { data: Buffer.from(data).toString('base64'), mediaType, filename } },
  ]),
  look('linked', () => ({ type: 'image', image: { url: 'https://example.com/a.png' } })),
  look('rows', (data) => ({ rows: [...data] })),
  look('reading', () => ({ reading: new Reading(), wind: undefined, ids: new Set([1]) })),
  look('bytes', (data) => data),
];

/** Agents by their names in `serve()`. */
export const toolResultsAgents = {
  looks: new Agent({ name: 'looks', instructions: 'Look.', tools }),
  decides: new Agent({
    name: 'decides',
    instructions: 'Look.',
    tools,
    toolUseBehavior: async (_context, [result]) => {
      const output = result?.type === 'function_output' ? (result.output as { reading?: Reading }) : {};
      const { value, at } = output.reading ?? {};
      return { isFinalOutput: true, isInterrupted: undefined, finalOutput: `${value} at ${at?.getTime()}` };
    },
  }),
};

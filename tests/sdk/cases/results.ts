import { Agent } from '@openai/agents';
import type { SdkCase } from '../case.ts';
import { call, say } from '../script.ts';
import { counted, toolOf } from './pieces.ts';

class Weather {
  city = 'Rome';
  describe(): string {
    return `Sun in ${this.city}`;
  }
}

/** What a tool may return, by names; each is sent to the model, and seen by a function as `toolUseBehavior`. */
const values: Record<string, () => unknown> = {
  text: () => 'Rome',
  nothing: () => undefined,
  null: () => null,
  number: () => 42,
  not_a_number: () => Number.NaN,
  bool: () => false,
  optional: () => ({ city: 'Rome', wind: undefined }),
  nested: () => ({ list: [{ a: 1, b: undefined }, undefined, null] }),
  instance: () => new Weather(),
  date: () => new Date(0),
  map: () => new Map([['city', 'Rome']]),
  set: () => new Set(['Rome']),
};

/** Values that JSON cannot say. */
const oddValues: Record<string, () => unknown> = {
  bigint: () => 10n,
  circular: () => {
    const value: Record<string, unknown> = { city: 'Rome' };
    value.self = value;
    return value;
  },
};

const bytes = new Uint8Array(3_000).map((_, at) => at % 251);
const base64 = Buffer.from(bytes).toString('base64');

/** Pictures, files and texts as the SDK has tools return them. */
const media: Record<string, () => unknown> = {
  image_bytes: () => ({ type: 'image', image: { data: bytes, mediaType: 'image/png' } }),
  image_buffer: () => ({ type: 'image', image: { data: Buffer.from(bytes), mediaType: 'image/png' }, detail: 'low' }),
  file_buffer: () => ({
    type: 'file',
    file: { data: Buffer.from(bytes), mediaType: 'application/pdf', filename: 'a.pdf' },
  }),
  several: () => [
    { type: 'text', text: 'Here it is:' },
    { type: 'image', image: { data: bytes, mediaType: 'image/jpeg' } },
  ],
};
const linkedMedia: Record<string, () => unknown> = {
  image_url: () => ({ type: 'image', image: 'https://example.com/a.png' }),
  image_text: () => ({ type: 'image', image: { data: base64, mediaType: 'image/png' } }),
  image_id: () => ({ type: 'image', image: { fileId: 'file_1' } }),
  file_url: () => ({ type: 'file', file: { url: 'https://example.com/a.pdf', filename: 'a.pdf' } }),
  text_part: () => ({ type: 'text', text: 'Only text.' }),
};

/** An agent whose tools return these values, and a model that calls one after the other. */
const returning = (feature: string, of: Record<string, () => unknown>, more: Partial<SdkCase> = {}): SdkCase =>
  ({
    feature,
    status: 'works',
    agents: () => ({
      Returning: new Agent({
        name: 'Returning',
        instructions: 'Call all.',
        tools: Object.entries(of).map(([name, value]) => toolOf(`give_${name}`, value)),
      }),
    }),
    script: [{ calls: Object.keys(of).map((name) => ({ name: `give_${name}` })) }, say('All seen.')],
    parallel: true,
    ...more,
  }) as SdkCase;

/** An agent whose `toolUseBehavior` is a function that looks at the value. */
const looking = (name: string, value: () => unknown) =>
  new Agent({
    name: 'Looking',
    instructions: 'Look.',
    tools: [toolOf(`give_${name}`, value)],
    toolUseBehavior: async (_context, [result]) => {
      const output = result?.type === 'function_output' ? result.output : undefined;
      const city = (output as { city?: string } | null | undefined)?.city;
      return { isFinalOutput: true, isInterrupted: undefined, finalOutput: `${typeof output}, city=${city}` };
    },
  });

const lookedAt = ['text', 'number', 'bool', 'null', 'optional', 'instance', 'map'];

/** The results of tools. */
export const resultCases: SdkCase[] = [
  returning('Tools that return any JavaScript value', values),
  returning('Tools that return what JSON cannot say (BigInt, circular)', oddValues),
  returning('Tools that return bytes: pictures and files', media, {
    note: 'Kept once, as base64; `TOOL_OUTPUT_MAX_BYTES` bounds them.',
  }),
  returning('Tools that return pictures and files by URL, text or id', linkedMedia),
  ...lookedAt.map(
    (name): SdkCase => ({
      feature: `\`toolUseBehavior\` as a function, of a result that is ${name === 'optional' ? 'an object with a field left out' : name === 'instance' ? 'an instance of a class' : name === 'map' ? 'a Map' : `of the kind “${name}”`}`,
      status: 'works',
      agents: () => ({ Looking: looking(name, values[name] as () => unknown) }),
      script: [call(`give_${name}`)],
    }),
  ),
  {
    feature: 'The output of a tool in later turns of a session',
    status: 'works',
    agents: (world) => ({
      Memory: new Agent({
        name: 'Memory',
        instructions: 'Remember.',
        tools: [counted(world, 'look_up', { answer: { a: [1] } })],
      }),
    }),
    messages: ['First.', 'Second.'],
    script: [call('look_up'), say('Seen.')],
  },
];

import { expect, test } from 'vitest';
import { type Json, type JsonRecord, type Step, toInputItems } from '../../storage/port/index.ts';
import { startedStep } from '../execution/step-record.ts';
import { ReferenceResolver, referredItems } from './resolve-references.ts';
import { smartText } from './smart-text.ts';
import { StoredStrings } from './stored-strings.ts';
import { recordOutput } from './tool-output.ts';

const bytes = Buffer.alloc(9_000, 'picture ');
const base64 = bytes.toString('base64');
const dataUrl = `data:image/png;base64,${base64}`;
const long = (word: string) => `${word} `.repeat(1_000);

/** A step that has ended, as the store returns it. */
function stepOf(step: number, kind: Step['kind'], output: unknown): Step {
  const start = { key: `${step}`, kind, scope: '', name: 'n', agent: null, callId: null, effect: null, input: null };
  const recorded = kind === 'tool_call' ? recordOutput(output, { tool: 'n', bytesMax: 1_000_000 }) : output;
  return { ...startedStep(start, step, 1, 0), status: 'completed', output: JSON.parse(JSON.stringify(recorded)) };
}

const rows = { rows: Array.from({ length: 2_000 }, (_, index) => index), at: new Date(0) };
const steps = [
  stepOf(1, 'model_call', { output: [{ type: 'message', content: [{ text: long('answer') }] }], usage: {} }),
  stepOf(2, 'tool_call', { type: 'image', image: { data: bytes, mediaType: 'image/png' } }),
  stepOf(3, 'tool_call', rows),
  stepOf(4, 'tool_call', long('result')),
  stepOf(5, 'tool_call', { type: 'text', text: 'short' }),
];
const input = { text: long('question') };
const history: JsonRecord[] = [
  { role: 'user', content: 'Hi' },
  { role: 'user', content: [{ text: long('earlier') }] },
];

function strings(): StoredStrings {
  const stored = new StoredStrings();
  stored.addConversation({ input, sessionSeqAtStart: 7 }, history);
  for (const step of steps) stored.addStep(step);
  return stored;
}

const resolver = () => new ReferenceResolver({ steps, input, items: new Map([[7, history[1] as JsonRecord]]) });

test.each<[string, Json, object]>([
  ['the answer of a model', long('answer'), { step: 1, path: ['output', 0, 'content', 0, 'text'] }],
  ['the picture of a tool', { image: dataUrl }, { step: 2, path: ['image', 'data', 'data'] }],
  ['the text of an object of a tool', smartText(rows), { step: 3, as: 'text' }],
  ['the text of a tool', [long('result')], { step: 4, path: [] }],
  ['the input of the run', toInputItems(input), { input: true, path: [0, 'content'] }],
  ['an item of the session', history, { item: 7, path: ['content', 0, 'text'] }],
])('%s is recorded in an input as a reference, which is resolved to the same', (_, sent, place) => {
  const recorded = JSON.parse(JSON.stringify(strings().refer(sent)));
  expect(JSON.stringify(recorded).length).toBeLessThan(400);
  expect(JSON.stringify(recorded)).toContain(`{"$ref":${JSON.stringify(place)}`);
  expect(resolver().resolve(recorded)).toEqual(sent);
});

test('a picture in the input of a run is recorded as a reference', () => {
  const items = [{ type: 'message', role: 'user', content: [{ type: 'input_image', image: dataUrl }] }];
  const stored = new StoredStrings();
  stored.addConversation({ input: { items }, sessionSeqAtStart: null }, []);
  const recorded = stored.refer(items);
  expect(recorded).toMatchObject([
    { content: [{ image: { $ref: { input: true, path: [0, 'content', 0, 'image'] } } }] },
  ]);
  expect(new ReferenceResolver({ steps: [], input: { items }, items: new Map() }).resolve(recorded)).toEqual(items);
});

test('what is short, and what is not stored, is recorded as it is', () => {
  const sent: Json = [
    { text: 'short' },
    { text: long('other') },
    { $ref: '#/definitions/a' },
    `data:a/b,${long('other')}`,
  ];
  expect(strings().refer(sent)).toBe(sent);
  expect(resolver().resolve(sent)).toEqual(sent);
});

test('a reference to what is gone, or to something else by now, stays a reference', () => {
  const recorded = strings().refer([dataUrl, history[1] as JsonRecord]);
  const others = [stepOf(2, 'tool_call', { type: 'image', image: { data: Buffer.alloc(9_000), mediaType: 'a/b' } })];
  const gone = new ReferenceResolver({ steps: others, input, items: new Map() });
  expect(gone.resolve(recorded)).toEqual(recorded);
  expect(referredItems([{ ...(steps[0] as Step), input: recorded }])).toEqual([7]);
});

test('references are resolved as far as 32 MiB', () => {
  const large = 'x'.repeat(9 * 1024 * 1024);
  const step = stepOf(1, 'model_call', { large });
  const stored = new StoredStrings();
  stored.addStep(step);
  const recorded = stored.refer([large, large, large, large]) as Json[];
  const resolved = new ReferenceResolver({ steps: [step], input, items: new Map() }).resolve(recorded) as Json[];
  expect(resolved.map((item) => item === large)).toEqual([true, true, true, false]);
  expect(resolved[3]).toEqual(recorded[3]);
});

import fc from 'fast-check';
import { cutAt, places } from './pieces.ts';
import type { Spoken, SpokenCall } from './spoken.ts';

/** The forms in which servers send the parts of a response. */
export type ResponsesForm = {
  output: 'whole' | 'empty at the end' | 'missing at the end' | 'half the text at the end';
  numbers: 'given' | 'missing';
  callId: 'given' | 'empty' | 'missing' | 'null' | 'number';
  arguments: 'as text' | 'as an object' | 'encoded twice';
  none: '{}' | '' | 'null' | 'missing';
  status: 'given' | 'missing';
  usage: 'whole' | 'fractions' | 'texts' | 'missing' | 'null';
  begun: boolean;
  /** Blanks before the names of tools. */
  blanks: '' | ' ';
  cuts: number[];
};

/** Forms of which each can be understood. */
export const responsesForm: fc.Arbitrary<ResponsesForm> = fc.record<ResponsesForm>({
  output: fc.constantFrom('whole', 'empty at the end', 'missing at the end', 'half the text at the end'),
  numbers: fc.constantFrom('given', 'missing'),
  callId: fc.constantFrom('given', 'empty', 'missing', 'null', 'number'),
  arguments: fc.constantFrom('as text', 'as an object', 'encoded twice'),
  none: fc.constantFrom('{}', '', 'null', 'missing'),
  status: fc.constantFrom('given', 'missing'),
  usage: fc.constantFrom('whole', 'fractions', 'texts', 'missing', 'null'),
  begun: fc.boolean(),
  blanks: fc.constantFrom('', ' '),
  cuts: places(3),
});

const usageForms: Record<ResponsesForm['usage'], unknown> = {
  whole: { input_tokens: 5, output_tokens: 3, total_tokens: 8 },
  fractions: { input_tokens: 4.5, output_tokens: 2.5, total_tokens: 7 },
  texts: { input_tokens: '5', output_tokens: '3', total_tokens: '8' },
  missing: undefined,
  null: null,
};

const callIdForms: Record<ResponsesForm['callId'], (at: number) => unknown> = {
  given: (at) => `call_${at}`,
  empty: () => '',
  missing: () => undefined,
  null: () => null,
  number: (at) => at + 1,
};

function argumentsOf({ arguments: given }: SpokenCall, form: ResponsesForm): unknown {
  if (Object.keys(given).length === 0) return form.none === 'missing' ? undefined : form.none;
  const text = JSON.stringify(given);
  if (form.arguments === 'as an object') return given;
  return form.arguments === 'encoded twice' ? JSON.stringify(text) : text;
}

type Item = Record<string, unknown> & { type: string };

/** The items of the answer's output. */
function itemsOf(spoken: Spoken, form: ResponsesForm): Item[] {
  const status = form.status === 'given' ? { status: 'completed' } : {};
  const items: Item[] = [];
  if (spoken.reasoning !== '') {
    items.push({
      id: 'rs_1',
      type: 'reasoning',
      summary: [],
      content: [{ type: 'reasoning_text', text: spoken.reasoning }],
    });
  }
  if (spoken.text !== '') {
    const content = [{ type: 'output_text', text: spoken.text, annotations: [] }];
    items.push({ id: 'msg_1', type: 'message', role: 'assistant', ...status, content });
  }
  for (const [at, call] of spoken.calls.entries()) {
    const fields = {
      call_id: callIdForms[form.callId](at),
      name: `${form.blanks}${call.name}`,
      arguments: argumentsOf(call, form),
    };
    items.push({ id: `fc_${at}`, type: 'function_call', ...status, ...fields });
  }
  return items;
}

/** The end of a response: its status, and why it is not whole where it says so. */
function endOf({ end }: Spoken): object {
  const isIncomplete = end.kind === 'cut' || end.kind === 'refused';
  if (isIncomplete) return { status: 'incomplete', incomplete_details: { reason: end.reason } };
  return end.reason === null ? {} : { status: end.reason };
}

/** The answer in one piece. */
export function toResponse(spoken: Spoken, form: ResponsesForm): object {
  const head = { id: 'resp_1', object: 'response', created_at: 1, model: 'm' };
  return { ...head, ...endOf(spoken), output: itemsOf(spoken, form), usage: usageForms[form.usage] };
}

function textEvents(item: Item, form: ResponsesForm): object[] {
  const [part] = item.content as [{ text: string }];
  const place = { item_id: item.id, content_index: 0 };
  return [
    { type: 'response.content_part.added', ...place, part: { type: 'output_text', text: '', annotations: [] } },
    ...cutAt(part.text, form.cuts).map((delta) => ({ type: 'response.output_text.delta', ...place, delta })),
    { type: 'response.output_text.done', ...place, text: part.text },
    { type: 'response.content_part.done', ...place, part },
  ];
}

/** The name of the last event. A response without any end in its status has a stream without a last event. */
const lastEvents: Record<Spoken['end']['kind'], string | null> = {
  whole: 'response.completed',
  cut: 'response.incomplete',
  refused: 'response.incomplete',
  failed: 'response.completed',
  missing: null,
};

/** A message with half of its text; other items as they are. */
function halfOf(item: Item): Item {
  if (item.type !== 'message') return item;
  const [part] = item.content as [{ text: string }];
  return { ...item, content: [{ ...part, text: part.text.slice(0, Math.floor(part.text.length / 2)) }] };
}

/** The events of the same answer, streamed. */
export function toResponseEvents(spoken: Spoken, form: ResponsesForm): object[] {
  const response = toResponse(spoken, form) as Record<string, unknown>;
  const items = itemsOf(spoken, form);
  const begun = { ...response, status: 'in_progress', output: [], usage: null };
  const events: Record<string, unknown>[] = form.begun ? [{ type: 'response.created', response: begun }] : [];
  for (const [index, item] of items.entries()) {
    const at = { output_index: index };
    events.push({
      type: 'response.output_item.added',
      ...at,
      item: { ...item, ...(form.status === 'given' ? { status: 'in_progress' } : {}) },
    });
    if (item.type === 'message') events.push(...textEvents(item, form).map((event) => ({ ...event, ...at })));
    events.push({ type: 'response.output_item.done', ...at, item });
  }
  const last = lastEvents[spoken.end.kind];
  if (last !== null) {
    const { output, ...rest } = response;
    const kept = {
      whole: { output },
      'empty at the end': { output: [] },
      'missing at the end': {},
      'half the text at the end': { output: items.map(halfOf) },
    }[form.output];
    events.push({ type: last, response: { ...rest, ...kept } });
  }
  return events.map((event, sequence) => {
    if (form.numbers === 'given') return { ...event, sequence_number: sequence };
    const { output_index: _, content_index: __, ...rest } = event;
    return rest;
  });
}

import fc from 'fast-check';
import { cutAt, places } from './pieces.ts';
import type { Spoken, SpokenCall } from './spoken.ts';

/** The forms in which servers send the parts of a chat completion. All of them were seen; see `docs/providers.md`. */
export type ChatForm = {
  content: 'text' | 'parts';
  reasoning: 'reasoning' | 'reasoning_content' | 'parts';
  index: 'given' | 'missing' | 'null' | 'all 0' | 'from 1';
  id: 'given' | 'empty' | 'missing' | 'null' | 'number' | 'the same';
  name: 'once' | 'in every chunk';
  arguments: 'as text' | 'as an object' | 'encoded twice' | 'again at the end' | 'cumulative' | 'an empty object first';
  none: '{}' | '' | 'null' | 'missing';
  /** Blanks around the names of tools. */
  blanks: '' | ' ';
  /** How each call is written. */
  call: 'function' | 'custom' | 'parameters' | 'a text';
  /** Whether an `error` that says nothing stands beside the choices. */
  error: 'none' | 'empty';
  choice: 'delta' | 'message' | 'without index' | 'index 1';
  usage:
    | 'whole'
    | 'fractions'
    | 'texts'
    | 'missing'
    | 'in every chunk'
    | 'null'
    | 'zeros after it'
    | 'in the choice'
    | 'other names';
  finish: 'alone' | 'with the last part';
  cuts: number[];
};

const hasIndex = ({ index }: ChatForm): boolean => index === 'given' || index === 'from 1';
const hasId = ({ id }: ChatForm): boolean => id === 'given' || id === 'number';

/** Whether a client can tell the calls apart at all: by index, by id, or since each comes in one piece. */
const isDistinct = (form: ChatForm): boolean => {
  // Two calls of one id can only be told apart where the end of the first one's arguments is plain.
  if (form.id === 'the same' && form.arguments !== 'as text' && form.arguments !== 'as an object') return false;
  if (hasIndex(form)) return true;
  if (form.id === 'the same') return false;
  if (form.index === 'all 0' && form.none !== '{}') return false;
  const isSplit = ['again at the end', 'cumulative', 'an empty object first'].includes(form.arguments);
  return hasId(form) || (form.cuts.length === 0 && !isSplit && form.none === '{}');
};

/** What a client can tell apart of an answer in some form: without index and id, the same call again is the same call. */
export function distinctIn(spoken: Spoken, form: ChatForm): Spoken {
  if (hasIndex(form) || hasId(form)) return spoken;
  const calls = [...new Map(spoken.calls.map((call) => [JSON.stringify(call), call])).values()];
  return { ...spoken, calls };
}

/** Forms of which each can be understood. */
export const chatForm: fc.Arbitrary<ChatForm> = fc
  .record<ChatForm>({
    content: fc.constantFrom('text', 'parts'),
    reasoning: fc.constantFrom('reasoning', 'reasoning_content', 'parts'),
    index: fc.constantFrom('given', 'missing', 'null', 'all 0', 'from 1'),
    id: fc.constantFrom('given', 'empty', 'missing', 'null', 'number', 'the same'),
    name: fc.constantFrom('once', 'in every chunk'),
    arguments: fc.constantFrom(
      'as text',
      'as an object',
      'encoded twice',
      'again at the end',
      'cumulative',
      'an empty object first',
    ),
    none: fc.constantFrom('{}', '', 'null', 'missing'),
    blanks: fc.constantFrom('', ' '),
    call: fc.constantFrom('function', 'custom', 'parameters', 'a text'),
    error: fc.constantFrom('none', 'empty'),
    choice: fc.constantFrom('delta', 'message', 'without index', 'index 1'),
    usage: fc.constantFrom(
      'whole',
      'fractions',
      'texts',
      'missing',
      'in every chunk',
      'null',
      'zeros after it',
      'in the choice',
      'other names',
    ),
    finish: fc.constantFrom('alone', 'with the last part'),
    cuts: places(3),
  })
  .filter(isDistinct);

/** What the usage of each answer says: five tokens and three. */
export const usageForms: Record<ChatForm['usage'], unknown> = {
  whole: { prompt_tokens: 5, completion_tokens: 3, total_tokens: 8 },
  fractions: { prompt_tokens: 4.5, completion_tokens: 2.5, total_tokens: 7 },
  texts: { prompt_tokens: '5', completion_tokens: '3', total_tokens: '8' },
  missing: undefined,
  'in every chunk': { prompt_tokens: 5, completion_tokens: 3, total_tokens: 8 },
  null: null,
  'zeros after it': { prompt_tokens: 5, completion_tokens: 3, total_tokens: 8 },
  'in the choice': { prompt_tokens: 5, completion_tokens: 3, total_tokens: 8 },
  'other names': { input_tokens: 5, output_tokens: 3 },
};

const contentOf = (text: string, { content }: ChatForm): unknown =>
  content === 'parts' ? [{ type: 'text', text }] : text;

function reasoningOf(text: string, { reasoning }: ChatForm): object {
  if (reasoning === 'parts') return { content: [{ type: 'thinking', thinking: [{ type: 'text', text }] }] };
  return { [reasoning]: text };
}

/** The pieces in which the arguments of a call are sent; undefined where none are. */
function argumentPieces({ arguments: given }: SpokenCall, form: ChatForm): unknown[] {
  if (Object.keys(given).length === 0) return [form.none === 'missing' ? undefined : form.none];
  const text = JSON.stringify(given);
  // Without an index, a call that begins with nothing cannot be told from the end of the one before.
  const pieces = cutAt(text, form.cuts).filter((piece) => hasIndex(form) || piece !== '');
  switch (form.arguments) {
    case 'as text':
      return pieces;
    case 'as an object':
      return [given];
    case 'encoded twice':
      return cutAt(JSON.stringify(text), form.cuts);
    case 'again at the end':
      return [...pieces, text];
    case 'cumulative':
      return pieces.map((_, index) => pieces.slice(0, index + 1).join(''));
    case 'an empty object first':
      return ['{}', ...pieces];
  }
}

const idForms: Record<ChatForm['id'], (at: number) => unknown> = {
  given: (at) => `call_${at}`,
  empty: () => '',
  missing: () => undefined,
  null: () => null,
  number: (at) => at + 1,
  'the same': () => 'call_0',
};
const indexForms: Record<ChatForm['index'], (at: number) => unknown> = {
  given: (at) => at,
  missing: () => undefined,
  null: () => null,
  'all 0': () => 0,
  'from 1': (at) => at + 1,
};

/** A call, or a part of one, as its server writes it. */
function written(head: object, its: { name?: string; arguments: unknown }, form: ChatForm): object | string {
  const { name, arguments: given } = its;
  switch (form.call) {
    case 'function':
      return { ...head, function: its };
    case 'custom':
      return { ...head, type: 'custom', custom: { name, input: given } };
    case 'parameters':
      return { ...head, function: { name, parameters: given } };
    case 'a text':
      return JSON.stringify({ ...head, function: its });
  }
}

/** The deltas of one call; undefined fields are not sent. */
function callDeltas(call: SpokenCall, at: number, form: ChatForm): (object | string)[] {
  return argumentPieces(call, form).map((piece, index) => {
    const isNamed = index === 0 || form.name === 'in every chunk';
    const head = {
      index: indexForms[form.index](at),
      ...(index === 0 ? { id: idForms[form.id](at), type: 'function' } : {}),
    };
    const name = `${form.blanks}${call.name}${form.blanks}`;
    return written(head, { ...(isNamed ? { name } : {}), arguments: piece }, form);
  });
}

function inChoice(delta: object, finish: unknown, { choice }: ChatForm): object {
  const end = finish === undefined ? {} : { finish_reason: finish };
  if (choice === 'message') return { index: 0, message: delta, ...end };
  if (choice === 'without index') return { delta, ...end };
  return { index: choice === 'index 1' ? 1 : 0, delta, ...end };
}

/** The chunks of a streamed chat completion. */
export function toChatChunks(spoken: Spoken, form: ChatForm): object[] {
  const usage = usageForms[form.usage];
  const deltas: object[] = [
    { role: 'assistant', content: form.content === 'parts' ? [] : '' },
    ...(spoken.reasoning === '' ? [] : [reasoningOf(spoken.reasoning, form)]),
    ...(spoken.text === '' ? [] : cutAt(spoken.text, form.cuts).map((text) => ({ content: contentOf(text, form) }))),
    ...spoken.calls.flatMap((call, at) => callDeltas(call, at, form).map((delta) => ({ tool_calls: [delta] }))),
  ];
  const { reason } = spoken.end;
  const choices = deltas.map((delta, index) =>
    inChoice(delta, form.finish === 'with the last part' && index === deltas.length - 1 ? reason : null, form),
  );
  if (form.finish === 'alone') choices.push(inChoice({}, reason, form));
  const head = { id: 'chatcmpl-1', object: 'chat.completion.chunk', created: 1, model: 'm' };
  const chunks: object[] = choices.map((choice) => ({
    ...head,
    choices: [choice],
    ...(form.usage === 'in every chunk' ? { usage } : {}),
  }));
  if (form.usage === 'in the choice') chunks.push({ ...head, choices: [{ ...inChoice({}, reason, form), usage }] });
  else if (usage !== undefined && usage !== null) chunks.push({ ...head, choices: [], usage });
  if (form.usage === 'zeros after it') {
    chunks.push({ ...head, choices: [], usage: { prompt_tokens: 0, completion_tokens: 0, total_tokens: 0 } });
  }
  return form.error === 'empty' ? chunks.map((chunk) => ({ ...chunk, error: {} })) : chunks;
}

/** The same answer in one piece. */
export function toChatAnswer(spoken: Spoken, form: ChatForm): object {
  const whole = { ...form, cuts: [] };
  const toolCalls = spoken.calls.map((call, at) => {
    const [last] = argumentPieces(call, whole).slice(-1);
    const name = `${form.blanks}${call.name}${form.blanks}`;
    return written({ id: idForms[form.id](at), type: 'function' }, { name, arguments: last }, form);
  });
  const thinking = form.reasoning === 'parts' && spoken.reasoning !== '' ? reasoningOf(spoken.reasoning, form) : {};
  const parts = [...(('content' in thinking ? thinking.content : []) as object[]), { type: 'text', text: spoken.text }];
  const message = {
    role: 'assistant',
    ...(spoken.reasoning === '' || form.reasoning === 'parts' ? {} : reasoningOf(spoken.reasoning, form)),
    content: form.content === 'parts' || 'content' in thinking ? parts : spoken.text,
    ...(toolCalls.length === 0 ? {} : { tool_calls: toolCalls }),
  };
  const { reason } = spoken.end;
  return {
    id: 'chatcmpl-1',
    object: 'chat.completion',
    created: 1,
    model: 'm',
    choices: [
      {
        index: 0,
        message,
        ...(reason === null ? {} : { finish_reason: reason }),
        ...(form.usage === 'in the choice' ? { usage: usageForms[form.usage] } : {}),
      },
    ],
    ...(form.error === 'empty' ? { error: {} } : {}),
    ...(form.usage === 'in the choice' ? {} : { usage: usageForms[form.usage] }),
  };
}

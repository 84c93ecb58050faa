// tidy: long because it is one table.
import { callItem, messageItem, responseAnswer, responseEvent } from '../support/model-answers.ts';
import type { ExpectedAnswer, Quirk } from './quirk.ts';

type Fields = Record<string, unknown>;

const created = responseEvent('response.created', { response: responseAnswer([], { status: 'in_progress' }) });
const completed = (output: unknown, fields: Fields = {}) =>
  responseEvent('response.completed', { response: responseAnswer(output as Fields[], fields) });
const added = (item: unknown, index?: number) =>
  responseEvent('response.output_item.added', { ...(index === undefined ? {} : { output_index: index }), item });
const done = (item: unknown, index?: number) =>
  responseEvent('response.output_item.done', { ...(index === undefined ? {} : { output_index: index }), item });
const delta = (text: unknown, fields: Fields = {}) =>
  responseEvent('response.output_text.delta', { item_id: 'msg_1', delta: text, ...fields });
const textDone = (text: unknown, fields: Fields = {}) =>
  responseEvent('response.output_text.done', { item_id: 'msg_1', text, ...fields });

const hello: ExpectedAnswer = { text: 'Hello' };
const look = '{"n":"1"}';
const looked: ExpectedAnswer = { calls: [{ name: 'look', arguments: look }] };

/** A message with this content, and what else differs. */
const message = (content: unknown, fields: Fields = {}): Fields => ({ ...messageItem(''), content, ...fields });
const call = (fields: Fields = {}): Fields => ({ ...callItem('c1', 'look', look), ...fields });
/** Without the fields of these names. */
const without = (item: Fields, ...names: string[]): Fields =>
  Object.fromEntries(Object.entries(item).filter(([name]) => !names.includes(name)));

/** The same output in one piece and in the last event of a stream. */
const both = (output: unknown, fields: Fields = {}) => ({
  streamed: created + completed(output, fields),
  whole: responseAnswer(output as Fields[], fields),
});

type Row = Pick<Quirk, 'server' | 'sends' | 'result'>;

/** Quirks that are one row of the page. */
const rows = (row: Row, quirks: Record<string, Omit<Quirk, keyof Row | 'name'>>): Quirk[] =>
  Object.entries(quirks).map(([name, quirk]) => ({ ...row, name, ...quirk }));

const ended = (end: 'cut' | 'refused' | 'failed', reason: string) => ({
  fault: { name: 'AnswerEndError', end, reason } as const,
});
const half = [messageItem('Half an ans')];

const ends: Quirk[] = [
  ...rows(
    {
      server: 'several',
      sends: 'a response whose `status` is not `completed`, though its last event may be `response.completed`',
      result:
        'a fault: by the reason in `incomplete_details` the token limit or the content filter, else `answer_failed`',
    },
    {
      'a response that was cancelled': {
        ...both(half, { status: 'cancelled' }),
        expected: ended('failed', 'cancelled'),
      },
      'a response in progress': { ...both(half, { status: 'in_progress' }), expected: ended('failed', 'in_progress') },
      'a response in a queue': { ...both(half, { status: 'queued' }), expected: ended('failed', 'queued') },
      'an incomplete response': { ...both(half, { status: 'incomplete' }), expected: ended('failed', 'incomplete') },
      'a status that nobody knows': { ...both(half, { status: 'paused' }), expected: ended('failed', 'paused') },
      'a response cut by its limit': {
        ...both(half, { status: 'incomplete', incomplete_details: { reason: 'max_output_tokens' } }),
        expected: ended('cut', 'max_output_tokens'),
      },
      'a response withheld': {
        ...both(half, { status: 'incomplete', incomplete_details: { reason: 'content_filter' } }),
        expected: ended('refused', 'content_filter'),
      },
      'an event that says incomplete, with a response that says completed': {
        streamed: created + responseEvent('response.incomplete', { response: responseAnswer(half) }),
        expected: ended('failed', 'incomplete'),
      },
      'an event that says cancelled': {
        streamed: created + responseEvent('response.cancelled', { response: responseAnswer(half) }),
        expected: ended('failed', 'completed'),
      },
    },
  ),
  ...rows(
    {
      server: 'several',
      sends: 'a message or a tool call whose `status` is not `completed`, in a response that is',
      result: 'a fault: `answer_failed`',
    },
    {
      'an incomplete message': {
        ...both([message([{ type: 'output_text', text: 'Half' }], { status: 'incomplete' })]),
        expected: ended('failed', 'incomplete'),
      },
      'a message in progress': {
        ...both([message([{ type: 'output_text', text: 'Half' }], { status: 'in_progress' })]),
        expected: ended('failed', 'in_progress'),
      },
      'a tool call in progress': {
        ...both([call({ status: 'in_progress' })]),
        expected: ended('failed', 'in_progress'),
      },
    },
  ),
  ...rows(
    {
      server: 'several',
      sends: 'no `status` on a response in one piece',
      result: 'whole if it has text or calls, since it is complete JSON: its step has `end: "unstated"`',
    },
    {
      'no status': {
        whole: without(responseAnswer([messageItem('Hello')]), 'status'),
        expected: hello,
      },
      'no status and no output': {
        whole: without(responseAnswer([]), 'status'),
        expected: { fault: { name: 'MalformedAnswerError' } },
      },
    },
  ),
  ...rows(
    {
      server: 'several',
      sends: 'a stream that stops without a last event',
      result: 'a fault: `truncated`',
    },
    {
      'a stream without its last event': {
        streamed: created + delta('Hello') + textDone('Hello') + done(messageItem('Hello')),
        expected: { fault: { name: 'TruncatedAnswerError' } },
      },
      '[DONE] in place of the last event': {
        streamed: `${created}${delta('Hello')}data: [DONE]\n\n`,
        expected: { fault: { name: 'TruncatedAnswerError' } },
      },
    },
  ),
];

const failures: Quirk[] = rows(
  {
    server: 'gateways',
    sends: '`error`, `response.error` or `response.failed`, with a code that may be a number',
    result: 'a fault by the code, as an error with that status would be',
  },
  {
    'an error event with a number': {
      streamed: created + responseEvent('error', { code: 429, message: 'slow' }),
      expected: { fault: { name: 'APIError', code: 429 } },
    },
    'a failed response with a number': {
      streamed:
        created +
        responseEvent('response.failed', { response: responseAnswer([], { status: 'failed', error: { code: 503 } }) }),
      whole: responseAnswer([], { status: 'failed', error: { code: 503 } }),
      expected: { fault: { name: 'APIError', code: 503 } },
    },
    'a failed response without an error': {
      streamed: created + responseEvent('response.failed', { response: responseAnswer([], { status: 'failed' }) }),
      whole: responseAnswer([], { status: 'failed' }),
      expected: ended('failed', 'failed'),
    },
    'an error in a completed response': {
      ...both([messageItem('Half')], { error: { code: 'server_error', message: 'm' } }),
      expected: { fault: { name: 'APIError', code: 'server_error' } },
    },
  },
);

const streamedItems: Quirk[] = rows(
  {
    server: 'LiteLLM and other gateways',
    sends: '`response.completed` with an empty `output`, or none, after the items were streamed',
    result: 'the items that were streamed, as far as an event said that they are complete',
  },
  {
    'completed without the message': {
      streamed: created + added(message([]), 0) + delta('Hello') + done(messageItem('Hello'), 0) + completed([]),
      expected: hello,
    },
    'completed without an output': {
      streamed: created + done(messageItem('Hello'), 0) + completed(undefined),
      expected: hello,
    },
    'completed without a response': {
      streamed: created + done(messageItem('Hello'), 0) + responseEvent('response.completed', {}),
      expected: hello,
    },
    'completed without a response, and nothing streamed': {
      streamed: created + responseEvent('response.completed', {}),
      expected: { fault: { name: 'MalformedAnswerError' } },
    },
    'completed without the tool call': {
      streamed: created + done(call(), 0) + completed([]),
      expected: looked,
    },
    'completed with the reasoning alone': {
      streamed: created + done(messageItem('Hello'), 1) + completed([{ id: 'rs_1', type: 'reasoning', summary: [] }]),
      expected: hello,
    },
    'completed without the text, whose end was streamed': {
      streamed: created + delta('Hel') + delta('lo') + textDone('Hello') + completed([]),
      expected: hello,
    },
    'completed without the text, whose end was not streamed': {
      streamed: created + delta('Hel') + delta('lo') + completed([]),
      expected: { fault: { name: 'TruncatedAnswerError' } },
    },
    'completed without the arguments, whose end was streamed': {
      streamed:
        created +
        added(call({ arguments: '', status: 'in_progress' }), 0) +
        responseEvent('response.function_call_arguments.done', { item_id: 'fc_c1', output_index: 0, arguments: look }) +
        completed([]),
      expected: looked,
    },
    'items that all have the index 0': {
      streamed:
        created + done(call(), 0) + done(call({ id: 'fc_c2', call_id: 'c2', arguments: '{}' }), 0) + completed([]),
      expected: {
        calls: [
          { name: 'look', arguments: look, id: 'c1' },
          { name: 'look', arguments: '{}', id: 'c2' },
        ],
      },
    },
    'items without an index': {
      streamed:
        created + added(message([])) + delta('Hello') + done(messageItem('Hello')) + done(call()) + completed([]),
      expected: { ...hello, ...looked },
    },
  },
);

const content: Quirk[] = [
  ...rows(
    {
      server: 'Mistral, gateways',
      sends: 'the content of a message as a text, a number, or parts of other kinds',
      result: 'the texts, joined; thinking becomes reasoning; parts without text are left out',
    },
    {
      'content a text': { ...both([message('Hello')]), expected: hello },
      'content a number': { ...both([message(42)]), expected: { text: '42' } },
      'parts that are texts': { ...both([message(['Hel', 'lo'])]), expected: hello },
      'a part without a type': { ...both([message([{ text: 'Hello' }])]), expected: hello },
      'a part of the type text': { ...both([message([{ type: 'text', text: 'Hello' }])]), expected: hello },
      'a part whose text is a list': {
        ...both([message([{ type: 'output_text', text: [{ text: 'Hel' }, 'lo'] }])]),
        expected: hello,
      },
      'a part whose text is an object': {
        ...both([message([{ type: 'output_text', text: { value: 'Hello' } }])]),
        expected: hello,
      },
      'parts null': { ...both([message([null, { type: 'output_text', text: 'Hello' }])]), expected: hello },
      'parts of an unknown kind': {
        ...both([message([{ type: 'sparkle' }, { type: 'output_text', text: 'Hello' }])]),
        expected: hello,
      },
      'thinking among the parts': {
        ...both([
          message([
            { type: 'thinking', thinking: [{ type: 'text', text: 'hm' }] },
            { type: 'text', text: 'Hello' },
          ]),
        ]),
        expected: { ...hello, reasoning: 'hm' },
      },
      'no annotations': { ...both([message([{ type: 'output_text', text: 'Hello' }])]), expected: hello },
      'a refusal without a type': { ...both([message([{ refusal: 'No.' }])]), expected: { refusal: 'No.' } },
      'an output that is a text': { ...both('Hello'), expected: hello },
      'output_text alone': {
        ...both(undefined, { output_text: 'Hello' }),
        expected: hello,
      },
      'a delta that is a number': {
        streamed: created + delta(4) + delta('2') + completed([messageItem('42')]),
        expected: { text: '42' },
      },
      'deltas that are null and objects': {
        streamed: created + delta(null) + delta({ text: 'Hello' }) + completed([messageItem('Hello')]),
        expected: hello,
      },
    },
  ),
  ...rows(
    {
      server: 'llama.cpp, gateways',
      sends: 'items without `id`, `type`, `role` or `status`; ids that are numbers; items that are null or come twice',
      result:
        'what is left out is added by the other fields; a number becomes a text; an item that came twice counts once',
    },
    {
      'a message with its content alone': { ...both([{ content: [{ text: 'Hello' }] }]), expected: hello },
      'a message of the role model': { ...both([{ ...messageItem('Hello'), role: 'model' }]), expected: hello },
      'a message whose id is a number': { ...both([{ ...messageItem('Hello'), id: 7 }]), expected: hello },
      'a tool call without a type': { ...both([without(call(), 'type', 'status')]), expected: looked },
      'an item null': { ...both([null, messageItem('Hello')]), expected: hello },
      'a message twice': { ...both([messageItem('Hello'), messageItem('Hello')]), expected: hello },
      'reasoning without a summary': {
        ...both([{ type: 'reasoning' }, messageItem('Hello')]),
        expected: hello,
      },
      'reasoning whose summary is a text': {
        ...both([{ type: 'reasoning', summary: 'hm' }, messageItem('Hello')]),
        expected: { ...hello, reasoning: 'hm' },
      },
      'a response whose id is a number': { ...both([messageItem('Hello')], { id: 7 }), expected: hello },
      'a response without an id': { ...both([messageItem('Hello')], { id: undefined }), expected: hello },
      'an event about an item that is null': {
        streamed: created + added(null) + done('x') + completed([messageItem('Hello')]),
        expected: hello,
      },
      'events without sequence_number, output_index and content_index': {
        streamed:
          responseEvent('response.created', { response: { id: 'resp_1', object: 'response', status: 'in_progress' } }) +
          added(message([])) +
          responseEvent('response.content_part.added', { item_id: 'msg_1', part: { type: 'output_text', text: '' } }) +
          delta('Hello') +
          textDone('Hello') +
          done(messageItem('Hello')) +
          completed([messageItem('Hello')]),
        expected: hello,
      },
    },
  ),
];

const calls: Quirk[] = [
  ...rows(
    {
      server: 'several',
      sends: 'a `call_id` that is missing, empty, null, a number, or that of another call',
      result: "the item's `id` in its place, else an id of the service; a number becomes a text",
    },
    {
      'call_id missing': {
        ...both([without(call(), 'call_id')]),
        expected: { calls: [{ name: 'look', arguments: look, id: 'fc_c1' }] },
      },
      'call_id and id missing': { ...both([without(call(), 'call_id', 'id')]), expected: looked },
      'call_id empty': { ...both([call({ call_id: '', id: '' })]), expected: looked },
      'call_id null': { ...both([call({ call_id: null, id: null })]), expected: looked },
      'call_id a number': {
        ...both([call({ call_id: 7 })]),
        expected: { calls: [{ name: 'look', arguments: look, id: '7' }] },
      },
      'call_id twice': {
        ...both([call(), call({ id: 'fc_2', arguments: '{}' })]),
        expected: {
          calls: [
            { name: 'look', arguments: look, id: 'c1' },
            { name: 'look', arguments: '{}' },
          ],
        },
      },
    },
  ),
  ...rows(
    {
      server: 'Ollama, llama.cpp and others',
      sends: 'arguments that are empty, missing, null, an object, or encoded twice',
      result: '`{}` for none; an object is encoded, what is encoded twice is decoded once',
    },
    {
      'arguments empty': {
        ...both([call({ arguments: '' })]),
        expected: { calls: [{ name: 'look', arguments: '{}' }] },
      },
      'arguments missing': {
        ...both([without(call(), 'arguments')]),
        expected: { calls: [{ name: 'look', arguments: '{}' }] },
      },
      'arguments null': {
        ...both([call({ arguments: null })]),
        expected: { calls: [{ name: 'look', arguments: '{}' }] },
      },
      'arguments the text null': {
        ...both([call({ arguments: 'null' })]),
        expected: { calls: [{ name: 'look', arguments: '{}' }] },
      },
      'arguments an object': { ...both([call({ arguments: { n: '1' } })]), expected: looked },
      'arguments encoded twice': { ...both([call({ arguments: JSON.stringify(look) })]), expected: looked },
    },
  ),
  ...rows(
    { server: 'several', sends: 'a tool call without a name', result: 'a fault: `malformed`' },
    {
      'no name': { ...both([without(call(), 'name')]), expected: { fault: { name: 'MalformedAnswerError' } } },
      'an empty name': { ...both([call({ name: ' ' })]), expected: { fault: { name: 'MalformedAnswerError' } } },
    },
  ),
];

const withUsage = (usage: unknown) => both([messageItem('Hello')], { usage });

const usages: Quirk[] = rows(
  {
    server: 'several',
    sends: 'a usage in fractions, as texts, negative, huge, in part, null, or none',
    result: 'whole numbers, rounded up; what is no count is left out; a sum that is too small is made from its parts',
  },
  {
    'usage in fractions': {
      ...withUsage({ input_tokens: 5.5, output_tokens: 3, total_tokens: 8.5 }),
      expected: { ...hello, usage: [6, 3, 9] },
    },
    'usage in texts': {
      ...withUsage({ input_tokens: '5', output_tokens: '3', total_tokens: '8' }),
      expected: { ...hello, usage: [5, 3, 8] },
    },
    'usage negative': {
      ...withUsage({ input_tokens: -1, output_tokens: 3, total_tokens: 2 }),
      expected: { ...hello, usage: [0, 3, 3] },
    },
    'usage huge': {
      ...withUsage({ input_tokens: 1e20, output_tokens: 3, total_tokens: 1e20 }),
      expected: { ...hello, usage: [0, 3, 3] },
    },
    'usage in part': {
      ...withUsage({ input_tokens: 5, output_tokens: null, total_tokens: null }),
      expected: { ...hello, usage: [5, 0, 5] },
    },
    'usage null': { ...withUsage(null), expected: { ...hello, usage: [0, 0, 0] } },
    'no usage': { ...withUsage(undefined), expected: { ...hello, usage: [0, 0, 0] } },
    'usage that is a list': { ...withUsage([1]), expected: { ...hello, usage: [0, 0, 0] } },
    'details that are null': {
      ...withUsage({ input_tokens: 5, output_tokens: 3, total_tokens: 8, input_tokens_details: null }),
      expected: { ...hello, usage: [5, 3, 8] },
    },
  },
);

const others: Quirk[] = rows(
  {
    server: 'several',
    sends: 'events that nobody knows, events without an object, and events after the last one',
    result: 'left to those who read raw events; ignored; ignored',
  },
  {
    'events that nobody knows': {
      streamed: created + responseEvent('response.sparkle', { glitter: true }) + completed([messageItem('Hello')]),
      expected: hello,
    },
    'a number and null as events': {
      streamed: `${created}data: 7\n\ndata: null\n\n${completed([messageItem('Hello')])}`,
      expected: hello,
    },
    'events after the last one': {
      streamed: created + completed([messageItem('Hello')]) + completed([messageItem('Other')]) + delta('more'),
      expected: hello,
    },
    'response.done in place of response.completed': {
      streamed: created + responseEvent('response.done', { response: responseAnswer([messageItem('Hello')]) }),
      expected: hello,
    },
  },
);

const lost: Quirk[] = [
  ...rows(
    {
      server: 'several',
      sends:
        'a last event that has less than was streamed: no output and an item that is not complete, or no call that was',
      result: 'a truncated answer; the call is part of the answer',
    },
    {
      'a second message that breaks off': {
        streamed:
          created +
          done(message([{ type: 'output_text', text: 'Part one. ', annotations: [] }]), 0) +
          added({ ...messageItem(''), id: 'msg_2', content: [] }, 1) +
          delta('Part tw', { item_id: 'msg_2', output_index: 1 }) +
          completed([]),
        expected: { fault: { name: 'TruncatedAnswerError' } },
      },
      'a call that breaks off after a message': {
        streamed:
          created +
          done(messageItem('Hello'), 0) +
          added({ ...call(), id: 'fc_1', arguments: '' }, 1) +
          responseEvent('response.function_call_arguments.delta', { item_id: 'fc_1', output_index: 1, delta: '{"n' }) +
          completed([]),
        expected: { fault: { name: 'TruncatedAnswerError' } },
      },
      'a call that was complete, and is not in the last event': {
        streamed: created + done(messageItem('Hello'), 0) + done(call(), 1) + completed([messageItem('Hello')]),
        expected: { ...hello, ...looked },
      },
    },
  ),
  ...rows(
    {
      server: 'several',
      sends: 'a status of `completed` beside the reason of an incomplete answer; an empty status',
      result: 'the reason counts; an empty status is none',
    },
    {
      'completed, and cut': {
        ...both(half, { incomplete_details: { reason: 'max_output_tokens' } }),
        expected: ended('cut', 'max_output_tokens'),
      },
      'an empty status': { ...both([messageItem('Hello')], { status: '' }), expected: hello },
    },
  ),
  ...rows(
    { server: 'several', sends: 'a part of a message in place of the message', result: 'the message' },
    {
      'a text as an item': { ...both([{ type: 'output_text', text: 'Hello' }]), expected: hello },
    },
  ),
];

const part = (text: string): Fields => ({ type: 'output_text', text, annotations: [] });
const toolUse = { type: 'tool_use', id: 'c1', name: 'look', input: { n: '1' } };

const disagreeing: Quirk[] = [
  ...rows(
    {
      server: 'gateways, servers that build the last event anew',
      sends: 'a last event whose text is not that of the pieces before it',
      result:
        'more text than came in pieces is the answer, and is shown; less counts only if nothing is lost: else the items that were streamed are the answer, if they are complete; any other text is a malformed answer',
    },
    {
      'a last event with more text': {
        streamed: created + delta('Hel') + completed([messageItem('Hello')]),
        expected: hello,
        shown: 'Hel',
      },
      'a last event with half the text, and the end of the text': {
        streamed: created + delta('Hel') + delta('lo') + textDone('Hello') + completed([messageItem('Hel')]),
        expected: hello,
      },
      'a last event with half the text, and the item': {
        streamed:
          created + delta('Hel') + delta('lo') + done(messageItem('Hello'), 0) + completed([messageItem('Hel')]),
        expected: hello,
      },
      'a last event with half the text, and no end': {
        streamed: created + delta('Hel') + delta('lo') + completed([messageItem('Hel')]),
        expected: { fault: { name: 'MalformedAnswerError' } },
      },
      'a last event with another text': {
        streamed: created + delta('Hel') + delta('lo') + completed([messageItem('Bye')]),
        expected: { fault: { name: 'MalformedAnswerError' } },
      },
      'a last event without the blanks around the text': {
        streamed: created + delta(' Hel') + delta('lo\n') + textDone(' Hello\n') + completed([messageItem('Hello')]),
        expected: { text: ' Hello\n' },
      },
      'a last event without the blanks, and no end': {
        streamed: created + delta('Hel') + delta('lo\n') + completed([messageItem('Hello')]),
        expected: hello,
        shown: 'Hello\n',
      },
      'a last event with another message, that was not streamed': {
        streamed: created + delta('lo') + completed([messageItem('Hel'), { ...messageItem('lo'), id: 'msg_2' }]),
        expected: hello,
        shown: 'lo',
      },
    },
  ),
  ...rows(
    {
      server: 'gateways',
      sends: 'an `error` that says nothing beside an answer',
      result: 'the answer',
    },
    Object.fromEntries(
      [{}, '', false, 0, [], { code: 0, message: '' }, { code: '', message: null }].map((error) => [
        `the error ${JSON.stringify(error)}`,
        { ...both([messageItem('Hello')], { error }), expected: hello },
      ]),
    ),
  ),
  ...rows(
    {
      server: 'gateways',
      sends: 'a refusal beside an empty text, or as a field of the message',
      result: 'the refusal',
    },
    {
      'a refusal beside the message': { ...both([message('', { refusal: 'No.' })]), expected: { refusal: 'No.' } },
      'a refusal after an empty text': {
        ...both([message([part(''), { type: 'refusal', refusal: 'No.' }])]),
        expected: { refusal: 'No.' },
      },
    },
  ),
  ...rows(
    {
      server: 'Anthropic by gateways',
      sends:
        'calls as `tool_use` or `tool_call`, in the output or among the parts of a message; names with blanks around them',
      result: 'the calls',
    },
    {
      'a tool_use as an item': { ...both([toolUse]), expected: looked },
      'a tool_use after a text': { ...both([message([part('Hello'), toolUse])]), expected: { ...hello, ...looked } },
      'a tool_call with a function': {
        ...both([{ type: 'tool_call', id: 'c1', function: { name: 'look', arguments: look } }]),
        expected: looked,
      },
      'a name with blanks around it': { ...both([call({ name: ' look\n' })]), expected: looked },
    },
  ),
  ...rows(
    { server: 'gateways', sends: 'a usage with the names of Chat Completions', result: 'the usage' },
    {
      'the names of Chat Completions': {
        ...withUsage({ prompt_tokens: 5, completion_tokens: 3, prompt_tokens_details: { cached_tokens: 4 } }),
        expected: { ...hello, usage: [5, 3, 8], cached: 4 },
      },
      'tokens of a cache': {
        ...withUsage({ input_tokens: 5, output_tokens: 3, cache_read_input_tokens: 4 }),
        expected: { ...hello, usage: [5, 3, 8], cached: 4 },
      },
    },
  ),
];

/** What servers send over Responses: the source of the tests and of the table in the documentation. */
export const responsesQuirks: Quirk[] = [
  ...ends,
  ...failures,
  ...streamedItems,
  ...content,
  ...calls,
  ...usages,
  ...lost,
  ...disagreeing,
  ...others,
];

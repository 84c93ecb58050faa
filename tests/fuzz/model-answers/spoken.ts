import fc from 'fast-check';

/** A call of one of the two tools of the fuzzed agent: `look` takes an object, `now` takes nothing. */
export type SpokenCall = { name: 'look' | 'now'; arguments: Record<string, unknown> };

/** What the end of an answer says: a good end, a bad one by its kind, or none at all. */
export type SpokenEnd = { kind: 'whole' | 'cut' | 'refused' | 'failed' | 'missing'; reason: string | null };

/** What a model says in one answer, without the form in which its server sends it. */
export type Spoken = { text: string; reasoning: string; calls: SpokenCall[]; end: SpokenEnd };

/** What is left of an answer that was whole. */
export type Heard = { text: string; calls: SpokenCall[] };

/** Names that JSON, tools and parsers stumble over, and plain ones; nested values, since arguments come in pieces. */
const value: fc.Arbitrary<unknown> = fc.letrec((tie) => ({
  value: fc.oneof(
    { depthSize: 'small', withCrossShrink: true },
    fc.string({ maxLength: 8 }),
    fc.constantFrom('{}', '{"n":1}', '"', '\\', '[DONE]', 'data: x\n\n', ''),
    fc.integer(),
    fc.boolean(),
    fc.constant(null),
    fc.array(tie('value'), { maxLength: 3 }),
    fc.dictionary(fc.constantFrom('n', 'a', 'data', 'error'), tie('value'), { maxKeys: 3 }),
  ),
})).value;

const call: fc.Arbitrary<SpokenCall> = fc.oneof(
  fc.record({
    name: fc.constant<'look'>('look'),
    arguments: fc
      .dictionary(fc.constantFrom('n', 'a', 'data'), value, { maxKeys: 3, minKeys: 1 })
      .map((given) => ({ ...given })),
  }),
  fc.record({ name: fc.constant<'now'>('now'), arguments: fc.constant({}) }),
);

/** Ends by their kind. Those of kind `failed` are in no list of ends, or in none that is good. */
const chatEnds: Record<Exclude<SpokenEnd['kind'], 'missing'>, string[]> = {
  whole: ['stop', 'tool_calls', 'function_call', 'end_turn', 'eos', 'STOP'],
  cut: ['length', 'max_tokens', 'MAX_TOKENS', 'model_length'],
  refused: ['content_filter', 'SAFETY', 'sensitive', 'content_filter: RECITATION'],
  failed: [
    'error',
    'insufficient_system_resource',
    'abort',
    'network_error',
    'cancelled',
    'timeout',
    'null',
    'unknown',
    'x',
  ],
};
const responseEnds: typeof chatEnds = {
  whole: ['completed'],
  cut: ['max_output_tokens'],
  refused: ['content_filter'],
  failed: ['failed', 'cancelled', 'in_progress', 'queued', 'incomplete', 'x'],
};

/** The ends that the servers of an API give; most are good, since a bad one hides what comes before it. */
function endOf(api: 'chat_completions' | 'responses'): fc.Arbitrary<SpokenEnd> {
  const ends = api === 'responses' ? responseEnds : chatEnds;
  const one = (kind: keyof typeof ends) =>
    fc.constantFrom(...ends[kind]).map((reason): SpokenEnd => ({ kind, reason }));
  return fc.oneof(
    { weight: 8, arbitrary: one('whole') },
    { weight: 1, arbitrary: one('cut') },
    { weight: 1, arbitrary: one('refused') },
    { weight: 2, arbitrary: one('failed') },
    { weight: 1, arbitrary: fc.constant<SpokenEnd>({ kind: 'missing', reason: null }) },
  );
}

/** What models say. */
export const spoken = (api: 'chat_completions' | 'responses'): fc.Arbitrary<Spoken> =>
  fc.record({
    text: fc.oneof(
      { weight: 4, arbitrary: fc.string({ unit: 'grapheme', maxLength: 20 }) },
      fc.constantFrom('', ' ', '[DONE]', 'data: {}\n\ndata: [DONE]', '{"error":"no"}', '\r\n\r\n'),
    ),
    reasoning: fc.oneof({ weight: 3, arbitrary: fc.constant('') }, fc.string({ maxLength: 10 })),
    calls: fc.oneof({ weight: 1, arbitrary: fc.constant<SpokenCall[]>([]) }, fc.array(call, { maxLength: 3 })),
    end: endOf(api),
  });

/** Ends of an answer with calls; beside a text without calls they say that the calls were lost. */
const callEnds = ['tool_calls', 'function_call'];

/** Whether the end of an answer says that it has calls, where it has a text alone. */
export const hasLostCalls = ({ text, calls, end }: Spoken): boolean =>
  text !== '' && calls.length === 0 && callEnds.includes(end.reason ?? '');

/** Whether an answer has anything for the run. */
export const saysSomething = ({ text, calls }: Spoken): boolean => text !== '' || calls.length > 0;

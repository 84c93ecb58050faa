import fc from 'fast-check';

/** Cuts a sequence at places that are given as parts of its length in [0, 1]. Pieces may be empty. */
export function cutAt<T extends string | Buffer>(whole: T, places: readonly number[]): T[] {
  const at = [...places.map((place) => Math.floor(place * whole.length))].sort((a, b) => a - b);
  return [0, ...at].map((from, index) => whole.slice(from, at[index] ?? whole.length) as T);
}

/** Places for `cutAt`. */
export const places = (max: number): fc.Arbitrary<number[]> =>
  fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { maxLength: max });

/** The ways in which lines of a stream end, and what stands between its events without being one. */
export type SseStyle = {
  lineEnd: '\n' | '\r\n' | '\r';
  between: string;
  mark: boolean;
  space: boolean;
  done: string | null;
};

/** Forms of a valid stream. */
export const sseStyle: fc.Arbitrary<SseStyle> = fc.record({
  lineEnd: fc.constantFrom('\n', '\r\n', '\r'),
  between: fc.constantFrom(
    '',
    ': keep alive',
    'data:',
    'data: null',
    'event: ping\ndata: {}',
    'id: 7',
    'retry: 10',
    'data: {}',
  ),
  mark: fc.boolean(),
  space: fc.boolean(),
  done: fc.constantFrom('[DONE]', '[DONE] ', null),
});

/** The text of a stream of events. */
export function toSse(events: readonly object[], { lineEnd, between, mark, space, done }: SseStyle): string {
  const field = (data: string) => `data:${space ? ' ' : ''}${data}`;
  const blocks = events.flatMap((event) => {
    const named = 'type' in event && typeof event.type === 'string' ? [`event: ${event.type}`] : [];
    const block = [...named, field(JSON.stringify(event))].join('\n');
    return between === '' ? [block] : [between, block];
  });
  if (done !== null) blocks.push(field(done));
  const text = blocks.map((block) => `${block}\n\n`).join('');
  return (mark ? '\uFEFF' : '') + text.replaceAll('\n', lineEnd);
}

import { expect, test } from 'vitest';
import { parseDirectives } from './directives.ts';

const repliesTo = (text: string) => parseDirectives(text).steps.map(({ reply }) => reply);

test('a message without directives is text', () => {
  expect(parseDirectives('Where is [[my]] order [[1]]?')).toEqual({ steps: [], rest: 'Where is [[my]] order [[1]]?' });
});

test('brackets inside the JSON of a tool call do not end it', () => {
  const call = (json: string) => ({ toolCalls: [{ name: 'a', arguments: json }] });
  expect(repliesTo('[[tool a {"x":[[1]]}]]')).toEqual([call('{"x":[[1]]}')]);
  expect(repliesTo('[[tool a {"input":"[[text \\"]]hi]]"}]] please')).toEqual([call('{"input":"[[text \\"]]hi]]"}')]);
});

test('a tool call without arguments has none', () => {
  expect(repliesTo('[[tool ping]]')).toEqual([{ toolCalls: [{ name: 'ping', arguments: {} }] }]);
});

test('delays and faults belong to the answer that follows them, or to the default one', () => {
  expect(repliesTo('[[delay 20]][[text a]] [[cut 3]] b')).toEqual([
    { delayMs: 20, text: 'a' },
    { fault: { kind: 'cut', afterTokens: 3 } },
  ]);
  expect(parseDirectives('[[hang]] hello')).toEqual({
    steps: [{ answers: false, reply: { fault: { kind: 'hang' } }, fail: undefined }],
    rest: 'hello',
  });
});

test('joined directives make one answer', () => {
  const [reply, ...others] = repliesTo('[[text One moment.]]+[[tool a]]+[[tool b]]');
  expect(reply).toMatchObject({ text: 'One moment.', toolCalls: [{ name: 'a' }, { name: 'b' }] });
  expect(others).toEqual([]);
});

test('many tokens are as many words, at the pace asked for', () => {
  expect(repliesTo('[[tokens 3 5]]')).toEqual([{ text: 'token1 token2 token3', tokenDelayMs: 5 }]);
});

test('a failure says how often', () => {
  expect(parseDirectives('[[fail 503 2]]').steps[0]?.fail).toEqual({ status: 503, times: 2 });
  expect(parseDirectives('[[fail]]').steps[0]?.fail).toEqual({ status: 500, times: Number.POSITIVE_INFINITY });
});

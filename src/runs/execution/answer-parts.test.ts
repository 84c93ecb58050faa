import { expect, test } from 'vitest';
import { AnswerParts } from './answer-parts.ts';
import type { OutputItem } from './model-answer.ts';

const citation = { type: 'url_citation', url: 'https://a.example', title: 'A', start_index: 0, end_index: 2 };
const inContainer = { type: 'container_file_citation', container_id: 'c1', file_id: 'f1', filename: 'a.csv' };
const message = (text: string, annotations: object[]): OutputItem => ({
  type: 'message',
  content: [{ type: 'output_text', text, providerData: { annotations } }],
});
const code = (outputs: object[]) =>
  ({
    type: 'hosted_tool_call',
    id: 'ci_1',
    name: 'code_interpreter_call',
    providerData: { type: 'code_interpreter_call', id: 'ci_1', outputs },
  }) as OutputItem;

test('only the citations of the final text count, not those of an earlier answer', () => {
  const parts = new AnswerParts();
  parts.add('run_1', 3, [message('It rains.', [citation])], true);
  parts.add('run_1', 1, [message('Let me look.', [{ ...citation, title: 'B' }])], true);
  expect(parts.annotationsOf('It rains.')).toEqual([citation]);
  expect(parts.annotationsOf('{"weather":"rain"}')).toEqual([]);
});

test('citations of Chat Completions have the form of those of Responses', () => {
  const { type, ...fields } = citation;
  const parts = new AnswerParts();
  parts.add('run_1', 1, [message('It rains.', [{ type, url_citation: fields }])], true);
  expect(parts.annotationsOf('It rains.')).toEqual([citation]);
});

test('an agent used as a tool adds its files, and no citations', () => {
  const parts = new AnswerParts();
  parts.add(
    'run_1',
    2,
    [code([{ type: 'image', url: 'data:image/png;base64,AAEC' }]), message('Done.', [citation])],
    false,
  );
  expect(parts.annotationsOf('Done.')).toEqual([]);
  expect(parts.files()).toMatchObject([{ url: '/api/v1/runs/run_1/files/2.0.0', bytes: 3, media_type: 'image/png' }]);
});

test('an image that the provider keeps has the address of the provider', () => {
  const parts = new AnswerParts();
  parts.add(
    'run_1',
    1,
    [
      code([
        { type: 'logs', logs: 'x' },
        { type: 'image', url: 'https://files.example/1.png' },
      ]),
    ],
    true,
  );
  expect(parts.files()).toMatchObject([{ url: 'https://files.example/1.png', bytes: null, call_id: 'ci_1' }]);
});

test('a file that several texts cite is listed once', () => {
  const parts = new AnswerParts();
  parts.add('run_1', 1, [message('One.', [inContainer])], true);
  parts.add('run_1', 2, [message('Two.', [inContainer, { ...inContainer, file_id: 'f2' }])], true);
  expect(parts.files().map(({ file_id }) => file_id)).toEqual(['f1', 'f2']);
});

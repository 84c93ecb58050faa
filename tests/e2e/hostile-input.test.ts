import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type FakeProvider, startFakeProvider } from '../support/fake-provider.ts';
import { runCli, type ServiceUnderTest, startService } from '../support/service.ts';

const app = 'tests/support/apps/input.ts';

const png = (bytes: number): string => `data:image/png;base64,${Buffer.alloc(bytes, 7).toString('base64')}`;
const user = (content: unknown) => ({ type: 'message', role: 'user', content });
const text = (value: string) => ({ type: 'input_text', text: value });

describe('what an input may not be', () => {
  let provider: FakeProvider;
  let service: ServiceUnderTest;

  beforeAll(async () => {
    provider = await startFakeProvider();
    const limits = { INPUT_PARTS_MAX: '5', INPUT_BYTES_MAX: '1000', MAX_INPUT_CHARS: '100' };
    service = await startService({ app, provider, env: { ...limits, OPENAI_API: 'responses' } });
  });
  afterAll(async () => {
    await service?.[Symbol.asyncDispose]();
    await provider?.[Symbol.asyncDispose]();
  });

  const image = (image_url: unknown) => ({ message: [{ type: 'input_image', image_url }] });
  const file = (source: object) => ({ message: [{ type: 'input_file', ...source }] });
  const messages = (...input: object[]) => ({ input });

  test.each<[string, object, string]>([
    ['message', {}, 'exactly one of message and input'],
    ['input', { message: 'a', input: [user('b')] }, 'exactly one of message and input'],
    ['message', { message: 5 }, 'must be of type string or array'],
    ['message', { message: [] }, 'Too small'],
    ['message', { message: Array(6).fill(text('a')) }, 'may have at most 5 content parts'],
    ['message', { message: Array(900).fill({ type: 'x' }) }, 'may have at most 5 content parts'],
    ['input', messages(...Array(900).fill({})), 'may have at most 5 messages'],
    [
      'input',
      messages(user([text('a'), text('a'), text('a')]), user([text('a'), text('a'), text('a')])),
      'INPUT_PARTS_MAX',
    ],
    ['message', { message: [text('a'.repeat(60)), text('a'.repeat(60))] }, 'MAX_INPUT_CHARS'],
    ['message', { message: [image(png(600)), image(png(600))].flatMap(({ message }) => message) }, 'INPUT_BYTES_MAX'],
    ['message.0.text', { message: [text('a\0b')] }, 'NUL'],
    ['message.0.type', { message: [user('a')] }, 'messages with a role belong into `input`'],
    ['message.0', { message: [JSON.parse(`${'['.repeat(2_000)}${']'.repeat(2_000)}`)] }, 'must be input_text'],
    ['message.0', { message: [{ ...text('a'), more: 1 }] }, 'Unrecognized key'],
    ['message.0', image(undefined), 'exactly one of image_url, file_id, image'],
    ['message.0.image_url', image('data:text/html;base64,AAAA'), 'starts with image/'],
    ['message.0.image_url', image('data:image/png,AAAA'), 'must be a data: URL in base64'],
    ['message.0.image_url', image('data:image/png;x="\r\n";base64,AAAA'), 'must be a data: URL in base64'],
    ['message.0.image_url', image('data:image/png;base64,AA?A'), 'must be base64'],
    ['message.0.image_url', image('data:image/png;base64,'), 'must not be empty'],
    ['message.0.image_url', image('data:image/png;base64,AAA'), 'must be base64'],
    ['message.0.image_url', image('http://example.com/a.png'), 'must be a URL that starts with https://'],
    ['message.0.image_url', image('file:///etc/passwd'), 'must be a URL that starts with https://'],
    ['message.0.image_url', image('javascript:alert(1)'), 'must be a URL that starts with https://'],
    ['message.0.image_url', image('https://169.254.169.254/latest'), 'not public'],
    ['message.0.image_url', image('https://localhost/a.png'), 'not public'],
    ['message.0.image_url', image('https://metadata.google.internal/a'), 'not public'],
    ['message.0.image_url', image('https://a:b@example.com/'), 'user name'],
    ['message.0.image_url', image(`https://example.com/${'a'.repeat(3_000)}`), 'at most 2000 characters'],
    ['message.0.image_url', image('https://example.com/a.png'), 'serve({ input: { urls: true } })'],
    ['message.0.image', { message: [{ type: 'input_image', image: 'https://example.com/a.png' }] }, 'urls: true'],
    ['message.0.file_url', file({ file_url: 'https://example.com/a.pdf' }), 'urls: true'],
    ['message.0.file', file({ file: { url: 'https://example.com/a.pdf' } }), 'urls: true'],
    ['message.0.file_data', file({ file_data: 'AAAA' }), 'must be a data: URL in base64'],
    ['message.0.file_id', file({ file_id: 'file-1' }), 'serve({ input: { fileIds: true } })'],
    ['message.0.image.id', { message: [{ type: 'input_image', image: { id: 'file-1' } }] }, 'fileIds: true'],
    ['message.0', { message: [{ type: 'audio', audio: 'AAAA', format: 'wav' }] }, 'must not be a sound'],
    [
      'message.0.input_audio.format',
      { message: [{ type: 'input_audio', input_audio: { data: 'AAAA', format: 'ogg' } }] },
      'wav',
    ],
    [
      'input.0.role',
      messages({ role: 'system', content: 'a' }, user('b')),
      'does not accept messages of the role system',
    ],
    ['input.0.role', messages({ role: 'developer', content: 'a' }, user('b')), 'of the role developer'],
    ['input.0.role', messages({ role: 'tool', content: 'a' }), 'must be user or assistant'],
    ['input.1.role', messages(user('a'), { role: 'assistant', content: 'b' }), 'must be user'],
    ['input.0.role', messages({ type: 'function_call', call_id: 'c', name: 'f', arguments: '{}' }), 'made by runs'],
    ['input.0.role', messages({ type: 'function_call_output', call_id: 'c', output: 'x' }), 'made by runs'],
  ])('$0 $2', async (path, body, message) => {
    const { status, body: problem } = await service.post('/api/v1/run', body);
    expect([status, problem.code]).toEqual([422, 'validation_failed']);
    expect(problem.errors).toMatchObject([{ path, message: expect.stringContaining(message) }]);
  });

  test('is refused by its size where it is larger than any valid one', async () => {
    const { status, body } = await service.post('/api/v1/run', image(png(200_000)));
    expect([status, body.code]).toEqual([413, 'payload_too_large']);
  });

  test('nothing of it reached the provider', async () => {
    expect((await provider.requests()).filter(({ method }) => method === 'POST')).toEqual([]);
  });
});

test('what the SDK sends by the Responses API only is refused where no provider is asked by it', async () => {
  await using provider = await startFakeProvider();
  const option = JSON.stringify({ fileIds: true, urls: true });
  await using service = await startService({
    app,
    provider,
    env: { OPENAI_API: 'chat_completions', INPUT_OPTION: option },
  });
  for (const part of [
    { type: 'input_image', file_id: 'file-1' },
    { type: 'input_image', image: { id: 'file-1' } },
    { type: 'input_file', file_url: 'https://example.com/a.pdf' },
    { type: 'input_file', file: { url: 'https://example.com/a.pdf' } },
  ]) {
    const { status, body } = await service.post('/api/v1/run', { message: [part] });
    const errors = [{ path: 'message.0', message: expect.stringContaining('by the Responses API only') }];
    expect([status, body.errors]).toMatchObject([422, errors]);
  }
});

test.each([
  ['{"url":true}', 'The input option of serve() has no option "url". Did you mean "urls"?'],
  ['{"roles":["tool"]}', 'roles has to be a list of system and developer'],
  ['{"fileIds":"yes"}', 'fileIds and urls have to be true or false'],
  ['[]', 'has to be an object'],
])('serve({ input: %s }) is refused at the start', async (option, reason) => {
  const { code, stderr } = await runCli(['start', app], { APP_ENV: 'test', INPUT_OPTION: option });
  expect(stderr).toContain(reason);
  expect(code).toBe(1);
});

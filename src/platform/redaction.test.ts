import { expect, test } from 'vitest';
import { createRedaction } from './redaction.ts';

const redact = createRedaction(['of-the-operator"4711', undefined, '12']);

test.each([
  [
    'a key of OpenAI',
    'Incorrect API key provided: sk-proj-abcDEF_123456-x.',
    'Incorrect API key provided: [redacted].',
  ],
  ['a header', '{"h":"Bearer abc.def-ghi"}', '{"h":"Bearer [redacted]"}'],
  ['a key of this service', `ask_${'0'.repeat(26)}_${'a'.repeat(49)} is`, '[redacted] is'],
  ['a secret for signing', '"whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"', '"[redacted]"'],
  ['a password in a URL of one word', 'postgres://me:pa55-w0rd@db:5432/x', 'postgres://me:[redacted]@db:5432/x'],
  ['a known secret, escaped as in JSON', '{"e":"of-the-operator\\"4711!"}', '{"e":"[redacted]!"}'],
  [
    'a text that only resembles a secret',
    'task-12 asks for sk-1 at http://a:80/b',
    'task-12 asks for sk-1 at http://a:80/b',
  ],
])('a line is redacted as expected: %s', (_, text, clean) => {
  expect(redact(text)).toBe(clean);
});

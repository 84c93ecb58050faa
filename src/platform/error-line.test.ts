import { describe, expect, test } from 'vitest';
import { errorLine } from './error-line.ts';

/** An error with a stack. */
const thrown = (error: Error, ...lines: string[]) => Object.assign(error, { stack: `${error}\n${lines.join('\n')}` });

describe('an error is told in one line', () => {
  test.each([
    [new Error(''), /^Error: an error without a message \(src\/platform\/error-line\.test\.ts:\d+\)$/],
    ['a text\nof two lines', /^a text$/],
    [null, /^null$/],
    [
      thrown(
        new TypeError('no\nmore'),
        '    at node:internal/x:1:1',
        '    at f (/app/node_modules/a/b.js:1:2)',
        '    at /app/main.js:7:3',
      ),
      /^TypeError: no \(.*app\/main\.js:7\)$/,
    ],
    [
      new Error('outer', { cause: new RangeError('inner') }),
      /^Error: outer \(.+\); caused by RangeError: inner \(.+\)$/,
    ],
  ])('%j', (error, line) => expect(errorLine(error)).toMatch(line));

  test('with the place of a syntax error, which stands above it', () => {
    const error = Object.assign(new SyntaxError("Unexpected token ';'"), {
      stack:
        "file:///app/main.mjs:1\nconst a = ;\n          ^\n\nSyntaxError: Unexpected token ';'\n    at node:internal/x:1:1",
    });
    expect(errorLine(error)).toMatch(/^SyntaxError: Unexpected token ';' \(.*app\/main\.mjs:1\)$/);
  });
});

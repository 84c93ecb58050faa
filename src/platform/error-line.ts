import { relative } from 'node:path';
import { fileURLToPath } from 'node:url';

/** Places in a stack: `file:///app/main.ts:3:7`, `/app/main.js:3:7`, and `file:///app/main.ts:3` above a syntax error. */
const place = /((?:file:\/\/)?\/[^\s():]+):(\d+)(?::\d+)?/;

/** The first place of a stack that is code of the application; null for none. */
function placeOf(stack: string): string | null {
  for (const line of stack.split('\n')) {
    const [, file = '', number] = place.exec(line) ?? [];
    if (file === '' || file.includes('/node_modules/') || line.includes('node:')) continue;
    const path = file.startsWith('file:') ? fileURLToPath(file) : file;
    return `${relative('', path) || path}:${number}`;
  }
  return null;
}

const firstLine = (text: string): string => text.split('\n', 1)[0] ?? '';

/** What an error says, in one line without its stack, with the place in the application that it comes from. */
export function errorLine(error: unknown): string {
  if (!(error instanceof Error)) return firstLine(String(error));
  const { name, message, stack = '', cause } = error;
  const at = placeOf(stack);
  const because = cause === undefined ? '' : `; caused by ${errorLine(cause)}`;
  return `${name}: ${firstLine(message) || 'an error without a message'}${at === null ? '' : ` (${at})`}${because}`;
}

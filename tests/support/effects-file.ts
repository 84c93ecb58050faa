import { readFileSync } from 'node:fs';

/** A line that a tool of `apps/effects.ts` or `apps/failpoints.ts` wrote: the effect itself, which no later death of a process takes back. */
export type Effect = { tool: string; text: string; key: string };

/** What tools wrote to a file, in order; nothing if no tool was called. */
export function effectsIn(file: string): Effect[] {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch {
    return []; // no tool was called
  }
  const lines = text.split('\n').filter((line) => line !== '');
  return lines.map((line) => {
    const [tool = '', said = '', key = ''] = line.split(' ');
    return { tool, text: said, key };
  });
}

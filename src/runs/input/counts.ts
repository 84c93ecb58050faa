import type { FastifyRequest } from 'fastify';
import { assertNoMistake } from './input-rules.ts';

const lengthOf = (value: unknown): number => (Array.isArray(value) ? value.length : 0);

function assertCount(value: unknown, max: number, path: string, what: string): void {
  assertNoMistake(lengthOf(value) <= max ? null : { path, message: `may have at most ${max} ${what}` });
}

type Fields = Record<string, unknown>;
const fieldsOf = (value: unknown): Fields => (typeof value === 'object' && value !== null ? (value as Fields) : {});

function assertPartCounts(list: unknown, max: number, path: string): void {
  if (!Array.isArray(list)) return;
  for (const [index, item] of list.entries()) {
    const { content, output } = fieldsOf(item);
    assertCount(content, max, `${path}.${index}.content`, 'content parts');
    assertCount(output, max, `${path}.${index}.output`, 'content parts');
  }
}

/**
 * Counts the lists of an input before anything in them is validated, so that a body full of mistakes costs little.
 *
 * @throws {ServiceError} `validation_failed`
 */
export function assertCounts(body: unknown, partsMax: number, itemsMax: number): void {
  const { message, input, items } = fieldsOf(body);
  assertCount(message, partsMax, 'message', 'content parts');
  assertCount(input, partsMax, 'input', 'messages');
  assertCount(items, itemsMax, 'items', 'items');
  assertPartCounts(input, partsMax, 'input');
  assertPartCounts(items, partsMax, 'items');
}

/** The hook of a route that does so. Of a run, `itemsMax` does not matter. */
export const countingHook =
  (partsMax: number, itemsMax = 0) =>
  async ({ body }: FastifyRequest): Promise<void> =>
    assertCounts(body, partsMax, itemsMax);

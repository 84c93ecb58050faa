import { z } from 'zod';
import { ServiceError } from '../errors.ts';

const limitMax = 200;
const limitDefault = 50;
const cursorCharsMax = 1_000;

/** The query parameters of every list. */
export const pageQuery = {
  limit: z.coerce
    .number()
    .int()
    .min(1)
    .max(limitMax)
    .default(limitDefault)
    .meta({ description: `Entries on a page, 1 to ${limitMax}.` }),
  cursor: z.string().max(cursorCharsMax).optional().meta({ description: 'next_cursor of the page before.' }),
};

/** A page as the API shows it. */
export const pageView = <Entry extends z.ZodType>(entry: Entry) =>
  z.object({ data: z.array(entry), next_cursor: z.string().nullable() });

/** Encodes the start of the next page as a cursor; null on the last page. */
export const toCursor = (position: object | null): string | null =>
  position === null ? null : Buffer.from(JSON.stringify(position)).toString('base64url');

/** Decodes a cursor of `toCursor`; null for the first page. @throws {ServiceError} `validation_failed` for any other text */
export function fromCursor<Position>(schema: z.ZodType<Position>, cursor: string | undefined): Position | null {
  if (cursor === undefined) return null;
  try {
    return schema.parse(JSON.parse(Buffer.from(cursor, 'base64url').toString()));
  } catch {
    const message = 'is not a next_cursor of this list';
    throw new ServiceError(
      'validation_failed',
      { reason: `cursor ${message}.` },
      { errors: [{ path: 'cursor', message }] },
    );
  }
}

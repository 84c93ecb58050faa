import type { Page } from './port/index.ts';

/** A page from up to `limit + 1` rows: the extra row only shows that there is a next page. */
export function toPage<Row, T, Cursor>(
  rows: Row[],
  limit: number,
  toValue: (row: Row) => T,
  cursorOf: (last: T) => Cursor,
): Page<T, Cursor> {
  const data = rows.slice(0, limit).map(toValue);
  const last = data.at(-1);
  return { data, next: rows.length > limit && last !== undefined ? cursorOf(last) : null };
}

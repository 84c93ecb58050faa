import pg from 'pg';
import { describe, expect, test } from 'vitest';
import { toOperationError } from './errors.ts';

function databaseError(code: string): pg.DatabaseError {
  const error = new pg.DatabaseError('a message that quotes "private words"', 1, 'error');
  return Object.assign(error, { code, detail: 'private words', table: 'steps', column: 'input_tokens' });
}

const outages = [
  '08006',
  '28P01',
  '40001',
  '40P01',
  '53300',
  '53100',
  '57P01',
  '57P03',
  '57014',
  '58030',
  '25006',
  '3D000',
  '55P03',
  '55000',
];
const refusals = ['22003', '22P02', '22P05', '22001', '23502', '23514', '54000'];
const others = ['23505', '23503', '42P01', '42501', '42804', 'XX000'];

describe('an error of Postgres', () => {
  test.each(outages)('%s may pass: store_unavailable', (code) => {
    expect(toOperationError(databaseError(code))).toMatchObject({ code: 'store_unavailable', retryable: true });
  });

  test.each(refusals)('%s is a value that cannot be stored, which is named and not shown', (code) => {
    const error = toOperationError(databaseError(code), 'append_journal') as Error;
    expect(error).toMatchObject({ code: 'not_storable', retryable: false });
    expect(error.message).toContain(`append_journal at steps.input_tokens (SQLSTATE ${code})`);
    expect(`${error.stack} ${JSON.stringify(error)}`).not.toContain('private words');
    expect(error.cause).toBeUndefined();
  });

  test.each(others)('%s stays what it is', (code) => {
    expect(toOperationError(databaseError(code))).toMatchObject({ name: 'error', code });
  });

  test('of the network or the driver may pass, one of an encoder may not', () => {
    expect(toOperationError(new Error('Connection terminated'))).toMatchObject({ code: 'store_unavailable' });
    expect(toOperationError(new TypeError('name.startsWith is not a function'))).toMatchObject({
      code: 'not_storable',
    });
  });
});

import { z } from 'zod';

/** The name of a tenant. */
export const tenantSchema = z
  .string()
  .regex(
    /^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$/,
    'must be 1 to 100 characters of A-Z a-z 0-9 . _ -, a letter or digit first',
  );

import { z } from 'zod';
import { type Scope, scopes } from '../storage/port/index.ts';

/** Budgets beyond this are mistakes. */
const usdMax = 1e9;
const tokensMax = 1e15;
const rateMax = 1_000_000;

const usd = z.number().nonnegative().max(usdMax);
const tokens = z.int().nonnegative().max(tokensMax);
const rate = z.int().min(1).max(rateMax);

/** What a tenant may be called. */
export const tenantSchema = z
  .string()
  .regex(
    /^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$/,
    'must be 1 to 100 characters of A-Z a-z 0-9 . _ -, a letter or digit first',
  );

const inOrder = (given: readonly Scope[]): Scope[] => scopes.filter((scope) => given.includes(scope));

/** The body of a request for a key. */
export const createKeyBody = z
  .strictObject({
    tenant: tenantSchema.optional().meta({ description: 'Whose key it is. Defaults to the tenant of the caller.' }),
    name: z
      .string()
      .max(200)
      // Written so that the JSON Schema of every language understands it, which \p{Cc} is not.
      // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is refused
      .regex(/^[^\u0000-\u001f\u007f-\u009f]*$/, 'may not contain control characters')
      .refine((name) => name.isWellFormed(), 'must be well-formed Unicode')
      .default('')
      .meta({ description: 'What people call it.' }),
    scopes: z
      .array(z.enum(scopes))
      .min(1)
      .max(scopes.length)
      .transform(inOrder)
      .meta({ description: 'run: make, cancel, decide, delete; read: look; admin: make and revoke keys.' }),
    rpm: rate.optional().meta({ description: 'Runs a minute, in place of RATE_LIMIT_RPM.' }),
    burst: rate.optional().meta({ description: 'Runs at once, in place of RATE_LIMIT_BURST.' }),
    budget_usd_day: usd.optional(),
    budget_tokens_day: tokens.optional(),
    budget_usd_month: usd.optional(),
    budget_tokens_month: tokens.optional(),
    expires_at: z.iso.datetime({ offset: true }).optional().meta({ description: 'Defaults to never.' }),
  })
  .meta({ id: 'CreateKey' });

/** A request for a key. */
export type CreateKey = z.output<typeof createKeyBody>;

const time = z.iso.datetime({ precision: 3 });

const keyFields = {
  key_id: z.string(),
  tenant: z.string(),
  name: z.string(),
  scopes: z.array(z.enum(scopes)),
  rpm: rate.nullable(),
  burst: rate.nullable(),
  budget_usd_day: usd.nullable(),
  budget_tokens_day: tokens.nullable(),
  budget_usd_month: usd.nullable(),
  budget_tokens_month: tokens.nullable(),
  created_at: time,
  expires_at: time.nullable(),
  revoked_at: time.nullable(),
  last_used_at: time.nullable(),
};

/** A key on the wire, without its secret. */
export const keyView = z.object(keyFields).meta({ id: 'Key' });
/** A key as JSON. */
export type KeyView = z.output<typeof keyView>;

/** A key that was made just now; the only answer that ever holds the secret. */
export const createdKeyView = z
  .object({ ...keyFields, key: z.string().meta({ description: 'The key itself; it is not shown again.' }) })
  .meta({ id: 'CreatedKey' });

/** Where a page starts: the id of the last key of the page before. */
export const keyCursor = z.strictObject({ id: z.string().max(100) });

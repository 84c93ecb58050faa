import { z } from 'zod';
import { pageQuery, pageView } from '../platform/http/paging.ts';
import { type Scope, scopes } from '../storage/port/index.ts';
import { tenantSchema } from '../tenancy/index.ts';

/** Larger budgets are taken for mistakes. */
const usdMax = 1e9;
const tokensMax = 1e15;
const rateMax = 1_000_000;

const usd = z.number().nonnegative().max(usdMax);
const tokens = z.int().nonnegative().max(tokensMax);
const rate = z.int().min(1).max(rateMax);

const inOrder = (given: readonly Scope[]): Scope[] => scopes.filter((scope) => given.includes(scope));

/** The body of a request for a key. */
export const createKeyBody = z
  .strictObject({
    tenant: tenantSchema.optional().meta({ description: 'Whose key it is. Defaults to the tenant of the caller.' }),
    name: z
      .string()
      .max(200)
      // Not \p{Cc}, which the JSON Schema validators of some languages do not understand.
      // biome-ignore lint/suspicious/noControlCharactersInRegex: the pattern refuses control characters
      .regex(/^[^\u0000-\u001f\u007f-\u009f]*$/, 'may not contain control characters')
      .refine((name) => name.isWellFormed(), 'must be well-formed Unicode')
      .default('')
      .meta({ description: 'What people call it.' }),
    scopes: z
      .array(z.enum(scopes))
      .min(1)
      .max(scopes.length)
      .transform(inOrder)
      .meta({ description: 'run: create, cancel, decide, delete; read: read; admin: create and revoke keys.' }),
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

/** A key as the API shows it, without its secret. */
export const keyView = z.object(keyFields).meta({ id: 'Key' });
/** A key as JSON. */
export type KeyView = z.output<typeof keyView>;

/** A new key. It is the only answer with the secret. */
export const createdKeyView = z
  .object({ ...keyFields, key: z.string().meta({ description: 'The key itself; it is not shown again.' }) })
  .meta({ id: 'CreatedKey' });

/** A page of keys. */
export const keyPageView = pageView(keyView).meta({ id: 'KeyPage' });

/** The query for a page of keys. */
export const keysQuery = z.strictObject({
  tenant: tenantSchema.optional().meta({ description: 'Defaults to all that the caller may see.' }),
  ...pageQuery,
});

/** The key in a path. */
export const keyParams = z.object({ id: z.string().max(100) });

/** The start of a page: the id of the last key of the page before. */
export const keyCursor = z.strictObject({ id: z.string().max(100) });

import { z } from 'zod';
import { usageView } from '../runs/index.ts';

/** A session on the wire. */
export const sessionView = z
  .object({
    session_id: z.string(),
    created_at: z.string(),
    updated_at: z.string(),
    items_count: z.int().nonnegative(),
    runs_count: z.int().nonnegative(),
    last_agent: z.string().nullable(),
    active_run_id: z.string().nullable(),
    usage: usageView,
    cost_usd: z.number().nullable(),
  })
  .meta({ id: 'Session' });
/** A session as JSON. */
export type SessionView = z.output<typeof sessionView>;

/** An item of a session on the wire. */
export const sessionItemView = z
  .object({
    seq: z.int().positive(),
    run_id: z.string().nullable().meta({ description: 'The run that added it; null if it was imported.' }),
    created_at: z.string(),
    item: z.record(z.string(), z.unknown()).meta({ description: "The SDK's input item." }),
  })
  .meta({ id: 'SessionItem' });
/** An item of a session as JSON. */
export type SessionItemView = z.output<typeof sessionItemView>;

/** The cursor of a page of sessions: the last session of the page before. */
export const sessionCursor = z.strictObject({ updatedAtMs: z.int(), id: z.string().max(200) });

/** The cursor of a page of items: the number of the last item of the page before. */
export const itemCursor = z.strictObject({ seq: z.int().nonnegative() });

import type { z } from 'zod';
import type { LimitUse } from './accounts.ts';
import type { limitView } from './schemas.ts';

/** A limit as the API shows it. */
export const toLimitView = ({ scope, unit, period, limit, used, reserved, endsAtMs }: LimitUse) =>
  ({
    scope,
    unit,
    period,
    limit,
    used,
    reserved,
    resets_at: new Date(endsAtMs).toISOString(),
  }) as z.output<typeof limitView>;

import type { z } from 'zod';

/** One setting: what it may be, and what it means. */
export type Setting<T> = {
  schema: z.ZodType<T, string | undefined>;
  /** What it does and its unit, as one sentence or two. */
  about: string;
  /** The default as one would write it in the environment; absent: none. */
  default?: string;
  /** Never printed, not even in errors. */
  secret?: true;
  /** Also read from its name in small letters, as other programs do. */
  anyCase?: true;
};

/** A setting of the type that its schema gives. */
export const setting = <T>(entry: Setting<T>): Setting<T> => entry;

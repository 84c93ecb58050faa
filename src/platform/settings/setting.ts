import type { z } from 'zod';

/** One setting: its valid values and its meaning. */
export type Setting<T> = {
  schema: z.ZodType<T, string | undefined>;
  /** Its effect and unit, in one sentence or two. */
  about: string;
  /** The default as written in the environment; absent if there is none. */
  default?: string;
  /** Whether the value is secret, and never printed, also not in errors. */
  secret?: true;
  /** Whether it is also read from its name in lower case, as in other programs. */
  anyCase?: true;
};

/** Defines a setting, with the type of its schema. */
export const setting = <T>(entry: Setting<T>): Setting<T> => entry;

import { z } from 'zod';
import { contentPart, plainText, textPart } from './content-parts.ts';

/** The type of any message; may be omitted. */
const type = z.literal('message').optional();
/** What a provider adds to messages that it made; it is not kept. */
const ofProvider = {
  id: z.string().max(200).optional(),
  status: z.enum(['in_progress', 'completed', 'incomplete']).optional(),
};

/** A list of at least one and at most so many things; `assertCounts` counts them before they are looked at. */
export const listOf = <Item extends z.ZodType>(item: Item, itemsMax: number) => z.array(item).min(1).max(itemsMax);

/** Content of a message: one text, or parts. */
export const contentOf = <Part extends z.ZodType>(part: Part, partsMax: number) =>
  z.union([plainText.min(1), listOf(part, partsMax)]);

const ignored = z.array(z.unknown()).optional();
const assistantPart = z.discriminatedUnion('type', [
  z.strictObject({ type: z.literal('output_text'), text: plainText, annotations: ignored, logprobs: ignored }),
  z.strictObject({ type: z.literal('refusal'), refusal: plainText }),
]);

/** The messages of a conversation, by role, with at most so many content parts each. */
export const messageSchemas = (partsMax: number) =>
  [
    z.strictObject({ type, role: z.literal('user'), content: contentOf(contentPart, partsMax), ...ofProvider }),
    z.strictObject({
      type,
      role: z.literal('assistant'),
      content: contentOf(assistantPart, partsMax),
      phase: z.enum(['commentary', 'final_answer']).nullish(),
      ...ofProvider,
    }),
    z
      .strictObject({
        type,
        role: z.enum(['system', 'developer']),
        content: contentOf(textPart, partsMax),
        ...ofProvider,
      })
      .meta({ description: 'Only where the service allows it.' }),
  ] as const;

const roleExpected = 'must be user or assistant (or system or developer, where the service allows it)';
const noMessage =
  'must be there: tool calls and results are made by runs; those of an earlier conversation can be imported into a ' +
  'session (POST /api/v1/sessions/{id}/items)';

const isOfOtherType = (value: unknown): boolean =>
  typeof value === 'object' && value !== null && 'type' in value && value.type !== 'message';

/** What is said of a message with any other role, and of an item that is none. */
export const roleError = ({ input }: { input?: unknown }): string => (isOfOtherType(input) ? noMessage : roleExpected);

/** A message of a conversation, with at most so many content parts. */
export const inputMessage = (partsMax: number) =>
  z.discriminatedUnion('role', messageSchemas(partsMax), { error: roleError });
/** A message of a conversation, as the Responses API writes it. */
export type WireMessage = z.output<ReturnType<typeof inputMessage>>;

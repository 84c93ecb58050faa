import { z } from 'zod';
import { createAddressRule, urlMistake } from '../../platform/http/public-address.ts';
import { base64Mistake, dataUrlMistake, isDataUrl } from './data-url.ts';

const urlCharsMax = 2_000;
const idCharsMax = 200;
const filenameCharsMax = 255;
const publicUrls = { allowHttp: false, isAllowed: createAddressRule([]), charsMax: urlCharsMax };

/** Names that lead to the own machine or network of whoever resolves them (RFC 6761, RFC 6762, RFC 8375). */
const isLocalName = ({ hostname }: URL): boolean =>
  !/[.:]/.test(hostname) || /\.(localhost|local|internal|home\.arpa)\.?$/i.test(hostname);

/** What is wrong with the URL of a picture or a file that a model provider is to fetch; null for a valid one. */
function fetchedUrlMistake(text: string): string | null {
  if (text.length > urlCharsMax) return `may have at most ${urlCharsMax} characters`;
  const mistake = urlMistake(text, publicUrls);
  if (mistake !== null) return mistake;
  return isLocalName(new URL(text)) ? 'must not lead to an address that is not public' : null;
}

/** A text without NUL, which no store and no provider takes. */
export const plainText = z.string().refine((text) => !text.includes('\0'), 'may not contain the NUL character');

const fileId = z
  .string()
  .regex(/^[\w.:/-]+$/, 'must be the id of a file')
  .max(idCharsMax);
const filename = plainText.min(1).max(filenameCharsMax);

type Check = (value: string) => string | null;
const checked = (check: Check) =>
  z.string().superRefine((value, context) => {
    const message = check(value);
    if (message !== null) context.addIssue({ code: 'custom', message });
  });

const pictureSource = checked((value) =>
  isDataUrl(value) ? dataUrlMistake(value, 'image') : fetchedUrlMistake(value),
);
const fileData = checked((value) => dataUrlMistake(value));
const fetchedUrl = checked(fetchedUrlMistake);
const base64 = checked(base64Mistake);
const fileSource = checked((value) => (isDataUrl(value) ? dataUrlMistake(value) : fetchedUrlMistake(value)));

/** That exactly one of these fields is there. */
const oneOf =
  (...fields: string[]) =>
  (part: Record<string, unknown>, context: z.RefinementCtx): void => {
    if (fields.filter((field) => part[field] !== undefined).length === 1) return;
    context.addIssue({ code: 'custom', message: `must have exactly one of ${fields.join(', ')}` });
  };

const ofSdk = { description: "The SDK's name for it." };

const inputText = z.strictObject({ type: z.literal('input_text'), text: plainText }).meta({ id: 'InputText' });

const inputImage = z
  .strictObject({
    type: z.literal('input_image'),
    image_url: pictureSource.optional().meta({ description: 'A data: URL in base64, or an https:// URL.' }),
    file_id: fileId.optional(),
    image: z
      .union([pictureSource, z.strictObject({ id: fileId })])
      .optional()
      .meta(ofSdk),
    detail: z
      .string()
      .regex(/^[a-z_]{1,20}$/, 'must be such as auto, low or high')
      .optional(),
  })
  .superRefine(oneOf('image_url', 'file_id', 'image'))
  .meta({ id: 'InputImage' });

const inputFile = z
  .strictObject({
    type: z.literal('input_file'),
    file_data: fileData.optional().meta({ description: 'A data: URL in base64.' }),
    file_url: fetchedUrl.optional(),
    file_id: fileId.optional(),
    file: z
      .union([fileSource, z.strictObject({ id: fileId }), z.strictObject({ url: fetchedUrl })])
      .optional()
      .meta(ofSdk),
    filename: filename.optional(),
  })
  .superRefine(oneOf('file_data', 'file_url', 'file_id', 'file'))
  .meta({ id: 'InputFile' });

const audioFormat = z.enum(['wav', 'mp3']);
const inputAudio = z
  .strictObject({
    type: z.literal('input_audio'),
    input_audio: z.strictObject({ data: base64, format: audioFormat }),
  })
  .meta({ id: 'InputAudio' });
const sdkAudio = z
  .strictObject({ type: z.literal('audio'), audio: base64, format: audioFormat })
  .meta({ id: 'SdkAudio', ...ofSdk });

/** A part of what a user says: text, a picture, a file or a sound, as the Responses API or the SDK writes it. */
export const contentPart = z.discriminatedUnion('type', [inputText, inputImage, inputFile, inputAudio, sdkAudio], {
  error: 'must be input_text, input_image, input_file or input_audio; messages with a role belong into `input`',
});
/** A part of what a user says. */
export type ContentPart = z.output<typeof contentPart>;

/** A part of text alone. */
export const textPart = inputText;

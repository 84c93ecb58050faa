import type { Settings } from '../../platform/settings/settings.ts';
import type { ProviderFeatures } from '../../providers/index.ts';
import type { InputOption, InputRules } from './input-rules.ts';

type LimitSettings = Pick<Settings, 'inputCharsMax' | 'inputPartsMax' | 'inputBytesMax'>;

/** The rules for inputs: what the application allows, within the limits of the settings. */
export const inputRulesOf = (
  { roles = [], fileIds = false, urls }: InputOption,
  { inputCharsMax: charsMax, inputPartsMax: partsMax, inputBytesMax: bytesMax }: LimitSettings,
  providers: ProviderFeatures,
): InputRules => ({
  roles,
  fileIds,
  urls: urls ?? providers.official,
  apis: providers.apis,
  charsMax,
  partsMax,
  bytesMax,
});

/** JSON may encode a character of a text in up to six bytes. */
const bodyBytesPerChar = 6;
/** Names, sources and punctuation of a content part. */
const bodyBytesPerPart = 4 * 1024;

/** The longest body that has an input within the limits, in bytes, apart from its other fields. */
export const inputBodyBytesMax = ({ inputCharsMax, inputPartsMax, inputBytesMax }: LimitSettings): number =>
  inputCharsMax * bodyBytesPerChar + inputPartsMax * bodyBytesPerPart + Math.ceil(inputBytesMax / 3) * 4;

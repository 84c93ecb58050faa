import type { Limits } from '../definition.ts';

const ignoresNames = '`tool_choice` that names a tool counts as `auto`, and the model then repeats the call';

/** What llama.cpp's server does not do, however it is packaged. */
export const llamaCppLimits: Limits = {
  'chat_completions/named-tool': ignoresNames,
  'responses/named-tool': ignoresNames,
  'responses/structured-unguided': 'Responses ignores `text.format`; the answer is no JSON',
};

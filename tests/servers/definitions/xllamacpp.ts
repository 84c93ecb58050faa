import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { ServerDefinition } from '../definition.ts';
import { answerTokensMax, chatTemplate, contextTokens, installModel, installPython, stopText } from '../install.ts';
import { startServer } from '../server-process.ts';

const version = '2026.10.11549';
const apiKey = 'sk-local-model-0000';
const program = fileURLToPath(new URL('./serve-xllamacpp.py', import.meta.url));

/** llama.cpp's server as a library in a Python wheel. */
export const xllamacpp: ServerDefinition = {
  name: 'xllamacpp',
  version,
  title: `llama.cpp's server, in xllamacpp ${version} (PyPI)`,
  apis: ['chat_completions', 'responses'],
  isQuick: true,
  apiKey,
  install: (folder) => installPython(join(folder, 'xllamacpp'), [`xllamacpp==${version}`]),
  start: async (folder) =>
    startServer({
      program: join(folder, 'xllamacpp/bin/python'),
      args: [program, chatTemplate, stopText, apiKey, String(contextTokens), String(answerTokensMax)],
      cwd: await installModel(folder),
      ready: /^ready at (http:\/\/\S+)/,
    }),
};

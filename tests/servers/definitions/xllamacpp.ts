import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { ServerDefinition } from '../definition.ts';
import { installWheels, pythonIn } from '../install.ts';
import { answerTokensMax, chatTemplate, contextTokens, installModel, modelFolder, stopText } from '../model.ts';
import { startServer } from '../server-process.ts';
import { llamaCppLimits } from './llama-cpp-limits.ts';

const version = '2026.10.11549';
const apiKey = 'sk-local-model-0000';
const program = fileURLToPath(new URL('./serve-xllamacpp.py', import.meta.url));
const folderOf = (folder: string) => join(folder, `xllamacpp-${version}`);

/** llama.cpp's server as a library in a Python wheel. */
export const xllamacpp: ServerDefinition = {
  name: 'xllamacpp',
  version,
  title: `llama.cpp's server, in xllamacpp ${version} (PyPI)`,
  apis: ['chat_completions', 'responses'],
  isQuick: true,
  apiKey,
  limits: llamaCppLimits,
  async install(folder, tell) {
    await installModel(folder, tell);
    await installWheels(folderOf(folder), `xllamacpp==${version}`, tell);
  },
  start: (folder) =>
    startServer({
      program: 'python3',
      args: [program, chatTemplate, stopText, apiKey, String(contextTokens), String(answerTokensMax)],
      cwd: modelFolder(folder),
      env: pythonIn(folderOf(folder)),
      ready: /^ready at (http:\/\/\S+)/,
    }),
};

import { existsSync, mkdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { runProgram } from '../../support/child-processes.ts';
import type { ServerDefinition } from '../definition.ts';
import { answerTokensMax, chatTemplate, contextTokens, installModel, stopText } from '../install.ts';
import { startServer } from '../server-process.ts';

const version = '0.3.36';
const apiKey = 'sk-local-model-0000';
const installer = fileURLToPath(new URL('../../real-model/install.sh', import.meta.url));

/** The folder that `tests/real-model` has, so that the program is compiled once. */
const folderOf = (folder: string) => process.env.REAL_MODEL_DIR ?? join(dirname(folder), 'real-model');

/** llama.cpp's server, compiled from the sources that come with llama-cpp-python. */
export const llamaServer: ServerDefinition = {
  name: 'llama-server',
  version,
  title: `llama.cpp's llama-server, compiled from the sources in llama-cpp-python ${version} (PyPI)`,
  apis: ['chat_completions', 'responses'],
  isQuick: false,
  apiKey,
  async install(folder) {
    const target = folderOf(folder);
    if (existsSync(join(target, 'llama-server')) && existsSync(join(target, 'model.gguf'))) return;
    mkdirSync(target, { recursive: true });
    await runProgram('sh', [installer], { env: { ...process.env, REAL_MODEL_DIR: target } });
  },
  start: async (folder) =>
    startServer({
      program: join(folderOf(folder), 'llama-server'),
      args: [
        ...['--model', 'model.gguf', '--host', '127.0.0.1', '--port', '0', '--api-key', apiKey, '--jinja'],
        ...['--chat-template-file', chatTemplate, '--reverse-prompt', stopText, '--temp', '0', '--threads', '1'],
        ...['--ctx-size', String(contextTokens), '--predict', String(answerTokensMax), '--parallel', '1'],
      ],
      cwd: await installModel(folder),
      ready: /listening on (http:\/\/\S+)/,
    }),
};

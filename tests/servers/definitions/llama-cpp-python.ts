import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { ServerDefinition } from '../definition.ts';
import { chatTemplate, contextTokens, installModel, installPython, stopText } from '../install.ts';
import { freePort, startServer } from '../server-process.ts';

const version = '0.3.36';
const apiKey = 'sk-local-model-0000';

/** The template as a tokenizer's configuration, the form in which this server takes one. Its end of text ends answers. */
const tokenizerConfig = () => ({
  chat_template: readFileSync(chatTemplate, 'utf8'),
  bos_token: '<bos>',
  eos_token: stopText,
});

/** The server of llama-cpp-python: a program of its own in Python, over llama.cpp's library. */
export const llamaCppPython: ServerDefinition = {
  name: 'llama-cpp-python',
  version,
  title: `llama_cpp.server of llama-cpp-python ${version} (PyPI, compiled)`,
  apis: ['chat_completions'],
  isQuick: false,
  apiKey,
  install: (folder) =>
    installPython(join(folder, 'llama-cpp-python'), [`llama-cpp-python[server]==${version}`], {
      CMAKE_BUILD_PARALLEL_LEVEL: process.env.JOBS ?? '2',
    }),
  async start(folder) {
    const port = await freePort();
    const config = join(folder, 'llama-cpp-python/tokenizer-config.json');
    writeFileSync(config, JSON.stringify(tokenizerConfig()));
    return startServer({
      program: join(folder, 'llama-cpp-python/bin/python'),
      args: [
        ...['-m', 'llama_cpp.server', '--model', 'model.gguf', '--host', '127.0.0.1', '--port', String(port)],
        ...['--api_key', apiKey, '--n_ctx', String(contextTokens), '--n_threads', '1'],
        ...['--chat_format', 'hf-tokenizer-config', '--hf_tokenizer_config_path', config],
      ],
      cwd: await installModel(folder),
      ready: /Uvicorn running on (http:\/\/\S+)/,
    });
  },
};

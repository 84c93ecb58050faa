import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Limits, ServerDefinition } from '../definition.ts';
import { compile, compilerJobs, fetchPython, onceIn, pythonIn, type Tell } from '../install.ts';
import { chatTemplate, contextTokens, installModel, modelFolder, stopText } from '../model.ts';
import { freePort, startServer } from '../server-process.ts';

const version = '0.3.36';
const apiKey = 'sk-local-model-0000';
const folderOf = (folder: string) => join(folder, `llama-cpp-python-${version}`);

/** The template as a tokenizer's configuration, the form in which this server takes one. Its end of text ends answers. */
const tokenizerConfig = () => ({
  chat_template: readFileSync(chatTemplate, 'utf8'),
  bos_token: '<bos>',
  eos_token: stopText,
});

const noUsage = 'streams have no usage, although it is asked for';
const onlyNamed = '`tool_choice: "required"` has no effect, and calls are read only where the request names the tool';
const noSchema = '`response_format` with a schema is answered with 500';

const limits: Limits = {
  'chat_completions/stream': noUsage,
  'chat_completions/tool': onlyNamed,
  'chat_completions/tool-unstreamed': onlyNamed,
  'chat_completions/named-tool': '`content: null` beside the calls of a message is answered with 500',
  'chat_completions/two-tools': onlyNamed,
  'chat_completions/cut-call': onlyNamed,
  'chat_completions/structured': noSchema,
  'chat_completions/structured-unguided': noSchema,
  'chat_completions/context-overflow-streamed': 'the stream ends without a word',
};

const requirement = `llama-cpp-python[server]==${version}`;

async function install(folder: string, tell: Tell): Promise<void> {
  await installModel(folder, tell);
  await onceIn(folderOf(folder), async () => {
    const packages = join(folderOf(folder), 'packages');
    mkdirSync(packages);
    await fetchPython(packages, requirement, [requirement], tell);
    const step = {
      what: `compiling llama-cpp-python ${version}`,
      program: 'python3',
      // What builds it comes from the registry, too.
      args: ['-m', 'pip', 'install', '--find-links', packages, '--target', folderOf(folder), requirement],
      cwd: folderOf(folder),
      env: { CMAKE_BUILD_PARALLEL_LEVEL: compilerJobs() },
    };
    await compile(step, tell);
    rmSync(packages, { recursive: true });
  });
}

/** The server of llama-cpp-python: a program of its own in Python, over llama.cpp's library. */
export const llamaCppPython: ServerDefinition = {
  name: 'llama-cpp-python',
  version,
  title: `llama_cpp.server of llama-cpp-python ${version} (PyPI, compiled)`,
  apis: ['chat_completions'],
  isQuick: false,
  apiKey,
  limits,
  install,
  async start(folder) {
    const port = await freePort();
    const config = join(folderOf(folder), 'tokenizer-config.json');
    writeFileSync(config, JSON.stringify(tokenizerConfig()));
    return startServer({
      program: 'python3',
      args: [
        ...['-m', 'llama_cpp.server', '--model', 'model.gguf', '--host', '127.0.0.1', '--port', String(port)],
        ...['--api_key', apiKey, '--n_ctx', String(contextTokens), '--n_threads', '1'],
        ...['--chat_format', 'hf-tokenizer-config', '--hf_tokenizer_config_path', config],
      ],
      cwd: modelFolder(folder),
      env: pythonIn(folderOf(folder)),
      ready: /Uvicorn running on (http:\/\/\S+)/,
    });
  },
};

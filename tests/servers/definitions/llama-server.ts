import { copyFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import type { ServerDefinition } from '../definition.ts';
import { compile, compilerJobs, onceIn, type Tell, unpackPythonSource } from '../install.ts';
import { answerTokensMax, chatTemplate, contextTokens, installModel, modelFolder, stopText } from '../model.ts';
import { startServer } from '../server-process.ts';
import { llamaCppLimits } from './llama-cpp-limits.ts';

const version = '0.3.36';
const apiKey = 'sk-local-model-0000';
const folderOf = (folder: string) => join(folder, `llama-server-${version}`);

/** What of llama.cpp is not needed for its server. */
const without = ['BUILD_TESTS', 'BUILD_EXAMPLES', 'BUILD_UI', 'USE_PREBUILT_UI', 'OPENSSL'];
const options = [
  '-DCMAKE_BUILD_TYPE=Release',
  '-DBUILD_SHARED_LIBS=OFF',
  ...without.map((name) => `-DLLAMA_${name}=OFF`),
];

/** The program, as it is compiled below the folder of all servers. */
export const llamaServerProgram = (folder: string): string => join(folderOf(folder), 'llama-server');

async function install(folder: string, tell: Tell): Promise<void> {
  await installModel(folder, tell);
  const cwd = folderOf(folder);
  await onceIn(cwd, async () => {
    const sources = await unpackPythonSource(cwd, 'llama-cpp-python', version, tell);
    const configure = ['-S', join(sources, 'vendor/llama.cpp'), '-B', 'build', ...options];
    await compile({ what: 'configuring llama-server', program: 'cmake', args: configure, cwd }, tell);
    const build = ['--build', 'build', '--target', 'llama-server', '--parallel', compilerJobs()];
    await compile({ what: 'compiling llama-server', program: 'cmake', args: build, cwd }, tell);
    copyFileSync(join(cwd, 'build/bin/llama-server'), llamaServerProgram(folder));
    for (const left of [sources, join(cwd, 'build')]) rmSync(left, { recursive: true });
  });
}

/** llama.cpp's server, compiled from the sources that come with llama-cpp-python. */
export const llamaServer: ServerDefinition = {
  name: 'llama-server',
  version,
  title: `llama.cpp's llama-server, compiled from the sources in llama-cpp-python ${version} (PyPI)`,
  apis: ['chat_completions', 'responses'],
  isQuick: false,
  apiKey,
  limits: llamaCppLimits,
  install,
  start: (folder) =>
    startServer({
      program: llamaServerProgram(folder),
      args: [
        ...['--model', 'model.gguf', '--host', '127.0.0.1', '--port', '0', '--api-key', apiKey, '--jinja'],
        ...['--chat-template-file', chatTemplate, '--reverse-prompt', stopText, '--temp', '0', '--threads', '1'],
        ...['--ctx-size', String(contextTokens), '--predict', String(answerTokensMax), '--parallel', '1'],
      ],
      cwd: modelFolder(folder),
      ready: /listening on (http:\/\/\S+)/,
    }),
};

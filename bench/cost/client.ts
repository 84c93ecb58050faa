/** A closed loop: so many callers, each of which sends its next request when it has the answer to the last one. */
import { Agent, request } from 'node:http';
import { text as answerText } from './answers.ts';
import type { Side } from './sides.ts';

/** What is asked for. */
export type Case = { name: string; agent: 'plain' | 'tooled'; streamed: boolean };

/** The cases that are measured. */
export const cases: Case[] = [
  { name: 'plain', agent: 'plain', streamed: false },
  { name: 'tool', agent: 'tooled', streamed: false },
  { name: 'stream', agent: 'plain', streamed: true },
];

/** How long the whole answer took, and its first token, where it is streamed; in ms. */
type Timing = { totalMs: number; firstTokenMs: number };

/** How long a request may take before something must be wrong, in ms. */
const answerMs = 20_000;

function send(side: Side, { agent, streamed }: Case, connections: Agent): Promise<Timing> {
  const { paths, headers, marks } = side.protocol;
  const body = JSON.stringify({ message: 'Say fifty words, please.', agent });
  const sentMs = performance.now();
  let firstTokenMs = Number.NaN;
  return new Promise((resolve, reject) => {
    const outgoing = request(
      `${side.url}${streamed ? paths.streamed : paths.blocking}`,
      {
        method: 'POST',
        agent: connections,
        headers: { ...headers, 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) },
        timeout: answerMs,
      },
      (response) => {
        let text = '';
        response.setEncoding('utf8');
        response.on('data', (chunk: string) => {
          text += chunk;
          if (streamed && Number.isNaN(firstTokenMs) && text.includes(marks.token)) {
            firstTokenMs = performance.now() - sentMs;
          }
        });
        response.on('error', reject);
        response.on('end', () => {
          const whole = text.includes(answerText) && (!streamed || text.includes(marks.end));
          if (response.statusCode !== 200 || !whole) {
            reject(new Error(`${side.name} answered ${response.statusCode}: ${text.slice(0, 500)}`));
          } else resolve({ totalMs: performance.now() - sentMs, firstTokenMs });
        });
      },
    );
    outgoing.on('error', reject);
    outgoing.on('timeout', () => outgoing.destroy(new Error(`${side.name} did not answer in ${answerMs} ms`)));
    outgoing.end(body);
  });
}

/** A load of requests, all answered rightly, and how long it took in ms. */
export type Load = { timings: Timing[]; tookMs: number };

/** Sends `runs` requests, `callers` at a time. Rejects if one is not answered rightly. */
export async function load(side: Side, of: Case, runs: number, callers: number): Promise<Load> {
  const connections = new Agent({ keepAlive: true, maxSockets: callers });
  const timings: Timing[] = [];
  let begun = 0;
  const caller = async () => {
    while (begun < runs) {
      begun += 1;
      timings.push(await send(side, of, connections));
    }
  };
  const startedMs = performance.now();
  try {
    await Promise.all(Array.from({ length: callers }, caller));
    return { timings, tookMs: performance.now() - startedMs };
  } finally {
    connections.destroy();
  }
}

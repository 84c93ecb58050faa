/** What a server sent, as files: `captures/<server>-<version>/<api>-<scenario>.json`. */
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { ServedApi } from './definition.ts';

/** What comes of an answer in the service's client: the answer, or the kind of the provider's fault. */
export type ReplayOutcome =
  | {
      text: string;
      toolCalls: { name: string; arguments: string }[];
      usage: { input: number; output: number };
      /** What its streamed pieces add up to, where that is another text. */
      deltas?: string;
    }
  | { fault: string | null; status: number | null };

/** One request of the service and the bytes of the server's answer. */
export type Exchange = {
  path: string;
  /** The body that the service sent; long texts are cut. */
  request: unknown;
  status: number;
  contentType: string | null;
  /** The answer, in the pieces in which it arrived. */
  chunks: string[];
  /** Whether the connection was closed before the end, by the service or by the server. */
  brokenOff: boolean;
};

/** The exchanges of one run, with the outcome of each. */
export type Capture = {
  server: string;
  version: string;
  /** The day on which it was captured. */
  date: string;
  api: ServedApi;
  scenario: string;
  exchanges: (Exchange & { outcome: ReplayOutcome })[];
};

/** A capture and where it is stored, below the folder of captures. */
export type StoredCapture = { path: string; capture: Capture };

const folder = fileURLToPath(new URL('./captures/', import.meta.url));

/** The longest text of a request that a capture keeps, in characters. */
const textCharsMax = 80;

/** The body of a request with its long texts cut. */
export const shapeOf = (body: string): unknown =>
  JSON.parse(body, (_, value: unknown) =>
    typeof value === 'string' && value.length > textCharsMax ? `${value.slice(0, textCharsMax)}…` : value,
  );

/** @throws {Error} if a capture says something of the machine that it was made on */
function assertPortable(text: string, path: string): void {
  for (const found of ['127.0.0.1', 'localhost']) {
    if (text.includes(found)) throw new Error(`${path} has ${found} in it`);
  }
}

/** Writes a capture, in place of that of the same scenario. */
export function writeCapture({ path, capture }: StoredCapture): void {
  const text = `${JSON.stringify(capture, null, 1)}\n`.replaceAll(homedir(), '~');
  assertPortable(text, path);
  mkdirSync(join(folder, path, '..'), { recursive: true });
  writeFileSync(join(folder, path), text);
}

/** The path of a capture below the folder of captures. */
export const capturePath = ({ server, version, api, scenario }: Omit<Capture, 'exchanges' | 'date'>): string =>
  `${server}-${version}/${api}-${scenario}.json`;

/** All captures, in the order of their paths. */
export const readCaptures = (): StoredCapture[] =>
  readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((path) => path.endsWith('.json'))
    .sort()
    .map((path) => ({ path, capture: JSON.parse(readFileSync(join(folder, path), 'utf8')) as Capture }));

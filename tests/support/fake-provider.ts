/**
 * A fake of OpenAI's API for tests, in a process of its own: what it answers, when, and how it fails is up to the test.
 *
 *   await using provider = await startFakeProvider();
 *   await provider.script({ toolCalls: [{ name: 'lookup_order', arguments: { order_id: '1001' } }] }, 'It left today.');
 *   const client = new OpenAI({ baseURL: provider.baseUrl, apiKey: 'sk-test', maxRetries: 0 });
 *
 * `fake-provider/reply.ts` lists what a script can say, `fake-provider/directives.ts` what a user's message can ask for
 * without a script, `fake-provider/usage.ts` how tokens are counted. `fake-provider/README.md` has recipes.
 */
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { spawnProcess } from './child-processes.ts';
import type { ProviderSnapshot, ProviderStats } from './fake-provider/control.ts';
import type { RecordedRequest } from './fake-provider/recorder.ts';
import type { ScriptEntry } from './fake-provider/reply.ts';
import { waitMsMax } from './limits.ts';

export type { ProviderSnapshot, ProviderStats } from './fake-provider/control.ts';
export { manyTokens } from './fake-provider/directives.ts';
export { type RecordedRequest, recordedRequestsMax } from './fake-provider/recorder.ts';
export {
  type Condition,
  type Fault,
  handoffToolName,
  type Reply,
  type Rule,
  type ScriptEntry,
} from './fake-provider/reply.ts';
export { countCallTokens, countTokens } from './fake-provider/usage.ts';

/** How a fake provider differs from its defaults. */
export type FakeProviderOptions = {
  /** Defaults to a free port. */
  port?: number;
  /** The only key that is accepted; others are 401. Defaults to any. */
  apiKey?: string;
  /** The models that exist; others are 404. Defaults to any name. */
  models?: string[];
  /**
   * Makes response and call ids that differ even where the requests are the same, as the real API's do. By default the
   * same request gets the same answer to the last character.
   */
  freshIds?: boolean;
  /**
   * Makes it a vLLM, which works on so many calls at once and lets others wait, and has `/health` and `/metrics` beside
   * the API.
   */
  vllm?: { maxNumSeqs: number };
  /** Each answer begins so much later, in ms. Defaults to 0. */
  slowMs?: number;
};

/** A running fake provider. */
export type FakeProvider = {
  /** `http://127.0.0.1:<port>/v1`, for `OPENAI_BASE_URL` and `new OpenAI({ baseURL })`. */
  readonly baseUrl: string;
  /** The process id. */
  readonly pid: number;
  /** Adds rules, and replies for the queue. Rejects when an entry has a field that does not exist. */
  script(...entries: ScriptEntry[]): Promise<void>;
  /** Lets replies that wait at a hold go on: all of them, now and later, or `count` of them. */
  release(name: string, count?: number): Promise<void>;
  /** Resolves when at least `count` replies wait at that hold. Defaults to 1. */
  held(name: string, count?: number): Promise<void>;
  /** The requests since the start or the last reset, oldest first; the last 1,000. */
  requests(): Promise<RecordedRequest[]>;
  /** The counts since the start or the last reset. */
  stats(): Promise<ProviderStats>;
  /**
   * Resolves with the state for which the predicate holds, now or as soon as it does. Rejects after `waitMsMax`
   * with what it saw last.
   */
  waitFor(predicate: (snapshot: ProviderSnapshot) => boolean): Promise<ProviderSnapshot>;
  /** Forgets the script, the holds and all requests, and drops answers that are under way. */
  reset(): Promise<void>;
  /** Drops all connections and refuses new ones, as a provider that cannot be reached. */
  down(): Promise<void>;
  /** Listens again, on the same port. */
  up(): Promise<void>;
  [Symbol.asyncDispose](): Promise<void>;
};

const main = fileURLToPath(new URL('./fake-provider/main.ts', import.meta.url));

function argumentsFor({ port = 0, apiKey, models, freshIds, vllm, slowMs = 0 }: FakeProviderOptions): string[] {
  return [
    main,
    ...['--port', String(port)],
    ...(apiKey === undefined ? [] : ['--api-key', apiKey]),
    ...(models === undefined ? [] : ['--models', models.join(',')]),
    ...(freshIds === true ? ['--fresh-ids'] : []),
    ...(vllm === undefined ? [] : ['--vllm-max-num-seqs', String(vllm.maxNumSeqs)]),
    ...['--slow-ms', String(slowMs)],
  ];
}

/** The first line that the process prints; rejects when it ends before. */
async function firstLine(child: ChildProcess): Promise<string> {
  const lines = createInterface({ input: child.stdout as NodeJS.ReadableStream });
  const [line] = await Promise.race([
    once(lines, 'line'),
    once(child, 'exit').then(([code]) => Promise.reject(new Error(`The fake provider ended with code ${code}.`))),
  ]);
  lines.close();
  return line;
}

async function stop(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const exited = once(child, 'exit');
  child.kill('SIGTERM');
  await exited;
}

/** The control routes of a fake provider. */
function createControlClient(controlUrl: string) {
  const request = async (path: string, init?: RequestInit): Promise<unknown> => {
    const response = await fetch(`${controlUrl}/__control/${path}`, init);
    const body = (await response.json()) as { error?: string };
    if (!response.ok) throw new Error(body.error);
    return body;
  };
  return {
    get: (path: string) => request(path),
    async post(path: string, body: unknown = {}): Promise<void> {
      await request(path, { method: 'POST', body: JSON.stringify(body) });
    },
  };
}

/** Starts a fake provider; it ends with the process that started it, at the latest. */
export async function startFakeProvider(options: FakeProviderOptions = {}): Promise<FakeProvider> {
  const child = spawnProcess(process.execPath, argumentsFor(options), { stdio: ['pipe', 'pipe', 'inherit'] });
  const { url, controlUrl } = JSON.parse(await firstLine(child)) as { url: string; controlUrl: string };
  const control = createControlClient(controlUrl);

  const waitFor: FakeProvider['waitFor'] = async (predicate) => {
    const deadlineMs = performance.now() + waitMsMax;
    let snapshot = (await control.get('state')) as ProviderSnapshot;
    while (!predicate(snapshot)) {
      if (performance.now() > deadlineMs) {
        throw new Error(`The fake provider did not get there. It has ${JSON.stringify(snapshot.stats)}.`);
      }
      snapshot = (await control.get(`state?after=${snapshot.version}`)) as ProviderSnapshot;
    }
    return snapshot;
  };

  return {
    baseUrl: `${url}/v1`,
    pid: child.pid ?? 0,
    script: (...entries) => control.post('script', entries),
    release: (name, count) => control.post('release', { name, count }),
    held: async (name, count = 1) => void (await waitFor(({ stats }) => (stats.held[name] ?? 0) >= count)),
    requests: async () => (await control.get('requests')) as RecordedRequest[],
    stats: async () => (await control.get('stats')) as ProviderStats,
    waitFor,
    reset: () => control.post('reset'),
    down: () => control.post('down'),
    up: () => control.post('up'),
    [Symbol.asyncDispose]: () => stop(child),
  };
}

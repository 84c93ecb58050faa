import type { Random } from '../support/random.ts';

/** How a run is requested: a caller waits for it, as a stream or for its answer, or none does. */
export type RunKind = 'stream' | 'blocking' | 'background';

/**
 * CPU of a run in ms, measured: the rows of docs/performance.md with 16 at once, on Postgres. `plain` is one model call,
 * `tool` two with a tool between them, `stream` one whose answer is sent in 50 tokens.
 */
export const measuredCpuMs = { plain: 1.21, tool: 2.69, stream: 9.52 };
const measuredTokens = 50;

/** What the figures do not say; docs/autoscaling.md lists these assumptions. */
export const assumptions = {
  /** A model call takes a log-normal time: half of them less than this, in ms, and 4.8 s on average. */
  modelCallMedianMs: 4_000,
  modelCallSigma: 0.6,
  /** Tokens that a stream sends. */
  streamedTokens: 150,
  /** CPU of a process that has nothing to do: probes, scrapes, heartbeats. */
  idleMillicores: 10,
  /** Share of all runs that are asked for, and model calls each of them makes. */
  mix: {
    stream: { share: 0.5, modelCalls: 2 },
    blocking: { share: 0.4, modelCalls: 2 },
    background: { share: 0.1, modelCalls: 10 },
  } satisfies Record<RunKind, { share: number; modelCalls: number }>,
};

const runKinds = Object.keys(assumptions.mix) as RunKind[];

const stepCpuMs = measuredCpuMs.tool - measuredCpuMs.plain;
const tokenCpuMs = (measuredCpuMs.stream - measuredCpuMs.plain) / measuredTokens;

/** CPU of a whole run, in ms. Tools are taken to wait, not to compute. */
export const runCpuMs: Record<RunKind, number> = {
  stream: measuredCpuMs.tool + assumptions.streamedTokens * tokenCpuMs,
  blocking: measuredCpuMs.tool,
  background: measuredCpuMs.plain + (assumptions.mix.background.modelCalls - 1) * stepCpuMs,
};

const callMeanMs = assumptions.modelCallMedianMs * Math.exp(assumptions.modelCallSigma ** 2 / 2);
const meanOf = (figure: (kind: RunKind) => number) =>
  runKinds.reduce((sum, kind) => sum + assumptions.mix[kind].share * figure(kind), 0);

/** How long a run lasts on average, in ms. */
export const runMeanMs = meanOf((kind) => assumptions.mix[kind].modelCalls * callMeanMs);

/** CPU of a pod whose slots are all taken, in thousandths of a core. */
export const fullPodMillicores = (slots: number): number =>
  assumptions.idleMillicores + (1000 * slots * meanOf((kind) => runCpuMs[kind])) / runMeanMs;

/** The time of a model call, drawn (Box and Muller). */
function drawCallMs(random: Random): number {
  const normal = Math.sqrt(-2 * Math.log(1 - random.next())) * Math.cos(2 * Math.PI * random.next());
  return assumptions.modelCallMedianMs * Math.exp(assumptions.modelCallSigma * normal);
}

/** How a run is asked for, drawn. */
export function drawKind(random: Random): RunKind {
  let left = random.next();
  for (const kind of runKinds) {
    left -= assumptions.mix[kind].share;
    if (left < 0) return kind;
  }
  return 'background';
}

/** How long a run lasts, drawn; one with a waiting caller is cut at `timeoutMs`. */
export function drawRunMs(kind: RunKind, timeoutMs: number, random: Random): number {
  let runMs = 0;
  for (let call = 0; call < assumptions.mix[kind].modelCalls; call += 1) runMs += drawCallMs(random);
  return kind === 'background' ? runMs : Math.min(runMs, timeoutMs);
}

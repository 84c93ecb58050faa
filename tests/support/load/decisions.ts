import { effectsIn } from '../effects-file.ts';
import type { ClientDeps } from './client-deps.ts';
import type { Decided, LoadRun, SeenEvent, Violation } from './report.ts';
import { asJson } from './run-on-the-wire.ts';

/** What `apps/failpoints.ts` answers from each of its tools. */
const toolAnswer = 'noted';

type WaitingItem = { call_id: string; tool: string };

const decideBy = (effects: Set<string>, runId: string, { call_id, tool }: WaitingItem): Decided => {
  const happened = effects.has(`${runId}:${call_id}`);
  return { callId: call_id, tool, decision: happened ? 'use_result' : 'retry' };
};

const toWire = ({ callId, decision }: Decided) => ({
  call_id: callId,
  decision,
  ...(decision === 'use_result' ? { result: toolAnswer } : {}),
});

/** The part of a client that decides about calls whose outcome is unknown. */
export function createDecider({ sender, effectsFile, signal }: ClientDeps, violated: Violation) {
  return {
    /**
     * Decides by the effects that really happened, which are read before each attempt: a decision whose answer was lost
     * may have been carried out, and the run may have stopped at the same call again.
     */
    async decide(run: LoadRun, waiting: SeenEvent): Promise<void> {
      const { items } = waiting.required_action as { items: WaitingItem[] };
      let decided: Decided[] = [];
      const request = (url: string) => {
        const effects = new Set(effectsIn(effectsFile).map(({ key }) => key));
        decided = items.map((item) => decideBy(effects, run.runId ?? '', item));
        return fetch(`${url}/api/v1/runs/${run.runId}/decisions`, {
          method: 'POST',
          headers: { 'content-type': 'application/json' },
          body: JSON.stringify({ decisions: decided.map(toWire) }),
          signal,
        });
      };
      const purpose = { run: run.planned.number, request: 'decide' } as const;
      const sent = await sender.send(purpose, {
        request,
        wanted: [200],
        take: async (response) => (await asJson(response)).run_id,
      });
      run.decisions.push(...decided);
      // Refused as decided already: right if the answer to an earlier request got lost.
      if ('refusal' in sent && sent.drops === 0) violated(run, 'a decision was refused that no client had made');
    },
  };
}

/** Lets the viewers of a run wait for the decision that one of them makes. */
export function createDecisions() {
  let lastSeq = 0;
  let open = true;
  const waiting = new Set<() => void>();
  const notify = () => {
    for (const resume of [...waiting]) resume();
  };
  const resumeOnce = (resolve: () => void): (() => void) => {
    const resume = () => {
      waiting.delete(resume);
      resolve();
    };
    return resume;
  };
  return {
    made(seq: number): void {
      lastSeq = seq;
      notify();
    },
    close(): void {
      open = false;
      notify();
    },
    async after(seq: number): Promise<void> {
      while (open && lastSeq < seq) await new Promise<void>((resolve) => waiting.add(resumeOnce(resolve)));
    },
  };
}

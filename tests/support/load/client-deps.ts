import type { LoadReport, SeenEvent } from './report.ts';
import type { Sender } from './sender.ts';

/** Dependencies of a client. */
export type ClientDeps = {
  sender: Sender;
  report: Pick<LoadReport, 'violations' | 'errors' | 'drops'>;
  /** Where the tools write what they did. */
  effectsFile: string;
  onEvent(event: SeenEvent): void;
  signal: AbortSignal;
};

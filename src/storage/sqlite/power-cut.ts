import { readFileSync } from 'node:fs';
import type { Operation } from './operation.ts';

/** Tells the lives of a machine's kernel apart (https://docs.kernel.org/admin-guide/sysctl/kernel.html#random). */
export function readBootId(): string | null {
  try {
    return readFileSync('/proc/sys/kernel/random/boot_id', 'latin1').trim();
  } catch {
    return null; // only Linux says so
  }
}

// One number for the event that may be lost, and one for those who have seen that.
const withdrawText = `
  insert into events (run_id, seq, tenant_id, type, attempt, at_ms, data)
  select id, (select coalesce(max(seq), 1) from events where run_id = runs.id) + place, tenant_id, 'text.reset', attempt,
    ?, json_object('step', (select coalesce(max(step), 0) from steps where run_id = runs.id) + 1, 'reason', 'recovery')
  from runs indexed by runs_owned, (select 1 as place union all select 2)
  where status = 'running' and mode = 'stream'
    and not exists (select 1 from processes where processes.id = runs.owner_id and boot_id = ?)`;

/**
 * Makes up for what a power cut may have taken, before anything else happens: of each run that was streamed, the event
 * with the first text of a step, which is shown before it is durable (see `JournalStore.append`). Its number is given to
 * a `text.reset`, and so is the next one: whoever saw the text goes on after its number, and has it withdrawn.
 *
 * There was none if the process of the run was announced since this kernel began: what is committed outlasts a process.
 */
export function withdrawLostText({ sql, nowMs }: Operation, bootId: string | null): void {
  sql(withdrawText).run(nowMs, bootId);
}

import { readFileSync } from 'node:fs';
import type { Operation } from './operation.ts';

/** The boot id of the machine's kernel (https://docs.kernel.org/admin-guide/sysctl/kernel.html#random). */
export function readBootId(): string | null {
  try {
    return readFileSync('/proc/sys/kernel/random/boot_id', 'latin1').trim();
  } catch {
    return null; // only Linux has one
  }
}

// One number in place of the event that may be lost, and one for clients that have seen that event.
const withdrawText = `
  insert into events (run_id, seq, tenant_id, type, attempt, at_ms, data)
  select id, (select coalesce(max(seq), 1) from events where run_id = runs.id) + place, tenant_id, 'text.reset', attempt,
    ?, json_object('step', (select coalesce(max(step), 0) from steps where run_id = runs.id) + 1, 'reason', 'recovery')
  from runs indexed by runs_owned, (select 1 as place union all select 2)
  where status = 'running' and mode = 'stream'
    and not exists (select 1 from processes where processes.id = runs.owner_id and boot_id = ?)`;

/**
 * Withdraws text that a power cut may have undone, before anything else happens: for each run that was streamed, the
 * event with the first text of a step, which is shown before it is durable (see `JournalStore.append`). A `text.reset`
 * takes its number, and another one the next number: a client that saw the text continues after its number and so
 * receives the second one.
 *
 * There was no power cut if the process of the run was registered since this boot: what is committed survives the end of
 * a process.
 */
export function withdrawLostText({ sql, nowMs }: Operation, bootId: string | null): void {
  sql(withdrawText).run(nowMs, bootId);
}

/** What Linux says about processes (proc(5)). */
import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';

const ticksPerSecond = Number(execFileSync('getconf', ['CLK_TCK'], { encoding: 'utf8' }));

/** The fields of `/proc/<pid>/stat` from the third on: the second is a name in brackets that may hold anything. */
function statOf(pid: number): string[] | null {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, 'utf8');
    return text.slice(text.lastIndexOf(')') + 2).split(' ');
  } catch {
    return null; // it has ended
  }
}

const ticks = (fields: string[], ...numbers: number[]) =>
  numbers.reduce((sum, number) => sum + Number(fields[number - 3]), 0);

/** CPU time of a process, all its threads, user and system, in ms. */
export const cpuMs = (pid: number): number => (ticks(statOf(pid) ?? [], 14, 15) / ticksPerSecond) * 1000;

/** The same of a process and all its children, those that ended included, in ms. */
export function cpuWithChildrenMs(pid: number): number {
  const children = readdirSync('/proc').flatMap((name) => {
    const fields = /^\d+$/.test(name) ? statOf(Number(name)) : null;
    return fields !== null && Number(fields[4 - 3]) === pid ? [fields] : [];
  });
  const own = ticks(statOf(pid) ?? [], 14, 15, 16, 17);
  const living = children.reduce((sum, fields) => sum + ticks(fields, 14, 15), 0);
  return ((own + living) / ticksPerSecond) * 1000;
}

/** The parent of a process. */
export const parentOf = (pid: number): number => Number(statOf(pid)?.[4 - 3]);

/** Resident memory of a process, in MiB. */
export const residentMib = (pid: number): number =>
  Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]) / 1024;

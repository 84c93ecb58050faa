import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';

/** A process that runs. */
export type ProcessEntry = {
  pid: number;
  parentPid: number;
  /** The words of its command line, or of the title that it has given itself. */
  words: string[];
};

const wordsOf = (commandLine: string): string[] => commandLine.split(/[\0\s]+/).filter(Boolean);

function readFile(path: string): string | null {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return null; // the process has ended
  }
}

/** The parent of a process on Linux; null if the process has ended, though nobody has asked for its exit code yet. */
export function parentOnLinux(pid: number): number | null {
  // `1234 (name, which may have spaces and brackets) S 1 …`
  const [, state, parent] = /\) (\S) (\d+) [^)]*$/.exec(readFile(`/proc/${pid}/stat`) ?? '') ?? [];
  return state === undefined || 'ZX'.includes(state) ? null : Number(parent);
}

function readOnLinux(pid: number): ProcessEntry | null {
  const parentPid = parentOnLinux(pid);
  return parentPid === null ? null : { pid, parentPid, words: wordsOf(readFile(`/proc/${pid}/cmdline`) ?? '') };
}

/** All processes by id, as `ps` lists them; none where it is missing. */
function listByPs(): Map<number, ProcessEntry> {
  try {
    const lines = execFileSync('ps', ['-A', '-o', 'pid=,ppid=,command='], { encoding: 'utf8' }).trim().split('\n');
    const entries = lines.map((line): ProcessEntry => {
      const [pid, parentPid, ...words] = wordsOf(line);
      return { pid: Number(pid), parentPid: Number(parentPid), words };
    });
    return new Map(entries.map((entry) => [entry.pid, entry]));
  } catch {
    return new Map();
  }
}

/** The most ancestors that are looked at. */
const ancestorsMax = 20;

/** The ancestors of this process, its parent first. */
export function readAncestors(): ProcessEntry[] {
  const listed = process.platform === 'linux' ? null : listByPs();
  const ancestors: ProcessEntry[] = [];
  let pid = process.ppid;
  while (pid > 0 && ancestors.length < ancestorsMax) {
    const entry = listed === null ? readOnLinux(pid) : (listed.get(pid) ?? null);
    if (entry === null) break;
    ancestors.push(entry);
    pid = entry.parentPid;
  }
  return ancestors;
}

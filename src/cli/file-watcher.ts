import { type FSWatcher, statSync, watch } from 'node:fs';
import { dirname, join } from 'node:path';

/** Changes within this time are one: editors write a file in several steps. */
const settleMs = 100;

/** What tells one state of a file from another; also of a file that is not there. */
function stateOf(path: string): string {
  const stats = statSync(path, { throwIfNoEntry: false });
  return stats === undefined ? 'missing' : `${stats.ino} ${stats.size} ${stats.mtimeMs}`;
}

/**
 * Watches files, and calls `onChange` with the one that was changed, made or removed, once things have settled.
 *
 * It watches the folders that the files are in: many editors save a file as a new one that takes the old one's name,
 * and a watch on the old file itself (as of `node --watch`) would end with it.
 */
export function createFileWatcher(onChange: (path: string) => void) {
  const states = new Map<string, string>();
  const folders = new Map<string, FSWatcher | null>();
  let settling: NodeJS.Timeout | undefined;

  function look(path: string): void {
    const before = states.get(path);
    const now = before === undefined ? undefined : stateOf(path);
    if (now === before || now === undefined) return;
    states.set(path, now);
    clearTimeout(settling);
    settling = setTimeout(() => onChange(path), settleMs);
  }

  function watchFolder(folder: string): FSWatcher | null {
    try {
      const watcher = watch(folder, (_event, name) => {
        for (const path of name === null ? states.keys() : [join(folder, name)]) look(path);
      });
      return watcher.on('error', () => watcher.close()); // the folder was removed
    } catch {
      return null; // the folder is not there
    }
  }

  return {
    /** Adds a file, by its absolute path; it need not be there yet, but its folder has to. */
    watch(path: string): void {
      if (!states.has(path)) states.set(path, stateOf(path));
      const folder = dirname(path);
      if (!folders.has(folder)) folders.set(folder, watchFolder(folder));
    },

    /** Forgets all files. */
    clear(): void {
      clearTimeout(settling);
      for (const watcher of folders.values()) watcher?.close();
      folders.clear();
      states.clear();
    },
  };
}

import { type FSWatcher, statSync, watch } from 'node:fs';
import { dirname, join } from 'node:path';

/** Changes within this time count as one, in ms: editors write a file in several steps. */
const debounceMs = 100;

/** Identifies the state of a file; `missing` if it does not exist. */
function stateOf(path: string): string {
  const stats = statSync(path, { throwIfNoEntry: false });
  return stats === undefined ? 'missing' : `${stats.ino} ${stats.size} ${stats.mtimeMs}`;
}

/**
 * Watches files, and calls `onChange` with the last file that was changed, created or removed, debounced.
 *
 * It watches the folders of the files: many editors save a file as a new one and rename it to the old name, and a watch
 * on the old file itself (as by `node --watch`) would end with the old file.
 */
export function createFileWatcher(onChange: (path: string) => void) {
  const states = new Map<string, string>();
  const folders = new Map<string, FSWatcher | null>();
  let debounce: NodeJS.Timeout | undefined;

  function checkFile(path: string): void {
    const before = states.get(path);
    const now = before === undefined ? undefined : stateOf(path);
    if (now === before || now === undefined) return;
    states.set(path, now);
    clearTimeout(debounce);
    debounce = setTimeout(() => onChange(path), debounceMs);
  }

  function watchFolder(folder: string): FSWatcher | null {
    try {
      const watcher = watch(folder, (_event, name) => {
        for (const path of name === null ? states.keys() : [join(folder, name)]) checkFile(path);
      });
      return watcher.on('error', () => watcher.close()); // the folder was removed
    } catch {
      return null; // the folder does not exist
    }
  }

  return {
    /** Adds a file, by its absolute path. The file need not exist yet, but its folder must. */
    watch(path: string): void {
      if (!states.has(path)) states.set(path, stateOf(path));
      const folder = dirname(path);
      if (!folders.has(folder)) folders.set(folder, watchFolder(folder));
    },

    /** Stops watching all files. */
    clear(): void {
      clearTimeout(debounce);
      for (const watcher of folders.values()) watcher?.close();
      folders.clear();
      states.clear();
    },
  };
}

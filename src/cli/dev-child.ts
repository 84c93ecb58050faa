import { registerHooks } from 'node:module';
import { fileURLToPath } from 'node:url';

/** What a process under `dev` tells it: a file that it loads, or would have loaded if it were there. */
export type ModuleReport = { module: string };

/** The file behind a module's address; null for what no developer edits. */
function editedFile(url: string | undefined): string | null {
  if (!url?.startsWith('file:') || url.includes('/node_modules/')) return null;
  return fileURLToPath(url);
}

/** From now on reports every module of the developer's own to the parent process, before it is read. */
export function reportModules(): void {
  const reported = new Set<string>();

  function report(url: string | undefined): void {
    const module = editedFile(url);
    if (module === null || reported.has(module) || !process.connected) return;
    reported.add(module);
    process.send?.({ module } satisfies ModuleReport, undefined, undefined, () => {}); // a parent that is gone need not know
  }

  registerHooks({
    resolve(specifier, context, next) {
      try {
        const resolved = next(specifier, context);
        report(resolved.url);
        return resolved;
      } catch (error) {
        report((error as { url?: string }).url); // so that it is noticed when the file is made
        throw error;
      }
    },
  });
}

/** Ends this process gracefully when its parent is gone, however that ended. */
export function endWithParent(): void {
  process.once('disconnect', () => process.kill(process.pid, 'SIGTERM'));
  process.channel?.unref(); // a program that has nothing to do ends all the same
}

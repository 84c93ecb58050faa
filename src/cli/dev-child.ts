import { registerHooks } from 'node:module';
import { fileURLToPath } from 'node:url';

/** A message to `dev`: a file that this process loads, or that it tried to load and that does not exist. */
export type ModuleReport = { module: string };

/** The file of a module URL; null for modules that developers do not edit. */
function editedFile(url: string | undefined): string | null {
  if (!url?.startsWith('file:') || url.includes('/node_modules/')) return null;
  return fileURLToPath(url);
}

/** Reports every module of the developer's own to the parent process from now on, before it is read. */
export function reportModules(): void {
  const reported = new Set<string>();

  function report(url: string | undefined): void {
    const module = editedFile(url);
    if (module === null || reported.has(module) || !process.connected) return;
    reported.add(module);
    process.send?.({ module } satisfies ModuleReport, undefined, undefined, () => {}); // the parent may have ended
  }

  registerHooks({
    resolve(specifier, context, next) {
      try {
        const resolved = next(specifier, context);
        report(resolved.url);
        return resolved;
      } catch (error) {
        report((error as { url?: string }).url); // the creation of the file is then a change
        throw error;
      }
    },
  });
}

/** Ends this process gracefully when its parent ends, however that happens. */
export function endWithParent(): void {
  process.once('disconnect', () => process.kill(process.pid, 'SIGTERM'));
  process.channel?.unref(); // a program that has nothing left to do still ends
}

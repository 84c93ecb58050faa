import { spawnSync } from 'node:child_process';
import { chmodSync, mkdtempSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('../../', import.meta.url));
/** The version before this one, as a commit: processes of both run side by side while a service is updated. */
const commit = '698152b';
/** The program of that commit with the agents of `apps/failpoints.ts`. */
const app = 'tests/support/apps/fault-points.ts';
const archiveBytesMax = 256 * 1024 * 1024;

/** A built copy of the version before this one. */
export type PreviousVersion = { readonly root: string; readonly app: string; [Symbol.dispose](): void };

function run(cwd: string, command: string, args: string[], input?: Buffer): Buffer {
  const { status, stdout, stderr } = spawnSync(command, args, { cwd, input, maxBuffer: archiveBytesMax });
  if (status !== 0) throw new Error(`${command} ${args.join(' ')} ended with ${status}: ${stderr}`);
  return stdout;
}

function readArchive(): Buffer {
  try {
    return run(root, 'git', ['archive', commit]);
  } catch (cause) {
    throw new Error(`This test needs commit ${commit}. In a shallow clone, "git fetch --unshallow" brings it.`, {
      cause,
    });
  }
}

/** Builds the version before this one in a folder of its own, with the packages that are installed here. */
export function buildPreviousVersion(): PreviousVersion {
  const folder = mkdtempSync(join(tmpdir(), 'agent-service-previous-'));
  const remove = () => rmSync(folder, { recursive: true, force: true });
  try {
    chmodSync(folder, 0o755);
    run(folder, 'tar', ['-x'], readArchive());
    symlinkSync(join(root, 'node_modules'), join(folder, 'node_modules'));
    run(folder, process.execPath, ['scripts/build.ts']);
    return { root: folder, app, [Symbol.dispose]: remove };
  } catch (error) {
    remove();
    throw error;
  }
}

import { spawnSync } from 'node:child_process';
import { cpSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';

/** Runs the TypeScript compiler that the project has installed; its messages go to this process's output. */
function compile(root: string, configuration: string): void {
  const compiler = join(root, 'node_modules/typescript/bin/tsc');
  const { status } = spawnSync(process.execPath, [compiler, '-p', configuration], { cwd: root, stdio: 'inherit' });
  if (status !== 0) throw new Error(`${configuration} does not compile`);
}

/** Copies the files that the compiler leaves behind, each to the same place below `to`. */
function copyFiles(from: string, to: string, isWanted: (path: string) => boolean): void {
  cpSync(from, to, { recursive: true, filter: (path) => statSync(path).isDirectory() || isWanted(path) });
}

/**
 * Makes dist/ anew: the package from src, then the examples, which are compiled against the package as its users get
 * it, by its name and its declarations.
 *
 * @param root the folder of the project
 * @throws {Error} if anything does not compile; the compiler has said why
 */
export function build(root: string): void {
  rmSync(join(root, 'dist'), { recursive: true, force: true });
  compile(root, 'tsconfig.build.json');
  copyFiles(join(root, 'src'), join(root, 'dist'), (path) => path.endsWith('.sql'));
  compile(root, 'tsconfig.examples.json');
  copyFiles(join(root, 'examples'), join(root, 'dist/examples'), (path) => !path.endsWith('.ts'));
}

if (import.meta.main) {
  const startMs = performance.now();
  try {
    build(join(import.meta.dirname, '..'));
    process.stdout.write(`built dist/ in ${((performance.now() - startMs) / 1000).toFixed(1)} s\n`);
  } catch (error) {
    process.stderr.write(`build failed: ${(error as Error).message}\n`);
    process.exitCode = 1;
  }
}

/**
 * Compares the service with a release of `@openai/agents` (the suite `sdk`), in a copy of this repository, so that
 * nothing here changes: `npm run test:sdk-next [-- <version>]`.
 */
import { spawnSync } from 'node:child_process';
import { chmodSync, cpSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const help = `Compares the service with a release of @openai/agents, in a copy of this repository: the tests that fail are what differs.

Usage: npm run test:sdk-next [-- [<version or tag>] [--all] <arguments for vitest>]

  <version or tag>   the release to test, such as 0.20.1; "latest" unless said otherwise
  --all              runs all suites of tests but that of the image, and the type checker
  --help             shows this
`;

const root = join(import.meta.dirname, '..');
const args = process.argv.slice(2);

/** Takes the version and `--all` out of the arguments. */
function parseArguments(): { wanted: string; all: boolean } {
  const all = args.includes('--all');
  if (all) args.splice(args.indexOf('--all'), 1);
  const wanted = args[0] === undefined || args[0].startsWith('-') ? 'latest' : (args.shift() ?? 'latest');
  return { wanted, all };
}

function run(cwd: string, command: string, ...parameters: string[]): void {
  process.stderr.write(`\n$ ${command} ${parameters.join(' ')}\n`);
  const { status } = spawnSync(command, parameters, { cwd, stdio: 'inherit' });
  if (status !== 0) throw new Error(`${command} ${parameters[0]} ended with ${status}.`);
}

/** The files that git knows, as they are in the work tree. */
function copyTo(folder: string): void {
  const { stdout } = spawnSync('git', ['ls-files', '-z', '--cached', '--others', '--exclude-standard'], { cwd: root });
  for (const file of stdout.toString().split('\0').filter(Boolean)) {
    cpSync(join(root, file), join(folder, file), { force: true });
  }
}

function test(folder: string, { wanted, all }: { wanted: string; all: boolean }): void {
  copyTo(folder);
  run(folder, 'npm', 'ci', '--no-audit', '--no-fund');
  // The range of the peer dependency is what we have tested; here it is to be left.
  run(folder, 'npm', 'install', '--no-save', '--force', '--no-audit', '--no-fund', `@openai/agents@${wanted}`);
  const manifest = readFileSync(join(folder, 'node_modules/@openai/agents/package.json'), 'utf8');
  process.stderr.write(`\nTesting against @openai/agents ${(JSON.parse(manifest) as { version: string }).version}\n`);
  if (all) run(folder, 'npm', 'run', 'typecheck');
  run(folder, 'npm', 'run', all ? 'test:all' : 'test:sdk', '--', ...args);
}

if (args.includes('--help')) process.stdout.write(help);
else {
  const wanted = parseArguments();
  const folder = mkdtempSync(join(tmpdir(), 'agent-service-sdk-next-'));
  chmodSync(folder, 0o711); // the tests' Postgres runs as another user, who passes through it
  try {
    test(folder, wanted);
  } catch (error) {
    process.stderr.write(`${(error as Error).message}\n`);
    process.exitCode = 1;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

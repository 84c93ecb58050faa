import { spawn } from 'node:child_process';
import { programFile } from './program-file.ts';

/** Serves by the user's program in a process of its own, which is restarted whenever one of its files changes. */
export async function dev(file: string): Promise<void> {
  const path = programFile(file);
  const child = spawn(process.execPath, [...process.execArgv, '--watch', '--watch-preserve-output', path], {
    stdio: 'inherit',
    env: { ...process.env, APP_ENV: process.env.APP_ENV ?? 'development' },
  });
  // A terminal sends its signals to the whole group; others know this process alone.
  const forward = (signal: NodeJS.Signals) => child.kill(signal);
  process.on('SIGTERM', forward).on('SIGINT', () => {});
  const code = await new Promise<number>((resolve) => child.once('exit', (status) => resolve(status ?? 0)));
  process.exitCode = code;
}

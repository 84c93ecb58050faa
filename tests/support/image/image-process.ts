import { chownSync, mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { findProgram } from '../installed-program.ts';
import type { ImageConfig } from './buildah.ts';

const tests = fileURLToPath(new URL('../../', import.meta.url));

/** Where an image has its volume. */
const volume = '/data';

/** An image, unpacked. */
export type UnpackedImage = { root: string; config: ImageConfig };

/** How an image's process differs from its defaults. */
export type ImageProcessOptions = {
  /** What comes after the entrypoint. Defaults to the image's command. */
  args?: string[];
  /** In place of the image's entrypoint. */
  entrypoint?: string[];
  /** Added to the image's environment. */
  env?: Record<string, string | undefined>;
  /** The folder that is mounted where the image has its volume. */
  dataDir: string;
};

/** How to start a process: the program with its first parameters, and its whole environment. */
export type ImageCommand = { program: [string, ...string[]]; env: Record<string, string | undefined> };

/**
 * Runs what follows in the root `$1` with the volume `$2`, as a container does: nothing but the volume and /tmp may be
 * written to, and the process is the first of its own. `$3` are the tests, which bring applications of theirs.
 */
const enter = `set -e
mount --bind "$1" "$1" && mount -o remount,bind,ro "$1"
mount -t proc proc "$1/proc" && mount --rbind /dev "$1/dev" && mount -t tmpfs tmpfs "$1/tmp"
mount --bind /etc/hosts "$1/etc/hosts"
mount --bind "$2" "$1/data"
test ! -d "$1/app/tests" || { mount --bind "$3" "$1/app/tests" && mount -o remount,bind,ro "$1/app/tests"; }
root=$1 directory=$4 user=$5 group=$6
shift 6
exec unshare --root="$root" --wd="$directory" --setgid="$group" --setuid="$user" -- "$@"`;

/** Makes the place where the image's processes see the applications of the tests. */
export function admitTests({ root }: UnpackedImage): void {
  mkdirSync(join(root, 'app/tests'));
}

/**
 * The command that starts the image's process, as its user, in its own root, which is read-only, and on the network of
 * this machine. What is started by it ends as the image's process does, but hands no signal on to it: see `firstProcess`.
 */
export function imageCommand({ root, config }: UnpackedImage, options: ImageProcessOptions): ImageCommand {
  const { args = config.Cmd, entrypoint = config.Entrypoint, env, dataDir } = options;
  const [user = '', group = ''] = config.User.split(':');
  chownSync(dataDir, Number(user), Number(group));
  const own = Object.fromEntries(config.Env.map((entry) => [entry.split('=')[0], entry.slice(entry.indexOf('=') + 1)]));
  const inside = ['--mount', '--pid', '--fork', '--kill-child', 'sh', '-c', enter, 'sh'];
  const places = [root, dataDir, tests, config.WorkingDir, user, group];
  return {
    program: [findProgram('unshare') ?? 'unshare', ...inside, ...places, ...entrypoint, ...args],
    env: { ...own, HOME: '/', ...env },
  };
}

/** An environment that names the folder of the volume and files in it, as the image's process sees them. */
export const inVolume = (env: NodeJS.ProcessEnv, dataDir: string): NodeJS.ProcessEnv =>
  Object.fromEntries(Object.entries(env).map(([name, value]) => [name, value?.replaceAll(dataDir, volume)]));

/** The machine's id of the image's process, which is in its own view process 1, given that of its command. */
export function firstProcess(pid: number): number {
  const children = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim();
  // Nothing is ever sent to process 0, which stands for all of our own group.
  if (!/^\d+$/.test(children)) throw new Error(`process ${pid} has started ${children || 'nothing'}`);
  return Number(children);
}

const variable = 'IMAGE_UNDER_TEST';

/** Has the services that tests start be the process of this image, in the test processes that are started from now on. */
export function testImage(image: UnpackedImage): void {
  process.env[variable] = JSON.stringify(image);
}

/** The image that is tested in place of the source; null where it is the source. */
export function imageUnderTest(): UnpackedImage | null {
  const given = process.env[variable];
  return given === undefined ? null : JSON.parse(given);
}

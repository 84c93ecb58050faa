import { copyFileSync, cpSync, mkdirSync, readFileSync, rmSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { runProgram } from '../child-processes.ts';
import type { Buildah } from './buildah.ts';

const projectFolder = fileURLToPath(new URL('../../../', import.meta.url));
const standIn = 'localhost/node:24-bookworm-slim';
/** How long the real base image may take to come. */
const pullMs = 120_000;
const npmVersion = '11';

/** The digest of the base image that the Dockerfile names. */
function pinnedDigest(): string {
  const dockerfile = readFileSync(join(projectFolder, 'Dockerfile'), 'utf8');
  return /^ARG NODE_IMAGE=node:\S+@(sha256:\w+)$/m.exec(dockerfile)?.[1] ?? '';
}

/** Where this machine's apt finds Debian; undefined for Debian's own address. */
async function debianMirror(): Promise<string | undefined> {
  const { stdout } = await runProgram('apt-get', ['indextargets', '--format', '$(REPO_URI)', 'Created-By: Packages']);
  return stdout.split('\n').find((address) => /\/debian\/?$/.test(address));
}

/** Debian with Node and npm where the real image has them, in `root`. */
async function fill(root: string, temporary: string): Promise<void> {
  const mirror = await debianMirror();
  const packages = ['--variant=essential', '--include=libstdc++6'];
  await runProgram('mmdebstrap', [...packages, '--quiet', 'bookworm', root, ...(mirror ? [mirror] : [])]);
  const local = join(root, 'usr/local');
  copyFileSync(join(projectFolder, 'node_modules/node/bin/node'), join(local, 'bin/node'));
  await runProgram('npm', ['install', '--no-audit', '--no-fund', '--prefix', temporary, `npm@${npmVersion}`]);
  mkdirSync(join(local, 'lib/node_modules'), { recursive: true });
  cpSync(join(temporary, 'node_modules/npm'), join(local, 'lib/node_modules/npm'), { recursive: true });
  for (const name of ['npm', 'npx'])
    symlinkSync(`../lib/node_modules/npm/bin/${name}-cli.js`, join(local, 'bin', name));
}

/** Makes the stand-in and commits it as an image. */
async function makeStandIn({ buildah, folder }: Buildah): Promise<void> {
  const root = join(folder, 'base');
  const temporary = join(folder, 'base-npm');
  try {
    await fill(root, temporary);
    const container = await buildah(['from', 'scratch']);
    await buildah(['copy', '--quiet', container, root, '/']);
    const path = 'PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';
    await buildah(['config', '--env', path, '--cmd', 'node', container]);
    await buildah(['commit', '--quiet', '--rm', '--format', 'docker', container, standIn]);
  } finally {
    for (const path of [root, temporary]) rmSync(path, { recursive: true, force: true });
  }
}

/**
 * The name of the base image, now in the storage: the real one where its registry can be reached, else a stand-in that is
 * made of Debian's packages, the Node of this project, and npm.
 */
export async function provideBaseImage(builder: Buildah): Promise<string> {
  try {
    return await builder.buildah(['pull', '--quiet', `docker://node@${pinnedDigest()}`], pullMs);
  } catch (error) {
    const why = String((error as { stderr?: string }).stderr ?? error).trim();
    process.stdout.write(`A stand-in for the base image is made, since that cannot be pulled: ${why}\n`);
    await makeStandIn(builder);
    return standIn;
  }
}

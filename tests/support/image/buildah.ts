import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { runProgram } from '../child-processes.ts';

/** Options of a build, as `buildah bud` has them. */
export type BuildOptions = {
  /** The folder that the Dockerfile copies from. */
  context: string;
  /** Defaults to `Dockerfile` in the context. */
  dockerfile?: string;
  tag: string;
  buildArgs?: Record<string, string>;
  /** Files that steps of the build may mount, by id. */
  secrets?: Record<string, string>;
  /** Folders of this machine that all steps see, by where they see them. */
  volumes?: Record<string, string>;
};

/** What an image says about how it runs. */
export type ImageConfig = {
  User: string;
  Env: string[];
  Entrypoint: string[];
  Cmd: string[];
  WorkingDir: string;
  ExposedPorts: Record<string, object>;
  Volumes: Record<string, object>;
  Labels: Record<string, string>;
  Healthcheck: { Test: string[]; Interval: number; Timeout: number; Retries: number };
};

/**
 * Buildah over a storage of its own in `folder`: it needs no daemon, and with chroots in place of containers and whole
 * copies in place of overlays it runs wherever there is a root user.
 */
export function createBuildah(folder: string) {
  const temporary = join(folder, 'tmp');
  mkdirSync(temporary, { recursive: true });
  const storage = ['--root', join(folder, 'storage'), '--runroot', join(folder, 'run'), '--storage-driver', 'vfs'];
  const env = { ...process.env, BUILDAH_ISOLATION: 'chroot', TMPDIR: temporary };

  async function buildah(args: string[], timeoutMs?: number): Promise<string> {
    const { stdout } = await runProgram('buildah', [...storage, ...args], { env, timeoutMs });
    return stdout.trim();
  }

  return {
    folder,
    buildah,
    async build({
      context,
      dockerfile = join(context, 'Dockerfile'),
      tag,
      buildArgs = {},
      secrets = {},
      volumes = {},
    }: BuildOptions) {
      // The older of the two formats is the one that has a place for HEALTHCHECK.
      await buildah([
        ...['bud', '--format', 'docker', '--pull-never', '--quiet', '--tag', tag, '--file', dockerfile],
        ...Object.entries(buildArgs).flatMap(([name, value]) => ['--build-arg', `${name}=${value}`]),
        ...Object.entries(secrets).flatMap(([id, file]) => ['--secret', `id=${id},src=${file}`]),
        ...Object.entries(volumes).flatMap(([inside, folder]) => ['--volume', `${folder}:${inside}`]),
        context,
      ]);
    },
    /** A new container of the image, and the folder with its files. */
    async unpack(image: string): Promise<{ container: string; root: string }> {
      const container = await buildah(['from', '--pull-never', image]);
      return { container, root: await buildah(['mount', container]) };
    },
    async inspect(image: string): Promise<{ config: ImageConfig; layers: string[] }> {
      const { Docker } = JSON.parse(await buildah(['inspect', '--type', 'image', image]));
      return { config: Docker.config, layers: Docker.rootfs.diff_ids };
    },
  };
}

/** Buildah over a storage of its own. */
export type Buildah = ReturnType<typeof createBuildah>;

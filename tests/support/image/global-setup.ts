import { cpSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { TestProject } from 'vitest/node';
import { readProject } from '../../../scripts/tidy/project.ts';
import { provideBaseImage } from './base-image.ts';
import { createBuildah } from './buildah.ts';
import { admitTests, testImage, type UnpackedImage } from './image-process.ts';
import { npmAccess } from './npm-access.ts';

/** What the image was built with, for tests that look at it. */
export type ImageBuild = {
  /** Where Buildah keeps its images, and tests may leave files. */
  folder: string;
  /** The image that is built upon. */
  base: string;
  /** The image of this repository. */
  tag: string;
  /** A text in the secrets of the build, and in files beside the sources that must not be published. */
  secret: string;
  buildArgs: Record<'VERSION' | 'REVISION' | 'CREATED' | 'SOURCE', string>;
  unpacked: UnpackedImage;
};

declare module 'vitest' {
  export interface ProvidedContext {
    imageBuild: ImageBuild;
  }
}

const prefix = 'agent-service-image-';
const projectFolder = fileURLToPath(new URL('../../../', import.meta.url));
const secret = 'never-in-a-layer-4711';
const buildArgs = { VERSION: '1.2.3-test', REVISION: 'abc', CREATED: '2026-01-01T00:00:00Z', SOURCE: 'here' };

/** Removes what earlier runs left whose process was killed. */
function removeLeftovers(): void {
  for (const name of readdirSync(tmpdir()).filter((each) => each.startsWith(prefix))) {
    const owner = name.slice(prefix.length).split('-')[0];
    const isAlive = readdirSync('/proc').includes(owner ?? '');
    if (!isAlive) rmSync(join(tmpdir(), name), { recursive: true, force: true });
  }
}

/** A checkout of this repository as a developer's is: with settings, data and packages in it. */
function checkout(folder: string): string {
  const context = join(folder, 'checkout');
  for (const { path } of readProject(projectFolder).files) cpSync(join(projectFolder, path), join(context, path));
  const unpublished = [
    '.env',
    '.npmrc',
    'src/.env.local',
    'data/agent-service.db',
    'node_modules/left/index.js',
    '.git/config',
  ];
  for (const path of unpublished) {
    mkdirSync(join(context, dirname(path)), { recursive: true });
    writeFileSync(join(context, path), secret);
  }
  return context;
}

/** Builds the image once for all test files, and has the end-to-end tests start its process. Returns what runs after them. */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  removeLeftovers();
  const folder = mkdtempSync(join(tmpdir(), `${prefix}${process.pid}-`));
  const removal = { recursive: true, force: true, maxRetries: 3 };
  const remove = () => rmSync(folder, removal);
  process.once('exit', remove);
  const builder = createBuildah(folder);
  const base = await provideBaseImage(builder);
  const tag = 'localhost/agent-service:test';
  const access = npmAccess(folder, secret);
  await builder.build({ ...access, context: checkout(folder), tag, buildArgs: { ...buildArgs, NODE_IMAGE: base } });
  const { root } = await builder.unpack(tag);
  const unpacked = { root, config: (await builder.inspect(tag)).config };
  admitTests(unpacked);
  testImage(unpacked);
  project.provide('imageBuild', { folder, base, tag, secret, buildArgs, unpacked });
  return async () => {
    process.off('exit', remove);
    await rm(folder, removal); // there is much of it, and vitest ends its workers meanwhile
  };
}

import { execFileSync } from 'node:child_process';
import { lstatSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, inject, test } from 'vitest';
import { createBuildah } from '../support/image/buildah.ts';

const { folder, base, tag, secret, buildArgs, unpacked } = inject('imageBuild');
const { root, config } = unpacked;
const projectFolder = join(import.meta.dirname, '../..');
const sizeMax = 250_000_000;
const nanoseconds = 1_000_000_000;

/** The image as a registry would get it, and the layers that are not those of its base. */
let pushed = '';
let ownLayers: string[] = [];

beforeAll(async () => {
  const builder = createBuildah(folder);
  pushed = join(folder, 'pushed');
  await builder.buildah(['push', '--quiet', '--disable-compression', tag, `dir:${pushed}`]);
  const [own, below] = [(await builder.inspect(tag)).layers, (await builder.inspect(base)).layers];
  ownLayers = own
    .filter((digest) => !below.includes(digest))
    .map((digest) => join(pushed, digest.slice('sha256:'.length)));
});

/** What is in a layer. */
const listed = (layer: string) =>
  execFileSync('tar', ['--list', '--file', layer], { encoding: 'utf8', maxBuffer: sizeMax }).trim().split('\n');

/** All files and folders below one of the image's, links left out. */
const below = (place: string) =>
  readdirSync(join(root, place), { recursive: true, encoding: 'utf8' })
    .map((path) => join(root, place, path))
    .map((path) => ({ path, stat: lstatSync(path) }))
    .filter(({ stat }) => !stat.isSymbolicLink());

/** The packages in `node_modules`, those inside of packages too, as the lock file names them. */
const installed = () =>
  readdirSync(join(root, 'app'), { recursive: true, encoding: 'utf8' })
    .filter((path) => /(^|\/)node_modules\/(@[^/]+\/)?[^/@.][^/]*\/package\.json$/.test(path))
    .map((path) => path.slice(0, -'/package.json'.length));

describe('the image', () => {
  test('adds less than 250 MB to its base', () => {
    expect(ownLayers.length).toBeGreaterThan(0);
    const size = ownLayers.reduce((sum, layer) => sum + lstatSync(layer).size, 0);
    process.stdout.write(`the image adds ${Math.round(size / 1e6)} MB to its base\n`);
    expect(size).toBeLessThan(sizeMax);
  });

  test('changes its base only by the application, the folder for data, and the package managers it takes away', () => {
    const changed = ownLayers.flatMap(listed).filter((path) => !path.endsWith('/'));
    // Buildah leaves an empty etc/hosts where the base has none.
    const expected = /^(app\/|data\/?|usr\/local\/(bin|lib)\/\.wh\.|opt\/\.wh\.|etc\/hosts$)/;
    expect(changed.filter((path) => !expected.test(path))).toEqual([]);
  });

  test('runs as a user by number that is not root, started by Node itself, without a shell or npm between', () => {
    expect(config.User).toMatch(/^[1-9]\d*:[1-9]\d*$/);
    expect(config.Entrypoint).toEqual(['node', 'bin/agent-service.mjs']);
    expect(config.Cmd).toEqual(['start', 'dist/examples/support-desk/main.js']);
  });

  test('is for port 8000, and 9464 for probes and figures, and keeps its data in a volume', () => {
    expect(Object.keys(config.ExposedPorts)).toEqual(['8000/tcp', '9464/tcp']);
    expect(Object.keys(config.Volumes)).toEqual(['/data']);
    expect(config.Env).toEqual(
      expect.arrayContaining(['NODE_ENV=production', 'HOST=0.0.0.0', 'DATA_DIR=/data', 'WEB_CONCURRENCY=auto']),
    );
  });

  test('is checked by Node every 30 seconds, in 5 seconds, and is unhealthy at the third failure', () => {
    const { Test, Interval, Timeout, Retries } = config.Healthcheck;
    expect(Test.slice(0, 3)).toEqual(['CMD', 'node', '-e']);
    expect([Interval / nanoseconds, Timeout / nanoseconds, Retries]).toEqual([30, 5, 3]);
  });

  test('says what it is, and which version and commit it was built from', () => {
    const label = (name: string) => config.Labels[`org.opencontainers.image.${name}`];
    expect([label('title'), label('licenses'), label('base.name')]).toEqual(['agent-service', 'MIT', base]);
    expect(label('description')).toContain('OpenAI Agents SDK');
    const { VERSION, REVISION, CREATED, SOURCE } = buildArgs;
    expect([label('version'), label('revision'), label('created'), label('source')]).toEqual([
      VERSION,
      REVISION,
      CREATED,
      SOURCE,
    ]);
  });

  test('holds no secret in any of its layers or in its history, not even one that stood beside the sources', () => {
    const files = readdirSync(pushed).map((name) => join(pushed, name));
    expect(files.length).toBeGreaterThan(ownLayers.length + 1);
    const holders = files.filter((path) => readFileSync(path).includes(secret));
    expect(holders).toEqual([]);
  });

  test('has the packages of production, the SDK among them, and no others', () => {
    type Entry = { dev?: true; optional?: true };
    const lock = JSON.parse(readFileSync(join(projectFolder, 'package-lock.json'), 'utf8'));
    const packages = Object.entries(lock.packages as Record<string, Entry>);
    const wanted = packages.filter(([path, { dev }]) => path !== '' && !dev);
    const needed = wanted.filter(([, { optional }]) => !optional).map(([path]) => path);
    const found = installed();
    expect(found).toEqual(expect.arrayContaining([...needed, 'node_modules/@openai/agents']));
    expect(found.filter((path) => !wanted.some(([name]) => name === path))).toEqual([]);
  });

  test('holds neither tests nor sources nor npm', () => {
    const files = below('app').map(({ path }) => path.slice(root.length));
    expect(
      files.filter((path) => /^\/app\/(src|scripts|tests|examples)\/.|^\/app\/dist\/.*\.test\./.test(path)),
    ).toEqual([]);
    expect(readdirSync(join(root, 'usr/local/bin')).filter((name) => /npm|npx|yarn|corepack/.test(name))).toEqual([]);
  });

  test('belongs to root, and no other user may change any of it', () => {
    const files = below('app');
    expect(files.length).toBeGreaterThan(1000);
    const open = files.filter(({ stat }) => stat.uid !== 0 || stat.gid !== 0 || (stat.mode & 0o022) !== 0);
    expect(open.map(({ path }) => path)).toEqual([]);
  });
});

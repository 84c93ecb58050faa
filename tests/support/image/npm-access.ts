import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** Where the Dockerfile mounts the secret `ca`: where Debian has its certificates. */
const certificates = '/etc/ssl/certs/ca-certificates.crt';
/** Empty in every Debian: mounting there leaves nothing behind in a layer. */
const cacheInside = '/mnt';

const npmConfig = (name: string) => execFileSync('npm', ['config', 'get', name], { encoding: 'utf8' }).trim();
const isFile = (path: string | undefined): path is string => path !== undefined && existsSync(path);

/**
 * How this machine's npm comes by its packages, for a build: its configuration and the certificates that it trusts, where
 * they are its own, as secrets; and its cache. Written into `folder`.
 *
 * @param comment a line of the secret file, to find it again where it must not be
 */
export function npmAccess(folder: string, comment: string) {
  const ca = [npmConfig('cafile'), process.env.NODE_EXTRA_CA_CERTS, process.env.SSL_CERT_FILE].find(isFile);
  const configured = [npmConfig('globalconfig'), npmConfig('userconfig')].filter(isFile);
  const npmrc = join(folder, 'npmrc');
  const lines = [
    ...configured.map((path) => readFileSync(path, 'utf8')),
    `; ${comment}`,
    ...['prefer-offline=true', `cache=${cacheInside}`, ca ? `cafile=${certificates}` : ''],
  ];
  writeFileSync(npmrc, `${lines.join('\n')}\n`, { mode: 0o600 });
  const secrets: Record<string, string> = { npmrc, ...(ca ? { ca } : {}) };
  return { secrets, volumes: { [cacheInside]: npmConfig('cache') } };
}

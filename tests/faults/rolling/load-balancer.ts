import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { type AddressInfo, connect, createServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { spawnProcess } from '../../support/child-processes.ts';
import { waitMsMax } from '../../support/limits.ts';

/** The ways in: see `configurationOf`. */
export const entrances = ['ingress', 'service', 'ingress-to-service'] as const;
/** A way in. */
export type Entrance = (typeof entrances)[number];

/** The backends that know the pods. */
const podBackends = ['pods_of_ingress', 'pods_of_service'];
/** Lines of its log that are kept. */
const logLinesMax = 20_000;

/** HAProxy, in front of pods that come and go. */
export type LoadBalancer = AsyncDisposable & {
  readonly urls: Record<Entrance, string>;
  /** New connections and requests may go to this pod from now on. */
  add(name: string, url: string): Promise<void>;
  /** Nothing new goes to this pod any more; connections that there are stay. */
  drain(name: string): Promise<void>;
  /** Removes a pod that has ended. */
  remove(name: string): Promise<void>;
  /** Requests that were answered 5xx or not at all, as it logged them: with the pod, and how they ended. */
  failed(): string[];
};

/**
 * Three ways to the pods, as clusters have them:
 *
 * - `ingress` chooses a pod for each request, and knows which pods there are
 * - `service` chooses a pod for each connection, which stays with that pod for as long as it lasts: kube-proxy
 * - `ingress-to-service` chooses nothing: its connections, used again for any client, go through `service`
 *
 * Nothing here hides a fault of a pod: no request is sent twice, no health check takes a pod out, and a connection that
 * is used again is not spared for the first request of a client.
 */
const configurationOf = (folder: string, [ingress, service, chained]: readonly number[], servicePort: number) => `
global
  stats socket ${folder}/admin.sock mode 600 level admin
  log stdout format raw local0
defaults
  log global
  retries 0
  timeout connect ${waitMsMax}ms
  timeout client ${waitMsMax}ms
  timeout server ${waitMsMax}ms
frontend ingress
  mode http
  option httplog
  bind fd@${ingress}
  default_backend pods_of_ingress
backend pods_of_ingress
  mode http
  balance roundrobin
  http-reuse always
frontend service
  mode tcp
  option tcplog
  bind fd@${service}
  default_backend pods_of_service
backend pods_of_service
  mode tcp
  balance roundrobin
frontend ingress-to-service
  mode http
  option httplog
  bind fd@${chained}
  default_backend service
backend service
  mode http
  http-reuse always
  server service 127.0.0.1:${servicePort}
`;

async function listen(): Promise<Server> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  return server;
}

const portOf = (server: Server) => (server.address() as AddressInfo).port;
/** Only the kernel knows which ports are free: it chooses them, and HAProxy inherits the sockets. */
const fdOf = (server: Server) => (server as unknown as { _handle: { fd: number } })._handle.fd;
/** Where inherited sockets begin, after the three of every process. */
const firstFd = 3;

/** Sends a command to HAProxy (Management Guide, 9.3 "Unix Socket commands"); resolves with the answer. */
async function command(socketPath: string, line: string): Promise<string> {
  const socket = connect(socketPath);
  socket.end(`${line}\n`);
  const chunks: Buffer[] = [];
  for await (const chunk of socket) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString().trim();
}

/** Starts HAProxy on ports of 127.0.0.1, without a pod. @throws {Error} if it does not start */
export async function startLoadBalancer(program: string): Promise<LoadBalancer> {
  const folder = mkdtempSync(join(tmpdir(), 'agent-service-haproxy-'));
  const servers = await Promise.all(entrances.map(listen));
  const file = join(folder, 'haproxy.cfg');
  const fds = servers.map((_, index) => firstFd + index);
  writeFileSync(file, configurationOf(folder, fds, portOf(servers[1] as Server)));
  const child = spawnProcess(program, ['-db', '-f', file], { stdio: ['ignore', 'pipe', 'pipe', ...servers.map(fdOf)] });
  const exited = once(child, 'exit');
  const lines: string[] = [];
  const keep = (line: string) => void (lines.length < logLinesMax && lines.push(line));
  createInterface({ input: child.stdout as NodeJS.ReadableStream }).on('line', keep);
  createInterface({ input: child.stderr as NodeJS.ReadableStream }).on('line', keep);
  const urls = Object.fromEntries(
    entrances.map((name, index) => [name, `http://127.0.0.1:${portOf(servers[index] as Server)}`]),
  );
  for (const server of servers) server.close(); // HAProxy has its own copies

  const socketPath = join(folder, 'admin.sock');
  const tell = async (line: string, expected = /^$/) => {
    const answer = await command(socketPath, line);
    if (!expected.test(answer)) throw new Error(`HAProxy answered ${JSON.stringify(answer)} to ${line}`);
  };
  const onEach = async (each: (backend: string) => Promise<void>) => void (await Promise.all(podBackends.map(each)));

  const balancer: LoadBalancer = {
    urls: urls as Record<Entrance, string>,
    add: (name, url) =>
      onEach(async (backend) => {
        await tell(`add server ${backend}/${name} ${new URL(url).host}`, /registered/);
        await tell(`enable server ${backend}/${name}`);
      }),
    drain: (name) => onEach((backend) => tell(`set server ${backend}/${name} state drain`)),
    remove: (name) => onEach((backend) => tell(`set server ${backend}/${name} state maint`)),
    failed: () => lines.filter((line) => / (5\d\d|-1) \d+ - - /.test(line)),
    async [Symbol.asyncDispose]() {
      if (child.exitCode === null && child.signalCode === null) child.kill('SIGKILL');
      await exited;
      rmSync(folder, { recursive: true, force: true });
    },
  };
  const isUp = async () => {
    while (child.exitCode === null) if (await command(socketPath, 'show info').catch(() => '')) return;
    throw new Error(`HAProxy ended with code ${child.exitCode}: ${lines.join('\n')}`);
  };
  await isUp().catch(async (error: unknown) => {
    await balancer[Symbol.asyncDispose]();
    throw error;
  });
  return balancer;
}

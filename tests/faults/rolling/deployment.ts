import type { ServiceUnderTest } from '../../support/service.ts';
import type { LoadBalancer } from './load-balancer.ts';

/** How a pod is taken out of service; all in ms from its deletion on. */
export type Termination = {
  /** When the load balancer hears that the pod is on its way out. */
  propagationMs: number;
  /** When the pod is sent its signal: the time of a `preStop` hook. */
  preStopMs: number;
  signal: 'SIGTERM' | 'SIGKILL';
  /** When it is killed if it lives still: `terminationGracePeriodSeconds`. */
  gracePeriodMs: number;
};

/** What a deployment is made of. */
export type DeploymentOptions = {
  replicas: number;
  /** Starts a pod; resolves once it listens. */
  start(): Promise<ServiceUnderTest>;
  balancer: LoadBalancer;
  termination: Termination;
};

type Pod = { name: string; service: ServiceUnderTest };

/** How a pod ended: with an exit code, or by a signal. */
export type PodEnd = number | NodeJS.Signals;

/** Calls `act` after `delayMs`, unless the returned function is called before. */
function later(delayMs: number, act: () => void): () => void {
  // tidy: sleep because these delays of a cluster are what the test is about: they say how much time a pod has
  const timer = setTimeout(act, delayMs);
  return () => clearTimeout(timer);
}

/** Probes as a kubelet does, until the pod is ready. */
async function untilReady({ probeUrl }: ServiceUnderTest): Promise<void> {
  while ((await fetch(`${probeUrl}/readyz`)).status !== 200);
}

/**
 * Pods behind a load balancer, replaced in the order in which Kubernetes does it (`maxSurge: 1`, `maxUnavailable: 0`):
 * the new pod is ready before the old one is deleted; then the news that it is on its way out spreads while, at the same
 * time, it gets its signal. Neither waits for the other.
 */
export async function deploy({ replicas, start, balancer, termination }: DeploymentOptions) {
  let started = 0;

  async function add(): Promise<Pod> {
    started += 1;
    const name = `pod-${started}`;
    const pod = { name, service: await start() };
    await untilReady(pod.service);
    await balancer.add(name, pod.service.url);
    return pod;
  }

  async function remove({ name, service }: Pod): Promise<PodEnd> {
    const heard = Promise.withResolvers<void>();
    later(termination.propagationMs, () => void balancer.drain(name).then(heard.resolve, heard.reject));
    later(termination.preStopMs, () => service.kill(termination.signal));
    const spare = later(termination.gracePeriodMs, () => service.kill('SIGKILL'));
    const end = await service.exited;
    spare();
    await heard.promise;
    await balancer.remove(name);
    return end;
  }

  let pods = await Promise.all(Array.from({ length: replicas }, add));

  return {
    /**
     * Replaces the `count` oldest pods, one after the other; the next new pod starts while an old one ends, which is not
     * waited for. Resolves with how the old ones ended.
     */
    async update(count: number): Promise<PodEnd[]> {
      const ends: PodEnd[] = [];
      let added = await add();
      for (let replaced = 1; replaced <= count; replaced += 1) {
        const [oldest, ...others] = pods as [Pod, ...Pod[]];
        pods = [...others, added];
        const [end, next] = await Promise.all([remove(oldest), replaced < count ? add() : added]);
        ends.push(end);
        added = next;
      }
      return ends;
    },

    /** Ends all pods; resolves once they have ended. */
    async end(): Promise<void> {
      for (const { service } of pods) service.kill('SIGTERM');
      await Promise.all(pods.map(({ service }) => service.exited));
    },
  };
}

import type { WebhookDelivery } from '../storage/port/index.ts';

/** The deliveries that this process attempts at the moment. */
export function createActiveDeliveries() {
  const active = new Map<string, { tenantId: string; done: Promise<void> }>();
  return {
    count: (): number => active.size,

    /** Adds a delivery until its attempt is done; then calls `onDone`. */
    add({ id, tenantId }: WebhookDelivery, attempt: Promise<void>, onDone: () => void): void {
      const done = attempt.finally(() => {
        active.delete(id);
        onDone();
      });
      active.set(id, { tenantId, done });
    },

    /** The tenants with at least `limit` active deliveries. */
    tenantsAt(limit: number): string[] {
      const counts = new Map<string, number>();
      for (const { tenantId } of active.values()) counts.set(tenantId, (counts.get(tenantId) ?? 0) + 1);
      return [...counts].filter(([, count]) => count >= limit).map(([tenantId]) => tenantId);
    },

    /** Resolves when all deliveries that are active now are done. */
    done: (): Promise<unknown> => Promise.all([...active.values()].map(({ done }) => done)),
  };
}

import { makeApiKey } from '../../src/keys/index.ts';
import { createIds } from '../../src/platform/ids.ts';
import type { FoundKey, KeyStore } from '../../src/storage/port/index.ts';
import { noLimits } from '../../src/storage/port/index.ts';

const ids = createIds(() => Date.UTC(2026, 0));

/** Keys in memory, as far as those are asked who let callers in; notes every statement. */
export function createMemoryKeys() {
  const keys = new Map<string, FoundKey>();
  const asked: string[][] = [];
  const used: string[][] = [];
  let failure: Error | null = null;
  let held: Promise<void> | null = null;

  const store: Pick<KeyStore, 'find' | 'markUsed'> = {
    async find(keyIds) {
      asked.push([...keyIds]);
      if (failure) throw failure;
      const found = keyIds.flatMap((id) => structuredClone(keys.get(id)) ?? []);
      await held;
      return found;
    },
    async markUsed(keyIds) {
      used.push([...keyIds]);
      if (failure) throw failure;
    },
  };

  return {
    store,
    /** The ids of each look-up. */
    asked,
    /** The ids of each note of use. */
    used,
    /** Makes a key; returns its id and its text. */
    make(overrides: Partial<FoundKey['key']> = {}, endsInMs: number | null = null) {
      const id = ids('key');
      const { text, hash } = makeApiKey(id);
      const times = { createdAtMs: 1, expiresAtMs: null, revokedAtMs: null, lastUsedAtMs: null };
      const key = { ...noLimits, ...times, id, tenantId: 'acme', name: '', scopes: ['run' as const], ...overrides };
      keys.set(id, { key, hash, endsInMs });
      return { id, text };
    },
    revoke(id: string): void {
      const found = keys.get(id);
      if (found) keys.set(id, { ...found, key: { ...found.key, revokedAtMs: 2 }, endsInMs: 0 });
    },
    /** From now on every statement fails; null: none does. */
    fail(error: Error | null): void {
      failure = error;
    },
    /** Look-ups are answered only once what is returned was called. */
    hold(): () => void {
      const { promise, resolve } = Promise.withResolvers<void>();
      held = promise;
      return () => {
        held = null;
        resolve();
      };
    },
  };
}

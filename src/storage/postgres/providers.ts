import type { KnownProviderNote, ProviderStore, Share } from '../port/index.ts';
import type { Database, Statement } from './database.ts';
import type { PostgresSignals } from './signals.ts';

/** Notes are removed when they expired so long ago, in ms. */
const forgetAfterMs = 3_600_000;

const note: Statement = {
  name: 'note_provider',
  text: `
    with forgotten as (delete from provider_notes where until_ms < steady_ms() - ${forgetAfterMs} and id <> $1)
    insert into provider_notes as kept (id, kind, until_ms, trips) values ($1, $2, steady_ms() + $3, $4)
    on conflict (id) do update set
      kind = excluded.kind,
      until_ms = greatest(kept.until_ms, excluded.until_ms),
      trips = greatest(kept.trips, excluded.trips),
      probe_until_ms = 0`,
};
const clear: Statement = { name: 'clear_provider', text: 'delete from provider_notes where id = $1' };
const selectNotes: Statement = {
  name: 'provider_notes',
  text: `select id, kind, trips, (until_ms - at_ms)::float8 as "forMs",
      greatest(probe_until_ms - at_ms, 0)::float8 as "probeForMs"
    from provider_notes cross join steady_ms() as at_ms where until_ms > at_ms - ${forgetAfterMs}`,
};
// The update locks the row: of several processes that claim at once, one finds the probe free.
const claimProbe: Statement = {
  name: 'claim_probe',
  text: `
    with claimed as (
      update provider_notes set probe_until_ms = steady_ms() + $2
      where id = $1 and until_ms <= steady_ms() and probe_until_ms <= steady_ms()
      returning id
    )
    select exists (select from claimed) as granted, exists (select from provider_notes where id = $1) as noted`,
};
// The function is in migrations/008-providers.sql.
const takeShare: Statement = {
  name: 'take_provider_share',
  text: 'select granted, processes from take_provider_share($1, $2, $3, $4, $5, $6)',
};
const leaveShares: Statement = {
  name: 'leave_provider_shares',
  text: 'delete from provider_shares where process_id = $1',
};

/** The shared state of model providers on Postgres. */
export function createProviderStore(database: Database, signals: PostgresSignals): ProviderStore {
  return {
    async note({ id, kind, forMs, trips }) {
      await database.query(note, [id, kind, Math.ceil(forMs), trips]);
      signals.publish({ type: 'providers' });
    },
    async clear(id) {
      await database.query(clear, [id]);
      signals.publish({ type: 'providers' });
    },
    notes: () => database.query<KnownProviderNote>(selectNotes),
    async claimProbe(id, forMs) {
      const [found] = await database.query<{ granted: boolean; noted: boolean }>(claimProbe, [id, Math.ceil(forMs)]);
      if (found?.granted) return 'granted';
      return found?.noted ? 'taken' : 'gone';
    },
    async share({ keyId, processId, limit, wanted, used, leaseMs }) {
      const [share] = await database.query<Share>(takeShare, [keyId, processId, limit, wanted, used, leaseMs]);
      if (share === undefined) throw new Error('a share was asked for, and nothing came back');
      return share;
    },
    async leaveShares(processId) {
      await database.query(leaveShares, [processId]);
    },
  };
}

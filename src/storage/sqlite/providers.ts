import type { KnownProviderNote, ProviderStore } from '../port/index.ts';
import type { Time } from './clocks.ts';
import type { Database } from './database.ts';
import type { Operations } from './operation.ts';

/** Notes are removed when they expired so long ago, in ms. */
const forgetAfterMs = 3_600_000;

const forget = 'delete from provider_notes where until_ms < ?';
const note = `
  insert into provider_notes as kept (id, kind, until_ms, trips) values (?, ?, ?, ?)
  on conflict (id) do update set
    kind = excluded.kind,
    until_ms = max(kept.until_ms, excluded.until_ms),
    trips = max(kept.trips, excluded.trips),
    probe_until_ms = 0`;
const claimProbe = `
  update provider_notes set probe_until_ms = ?1 + ?2 where id = ?3 and until_ms <= ?1 and probe_until_ms <= ?1`;
const selectNotes = `
  select id, kind, trips, until_ms - ?1 as forMs, max(probe_until_ms - ?1, 0) as probeForMs
  from provider_notes where until_ms > ?2`;

/** The shared state of model providers on SQLite, which survives restarts of the one process that executes runs. */
export function createProviderStore(database: Database, write: Operations, time: Time): ProviderStore {
  return {
    note: ({ id, kind, forMs, trips }) =>
      write(({ sql, nowMs, publish }) => {
        sql(forget).run(nowMs - forgetAfterMs);
        sql(note).run(id, kind, nowMs + Math.ceil(forMs), trips);
        publish({ type: 'providers' });
      }),
    clear: (id) =>
      write(({ sql, publish }) => {
        sql('delete from provider_notes where id = ?').run(id);
        publish({ type: 'providers' });
      }),
    notes: () =>
      database.read((sql) => {
        const nowMs = time.nowMs();
        return sql(selectNotes).all(nowMs, nowMs - forgetAfterMs) as KnownProviderNote[];
      }),
    claimProbe: (id, forMs) =>
      write(({ sql, nowMs }) => {
        if (sql(claimProbe).run(nowMs, Math.ceil(forMs), id).changes === 1) return 'granted';
        return sql('select 1 from provider_notes where id = ?').get(id) === undefined ? 'gone' : 'taken';
      }),
    share: null,
    async leaveShares() {},
  };
}

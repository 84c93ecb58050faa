/**
 * A worker without a server, quick to start. `BEHAVE` is what it does: `fail` its start, `die` at once, `cut` its runs
 * when it is drained, or `start` and never come to an end with it.
 */
import { Counter, Registry } from 'prom-client';
import { systemClock } from '../../../src/platform/clock.ts';
import { joinPrimary } from '../../../src/process/workers/index.ts';

const { BEHAVE: behaviour, ...environment } = process.env;
const link = joinPrimary(environment);
if (link === null) throw new Error('this is for a primary to start');
const registry = new Registry();
new Counter({ name: 'starts_total', help: 'Starts.', registers: [registry] }).inc();
const heartbeat = link.heartbeat({ health: { readiness: () => ({ state: 'ready' }) }, registry, clock: systemClock });

void link.drain.then(async () => {
  await heartbeat.stop(AbortSignal.timeout(1_000));
  process.exit(behaviour === 'cut' ? 1 : 0);
});
process.on('SIGTERM', link.signalled);
if (behaviour === 'die') process.exit(3);
if (behaviour === 'fail') {
  await link.failed('the store is gone 4711');
  process.exit(1);
}
await heartbeat.start();
const store = { place: 'the embedded store in ./data', environment: 'test' };
if (behaviour !== 'start') await link.serving({ url: 'http://127.0.0.1:8000', hasKey: true, store });

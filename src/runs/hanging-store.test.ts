import { describe, expect, test } from 'vitest';
import { caller, createService, request } from '../../tests/support/run-service.ts';

describe('a store that does not answer', () => {
  test('keeps the caller of a new run no longer than the time of the run and a moment, and no slot', async () => {
    const asked = Promise.withResolvers<void>();
    await using service = await createService({
      createBy: () => () => {
        asked.resolve();
        return new Promise(() => {});
      },
    });
    const created = service.runs.create(request({ timeout_s: 8 }), caller, 'blocking');
    const refused = expect(created).rejects.toMatchObject({ code: 'store_unavailable', status: 503 });
    await asked.promise;
    await service.clock.advance(10_000);
    await refused;
    expect([service.slots.used(), service.attempts]).toEqual([0, []]);
  });

  test('keeps a caller whose run another process executes no longer than that either, and not the stop', async () => {
    await using service = await createService();
    await service.runs.create(request({ session_id: 's-1' }), caller, 'blocking');
    const queued = await service.runs.create(request({ session_id: 's-1', timeout_s: 8 }), caller, 'blocking');
    service.hangs('get');
    const ended = service.runs.waitForEnd(queued);
    const refused = expect(ended).rejects.toMatchObject({
      code: 'store_unavailable',
      status: 503,
      extras: { runId: queued.run.id },
    });
    await service.clock.advance(10_000);
    await refused;
    service.attempts[0]?.end();
    expect(await service.active.idle(AbortSignal.timeout(10_000))).toBe(true);
  });

  test('keeps nobody who repeats a request longer than the time of the run, whatever hangs first', async () => {
    await using service = await createService();
    service.budgetsHang();
    const repeated = service.runs.create(request({ timeout_s: 8 }), { ...caller, idempotencyKey: 'k' }, 'blocking');
    const refused = expect(repeated).rejects.toMatchObject({ code: 'store_unavailable' });
    await service.clock.advance(10_000);
    await refused;
    expect(service.slots.used()).toBe(0);
  });

  test('lets the time of a run count from before the check of its caller', async () => {
    await using service = await createService();
    await service.clock.advance(5_000);
    await service.runs.create(request({ timeout_s: 8 }), { ...caller, accessMs: 3_000 }, 'blocking');
    expect(service.attempts[0]?.deadlineMs).toBe(10_000);
  });
});

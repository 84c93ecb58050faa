import { describe, expect, test } from 'vitest';
import { caller, createService, request } from '../../tests/support/run-service.ts';

describe('a run that is created', () => {
  test('is stored with the facts of its caller and of this process, and can be read at once', async () => {
    await using service = await createService();
    const { run } = await service.runs.create(
      request({ session_id: 's-1', metadata: { channel: 'web' }, agent: 'orders' }),
      caller,
      'stream',
    );
    expect(await service.runs.get('tenant-a', run.id)).toEqual(run);
    expect(run).toMatchObject({
      status: 'running',
      tenantId: 'tenant-a',
      requestId: 'req_1',
      sessionId: 's-1',
      metadata: { channel: 'web' },
      agent: 'orders',
      mode: 'stream',
      simulated: true,
      timeoutMs: 30_000,
      ownerId: 'proc_1',
      appVersion: '1.2.3',
      sdkVersion: '0.20.0',
    });
  });

  test('starts with the entry agent unless the request names another one', async () => {
    await using service = await createService();
    const { run } = await service.runs.create(request(), caller, 'blocking');
    expect(run).toMatchObject({ agent: 'triage', sessionId: null, metadata: {} });
  });

  test('has run.created as its first event, with its id', async () => {
    await using service = await createService();
    const { run } = await service.runs.create(request(), caller, 'stream');
    const first = await service.active.get(run.id)?.log.read(0).next();
    expect(first?.value).toMatchObject({ seq: 1, type: 'run.created', run: { run_id: run.id }, simulated: true });
  });

  test('has run.started as its next event, stored with the run; a queued run has none until it is claimed', async () => {
    await using service = await createService();
    const { run } = await service.runs.create(request({ session_id: 's-1' }), caller, 'stream');
    const events = service.active.get(run.id)?.log.read(1);
    expect((await events?.next())?.value).toMatchObject({ seq: 2, type: 'run.started', agent: 'triage' });
    const waiting = await service.runs.create(request({ session_id: 's-1' }), caller, 'stream');
    expect(service.attempts.map(({ recorded }) => recorded)).toEqual([
      await service.store.journal.events('tenant-a', run.id, 0, 10),
    ]);
    expect(await service.store.journal.events('tenant-a', waiting.run.id, 0, 10)).toEqual([]);
  });

  test('is active until its attempt has ended', async () => {
    await using service = await createService();
    const accepted = await service.runs.create(request(), caller, 'blocking');
    expect(service.active.size()).toBe(1);
    service.attempts[0]?.end();
    expect(await service.runs.waitForEnd(accepted)).toMatchObject({ run: { id: accepted.run.id } });
    expect(service.active.size()).toBe(0);
  });

  test('is prepared while the store makes it durable, and answered after that', async () => {
    const durable = Promise.withResolvers<void>();
    await using service = await createService({
      createBy:
        ({ runs }) =>
        async (...args) => {
          const outcome = await runs.create(...args);
          await durable.promise;
          return outcome;
        },
    });
    const order: string[] = [];
    const accepted = service.runs.create(request(), caller, 'blocking').then(() => order.push('answered'));
    while (service.attempts.length === 0) await new Promise((resolve) => setImmediate(resolve));
    const stored = service.attempts[0]?.stored.then(() => order.push('stored'));
    order.push('prepared');
    durable.resolve();
    await Promise.all([accepted, stored]);
    expect(order).toEqual(['prepared', 'stored', 'answered']);
    expect(service.slots.used()).toBe(1);
  });

  test('has a deadline that counts from its receipt, including the time to store it', async () => {
    await using service = await createService({
      createBy:
        ({ runs }) =>
        async (...args) => {
          await service.clock.advance(400);
          return runs.create(...args);
        },
    });
    await service.runs.create(request(), caller, 'blocking');
    await service.runs.create(request({ timeout_s: 1.5 }), caller, 'blocking');
    expect(service.attempts.map(({ deadlineMs }) => deadlineMs)).toEqual([30_000, 400 + 1_500]);
    expect(service.attempts[1]?.run.timeoutMs).toBe(1_500);
  });
});

describe('the slots of a process', () => {
  test('are held by runs that execute, and the next run is refused before anything is stored', async () => {
    await using service = await createService({ slotsMax: 2 });
    await service.runs.create(request(), caller, 'blocking');
    await service.runs.create(request(), caller, 'blocking');
    await expect(service.runs.create(request(), caller, 'blocking')).rejects.toMatchObject({
      code: 'too_many_runs',
      extras: { retryAfterMs: 2_125 },
    });
    expect((await service.runs.list('tenant-a', {}, 10, null)).data).toHaveLength(2);
    service.attempts[0]?.end();
    await service.active.get(service.attempts[0]?.run.id ?? '')?.ended;
    await service.runs.create(request(), caller, 'blocking');
    expect(service.slots.used()).toBe(2);
  });

  test('are not held by a run that waits for its session', async () => {
    await using service = await createService();
    await service.runs.create(request({ session_id: 's-1' }), caller, 'blocking');
    const { run } = await service.runs.create(request({ session_id: 's-1' }), caller, 'blocking');
    expect(run.status).toBe('queued');
    expect(service.attempts).toHaveLength(1);
    expect(service.slots.used()).toBe(1);
  });

  test.each([
    { refusal: 'of an unknown agent', more: { agent: 'unknown' }, code: 'validation_failed' },
    { refusal: 'of a busy session', more: { session_id: 's-1', if_busy: 'reject' as const }, code: 'session_busy' },
  ])('are released at the refusal $refusal', async ({ more, code }) => {
    await using service = await createService();
    await service.runs.create(request({ session_id: 's-1' }), caller, 'blocking');
    await expect(service.runs.create(request(more), caller, 'blocking')).rejects.toMatchObject({ code });
    expect(service.slots.used()).toBe(1);
    expect(service.active.size()).toBe(1);
    expect((await service.runs.list('tenant-a', {}, 10, null)).data).toHaveLength(1);
  });

  test('are released if the store fails', async () => {
    await using service = await createService({
      createBy: () => () => Promise.reject(new Error('connection lost')),
    });
    await expect(service.runs.create(request(), caller, 'blocking')).rejects.toThrow('connection lost');
    expect(service.slots.used()).toBe(0);
    expect(service.active.size()).toBe(0);
  });
});

describe('a caller that waits for a slot', () => {
  const untilStored = async (service: Awaited<ReturnType<typeof createService>>, count: number) => {
    while (service.attempts.length < count) await new Promise((resolve) => setImmediate(resolve));
  };

  test('has nothing stored, and then a run whose wait counts as queued and towards its deadline', async () => {
    await using service = await createService({ slotsMax: 1, waitersMax: 1 });
    await service.runs.create(request(), caller, 'blocking');
    const waiting = service.runs.create(request({ timeout_s: 20 }), caller, 'blocking');
    await service.clock.advance(4_000);
    expect((await service.runs.list('tenant-a', {}, 10, null)).data).toHaveLength(1);
    service.attempts[0]?.end();
    const { run, deadlineMs } = await waiting;
    await untilStored(service, 2);
    expect(deadlineMs).toBe(20_000);
    expect(service.attempts[1]).toMatchObject({ deadlineMs: 20_000, run: { id: run.id, timeoutMs: 20_000 } });
    const { startedAtMs, createdAtMs } = await service.runs.get('tenant-a', run.id);
    expect((startedAtMs ?? 0) - createdAtMs).toBe(4_000);
    expect(service.slots.used()).toBe(1);
  });

  test('is refused before any wait if its request is invalid', async () => {
    await using service = await createService({ slotsMax: 1, waitersMax: 1 });
    await service.runs.create(request(), caller, 'blocking');
    const wrong = service.runs.create(request({ agent: 'unknown' }), caller, 'blocking');
    await expect(wrong).rejects.toMatchObject({ code: 'validation_failed' });
  });

  test('is refused at once when the process stops, and does not delay the stop', async () => {
    await using service = await createService({ slotsMax: 1, waitersMax: 2 });
    await service.runs.create(request(), caller, 'blocking');
    const waiting = [1, 2].map(() => service.runs.create(request(), caller, 'stream'));
    service.attempts[0]?.end(); // the first of them gets the slot now, and the service closes before it can use it
    await service.active.get(service.attempts[0]?.run.id ?? '')?.ended;
    service.runs.close();
    const outcomes = await Promise.allSettled(waiting);
    for (const outcome of outcomes.filter(({ status }) => status === 'rejected')) {
      expect(outcome).toMatchObject({ reason: { code: 'shutting_down' } });
    }
    expect(outcomes[1]?.status).toBe('rejected');
    for (const { end } of service.attempts) end();
    expect(await service.active.idle(AbortSignal.timeout(10_000))).toBe(true);
    expect(service.slots.used()).toBe(0);
  });

  test('leaves the queue when its client disconnects, and no run is created', async () => {
    await using service = await createService({ slotsMax: 1, waitersMax: 1 });
    await service.runs.create(request(), caller, 'blocking');
    const disconnected = new AbortController();
    const waiting = service.runs.create(request(), caller, 'blocking', disconnected.signal);
    disconnected.abort();
    await expect(waiting).rejects.toMatchObject({ code: 'cancelled' });
    service.attempts[0]?.end();
    await service.active.idle(AbortSignal.timeout(10_000));
    expect(service.slots.used()).toBe(0);
    expect((await service.runs.list('tenant-a', {}, 10, null)).data).toHaveLength(1);
  });
});

describe('refusals', () => {
  test('a busy session is refused with the id of the run that holds it, and a time to retry', async () => {
    await using service = await createService();
    const { run } = await service.runs.create(request({ session_id: 's-1' }), caller, 'blocking');
    const again = service.runs.create(request({ session_id: 's-1', if_busy: 'reject' }), caller, 'blocking');
    await expect(again).rejects.toMatchObject({
      code: 'session_busy',
      message: `Session s-1 is held by run ${run.id}.`,
      extras: { activeRunId: run.id, retryAfterMs: 1_000 },
    });
  });

  test('an unknown agent is refused with the names of all agents', async () => {
    await using service = await createService();
    await expect(service.runs.create(request({ agent: 'unknown' }), caller, 'blocking')).rejects.toMatchObject({
      code: 'validation_failed',
      message: 'agent must be one of triage, orders.',
      extras: { errors: [{ path: 'agent', message: 'must be one of triage, orders' }] },
    });
  });

  test('the run of another tenant is neither found nor listed', async () => {
    await using service = await createService();
    const { run } = await service.runs.create(request(), caller, 'blocking');
    await expect(service.runs.get('tenant-b', run.id)).rejects.toMatchObject({
      code: 'not_found',
      message: `Run ${run.id} was not found.`,
    });
    expect((await service.runs.list('tenant-b', {}, 10, null)).data).toEqual([]);
  });
});

describe('the stop of a process', () => {
  test('new runs are refused once the service is closed, and active runs continue', async () => {
    await using service = await createService();
    await service.runs.create(request(), caller, 'blocking');
    service.runs.close();
    await expect(service.runs.create(request(), caller, 'blocking')).rejects.toMatchObject({ code: 'shutting_down' });
    expect(service.attempts[0]?.signal.aborted).toBe(false);
    service.attempts[0]?.end();
    expect(await service.active.idle(new AbortController().signal)).toBe(true);
  });

  test('waits for a run that was admitted and is being stored', async () => {
    const storing = Promise.withResolvers<void>();
    await using service = await createService({
      createBy:
        ({ runs }) =>
        async (...args) => {
          await storing.promise;
          return runs.create(...args);
        },
    });
    const creating = service.runs.create(request(), caller, 'blocking');
    service.runs.close();
    const order: string[] = [];
    const idle = service.active.idle(AbortSignal.timeout(10_000)).then((done) => order.push(`idle ${done}`));
    storing.resolve();
    await creating;
    order.push('created');
    service.attempts[0]?.end();
    await idle;
    expect(order).toEqual(['created', 'idle true']);
  });

  test('does not wait for a run that was refused', async () => {
    await using service = await createService();
    await expect(service.runs.create(request({ agent: 'unknown' }), caller, 'blocking')).rejects.toThrow();
    expect(await service.active.idle(AbortSignal.timeout(10_000))).toBe(true);
  });

  test('stops every run for the same reason', async () => {
    await using service = await createService();
    for (let count = 0; count < 3; count += 1) await service.runs.create(request(), caller, 'blocking');
    service.active.stopAll('shutting_down');
    for (const { signal } of service.attempts) expect(signal.reason).toMatchObject({ reason: 'shutting_down' });
  });

  test('waits for the last run until its deadline at most', async () => {
    await using service = await createService();
    await service.runs.create(request(), caller, 'blocking');
    const deadline = new AbortController();
    const idle = service.active.idle(deadline.signal);
    deadline.abort();
    expect(await idle).toBe(false);
  });
});

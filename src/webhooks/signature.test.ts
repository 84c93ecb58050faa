import { Webhook } from 'standardwebhooks';
import { expect, test } from 'vitest';
import { systemClock } from '../platform/clock.ts';
import { sign } from './signature.ts';

const secret = `whsec_${Buffer.alloc(32, 7).toString('base64')}`;
const older = `whsec_${Buffer.alloc(24, 9).toString('base64')}`;
const other = `whsec_${Buffer.alloc(32, 1).toString('base64')}`;
const body = JSON.stringify({ type: 'run.completed', data: { run: { response: 'Grüße, “Ada” \u{1F600}' } } });

test('a signed request is verified by the library of the specification', () => {
  const headers = sign([secret], 'whk_1', systemClock.nowMs(), body);
  expect(new Webhook(secret).verify(body, { ...headers })).toEqual(JSON.parse(body));
});

test('with several secrets a receiver with any of them verifies the request', () => {
  const headers = sign([secret, older], 'whk_1', systemClock.nowMs(), body);
  expect(headers['webhook-signature'].split(' ')).toHaveLength(2);
  for (const known of [secret, older]) expect(() => new Webhook(known).verify(body, { ...headers })).not.toThrow();
  expect(() => new Webhook(other).verify(body, { ...headers })).toThrow('No matching signature found');
});

test('a request whose body, id or time was changed is refused', () => {
  const headers = sign([secret], 'whk_1', systemClock.nowMs(), body);
  const verify = (text: string, more: Record<string, string>) => () =>
    new Webhook(secret).verify(text, { ...headers, ...more });
  expect(verify(body.replace('completed', 'failed'), {})).toThrow();
  expect(verify(body, { 'webhook-id': 'whk_2' })).toThrow();
  expect(verify(body, { 'webhook-timestamp': `${Number(headers['webhook-timestamp']) + 1}` })).toThrow();
});

test('a request that is replayed later is refused', () => {
  const headers = sign([secret], 'whk_1', systemClock.nowMs() - 3_600_000, body);
  expect(() => new Webhook(secret).verify(body, { ...headers })).toThrow('Message timestamp too old');
});

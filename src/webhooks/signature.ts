import { createHmac } from 'node:crypto';

/** The headers that say what a request is, and that it comes from here (Standard Webhooks, "Webhook headers"). */
export type SignedHeaders = { 'webhook-id': string; 'webhook-timestamp': string; 'webhook-signature': string };

const secretPrefix = 'whsec_';

/** The key that a secret such as `whsec_bWlu…` holds. */
const keyOf = (secret: string): Buffer => Buffer.from(secret.slice(secretPrefix.length), 'base64');

/**
 * Signs a request per the Standard Webhooks specification: HMAC-SHA256 over id, timestamp and body, one signature a
 * secret, so that a receiver that knows any of them can verify it while secrets are changed.
 *
 * @param secrets each `whsec_` and base64
 * @param atMs the time of the attempt; receivers refuse old ones, so that nobody replays what was overheard
 */
export function sign(secrets: readonly string[], id: string, atMs: number, body: string): SignedHeaders {
  const timestamp = `${Math.floor(atMs / 1000)}`;
  const signed = `${id}.${timestamp}.${body}`;
  const signatures = secrets.map(
    (secret) => `v1,${createHmac('sha256', keyOf(secret)).update(signed).digest('base64')}`,
  );
  return { 'webhook-id': id, 'webhook-timestamp': timestamp, 'webhook-signature': signatures.join(' ') };
}

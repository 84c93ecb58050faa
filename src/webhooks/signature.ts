import { createHmac } from 'node:crypto';

/** The headers that identify a request and prove its origin (Standard Webhooks, "Webhook headers"). */
export type SignedHeaders = { 'webhook-id': string; 'webhook-timestamp': string; 'webhook-signature': string };

const secretPrefix = 'whsec_';

/** The key in a secret such as `whsec_bWlu…`. */
const keyOf = (secret: string): Buffer => Buffer.from(secret.slice(secretPrefix.length), 'base64');

/**
 * Signs a request per the Standard Webhooks specification: HMAC-SHA256 over id, timestamp and body. There is one
 * signature per secret, so that a receiver with any of the secrets can verify the request during a key rotation.
 *
 * @param secrets each `whsec_` and base64
 * @param atMs the time of the attempt; receivers refuse old requests, which prevents replay attacks
 */
export function sign(secrets: readonly string[], id: string, atMs: number, body: string): SignedHeaders {
  const timestamp = `${Math.floor(atMs / 1000)}`;
  const signed = `${id}.${timestamp}.${body}`;
  const signatures = secrets.map(
    (secret) => `v1,${createHmac('sha256', keyOf(secret)).update(signed).digest('base64')}`,
  );
  return { 'webhook-id': id, 'webhook-timestamp': timestamp, 'webhook-signature': signatures.join(' ') };
}

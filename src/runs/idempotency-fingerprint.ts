import { hash } from 'node:crypto';

/** The value with the fields of every object sorted by name. */
function canonical(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(canonical);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value)
      .sort(([one], [other]) => (one < other ? -1 : 1))
      .map(([key, inner]) => [key, canonical(inner)]),
  );
}

/**
 * The fingerprint of a request body, stored with its idempotency key: SHA-256 of the body as JSON, as base64url. It does
 * not depend on the order in which the client wrote the fields.
 */
export const idempotencyFingerprint = (body: unknown): string =>
  hash('sha256', JSON.stringify(canonical(body)), 'base64url');

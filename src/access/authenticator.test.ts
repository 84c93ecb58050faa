import { describe, expect, test } from 'vitest';
import { createFakeClock } from '../../tests/support/fake-clock.ts';
import { createMemoryKeys } from '../../tests/support/memory-keys.ts';
import { createKeyCache } from '../keys/key-cache.ts';
import { makeApiKey } from '../keys/key-format.ts';
import { type AuthenticatorDeps, createAuthenticator } from './authenticator.ts';

const adminApiKey = 'admin-key-0123456789';

/** An authenticator over keys in memory, and the ids of the keys that it records as used. */
function open(options: Partial<Pick<AuthenticatorDeps, 'mode' | 'adminApiKey'>> = {}) {
  const keys = createMemoryKeys();
  const clock = createFakeClock();
  const recorded: string[] = [];
  const { authenticate } = createAuthenticator({
    mode: 'api_key',
    adminApiKey,
    ...options,
    keys: createKeyCache({ store: keys.store, clock }),
    lastUsed: { record: (id) => void recorded.push(id) },
  });
  return { keys, clock, recorded, authenticate };
}

const unauthorized = (message: string) => expect.objectContaining({ code: 'unauthorized', status: 401, message });
const notValid = unauthorized('This API key is not valid.');

describe('if callers need a key', () => {
  test.each([`Bearer ${adminApiKey}`, `bearer ${adminApiKey}`, `BEARER   ${adminApiKey}`])(
    'ADMIN_API_KEY has all scopes, for every tenant: %s',
    async (authorization) => {
      expect(await open().authenticate(authorization)).toMatchObject({
        tenantId: 'default',
        keyId: 'admin',
        scopes: ['run', 'read', 'admin'],
        isOperator: true,
      });
    },
  );

  test.each([
    undefined,
    '',
    'Bearer',
    'Bearer ',
    adminApiKey,
    `Basic ${adminApiKey}`,
    `Bearer${adminApiKey}`,
    `Bearer ${adminApiKey} and more`,
    ` Bearer ${adminApiKey}`,
    'Bearer schlüssel',
  ])('a request without a key is refused: %j', async (authorization) => {
    await expect(open().authenticate(authorization)).rejects.toThrow(
      unauthorized('Send an API key as "Authorization: Bearer <key>".'),
    );
  });

  test.each(['x', adminApiKey.slice(0, -1), `${adminApiKey}9`, adminApiKey.toUpperCase(), 'k'.repeat(10_000)])(
    'a wrong key is refused, and not repeated in the error (%#)',
    async (key) => {
      await expect(open().authenticate(`Bearer ${key}`)).rejects.toThrow(notValid);
    },
  );

  test('a key of the store is accepted with its tenant, its scopes and its limits', async () => {
    const { keys, recorded, authenticate } = open();
    const { id, text } = keys.make({ tenantId: 'acme', scopes: ['read'], rpm: 7, budgetUsdDay: 2 });
    expect(await authenticate(`Bearer ${text}`)).toMatchObject({
      tenantId: 'acme',
      keyId: id,
      scopes: ['read'],
      isOperator: false,
      limits: { rpm: 7, burst: null, budgetUsdDay: 2 },
    });
    expect(recorded).toEqual([id]);
  });

  test('the id of a key is not accepted without its secret, and the error does not tell that the key was revoked', async () => {
    const { keys, recorded, authenticate } = open();
    const { id } = keys.make({ revokedAtMs: 2 }, 0);
    for (let guess = 0; guess < 50; guess += 1) {
      await expect(authenticate(`Bearer ${makeApiKey(id).text}`)).rejects.toThrow(notValid);
    }
    expect(recorded).toEqual([]);
    expect(keys.asked).toEqual([[id]]); // guesses at the secret of an existing key cause no further queries
  });

  test('a text that has not the format of a key is refused without a query to the store', async () => {
    const { keys, authenticate } = open();
    const { text } = keys.make();
    const wrong = [text.slice(0, -1), `${text}0`, text.toUpperCase(), text.replace('ask_', 'sk_'), 'x'.repeat(80)];
    for (const each of wrong) await expect(authenticate(`Bearer ${each}`)).rejects.toThrow(notValid);
    expect(keys.asked).toEqual([]);
  });

  test('the error for a revoked or expired key tells its holder the reason', async () => {
    const { keys, clock, authenticate } = open();
    const [revoked, expires] = [keys.make(), keys.make({ expiresAtMs: 1 }, 1_500)];
    await authenticate(`Bearer ${revoked.text}`);
    await authenticate(`Bearer ${expires.text}`);
    keys.revoke(revoked.id);
    await clock.advance(3_000);
    await expect(authenticate(`Bearer ${revoked.text}`)).rejects.toThrow(unauthorized('This API key was revoked.'));
    await expect(authenticate(`Bearer ${expires.text}`)).resolves.toBeDefined(); // this store gives it 1.5 s each time
    await clock.advance(1_500);
    await expect(authenticate(`Bearer ${expires.text}`)).rejects.toThrow(unauthorized('This API key has expired.'));
  });
});

test('if there is no key yet, none is accepted', async () => {
  const { authenticate } = open({ adminApiKey: undefined });
  for (const key of ['undefined', 'null', 'admin', makeApiKey('key_00000000000000000000000000').text]) {
    await expect(authenticate(`Bearer ${key}`)).rejects.toThrow(notValid);
  }
});

test('if callers need no key, every caller is the default tenant, whatever it sends', async () => {
  const { keys, authenticate } = open({ mode: 'none' });
  for (const authorization of [undefined, 'Bearer wrong', `Bearer ${adminApiKey}`, `Bearer ${keys.make().text}`]) {
    expect(await authenticate(authorization)).toMatchObject({ tenantId: 'default', keyId: null });
  }
});

import { describe, expect, test } from 'vitest';
import { createFakeClock } from '../../tests/support/fake-clock.ts';
import { createMemoryKeys } from '../../tests/support/memory-keys.ts';
import { createKeyCache } from '../keys/key-cache.ts';
import { makeApiKey } from '../keys/key-format.ts';
import { type AuthenticatorDeps, createAuthenticator } from './authenticator.ts';

const adminApiKey = 'admin-key-0123456789';

/** An authenticator over keys in memory, and what it has been heard to note. */
function open(options: Partial<Pick<AuthenticatorDeps, 'mode' | 'adminApiKey'>> = {}) {
  const keys = createMemoryKeys();
  const clock = createFakeClock();
  const noted: string[] = [];
  const { identify } = createAuthenticator({
    mode: 'api_key',
    adminApiKey,
    ...options,
    keys: createKeyCache({ store: keys.store, clock }),
    use: { note: (id) => void noted.push(id) },
  });
  return { keys, clock, noted, identify };
}

const unauthorized = (message: string) => expect.objectContaining({ code: 'unauthorized', status: 401, message });
const notValid = unauthorized('This API key is not valid.');

describe('where keys are asked for', () => {
  test.each([`Bearer ${adminApiKey}`, `bearer ${adminApiKey}`, `BEARER   ${adminApiKey}`])(
    'the first key is let in to all, for every tenant: %s',
    async (authorization) => {
      expect(await open().identify(authorization)).toMatchObject({
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
  ])('no key is asked for one: %j', async (authorization) => {
    await expect(open().identify(authorization)).rejects.toThrow(
      unauthorized('Send an API key as "Authorization: Bearer <key>".'),
    );
  });

  test.each(['x', adminApiKey.slice(0, -1), `${adminApiKey}9`, adminApiKey.toUpperCase(), 'k'.repeat(10_000)])(
    'a wrong key is refused, and not repeated in the answer (%#)',
    async (key) => {
      await expect(open().identify(`Bearer ${key}`)).rejects.toThrow(notValid);
    },
  );

  test('a key of the store is let in as its tenant, with its scopes and its limits', async () => {
    const { keys, noted, identify } = open();
    const { id, text } = keys.make({ tenantId: 'acme', scopes: ['read'], rpm: 7, budgetUsdDay: 2 });
    expect(await identify(`Bearer ${text}`)).toMatchObject({
      tenantId: 'acme',
      keyId: id,
      scopes: ['read'],
      isOperator: false,
      limits: { rpm: 7, burst: null, budgetUsdDay: 2 },
    });
    expect(noted).toEqual([id]);
  });

  test('the id of a key is worth nothing without its secret, and what became of the key is told to nobody else', async () => {
    const { keys, noted, identify } = open();
    const { id } = keys.make({ revokedAtMs: 2 }, 0);
    for (let guess = 0; guess < 50; guess += 1) {
      await expect(identify(`Bearer ${makeApiKey(id).text}`)).rejects.toThrow(notValid);
    }
    expect(noted).toEqual([]);
    expect(keys.asked).toEqual([[id]]); // guessing at a key that there is costs the store nothing
  });

  test('what no key can be is refused without a look into the store', async () => {
    const { keys, identify } = open();
    const { text } = keys.make();
    const wrong = [text.slice(0, -1), `${text}0`, text.toUpperCase(), text.replace('ask_', 'sk_'), 'x'.repeat(80)];
    for (const each of wrong) await expect(identify(`Bearer ${each}`)).rejects.toThrow(notValid);
    expect(keys.asked).toEqual([]);
  });

  test('whoever has a key that was revoked or has expired is told so', async () => {
    const { keys, clock, identify } = open();
    const [revoked, expires] = [keys.make(), keys.make({ expiresAtMs: 1 }, 1_500)];
    await identify(`Bearer ${revoked.text}`);
    await identify(`Bearer ${expires.text}`);
    keys.revoke(revoked.id);
    await clock.advance(3_000);
    await expect(identify(`Bearer ${revoked.text}`)).rejects.toThrow(unauthorized('This API key was revoked.'));
    await expect(identify(`Bearer ${expires.text}`)).resolves.toBeDefined(); // this store gives it 1.5 s each time
    await clock.advance(1_500);
    await expect(identify(`Bearer ${expires.text}`)).rejects.toThrow(unauthorized('This API key has expired.'));
  });
});

test('where there is no key yet, none is right', async () => {
  const { identify } = open({ adminApiKey: undefined });
  for (const key of ['undefined', 'null', 'admin', makeApiKey('key_00000000000000000000000000').text]) {
    await expect(identify(`Bearer ${key}`)).rejects.toThrow(notValid);
  }
});

test('where no keys are asked for, everybody is the default tenant, whatever they send', async () => {
  const { keys, identify } = open({ mode: 'none' });
  for (const authorization of [undefined, 'Bearer wrong', `Bearer ${adminApiKey}`, `Bearer ${keys.make().text}`]) {
    expect(await identify(authorization)).toMatchObject({ tenantId: 'default', keyId: null });
  }
});

import { describe, expect, test } from 'vitest';
import { createAuthenticator } from './authenticator.ts';

const adminApiKey = 'admin-key-0123456789';

describe('where keys are asked for', () => {
  const { identify } = createAuthenticator({ mode: 'api_key', adminApiKey });

  test.each([`Bearer ${adminApiKey}`, `bearer ${adminApiKey}`, `BEARER   ${adminApiKey}`])(
    'the first key is let in: %s',
    (authorization) => {
      expect(identify(authorization)).toEqual({ tenantId: 'default', keyId: 'admin' });
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
  ])('no key is asked for one: %j', (authorization) => {
    expect(() => identify(authorization)).toThrow(
      expect.objectContaining({
        code: 'unauthorized',
        status: 401,
        message: 'Send an API key as "Authorization: Bearer <key>".',
      }),
    );
  });

  test.each(['x', adminApiKey.slice(0, -1), `${adminApiKey}9`, adminApiKey.toUpperCase(), 'k'.repeat(10_000)])(
    'a wrong key is refused, and not repeated in the answer (%#)',
    (key) => {
      expect(() => identify(`Bearer ${key}`)).toThrow(
        expect.objectContaining({ code: 'unauthorized', message: 'This API key is not valid.' }),
      );
    },
  );
});

test('where there is no key yet, none is right', () => {
  const { identify } = createAuthenticator({ mode: 'api_key', adminApiKey: undefined });
  for (const key of ['undefined', 'null', 'admin']) {
    expect(() => identify(`Bearer ${key}`)).toThrow(expect.objectContaining({ code: 'unauthorized' }));
  }
});

test('where no keys are asked for, everybody is the default tenant, whatever they send', () => {
  const { identify } = createAuthenticator({ mode: 'none', adminApiKey });
  for (const authorization of [undefined, 'Bearer wrong', `Bearer ${adminApiKey}`]) {
    expect(identify(authorization)).toEqual({ tenantId: 'default', keyId: null });
  }
});

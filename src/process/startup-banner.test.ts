import { expect, test } from 'vitest';
import { parseSettings } from '../platform/settings/settings.ts';
import { startupBanner } from './startup-banner.ts';

const environment = { APP_ENV: 'development', PORT: '0', METRICS_PORT: '0', APP_NAME: 'desk' };
const settings = { ...parseSettings(environment), hasKey: false };

test('the banner of a process without a port for callers has the address of its probes, and no request to try', () => {
  const text = startupBanner({ url: null, probeUrl: 'http://127.0.0.1:9464' }, settings);
  expect(text).toContain('desk executes runs (development)\n\n  Probes  http://127.0.0.1:9464/readyz\n');
  expect(text).not.toMatch(/API {2}|Docs|curl|Try it|null/);
});
